"""Sorting, ranking and distinct values."""

from __future__ import annotations

import numpy as np

from .. import return_types
from ..tensor import Tensor, normalize_dim, wrap
from ._op import function, op


@op(method=False, namespace=None, node="Sort")
class sort_along:
    """Values in order along one dimension, and where they came from."""

    def forward(xp, a, *, dim, descending):
        if a.ndim == 0:
            return a.copy(), xp.zeros((), "int64")
        at = _order(xp, a, dim, descending)
        return xp.take_along_axis(a, at, axis=dim), at

    def save(ctx, outs, a, *, dim, descending):
        ctx.save_for_backward(outs[1])
        ctx.shape, ctx.dim = a.shape, dim

    def backward(ctx, g, _):
        (at,) = ctx.saved_tensors
        return g.new_zeros(ctx.shape).scatter(ctx.dim, at, g) if ctx.shape else g


def _order(xp, a, dim: int, descending: bool):
    """Positions that sort stably; in descending order equal elements also keep their order, and NaN comes first."""
    if not descending:
        return xp.argsort(a, axis=dim, kind="stable")
    flipped = xp.argsort(xp.flip(a, dim), axis=dim, kind="stable")
    return a.shape[dim] - 1 - xp.flip(flipped, dim)


@function(method=True)
def sort(input, dim=-1, descending=False, stable=False, *, out=None):
    """sort(input, dim=-1, descending=False, stable=False) -> (values, indices): sorted along one dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sort.html
    """
    return return_types.sort(sort_along(input, dim=normalize_dim(dim, input.ndim), descending=bool(descending)))


@function(method=True)
def argsort(input, dim=-1, descending=False, stable=False):
    """argsort(input, dim=-1, descending=False) -> Tensor: the positions that sort the input along one dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.argsort.html
    """
    return sort(input, dim, descending).indices


@function(method=True)
def topk(input, k, dim=-1, largest=True, sorted=True, *, out=None):
    """topk(input, k, dim=-1, largest=True) -> (values, indices): the k largest (or smallest) elements along `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.topk.html
    """
    dim = normalize_dim(dim, input.ndim)
    if k < 0 or k > (input.shape[dim] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if input.ndim == 0:
        return return_types.topk(sort(input))
    values, indices = sort(input, dim, largest)
    return return_types.topk((values.narrow(dim, 0, k).contiguous(), indices.narrow(dim, 0, k).contiguous()))


@function(method=True)
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None) -> Tensor or tuple

    The distinct elements in order (or distinct slices along `dim`); optionally where each went and how often it occurs.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.unique.html
    """
    values, inverse, counts = np.unique(input._array, return_inverse=True, return_counts=True, axis=dim)
    found: list[Tensor] = [wrap(values)]
    if return_inverse:
        found.append(wrap(inverse.reshape(input._array.shape if dim is None else -1)))
    if return_counts:
        found.append(wrap(counts))
    return found[0] if len(found) == 1 else tuple(found)


@op()
class bincount:
    """bincount(input, weights=None, minlength=0) -> Tensor: how often each non-negative integer occurs.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bincount.html
    """

    def arguments(input, weights=None, minlength=0):
        if input.ndim != 1 or input._array.dtype.kind not in "iu" or (input.numel() and int(input.min()) < 0):
            raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
        return (input, weights), {"minlength": minlength}

    def forward(xp, a, weights, *, minlength):
        return xp.bincount(a, weights, minlength)
