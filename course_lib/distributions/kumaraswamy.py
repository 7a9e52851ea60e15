"""Kumaraswamy: like Beta, but its distribution function is a formula with an inverse."""

from __future__ import annotations

import course_lib as torch

from . import constraints
from .gumbel import EULER
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .uniform import Uniform
from .utils import broadcast_all


class Kumaraswamy(TransformedDistribution):
    """Kumaraswamy(concentration1, concentration0): P(X ≤ x) = 1 - (1 - xᵃ)ᵇ in [0, 1], a = concentration1 and
    b = concentration0, both > 0. A sample is (1 - u^(1/b))^(1/a) of a uniform number u.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#kumaraswamy
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval

    def __init__(self, concentration1, concentration0, validate_args=None):
        self.concentration1, self.concentration0 = a, b = broadcast_all(concentration1, concentration0)
        base = Uniform(torch.zeros_like(b), torch.ones_like(b), validate_args=validate_args)
        inverse = [PowerTransform(b.reciprocal()), AffineTransform(1.0, -1.0), PowerTransform(a.reciprocal())]
        super().__init__(base, inverse, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        made = super().expand(batch_shape, _instance)
        made.concentration1 = self.concentration1.expand(batch_shape)
        made.concentration0 = self.concentration0.expand(batch_shape)
        return made

    def _moment(self, order: int):
        """The mean of x^order: b·B(1 + order/a, b)."""
        first, b = 1 + order / self.concentration1, self.concentration0
        return b * (first.lgamma() + b.lgamma() - (first + b).lgamma()).exp()

    @property
    def mean(self):
        return self._moment(1)

    @property
    def mode(self):
        a, b = self.concentration1, self.concentration0
        return torch.where((a < 1) | (b < 1), torch.nan, ((a - 1) / (a * b - 1)).pow(a.reciprocal()))

    @property
    def variance(self):
        return self._moment(2) - self._moment(1).pow(2)

    def entropy(self):
        a, b = self.concentration1, self.concentration0
        harmonic = torch.digamma(b + 1) + EULER
        return 1 - b.reciprocal() + (1 - a.reciprocal()) * harmonic - a.log() - b.log()
