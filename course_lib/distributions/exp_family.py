"""ExponentialFamily: distributions whose density is exp(θ·t(x) - F(θ)), times a factor without parameters.

What F, the log-normalizer, is as a function of the natural parameters θ tells everything: its gradient is the mean of
t(x), hence entropy and divergence follow from F alone (Nielsen & Nock, "Entropies and cross-entropies of exponential
families", 2010).
"""

from __future__ import annotations

import course_lib as torch

from .distribution import Distribution
from .utils import sum_rightmost


class ExponentialFamily(Distribution):
    """The base of these families: subclasses give `_natural_params` and `_log_normalizer`.

    `_mean_carrier_measure` is the mean of the log of the factor without parameters, which the entropy needs.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#exponentialfamily
    """

    @property
    def _natural_params(self) -> tuple:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params):
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> float:
        raise NotImplementedError

    def _tangent(self):
        """(θ, F(θ), ∇F(θ))."""
        parameters = [parameter.detach().requires_grad_() for parameter in self._natural_params]
        normalizer = self._log_normalizer(*parameters)
        return parameters, normalizer, torch.autograd.grad(normalizer.sum(), parameters, create_graph=True)

    def entropy(self):
        """F(θ) - θ·∇F(θ), less the mean of the carrier measure."""
        carrier = self._mean_carrier_measure
        parameters, entropy, slopes = self._tangent()
        batch_dim = len(self._batch_shape)
        for parameter, slope in zip(parameters, slopes, strict=True):
            entropy = entropy - sum_rightmost(parameter * slope, parameter.dim() - batch_dim)
        return entropy - carrier
