"""StudentT: a normal number over the root of a chi-squared one."""

from __future__ import annotations

import math

import course_lib as torch

from . import constraints
from .chi2 import Chi2
from .distribution import Distribution
from .utils import broadcast_all, standard_normal


class StudentT(Distribution):
    """StudentT(df, loc=0.0, scale=1.0): density ∝ (1 + ((x - loc)/scale)²/df)^(-(df + 1)/2); df > 0, scale > 0.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#studentt
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self):
        return torch.where(self.df <= 1, torch.nan, self.loc)

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        finite = self.scale.pow(2) * self.df / (self.df - 2)
        return torch.where(self.df > 2, finite, torch.where(self.df > 1, torch.inf, torch.nan).to(finite))

    def rsample(self, sample_shape=()):
        numbers = standard_normal(self.df, self._extended_shape(sample_shape))
        spread = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (numbers * torch.rsqrt(spread / self.df))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        df, distance = self.df, (value - self.loc) / self.scale
        log_norm = self.scale.log() + 0.5 * df.log() + 0.5 * math.log(math.pi)
        log_norm = log_norm + torch.lgamma(0.5 * df) - torch.lgamma(0.5 * (df + 1))
        return -0.5 * (df + 1) * torch.log1p(distance**2 / df) - log_norm

    def entropy(self):
        df = self.df
        log_beta = torch.lgamma(0.5 * df) + math.lgamma(0.5) - torch.lgamma(0.5 * (df + 1))
        spread = 0.5 * (df + 1) * (torch.digamma(0.5 * (df + 1)) - torch.digamma(0.5 * df))
        return self.scale.log() + spread + 0.5 * df.log() + log_beta
