"""ONNX for products of matrices: linear layers, matmul and its relatives, einsum, attention."""

from __future__ import annotations

from .builder import Ref, handles
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
