"""MultivariateNormal: the normal distribution of vectors."""

from __future__ import annotations

import math

import course_lib as torch

from . import constraints
from .distribution import Distribution
from .utils import lazy_property, standard_normal


def squared_distance(scale_tril, difference):
    """|L⁻¹·d|², the squared Mahalanobis distance, for L (…, n, n) and d (…, n) that broadcast."""
    shape = torch.broadcast_shapes(scale_tril.shape[:-2], difference.shape[:-1])
    lower = scale_tril.expand(shape + scale_tril.shape[-2:])
    column = difference.expand(shape + difference.shape[-1:]).unsqueeze(-1)
    return torch.linalg.solve_triangular(lower, column, upper=False).pow(2).sum((-2, -1))


def half_log_determinant(scale_tril):
    """log |L|, half the logarithm of the covariance's determinant."""
    return scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


class ScaleMatrix:
    """The part of a distribution that is given by a covariance Σ, its inverse or its lower Cholesky factor L, Σ = LLᵀ.

    What was given is kept in the batch's shape; L, from which all else comes, in its own (`_unbroadcasted_scale_tril`).
    """

    def _keep(self, name: str, matrix, batch_shape) -> None:
        self.__dict__[name] = matrix.expand(batch_shape + matrix.shape[-2:])

    def _factorize(self, name: str, matrix) -> None:
        if name == "precision_matrix":
            matrix = torch.linalg.inv(matrix)
        self._unbroadcasted_scale_tril = matrix if name == "scale_tril" else torch.linalg.cholesky(matrix)

    @lazy_property
    def scale_tril(self):
        """L (…, n, n)."""
        return self._expanded(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self):
        """LLᵀ (…, n, n)."""
        return self._expanded(self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT)

    @lazy_property
    def precision_matrix(self):
        """(LLᵀ)⁻¹ (…, n, n)."""
        return self._expanded(torch.cholesky_inverse(self._unbroadcasted_scale_tril))

    def _expanded(self, matrix):
        return matrix.expand(self._batch_shape + (self._event_shape[-1],) * 2)


class MultivariateNormal(ScaleMatrix, Distribution):
    """MultivariateNormal(loc, covariance_matrix=None, precision_matrix=None, scale_tril=None)

    Mean `loc` (…, n), and one of: the covariance Σ, its inverse, or its lower Cholesky factor L with Σ = LLᵀ, each
    (…, n, n). All is computed with L: a sample is loc + L·ε, the density exp(-|L⁻¹(x - loc)|²/2) / (|L|·(2π)^(n/2)).

    Source: https://docs.pytorch.org/docs/stable/distributions.html#multivariatenormal
    """

    arg_constraints = {"loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite,
                       "precision_matrix": constraints.positive_definite,
                       "scale_tril": constraints.lower_cholesky}  # fmt: skip
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        matrices = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix,
                    "scale_tril": scale_tril}  # fmt: skip
        given = {name: matrix for name, matrix in matrices.items() if matrix is not None}
        if len(given) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            called = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(f"{called} must be at least two-dimensional, with optional leading batch dimensions")
        batch_shape = torch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self._keep(name, matrix, batch_shape)
        self.loc = loc.expand(batch_shape + loc.shape[-1:])
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._factorize(name, matrix)

    @property
    def mean(self):
        return self.loc

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        variance = self._unbroadcasted_scale_tril.pow(2).sum(-1)
        return variance.expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape=()):
        numbers = standard_normal(self.loc, self._extended_shape(sample_shape))
        return self.loc + (self._unbroadcasted_scale_tril @ numbers.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        distance = squared_distance(self._unbroadcasted_scale_tril, value - self.loc)
        log_norm = half_log_determinant(self._unbroadcasted_scale_tril)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + distance) - log_norm

    def entropy(self):
        half = 0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi))
        return (half + half_log_determinant(self._unbroadcasted_scale_tril)).expand(self._batch_shape)
