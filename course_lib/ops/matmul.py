"""Products of vectors, matrices and batches of matrices."""

from __future__ import annotations

import math

import numpy as np

from ..autograd.grad_mode import GRAD
from ..backends import GPU, array_module, backend_of, is_numpy
from ..dtypes import c_name, legacy_name
from ..tensor import Tensor, wrap
from ._arguments import argument_error
from ._autocast import AUTOCAST, lowered
from ._device import forward_on_device
from ._factors import gradients_of_factors, product, save_factors
from ._numeric import conjugate
from ._op import OPS, function, op, write_out
from ._public import public
from ._record import record


def _check(name: str, a, b, second: str = "mat2") -> None:
    """Both operands must be tensors, of one dtype that has products."""
    for position, (parameter, value) in enumerate((("input", a), (second, b)), 1):
        if not isinstance(value, Tensor):
            raise argument_error(name, parameter, position, value)
    if a._array.dtype is not b._array.dtype and a._array.dtype != b._array.dtype:
        raise RuntimeError(_MIXED[name](a.dtype, b.dtype))
    if a._array.dtype.kind == "b":
        raise NotImplementedError(f"\"{_KERNELS[name]}\" not implemented for 'Bool'")


def _mixed_in_gemm(a, b) -> str:
    return f"expected m1 and m2 to have the same dtype, but got: {c_name(a)} != {c_name(b)}"


def _mixed_in_batch(a, b) -> str:
    return f"expected scalar type {legacy_name(a)} but found {legacy_name(b)}"


def _mixed_in_gemv(a, b) -> str:
    a, b = legacy_name(a), legacy_name(b)
    return f"addmv input tensors must have the same dtype, but got {b}, {a}, and {b}"


def _mixed_in_dot(a, b) -> str:
    return f"dot : expected both vectors to have same dtype, but found {legacy_name(a)} and {legacy_name(b)}"


_MIXED = {"mm": _mixed_in_gemm, "bmm": _mixed_in_batch, "mv": _mixed_in_gemv, "dot": _mixed_in_dot,
          "vdot": _mixed_in_dot}  # fmt: skip
_KERNELS = {"mm": "addmm_impl_cpu_", "bmm": "bmm", "mv": "addmv_impl_cpu", "dot": "dot", "vdot": "dot"}


@op(on_arrays=True)
class mm:
    """mm(input, mat2, *, out=None) -> Tensor: the product of an (n, m) and an (m, p) matrix; no broadcasting.

    >>> import course_lib as torch
    >>> torch.mm(torch.ones(2, 3), torch.ones(3, 1))
    tensor([[3.],
            [3.]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.mm.html
    """

    def arguments(input, mat2):
        if AUTOCAST.on:
            input, mat2 = lowered(input, mat2)
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
        return product(xp, a, b)

    save = save_factors

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        if not isinstance(g, Tensor):
            return gradients_of_factors(g, a, b, ctx.setting)
        return (None if b is None else g @ conjugate(b).t()), (None if a is None else conjugate(a).t() @ g)


@op(on_arrays=True)
class bmm:
    """bmm(input, mat2, *, out=None) -> Tensor: products of two batches, (b, n, m) with (b, m, p).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bmm.html
    """

    def arguments(input, mat2):
        if AUTOCAST.on:
            input, mat2 = lowered(input, mat2)
        for name, value in (("batch1", input), ("batch2", mat2)):
            if isinstance(value, Tensor) and value.ndim != 3:
                raise RuntimeError(f"{name} must be a 3D tensor")
        _check("bmm", input, mat2)
        (b, _, m), (b2, k, _p) = input._array.shape, mat2._array.shape
        if b != b2 or m != k:
            raise RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{b}, {m}] but got: [{b2}, {k}]."
            )
        return (input, mat2), {}

    def forward(xp, a, b):
        return product(xp, a, b)

    save = save_factors

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        if not isinstance(g, Tensor):
            return gradients_of_factors(g, a, b, ctx.setting)
        grad_a = None if b is None else g.bmm(conjugate(b).transpose(1, 2))
        return grad_a, (None if a is None else conjugate(a).transpose(1, 2).bmm(g))


@op()
class mv:
    """mv(input, vec, *, out=None) -> Tensor: the product of an (n, m) matrix and a vector of size m.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.mv.html
    """

    def arguments(input, vec):
        _check("mv", input, vec, "vec")
        if input.ndim != 2 or vec.ndim != 1:
            raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
        n, m = input._array.shape
        if m != vec._array.shape[0]:
            raise RuntimeError(f"size mismatch, got input ({n}), mat ({n}x{m}), vec ({vec._array.shape[0]})")
        return (input, vec), {}

    def forward(xp, a, v):
        return product(xp, a, v)

    def save(ctx, out, a, v):
        ctx.save_for_backward(a, v)

    def backward(ctx, g):
        a, v = ctx.saved_tensors
        needs_a, needs_v = ctx.needs_input_grad
        return (g.outer(conjugate(v)) if needs_a else None), (conjugate(a).t().mv(g) if needs_v else None)


def _check_vectors(name: str, a, b, second: str) -> None:
    if isinstance(a, Tensor) and isinstance(b, Tensor) and (a._array.ndim != 1 or b._array.ndim != 1):
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    _check(name, a, b, second)
    n, m = a._array.size, b._array.size
    if n != m:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same number of elements, but "
            "got "
            f"{n} and {m} elements respectively"
        )


@op()
class dot:
    """dot(input, tensor, *, out=None) -> Tensor: the sum of products of two vectors of one size.

    >>> import course_lib as torch
    >>> torch.dot(torch.tensor([2, 3]), torch.tensor([2, 1]))
    tensor(7)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.dot.html
    """

    def arguments(input, tensor):
        _check_vectors("dot", input, tensor, "tensor")
        return (input, tensor), {}

    def forward(xp, a, b):
        return product(xp, a, b)

    def save(ctx, out, a, b):
        ctx.save_for_backward(a, b)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * conjugate(b), g * conjugate(a)


@op()
class vdot:
    """vdot(input, other, *, out=None) -> Tensor: `dot` with the conjugate of the first vector.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.vdot.html
    """

    def arguments(input, other):
        _check_vectors("vdot", input, other, "other")
        return (input, other), {}

    def forward(xp, a, b):
        return product(xp, xp.conj(a) if a.dtype.kind == "c" else a, b)

    def save(ctx, out, a, b):
        ctx.save_for_backward(a, b)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return conjugate(g) * b, g * a


@op(method=False, namespace=None, node="BatchedMatmul", on_arrays=True)
class batched_matmul:
    """The matrix product over broadcast batch dimensions; both operands have at least two dimensions."""

    def forward(xp, a, b):
        return product(xp, a, b)

    def save(ctx, out, a, b):
        save_factors(ctx, out, a, b)
        ctx.inputs = ((a._array.shape, a._array.dtype), (b._array.shape, b._array.dtype))

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        if not isinstance(g, Tensor):
            return gradients_of_factors(g, a, b, ctx.setting)
        grad_a = None if b is None else g.matmul(conjugate(b).transpose(-1, -2))
        return grad_a, (None if a is None else conjugate(a).transpose(-1, -2).matmul(g))


@function(method=True)
def matmul(input, other, *, out=None):
    """matmul(input, other, *, out=None) -> Tensor

    `input @ other`: dot product of two vectors, matrix-vector and matrix products; further dimensions are batches and
    broadcast. RuntimeError where the inner sizes differ.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.matmul.html
    """
    for position, (parameter, value) in enumerate((("input", input), ("other", other)), 1):
        if not isinstance(value, Tensor):
            raise argument_error("matmul", parameter, position, value)
    if AUTOCAST.on:
        input, other = lowered(input, other)
    made = _quick_product(input, other)
    made = _matmul(input, other) if made is None else made
    return made if out is None else write_out("matmul", out, (input, other), made)


def _quick_product(a: Tensor, b: Tensor) -> Tensor | None:
    """The product of float matrices and vectors, with little around it; None for all else and for errors."""
    x, y = a._array, b._array
    cls = _PLAIN.get((x.ndim, y.ndim))
    if cls is None or x.dtype is not y.dtype or (x.dtype is not _FLOAT32 and x.dtype is not _FLOAT64):
        return None
    if x.shape[-1] != y.shape[0]:
        return None
    if type(x) is np.ndarray is type(y):
        z = x.dot(y)
        out = wrap(z if type(z) is np.ndarray else np.asarray(z))
    elif type(x) is type(y) is GPU.array:
        out = wrap(forward_on_device(cls, (x, y), {}))
    else:
        return None
    if GRAD.enabled and (a._requires_grad or b._requires_grad or a._base is not None or b._base is not None):
        record(cls, out, (a, b), {})
    return out


_PLAIN = {(2, 2): OPS["mm"], (2, 1): OPS["mv"], (1, 1): OPS["dot"]}
_FLOAT32, _FLOAT64 = np.dtype("float32"), np.dtype("float64")


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    m, n = a._array.ndim, b._array.ndim
    if m == 0 or n == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {m}D and {n}D")
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
        rows = _as_matrix(a)
        made = _quick_product(rows, b)
        return (mm(rows, b) if made is None else made).reshape(*a.shape[:-1], b.shape[-1])
    if n == 1:
        return mv(_as_matrix(a), b).reshape(a.shape[:-1])
    if m == 1:
        return _matmul(a.unsqueeze(0), b).squeeze(-2)
    return _batched(a, b)


def _as_matrix(a: Tensor) -> Tensor:
    """All leading dimensions as one."""
    return a.reshape(math.prod(a._array.shape[:-1]), a._array.shape[-1])


def _batched(a: Tensor, b: Tensor) -> Tensor:
    _check("bmm", a, b)
    if a.shape[-1] != b.shape[-2]:
        batch = math.prod(broadcast_batches(a._array.shape[:-2], b._array.shape[:-2]))
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{batch}, {a.shape[-1]}] but got: "
            f"[{batch}, {b.shape[-2]}]."
        )
    broadcast_batches(a._array.shape[:-2], b._array.shape[:-2])
    if not is_numpy(a._array):  # one copy that backward uses, too
        worth = backend_of(array_module(a._array)).better_copied
        a, b = [t.contiguous() if worth(t._array) else t for t in (a, b)]
    return batched_matmul(a, b)


def broadcast_batches(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape of two batch shapes; RuntimeError with PyTorch's text where there is none."""
    if a == b or not b:
        return a
    for back in range(1, min(len(a), len(b)) + 1):
        if a[-back] != b[-back] and 1 not in (a[-back], b[-back]):
            raise RuntimeError(
                f"The size of tensor a ({a[-back]}) must match the size of tensor b ({b[-back]}) at non-singleton "
                "dimension "
                f"{max(len(a), len(b)) - back}"
            )
    return np.broadcast_shapes(a, b)


def _operator(self, other):
    if not isinstance(other, Tensor):
        return NotImplemented
    if AUTOCAST.on:
        self, other = lowered(self, other)
    made = _quick_product(self, other)
    return _matmul(self, other) if made is None else made


Tensor.__matmul__ = _operator
Tensor.__rmatmul__ = lambda self, other: matmul(other, self) if isinstance(other, Tensor) else NotImplemented


@public(tensors=2, method=True, alias="ger")
def outer(input, vec2):
    """outer(input, vec2, *, out=None) -> Tensor: all products of the elements of two vectors, (n, m).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.outer.html
    """
    for name, value in (("self", input), ("vec2", vec2)):
        if value.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {value.ndim}-D")
    return input.unsqueeze(1) * vec2
