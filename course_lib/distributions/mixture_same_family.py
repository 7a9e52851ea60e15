"""MixtureSameFamily: draw a component, then a value from it."""

from __future__ import annotations

import course_lib as torch

from . import constraints
from .categorical import Categorical
from .distribution import Distribution


class MixtureSameFamily(Distribution):
    """MixtureSameFamily(mixture_distribution, component_distribution)

    A Categorical over K components, and a distribution whose last batch dimension holds these K.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#mixturesamefamily
    """

    arg_constraints: dict = {}
    has_rsample = False

    def __init__(self, mixture_distribution, component_distribution, validate_args=None):
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an  instance of torch.distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution needs to be an instance of torch.distributions.Distribution"
            )
        mixture, component = mixture_distribution.batch_shape, component_distribution.batch_shape[:-1]
        for m, c in zip(reversed(mixture), reversed(component), strict=False):
            if m != 1 and c != 1 and m != c:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({mixture}) is not compatible with "
                    f"`component_distribution.batch_shape`({component})"
                )
        k, given = mixture_distribution.logits.shape[-1], component_distribution.batch_shape[-1]
        if k != given:
            raise ValueError(
                f"`mixture_distribution component` ({k}) does not equal `component_distribution.batch_shape[-1]` "
                f"({given})"
            )
        self._num_component = k
        super().__init__(component, component_distribution.event_shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        component = self._component_distribution.expand((*batch_shape, self._num_component))
        return MixtureSameFamily(self._mixture_distribution.expand(batch_shape), component, validate_args=False)

    @constraints.dependent_property
    def support(self):
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self):
        """The distribution over the components."""
        return self._mixture_distribution

    @property
    def component_distribution(self):
        """The components."""
        return self._component_distribution

    def _weights(self):
        """The probabilities of the components, with the dimensions of an event behind."""
        probs = self._mixture_distribution.probs
        return probs.reshape(probs.shape + (1,) * len(self._event_shape))

    def _component_dim(self) -> int:
        return -1 - len(self._event_shape)

    @property
    def mean(self):
        return (self._weights() * self._component_distribution.mean).sum(dim=self._component_dim())

    @property
    def variance(self):
        within = (self._weights() * self._component_distribution.variance).sum(dim=self._component_dim())
        offset = self._component_distribution.mean - self.mean.unsqueeze(self._component_dim())
        return within + (self._weights() * offset.pow(2)).sum(dim=self._component_dim())

    def sample(self, sample_shape=()):
        with torch.no_grad():
            chosen = self._mixture_distribution.sample(sample_shape)
            values = self._component_distribution.sample(sample_shape)
            dim = len(sample_shape) + len(self._batch_shape)
            index = chosen.reshape(chosen.shape + (1,) * (len(self._event_shape) + 1))
            index = index.expand(chosen.shape + (1,) + self._event_shape)
            return values.gather(dim, index).squeeze(dim)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        each = self._component_distribution.log_prob(value.unsqueeze(self._component_dim()))
        return torch.logsumexp(each + torch.log_softmax(self._mixture_distribution.logits, dim=-1), dim=-1)

    def cdf(self, value):
        each = self._component_distribution.cdf(value.unsqueeze(self._component_dim()))
        return (each * self._mixture_distribution.probs).sum(dim=-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"
