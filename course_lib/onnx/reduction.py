"""ONNX for operations that bring many elements together: sums, extremes, norms, sorting, running sums."""

from __future__ import annotations

import math

from .. import dtypes
from .builder import Ref, dims_of, handles


@handles("sum")
def _sum(g, input, dim=None, keepdim=False, *, dtype=None):
    return g.reduce("ReduceSum", g.cast(input, g.out.dtype), dims_of(input, dim), keepdim)


@handles("mean")
def _mean(g, input, dim=None, keepdim=False, *, dtype=None):
    return g.reduce("ReduceMean", g.cast(input, g.out.dtype), dims_of(input, dim), keepdim)


@handles("prod")
def _prod(g, input, dim=None, keepdim=False, *, dtype=None):
    return g.reduce("ReduceProd", g.cast(input, g.out.dtype), dims_of(input, dim), keepdim)


@handles("amax")
def _amax(g, input, dim=(), keepdim=False):
    return g.reduce("ReduceMax", input, dims_of(input, dim), keepdim)


@handles("amin")
def _amin(g, input, dim=(), keepdim=False):
    return g.reduce("ReduceMin", input, dims_of(input, dim), keepdim)


def _extreme(g, reduction: str, position: str, pairwise: str, input, dim, keepdim):
    if isinstance(dim, Ref) and dim.shape is not None:
        return g.op(pairwise, g.cast(input, g.out.dtype), g.cast(dim, g.out.dtype))
    if dim is None:
        return g.reduce(reduction, input, None)
    return (g.reduce(reduction, input, dims_of(input, dim), keepdim),
            g.op(position, input, axis=dim, keepdims=int(keepdim)))  # fmt: skip


@handles("max")
def _max(g, input, dim=None, keepdim=False):
    return _extreme(g, "ReduceMax", "ArgMax", "Max", input, dim, keepdim)


@handles("min")
def _min(g, input, dim=None, keepdim=False):
    return _extreme(g, "ReduceMin", "ArgMin", "Min", input, dim, keepdim)


def _position(g, kind: str, input, dim, keepdim):
    if dim is None:
        return g.op(kind, g.reshape(input, [-1]), axis=0, keepdims=0)
    return g.op(kind, input, axis=dim, keepdims=int(keepdim))


@handles("argmax")
def _argmax(g, input, dim=None, keepdim=False):
    return _position(g, "ArgMax", input, dim, keepdim)


@handles("argmin")
def _argmin(g, input, dim=None, keepdim=False):
    return _position(g, "ArgMin", input, dim, keepdim)


def _truth(g, reduction: str, input, dim, keepdim):
    """`any` and `all` as the largest and smallest of zeros and ones."""
    ones = g.op("Cast", g.cast(input, dtypes.bool), to=g.type_of(dtypes.int32))
    return g.op("Cast", g.reduce(reduction, ones, dims_of(input, dim), keepdim), to=g.type_of(dtypes.bool))


@handles("all")
def _all(g, input, dim=None, keepdim=False):
    return _truth(g, "ReduceMin", input, dim, keepdim)


@handles("any")
def _any(g, input, dim=None, keepdim=False):
    return _truth(g, "ReduceMax", input, dim, keepdim)


@handles("logsumexp", "special.logsumexp")
def _logsumexp(g, input, dim, keepdim=False):
    return g.reduce("ReduceLogSumExp", input, dims_of(input, dim), keepdim)


def squared_deviations(g, input: Ref, dims, correction) -> str:
    """The variance, with the reduced dimensions kept."""
    away = g.op("Sub", input, g.reduce("ReduceMean", input, dims, True))
    squares = g.reduce("ReduceSum", g.op("Mul", away, away), dims, True)
    axes = dims or list(range(input.ndim))
    count = g.op("Gather", g.shape_of(input), g.constant(axes))
    count = g.op("Cast", g.op("ReduceProd", count, keepdims=0), to=g.type_of(input.dtype))
    freedom = g.op("Max", g.op("Sub", count, g.cast(correction, input.dtype)), g.cast(0.0, input.dtype))
    return g.op("Div", squares, freedom)


def _variance(g, input, dim, unbiased, keepdim, correction):
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    dims = dims_of(input, dim)
    correction = (1 if unbiased in (True, None) else 0) if correction is None else correction
    found = squared_deviations(g, input, dims, correction)
    return found if keepdim else g.squeeze(found, *(dims or range(input.ndim))) if input.ndim else found


@handles("var")
def _var(g, input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    return _variance(g, input, dim, unbiased, keepdim, correction)


@handles("std")
def _std(g, input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    return g.op("Sqrt", _variance(g, input, dim, unbiased, keepdim, correction))


@handles("norm", "linalg.vector_norm", "linalg.norm")
def _norm(g, input, p=2, dim=None, keepdim=False, *, ord=None, dtype=None):
    p = 2 if p in (None, "fro") else p
    p = p if ord is None else ord
    dims = dims_of(input, dim)
    if isinstance(p, str):
        g.refuse(f"the norm '{p}' has no ONNX operator")
    if p == 0:
        counted = g.op("Cast", g.op("Cast", input, to=g.type_of(dtypes.bool)), to=g.type_of(g.out.dtype))
        return g.reduce("ReduceSum", counted, dims, keepdim)
    if p in (1, 2):
        return g.reduce(f"ReduceL{int(p)}", input, dims, keepdim)
    size = g.op("Abs", input)
    if p in (math.inf, -math.inf):
        return g.reduce("ReduceMax" if p > 0 else "ReduceMin", size, dims, keepdim)
    total = g.reduce("ReduceSum", g.op("Pow", size, g.cast(p, input.dtype)), dims, keepdim)
    return g.op("Pow", total, g.cast(1 / p, input.dtype))


@handles("cumsum")
def _cumsum(g, input, dim, *, dtype=None):
    return g.op("CumSum", g.cast(input, g.out.dtype), g.constant(dim))


@handles("topk")
def _topk(g, input, k, dim=-1, largest=True, sorted=True):
    return tuple(g.op("TopK", input, g.ints([k]), outputs=2, axis=dim, largest=int(largest), sorted=int(sorted)))


@handles("sort")
def _sort(g, input, dim=-1, descending=False, stable=False):
    count = g.op("Gather", g.shape_of(input), g.constant([dim % input.ndim]))
    return tuple(g.op("TopK", input, count, outputs=2, axis=dim, largest=int(descending)))


@handles("argsort")
def _argsort(g, input, dim=-1, descending=False, stable=False):
    return _sort(g, input, dim, descending)[1]
