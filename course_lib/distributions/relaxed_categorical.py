"""Relaxed (concrete) categories: samples near one-hot vectors that can be differentiated. See relaxed_bernoulli.py."""

from __future__ import annotations

import math

import course_lib as torch

from . import constraints
from .categorical import Categorical
from .distribution import Distribution
from .relaxed_bernoulli import Relaxed
from .transforms import ExpTransform
from .utils import broadcast_all, clamp_probs


class ExpRelaxedCategorical(Distribution):
    """ExpRelaxedCategorical(temperature, probs=None, logits=None): the log of a RelaxedOneHotCategorical sample."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self._categorical, self.temperature = Categorical(probs, logits), temperature
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def probs(self):
        """The probabilities."""
        return self._categorical.probs

    @property
    def logits(self):
        """The logarithms of the probabilities."""
        return self._categorical.logits

    def rsample(self, sample_shape=()):
        logits = self.logits
        unit = clamp_probs(torch.rand(self._extended_shape(sample_shape), dtype=logits.dtype))
        scores = (logits - (-unit.log()).log()) / self.temperature  # Gumbel noise makes the largest a categorical draw
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def log_prob(self, value):
        k = self._event_shape[0]
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        log_scale = math.lgamma(k) + (k - 1) * torch.log(torch.as_tensor(self.temperature))
        score = logits - value.mul(self.temperature)
        return (score - score.logsumexp(dim=-1, keepdim=True)).sum(-1) + log_scale


class RelaxedOneHotCategorical(Relaxed):
    """RelaxedOneHotCategorical(temperature, probs=None, logits=None): probabilities instead of one-hot vectors.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#relaxedonehotcategorical
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)
