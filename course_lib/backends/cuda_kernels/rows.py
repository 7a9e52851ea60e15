"""Softmax and cross entropy: teams of threads, each with a row."""

from __future__ import annotations

import functools
import math

import numpy as np

from ..kernels.loading import BLOCK, LETTERS, MOST, WARP, blocks_for, launch
from ._new import like, sums

BLOCK_OF_TEAMS, MOST_OF_TEAM = 128, 512  # threads of a block of several teams, and of the largest team


def held(x) -> int:
    """How many numbers of x a thread keeps in registers."""
    return 8 if x.itemsize == 8 else 16


@functools.lru_cache(maxsize=4096)
def teams(rows: int, length: int, inner: int, most: int) -> tuple[tuple, tuple]:
    """(grid, block) for a team for each row (kernels/rows.cuh), of threads that keep up to `most` numbers each.

    blockDim.x threads side by side, a power of two up to a warp or whole warps; or blockDim.y in a column, where the
    row's numbers lie `inner` apart.
    """
    if inner > 1:
        column = min(-(-length // 8), MOST_OF_TEAM // WARP)
        row = max(WARP, min(BLOCK_OF_TEAMS, MOST_OF_TEAM // column // WARP * WARP))
        return (-(-rows // row),), (row, column)
    if length <= WARP * most:
        team = 1 << min((length - 1) // min(8, most), WARP - 1).bit_length()
        return (-(-rows * team // BLOCK_OF_TEAMS),), (team, BLOCK_OF_TEAMS // team)
    return (rows,), (min(-(-length // most // WARP) * WARP, MOST_OF_TEAM),)


def of_any_layout(x, *_) -> bool:
    """Whether kernels know the dtype and the size; what is not contiguous, the op copies."""
    return x.dtype.char in LETTERS and 0 < x.size <= MOST


def _along(name: str, dim: int, *arrays):
    """A kernel with a team for each row along `dim`."""
    x, out = arrays[-1], like(arrays[-1])
    length, inner = x.shape[dim], math.prod(x.shape[dim + 1 :])
    rows = x.size // length
    launch("softmax", name, x, *teams(rows, length, inner, held(x)), *arrays, out, rows, length, inner)
    return out


def softmax(x, dim: int):
    """exp(x) / Σ exp(x) along `dim` (not negative)."""
    return _along("softmax_forward", dim, x)


def softmax_backward(g, y, dim: int):
    """The gradient by the input from g and the output."""
    return _along("softmax_backward", dim, g, y)


def log_softmax(x, dim: int):
    """The logarithm of `softmax`."""
    return _along("log_softmax_forward", dim, x)


def log_softmax_backward(g, y, dim: int):
    """The gradient by the input from g and the output."""
    return _along("log_softmax_backward", dim, g, y)


# ---- losses of class numbers -------------------------------------------------------------------------------------


def cross_entropy(scores, target, weight, ignored: int, reduction: str, smoothing: float = 0.0):
    """The losses of scores (N, C, …) with class numbers (N, …) int64; also log Σ exp(scores) of each row, and what
    their sum was divided by (None where reduction is "none"). With smoothing there are no weights."""
    sizes, log_sum = _sizes(scores.shape), sums(scores, target.shape)
    losses = like(scores, target.shape) if reduction == "none" else sums(scores, target.shape)
    launch("cross_entropy", "cross_entropy_forward", scores, *teams(*sizes, held(scores)), scores, target,
           weight, *_one_of(reduction, losses), log_sum, *sizes, np.int64(ignored), float(smoothing))  # fmt: skip
    loss, divisor = _total(scores, losses, target, weight, ignored, reduction)
    return loss, log_sum, divisor


def cross_entropy_backward(g, scores, target, weight, log_sum, divisor, ignored: int, smoothing: float = 0.0):
    """The gradient by the scores; g has one number, or one for each row."""
    out, sizes = like(scores), _sizes(scores.shape)
    launch("cross_entropy", "cross_entropy_backward", scores, *teams(*sizes, held(scores)), g, scores,
           target, weight, log_sum, divisor, out, *sizes, divisor is not None, np.int64(ignored),
           float(smoothing))  # fmt: skip
    return out


def nll_loss(logs, target, weight, ignored: int, reduction: str):
    """`cross_entropy` of what are log-probabilities already: the losses, and what their sum was divided by."""
    rows, classes, inner = sizes = _sizes(logs.shape)
    losses = like(logs, target.shape) if reduction == "none" else sums(logs, target.shape)
    launch("cross_entropy", "nll_forward", logs, blocks_for(rows, rows), (BLOCK,), logs, target, weight,
           *_one_of(reduction, losses), *sizes, np.int64(ignored))  # fmt: skip
    return _total(logs, losses, target, weight, ignored, reduction)


def nll_loss_backward(g, target, weight, divisor, shape, ignored: int):
    """The gradient by the log-probabilities, of this shape."""
    out, sizes = like(g, shape), _sizes(shape)
    launch("cross_entropy", "nll_backward", out, *teams(*sizes, held(g)), g, target, weight, divisor, out,
           *sizes, divisor is not None, np.int64(ignored))  # fmt: skip
    return out


cross_entropy.takes = of_any_layout


def _sizes(shape) -> tuple[int, int, int]:
    """How many rows of scores there are, how long they are, and how far apart their numbers lie."""
    inner = math.prod(shape[2:])
    return shape[0] * inner, shape[1], inner


def _one_of(reduction: str, losses) -> tuple:
    return (None, losses) if reduction == "none" else (losses, None)


def _total(scores, losses, target, weight, ignored: int, reduction: str):
    if reduction == "none":
        return losses, None
    out, divisor = like(scores, ()), sums(scores, ())
    launch("cross_entropy", "cross_entropy_total", scores, (1,), (MOST_OF_TEAM,), losses, target, weight, out, divisor,
           target.size, scores.shape[1], np.int64(ignored), reduction == "mean")  # fmt: skip
    return out, divisor
