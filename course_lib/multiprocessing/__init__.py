"""torch.multiprocessing: Python's `multiprocessing` by PyTorch's name, and `spawn`, which starts many of one function.

A tensor that is sent to another process is copied there: changes on one side are not seen on the other. (PyTorch puts
it into memory that both see.)
"""

from __future__ import annotations

import multiprocessing

from .processes import ProcessContext, ProcessExitedException, ProcessRaisedException, spawn, start_processes

globals().update({name: getattr(multiprocessing, name) for name in multiprocessing.__all__})  # Process, Queue, …

_STRATEGIES = {"file_descriptor", "file_system"}
_state = {"strategy": "file_descriptor"}


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepted for PyTorch's sake: here tensors are copied to other processes, not shared.

    Source: https://docs.pytorch.org/docs/stable/multiprocessing.html
    """
    if new_strategy not in _STRATEGIES:
        raise AssertionError(f"invalid sharing strategy {new_strategy!r}, expected one of {_STRATEGIES}")
    _state["strategy"] = new_strategy


def get_sharing_strategy() -> str:
    """What `set_sharing_strategy` was given."""
    return _state["strategy"]


def get_all_sharing_strategies() -> set[str]:
    """The names that `set_sharing_strategy` accepts."""
    return set(_STRATEGIES)


__all__ = [*multiprocessing.__all__, "ProcessContext", "ProcessExitedException", "ProcessRaisedException",
           "get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn",
           "start_processes"]  # fmt: skip
