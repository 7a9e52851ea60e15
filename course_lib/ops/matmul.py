"""Products of vectors, matrices and batches of matrices."""

from __future__ import annotations

import math

import numpy as np

from ..dtypes import legacy_name
from ..tensor import Tensor
from ._arguments import argument_error
from ._op import function, op


def _check(name: str, a, b) -> None:
    for position, (parameter, value) in enumerate((("input", a), ("other", b)), 1):
        if not isinstance(value, Tensor):
            raise argument_error(name, parameter, position, value)
    if a._array.dtype is not b._array.dtype and a._array.dtype != b._array.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {_c_name(a.dtype)} != {_c_name(b.dtype)}"
        )


def _c_name(dtype) -> str:
    names = {"Float": "float", "Double": "double", "Long": "long int", "Int": "int", "Short": "short", "Char": "signed char",
             "Byte": "unsigned char", "Bool": "bool", "Half": "c10::Half", "BFloat16": "c10::BFloat16",
             "ComplexFloat": "c10::complex<float>", "ComplexDouble": "c10::complex<double>"}  # fmt: skip
    return names.get(legacy_name(dtype), legacy_name(dtype))


def _product(xp, a, b):
    """Matrix product in the operands' dtype; half precision is summed in float32, integers wrap."""
    if a.dtype.itemsize == 2 and a.dtype.kind in "fV":
        return xp.matmul(a.astype("f4"), b.astype("f4")).astype(a.dtype)
    return xp.matmul(a, b)


def _conj(t):
    return t.conj() if t.is_complex() else t


@op()
class mm:
    """mm(input, mat2, *, out=None) -> Tensor: the product of an (n, m) and an (m, p) matrix; no broadcasting.

    >>> import course_lib as torch
    >>> torch.mm(torch.ones(2, 3), torch.ones(3, 1))
    tensor([[3.],
            [3.]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.mm.html
    """

    def arguments(input, mat2):
        _check("mm", input, mat2)
        if input.ndim != 2:
            raise RuntimeError("self must be a matrix")
        if mat2.ndim != 2:
            raise RuntimeError("mat2 must be a matrix")
        (n, m), (k, p) = input._array.shape, mat2._array.shape
        if m != k:
            raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{m} and {k}x{p})")
        return (input, mat2), {}

    def forward(xp, a, b):
        return _product(xp, a, b)

    def save(ctx, out, a, b):
        needs_a, needs_b = ctx.needs_input_grad
        ctx.save_for_backward(a if needs_b else None, b if needs_a else None)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return (None if b is None else g.mm(_conj(b).t())), (None if a is None else _conj(a).t().mm(g))


@op()
class bmm:
    """bmm(input, mat2, *, out=None) -> Tensor: products of two batches, (b, n, m) with (b, m, p).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bmm.html
    """

    def arguments(input, mat2):
        _check("bmm", input, mat2)
        for name, value in (("batch1", input), ("batch2", mat2)):
            if value.ndim != 3:
                raise RuntimeError(f"{name} must be a 3D tensor")
        (b, _, m), (b2, k, p) = input._array.shape, mat2._array.shape
        if b != b2 or m != k:
            raise RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{b}, {m}] but got: [{b2}, {k}]."
            )
        return (input, mat2), {}

    def forward(xp, a, b):
        return _product(xp, a, b)

    def save(ctx, out, a, b):
        needs_a, needs_b = ctx.needs_input_grad
        ctx.save_for_backward(a if needs_b else None, b if needs_a else None)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        grad_a = None if b is None else g.bmm(_conj(b).transpose(1, 2))
        return grad_a, (None if a is None else _conj(a).transpose(1, 2).bmm(g))


@op()
class mv:
    """mv(input, vec, *, out=None) -> Tensor: the product of an (n, m) matrix and a vector of size m.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.mv.html
    """

    def arguments(input, vec):
        _check("mv", input, vec)
        if input.ndim != 2 or vec.ndim != 1:
            raise RuntimeError(
                f"vector + matrix @ vector expected, got {1}, {input.ndim}, {vec.ndim}"
            )
        n, m = input._array.shape
        if m != vec._array.shape[0]:
            raise RuntimeError(f"size mismatch, got input ({n}), mat ({n}x{m}), vec ({vec._array.shape[0]})")
        return (input, vec), {}

    def forward(xp, a, v):
        return _product(xp, a, v)

    def save(ctx, out, a, v):
        ctx.save_for_backward(a, v)

    def backward(ctx, g):
        a, v = ctx.saved_tensors
        needs_a, needs_v = ctx.needs_input_grad
        return (g.outer(_conj(v)) if needs_a else None), (_conj(a).t().mv(g) if needs_v else None)


@op()
class dot:
    """dot(input, tensor, *, out=None) -> Tensor: the sum of products of two vectors of one size.

    >>> import course_lib as torch
    >>> torch.dot(torch.tensor([2, 3]), torch.tensor([2, 1]))
    tensor(7)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.dot.html
    """

    def arguments(input, tensor):
        for position, (parameter, value) in enumerate((("input", input), ("tensor", tensor)), 1):
            if not isinstance(value, Tensor):
                raise argument_error("dot", parameter, position, value)
        if input.ndim != 1 or tensor.ndim != 1:
            raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
        if input.dtype is not tensor.dtype:
            raise RuntimeError(
                f"dot : expected both vectors to have same dtype, but found {legacy_name(input.dtype)} and "
                f"{legacy_name(tensor.dtype)}"
            )
        if input.numel() != tensor.numel():
            raise RuntimeError(
                f"inconsistent tensor size, expected tensor [{input.numel()}] and src [{tensor.numel()}] to have the same "
                f"number of elements, but got {input.numel()} and {tensor.numel()} elements respectively"
            )
        return (input, tensor), {}

    def forward(xp, a, b):
        return _product(xp, a, b)

    def save(ctx, out, a, b):
        ctx.save_for_backward(a, b)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * _conj(b), g * _conj(a)


@op(method=False, namespace=None, node="BatchedMatmul")
class batched_matmul:
    """The matrix product over broadcast batch dimensions; both operands have at least two dimensions."""

    def forward(xp, a, b):
        return _product(xp, a, b)

    def save(ctx, out, a, b):
        ctx.save_for_backward(a, b)
        ctx.inputs = ((a._array.shape, a._array.dtype), (b._array.shape, b._array.dtype))

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        needs_a, needs_b = ctx.needs_input_grad
        grad_a = g.matmul(_conj(b).transpose(-1, -2)) if needs_a else None
        return grad_a, (_conj(a).transpose(-1, -2).matmul(g) if needs_b else None)


@function(method=True)
def matmul(input, other, *, out=None):
    """matmul(input, other, *, out=None) -> Tensor

    `input @ other`: dot product of two vectors, matrix-vector and matrix products; further dimensions are batches and
    broadcast. RuntimeError where the inner sizes differ.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.matmul.html
    """
    _check("matmul", input, other)
    made = _matmul(input, other)
    if out is None:
        return made
    from ._op import write_out

    return write_out("matmul", out, (input, other), made)


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    m, n = a._array.ndim, b._array.ndim
    if m == 0 or n == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {m}D and {n}D"
        )
    if m == 2 and n == 2:
        return mm(a, b)
    if m == 1 and n == 1:
        return dot(a, b)
    if m == 2 and n == 1:
        return mv(a, b)
    if m == 1 and n == 2:
        return mm(a.unsqueeze(0), b).squeeze(0)
    if m == 3 and n == 3 and a._array.shape[0] == b._array.shape[0] and a._array.shape[2] == b._array.shape[1]:
        return bmm(a, b)
    if n == 2:  # one matrix for all batches: one big product
        return mm(_as_matrix(a), b).reshape(*a.shape[:-1], b.shape[-1])
    if n == 1:
        return mv(_as_matrix(a), b).reshape(a.shape[:-1])
    if m == 1:
        return _matmul(a.unsqueeze(0), b).squeeze(-2)
    return _batched(a, b)


def _as_matrix(a: Tensor) -> Tensor:
    """All leading dimensions as one."""
    return a.reshape(math.prod(a._array.shape[:-1]), a._array.shape[-1])


def _batched(a: Tensor, b: Tensor) -> Tensor:
    if a.shape[-1] != b.shape[-2]:
        batch = int(np.prod(np.broadcast_shapes(a._array.shape[:-2], b._array.shape[:-2])))
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{batch}, {a.shape[-1]}] but got: "
            f"[{batch}, {b.shape[-2]}]."
        )
    try:
        return batched_matmul(a, b)
    except ValueError:
        x, y = a._array.shape[:-2], b._array.shape[:-2]
        for back in range(1, min(len(x), len(y)) + 1):
            if x[-back] != y[-back] and 1 not in (x[-back], y[-back]):
                raise RuntimeError(
                    f"The size of tensor a ({x[-back]}) must match the size of tensor b ({y[-back]}) at non-singleton "
                    f"dimension {max(len(x), len(y)) - back}"
                ) from None
        raise


def _operator(self, other):
    return matmul(self, other) if isinstance(other, Tensor) else NotImplemented


Tensor.__matmul__ = _operator
Tensor.__rmatmul__ = lambda self, other: matmul(other, self) if isinstance(other, Tensor) else NotImplemented


@function(method=True, alias="ger")
def outer(input, vec2, *, out=None):
    """outer(input, vec2) -> Tensor: all products of the elements of two vectors, (n, m).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.outer.html
    """
    if input.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D argument self, but got {(input if input.ndim != 1 else vec2).ndim}-D")
    return input.unsqueeze(1) * vec2


@function(method=True)
def addmm(input, mat1, mat2, *, beta=1, alpha=1, out=None):
    """addmm(input, mat1, mat2, *, beta=1, alpha=1) -> Tensor: `beta * input + alpha * (mat1 @ mat2)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addmm.html
    """
    product = mm(mat1, mat2)
    product = product if alpha == 1 else product * alpha
    return product if beta == 0 else product + (input if beta == 1 else input * beta)
