"""New arrays beside the operands of a kernel."""

from __future__ import annotations

from .. import GPU
from ..kernels.loading import accumulator


def like(x, shape=None, dtype=None):
    """A new array on x's device, with x's shape and dtype unless others are given."""
    if GPU.alone:
        return GPU.module.empty(x.shape if shape is None else shape, x.dtype if dtype is None else dtype)
    with x.device:
        return GPU.module.empty(x.shape if shape is None else shape, x.dtype if dtype is None else dtype)


def sums(x, shape):
    """A new array for numbers that were added up: float32, for float64 operands float64."""
    return like(x, shape, accumulator(x.dtype))
