"""Linear maps of features: linear and bilinear."""

from __future__ import annotations

import math

import numpy as np

from ..backends import array_module, backend_of, is_numpy
from ..tensor import Tensor
from ._arguments import argument_error
from ._autocast import AUTOCAST, lowered
from ._fused import all_wide
from ._numeric import conjugate, is_half, kind_name, narrow, wide
from ._op import function, op
from .matmul import bmm, matmul


def _save_factors(ctx, out, a, weight, bias=None) -> None:
    """Each factor is what the other one's gradient needs; an edge is None where no gradient is needed."""
    edge_a, edge_weight = ctx.edges[:2]
    ctx.save_for_backward(a if edge_weight else None, weight if edge_a else None)


def _backward(ctx, g) -> tuple:
    """The gradients by the rows, the weight and the bias, if there is one."""
    a, weight = ctx.saved_tensors
    edge_a, edge_weight, edge_bias = (*ctx.edges, None)[:3]
    if not isinstance(g, Tensor):
        found = (_gradients_of_rows if is_numpy(g) else _gradients_on_gpu)(g, a, weight, edge_bias)
    else:
        by_a, rows = g.matmul(conjugate(weight)) if edge_a else None, _as_rows(g)
        by_weight = rows.t().mm(conjugate(_as_rows(a))) if edge_weight else None
        found = by_a, by_weight, rows.sum(0) if edge_bias else None
    return found[: len(ctx.edges)]


@op(method=False, namespace=None, node="Addmm", on_arrays=True)
class rows_times_weight:
    """`input @ weight.T + bias` for a matrix of rows, (n, in) with (out, in) and (out,); on a GPU also for (…, in)."""

    def forward(xp, a, weight, bias):
        if xp is not np and a.dtype.kind not in "biu":
            return backend_of(xp).added(bias, a, weight.T)
        if is_half(a.dtype):
            return (xp.matmul(a.astype("f4"), weight.astype("f4").T) + bias.astype("f4")).astype(a.dtype)
        made = a.dot(weight.T)  # for small matrices much cheaper than matmul
        made += bias
        return made

    save, backward = _save_factors, _backward


@op(method=False, namespace=None, node="Mm", on_arrays=True)
class rows_times_weight_only:
    """`input @ weight.T` on a GPU, for (…, in): each op costs more there than its numbers do, a transposed view too."""

    def forward(xp, a, weight):
        return backend_of(xp).product(a, weight.T)

    save, backward = _save_factors, _backward


def _as_rows(x):
    """A tensor or array (…, n) as a matrix."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _gradients_of_rows(g, a, weight, needs_bias) -> tuple:
    """The same on bare arrays; `a` and `weight` are None where the other one needs no gradient."""
    dtype = g.dtype
    if is_half(dtype):
        g, a, weight = all_wide(g, a, weight)
    found = (
        None if weight is None else g.dot(conjugate(weight)),
        None if a is None else g.T.dot(conjugate(a)),
        np.add.reduce(g, 0) if needs_bias else None,
    )
    return found if g.dtype == dtype else tuple([None if x is None else x.astype(dtype) for x in found])


def _gradients_on_gpu(g, a, weight, needs_bias) -> tuple:
    """Two products and the sums of g's columns."""
    xp = array_module(g)
    backend = backend_of(xp)
    if 0 in g.strides:  # the gradient of a sum is one number for all places: laid out once for all that read it
        g = xp.ascontiguousarray(g)
    rows = _as_rows(g)
    return (
        None if weight is None else backend.product(g, conjugate(weight)),
        None if a is None else backend.product(rows.T, conjugate(_as_rows(a))),
        sum_of_columns(xp, rows) if needs_bias else None,
    )


def sum_of_columns(xp, g):
    """The sum over the rows of a matrix, added up in float32 at least: a bias' gradient."""
    add = backend_of(xp).kernel("sum_columns", g)
    return narrow(xp.add.reduce(wide(g), 0), g.dtype) if add is None else add(g)


def _check_linear(input, weight, bias) -> None:
    if input.dtype is not weight.dtype and bias is not None:
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {kind_name(input)} and {kind_name(weight)}"
        )
    if input.ndim == 0 or weight.ndim == 0:
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are {input.ndim}D and {weight.ndim}D"
        )
    if weight.ndim == 2 and input.shape[-1] != weight.shape[1]:
        rows = input.numel() // max(input.shape[-1], 1)
        (out, width) = weight.shape
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{input.shape[-1]} and {width}x{out})")
    if bias is not None and weight.ndim == 2 and bias.shape not in ((weight.shape[0],), (1,), ()):
        rows = input.numel() // max(input.shape[-1], 1)
        raise RuntimeError(
            f"The expanded size of the tensor ({weight.shape[0]}) must match the existing size ({bias.shape[-1]}) at "
            f"non-singleton dimension 1.  Target sizes: {[rows, weight.shape[0]]}.  Tensor sizes: {list(bias.shape)}"
        )


@function(namespace="nn.functional")
def linear(input, weight, bias=None):
    """linear(input, weight, bias=None) -> Tensor

    `input @ weight.T + bias`: input (…, in), weight (out, in) or (in,), bias (out,), result (…, out). RuntimeError
    where the sizes do not fit.

    >>> import course_lib as torch
    >>> torch.nn.functional.linear(torch.ones(2, 3), torch.ones(1, 3), torch.tensor([0.5]))
    tensor([[3.5000],
            [3.5000]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear.html
    """
    if not isinstance(input, Tensor):
        raise argument_error("linear", "input", 1, input)
    if AUTOCAST.on:
        input, weight, bias = lowered(input, weight, bias)
    x, w = input._array, weight._array
    if (
        x.dtype is not w.dtype
        or w.ndim != 2
        or x.ndim == 0
        or x.shape[-1] != w.shape[1]
        or (bias is not None and bias._array.shape != w.shape[:1])
    ):
        _check_linear(input, weight, bias)
    on_gpu = not is_numpy(x) and x.ndim > 1 and w.ndim == 2 and x.dtype.kind not in "biu"
    if bias is None:
        return rows_times_weight_only(input, weight) if on_gpu and x.dtype == w.dtype else matmul(input, weight.t())
    if w.ndim != 2 or bias._array.shape != w.shape[:1]:
        return matmul(input, weight.t()) + bias
    if x.ndim == 2 or on_gpu:
        return rows_times_weight(input, weight, bias)
    made = rows_times_weight(input.reshape(-1, x.shape[-1]) if x.size else input.reshape(0, x.shape[-1]), weight, bias)
    return made.view(*x.shape[:-1], w.shape[0])


@function()
@function(namespace="nn.functional")
def bilinear(input1, input2, weight, bias=None):
    """bilinear(input1, input2, weight, bias=None) -> Tensor

    `x1 @ weight[k] @ x2 + bias[k]` for each output feature k: input1 (…, n), input2 (…, m), weight (out, n, m).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.bilinear.html
    """
    _check_bilinear(input1, input2, weight, bias)
    if is_half(input1._array.dtype):
        made = bilinear(input1.float(), input2.float(), weight.float(), None if bias is None else bias.float())
        return made.to(input1.dtype)
    out, n, m = weight.shape
    batch = input1.shape[:-1]
    x1, x2 = input1.reshape(input1.numel() // max(n, 1), n), input2.reshape(input2.numel() // max(m, 1), m)
    left = matmul(x1, weight.permute(1, 0, 2).reshape(n, out * m)).view(-1 if x1.numel() else 0, out, m)
    if input1.is_cuda:  # without the products one by one
        made = bmm(left, x2.unsqueeze(2)).view(*batch, out)
    else:
        made = (left * x2.unsqueeze(1)).sum(2).view(*batch, out)
    return made if bias is None else made + bias


def _check_bilinear(input1, input2, weight, bias) -> None:
    if input1.ndim != input2.ndim:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {input1.ndim} and {input2.ndim}")
    for d in range(input1.ndim - 1):
        if input1.shape[d] != input2.shape[d]:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {d}: got {input1.shape[d]} and "
                f"{input2.shape[d]}"
            )
    for number, given in ((1, input1.shape[-1]), (2, input2.shape[-1])):
        wanted = weight.shape[number]
        if given != wanted:
            raise RuntimeError(
                f"bilinear(): input{number} size does not match weight size: got {given} but expected {wanted}"
            )
    if bias is not None and bias.shape[0] != weight.shape[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected {weight.shape[0]}"
        )
