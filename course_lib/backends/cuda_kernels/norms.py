"""Layer and RMS norm, where a block works on a row, and batch norm, where it works on a channel."""

from __future__ import annotations

import math

from ..kernels.loading import WARP, block_for_row, launch
from ._new import like, sums
from .reductions import add_columns


def layer_norm(x, weight, bias, n: int, eps: float):
    """Rows of n elements normalised; also their means and rates 1 / √(variance + eps)."""
    rows = x.size // n
    out, mean, rate = like(x), sums(x, rows), sums(x, rows)
    launch("layer_norm", "layer_norm_forward", x, (rows,), block_for_row(n), x, weight, bias, out, mean, rate, n,
           float(eps))  # fmt: skip
    return out, mean, rate


def rms_norm(x, weight, n: int, eps: float):
    """Rows of n elements divided by √(mean of squares + eps); also those rates."""
    rows = x.size // n
    out, rate = like(x), sums(x, rows)
    launch("layer_norm", "rms_norm_forward", x, (rows,), block_for_row(n), x, weight, out, rate, n, float(eps))
    return out, rate


def norm_backward(g, x, weight, mean, rate, n: int):
    """The gradient by x of `layer_norm`, or with mean=None of `rms_norm`."""
    out = like(x)
    launch("layer_norm", "norm_backward", x, (x.size // n,), block_for_row(n), g, x, weight, mean, rate, out, n)
    return out


def norm_parameters_backward(g, x, mean, rate, n: int):
    """The gradients by weight and bias, each (n,)."""
    rows = x.size // n
    shares = min(-(-rows // 32), 64)  # of the rows, each a row of blocks
    parts = sums(x, (2, shares, n))
    launch("layer_norm", "norm_parameters_backward", x, (-(-n // WARP), shares), (WARP, 8), g, x, mean, rate, parts,
           rows, n)  # fmt: skip
    return tuple([add_columns("sum_columns_of_parts", x, part, shares, n) for part in parts])


def layer_norm_backward(g, x, weight, mean, rate, shape, needed):
    """The gradients by x and, where `needed`, by weight and bias, for rows of this shape."""
    n = math.prod(shape)
    by_x, slopes = norm_backward(g, x, weight, mean, rate, n), (None, None)
    if needed[1] or needed[2]:
        slopes = norm_parameters_backward(g, x, mean, rate, n)
    return by_x, *[slope.reshape(shape) if need else None for slope, need in zip(slopes, needed[1:])]


def batch_norm(x, weight, bias, eps: float):
    """Channels of x (N, C, …) normalised; also their means and rates 1 / √(variance + eps)."""
    samples, channels, places = x.shape[0], x.shape[1], math.prod(x.shape[2:])
    out, mean, rate = like(x), sums(x, channels), sums(x, channels)
    launch("batch_norm", "batch_norm_forward", x, (channels,), block_for_row(samples * places), x, weight, bias, out,
           mean, rate, samples, channels, places, float(eps))  # fmt: skip
    return out, mean, rate


def batch_norm_backward(g, x, weight, mean, rate):
    """The gradients by x, weight and bias."""
    samples, channels, places = x.shape[0], x.shape[1], math.prod(x.shape[2:])
    out, by_weight, by_bias = like(x), sums(x, channels), sums(x, channels)
    launch("batch_norm", "batch_norm_backward", x, (channels,), block_for_row(samples * places), g, x, weight, mean,
           rate, out, by_weight, by_bias, samples, channels, places)  # fmt: skip
    return out, by_weight, by_bias
