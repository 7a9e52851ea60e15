"""Von Mises: the normal distribution's counterpart on the circle."""

from __future__ import annotations

import math

import course_lib as torch

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property


class VonMises(Distribution):
    """VonMises(loc, concentration): angles (radians, in [-π, π)) with density exp(κ·cos(x - loc)) / (2π·I₀(κ)).

    κ = concentration > 0; I₀ is the modified Bessel function. `mean` and `variance` are those of directions:
    the variance is 1 - I₁(κ)/I₀(κ).

    Source: https://docs.pytorch.org/docs/stable/distributions.html#vonmises
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc, concentration, validate_args=None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self):
        return self.loc

    @property
    def mode(self):
        return self.loc

    @lazy_property
    def variance(self):
        """1 - I₁(κ)/I₀(κ): 0 where all directions agree, 1 where they are uniform."""
        return 1 - torch.special.i1e(self.concentration) / torch.special.i0e(self.concentration)

    @torch.no_grad()
    def sample(self, sample_shape=()):
        """Proposals from a wrapped Cauchy distribution, each accepted or drawn again: Best & Fisher, "Efficient
        simulation of the von Mises distribution" (1979). In float64, whatever the dtype.
        """
        kappa = self.concentration.double()
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        r = torch.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))
        shape = self._extended_shape(sample_shape)
        angle, missing = torch.zeros(shape, dtype=torch.float64), torch.ones(shape, dtype=torch.bool)
        while missing.any():
            u1, u2, u3 = torch.rand((3, *shape), dtype=torch.float64).unbind()
            z = torch.cos(math.pi * u1)
            f = (1 + r * z) / (r + z)
            c = kappa * (r - f)
            accepted = (c * (2 - c) > u2) | ((c / u2).log() + 1 - c >= 0)
            angle = torch.where(accepted, (u3 - 0.5).sign() * f.acos(), angle)
            missing &= ~accepted
        return ((angle + math.pi + self.loc.double()) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        log_bessel = torch.special.i0e(self.concentration).log() + self.concentration
        return self.concentration * torch.cos(value - self.loc) - math.log(2 * math.pi) - log_bessel
