"""The iterators behind `for batch in loader`: each asks the sampler for the indices of the next batch and has a fetcher
(`fetch.py`) make it, here and now or in worker processes ahead of time.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import warnings
import weakref
from collections.abc import Iterator

from .... import cuda
from ..sampler import fresh_seed
from .fetch import _DatasetKind
from .pin_memory import pin_memory
from .transport import unpickled
from .worker import PATIENCE, WorkerError, WorkerSettings
from .workers import Worker, stop, wait


class _BaseDataLoaderIter:
    """One pass over a loader's batches; the settings are those the loader had when the pass began."""

    def __init__(self, loader):
        self._dataset = loader.dataset
        self._dataset_kind = loader._dataset_kind
        self._auto_collation = loader._auto_collation
        self._drop_last = loader.drop_last
        self._index_sampler = loader._index_sampler
        self._num_workers = loader.num_workers
        self._timeout = loader.timeout
        self._collate_fn = loader.collate_fn
        self._persistent_workers = loader.persistent_workers
        self._pin_memory = loader.pin_memory and cuda.is_available()
        if loader.pin_memory:
            _warn_of_pinning(loader)
        self._begin(loader)
        self._base_seed = fresh_seed(loader.generator)

    def _begin(self, loader) -> None:
        self._sampler_iter = iter(self._index_sampler)
        self._num_yielded = 0
        self._IterableDataset_len_called = loader._IterableDataset_len_called

    def __iter__(self) -> Iterator:
        return self

    def _next_data(self):
        raise NotImplementedError

    def __next__(self):
        batch = self._next_data()
        self._num_yielded += 1
        if self._IterableDataset_len_called is not None and self._num_yielded > self._IterableDataset_len_called:
            self._warn_of_length()
        return pin_memory(batch) if self._pin_memory else batch

    def _warn_of_length(self) -> None:
        text = (
            f"Length of IterableDataset {self._dataset} was reported to be {self._IterableDataset_len_called}"
            f"(when accessing len(dataloader)), but {self._num_yielded} samples have been fetched. "
        )
        if self._num_workers > 0:
            text += (
                "For multiprocessing data-loading, this could be caused by not properly configuring the "
                "IterableDataset replica at each worker. Please see "
                "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
            )
        warnings.warn(text, stacklevel=3)

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __getstate__(self):
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)


def _warn_of_pinning(loader) -> None:
    if loader.pin_memory_device:
        warnings.warn(
            "pin_memory_device is deprecated, the current accelerator will be used as the device,ignore "
            f"pin_memory_device='{loader.pin_memory_device}'.",
            stacklevel=6,
        )
    if not cuda.is_available():
        warnings.warn(
            "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be "
            "used.",
            stacklevel=6,
        )


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """Makes each batch when it is asked for."""

    def __init__(self, loader):
        super().__init__(loader)
        if self._timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._dataset_fetcher = _DatasetKind.create_fetcher(
            self._dataset_kind, self._dataset, self._auto_collation, self._collate_fn, self._drop_last
        )

    def _next_data(self):
        return self._dataset_fetcher.fetch(next(self._sampler_iter))


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Has worker processes make the batches ahead of time.

    Tasks are numbered and go to the workers in turn. `_assigned` says who has which task that was not handed out yet,
    `_arrived` holds the batches that came before their turn. In each epoch at most `prefetch_factor` tasks a worker
    are under way; whenever a batch is handed out, the next task is given.
    """

    def __init__(self, loader):
        super().__init__(loader)
        if loader.prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        self._in_order = loader.in_order
        self._most_outstanding = loader.prefetch_factor * loader.num_workers
        self._epoch = 0
        self._workers: list[Worker] = []
        self._stop = weakref.finalize(self, stop, self._workers, os.getpid(), PATIENCE)
        context = loader.multiprocessing_context or multiprocessing.get_context()
        try:
            for i in range(loader.num_workers):
                self._workers.append(Worker(context, self._worker_settings(i, loader)))
        except BaseException:
            self._stop()
            raise
        self._begin(loader)  # anew, as PyTorch does: a sampler that draws when its iterator is made draws again
        self._give_first_tasks()

    def _worker_settings(self, worker_id: int, loader) -> WorkerSettings:
        return WorkerSettings(self._dataset_kind, self._dataset, self._auto_collation, self._collate_fn,
                              self._drop_last, self._base_seed, loader.worker_init_fn, worker_id,
                              loader.num_workers)  # fmt: skip

    def _reset(self, loader) -> None:
        """Begin the next epoch with the same workers; answers to tasks of the last one will be ignored."""
        self._begin(loader)
        self._epoch += 1
        for worker in self._workers:
            worker.resume(self._epoch)
        self._give_first_tasks()

    def _give_first_tasks(self) -> None:
        self._next_given = 0
        self._assigned: dict[int, Worker] = {}
        self._arrived: dict[int, list] = {}
        self._turns = itertools.cycle(self._workers)
        for _ in range(self._most_outstanding):
            self._give_task()

    def _give_task(self) -> None:
        """Give the next indices to the worker whose turn it is; nothing where there are no more of either."""
        try:
            index = next(self._sampler_iter)
        except StopIteration:
            return
        worker = self._next_worker()
        if worker is not None:
            self._assigned[self._next_given] = worker
            worker.give(self._epoch, self._next_given, index)
            self._next_given += 1

    def _next_worker(self) -> Worker | None:
        active = sum(worker.active for worker in self._workers)
        for worker in itertools.islice(self._turns, len(self._workers)):
            if worker.active and (self._in_order or worker.outstanding < self._most_outstanding // active):
                return worker
        return None

    def _next_data(self):
        while (number := self._next_number()) not in self._arrived:
            self._receive()
        self._assigned.pop(number).outstanding -= 1
        self._give_task()  # now, not when a batch comes: so a sampler draws its numbers at the same time in every run
        batch = unpickled(self._arrived.pop(number))
        if isinstance(batch, WorkerError):
            batch.reraise()
        return batch

    def _next_number(self) -> int:
        """The number of the batch to hand out next, arrived or not; StopIteration at the end."""
        if not self._in_order and self._arrived:
            return next(iter(self._arrived))
        while self._assigned:
            number = next(iter(self._assigned))  # the lowest: numbers are given in order
            if number in self._arrived or self._assigned[number].active:
                return number
            del self._assigned[number]  # its worker has no more samples
        if not self._persistent_workers:
            self._shutdown_workers()
        raise StopIteration

    def _receive(self) -> None:
        """Wait until a worker has answered, and take what has come."""
        ready = wait(self._workers, self._timeout or None)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        for worker in ready:
            answer, buffers = worker.take()
            if answer.epoch != self._epoch:
                continue
            if not answer.ended:
                self._arrived[answer.number] = buffers
            elif worker.active:
                worker.active = False
                self._give_task()

    def _shutdown_workers(self) -> None:
        """End the workers now; it also happens when the iterator is no longer used, and when Python ends."""
        self._stop()
        self._assigned, self._arrived = {}, {}
