"""Cholesky's factor of positive-definite matrices, and what is solved with it."""

from __future__ import annotations

import numpy as np

from .. import return_types
from ..backends import backend_of, lapack
from ..dtypes import legacy_name
from ..tensor import Tensor
from ._linalg import adjoint, identity_like, keep, on_host, raise_first, require_float, require_kernel, require_square
from ._op import op
from ._public import public
from .linear_systems import check_old_system, triangular_solution
from .matmul import broadcast_batches


@op(method=False, namespace=None, node="LinalgCholeskyEx")
class cholesky_factor:
    """(lower triangular L with L L^H = A, info); only the lower triangle of A counts."""

    def forward(xp, a):
        try:
            with backend_of(xp).linalg_errors():
                factor = xp.linalg.cholesky(a)
        except np.linalg.LinAlgError:
            return on_host(xp, lapack.cholesky, a)
        if xp.isnan(factor[..., -1:, -1:]).any():  # a nan reaches the last element from anywhere
            return on_host(xp, lapack.cholesky, a)
        return factor, xp.zeros(a.shape[:-2], np.int32)

    def save(ctx, outs, a):
        keep(ctx, outs[:1])

    def backward(ctx, g, _):
        (factor,) = ctx.saved_tensors
        half = (adjoint(factor) @ g).tril()
        diagonal = half.diagonal(0, -2, -1)
        if half.is_complex():
            diagonal = diagonal.real.to(half.dtype)
        middle = half.tril(-1)
        middle = (middle + adjoint(middle) + diagonal.diag_embed()) * 0.5
        middle = triangular_solution(adjoint(factor), middle, upper=True, left=True, unitriangular=False)
        return triangular_solution(factor, middle, upper=False, left=False, unitriangular=False)


def _factored(name: str, A: Tensor, upper: bool, check_errors: bool):
    require_square(name, A)
    require_float(name, A)
    require_kernel("cholesky_cpu", A)
    factor, info = cholesky_factor(adjoint(A) if upper else A)
    if check_errors and info._array.any():
        raise_first(info, lambda batch, code: (
            f"{name}: {batch}The factorization could not be completed because the input is not positive-definite (the "
            f"leading minor of order {code} is not positive-definite)."
        ))  # fmt: skip
    return (adjoint(factor) if upper else factor), info


@public(namespace="linalg", name="cholesky")
def linalg_cholesky(A, *, upper=False):
    """linalg.cholesky(A, *, upper=False, out=None) -> Tensor

    The lower triangular L with `L L^H = A` (the upper one with `U^H U = A`) of each positive-definite matrix;
    LinAlgError for another.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.cholesky.html
    """
    return _factored("linalg.cholesky", A, upper, True)[0]


@public(namespace="linalg")
def cholesky_ex(A, *, upper=False, check_errors=False):
    """linalg.cholesky_ex(A, *, upper=False, check_errors=False, out=None) -> (L, info): `cholesky` without an error.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.cholesky_ex.html
    """
    return return_types.linalg_cholesky_ex(_factored("linalg.cholesky", A, upper, check_errors))


@public(method=True)
def cholesky(input, upper=False):
    """cholesky(input, upper=False, *, out=None) -> Tensor: the older form of `torch.linalg.cholesky`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cholesky.html
    """
    return _factored("cholesky", input, upper, True)[0]


@public(method=True)
def cholesky_inverse(L, upper=False):
    """cholesky_inverse(L, upper=False, *, out=None) -> Tensor: the inverse of `L L^H` (of `L^H L` where upper).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cholesky_inverse.html
    """
    require_square("cholesky_inverse", L)
    require_kernel("cholesky_inverse", L)
    return cholesky_solution(identity_like(L), L, upper=upper)


@op(method=False, namespace=None, node="CholeskySolve")
class cholesky_solution:
    """X of L L^H X = B (of L^H L X = B where upper); the gradient of L is that of a full matrix, as PyTorch's is."""

    def forward(xp, b, factor, *, upper):
        batch = broadcast_batches(b.shape[:-2], factor.shape[:-2])
        lower = factor.conj().swapaxes(-1, -2) if upper else factor
        lower, b = xp.broadcast_to(lower, (*batch, *lower.shape[-2:])), xp.broadcast_to(b, (*batch, *b.shape[-2:]))
        half = on_host(xp, lapack.solve_triangular, lower, b, upper=False, left=True, unitriangular=False)
        upper = lower.conj().swapaxes(-1, -2)
        return on_host(xp, lapack.solve_triangular, upper, half, upper=True, left=True, unitriangular=False)

    def save(ctx, out, b, factor, *, upper):
        keep(ctx, out, factor)
        ctx.upper = upper
        ctx.inputs = tuple([(t._array.shape, t._array.dtype) for t in (b, factor)])

    def backward(ctx, g):
        x, factor = ctx.saved_tensors
        g_b = cholesky_solution(g, factor, upper=ctx.upper)
        if not ctx.needs_input_grad[1]:
            return g_b, None
        common = g_b @ adjoint(x)
        common = common + adjoint(common)
        return g_b, -(factor @ common) if ctx.upper else -(common @ factor)


@public(tensors=2, method=True)
def cholesky_solve(B, L, upper=False):
    """cholesky_solve(B, L, upper=False, *, out=None) -> Tensor: X of `L L^H X = B` (of `L^H L X = B` where upper).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cholesky_solve.html
    """
    for name, value in (("b", B), ("u", L)):
        if value.ndim < 2:
            raise RuntimeError(f"{name} should have at least 2 dimensions, but has {value.ndim} dimensions instead")
    if B.dtype is not L.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {legacy_name(B.dtype)} and A of type "
            f"{legacy_name(L.dtype)} instead."
        )
    check_old_system("cholesky_solve", L, B)
    return cholesky_solution(B, L, upper=upper)
