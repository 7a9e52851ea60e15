"""Eigenvalues, singular values and QR: matrices taken apart, with the gradients of the parts.

The formulas of the gradients are derived from the differential of `A = V diag(L) V^-1`, `A = U diag(S) V^H` and
`A = Q R`; "E" is the matrix of the differences of eigenvalues (or of squared singular values) in their denominators.
"""

from __future__ import annotations

import numpy as np

from .. import return_types
from ..backends import backend_of, lapack
from ..dtypes import FLOAT, legacy_name
from ..tensor import Tensor
from ._linalg import (
    LinAlgError,
    adjoint,
    identity_like,
    is_absent,
    keep,
    on_host,
    real_diagonal,
    require_float,
    require_kernel,
    require_matrix,
    require_square,
)
from ._op import op
from ._public import public
from .joining import cat
from .linear_systems import solution_of, triangular_solution

# ---- QR ----------------------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="LinalgQr")
class qr_factors:
    """(Q, R) of each matrix; mode "reduced", "complete" or "r" (Q empty)."""

    def forward(xp, a, *, mode):
        if mode == "r":
            return xp.empty(0, a.dtype), xp.linalg.qr(a, mode="r")
        q, r = xp.linalg.qr(a, mode=mode)
        return q, r

    def save(ctx, outs, a, *, mode):
        keep(ctx, outs)
        ctx.mode = mode

    def backward(ctx, g_q, g_r):
        q, r = ctx.saved_tensors
        if ctx.mode == "r":
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
                "linalg.qr(A, mode='reduced') if you are going to require gradients"
            )
        m, n = q.shape[-2], r.shape[-1]
        if ctx.mode == "complete" and m > n:
            raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols")
        if m >= n:
            return _qr_gradient(q, r, g_q, g_r)
        square, rest, g_rest = r[..., :m], r[..., m:], g_r[..., m:]  # A = [A1 A2] = Q [R1 R2]
        g_first = _qr_gradient(q, square, g_q + q @ (rest @ adjoint(g_rest)), g_r[..., :m])
        return cat([g_first, q @ g_rest], -1)


def _qr_gradient(q: Tensor, r: Tensor, g_q: Tensor, g_r: Tensor) -> Tensor:
    """The gradient of a matrix with at least as many rows as columns."""
    upper = (g_r @ adjoint(r) - adjoint(q) @ g_q).triu()
    symmetric = upper.triu(1) + adjoint(upper.triu(1)) + real_diagonal(upper).to(upper.dtype).diag_embed()
    return triangular_solution(adjoint(r), g_q + q @ symmetric, upper=False, left=False, unitriangular=False)


@public(namespace="linalg", name="qr")
def linalg_qr(A, mode="reduced"):
    """linalg.qr(A, mode='reduced', *, out=None) -> (Q, R)

    Q with orthonormal columns and R upper triangular with `Q R = A`; mode "complete" gives a square Q, "r" only R.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.qr.html
    """
    require_matrix("linalg.qr", A)
    require_float("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    require_kernel("geqrf_cpu", A)
    return return_types.linalg_qr(qr_factors(A, mode=mode))


@public(method=True)
def qr(input, some=True):
    """qr(input, some=True, *, out=None) -> (Q, R): the older form of `torch.linalg.qr`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.qr.html
    """
    return return_types.qr(linalg_qr(input, "reduced" if some else "complete"))


@op(method=False, namespace=None)
class householder_form:
    """(reflectors and R in one matrix, tau): QR as LAPACK's geqrf gives it; not differentiable."""

    def forward(xp, a):
        return on_host(xp, lapack.geqrf, a)


@public(method=True)
def geqrf(input):
    """geqrf(input, *, out=None) -> (a, tau): the Householder form of QR, for `ormqr` and `householder_product`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.geqrf.html
    """
    if input.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    require_kernel("geqrf_cpu", input)
    return return_types.geqrf(householder_form(input))


# ---- eigenvalues -------------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="LinalgEigh")
class symmetric_eigen:
    """(eigenvalues in ascending order, eigenvectors) of symmetric or Hermitian matrices; one triangle counts."""

    def forward(xp, a, *, triangle):
        try:
            with backend_of(xp).linalg_errors():
                values, vectors = xp.linalg.eigh(a, UPLO=triangle)
        except np.linalg.LinAlgError:
            raise LinAlgError(
                "linalg.eigh: The algorithm failed to converge because the input matrix is ill-conditioned or has too "
                "many "
                "repeated eigenvalues (error code: 1)."
            ) from None
        return values, vectors

    def save(ctx, outs, a, *, triangle):
        keep(ctx, outs)

    def backward(ctx, g_values, g_vectors):
        values, vectors = ctx.saved_tensors
        g_values = g_values.to(vectors.dtype)
        if is_absent(g_vectors):
            return (vectors * g_values.unsqueeze(-2)) @ adjoint(vectors)
        middle = adjoint(vectors) @ g_vectors
        differences = values.unsqueeze(-2) - values.unsqueeze(-1)
        middle = middle / _diagonal_one(differences).to(middle.dtype)
        middle = _off_diagonal(middle) + g_values.diag_embed()
        return vectors @ middle @ adjoint(vectors)


def _diagonal_one(differences: Tensor) -> Tensor:
    """A matrix of differences with its zero diagonal made 1, so that it can divide."""
    return differences + identity_like(differences)


def _off_diagonal(a: Tensor) -> Tensor:
    return a * (1 - identity_like(a))


@op(method=False, namespace=None)
class symmetric_eigenvalues:
    """The eigenvalues alone, where no gradient needs the vectors."""

    def forward(xp, a, *, triangle):
        return xp.linalg.eigvalsh(a, UPLO=triangle)


def _check_symmetric(A: Tensor, UPLO: str) -> str:
    require_square("linalg.eigh", A)
    require_kernel("linalg_eigh_cpu", A)
    if len(UPLO) != 1 or UPLO not in "LUlu":
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper()


@public(namespace="linalg")
def eigh(A, UPLO="L"):
    """linalg.eigh(A, UPLO='L', *, out=None) -> (eigenvalues, eigenvectors)

    Of real symmetric or complex Hermitian matrices: real eigenvalues in ascending order and orthonormal eigenvectors as
    columns. Only the lower (UPLO="L") or upper triangle is read.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.eigh.html
    """
    return return_types.linalg_eigh(symmetric_eigen(A, triangle=_check_symmetric(A, UPLO)))


@public(namespace="linalg")
def eigvalsh(A, UPLO="L"):
    """linalg.eigvalsh(A, UPLO='L', *, out=None) -> Tensor: the eigenvalues of `linalg.eigh`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.eigvalsh.html
    """
    triangle = _check_symmetric(A, UPLO)
    if A.requires_grad:
        return symmetric_eigen(A, triangle=triangle)[0]
    return symmetric_eigenvalues(A, triangle=triangle)


@op(method=False, namespace=None, node="LinalgEig")
class eigen:
    """(eigenvalues, eigenvectors) of square matrices, both complex."""

    def forward(xp, a):
        values, vectors = xp.linalg.eig(a)
        dtype = np.result_type(a.dtype, np.complex64)
        return values.astype(dtype, copy=False), vectors.astype(dtype, copy=False)

    def save(ctx, outs, a):
        keep(ctx, outs)
        ctx.real = not a.is_complex()

    def backward(ctx, g_values, g_vectors):
        values, vectors = ctx.saved_tensors
        vh = adjoint(vectors)
        if is_absent(g_vectors):
            middle = g_values.unsqueeze(-1) * vh
        else:
            inner = vh @ g_vectors
            inner = inner - (vh @ vectors) * real_diagonal(inner).unsqueeze(-2)  # the length of a vector is fixed
            differences = (values.unsqueeze(-2) - values.unsqueeze(-1)).conj()
            inner = _off_diagonal(inner / _diagonal_one(differences)) + g_values.diag_embed()
            middle = inner @ vh
        grad = solution_of(vh, middle)[0]
        return grad.real if ctx.real else grad


@op(method=False, namespace=None)
class eigenvalues_alone:
    """The eigenvalues, where no gradient needs the vectors."""

    def forward(xp, a):
        return xp.linalg.eigvals(a).astype(np.result_type(a.dtype, np.complex64), copy=False)


def _check_eig(name: str, A: Tensor) -> None:
    require_square(name, A)
    if A.dtype.category < FLOAT:
        raise RuntimeError(f"Unknown Complex ScalarType for {legacy_name(A.dtype)}")
    require_kernel("linalg_eig_out_cpu", A)
    if not np.isfinite(A.detach().cpu()._array).all():
        raise RuntimeError(f"torch.{name}: input tensor should not contain infs or NaNs.")


@public(namespace="linalg")
def eig(A):
    """linalg.eig(A, *, out=None) -> (eigenvalues, eigenvectors)

    Of square matrices, complex also where A is real; the eigenvectors are columns of length 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.eig.html
    """
    _check_eig("linalg.eig", A)
    return return_types.linalg_eig(eigen(A))


@public(namespace="linalg")
def eigvals(A):
    """linalg.eigvals(A, *, out=None) -> Tensor: the eigenvalues of `linalg.eig`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.eigvals.html
    """
    _check_eig("linalg.eigvals", A)
    return eigen(A)[0] if A.requires_grad else eigenvalues_alone(A)


# ---- singular values ---------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="LinalgSvd")
class singular_parts:
    """(U, S, V^H) of each matrix."""

    def forward(xp, a, *, full):
        try:
            with backend_of(xp).linalg_errors():
                u, s, vh = xp.linalg.svd(a, full_matrices=full)
        except np.linalg.LinAlgError:
            raise LinAlgError(_svd_failed(xp, a)) from None
        if a.size and xp.isnan(s).any():
            raise LinAlgError(_svd_failed(xp, a))
        return u, s, vh

    def save(ctx, outs, a, *, full):
        keep(ctx, outs)

    def backward(ctx, g_u, g_s, g_vh):
        u, s, vh = ctx.saved_tensors
        m, k, n = u.shape[-2], s.shape[-1], vh.shape[-1]
        u, vh, g_u, g_vh = u[..., :k], vh[..., :k, :], g_u[..., :k], g_vh[..., :k, :]
        no_u, no_v = is_absent(g_u), is_absent(g_vh)
        if no_u and no_v:
            return (u * g_s.to(u.dtype).unsqueeze(-2)) @ vh
        v, g_v, s_row = adjoint(vh), adjoint(g_vh), s.unsqueeze(-2).to(u.dtype)
        gaps = _diagonal_one((s.unsqueeze(-2) - s.unsqueeze(-1)) * (s.unsqueeze(-2) + s.unsqueeze(-1))).to(u.dtype)
        in_u, in_v = adjoint(u) @ g_u, vh @ g_v
        turned_u, turned_v = (in_u - adjoint(in_u)) / gaps, (in_v - adjoint(in_v)) / gaps
        middle = _off_diagonal(turned_u * s_row + s.unsqueeze(-1).to(u.dtype) * turned_v)
        diagonal = g_s.to(u.dtype)
        if u.is_complex():
            diagonal = diagonal + in_u.diagonal(0, -2, -1).imag / s * 1j
        made = (u @ (middle + diagonal.diag_embed())) @ vh
        if m > k and not no_u:
            made = made + ((g_u - u @ in_u) / s_row) @ vh
        if n > k and not no_v:
            made = made + (u / s_row) @ adjoint(g_v - v @ in_v)
        return made


def _svd_failed(xp, a) -> str:
    if not xp.isfinite(a).all():
        return "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values."
    return (
        "linalg.svd: The algorithm failed to converge because the input matrix is ill-conditioned or has too many "
        "repeated "
        "singular values (error code: 1)."
    )


@op(method=False, namespace=None)
class singular_values_alone:
    """The singular values, where no gradient needs U and V."""

    def forward(xp, a):
        try:
            with backend_of(xp).linalg_errors():
                values = xp.linalg.svd(a, compute_uv=False)
        except np.linalg.LinAlgError:
            raise LinAlgError(_svd_failed(xp, a)) from None
        if a.size and xp.isnan(values).any():
            raise LinAlgError(_svd_failed(xp, a))
        return values


def _check_svd(A: Tensor, driver=None) -> None:
    require_matrix("linalg.svd", A)
    require_float("linalg.svd", A)
    require_kernel("linalg_svd_cpu", A)
    if driver is not None and A.is_cpu:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )


@public(namespace="linalg", name="svd")
def linalg_svd(A, full_matrices=True, *, driver=None):
    """linalg.svd(A, full_matrices=True, *, driver=None, out=None) -> (U, S, Vh)

    `A = U diag(S) Vh` with singular values S in descending order; full_matrices=False keeps only the columns of U and
    rows of Vh that belong to one.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.svd.html
    """
    _check_svd(A, driver)
    return return_types.linalg_svd(singular_parts(A, full=full_matrices))


@public(namespace="linalg")
def svdvals(A, *, driver=None):
    """linalg.svdvals(A, *, driver=None, out=None) -> Tensor: the singular values in descending order.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.svdvals.html
    """
    _check_svd(A, driver)
    return singular_parts(A, full=False)[1] if A.requires_grad else singular_values_alone(A)


@public(method=True)
def svd(input, some=True, compute_uv=True):
    """svd(input, some=True, compute_uv=True, *, out=None) -> (U, S, V): the older form of `torch.linalg.svd`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.svd.html
    """
    if input.ndim < 2:
        raise RuntimeError(
            f"linalg.svd: input should have at least 2 dimensions, but has {input.ndim} dimensions instead"
        )
    _check_svd(input)
    if not compute_uv:
        m, n = input.shape[-2:]
        batch = tuple(input.shape[:-2])
        return return_types.svd((input.new_zeros(*batch, m, m), svdvals(input), input.new_zeros(*batch, n, n)))
    u, s, vh = singular_parts(input, full=not some)
    return return_types.svd((u, s, adjoint(vh)))
