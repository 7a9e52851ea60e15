"""Softmax and cross entropy: a block works on a row."""

from __future__ import annotations

import math

import numpy as np

from ..kernels.loading import block_for_row, launch
from ._new import like, sums


def _along(file: str, name: str, dim: int, *arrays):
    """A kernel with a block for each row along `dim`."""
    x, out = arrays[-1], like(arrays[-1])
    length = x.shape[dim]
    rows = (x.size // length,) if length else (0,)
    launch(file, name, x, rows, block_for_row(length), *arrays, out, length, math.prod(x.shape[dim + 1 :]))
    return out


def softmax(x, dim: int):
    """exp(x) / Σ exp(x) along `dim` (not negative)."""
    return _along("softmax", "softmax_forward", dim, x)


def softmax_backward(g, y, dim: int):
    """The gradient by the input from g and the output."""
    return _along("softmax", "softmax_backward", dim, g, y)


def log_softmax(x, dim: int):
    """The logarithm of `softmax`."""
    return _along("softmax", "log_softmax_forward", dim, x)


def log_softmax_backward(g, y, dim: int):
    """The gradient by the input from g and the output."""
    return _along("softmax", "log_softmax_backward", dim, g, y)


def cross_entropy(scores, target, ignored: int = -100):
    """Losses of rows of scores (N, C) with class numbers (N,) int64, and log Σ exp(scores) of each row."""
    rows, classes = scores.shape
    loss, log_sum = sums(scores, rows), sums(scores, rows)
    launch("cross_entropy", "cross_entropy_forward", scores, (rows,), block_for_row(classes), scores, target, loss,
           log_sum, classes, np.int64(ignored))  # fmt: skip
    return loss, log_sum


def cross_entropy_backward(g, scores, target, log_sum, ignored: int = -100):
    """The gradient by the scores; g has a number for each row, in the type of the losses."""
    rows, classes = scores.shape
    out = like(scores)
    launch("cross_entropy", "cross_entropy_backward", scores, (rows,), block_for_row(classes), g, scores, target,
           log_sum, out, classes, np.int64(ignored))  # fmt: skip
    return out
