"""The worker's side of a loader: a process that makes the batches it is told to, one after the other.

A thread of it takes tasks out of the pipe as they come, so that the loader never waits to hand one over, and notices
when the loader's process is gone. Everything random is seeded from the loader's seed plus the worker's number.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import random
import threading
import time
import traceback
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ....random import manual_seed
from ....settings import set_num_threads
from .fetch import _DatasetKind
from .transport import Sender, pickled

PATIENCE = 5.0  # seconds that a worker is given to finish its sample when no more are needed
_worker_info = None


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What `get_worker_info` tells a worker about itself."""

    id: int
    num_workers: int
    seed: int
    dataset: object
    rng: object = None
    worker_method: str = "multiprocessing"


def get_worker_info() -> WorkerInfo | None:
    """In a worker process of a DataLoader its `id`, `num_workers`, `seed` and copy of the `dataset`; None elsewhere.

    An iterable dataset uses it to give each worker its own share.

    >>> from course_lib.utils.data import get_worker_info
    >>> get_worker_info() is None
    True

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.get_worker_info
    """
    return _worker_info


class Task(NamedTuple):
    """One batch to make: its number in its epoch, the indices, and the slot of shared memory to use, if one is free."""

    epoch: int
    number: int
    index: object
    slot: int | None


class Answer(NamedTuple):
    """What goes with a batch: which task it answers, its slot, and whether the samples have come to their end."""

    epoch: int
    number: int
    slot: int | None
    ended: bool


class Resume(NamedTuple):
    """A new epoch of a loader with persistent workers begins."""

    epoch: int


class Ended:
    """Stands for a batch where the worker's iterable dataset has no more samples."""


class WorkerError:
    """Sent instead of a batch: an exception as text, to be raised again in the loader's process."""

    def __init__(self, error: BaseException, worker_id: int):
        kind = type(error)
        original = "".join(traceback.format_exception(error))
        self.text = f"Caught {kind.__name__} in DataLoader worker process {worker_id}.\nOriginal {original}"
        try:
            pickle.dumps(kind)
            self.kind = kind
        except Exception:  # a class that the loader's process cannot find
            self.kind = RuntimeError

    def reraise(self):
        """Raise the same kind of exception; RuntimeError where it cannot be made of one text."""
        if self.kind is KeyError:
            raise KeyError(_PlainText(self.text))  # KeyError shows the repr of its argument
        if getattr(self.kind, "message", None):
            raise self.kind(message=self.text)
        try:
            error = self.kind(self.text)
        except Exception:
            raise RuntimeError(self.text) from None
        raise error


class _PlainText(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def seed_everything(base_seed: int, worker_id: int) -> int:
    """Seed this library, `random` and NumPy for a worker; returns the worker's seed."""
    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    words = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))
    return seed


class WorkerSettings(NamedTuple):
    """What a worker is started with."""

    dataset_kind: int
    dataset: object
    auto_collation: bool
    collate_fn: object
    drop_last: bool
    base_seed: int
    init_fn: object
    worker_id: int
    num_workers: int

    def fetcher(self):
        """What makes batches of indices; for an iterable dataset it starts a new pass."""
        return _DatasetKind.create_fetcher(
            self.dataset_kind, self.dataset, self.auto_collation, self.collate_fn, self.drop_last
        )

    @property
    def iterable(self) -> bool:
        return self.dataset_kind == _DatasetKind.Iterable

    def first_fetcher(self):
        """The same, after the user's preparations."""
        if self.init_fn is not None:
            self.init_fn(self.worker_id)
        return self.fetcher()

    def attempt(self, function, *args):
        """What the function returns; `Ended` or a `WorkerError` where it raises."""
        try:
            return function(*args)
        except Exception as error:
            if self.iterable and isinstance(error, StopIteration):
                return Ended()
            return WorkerError(error, self.worker_id)


def run_worker(settings: WorkerSettings, tasks, results) -> None:
    """The whole life of a worker process."""
    # Ctrl-C reaches the loader's process, too; a broken pipe says that it is gone.
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError, ConnectionResetError):
        _work(settings, tasks, Sender(results))


def _work(settings: WorkerSettings, tasks, sender: Sender) -> None:
    global _worker_info
    set_num_threads(1)  # the workers are what runs side by side
    seed = seed_everything(settings.base_seed, settings.worker_id)
    _worker_info = WorkerInfo(settings.worker_id, settings.num_workers, seed, settings.dataset)

    todo = _read_ahead(tasks)
    fetcher = settings.attempt(settings.first_fetcher)
    while (task := todo.get()) is not None:
        if isinstance(task, Resume):
            if settings.iterable:
                fetcher = settings.attempt(settings.fetcher)
            continue
        batch = fetcher if isinstance(fetcher, WorkerError) else settings.attempt(fetcher.fetch, task.index)
        buffers = settings.attempt(pickled, batch)
        if isinstance(buffers, WorkerError):  # a batch that cannot be pickled
            batch, buffers = buffers, pickled(buffers)
        sender.send(Answer(task.epoch, task.number, task.slot, isinstance(batch, Ended)), buffers)


def _read_ahead(tasks) -> queue.SimpleQueue:
    """A queue that a thread fills from the pipe; None, the end, comes when the loader says so or is gone."""
    todo: queue.SimpleQueue = queue.SimpleQueue()

    def read():
        try:
            while (task := tasks.recv()) is not None:
                todo.put(task)
        except (EOFError, OSError):
            pass  # the loader's process is gone
        while not todo.empty():
            todo.get()
        todo.put(None)
        time.sleep(PATIENCE)
        os._exit(1)  # the sample takes for ever; where it does not, the process has ended and this thread with it

    threading.Thread(target=read, daemon=True).start()
    return todo
