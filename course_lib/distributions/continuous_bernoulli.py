"""Continuous Bernoulli: Bernoulli's probability taken as a density on the whole of [0, 1]."""

from __future__ import annotations

import math

import course_lib as torch

from . import constraints
from .exp_family import ExponentialFamily
from .utils import ProbsOrLogits, broadcast_all, clamp_probs, lazy_property, logits_to_probs


class ContinuousBernoulli(ProbsOrLogits, ExponentialFamily):
    """ContinuousBernoulli(probs=None, logits=None, lims=(0.499, 0.501)): density C·pˣ·(1 - p)¹⁻ˣ for x in [0, 1].

    For pixels between 0 and 1: Loaiza-Ganem & Cunningham, "The continuous Bernoulli: fixing a pervasive error in
    variational autoencoders" (2019). The formulas have 0/0 at p = ½; between `lims` a series takes their place.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#continuousbernoulli
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        if self._choose(probs, logits) == "probs":
            (self.probs,) = broadcast_all(probs)
            if validate_args is not None and not constraints.unit_interval.check(self.probs).all():
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
        else:
            (self.logits,) = broadcast_all(logits)
        self._lims = lims
        super().__init__(self._param.shape, validate_args=validate_args)

    @lazy_property
    def probs(self):
        """The parameter p; not the probability of anything."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _split(self):
        """(where the formulas hold, p there and lims[0] elsewhere)."""
        holds = (self.probs <= self._lims[0]) | (self.probs > self._lims[1])
        return holds, torch.where(holds, self.probs, self._lims[0])

    def _log_norm(self):
        """log C, C = 2·artanh(1 - 2p) / (1 - 2p)."""
        holds, p = self._split()
        log_norm = ((-p).log1p() - p.log()).abs().log() - (1 - 2 * p).abs().log()
        square = (self.probs - 0.5).pow(2)
        return torch.where(holds, log_norm, math.log(2) + (4 / 3 + 104 / 45 * square) * square)

    @property
    def mean(self):
        holds, p = self._split()
        mean = p / (2 * p - 1) + 1 / ((-p).log1p() - p.log())
        x = self.probs - 0.5
        return torch.where(holds, mean, 0.5 + (1 / 3 + 16 / 45 * x.pow(2)) * x)

    @property
    def variance(self):
        holds, p = self._split()
        variance = p * (p - 1) / (1 - 2 * p).pow(2) + 1 / ((-p).log1p() - p.log()).pow(2)
        square = (self.probs - 0.5).pow(2)
        return torch.where(holds, variance, 1 / 12 - (1 / 15 - 128 / 945 * square) * square)

    def rsample(self, sample_shape=()):
        return self.icdf(torch.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, value, reduction="none")
        return self._log_norm() - loss

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        holds, p = self._split()
        inside = (p.pow(value) * (1 - p).pow(1 - value) + p - 1) / (2 * p - 1)
        return torch.where(value <= 0, 0.0, torch.where(value >= 1, 1.0, torch.where(holds, inside, value)))

    def icdf(self, value):
        holds, p = self._split()
        log_rest = (-p).log1p()
        return torch.where(holds, ((-p + value * (2 * p - 1)).log1p() - log_rest) / (p.log() - log_rest), value)

    def entropy(self):
        log_rest = (-self.probs).log1p()
        return self.mean * (log_rest - self.probs.log()) - self._log_norm() - log_rest

    @property
    def _natural_params(self) -> tuple:
        return (self.logits,)

    def _log_normalizer(self, x):
        holds = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        safe = torch.where(holds, x, self._lims[0] - 0.5)
        return torch.where(holds, (safe.expm1() / safe).log(), 0.5 * x + x.pow(2) / 24 - x.pow(4) / 2880)
