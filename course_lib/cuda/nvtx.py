"""torch.cuda.nvtx: names for stretches of a program, which NVIDIA's profilers show in their timelines."""

from __future__ import annotations

import contextlib

from .devices import is_available

_depth = [0]


def _nvtx():
    """CuPy's bindings."""
    if not is_available():
        raise RuntimeError("NVTX functions not installed. Are you sure you have a CUDA build?")
    from ..backends import cuda

    return cuda.cupy().cuda.nvtx


def range_push(msg: str) -> int:
    """Begin a stretch inside the current one; returns how deep it lies, from 0.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.nvtx.range_push.html
    """
    _nvtx().RangePush(msg)
    _depth[0] += 1
    return _depth[0] - 1


def range_pop() -> int:
    """End the innermost stretch; returns how deep it lay."""
    _nvtx().RangePop()
    _depth[0] -= 1
    return _depth[0]


def range_start(msg: str) -> int:
    """Begin a stretch that may end in any order, and in another thread; returns its number."""
    return _nvtx().RangeStart(msg)


def range_end(range_id: int) -> None:
    """End the stretch of this number."""
    _nvtx().RangeEnd(range_id)


def mark(msg: str) -> None:
    """Name a moment."""
    _nvtx().Mark(msg)


@contextlib.contextmanager
def range(msg: str, *args, **kwargs):
    """A context manager: the block is a stretch, whose name is `msg.format(*args, **kwargs)`."""
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()
