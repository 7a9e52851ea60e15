"""LAPACK factorisations that NumPy does not offer, through SciPy: one matrix of the batch at a time, on the host.

Each kernel takes NumPy arrays of shape (…, n, m), float32, float64 or complex, and returns new ones.
"""

from __future__ import annotations

import numpy as np


def routines(names: tuple[str, ...], *arrays):
    """The LAPACK functions for the dtype of the arrays."""
    from scipy.linalg import get_lapack_funcs

    return get_lapack_funcs(names, arrays)


def _flat(array, core: int):
    """The batch in one dimension. Of results this has to be a view: they are made in row-major order."""
    return array.reshape(-1, *array.shape[array.ndim - core :])


def lu_factor(a):
    """(LU packed in one matrix, pivots counted from 1, info: which pivot is zero, 0 where none)."""
    batch, k = a.shape[:-2], min(a.shape[-2:])
    lu, pivots, info = a.copy(), np.zeros((*batch, k), np.int32), np.zeros(batch, np.int32)
    if a.size:
        (getrf,) = routines(("getrf",), a)
        codes = info.reshape(-1)
        for i, (one, pivot) in enumerate(zip(_flat(lu, 2), _flat(pivots, 1), strict=True)):
            one[...], pivot[...], codes[i] = getrf(one)
        pivots += 1
    return lu, pivots, info


def cholesky(a):
    """(lower factor, info: the order of the first leading minor that is not positive, 0 where all are)."""
    factor, info = np.ascontiguousarray(np.tril(a)), np.zeros(a.shape[:-2], np.int32)
    if a.size:
        (potrf,) = routines(("potrf",), a)
        codes = info.reshape(-1)
        for i, one in enumerate(_flat(factor, 2)):
            one[...], codes[i] = potrf(one, lower=True, clean=True)
            if not codes[i] and (unknown := np.isnan(one.diagonal())).any():  # not every LAPACK says so
                codes[i] = np.argmax(unknown) + 1
    return factor, info


def solve_triangular(a, b, *, upper: bool, left: bool, unitriangular: bool):
    """X of `a X = b` (or `X a = b`) for triangular `a`; a zero on the diagonal gives inf or nan."""
    from scipy.linalg import get_blas_funcs

    made = np.empty(b.shape, b.dtype)
    if b.size:
        (trsm,) = get_blas_funcs(("trsm",), (a, b))
        for one, right, out in zip(_flat(a, 2), _flat(b, 2), _flat(made, 2), strict=True):
            out[...] = trsm(1.0, one, right, side=not left, lower=not upper, diag=unitriangular)
    return made


def geqrf(a):
    """The Householder form of QR: (reflectors below the diagonal and R above, their factors)."""
    packed, tau = a.copy(), np.zeros((*a.shape[:-2], min(a.shape[-2:])), a.dtype)
    if a.size:
        (kernel,) = routines(("geqrf",), a)
        for one, factor in zip(_flat(packed, 2), _flat(tau, 1), strict=True):
            one[...], factor[...] = kernel(one)[:2]
    return packed, tau


def ldl_factor(a, *, hermitian: bool):
    """Bunch and Kaufman's factorisation of the lower triangle: (LD packed, pivots, info)."""
    batch, n = a.shape[:-2], a.shape[-1]
    packed, pivots, info = np.ascontiguousarray(np.tril(a)), np.zeros((*batch, n), np.int32), np.zeros(batch, np.int32)
    if a.size:
        (sytrf,) = routines((_symmetric(a, hermitian) + "trf",), a)
        codes = info.reshape(-1)
        for i, (one, pivot) in enumerate(zip(_flat(packed, 2), _flat(pivots, 1), strict=True)):
            one[...], pivot[...], codes[i] = sytrf(one, lower=True)
    return packed, pivots, info


def ldl_solve(packed, pivots, b, *, hermitian: bool):
    made = b.copy()
    if b.size:
        (sytrs,) = routines((_symmetric(b, hermitian) + "trs",), b)
        for one, pivot, out in zip(_flat(packed, 2), _flat(pivots, 1), _flat(made, 2), strict=True):
            out[...] = sytrs(one, pivot, out, lower=True)[0]
    return made


def _symmetric(array, hermitian: bool) -> str:
    return "he" if hermitian and array.dtype.kind == "c" else "sy"


def least_squares(a, b, *, driver: str, rcond: float):
    """(solution, rank, singular values) of min |a x - b|, by the LAPACK driver gels, gelsy, gelsd or gelss."""
    from scipy.linalg import lstsq

    batch, (m, n), k = a.shape[:-2], a.shape[-2:], b.shape[-1]
    solution = np.zeros((*batch, n, k), a.dtype)
    rank = np.zeros(batch, np.int64)
    values = np.zeros((*batch, min(m, n)), a.real.dtype)
    if a.size:
        ranks = rank.reshape(-1)
        method = "gelsy" if driver == "gels" else driver
        for i, (one, right) in enumerate(zip(_flat(a, 2), _flat(b, 2), strict=True)):
            x, _, ranks[i], s = lstsq(one, right, cond=rcond, lapack_driver=method, check_finite=False)
            _flat(solution, 2)[i] = x
            if s is not None:
                _flat(values, 1)[i] = s
    return solution, rank, values
