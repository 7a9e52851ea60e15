"""Chi-squared: a sum of squared normal numbers; a case of Gamma."""

from __future__ import annotations

from . import constraints
from .gamma import Gamma


class Chi2(Gamma):
    """Chi2(df): the sum of `df` squared standard normal numbers; Gamma(df/2, 1/2).

    Source: https://docs.pytorch.org/docs/stable/distributions.html#chi2
    """

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df, validate_args=None):
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        made = super().expand(batch_shape, _instance)
        made.concentration, made.rate = self.concentration.expand(batch_shape), self.rate.expand(batch_shape)
        return made

    @property
    def df(self):
        """The degrees of freedom."""
        return self.concentration * 2
