"""LU and LDL factorisations, and products of Householder reflectors: forms that later solves reuse."""

from __future__ import annotations

import numpy as np

from .. import return_types
from ..backends import lapack
from ..dtypes import int32, legacy_name
from ..tensor import Tensor
from ._linalg import (
    adjoint,
    identity_like,
    keep,
    on_host,
    require_equal_dtypes,
    require_float,
    require_kernel,
    require_square,
)
from ._op import op
from ._public import public
from .joining import cat
from .linear_systems import _check_system, triangular_solution
from .matmul import broadcast_batches
from .ranges import eye

# ---- LU ----------------------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="LinalgLuFactorEx")
class packed_lu:
    """(L and U in one matrix, pivots, info) of each matrix."""

    def forward(xp, a):
        return on_host(xp, lapack.lu_factor, a)

    def save(ctx, outs, a):
        keep(ctx, outs[:2])

    def backward(ctx, g, _, __):
        packed, pivots = ctx.saved_tensors
        m, n = packed.shape[-2:]
        k = min(m, n)
        permutation, lower, upper = _unpacked(packed, pivots)
        g_lower, g_upper = g[..., :k].tril(-1), g[..., :k, :].triu()
        top, g_top, left, g_left = lower[..., :k, :], g_lower[..., :k, :], upper[..., :k], g_upper[..., :k]
        if m > n:  # the rows below the square part: A2 = L2 U
            below = _over(left, g_lower[..., k:, :])
            g_left = g_left - adjoint(lower[..., k:, :]) @ below
        if n > m:  # the columns beside it: A2 = L U2
            beside = triangular_solution(adjoint(top), g_upper[..., k:], upper=True, left=True, unitriangular=True)
            g_top = g_top - beside @ adjoint(upper[..., k:])
        middle = (adjoint(top) @ g_top).tril(-1) + (g_left @ adjoint(left)).triu()
        square = triangular_solution(adjoint(top), _over(left, middle), upper=True, left=True, unitriangular=True)
        made = cat([square, below], -2) if m > n else cat([square, beside], -1) if n > m else square
        return permutation @ made


def _over(upper: Tensor, a: Tensor) -> Tensor:
    """`a U^-H`."""
    return triangular_solution(adjoint(upper), a, upper=False, left=False, unitriangular=False)


def _unpacked(packed: Tensor, pivots: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    m, n = packed.shape[-2:]
    k = min(m, n)
    lower = packed[..., :k].tril(-1) + _wide_identity(packed, m, k)
    return _permutation(pivots, m, packed), lower, packed[..., :k, :].triu()


def _wide_identity(like: Tensor, m: int, k: int) -> Tensor:
    return eye(m, k, dtype=like.dtype, device=like.device)


@op(method=False, namespace=None)
class rows_of_pivots:
    """The order of rows that a list of row swaps (counted from 1) leads to."""

    def forward(xp, pivots, *, rows):
        def order(pivots):
            made = np.broadcast_to(np.arange(rows), (*pivots.shape[:-1], rows)).copy()
            if pivots.size:
                for one, swaps in zip(made.reshape(-1, rows), pivots.reshape(-1, pivots.shape[-1]), strict=True):
                    for i, j in enumerate(swaps[:rows] - 1):
                        one[[i, j]] = one[[j, i]]
            return made

        return on_host(xp, order, pivots)


def _permutation(pivots: Tensor, rows: int, like: Tensor) -> Tensor:
    """P with `P L U = A`."""
    order = rows_of_pivots(pivots, rows=rows)
    return identity_like(like, rows)[order].transpose(-2, -1)


def _lu_factor(name: str, A: Tensor, pivot: bool):
    require_kernel("lu_cpu", A)
    if not pivot and A.is_cpu:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    return packed_lu(A)


def _require_matrix_of(name: str, A: Tensor) -> None:
    if A.ndim < 2:
        raise RuntimeError(f"{name}: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead")


def _refuse_zero_pivot(name: str, info: Tensor) -> None:
    for element, code in enumerate(info.flatten().tolist()):
        if code:
            batch = f"(Batch element {element}): " if info.ndim else ""
            raise RuntimeError(
                f"torch.{name}: {batch}U[{code},{code}] is zero and using it on lu_solve would result in a division "
                "by zero. "
                "If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
                "linalg.lu_factor_ex(A, pivot)"
            )


@public(namespace="linalg")
def lu_factor(A, *, pivot=True):
    """linalg.lu_factor(A, *, pivot=True, out=None) -> (LU, pivots): `A = P L U` with L and U packed, for `lu_solve`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu_factor.html
    """
    _require_matrix_of("torch.lu_factor", A)
    packed, pivots, info = _lu_factor("linalg.lu_factor", A, pivot)
    _refuse_zero_pivot("linalg.lu_factor", info)
    return return_types.linalg_lu_factor((packed, pivots))


@public(namespace="linalg")
def lu_factor_ex(A, *, pivot=True, check_errors=False):
    """linalg.lu_factor_ex(A, *, pivot=True, check_errors=False, out=None) -> (LU, pivots, info): without an error.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu_factor_ex.html
    """
    _require_matrix_of("torch.lu_factor", A)
    packed, pivots, info = _lu_factor("linalg.lu_factor_ex", A, pivot)
    if check_errors:
        _refuse_zero_pivot("linalg.lu_factor_ex", info)
    return return_types.linalg_lu_factor_ex((packed, pivots, info))


@public(method=True)
def lu(A, pivot=True, get_infos=False):
    """lu(A, pivot=True, get_infos=False, out=None) -> (LU, pivots): the older form of `torch.linalg.lu_factor_ex`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.lu.html
    """
    _require_matrix_of("torch.lu_factor", A)
    packed, pivots, info = _lu_factor("lu", A, pivot)
    if get_infos:
        return packed, pivots, info
    _refuse_zero_pivot("linalg.lu_factor", info)
    return packed, pivots


@public(namespace="linalg", name="lu")
def linalg_lu(A, *, pivot=True):
    """linalg.lu(A, *, pivot=True, out=None) -> (P, L, U): `A = P L U` with a permutation and two triangular matrices.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu.html
    """
    _require_matrix_of("linalg.lu", A)
    packed, pivots, _ = _lu_factor("linalg.lu", A, pivot)
    return return_types.linalg_lu(_unpacked(packed, pivots))


@public(tensors=2)
def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True):
    """lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True, *, out=None) -> (P, L, U)

    The three matrices behind the packed form that `linalg.lu_factor` gives.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.lu_unpack.html
    """
    _require_matrix_of("torch.lu_unpack", LU_data)
    if unpack_pivots and LU_pivots.dtype is not int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\nNote: this "
            "function is "
            "intended to be used with the output produced by torch.linalg.lu_factor"
        )
    none = LU_data.new_empty(0)
    permutation = _permutation(LU_pivots, LU_data.shape[-2], LU_data) if unpack_pivots else none
    lower = upper = none
    if unpack_data:
        m, n = LU_data.shape[-2:]
        k = min(m, n)
        lower = LU_data[..., :k].tril(-1) + _wide_identity(LU_data, m, k)
        upper = LU_data[..., :k, :].triu()
    return return_types.lu_unpack((permutation, lower, upper))


@public(tensors=3, namespace="linalg", name="lu_solve")
def linalg_lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    """linalg.lu_solve(LU, pivots, B, *, left=True, adjoint=False, out=None) -> Tensor

    X of `A X = B` (of `X A = B` with left=False, of `A^H X = B` with adjoint) for `LU, pivots = linalg.lu_factor(A)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu_solve.html
    """
    name = "linalg.lu_solve"
    if pivots.dtype is not int32:
        raise RuntimeError(f"{name}: pivots should be a Tensor of scalar type torch.int32")
    require_equal_dtypes(name, "LU", LU, "B", B)
    require_square("torch." + name, LU)
    _check_system(name, LU, B, left, False)
    if pivots.shape[-1] != LU.shape[-1]:
        raise RuntimeError(f"{name}: Number of pivots per batch should be same as the dimension of the matrix")
    if not left:
        return _adjoint_of(_lu_solution(LU, pivots, _adjoint_of(B), not adjoint))
    return _lu_solution(LU, pivots, B, adjoint)


_adjoint_of = adjoint  # lu_solve has an argument of that name


def _lu_solution(LU: Tensor, pivots: Tensor, B: Tensor, of_adjoint: bool) -> Tensor:
    permutation, lower, upper = _unpacked(LU, pivots)
    if of_adjoint:
        half = triangular_solution(adjoint(upper), B, upper=False, left=True, unitriangular=False)
        return permutation @ triangular_solution(adjoint(lower), half, upper=True, left=True, unitriangular=True)
    half = triangular_solution(lower, permutation.transpose(-2, -1) @ B, upper=False, left=True, unitriangular=True)
    return triangular_solution(upper, half, upper=True, left=True, unitriangular=False)


@public(tensors=3, method=True)
def lu_solve(b, LU_data, LU_pivots):
    """lu_solve(b, LU_data, LU_pivots, *, out=None) -> Tensor: the older form of `torch.linalg.lu_solve`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.lu_solve.html
    """
    return linalg_lu_solve(LU_data, LU_pivots, b)


# ---- LDL ---------------------------------------------------------------------------------------------------------


@op(method=False, namespace=None)
class packed_ldl:
    """(L and D in one matrix, pivots, info) of symmetric or Hermitian matrices; not differentiable."""

    def forward(xp, a, *, hermitian):
        return on_host(xp, lapack.ldl_factor, a, hermitian=hermitian)


@op(method=False, namespace=None)
class ldl_solution:
    """X of A X = B for a packed LDL factorisation of A."""

    def forward(xp, packed, pivots, b, *, hermitian):
        batch = broadcast_batches(packed.shape[:-2], b.shape[:-2])
        packed = xp.broadcast_to(packed, (*batch, *packed.shape[-2:]))
        pivots, b = xp.broadcast_to(pivots, (*batch, pivots.shape[-1])), xp.broadcast_to(b, (*batch, *b.shape[-2:]))
        return on_host(xp, lapack.ldl_solve, packed, pivots, b, hermitian=hermitian)


@public(namespace="linalg")
def ldl_factor_ex(A, *, hermitian=False, check_errors=False):
    """linalg.ldl_factor_ex(A, *, hermitian=False, check_errors=False, out=None) -> (LD, pivots, info)

    The factorisation `L D L^T` (`L D L^H` where hermitian) of symmetric matrices in LAPACK's packed form.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.ldl_factor_ex.html
    """
    require_square("torch.linalg.ldl_factor_ex", A)
    require_float("torch.linalg.ldl_factor_ex", A)
    require_kernel("ldl_factor_cpu", A)
    packed, pivots, info = packed_ldl(A.detach(), hermitian=hermitian)
    if check_errors and info._array.any():
        raise RuntimeError(f"torch.linalg.ldl_factor_ex: D is singular (info {info.flatten().tolist()})")
    return return_types.linalg_ldl_factor_ex((packed, pivots, info))


@public(namespace="linalg")
def ldl_factor(A, *, hermitian=False):
    """linalg.ldl_factor(A, *, hermitian=False, out=None) -> (LD, pivots); see `ldl_factor_ex`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.ldl_factor.html
    """
    packed, pivots, _ = ldl_factor_ex(A, hermitian=hermitian, check_errors=True)
    return return_types.linalg_ldl_factor((packed, pivots))


@public(tensors=3, namespace="linalg")
def ldl_solve(LD, pivots, B, *, hermitian=False):
    """linalg.ldl_solve(LD, pivots, B, *, hermitian=False, out=None) -> Tensor: X of `A X = B` for a factorised A.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.ldl_solve.html
    """
    name = "torch.linalg.ldl_solve"
    require_square(name, LD)
    B.size(-2)  # IndexError for a vector
    if LD.shape[-1] != B.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {LD.shape[-2]} by {LD.shape[-1]} but each b "
            "matrix is "
            f"{B.shape[-2]} by {B.shape[-1]}"
        )
    if pivots.dtype.category != 1:
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {legacy_name(pivots.dtype)}")
    if pivots.shape != LD.shape[:-1]:
        raise RuntimeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.shape)} instead"
        )
    return ldl_solution(LD, pivots, B, hermitian=hermitian)


# ---- Householder reflectors --------------------------------------------------------------------------------------


def _reflected(A: Tensor, tau: Tensor, C: Tensor, transpose: bool) -> Tensor:
    """Q C (or Q^H C) for Q = H1 H2 … Hk, Hi = 1 - tau_i v_i v_i^H, v_i the column i of A below its diagonal."""
    m = A.shape[-2]
    order = range(tau.shape[-1])
    for i in order if transpose else reversed(order):
        one = A.new_ones(*A.shape[:-2], 1, 1)
        v = cat([A.new_zeros(*A.shape[:-2], i, 1), one, A[..., i + 1 : m, i : i + 1]], -2)
        factor = tau[..., i : i + 1].unsqueeze(-1)
        factor = factor.conj() if transpose and factor.is_complex() else factor
        C = C - factor * (v @ (adjoint(v) @ C))
    return C


@public(tensors=2, namespace="linalg")
def householder_product(A, tau):
    """linalg.householder_product(A, tau, *, out=None) -> Tensor

    The first columns of the product of Householder reflectors: Q of `geqrf`'s QR.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.householder_product.html
    """
    name = "torch.linalg.householder_product"
    if A.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if A.shape[-2] < A.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if A.shape[-1] < tau.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if tau.shape[:-1] != A.shape[:-2]:
        raise RuntimeError(
            f"{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got {list(tau.shape[:-1])}"
        )
    if tau.dtype is not A.dtype:
        raise RuntimeError(
            f"{name}: tau dtype {legacy_name(tau.dtype)} does not match input dtype {legacy_name(A.dtype)}"
        )
    m, n = A.shape[-2:]
    if A.numel() == 0 or tau.numel() == 0:
        return A.clone().copy_(_wide_identity(A, m, n).expand(A.shape))
    return _reflected(A, tau, _wide_identity(A, m, n).expand(A.shape), False)


@public(tensors=2, method=True)
def orgqr(input, input2):
    """orgqr(input, tau) -> Tensor: `torch.linalg.householder_product`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.orgqr.html
    """
    return householder_product(input, input2)


@public(tensors=3, method=True)
def ormqr(input, tau, other, left=True, transpose=False):
    """ormqr(input, tau, other, left=True, transpose=False, *, out=None) -> Tensor

    `Q @ other` (`other @ Q` with left=False; Q^H with transpose) for Q given by Householder reflectors.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.ormqr.html
    """
    for name, value in (("input", input), ("other", other)):
        if value.ndim < 2:
            raise RuntimeError(f"torch.ormqr: {name} must have at least 2 dimensions.")
    side = -2 if left else -1
    if other.shape[side] != input.shape[-2] and tau.shape[-1] <= other.shape[side]:
        raise RuntimeError(f"torch.ormqr: other.shape[{side}] must be equal to input.shape[-2]")
    if tau.shape[-1] != min(other.shape[side], input.shape[-1]):
        raise RuntimeError(f"torch.ormqr: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])")
    for name, value in (("tau", tau), ("other", other)):
        if value.dtype is not input.dtype:
            raise RuntimeError(
                f"torch.ormqr: Expected input and {name} to have the same dtype, but input has dtype"
                f"{legacy_name(input.dtype)} and {name} has dtype {legacy_name(value.dtype)}"
            )
    if left:
        return _reflected(input, tau, other, transpose)
    return adjoint(_reflected(input, tau, adjoint(other), not transpose))
