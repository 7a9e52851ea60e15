"""What the distributions share: parameters brought to one shape, probabilities and logits, properties computed once."""

from __future__ import annotations

from numbers import Number

import course_lib as torch


def broadcast_all(*values) -> tuple:
    """Numbers and tensors as tensors of one shape; numbers get the dtype of the first tensor, or the default dtype.

    ValueError for anything that is neither.
    """
    if not all(isinstance(value, (torch.Tensor, Number)) for value in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    dtype = next((value.dtype for value in values if isinstance(value, torch.Tensor)), torch.get_default_dtype())
    made = (value if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=dtype) for value in values)
    return torch.broadcast_tensors(*made)


def standard_normal(like, shape):
    """Standard normal numbers of this shape in the dtype of `like`."""
    return torch.randn(shape, dtype=like.dtype)


def sum_rightmost(value, count: int):
    """The sum over the last `count` dimensions."""
    return value if count == 0 else value.reshape(*value.shape[: value.dim() - count], -1).sum(-1)


# ---- probabilities and logits ------------------------------------------------------------------------------------


def clamp_probs(probs):
    """Probabilities kept away from 0 and 1 by the dtype's eps, so that their logarithms are finite."""
    eps = torch.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs, is_binary: bool = False):
    """log p, or the log odds log p/(1 - p) of a binary variable."""
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


def logits_to_probs(logits, is_binary: bool = False):
    """softmax over the last dimension, or sigmoid for a binary variable."""
    return logits.sigmoid() if is_binary else logits.softmax(dim=-1)


class lazy_property:
    """A property that is computed when it is first asked for, and then stays in the object."""

    def __init__(self, method):
        self.method, self.__doc__ = method, method.__doc__

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        with torch.enable_grad():
            value = self.method(instance)
        instance.__dict__[self.method.__name__] = value
        return value


class ProbsOrLogits:
    """The part of a distribution that is given by either `probs` or `logits` and makes the other when asked for."""

    is_binary = True

    def _choose(self, probs, logits) -> str:
        """Which of the two was given; ValueError if both were, or none."""
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        self._given = "logits" if probs is None else "probs"
        return self._given

    @lazy_property
    def logits(self):
        """The log odds of a binary variable, the logarithms of the probabilities of a category."""
        return probs_to_logits(self.probs, self.is_binary)

    @lazy_property
    def probs(self):
        """The probabilities."""
        return logits_to_probs(self.logits, self.is_binary)

    @property
    def _param(self):
        return getattr(self, self._given)

    @property
    def param_shape(self):
        """The shape of the parameter."""
        return self._param.shape
