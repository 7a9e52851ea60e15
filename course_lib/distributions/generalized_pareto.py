"""Generalized Pareto: how far values beyond a threshold exceed it."""

from __future__ import annotations

import course_lib as torch

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all


class GeneralizedPareto(Distribution):
    """GeneralizedPareto(loc, scale, concentration): P(X > x) = (1 + c·z)^(-1/c), z = (x - loc)/scale, x ≥ loc.

    c = concentration; for c = 0 that is exp(-z), an exponential number, for c < 0 the support ends at loc - scale/c.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#generalizedpareto
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc, scale, concentration, validate_args=None):
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        end = torch.where(self.concentration < 0, self.loc - self.scale / self.concentration, torch.inf)
        return constraints.interval(self.loc, end)

    def _exponential(self):
        """Where c is 0 (or next to it), and c with 1 in these places, to divide by it."""
        zero = torch.isclose(self.concentration, torch.zeros_like(self.concentration))
        return zero, torch.where(zero, 1.0, self.concentration)

    @property
    def mean(self):
        c = self.concentration
        return torch.where(c < 1, self.loc + self.scale / (1 - c), torch.nan)

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        c = self.concentration
        return torch.where(c < 0.5, self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)), torch.nan)

    def rsample(self, sample_shape=()):
        return self.icdf(torch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        z, (zero, c) = (value - self.loc) / self.scale, self._exponential()
        power = 1 / c + 1
        return -self.scale.log() - torch.where(zero, z, torch.where(power == 0, 0.0, power * torch.log1p(c * z)))

    def log_survival_function(self, value):
        """log P(X > value)."""
        if self._validate_args:
            self._validate_sample(value)
        z, (zero, c) = (value - self.loc) / self.scale, self._exponential()
        return -torch.where(zero, z, torch.log1p(c * z) / c)

    def log_cdf(self, value):
        """log P(X ≤ value)."""
        return torch.log1p(-self.log_survival_function(value).exp())

    def cdf(self, value):
        return self.log_cdf(value).exp()

    def icdf(self, value):
        log_rest, (zero, c) = torch.log1p(-value), self._exponential()
        return self.loc + self.scale * torch.where(zero, -log_rest, torch.expm1(-c * log_rest) / c)

    def entropy(self):
        return (self.scale.log() + self.concentration + 1).expand(self._batch_shape)
