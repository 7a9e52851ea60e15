"""Norms of vectors and matrices: linalg.vector_norm, matrix_norm and norm, torch.norm, dist, renorm."""

from __future__ import annotations

import math

import numpy as np

from .. import dtypes
from ..dtypes import FLOAT, legacy_name
from ..tensor import Tensor, normalize_dim
from ._by_kernel import reduced
from ._linalg import keep, refuse_half, require_float, require_matrix
from ._numeric import is_half, narrow, wide
from ._op import function, op
from ._public import public
from .arithmetic import abs as absolute
from .decompositions import svdvals
from .extremes import amax, amin
from .reduce import dims_of, restored
from .reduce import sum as total

# ---- norms of vectors --------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="LinalgVectorNorm")
class vector_norm_over:
    """`(sum |x|^ord)^(1/ord)` over the dimensions `dims`; its gradient where the norm is 0 is 0."""

    def forward(xp, a, *, ord, dims, keepdim):
        dtype = a.real.dtype if a.dtype.kind == "c" else a.dtype
        made = None if xp is np or ord != 2 else reduced("euclidean", a, dims, keepdim)
        if made is not None:
            return made
        a = wide(a)
        if ord == 2 and a.dtype.kind == "f" and len(dims) == a.ndim and a.flags.forc:
            flat = a.ravel(order="K")
            made = xp.sqrt(flat.dot(flat)).reshape((1,) * a.ndim if keepdim else ())
        elif ord == 2:
            squares = a * a if a.dtype.kind != "c" else a.real * a.real + a.imag * a.imag
            made = xp.sqrt(xp.add.reduce(squares, axis=dims, keepdims=keepdim))
        else:
            made = _reduced(xp, xp.abs(a), ord, dims, keepdim)
        return narrow(made, dtype)

    def save(ctx, out, a, *, ord, dims, keepdim):
        keep(ctx, out, a)
        ctx.ord, ctx.dims, ctx.keepdim = ord, dims, keepdim

    def backward(ctx, g):
        norm, a = ctx.saved_tensors
        ord, dims = ctx.ord, ctx.dims
        norm, g = restored(norm, dims, ctx.keepdim), restored(g, dims, ctx.keepdim)
        if ord == 0:
            return a * 0
        if ord == 1:
            return a.sgn() * g
        if ord == 2:
            return a * (g / norm).masked_fill(norm == 0, 0)
        if math.isinf(ord):
            largest = (absolute(a) == norm) | (norm != norm)
            return a.sgn() * ((g / largest.sum(dims, keepdim=True).to(g.dtype)) * largest)
        size = absolute(a)
        if ord < 1:
            scaled = (size ** (ord - 1)).masked_fill(a == 0, 0) * norm ** (1 - ord)
            return a.sgn() * (scaled * g)
        if ord < 2:
            scaled = (size ** (ord - 1)) * (g / norm ** (ord - 1))
            return a.sgn() * scaled.masked_fill(norm == 0, 0)
        return a * (size ** (ord - 2)) * (g / norm ** (ord - 1)).masked_fill(norm == 0, 0)


def _reduced(xp, size, ord, dims, keepdim):
    """The norm of the absolute values `size`."""
    if ord == math.inf:
        return xp.max(size, axis=dims, keepdims=keepdim)
    if ord == -math.inf:
        return xp.min(size, axis=dims, keepdims=keepdim)
    if ord == 0:
        return xp.add.reduce(size != 0, axis=dims, keepdims=keepdim, dtype=size.dtype)
    if ord == 1:
        return xp.add.reduce(size, axis=dims, keepdims=keepdim)
    power = size.dtype.type(ord)
    return xp.add.reduce(size**power, axis=dims, keepdims=keepdim) ** (1 / power)


@public(namespace="linalg")
def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """linalg.vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None) -> Tensor

    `(sum |x|^ord)^(1/ord)` over all elements or over `dim`; `inf` and `-inf` give the largest and smallest absolute
    value, 0 counts what is not zero. The result of a complex tensor is real.

    >>> import course_lib as torch
    >>> torch.linalg.vector_norm(torch.tensor([3., -4.]))
    tensor(5.)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.vector_norm.html
    """
    require_float("linalg.vector_norm", x)
    x = _converted("linalg.vector_norm", x, dtype)
    dims = dims_of(dim, x.ndim)
    if ord < 0 or ord == math.inf:
        _require_elements(x, ord, dim, dims)
    return vector_norm_over(x, ord=float(ord), dims=dims, keepdim=keepdim)


def _converted(name: str, x: Tensor, dtype) -> Tensor:
    """`x` in the dtype in which the norm is asked for."""
    if dtype is None:
        return x
    if dtype.category < FLOAT:
        raise RuntimeError(f"{name}: dtype should be floating point or complex, but got {legacy_name(dtype)}")
    if x.is_complex() != dtype.is_complex:
        kind = "complex" if x.is_complex() else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {legacy_name(dtype)}")
    if dtypes.promote_types(x.dtype, dtype) is not dtype:
        raise RuntimeError(
            f"{name}: the dtype of the input ({legacy_name(x.dtype)}) should be convertible without narrowing to the "
            f"specified dtype ({legacy_name(dtype)})"
        )
    return x.to(dtype)


def _require_elements(x: Tensor, ord, dim, dims) -> None:
    """The largest of no elements does not exist."""
    order = "inf" if ord == math.inf else "-inf" if ord == -math.inf else f"{ord:g}"
    why = "the operation does not have an identity"
    if dim is None or len(dims) == 0:
        if x.numel() == 0:
            raise RuntimeError(f"linalg.vector_norm cannot compute the {order} norm on an empty tensor because {why}")
        return
    for d in dims:
        if x.shape[d] == 0:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {order} norm on the dimension {d}because this dimension is "
                "empty "
                f"and {why}"
            )


# ---- norms of matrices -------------------------------------------------------------------------------------------


@public(namespace="linalg")
def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """linalg.matrix_norm(A, ord='fro', dim=(-2, -1), keepdim=False, *, dtype=None, out=None) -> Tensor

    "fro" (root of the sum of squares), "nuc" (sum of singular values), 2 and -2 (largest, smallest singular value), 1
    and -1 (largest, smallest column sum of absolute values), inf and -inf (the same of rows).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.matrix_norm.html
    """
    name = "linalg.matrix_norm"
    require_matrix(name, A)
    require_float(name, A)
    dim = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    if isinstance(ord, str):
        if ord not in ("fro", "nuc"):
            raise RuntimeError(f"{name}: Order {ord} not supported.")
    elif abs(ord) not in (1, 2, math.inf):
        raise RuntimeError(f"{name}: Order {ord:g} not supported.")
    rows, columns = [normalize_dim(d, A.ndim) for d in dim]
    if rows == columns:
        raise RuntimeError(f"{name}: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    A = _converted(name, A, dtype)
    if ord in ("nuc", 2, -2):
        made = _norm_of_singular_values(name, A.movedim((rows, columns), (-2, -1)), ord)
        for d in sorted((rows, columns)) if keepdim else ():
            made = made.unsqueeze(d)
        return made
    summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = vector_norm(A, 1, summed, keepdim=True)
    if sums.shape[other] == 0:
        made = total(sums, other, keepdim=True)  # the largest of no sums is 0
    else:
        made = amax(sums, other, keepdim=True) if ord > 0 else amin(sums, other, keepdim=True)
    return made if keepdim else made.squeeze((rows, columns))


def _norm_of_singular_values(name: str, A: Tensor, ord) -> Tensor:
    refuse_half(name, A)
    values = svdvals(A)
    if ord == "nuc" or (ord == 2 and values.shape[-1] == 0):  # the largest of no singular values is 0
        return total(values, -1)
    return amax(values, -1) if ord > 0 else amin(values, -1)


@public(namespace="linalg", name="norm")
def norm_of(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    """linalg.norm(A, ord=None, dim=None, keepdim=False, *, dtype=None, out=None) -> Tensor

    The norm of a vector (one `dim`, or a 1-D tensor) or of a matrix (two); without `ord` and `dim` the 2-norm of all
    elements.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.norm.html
    """
    if dim is not None and not isinstance(dim, int):
        dim = tuple(dim)
        if ord is not None and len(dim) not in (1, 2):
            raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if dim is None and A.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D."
        )
    two = A.ndim == 2 if dim is None else not isinstance(dim, int) and len(dim) == 2
    if isinstance(ord, str) or two:
        default = (-2, -1) if A.ndim >= 2 else (-1,)
        return matrix_norm(A, ord, default if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(A, ord, dim, keepdim, dtype=dtype)


@public(method=True)
def norm(input, p="fro", dim=None, keepdim=False, dtype=None):
    """norm(input, p='fro', dim=None, keepdim=False, out=None, dtype=None) -> Tensor

    The vector norm of order `p` over all elements or over `dim`; "fro" means 2, "nuc" the sum of singular values.

    >>> import course_lib as torch
    >>> torch.norm(torch.tensor([[3., 0.], [0., 4.]]))
    tensor(5.)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.norm.html
    """
    if isinstance(p, str) and p != "fro":
        dims = tuple(range(input.ndim)) if dim is None else dim
        return matrix_norm(input, p, dims, keepdim, dtype=dtype)
    return vector_norm(input, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)


@public()
def frobenius_norm(input, dim=None, keepdim=False):
    """frobenius_norm(input, dim=None, keepdim=False, *, out=None) -> Tensor: the root of the sum of squares.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.matrix_norm.html
    """
    return vector_norm(input, 2, dim, keepdim)


@public()
def nuclear_norm(input, dim=(-2, -1), keepdim=False):
    """nuclear_norm(input, dim=(-2, -1), keepdim=False, *, out=None) -> Tensor: the sum of the singular values.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.matrix_norm.html
    """
    return matrix_norm(input, "nuc", dim, keepdim)


@public()
def norm_except_dim(v, pow=2, dim=0):
    """norm_except_dim(v, pow=2, dim=0) -> Tensor: the norm of every slice along `dim` (of all of v for dim=-1).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.weight_norm.html
    """
    if dim == -1:
        return vector_norm(v, pow)
    dim = normalize_dim(dim, v.ndim)
    return vector_norm(v, pow, [d for d in range(v.ndim) if d != dim], keepdim=True)


# ---- distances and limits ----------------------------------------------------------------------------------------


@public(tensors=2, method=True)
def dist(input, other, p=2):
    """dist(input, other, p=2) -> Tensor: the vector norm of `input - other`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.dist.html
    """
    difference = input - other
    if difference.dtype.category < FLOAT:
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {legacy_name(difference.dtype)} "
            "instead."
        )
    return vector_norm(difference, p)


@public(method=True)
def renorm(input, p, dim, maxnorm):
    """renorm(input, p, dim, maxnorm, *, out=None) -> Tensor

    Every slice along `dim` whose norm of order `p` exceeds `maxnorm` is scaled down to it.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.renorm.html
    """
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    dim = normalize_dim(dim, input.ndim)
    others = [d for d in range(input.ndim) if d != dim]
    half = is_half(input._array.dtype)
    sizes = vector_norm(input, p, others, keepdim=True, dtype=dtypes.float32 if half else None)
    factor = (maxnorm / (sizes + 1e-7)).masked_fill(sizes <= maxnorm, 1)
    return input * (factor.to(input.dtype) if half else factor)


@function(method=True, namespace=None)
def renorm_(self, p, dim, maxnorm):
    """In-place version of `renorm`: writes the result into this tensor and returns it."""
    return self.copy_(renorm(self, p, dim, maxnorm))
