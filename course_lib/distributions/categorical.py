"""Categorical: an index drawn by a vector of probabilities."""

from __future__ import annotations

import course_lib as torch

from . import constraints
from .distribution import Distribution
from .utils import ProbsOrLogits


class Categorical(ProbsOrLogits, Distribution):
    """Categorical(probs=None, logits=None): an index 0 … K-1 along the last dimension of `probs` (or of `logits`).

    Probabilities are divided by their sum; logits are their logarithms up to a constant. Samples are int64.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> weather = torch.distributions.Categorical(torch.tensor([1., 1., 2.]))
    >>> weather.probs
    tensor([0.2500, 0.2500, 0.5000])
    >>> weather.sample((4,))
    tensor([2, 2, 1, 2])

    Source: https://docs.pytorch.org/docs/stable/distributions.html#categorical
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    is_binary = False

    def __init__(self, probs=None, logits=None, validate_args=None):
        if self._choose(probs, logits) == "probs":
            if probs.dim() < 1:
                raise ValueError("`probs` parameter must be at least one-dimensional.")
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            if logits.dim() < 1:
                raise ValueError("`logits` parameter must be at least one-dimensional.")
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
        super().__init__(self._param.shape[:-1], validate_args=validate_args)

    @property
    def _num_events(self) -> int:
        return self._param.shape[-1]

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self):
        return torch.full(self._batch_shape, torch.nan, dtype=self.probs.dtype)

    @property
    def mode(self):
        return self.probs.argmax(dim=-1)

    @property
    def variance(self):
        return torch.full(self._batch_shape, torch.nan, dtype=self.probs.dtype)

    def sample(self, sample_shape=()):
        sample_shape = torch.Size(sample_shape)
        rows = self.probs.detach().reshape(-1, self._num_events)
        drawn = torch.multinomial(rows, sample_shape.numel(), True).T
        return drawn.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        index, logits = value.long(), self.logits
        if index.shape != self._batch_shape:
            shape = torch.broadcast_shapes(index.shape, self._batch_shape)
            index, logits = index.expand(shape), logits.expand(shape + logits.shape[-1:])
        return logits.gather(-1, index.unsqueeze(-1)).squeeze(-1)

    def entropy(self):
        logits = self.logits.clamp(min=torch.finfo(self.logits.dtype).min)  # 0·(-∞) would be nan
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True):
        values = torch.arange(self._num_events).view(-1, *[1] * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values
