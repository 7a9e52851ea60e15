"""Memory that a GPU still reads or writes when the program has no more use for it.

CuPy gives memory that nobody holds to the next array at once. That is right for what one stream does, which keeps its
order; not for host memory, nor for a second stream. Such arrays are kept here until a mark in the stream is reached.
"""

from __future__ import annotations

import collections
import weakref

from . import GPU, cuda

_kept: collections.deque = collections.deque()  # (a mark, an array)


def keep(array, stream=None) -> None:
    """Keep an array until a stream (the current one if none is given) has done its work so far."""
    if GPU.capture is not None:  # the work is repeated with every replay
        GPU.capture.kept.append(array)
        return
    event = cuda.cupy().cuda.Event(disable_timing=True)
    event.record(stream)
    _kept.append((event, array))
    while _kept and _kept[0][0].done:
        _kept.popleft()


def keep_when_freed(tensor, stream) -> None:
    """When the tensor is gone, keep its array until the stream has done its work up to then."""
    weakref.finalize(tensor, keep, tensor._array, stream).atexit = False
