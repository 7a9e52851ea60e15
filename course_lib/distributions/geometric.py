"""Geometric: the failures before the first success."""

from __future__ import annotations

import course_lib as torch

from . import constraints
from .distribution import Distribution
from .utils import ProbsOrLogits, broadcast_all


class Geometric(ProbsOrLogits, Distribution):
    """Geometric(probs=None, logits=None): failures before the first success; P(k) = (1 - p)ᵏ·p for k = 0, 1, 2, …

    Source: https://docs.pytorch.org/docs/stable/distributions.html#geometric
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, probs=None, logits=None, validate_args=None):
        if self._choose(probs, logits) == "probs":
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not (self.probs > 0).all():
            raise ValueError(
                f"Expected parameter probs ({type(self.probs).__name__} of shape {tuple(self.probs.shape)}) of "
                f"distribution {self!r} to be positive but found invalid values:\n{self.probs[self.probs <= 0]}"
            )

    @property
    def mean(self):
        return 1 / self.probs - 1

    @property
    def mode(self):
        return torch.zeros_like(self.probs)

    @property
    def variance(self):
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape=()):
        with torch.no_grad():
            unit = self.probs.new_empty(self._extended_shape(sample_shape))
            unit.uniform_(torch.finfo(unit.dtype).tiny, 1)
            return (unit.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        certain = (probs == 1) & (value == 0)  # 0·log 0, which counts as 0
        return value * torch.where(certain, 0.0, (-probs).log1p()) + self.probs.log()

    def entropy(self):
        one_draw = torch.nn.functional.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")
        return one_draw / self.probs
