"""LowRankMultivariateNormal: a normal distribution of long vectors whose covariance has few directions."""

from __future__ import annotations

import math

import course_lib as torch

from . import constraints
from .distribution import Distribution
from .multivariate_normal import half_log_determinant, squared_distance
from .utils import lazy_property, standard_normal


class LowRankMultivariateNormal(Distribution):
    """LowRankMultivariateNormal(loc, cov_factor, cov_diag): mean `loc` (…, n) and covariance WWᵀ + D.

    W = cov_factor (…, n, m) with few columns, D the diagonal matrix of cov_diag (…, n). Determinant and inverse need
    only C = I + WᵀD⁻¹W, an m×m matrix: |WWᵀ + D| = |C|·|D| and (WWᵀ + D)⁻¹ = D⁻¹ - D⁻¹W·C⁻¹·WᵀD⁻¹ (Woodbury).

    Source: https://docs.pytorch.org/docs/stable/distributions.html#lowrankmultivariatenormal
    """

    arg_constraints = {"loc": constraints.real_vector, "cov_factor": constraints.independent(constraints.real, 2),
                       "cov_diag": constraints.independent(constraints.positive, 1)}  # fmt: skip
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch dimensions"
            )
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            batch_shape = torch.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = loc.expand(batch_shape + event_shape), cov_diag.expand(batch_shape + event_shape)
        self.cov_factor = cov_factor.expand(batch_shape + cov_factor.shape[-2:])
        self._factor, self._diagonal = cov_factor, cov_diag
        weighted = self._weighted_factor()
        self._capacitance_tril = torch.linalg.cholesky(weighted @ cov_factor + torch.eye(cov_factor.shape[-1]).to(loc))
        super().__init__(batch_shape, event_shape, validate_args=validate_args)

    def _weighted_factor(self):
        """WᵀD⁻¹ (…, m, n)."""
        return self._factor.mT / self._diagonal.unsqueeze(-2)

    def _expanded(self, matrix):
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self):
        """WWᵀ + D (…, n, n)."""
        return self._expanded(self._factor @ self._factor.mT + self._diagonal.diag_embed())

    @lazy_property
    def scale_tril(self):
        """The Cholesky factor of the covariance, by way of I + D^-½·WWᵀ·D^-½, whose eigenvalues are at least 1."""
        root = self._diagonal.sqrt().unsqueeze(-1)
        scaled = self._factor / root
        inner = scaled @ scaled.mT + torch.eye(self._event_shape[0]).to(root)
        return self._expanded(root * torch.linalg.cholesky(inner))

    @lazy_property
    def precision_matrix(self):
        """(WWᵀ + D)⁻¹ (…, n, n)."""
        part = torch.linalg.solve_triangular(self._capacitance_tril, self._weighted_factor(), upper=False)
        return self._expanded(self._diagonal.reciprocal().diag_embed() - part.mT @ part)

    @property
    def mean(self):
        return self.loc

    @property
    def mode(self):
        return self.loc

    @lazy_property
    def variance(self):
        """The diagonal of the covariance (…, n)."""
        return (self._factor.pow(2).sum(-1) + self._diagonal).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        directions = standard_normal(self.loc, shape[:-1] + self.cov_factor.shape[-1:])
        own = standard_normal(self.loc, shape)
        return self.loc + (self._factor @ directions.unsqueeze(-1)).squeeze(-1) + self._diagonal.sqrt() * own

    def squared_distance(self, difference):
        """dᵀ(WWᵀ + D)⁻¹d."""
        inner = (self._weighted_factor() @ difference.unsqueeze(-1)).squeeze(-1)
        return (difference.pow(2) / self._diagonal).sum(-1) - squared_distance(self._capacitance_tril, inner)

    def log_determinant(self):
        """log |WWᵀ + D|."""
        return 2 * half_log_determinant(self._capacitance_tril) + self._diagonal.log().sum(-1)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        distance = self.squared_distance(value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self.log_determinant() + distance)

    def entropy(self):
        entropy = 0.5 * (self._event_shape[0] * (1 + math.log(2 * math.pi)) + self.log_determinant())
        return entropy.expand(self._batch_shape)
