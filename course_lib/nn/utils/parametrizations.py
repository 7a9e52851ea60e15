"""Ready-made parametrizations: orthogonal weights, weight normalization, spectral normalization.

Each is a Module whose `forward` computes the weight from what is learned; `parametrize.register_parametrization` puts
it in place.
"""

from __future__ import annotations

from enum import Enum, auto

from ...autograd.grad_mode import no_grad
from ...dtypes import finfo
from ...ops import FUNCTIONS
from ...tensor import Tensor
from ..modules.module import Module
from . import parametrize
from .spectral_norm import as_matrix, rows_of
from .weight_norm import scaled_directions

_add, _allclose, _cat, _eye, _geqrf, _matrix_exp, _mv, _norm_except_dim, _randn, _vdot, _zeros_like = (
    FUNCTIONS["torch"][name]
    for name in ("add", "allclose", "cat", "eye", "geqrf", "matrix_exp", "mv", "norm_except_dim", "randn", "vdot",
                 "zeros_like")
)  # fmt: skip
_householder_product, _solve = FUNCTIONS["linalg"]["householder_product"], FUNCTIONS["linalg"]["solve"]
_normalize = FUNCTIONS["nn.functional"]["normalize"]


# ---- orthogonal --------------------------------------------------------------------------------------------------


class _OrthMaps(Enum):
    """The maps from all matrices onto the orthogonal ones."""

    matrix_exp = auto()
    cayley = auto()
    householder = auto()


class _Orthogonal(Module):
    """Orthonormal columns (rows, where there are fewer of them), from a matrix without constraint.

    matrix_exp: Q = exp(A), cayley: Q = (I - A/2)⁻¹ (I + A/2), both with the skew-symmetric A = X - Xᴴ of a lower
    triangle X; householder: a product of reflections. With a base B, the weight is B Q, and any orthogonal B
    can be assigned.
    """

    def __init__(self, weight, orthogonal_map: _OrthMaps, *, use_trivialization: bool = True):
        super().__init__()
        if weight.is_complex() and orthogonal_map is _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X):
        rows, columns = X.size(-2), X.size(-1)
        transposed = rows < columns
        if transposed:
            X, rows, columns = X.mT, columns, rows
        if self.orthogonal_map is _OrthMaps.householder:
            reflectors = X.tril(diagonal=-1)
            tau = 2.0 / (1.0 + (reflectors * reflectors).sum(dim=-2))
            Q = _householder_product(reflectors, tau)
            Q = Q * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        else:
            Q = self._from_triangle(X.tril(), rows, columns)
        if hasattr(self, "base"):
            Q = self.base @ Q
        return Q.mT if transposed else Q

    def _from_triangle(self, X, rows: int, columns: int):
        """The orthogonal matrix of a lower triangle, padded with zeros to a square on the way."""
        if rows != columns:
            X = _cat([X, X.new_zeros(rows, rows - columns).expand(*X.shape[:-2], -1, -1)], dim=-1)
        A = X - X.mH
        if self.orthogonal_map is _OrthMaps.matrix_exp:
            Q = _matrix_exp(A)
        else:
            identity = _eye(rows, dtype=A.dtype, device=A.device)
            Q = _solve(_add(identity, A, alpha=-0.5), _add(identity, A, alpha=0.5))
        return Q if rows == columns else Q[..., :columns]

    @no_grad()
    def right_inverse(self, Q):
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        given, transposed = Q, Q.size(-2) < Q.size(-1)
        if transposed:
            Q = Q.mT
        if not hasattr(self, "base"):
            return self._without_base(Q, transposed)
        rows, columns = Q.size(-2), Q.size(-1)
        if rows != columns:
            more = _randn(*Q.size()[:-2], rows, rows - columns, dtype=Q.dtype, device=Q.device)
            Q = _make_orthogonal(_cat([Q, more], dim=-1))
        else:
            Q = Q.clone() if _is_orthogonal(Q) else _make_orthogonal(Q)
        self.base = Q
        start = _zeros_like(given)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)  # the matrix that forward maps to the identity
        return start

    def _without_base(self, Q, transposed: bool):
        """Only the reflections can be found from the weight itself."""
        if self.orthogonal_map is not _OrthMaps.householder:
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        A, tau = _geqrf(Q)
        diagonal = A.diagonal(dim1=-2, dim2=-1)
        diagonal.sign_()
        diagonal[tau == 0.0] *= -1
        return A.mT if transposed else A


def _is_orthogonal(Q, eps: float | None = None) -> bool:
    identity = _eye(Q.size(-1), dtype=Q.dtype, device=Q.device)
    eps = 10.0 * Q.size(-2) * finfo(Q.dtype).eps if eps is None else eps
    return _allclose(Q.mH @ Q, identity, atol=eps)


def _make_orthogonal(A):
    """The orthogonal factor Q of A = Q R, with the signs that make R's diagonal positive."""
    X, tau = _geqrf(A)
    Q = _householder_product(X, tau)
    Q *= X.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)
    return Q


def orthogonal(module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization=True):
    """Keep a matrix of the module orthogonal (its rows or columns orthonormal) while it is learned; returns the module.

    `orthogonal_map`: "matrix_exp", "cayley" or "householder"; None chooses the first for square and complex matrices,
    the last for others. ValueError for another map, a missing tensor, and one of less than two dimensions.

    >>> import course_lib as torch
    >>> layer = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 2))
    >>> torch.allclose(layer.weight @ layer.weight.T, torch.eye(2), atol=1e-6)
    True

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.orthogonal.html
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in _OrthMaps.__members__:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, _OrthMaps[orthogonal_map], use_trivialization=use_trivialization)
    return parametrize.register_parametrization(module, name, made, unsafe=True)


def _tensor_of(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


# ---- weight norm -------------------------------------------------------------------------------------------------


class _WeightNorm(Module):
    """w = g · v / ‖v‖: lengths g and directions v are learned apart."""

    def __init__(self, dim: int | None = 0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return scaled_directions(weight_v, weight_g, self.dim)

    def right_inverse(self, weight):
        return _norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0):
    """Learn the lengths and the directions of a weight apart (Salimans & Kingma, 2016); returns the module.

    `dim`: along which each slice has a length of its own; None: one length for all. State dicts of the older
    `torch.nn.utils.weight_norm` can be loaded.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.weight_norm.html
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename_old_keys(state_dict, prefix: str, *_) -> None:
        old = (f"{prefix}{name}_g", f"{prefix}{name}_v")
        if all(key in state_dict for key in old):
            for number, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{number}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename_old_keys)
    return module


# ---- spectral norm -----------------------------------------------------------------------------------------------


class _SpectralNorm(Module):
    """The weight over its largest singular value σ = uᵀ W v; u and v come from power iteration."""

    def __init__(self, weight, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12):
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps = dim % ndim, eps
        if ndim > 1:  # a vector's largest singular value is its length: nothing to iterate
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight, self.dim)
            u = matrix.new_empty(matrix.size(0)).normal_(0, 1)
            v = matrix.new_empty(matrix.size(1)).normal_(0, 1)
            self.register_buffer("_u", _normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", _normalize(v, dim=0, eps=eps))
            self._power_method(matrix, 15)

    @no_grad()
    def _power_method(self, matrix, n_power_iterations: int) -> None:
        for _ in range(n_power_iterations):
            self._u.copy_(_normalize(_mv(matrix, self._v), dim=0, eps=self.eps))
            self._v.copy_(_normalize(_mv(matrix.mH, self._u), dim=0, eps=self.eps))

    def forward(self, weight):
        if weight.ndim == 1:
            return _normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # backward needs these, the next forward changes those
        return weight / _vdot(u, _mv(matrix, v))

    def right_inverse(self, value):
        return value  # a weight of another norm: the next forward normalizes it


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
):
    """Divide a weight by its largest singular value (Miyato et al., 2018); returns the module.

    In training each computation of the weight improves the estimate by `n_power_iterations`. `dim` is the weight's
    output dimension (None: as the kind of layer says).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.spectral_norm.html
    """
    weight = _tensor_of(module, name)
    made = _SpectralNorm(weight, n_power_iterations, rows_of(module) if dim is None else dim, eps)
    return parametrize.register_parametrization(module, name, made)


__all__ = ["orthogonal", "spectral_norm", "weight_norm"]
