"""Relaxed (concrete) Bernoulli: samples near 0 or 1 that can be differentiated.

Maddison, Mnih, Teh, "The concrete distribution" (2017); Jang, Gu, Poole, "Categorical reparameterization with
Gumbel-softmax" (2017). The lower the temperature, the closer a sample lies to 0 or 1.
"""

from __future__ import annotations

import course_lib as torch

from . import constraints
from .distribution import Distribution
from .transformed_distribution import TransformedDistribution
from .transforms import SigmoidTransform
from .utils import ProbsOrLogits, broadcast_all, clamp_probs


class LogitRelaxedBernoulli(ProbsOrLogits, Distribution):
    """LogitRelaxedBernoulli(temperature, probs=None, logits=None): the log odds of a RelaxedBernoulli sample."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self.temperature = temperature
        if self._choose(probs, logits) == "probs":
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        unit = clamp_probs(torch.rand(shape, dtype=probs.dtype))
        return (unit.log() - (-unit).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        difference = logits - value.mul(self.temperature)
        return torch.log(torch.as_tensor(self.temperature)) + difference - 2 * difference.exp().log1p()


class Relaxed(TransformedDistribution):
    """A relaxed distribution: `base_dist` holds its parameters and draws on an unbounded scale."""

    has_rsample = True

    @property
    def temperature(self):
        """How far samples lie from the corners: 0/1, or one-hot vectors."""
        return self.base_dist.temperature

    @property
    def probs(self):
        """The probabilities."""
        return self.base_dist.probs

    @property
    def logits(self):
        """The log odds, or the logarithms of the probabilities."""
        return self.base_dist.logits


class RelaxedBernoulli(Relaxed):
    """RelaxedBernoulli(temperature, probs=None, logits=None): a number in (0, 1) instead of Bernoulli's 0 or 1.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#relaxedbernoulli
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)
