"""Determinants, inverses, and solutions of linear systems with square and triangular matrices."""

from __future__ import annotations

import numpy as np

from .. import return_types
from ..backends import backend_of, lapack
from ..tensor import Tensor
from ._linalg import (
    adjoint,
    keep,
    on_host,
    raise_first,
    refuse_half,
    require_equal_dtypes,
    require_float,
    require_kernel,
    require_matrix,
    require_square,
)
from ._op import op
from ._public import public
from .joining import cat
from .matmul import broadcast_batches
from .ranges import eye
from .reduce import prod

# ---- determinants ------------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="LinalgDet")
class determinant:
    """The determinant of each matrix."""

    def forward(xp, a):
        return xp.linalg.det(a)

    def save(ctx, out, a):
        keep(ctx, out, a)

    def backward(ctx, g):
        det, a = ctx.saved_tensors
        if not bool((det == 0).any()):
            return _inverse_adjoint_times(a, g * det.conj())
        return _gradient_of_singular(a, g)


def _inverse_adjoint_times(a: Tensor, factor: Tensor) -> Tensor:
    """`factor * A^-H`."""
    return adjoint(inverse_of(a)[0]) * factor.unsqueeze(-1).unsqueeze(-1)


def _gradient_of_singular(a: Tensor, g: Tensor) -> Tensor:
    """d det / dA is the matrix of cofactors; the SVD gives it where A^-1 does not exist."""
    from .decompositions import svd

    u, s, vh = svd(a)
    n = s.shape[-1]
    others = [cat([s[..., :i], s[..., i + 1 :]], -1) for i in range(n)]
    cofactors = cat([prod(rest, -1, keepdim=True) for rest in others], -1) if n else s
    phase = (determinant(u) * determinant(vh)).conj()
    made = (u * cofactors.to(u.dtype).unsqueeze(-2)) @ vh if n else eye(0)
    return made * (g * phase.conj()).unsqueeze(-1).unsqueeze(-1)


@public(namespace="linalg")
def det(A):
    """linalg.det(A, *, out=None) -> Tensor: the determinant of each square matrix.

    >>> import course_lib as torch
    >>> torch.linalg.det(torch.tensor([[2., 0.], [0., 3.]]))
    tensor(6.)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.det.html
    """
    require_square("linalg.det", A)
    require_float("linalg.det", A)
    require_kernel("lu_cpu", A)
    return determinant(A)


@op(method=False, namespace=None, node="LinalgSlogdet")
class sign_and_log_determinant:
    """(sign, log |det|) of each matrix."""

    def forward(xp, a):
        sign, logabsdet = xp.linalg.slogdet(a)
        return xp.asarray(sign, a.dtype), xp.asarray(logabsdet, a.real.dtype)

    def save(ctx, outs, a):
        keep(ctx, outs, a)

    def backward(ctx, g_sign, g_log):
        sign, _, a = ctx.saved_tensors
        if a.is_complex():
            g_log = g_log + (sign.conj() * g_sign).imag * 1j
        return _inverse_adjoint_times(a, g_log.to(a.dtype))


@public(namespace="linalg")
def slogdet(A):
    """linalg.slogdet(A, *, out=None) -> (sign, logabsdet): the determinant as sign (or phase) and log of its size.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.slogdet.html
    """
    require_square("linalg.slogdet", A)
    require_float("linalg.slogdet", A)
    require_kernel("lu_cpu", A)
    return return_types.linalg_slogdet(sign_and_log_determinant(A))


@public(method=True, name="slogdet")
def slogdet_of(input):
    """slogdet(input) -> (sign, logabsdet): `torch.linalg.slogdet`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.slogdet.html
    """
    return return_types.slogdet(slogdet(input))


@public(method=True)
def logdet(input):
    """logdet(input) -> Tensor: the logarithm of the determinant, nan where that is negative.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.logdet.html
    """
    require_square("logdet", input)
    require_float("logdet", input)
    sign, logabsdet = slogdet(input)
    if input.is_complex():
        return sign.log() + logabsdet
    return logabsdet.masked_fill(sign == -1, float("nan"))


public(method=True)(det)


# ---- inverse -----------------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="LinalgInvEx")
class inverse_of:
    """(A^-1, info): info says which pivot is zero, 0 for a matrix with an inverse."""

    def forward(xp, a):
        try:
            with backend_of(xp).linalg_errors():
                return xp.linalg.inv(a), xp.zeros(a.shape[:-2], np.int32)
        except np.linalg.LinAlgError:
            _, _, info = on_host(xp, lapack.lu_factor, a)
            bad = info[..., None, None] != 0
            made = xp.linalg.inv(xp.where(bad, xp.eye(a.shape[-1], dtype=a.dtype), a))
            return xp.where(bad, xp.asarray(xp.inf, a.real.dtype), made), info

    def save(ctx, outs, a):
        keep(ctx, outs[:1])

    def backward(ctx, g, _):
        (inverse,) = ctx.saved_tensors
        inverse = adjoint(inverse)
        return -(inverse @ g @ inverse)


def _checked_inverse(name: str, A: Tensor, check_errors: bool):
    require_square("linalg.inv", A)
    require_float("linalg.inv", A)
    refuse_half("linalg.inv", A)
    inverse, info = inverse_of(A)
    if check_errors and info._array.any():
        raise_first(info, lambda batch, code: (
            f"{name}: {batch}The diagonal element {code} is zero, the inversion could not be completed because the "
            "input "
            "matrix is singular."
        ))  # fmt: skip
    return inverse, info


@public(namespace="linalg")
def inv(A):
    """linalg.inv(A, *, out=None) -> Tensor: the inverse of each square matrix; LinAlgError for a singular one.

    >>> import course_lib as torch
    >>> torch.linalg.inv(torch.tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.inv.html
    """
    return _checked_inverse("linalg.inv", A, True)[0]


@public(method=True)
def inverse(input):
    """inverse(input, *, out=None) -> Tensor: `torch.linalg.inv`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.inverse.html
    """
    return _checked_inverse("linalg.inv", input, True)[0]


@public(namespace="linalg")
def inv_ex(A, *, check_errors=False):
    """linalg.inv_ex(A, *, check_errors=False, out=None) -> (inverse, info)

    The inverse without an error for singular matrices: `info` is 0, or the number of the first pivot that is zero.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.inv_ex.html
    """
    return return_types.linalg_inv_ex(_checked_inverse("linalg.inv_ex", A, check_errors))


# ---- solve -------------------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="LinalgSolveEx")
class solution_of:
    """(X of A X = B, info) for matrices B; batch dimensions broadcast."""

    def forward(xp, a, b):
        batch = broadcast_batches(b.shape[:-2], a.shape[:-2])
        try:
            with backend_of(xp).linalg_errors():
                return xp.linalg.solve(a, b), xp.zeros(a.shape[:-2], np.int32)
        except np.linalg.LinAlgError:
            _, _, info = on_host(xp, lapack.lu_factor, a)
            bad = info[..., None, None] != 0
            made = xp.linalg.solve(xp.where(bad, xp.eye(a.shape[-1], dtype=a.dtype), a), b)
            return xp.where(xp.broadcast_to(bad, (*batch, 1, 1)), xp.asarray(xp.nan, a.real.dtype), made), info

    def save(ctx, outs, a, b):
        keep(ctx, outs[:1], a)
        ctx.inputs = tuple([(t._array.shape, t._array.dtype) for t in (a, b)])

    def backward(ctx, g, _):
        x, a = ctx.saved_tensors
        g_b = solution_of(adjoint(a), g)[0]
        return (-(g_b @ adjoint(x)) if ctx.needs_input_grad[0] else None), g_b


def _shown(t: Tensor, as_vector: bool = False) -> str:
    return f"{t.shape[-1]}x1" if as_vector else f"{t.shape[-2]}x{t.shape[-1]}"


def _check_system(name: str, A: Tensor, B: Tensor, left: bool, vector: bool) -> None:
    require_square(name, A)
    if not vector:
        require_matrix(name, B, "B")
    rows = B.shape[-1] if vector or not left else B.shape[-2]
    if rows != A.shape[-1]:
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {equation} ({_shown(A)} and {_shown(B, vector)})"
        )


def _solved(name: str, A: Tensor, B: Tensor, left: bool, check_errors: bool):
    require_float("linalg.solve", A)
    require_equal_dtypes("linalg.solve", "A", A, "B", B)
    require_matrix("linalg.solve", A)
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    _check_system("linalg.solve", A, B, left or vector, vector)
    require_kernel("lu_cpu", A)
    if not left and not vector:
        x, info = solution_of(A.transpose(-2, -1), B.transpose(-2, -1))
        x = x.transpose(-2, -1)
    else:
        x, info = solution_of(A, B.unsqueeze(-1) if vector else B)
        x = x.squeeze(-1) if vector else x
    if check_errors and info._array.any():
        raise_first(info, lambda batch, _: (
            f"torch.{name}: {batch}The solver failed because the input matrix is singular."
        ))  # fmt: skip
    return x, info


@public(tensors=2, namespace="linalg")
def solve(A, B, *, left=True):
    """linalg.solve(A, B, *, left=True, out=None) -> Tensor

    X of `A X = B` (of `X A = B` with left=False), for one or a batch of square matrices and vectors or matrices B.
    LinAlgError for a singular matrix.

    >>> import course_lib as torch
    >>> torch.linalg.solve(torch.tensor([[2., 0.], [0., 4.]]), torch.tensor([1., 2.]))
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.solve.html
    """
    return _solved("linalg.solve", A, B, left, True)[0]


@public(tensors=2, namespace="linalg")
def solve_ex(A, B, *, left=True, check_errors=False):
    """linalg.solve_ex(A, B, *, left=True, check_errors=False, out=None) -> (result, info): `solve` without an error.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.solve_ex.html
    """
    return return_types.linalg_solve_ex(_solved("linalg.solve_ex", A, B, left, check_errors))


# ---- triangular systems ------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="LinalgSolveTriangular")
class triangular_solution:
    """X of A X = B (or X A = B) for triangular A; batch dimensions broadcast."""

    def forward(xp, a, b, *, upper, left, unitriangular):
        batch = broadcast_batches(b.shape[:-2], a.shape[:-2])
        a, b = xp.broadcast_to(a, (*batch, *a.shape[-2:])), xp.broadcast_to(b, (*batch, *b.shape[-2:]))
        return on_host(xp, lapack.solve_triangular, a, b, upper=upper, left=left, unitriangular=unitriangular)

    def save(ctx, out, a, b, **settings):
        keep(ctx, out, a)
        ctx.settings = settings
        ctx.inputs = tuple([(t._array.shape, t._array.dtype) for t in (a, b)])

    def backward(ctx, g):
        x, a = ctx.saved_tensors
        upper, left, unitriangular = ctx.settings.values()
        g_b = triangular_solution(adjoint(a), g, upper=not upper, left=left, unitriangular=unitriangular)
        if not ctx.needs_input_grad[0]:
            return None, g_b
        g_a = -(g_b @ adjoint(x)) if left else -(adjoint(x) @ g_b)
        return (g_a.triu(int(unitriangular)) if upper else g_a.tril(-int(unitriangular))), g_b


@public(tensors=2, namespace="linalg")
def solve_triangular(A, B, *, upper, left=True, unitriangular=False):
    """linalg.solve_triangular(A, B, *, upper, left=True, unitriangular=False, out=None) -> Tensor

    X of `A X = B` (of `X A = B` with left=False) where only the upper or lower triangle of A counts; with unitriangular
    its diagonal is taken to be 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.solve_triangular.html
    """
    _check_system("linalg.solve_triangular", A, B, left, False)
    require_kernel("triangular_solve_cpu", A)
    B = B if B.dtype is A.dtype else B.to(A.dtype)
    return triangular_solution(A, B, upper=upper, left=left, unitriangular=unitriangular)


@public(tensors=2, method=True)
def triangular_solve(b, A, upper=True, transpose=False, unitriangular=False):
    """triangular_solve(b, A, upper=True, transpose=False, unitriangular=False) -> (solution, cloned_coefficient)

    The older form of `torch.linalg.solve_triangular`; transpose solves with A transposed.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.triangular_solve.html
    """
    for name, value in (("b", b), ("A", A)):
        if value.ndim < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has {value.ndim} "
                "dimensions "
                "instead"
            )
    check_old_system("triangular_solve", A, b)
    if transpose:
        x = triangular_solution(A.transpose(-2, -1), b, upper=not upper, left=True, unitriangular=unitriangular)
    else:
        x = triangular_solution(A, b, upper=upper, left=True, unitriangular=unitriangular)
    batch = broadcast_batches(A.shape[:-2], b.shape[:-2])
    return return_types.triangular_solve((x, A.expand(*batch, *A.shape[-2:]).clone()))


def check_old_system(name: str, A: Tensor, b: Tensor) -> None:
    require_square("", A)
    if A.shape[-1] != b.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {A.shape[-2]} by {A.shape[-1]} but each b matrix "
            "is "
            f"{b.shape[-2]} by {b.shape[-1]}"
        )
