"""The loader's side of its worker processes: start them, wait for one of them, end them.

Each worker has two pipes of its own, one for tasks and one for batches. The loader waits for the batches and for the
end of the processes at the same time, so that a worker that dies is noticed at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from multiprocessing import connection, util

from .transport import Receiver
from .worker import Answer, Resume, Task, WorkerSettings, run_worker

MOST_SLOTS = 16  # segments of shared memory a worker; each takes a file descriptor


class Worker:
    """One worker process as the loader sees it."""

    def __init__(self, context, settings: WorkerSettings):
        take_task, self._give_task = context.Pipe(duplex=False)
        take_batch, give_batch = context.Pipe(duplex=True)  # a socket: it can carry file descriptors
        self._receiver = Receiver(take_batch)
        self._slots_free: list[int] = []
        self._slots_made = 0
        self.outstanding = 0  # tasks of this epoch whose batches were not handed out
        self.active = True  # False when its iterable dataset has ended
        # A forked process gets copies of these ends. It closes them: else a worker could not notice that we are gone.
        util.register_after_fork(self, Worker._close)
        self.process = context.Process(target=run_worker, args=(settings, take_task, give_batch), daemon=True)
        try:
            self.process.start()
        finally:
            take_task.close()
            give_batch.close()

    @property
    def sources(self):
        """What to wait for: a batch, the end of the process."""
        return self._receiver.connection, self.process.sentinel

    def give(self, epoch: int, number: int, index) -> None:
        """Hand a task over."""
        if not self._slots_free and self._slots_made < MOST_SLOTS:
            self._slots_free.append(self._slots_made)
            self._slots_made += 1
        self._send(Task(epoch, number, index, self._slots_free.pop() if self._slots_free else None))
        self.outstanding += 1

    def resume(self, epoch: int) -> None:
        """Say that a new epoch begins."""
        self.active, self.outstanding = True, 0
        self._send(Resume(epoch))

    def _send(self, message) -> None:
        try:
            self._give_task.send(message)
        except OSError:
            raise_died([self])

    def take(self) -> tuple[Answer, list]:
        """The next answer and the buffers of its batch."""
        try:
            answer, buffers = self._receiver.receive()
        except (EOFError, OSError):
            raise_died([self])
        if answer.slot is not None:
            self._slots_free.append(answer.slot)
        return answer, buffers

    def ask_to_stop(self) -> None:
        """Say that no batch is needed any more."""
        with contextlib.suppress(OSError):  # it may be dead already
            self._give_task.send(None)
        self._close()  # a worker that waits to be heard hears that nobody listens

    def _close(self) -> None:
        self._give_task.close()
        self._receiver.connection.close()

    def end(self, deadline: float) -> None:
        """Wait until the process has ended; from the deadline on with force."""
        self.process.join(max(0.0, deadline - time.monotonic()))
        if self.process.exitcode is None:
            self.process.terminate()
            self.process.join(1)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()


def wait(workers: list[Worker], timeout: float | None) -> list[Worker]:
    """The workers that have a batch ready, at least one; none after `timeout` seconds. RuntimeError for a dead one."""
    sources = [(worker, *worker.sources) for worker in workers]
    ready = connection.wait([source for _, *both in sources for source in both], timeout)
    with_batch = [worker for worker, batches, _ in sources if batches in ready]
    if ready and not with_batch:
        raise_died([worker for worker, _, end in sources if end in ready])
    return with_batch


def raise_died(workers: list[Worker]):
    """Raise the error that says which workers died; its cause says how."""
    for worker in workers:
        worker.process.join(1)
    pids = ", ".join(str(worker.process.pid) for worker in workers)
    raise RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly") from _cause(workers[0].process)


def _cause(process) -> RuntimeError | None:
    code = process.exitcode
    if not code:
        return None
    if code > 0:
        return RuntimeError(
            f"DataLoader worker (pid {process.pid}) exited unexpectedly with exit code {code}. Details are lost due to "
            "multiprocessing. Rerunning with num_workers=0 may give better error trace."
        )
    return RuntimeError(f"DataLoader worker (pid {process.pid}) is killed by signal: {signal.strsignal(-code)}. ")


def stop(workers: list[Worker], owner: int, patience: float) -> None:
    """End all workers; does nothing in a process that only has a copy of them, by a fork."""
    if os.getpid() != owner:
        return
    for worker in workers:
        worker.ask_to_stop()
    deadline = time.monotonic() + patience
    for worker in workers:
        worker.end(deadline)
    workers.clear()
