"""ONNX for products of matrices: linear layers, matmul and its relatives, einsum, attention."""

from __future__ import annotations

import math

from .. import dtypes
from .builder import Builder, Ref, handles
from .pointwise import number


@handles("linear")
def _linear(g, input, weight, bias=None):
    if input.ndim == 2 and weight.ndim == 2 and bias is not None:
        return g.op("Gemm", input, weight, bias, transB=1)
    product = g.op("MatMul", input, g.transpose(weight, (1, 0)) if weight.ndim == 2 else weight)
    return product if bias is None else g.op("Add", product, bias)


@handles("matmul", "mm", "bmm", "mv", "dot", "inner", "linalg.matmul")
def _matmul(g, input, other):
    return g.op("MatMul", input, other)


@handles("addmm", "addmv", "baddbmm")
def _addmm(g, input, a, b, *, beta=1, alpha=1):
    product = g.op("MatMul", a, b)
    product = product if alpha == 1 else g.op("Mul", product, number(g, alpha, a))
    return g.op("Add", input if beta == 1 else g.op("Mul", input, number(g, beta, a)), product)


@handles("outer", "ger")
def _outer(g, input, vec2):
    return g.op("Mul", g.unsqueeze(input, 1), g.unsqueeze(vec2, 0))


@handles("bilinear")
def _bilinear(g, input1, input2, weight, bias=None):
    by_first = g.op("Einsum", input1, weight, equation="...i,kij->...kj")
    out = g.op("Einsum", by_first, input2, equation="...kj,...j->...k")
    return out if bias is None else g.op("Add", out, bias)


@handles("einsum")
def _einsum(g, equation, *operands):
    if not isinstance(equation, str):
        g.refuse("einsum is exported with an equation as text")
    operands = operands[0] if len(operands) == 1 and isinstance(operands[0], (tuple, list)) else operands
    return g.op("Einsum", *operands, equation=equation.replace(" ", ""))


@handles("scaled_dot_product_attention")
def _attention(g, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None, enable_gqa=False):
    if dropout_p:
        g.refuse("attention with dropout has no ONNX operator here: call eval() first")
    if enable_gqa:
        key, value = [_repeated_heads(g, t, query.shape[-3] // t.shape[-3]) for t in (key, value)]
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    return _attended(g, query, key, value, attn_mask, scale, is_causal, False)[0]


@handles("ops.attend")  # the op of the heads whose weights are wanted
def _attend(g, q, k, v, mask, noise, *, scale, causal, blind_is_nan, with_weights, may_forget, kept):
    if noise is not None:
        g.refuse("attention with dropout has no ONNX operator here: call eval() first")
    made, weights = _attended(g, q, k, v, mask, scale, causal, blind_is_nan)
    return (made, weights) if with_weights else made


def _attended(g, query, key, value, mask, scale: float, is_causal: bool, blind_is_nan: bool):
    """Attention and its weights; a query that may look nowhere gives zeros unless `blind_is_nan`."""
    order = [*range(key.ndim - 2), key.ndim - 1, key.ndim - 2]
    scores = g.op("MatMul", g.op("Mul", query, number(g, scale, query)), g.transpose(key, order))
    lowest = g.constant(-math.inf, query.dtype)
    if is_causal:
        sizes = g.op("Concat", g.shape_of(query, -2, query.ndim - 1), g.shape_of(key, -2, key.ndim - 1), axis=0)
        seen = g.op("Trilu", g.op("Expand", g.constant(1), sizes), upper=0)
        scores = g.op("Where", g.op("Cast", seen, to=g.type_of(dtypes.bool)), scores, lowest)
    blind = None
    if mask is not None:
        is_bool = mask.dtype is dtypes.bool
        scores = g.op("Where", mask, scores, lowest) if is_bool else g.op("Add", scores, mask)
        if not blind_is_nan:
            largest = g.reduce("ReduceMax", scores, [query.ndim - 1 if query.ndim >= mask.ndim else -1], True)
            blind = g.op("Equal", largest, lowest)
    weights = g.op("Softmax", scores, axis=-1)
    if blind is not None:
        weights = g.op("Where", blind, g.constant(0.0, query.dtype), weights)
    return g.op("MatMul", weights, value), weights


def _repeated_heads(g: Builder, x: Ref, times: int) -> Ref:
    shape = (*x.shape[:-3], x.shape[-3] * times, *x.shape[-2:])
    return Ref(g.call("repeat_interleave", x, times, x.ndim - 3), shape, x.dtype)


@handles("cosine_similarity")
def _cosine_similarity(g, x1, x2, dim=1, eps=1e-8):
    ndim = max(x1.ndim, x2.ndim)
    a, b = [g.unsqueeze(x, *range(ndim - x.ndim)) if x.ndim < ndim else x for x in (x1, x2)]
    dim = [dim % ndim]
    lengths = [g.op("Max", g.reduce("ReduceL2", x, dim), number(g, eps, x1)) for x in (a, b)]
    product = g.reduce("ReduceSum", g.op("Mul", a, b), dim)
    return g.op("Div", product, g.op("Mul", *lengths))


@handles("pairwise_distance")
def _pairwise_distance(g, x1, x2, p=2.0, eps=1e-6, keepdim=False):
    away = g.op("Add", g.op("Sub", x1, x2), number(g, eps, x1))
    last = max(x1.ndim, x2.ndim) - 1
    return g.call("norm", Ref(away, (1,) * (last + 1), x1.dtype), p, last, keepdim)
