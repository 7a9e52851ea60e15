"""Least squares, pseudo-inverses, rank and condition: what singular values say about linear systems."""

from __future__ import annotations

import math

from .. import return_types
from ..backends import lapack
from ..dtypes import finfo, int64, legacy_name
from ..tensor import Tensor
from ._linalg import (
    adjoint,
    keep,
    on_host,
    require_matrix,
    require_square,
)
from ._op import op
from ._public import public
from .decompositions import eigvalsh, svdvals
from .linear_systems import _checked_inverse, solve
from .matmul import broadcast_batches
from .norms import matrix_norm

# ---- tolerances --------------------------------------------------------------------------------------------------


def _tolerance(name: str, A: Tensor, largest: Tensor, atol, rtol) -> Tensor:
    """max(atol, rtol * largest); without any given, rtol is machine epsilon times the larger side."""
    for which, value in (("atol", atol), ("rtol", rtol)):
        if isinstance(value, Tensor) and value.is_complex():
            raise RuntimeError(
                f"{name}: {which} tensor of complex type is not supported. Got {legacy_name(value.dtype)}"
            )
    if rtol is None:
        rtol = finfo(A.dtype).eps * max(A.shape[-2:])
        if isinstance(atol, Tensor):
            rtol = (atol <= 0).to(largest.dtype) * rtol
        elif atol is not None and atol > 0:
            rtol = 0.0
    relative = largest * rtol
    if atol is None:
        return relative
    return relative.clamp(min=atol) if not isinstance(atol, Tensor) else relative.maximum(atol.to(relative.dtype))


def _largest(values: Tensor) -> Tensor:
    if values.shape[-1] == 0:
        return values.new_zeros(*values.shape[:-1])
    return values.amax(-1)


# ---- pseudo-inverse ----------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="LinalgPinv")
class pseudo_inverse:
    """The pseudo-inverse: singular values (or eigenvalues) up to the tolerance count as 0."""

    def forward(xp, a, tolerance, *, hermitian):
        if hermitian:
            values, u = xp.linalg.eigh(a)
            vh = u.conj().swapaxes(-1, -2)
        else:
            u, values, vh = xp.linalg.svd(a, full_matrices=False)
        kept = xp.abs(values) > tolerance[..., None]
        inverted = xp.where(kept, 1 / xp.where(kept, values, 1), 0).astype(values.dtype)
        return xp.matmul(vh.conj().swapaxes(-1, -2) * inverted[..., None, :], u.conj().swapaxes(-1, -2))

    def save(ctx, out, a, tolerance, *, hermitian):
        keep(ctx, out, a)

    def backward(ctx, g):
        inverse, a = ctx.saved_tensors
        return pseudo_inverse_gradient(inverse, a, g), None


def pseudo_inverse_gradient(p: Tensor, a: Tensor, g: Tensor) -> Tensor:
    """The gradient of A for the gradient `g` of its pseudo-inverse `p`, by Golub and Pereyra's differential

    dP = -P dA P + P P^H dA^H (1 - A P) + (1 - P A) dA^H P^H P, read backwards.
    """
    ph, gh = adjoint(p), adjoint(g)
    straight = -(ph @ g @ ph)
    left = gh @ p  # (m, m)
    right = p @ gh  # (n, n)
    return straight + (left - a @ (p @ left)) @ ph + ph @ (right - (right @ p) @ a)


def _pinv(A: Tensor, atol, rtol, hermitian: bool) -> Tensor:
    if A.ndim < 2 or A.dtype.category < 2 or A.itemsize == 2:
        raise RuntimeError(
            f"linalg.pinv({legacy_name(A.dtype)}{{{list(A.shape)}}}): expected a tensor with 2 or more dimensions of "
            "float, "
            "double, cfloat or cdouble types"
        )
    if A.numel() == 0:
        return adjoint(A).clone()
    plain = A.detach()
    values = eigvalsh(plain).abs() if hermitian else svdvals(plain)
    return pseudo_inverse(A, _tolerance("linalg.pinv", A, _largest(values), atol, rtol), hermitian=hermitian)


@public(namespace="linalg")
def pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None):
    """linalg.pinv(A, *, atol=None, rtol=None, hermitian=False, out=None) -> Tensor

    The Moore-Penrose pseudo-inverse; singular values up to max(atol, rtol times the largest) count as 0.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.pinv.html
    """
    if rcond is not None:  # the older spelling: only a relative tolerance
        atol, rtol = 0.0, rcond
    return _pinv(A, atol, rtol, hermitian)


@public(method=True)
def pinverse(input, rcond=1e-15):
    """pinverse(input, rcond=1e-15) -> Tensor: the older form of `torch.linalg.pinv`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.pinverse.html
    """
    return _pinv(input, 0.0, rcond, False)


# ---- least squares -----------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="LinalgLstsq")
class least_squares_solution:
    """(x that minimises |A x - B|, rank, singular values); the gradient is that of pinv(A) @ B."""

    def forward(xp, a, b, *, driver, rcond):
        return on_host(xp, lapack.least_squares, a, b, driver=driver, rcond=rcond)

    def save(ctx, outs, a, b, **settings):
        ctx.save_for_backward(a, b)

    def backward(ctx, g, *_):
        a, b = ctx.saved_tensors
        p = pinv(a)
        g_a = pseudo_inverse_gradient(p, a, g @ adjoint(b)) if ctx.needs_input_grad[0] else None
        return g_a, adjoint(p) @ g


@public(tensors=2, namespace="linalg")
def lstsq(A, B, rcond=None, *, driver=None):
    """linalg.lstsq(A, B, rcond=None, *, driver=None) -> (solution, residuals, rank, singular_values)

    X that minimises the norm of `A X - B`. What else is filled depends on LAPACK's driver: gelsy (default), gelsd and
    gelss find the rank, gelsd and gelss also the singular values; gels assumes full rank.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.lstsq.html
    """
    name = "torch.linalg.lstsq"
    driver = _check_lstsq(name, A, B, driver)
    vector = A.ndim - 1 == B.ndim and A.shape[:-1] == B.shape or B.ndim == 1
    right = B.unsqueeze(-1) if vector else B
    if A.shape[-2] != right.shape[-2]:
        raise RuntimeError(f"{name}: input.size(-2) should match other.size({-1 if vector else -2})")
    batch = broadcast_batches(tuple(A.shape[:-2]), tuple(right.shape[:-2]))
    m, n = A.shape[-2:]
    A = A.expand(*batch, m, n) if A.shape[:-2] != batch else A
    right = right.expand(*batch, *right.shape[-2:]) if right.shape[:-2] != batch else right
    cut = finfo(A.dtype).eps * max(m, n) if rcond is None else rcond
    solution, rank, values = least_squares_solution(A, right, driver=driver, rcond=cut)
    residuals = values.new_empty(0)
    full_rank = driver == "gels" or bool((rank == n).all())
    if m > n and driver != "gelsy" and full_rank:
        residuals = (A @ solution - right).abs().square().sum(-2)
    if driver == "gels":
        rank = rank.new_empty(0)
    if driver not in ("gelsd", "gelss"):
        values = values.new_empty(0)
    return return_types.linalg_lstsq((solution.squeeze(-1) if vector else solution, residuals, rank.to(int64), values))


def _check_lstsq(name: str, A: Tensor, B: Tensor, driver) -> str:
    if A.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if B.ndim < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    if A.dtype is not B.dtype:
        raise RuntimeError(
            f"{name}: Expected input and other to have the same dtype, but got input's dtype {legacy_name(A.dtype)} "
            "and "
            f"other's dtype {legacy_name(B.dtype)}"
        )
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    _require_singular_values(A)
    return driver or "gelsy"


def _require_singular_values(A: Tensor) -> None:
    if A.dtype.category < 2 or A.itemsize == 2:
        raise RuntimeError("This function doesn't handle types other than float and double")


# ---- rank and condition ------------------------------------------------------------------------------------------


@public(namespace="linalg")
def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None):
    """linalg.matrix_rank(A, *, atol=None, rtol=None, hermitian=False, out=None) -> Tensor

    How many singular values exceed max(atol, rtol times the largest).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.matrix_rank.html
    """
    name = "torch.linalg.matrix_rank"
    require_matrix(name, A, "input")
    _require_singular_values(A)
    if tol is not None:  # the older spelling: only an absolute tolerance
        atol, rtol = tol, 0.0
    A = A.detach()
    if A.numel() == 0:
        return A.new_zeros(*A.shape[:-2], dtype=int64)
    values = eigvalsh(A).abs() if hermitian else svdvals(A)
    limit = _tolerance(name, A, _largest(values), atol, rtol)
    return (values > limit.unsqueeze(-1)).sum(-1)


@public(namespace="linalg")
def cond(A, p=None):
    """linalg.cond(A, p=None, *, out=None) -> Tensor

    The condition number: the ratio of the largest to the smallest singular value, or for another norm `p` the norm of
    A times that of its inverse (inf for a singular matrix).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.cond.html
    """
    if A.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if isinstance(p, str) and p not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    if p is not None and not isinstance(p, str) and abs(p) not in (1, 2, math.inf):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p:g}")
    if A.numel() == 0:
        return A.real.new_zeros(*A.shape[:-2]) if A.is_complex() else A.new_zeros(*A.shape[:-2])
    if p in (None, 2, -2):
        values = svdvals(A)
        return values[..., -1] / values[..., 0] if p == -2 else values[..., 0] / values[..., -1]
    shown = p if isinstance(p, str) else f"{p:g}"
    require_square(f"linalg.cond(ord={shown})", A)
    inverse, info = _checked_inverse("linalg.inv", A, False)
    condition = matrix_norm(A, p) * matrix_norm(inverse, p)
    return condition.masked_fill(info != 0, math.inf)


# ---- systems of tensors ------------------------------------------------------------------------------------------


@public(namespace="linalg")
def tensorinv(A, ind=2):
    """linalg.tensorinv(A, ind=2, *, out=None) -> Tensor

    The inverse of A read as a matrix whose rows are its first `ind` dimensions together.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.tensorinv.html
    """
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    first, last = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    rows, columns = math.prod(first), math.prod(last)
    if rows != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{columns} != {rows}"
        )
    return _checked_inverse("inv", A.reshape(rows, columns), True)[0].reshape(*last, *first)


@public(tensors=2, namespace="linalg")
def tensorsolve(A, B, dims=None):
    """linalg.tensorsolve(A, B, dims=None, *, out=None) -> Tensor: X with `tensordot(A, X, X.ndim) = B`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.tensorsolve.html
    """
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    shape = tuple(A.shape[B.ndim :])
    rows, columns = math.prod(A.shape[: B.ndim]), math.prod(shape)
    if rows != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            "but "
            f"got {columns} != {rows}"
        )
    return solve(A.reshape(rows, columns), B.flatten()).reshape(shape)
