"""torch.cuda.profiler: tell NVIDIA's profilers which part of a program to look at."""

from __future__ import annotations

import contextlib

from ..backends import cuda as backend
from .devices import require


def start() -> None:
    """Let the profiler that watches this program begin.

    Source: https://docs.pytorch.org/docs/stable/cuda.html
    """
    require()
    backend.cupy().cuda.profiler.start()


def stop() -> None:
    """Let it end."""
    require()
    backend.cupy().cuda.profiler.stop()


@contextlib.contextmanager
def profile():
    """A context manager: the profiler looks at the block."""
    start()
    try:
        yield
    finally:
        stop()
