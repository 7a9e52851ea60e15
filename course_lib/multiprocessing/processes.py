"""`spawn`: run one function in several processes, and stop them all when one of them fails.

Each process has a pipe to the one that started it, through which the traceback of an error comes back.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
import traceback
from multiprocessing import connection


class ProcessException(Exception):
    """A process failed: `error_index` says which, `error_pid` is its number for the operating system."""

    def __init__(self, msg: str, error_index: int, error_pid: int):
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.error_pid = error_pid

    def __reduce__(self):
        return type(self), tuple(self.__dict__.values())


class ProcessRaisedException(ProcessException):
    """The function raised an error; the message holds its traceback."""


class ProcessExitedException(ProcessException):
    """The process ended by a signal or with an exit code other than 0."""

    def __init__(self, msg: str, error_index: int, error_pid: int, exit_code: int, signal_name: str | None = None):
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code
        self.signal_name = signal_name


class ProcessContext:
    """Processes that were started together."""

    def __init__(self, processes: list, reports: list):
        self.processes = processes
        self._reports = reports  # of each process, the end of its pipe
        self.sentinels = {process.sentinel: i for i, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """The numbers of the processes for the operating system."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait until a process ends, at most `timeout` seconds; True when all have ended.

        When one has failed the others are stopped (after `grace_period` seconds), and its error is raised:
        ProcessRaisedException or ProcessExitedException.
        """
        if not self.sentinels:
            return True
        for sentinel in connection.wait(list(self.sentinels), timeout):
            i = self.sentinels.pop(sentinel)
            self.processes[i].join()
            if self.processes[i].exitcode != 0:
                self._stop(grace_period)
                raise self._error_of(i)
        return not self.sentinels

    def _stop(self, grace_period: float | None) -> None:
        if grace_period is not None:
            self._wait(grace_period)
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        self._wait(30 if grace_period is None else grace_period)
        for process in self.processes:
            if process.is_alive():
                process.kill()
            process.join()

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0.0, end - time.monotonic()))

    def _error_of(self, i: int) -> ProcessException:
        process, report = self.processes[i], self._reports[i]
        try:
            text = report.recv() if report.poll() else None
        except EOFError:  # it ended without a word
            text = None
        if text is not None:
            message = f"\n\n-- Process {i} terminated with the following error:\n{text}"
            return ProcessRaisedException(message, i, process.pid)
        code = process.exitcode
        if code >= 0:
            return ProcessExitedException(f"process {i} terminated with exit code {code}", i, process.pid, code)
        name = next((found.name for found in signal.Signals if found == -code), f"<Unknown signal {-code}>")
        return ProcessExitedException(f"process {i} terminated with signal {name}", i, process.pid, code, name)


def _run(fn, i: int, args: tuple, report) -> None:
    """What each process does."""
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass  # the user stopped the program that started this process
    except Exception:
        report.send(traceback.format_exc())
        sys.exit(1)


def start_processes(fn, args=(), nprocs: int = 1, join: bool = True, daemon: bool = False, start_method: str = "spawn"):
    """Run `fn(i, *args)` in `nprocs` processes, i = 0, 1, …; with `join` wait for all, else return a ProcessContext."""
    start = multiprocessing.get_context(start_method)
    processes, reports = [], []
    for i in range(nprocs):
        receiver, sender = start.Pipe(duplex=False)
        process = start.Process(target=_run, args=(fn, i, args, sender), daemon=daemon)
        process.start()
        sender.close()  # the process has its own end
        processes.append(process)
        reports.append(receiver)
    context = ProcessContext(processes, reports)
    if not join:
        return context
    while not context.join():
        pass
    return None


def spawn(fn, args=(), nprocs: int = 1, join: bool = True, daemon: bool = False, start_method: str = "spawn"):
    """Run `fn(i, *args)` in `nprocs` new processes, i = 0, 1, …, and wait for them.

    When one fails, the others are stopped and its error is raised here, with the traceback in its text. With
    `join=False` the result is a ProcessContext, whose `join()` waits. `fn` must be a function of a module.

    Source: https://docs.pytorch.org/docs/stable/multiprocessing.html#torch.multiprocessing.spawn.spawn
    """
    return start_processes(fn, args, nprocs, join, daemon, start_method)


__all__ = ["ProcessContext", "ProcessException", "ProcessExitedException", "ProcessRaisedException", "spawn",
           "start_processes"]  # fmt: skip
