"""Binomial: the successes in a number of trials."""

from __future__ import annotations

import course_lib as torch

from . import constraints
from .distribution import Distribution
from .utils import ProbsOrLogits, broadcast_all


class Binomial(ProbsOrLogits, Distribution):
    """Binomial(total_count=1, probs=None, logits=None): successes in `total_count` trials; P(k) = C(n, k)·pᵏ(1 - p)ⁿ⁻ᵏ.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#binomial
    """

    arg_constraints = {"total_count": constraints.nonnegative_integer, "probs": constraints.unit_interval,
                       "logits": constraints.real}  # fmt: skip
    has_enumerate_support = True

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        if self._choose(probs, logits) == "probs":
            self.total_count, self.probs = broadcast_all(total_count, probs)
        else:
            self.total_count, self.logits = broadcast_all(total_count, logits)
        self.total_count = self.total_count.type_as(self._param)
        super().__init__(self._param.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self):
        return self.total_count * self.probs

    @property
    def mode(self):
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self):
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        n, logits = self.total_count, self.logits
        ways = torch.lgamma(n + 1) - torch.lgamma(value + 1) - torch.lgamma(n - value + 1)
        # k·log p + (n - k)·log(1 - p), where log(1 - p) = -log(1 + eˡᵒᵍⁱᵗ) without overflow
        return ways + value * logits - n * (logits.clamp(min=0) + torch.log1p(torch.exp(-logits.abs())))

    def _one_count(self, method: str) -> int:
        """The number of trials, if all distributions of the batch have the same."""
        total = int(self.total_count.max())
        if not self.total_count.min() == total:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{method}`.")
        return total

    def entropy(self):
        self._one_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True):
        total = self._one_count("enumerate_support")
        values = torch.arange(1 + total, dtype=self._param.dtype).view(-1, *[1] * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values
