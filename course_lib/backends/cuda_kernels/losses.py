"""Losses of two tensors, element by element: value and gradient, each one pass over both; losses.cu lists them."""

from __future__ import annotations

import numpy as np

from ..kernels.loading import BLOCK, WARP, accumulator, blocks_for, launch
from ._new import like

_SMALL = 1 << 14  # up to here one block adds up everything


def loss(name: str, a, b, reduction: str, constant: float = 0.0):
    """The loss of each element ("none"), their sum or their mean; `constant`: delta or beta where there is one."""
    only = {"FUNCTIONS": f"LOSS({name})"}
    if reduction == "none":
        out = like(a)
        launch("losses", f"{name}_each", a, blocks_for(-(-a.size // 4)), (BLOCK,), a, b, out, float(constant), a.size,
               **only)  # fmt: skip
        return out
    out, divisor = like(a, ()), float(a.size if reduction == "mean" else 1)
    blocks = 1 if a.size <= _SMALL else blocks_for(-(-a.size // 16), 1024)[0]
    shares = None if blocks == 1 else like(a, blocks * accumulator(a.dtype).itemsize, np.uint8)
    launch("losses", f"{name}_shares", a, (blocks,), (2 * BLOCK,), a, b, shares, out, float(constant), divisor, a.size,
           **only)  # fmt: skip
    if blocks > 1:
        launch("reductions", "total_of_shares", a, (1,), (WARP, 1), shares, out, None, divisor, blocks, 1,
               FUNCTIONS="REDUCTION(total)")  # fmt: skip
    return out


def loss_backward(name: str, g, a, b, share: float, constant: float = 0.0, other: bool = False):
    """g · share · the slope by a, or by b if `other`; g has one element or as many as a."""
    out = like(a)
    kernel = f"{name}_backward_other" if other else f"{name}_backward"
    launch("losses", kernel, a, blocks_for(-(-a.size // 4)), (BLOCK,), g, g.size == 1, a, b, out, float(constant),
           float(share), a.size, FUNCTIONS=f"LOSS({name})")  # fmt: skip
    return out
