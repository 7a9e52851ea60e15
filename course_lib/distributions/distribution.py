"""Distribution: what all distributions have in common.

Three shapes make up a sample: `sample_shape` (how many draws) + `batch_shape` (how many distributions side by side) +
`event_shape` (one draw of one of them). The parameters are tensors under the names in `arg_constraints`; they are
checked when the distribution is made, values when their log-probability is asked for.
"""

from __future__ import annotations

import warnings

import course_lib as torch

from . import constraints
from .utils import lazy_property


class Distribution:
    """The base of all distributions. Subclasses give `arg_constraints`, `support`, `log_prob`, `sample` or `rsample`, …

    has_rsample: whether samples can be differentiated with respect to the parameters (`rsample`).
    has_enumerate_support: whether all possible values can be listed.

    Source: https://docs.pytorch.org/docs/stable/distributions.html
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Turn the checks of parameters and values on or off for all distributions. ValueError unless it is a bool."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(self, batch_shape=(), event_shape=(), validate_args: bool | None = None):
        self._batch_shape, self._event_shape = torch.Size(batch_shape), torch.Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        super().__init__()

    def _check_parameters(self) -> None:
        try:
            required = self.arg_constraints
        except NotImplementedError:
            required = {}
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize "
                "the distribution with `validate_args=False` to turn off validation.",
                stacklevel=4,
            )
        for name, constraint in required.items():
            made_later = name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property)
            if made_later or constraints.is_dependent(constraint):
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    # ---- shapes and parameters -----------------------------------------------------------------------------------

    @property
    def batch_shape(self):
        """The shape of the distributions side by side."""
        return self._batch_shape

    @property
    def event_shape(self):
        """The shape of one draw of one distribution."""
        return self._event_shape

    @property
    def arg_constraints(self) -> dict:
        """The constraint of each parameter, by name."""
        raise NotImplementedError

    @property
    def support(self):
        """The constraint that the values satisfy."""
        raise NotImplementedError

    def expand(self, batch_shape, _instance=None):
        """The same distribution with its parameters expanded to another batch shape (views, nothing is copied)."""
        batch_shape, required = torch.Size(batch_shape), self.arg_constraints
        made = object.__new__(type(self)) if _instance is None else _instance
        for name, value in self.__dict__.items():
            if isinstance(value, Distribution):
                value = value.expand(batch_shape)
            elif name in required and isinstance(value, torch.Tensor):
                value = value.expand(batch_shape + value.shape[value.dim() - required[name].event_dim :])
            made.__dict__[name] = value
        made._batch_shape = batch_shape
        return made

    def _extended_shape(self, sample_shape=()):
        """The shape of `sample(sample_shape)`."""
        return torch.Size(sample_shape) + self._batch_shape + self._event_shape

    # ---- moments -------------------------------------------------------------------------------------------------

    @property
    def mean(self):
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self):
        """The most likely value."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self):
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self):
        """The standard deviation."""
        return self.variance.sqrt()

    # ---- drawing -------------------------------------------------------------------------------------------------

    def sample(self, sample_shape=()):
        """A sample of shape sample_shape + batch_shape + event_shape, without history."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n: int):
        """`sample((n,))`, which takes its place."""
        warnings.warn("`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning, stacklevel=2)
        return self.sample((n,))

    def rsample(self, sample_shape=()):
        """A sample as a differentiable function of the parameters. NotImplementedError where there is none."""
        raise NotImplementedError

    # ---- probabilities -------------------------------------------------------------------------------------------

    def log_prob(self, value):
        """The logarithm of the density, or of the probability, at `value`. ValueError outside the support."""
        raise NotImplementedError

    def cdf(self, value):
        """The probability of a draw ≤ value."""
        raise NotImplementedError

    def icdf(self, value):
        """The inverse of `cdf`."""
        raise NotImplementedError

    def entropy(self):
        """The mean of -log_prob."""
        raise NotImplementedError

    def perplexity(self):
        """exp of the entropy."""
        return torch.exp(self.entropy())

    def enumerate_support(self, expand: bool = True):
        """All values of a discrete distribution along a new first dimension."""
        raise NotImplementedError

    def _validate_sample(self, value) -> None:
        """ValueError unless `value` is a tensor that broadcasts with the distribution and lies in its support."""
        if not isinstance(value, torch.Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        events = value.dim() - len(self._event_shape)
        if value.shape[events:] != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{value.size()} vs {self._event_shape}."
            )
        expected = self._batch_shape + self._event_shape
        if any(i != 1 and j != 1 and i != j for i, j in zip(reversed(value.shape), reversed(expected), strict=False)):
            raise ValueError(
                f"Value is not broadcastable with batch_shape+event_shape: {value.size()} vs {expected}."
            )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `support` to enable sample validation. Please initialize the "
                "distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        if not support.check(value).all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the "
                f"support ({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        given = [(name, self.__dict__[name]) for name in self.arg_constraints if name in self.__dict__]
        shown = (f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in given)
        return f"{type(self).__name__}({', '.join(shown)})"
