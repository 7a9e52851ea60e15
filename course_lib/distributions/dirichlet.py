"""Dirichlet: vectors of probabilities."""

from __future__ import annotations

import course_lib as torch

from . import constraints
from .exp_family import ExponentialFamily


class Dirichlet(ExponentialFamily):
    """Dirichlet(concentration): density ∝ Π xᵢ^(aᵢ - 1) on the simplex; `concentration` a (…, K), all > 0.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#dirichlet
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration, validate_args=None):
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self):
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self):
        above = (self.concentration - 1).clamp(min=0)
        mode = above / above.sum(-1, True)
        corners = (self.concentration < 1).all(dim=-1)  # the density is infinite in every corner: take one
        mode[corners] = torch.nn.functional.one_hot(mode[corners].argmax(dim=-1), above.shape[-1]).to(mode)
        return mode

    @property
    def variance(self):
        a, total = self.concentration, self.concentration.sum(-1, True)
        return a * (total - a) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape=()):
        return torch._sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return torch.xlogy(a - 1, value).sum(-1) + torch.lgamma(a.sum(-1)) - torch.lgamma(a).sum(-1)

    def entropy(self):
        a, k, total = self.concentration, self.concentration.shape[-1], self.concentration.sum(-1)
        log_beta = torch.lgamma(a).sum(-1) - torch.lgamma(total)
        return log_beta - (k - total) * torch.digamma(total) - ((a - 1) * torch.digamma(a)).sum(-1)

    @property
    def _natural_params(self) -> tuple:
        return (self.concentration,)

    def _log_normalizer(self, x):
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()
