"""Functions of whole matrices: powers, the exponential, Vandermonde matrices, and decompositions of low rank."""

from __future__ import annotations

import numpy as np

from ..dtypes import FLOAT, int64
from ..tensor import Tensor
from ._linalg import adjoint, identity_like, require_float, require_square
from ._numeric import narrow, wide
from ._op import op
from ._public import public
from .decompositions import linalg_qr, linalg_svd
from .joining import cat
from .linear_systems import _checked_inverse
from .sampling import randn
from .strides import diagonal

# ---- powers and exponential --------------------------------------------------------------------------------------


def _power(A: Tensor, n: int) -> Tensor:
    require_square("linalg.matrix_power", A)
    if not isinstance(n, (int, np.integer)):
        raise TypeError(f"linalg_matrix_power(): argument 'n' (position 2) must be int, not {type(n).__name__}")
    if n == 0:
        return A.clone().copy_(identity_like(A).expand(A.shape))
    if n < 0:
        A, n = _checked_inverse("linalg.inv", A, True)[0], -n
    made = None
    while n:  # square and multiply
        if n & 1:
            made = A if made is None else made @ A
        n >>= 1
        if n:
            A = A @ A
    return made


@public(namespace="linalg")
def matrix_power(A, n):
    """linalg.matrix_power(A, n, *, out=None) -> Tensor: A multiplied by itself n times; its inverse for negative n.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.matrix_power.html
    """
    made = _power(A, n)
    return made.clone() if made is A else made


@public(method=True, name="matrix_power")
def matrix_power_of(input, n):
    """matrix_power(input, n, *, out=None) -> Tensor: `torch.linalg.matrix_power`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.matrix_power.html
    """
    return matrix_power(input, n)


# Numerator of the (13, 13) Padé approximant of exp; the denominator has the same terms with alternating signs.
_PADE = (64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
         670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1)  # fmt: skip
_RADIUS = 5.371920351148152  # the approximant is exact to float64 for matrices with a smaller 1-norm


@op(method=False, namespace=None, node="LinalgMatrixExp")
class exponential_of:
    """exp(A) by scaling and squaring: exp(A) = exp(A / 2^s)^(2^s) (Higham 2005)."""

    def forward(xp, a):
        dtype = a.dtype
        a = wide(a)
        if a.size == 0:
            return narrow(a.copy(), dtype)
        norms = xp.abs(a).sum(-2).max(-1)
        finite = norms[xp.isfinite(norms)]
        largest = float(finite.max()) if finite.size else 0.0
        squarings = max(0, int(np.ceil(np.log2(largest / _RADIUS)))) if largest > 0 else 0
        a = a.astype(np.result_type(dtype if dtype.kind == "c" else "f8", "f8")) / 2.0**squarings
        power, odd, even = xp.broadcast_to(xp.eye(a.shape[-1], dtype=a.dtype), a.shape), 0, 0
        for i in range(0, len(_PADE), 2):
            even = even + power * float(_PADE[i])
            power = power @ a
            odd = odd + power * float(_PADE[i + 1])
            power = power @ a
        made = xp.linalg.solve(even - odd, even + odd)
        for _ in range(squarings):
            made = made @ made
        return narrow(made, dtype)

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        n = a.shape[-1]
        if a.numel() == 0:
            return g
        ah = adjoint(a)  # exp of [[A^H, G], [0, A^H]] has the gradient in its corner, linear in G: keep G of A's size
        size = g.detach().abs().amax((-2, -1), keepdim=True).clamp(min=1)
        block = cat([cat([ah, g / size], -1), cat([g.new_zeros(g.shape), ah], -1)], -2)
        return exponential_of(block)[..., :n, n:] * size


@public(namespace="linalg")
def matrix_exp(A):
    """linalg.matrix_exp(A) -> Tensor: the exponential series `1 + A + A^2 / 2 + …` of square matrices.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.matrix_exp.html
    """
    require_square("linalg.matrix_exp", A)
    require_float("linalg.matrix_exp", A)
    return exponential_of(A)


public(method=True)(matrix_exp)


@public(namespace="linalg", name="diagonal")
def matrix_diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """linalg.diagonal(A, *, offset=0, dim1=-2, dim2=-1) -> Tensor: the diagonals of matrices, a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.diagonal.html
    """
    return diagonal(A, offset, dim1, dim2)


# ---- Vandermonde matrices ----------------------------------------------------------------------------------------


@public(namespace="linalg", name="vander")
def linalg_vander(x, N=None):
    """linalg.vander(x, N=None) -> Tensor: columns of the powers 0, 1, …, N - 1 of the last dimension of `x`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.vander.html
    """
    count = (x.shape[-1] if x.ndim else 1) if N is None else N
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    x = x.unsqueeze(-1) if x.ndim else x.reshape(1, 1)
    x = x.to(int64) if x.dtype.category < FLOAT else x
    powers = x.expand(*x.shape[:-1], count - 1).cumprod(-1)
    return cat([powers.new_ones(x.shape), powers], -1)


@public()
def vander(x, N=None, increasing=False):
    """vander(x, N=None, increasing=False) -> Tensor: columns of the powers of a vector, falling unless `increasing`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.vander.html
    """
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    made = x.new_ones(x.shape[0], count, dtype=int64 if x.dtype.category < FLOAT else x.dtype)
    if count > 1:
        powers = x.to(made.dtype).unsqueeze(-1).expand(x.shape[0], count - 1).cumprod(-1)
        made = cat([made[:, :1], powers], -1)
    return made if increasing else made.flip(-1)


# ---- low rank ----------------------------------------------------------------------------------------------------


def _basis(A: Tensor, q: int, niter: int, M) -> Tensor:
    """Orthonormal columns that nearly span the range of A: a random sketch and power iterations (Halko et al. 2009)."""

    def product(A, x):
        return A @ x if M is None else A @ x - M @ x

    sketch = randn(A.shape[-1], q, dtype=A.dtype, device=A.device)
    Q = linalg_qr(product(A, sketch))[0]
    for _ in range(niter):
        back = adjoint(A) @ Q if M is None else adjoint(A) @ Q - adjoint(M) @ Q
        Q = linalg_qr(product(A, linalg_qr(back)[0]))[0]
    return Q


@public()
def svd_lowrank(A, q=6, niter=2, M=None):
    """svd_lowrank(A, q=6, niter=2, M=None) -> (U, S, V): about the `q` largest singular values of A (of A - M).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.svd_lowrank.html
    """
    M = None if M is None else M.expand(A.shape)
    swapped = A.shape[-2] < A.shape[-1]
    if swapped:
        A, M = adjoint(A), None if M is None else adjoint(M)
    Q = _basis(A, q, niter, M)
    small = adjoint(Q) @ (A if M is None else A - M)
    u, s, vh = linalg_svd(small, full_matrices=False)
    u, v = Q @ u, adjoint(vh)
    return (v, s, u) if swapped else (u, s, v)


@public()
def pca_lowrank(A, q=None, center=True, niter=2):
    """pca_lowrank(A, q=None, center=True, niter=2) -> (U, S, V)

    The principal components of the rows of A: `svd_lowrank` of A with the mean of each column taken off.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.pca_lowrank.html
    """
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
