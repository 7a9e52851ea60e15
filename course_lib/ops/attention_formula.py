"""Attention written in Tensor ops: what autograd differentiates where a gradient shall itself have a gradient."""

from __future__ import annotations

import math

from .. import dtypes
from .matmul import matmul
from .softmax import softmax


def in_tensors(q, k, v, mask, noise, *, scale, causal, blind_is_nan=False, with_weights=False, **_):
    """softmax(q @ k.T * scale + mask) * noise @ v, and with `with_weights` the weights: see attention.py's `attend`."""
    scores = matmul(q * scale, k.transpose(-2, -1))
    if causal:
        scores = scores.masked_fill(scores.new_ones(scores.shape[-2:], dtype=dtypes.bool).triu_(1), -math.inf)
    if mask is not None and mask._array.dtype.kind == "b":
        scores = scores.masked_fill(mask.logical_not(), -math.inf)
    elif mask is not None:
        scores = scores + mask
    if blind_is_nan:
        weights = softmax(scores, -1)
    else:
        blind = (scores.detach() == -math.inf).all(-1, True)
        weights = softmax(scores.masked_fill(blind, 0), -1).masked_fill(blind, 0)  # 0 first: no nan in its gradient
    if noise is not None:
        weights = weights * noise
    made = matmul(weights, v)
    return (made, weights) if with_weights else made
