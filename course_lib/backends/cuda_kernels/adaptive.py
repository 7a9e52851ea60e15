"""Adaptive pooling: the last dimensions (…, one to three) divided into as many parts as are wanted."""

from __future__ import annotations

import functools
import math

import numpy as np

from ..kernels.loading import BLOCK, WARP, blocks_for, launch
from ._new import like
from .windows import rows_launch

_PARTS = np.dtype([("in", "i4"), ("out", "i4")])
_DIVISION = np.dtype([("deep", _PARTS), ("down", _PARTS), ("across", _PARTS)])


@functools.lru_cache(maxsize=4096)
def _division(inside, size) -> np.ndarray:
    """The kernels' argument `Division`; a NumPy array of one structure is passed by value."""
    parts = [(1, 1)] * (3 - len(size)) + list(zip(inside, size, strict=True))
    return np.array([tuple(parts)], _DIVISION)


def _launch(name: str, over, inside, size, *arrays) -> None:
    """Launch a kernel over the rows of the array `over`."""
    rows = over.size // over.shape[-1]
    launch("adaptive_pool", name, over, *rows_launch(rows, over.shape[-1]), *arrays, rows,
           _division(tuple(inside), tuple(size)))  # fmt: skip


def adaptive_avg_pool(image, size):
    """The mean of every part."""
    lead, inside = image.shape[: -len(size)], image.shape[-len(size) :]
    out = like(image, (*lead, *size))
    if math.prod(size) == 1:
        launch("adaptive_pool", "plane_means", out, blocks_for(out.size * WARP), (BLOCK,), image, out, out.size,
               math.prod(inside))  # fmt: skip
    else:
        _launch("adaptive_avg_forward", out, inside, size, image, out)
    return out


def adaptive_avg_pool_backward(g, shape, dims: int):
    """The gradient by images of this shape, of which the last `dims` dimensions were divided."""
    image = like(g, shape)
    _launch("adaptive_avg_backward", image, shape[-dims:], g.shape[-dims:], g, image)
    return image


def adaptive_max_pool(image, size):
    """The largest number of every part, and where in its plane it lies (int64)."""
    lead, inside = image.shape[: -len(size)], image.shape[-len(size) :]
    out, places = like(image, (*lead, *size)), like(image, (*lead, *size), np.int64)
    _launch("adaptive_max_forward", out, inside, size, image, out, places)
    return out, places


def adaptive_max_pool_backward(g, chosen, shape, dims: int):
    """The gradient by images of this shape, of which the last `dims` dimensions were divided."""
    image = like(g, shape)
    _launch("adaptive_max_backward", image, shape[-dims:], g.shape[-dims:], g, chosen, image)
    return image
