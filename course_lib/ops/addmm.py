"""Products with something added: `beta * input + alpha * product`, addmm and its kin.

On a CPU they are compositions of mm, bmm, mv and pointwise ops, so that gradients come by themselves. On a GPU they are
an op of their own, because cuBLAS computes just that in one call.
"""

from __future__ import annotations

from ..backends import backend_of
from ..dtypes import FLOAT, legacy_name
from ..tensor import Tensor, normalize_dim
from ._arguments import result_dtype
from ._factors import gradients_of_factors
from ._numeric import conjugate, is_half
from ._op import OPS, function, op
from ._public import public
from .matmul import bmm, mm, mv


def _combined(input: Tensor, product: Tensor, beta, alpha) -> Tensor:
    """`beta * input + alpha * product`; with beta=0 the input does not count, not even its NaN."""
    if input.dtype.category < FLOAT:
        beta, alpha = int(beta), int(alpha)
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    if not _broadcasts(input._array.shape, product._array.shape):
        input = input.expand(product._array.shape)  # raises PyTorch's sentence about the sizes
    return product + (input if beta == 1 else input * beta)


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return len(shape) <= len(to) and all(n in (1, m) for n, m in zip(reversed(shape), reversed(to), strict=False))


def _wide(*tensors: Tensor):
    """Half precision is multiplied and added in float32 and rounded once."""
    return [t.float() for t in tensors] if is_half(tensors[0]._array.dtype) else tensors


@op(method=False, namespace=None, node="Addmm", on_arrays=True)
class plus_product:
    """`beta * input + alpha * a @ b` on a GPU, for matrices or batches of them; the input broadcasts to the product."""

    def forward(xp, input, a, b, *, beta, alpha):
        return backend_of(xp).added(input, a, b, alpha=alpha, beta=beta)

    def save(ctx, out, input, a, b, *, beta, alpha):
        _, edge_a, edge_b = ctx.edges  # None where no gradient is needed
        ctx.save_for_backward(a if edge_b else None, b if edge_a else None)
        ctx.inputs = tuple([(t._array.shape, t._array.dtype) for t in (input, a, b)])
        ctx.setting = beta, alpha

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        beta, alpha = map(conjugate, ctx.setting)
        by_input = g if beta == 1 else g * beta
        g = g if alpha == 1 else g * alpha
        if not isinstance(g, Tensor):
            return by_input, *gradients_of_factors(g, a, b)
        return (
            by_input,
            None if b is None else g.matmul(conjugate(b).mT),
            None if a is None else conjugate(a).mT.matmul(g),
        )


def _added_on_gpu(check, input, a, b, beta, alpha) -> Tensor:
    (a, b), _ = check(a, b)
    shape = a.shape[:-1] if b.ndim == 1 else (*a.shape[:-1], b.shape[-1])
    if beta != 0 and not _broadcasts(input._array.shape, shape):
        input.expand(shape)  # raises PyTorch's sentence about the sizes
    if b.ndim > 1:
        return plus_product(input, a, b, beta=beta, alpha=alpha)
    return plus_product(input.unsqueeze(-1), a, b.unsqueeze(1), beta=beta, alpha=alpha).squeeze(1)


def _added(product):
    """The function `product(mat1, mat2)` with a tensor added, in half precision too."""
    check = OPS[product.__name__].arguments

    def add(input, a, b, beta, alpha):
        if a.is_cuda and input.dtype.category >= FLOAT:
            return _added_on_gpu(check, input, a, b, beta, alpha)
        wide_input, wide_a, wide_b = _wide(input, a, b)
        made = _combined(wide_input, product(wide_a, wide_b), beta, alpha)
        return made if wide_input is input else made.to(input.dtype)

    return add


_add_mm, _add_mv, _add_bmm = _added(mm), _added(mv), _added(bmm)


@public(tensors=3, method=True)
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """addmm(input, mat1, mat2, *, beta=1, alpha=1, out=None) -> Tensor: `beta * input + alpha * (mat1 @ mat2)`.

    >>> import course_lib as torch
    >>> torch.addmm(torch.ones(2), torch.ones(2, 3), torch.ones(3, 2))
    tensor([[4., 4.],
            [4., 4.]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addmm.html
    """
    for name, value in (("mat1", mat1), ("mat2", mat2)):
        if value.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {value.ndim}-D tensor")
    for value in (mat1, mat2):
        if value.dtype is not input.dtype:
            raise RuntimeError(
                f"self and mat2 must have the same dtype, but got {legacy_name(input.dtype)} and "
                f"{legacy_name(mat2.dtype)}"
            )
    return _add_mm(input, mat1, mat2, beta, alpha)


@public(tensors=3, method=True)
def addmv(input, mat, vec, *, beta=1, alpha=1):
    """addmv(input, mat, vec, *, beta=1, alpha=1, out=None) -> Tensor: `beta * input + alpha * (mat @ vec)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addmv.html
    """
    if input.ndim > 1 or mat.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {input.ndim}, {mat.ndim}, {vec.ndim}")
    if mat.shape[1] != vec.shape[0] or (input.numel() not in (1, mat.shape[0])):
        raise RuntimeError(
            f"size mismatch, got input ({input.numel()}), mat ({mat.shape[0]}x{mat.shape[1]}), vec ({vec.shape[0]})"
        )
    if not input.dtype is mat.dtype is vec.dtype:
        kinds = [legacy_name(t.dtype) for t in (input, mat, vec)]
        raise RuntimeError("addmv input tensors must have the same dtype, but got {}, {}, and {}".format(*kinds))
    return _add_mv(input, mat, vec, beta, alpha)


def _check_batches(batch1: Tensor, batch2: Tensor) -> None:
    for value in (batch1, batch2):
        normalize_dim(2, value.ndim)
    for name, value in (("batch1", batch1), ("batch2", batch2)):
        if value.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")


@public(tensors=3, method=True)
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """baddbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None) -> Tensor

    `beta * input + alpha * bmm(batch1, batch2)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.baddbmm.html
    """
    _check_batches(batch1, batch2)
    if not input.dtype is batch1.dtype is batch2.dtype:
        other = batch1 if batch1.dtype is not input.dtype else batch2
        raise RuntimeError(f"expected scalar type {legacy_name(input.dtype)} but found {legacy_name(other.dtype)}")
    return _add_bmm(input, batch1, batch2, beta, alpha)


@public(tensors=3, method=True)
def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """addbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None) -> Tensor

    `beta * input + alpha * bmm(batch1, batch2).sum(0)`: (b, n, m) with (b, m, p) gives (n, p).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addbmm.html
    """
    _check_batches(batch1, batch2)
    (b, n, m), (b2, k, p) = batch1.shape, batch2.shape
    if b != b2:
        raise RuntimeError(f"batch1 and batch2 must have same number of batches, got {b} and {b2}")
    if m != k:
        raise RuntimeError(f"Incompatible matrix sizes for bmm ({n}x{m} and {k}x{p})")
    if is_half(input._array.dtype):  # PyTorch rounds after every matrix of the batch
        for i in range(b):
            input = _add_mm(input, batch1[i], batch2[i], 1 if i else beta, alpha)
        return input
    rows = batch1.transpose(0, 1).reshape(n, b * m)  # the sum over batches is part of one longer inner product
    return _add_mm(input, rows, batch2.reshape(b * k, p), beta, alpha)


@public(tensors=3, method=True)
def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """addr(input, vec1, vec2, *, beta=1, alpha=1, out=None) -> Tensor: `beta * input + alpha * outer(vec1, vec2)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addr.html
    """
    for name, value in (("vec1", vec1), ("vec2", vec2)):
        if value.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {value.ndim}-D")
    dtype = result_dtype(input, vec1, vec2)
    for name, value in (("beta", beta), ("alpha", alpha)):
        if dtype.category < FLOAT and isinstance(value, float):
            raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    if dtype.category == 0:  # bool: multiplication is `and`, addition is `or`
        product = vec1.unsqueeze(1) & vec2
        return (product & bool(alpha)) | (input.expand(product.shape) & bool(beta))
    if is_half(dtype.numpy):  # PyTorch rounds the factors too
        beta, alpha = input.new_tensor(beta), input.new_tensor(alpha)
    product = (vec1 if isinstance(alpha, int) and alpha == 1 else vec1 * alpha).unsqueeze(1) * vec2
    input = input.expand(product.shape)
    return product.to(dtype) if beta == 0 else input * beta + product


def _in_place(made):
    """The method with a trailing underscore: stores the result in the first tensor, which must have its shape."""

    def changed(self, *args, **named):
        result = made(self, *args, **named)
        if result.shape != self.shape:
            raise RuntimeError(
                f"Bad in-place call: input tensor size {list(self.shape)} and output tensor size {list(result.shape)} "
                "should match"
            )
        return self.copy_(result)

    changed.__name__ = made.__name__ + "_"
    changed.__doc__ = f"In-place version of `{made.__name__}`: writes the result into this tensor and returns it."
    function(method=True, namespace="torch" if made is addmv else None)(changed)  # PyTorch has one of them as function


for _made in (addmm, addmv, addbmm, baddbmm, addr):
    _in_place(_made)
