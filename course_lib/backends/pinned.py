"""Page-locked ("pinned") host memory: a GPU copies from and to it by itself, while the program goes on.

A copy from other memory first goes through a pinned buffer of CuPy's, which costs the processor a copy of its own.
"""

from __future__ import annotations

import math

import numpy as np

from . import GPU, cuda, under_way


def empty(shape, dtype) -> np.ndarray:
    """An uninitialised array in pinned memory."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return np.ndarray(shape, dtype, buffer=cuda.cupy().cuda.alloc_pinned_memory(max(size, 1)))


def is_pinned(array) -> bool:
    """Whether a host array lies in pinned memory."""
    if GPU.module is None:  # nobody has asked for a GPU yet
        return False
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, cuda.cupy().cuda.PinnedMemoryPointer)


def pinned(array: np.ndarray) -> np.ndarray:
    """A copy in pinned memory."""
    made = empty(array.shape, array.dtype)
    made[...] = array
    return made


def to_gpu(array: np.ndarray, index: int):
    """A copy of a pinned array on a GPU; the current stream makes it, the host does not wait."""
    xp = cuda.cupy()
    with cuda.on_gpu(index):
        made = xp.empty(array.shape, array.dtype)
        made.set(array, stream=xp.cuda.get_current_stream())
        under_way.keep(array)
    return made


def to_host(array) -> np.ndarray:
    """A pinned copy of a GPU's array; the current stream makes it, and it is there once that stream is waited for."""
    made = empty(array.shape, array.dtype)
    with cuda.on_gpu(array.device.id):
        array.get(stream=cuda.cupy().cuda.get_current_stream(), out=made, blocking=False)
        under_way.keep(made)
    return made
