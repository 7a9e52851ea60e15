"""Normal: the bell curve."""

from __future__ import annotations

import math

import course_lib as torch

from . import constraints
from .exp_family import ExponentialFamily
from .utils import broadcast_all, standard_normal


class Normal(ExponentialFamily):
    """Normal(loc, scale): mean `loc`, standard deviation `scale` > 0; density exp(-((x - loc)/scale)²/2) / (scale·√2π).

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> standard = torch.distributions.Normal(0., 1.)
    >>> standard.sample((2,))
    tensor([ 1.5410, -0.2934])
    >>> standard.log_prob(torch.tensor(0.))
    tensor(-0.9189)

    Source: https://docs.pytorch.org/docs/stable/distributions.html#normal
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self):
        return self.loc

    @property
    def mode(self):
        return self.loc

    @property
    def stddev(self):
        return self.scale

    @property
    def variance(self):
        return self.scale.pow(2)

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        loc, scale = self.loc, self.scale
        if shape != self._batch_shape:
            loc, scale = loc.expand(shape), scale.expand(shape)
        with torch.no_grad():
            return torch.normal(loc, scale)

    def rsample(self, sample_shape=()):
        return self.loc + standard_normal(self.loc, self._extended_shape(sample_shape)) * self.scale

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return -((value - self.loc) ** 2) / (2 * self.scale**2) - self.scale.log() - 0.5 * math.log(2 * math.pi)

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return 0.5 * (1 + torch.erf((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)))

    def icdf(self, value):
        return self.loc + self.scale * torch.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self):
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()

    @property
    def _natural_params(self) -> tuple:
        variance = self.scale.pow(2)
        return self.loc / variance, -0.5 / variance

    def _log_normalizer(self, x, y):
        return -x.pow(2) / (4 * y) + 0.5 * torch.log(-math.pi / y)
