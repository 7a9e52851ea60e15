"""torch.masked: reductions and normalizations in which only the elements count whose mask is True.

What is masked out is replaced by the value that changes nothing (0 in a sum, 1 in a product, -inf in a maximum); then
the plain operation runs. Where a whole group is masked out, the result is that value; for a mean it is NaN.
"""

from __future__ import annotations

import math

from . import dtypes, linalg
from .dtypes import FLOAT
from .ops import FUNCTIONS
from .ops.masks import where as _where
from .ops.reduce import dims_of
from .ops.statistics import nanmedian
from .tensor import Tensor

_torch = FUNCTIONS["torch"]


def _mask(input: Tensor, mask) -> Tensor:
    """The mask in the input's shape; without one, all True."""
    if mask is None:
        return input.new_ones(input.shape, dtype=dtypes.bool)
    if mask.ndim > input.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
    return mask.bool().expand(input.shape)


def _kept(input: Tensor, mask, neutral) -> Tensor:
    """The input with `neutral` where the mask is False; NaN and infinities there leave no trace in gradients."""
    return input if mask is None else _where(_mask(input, mask), input, input.new_full((), neutral))


def _extreme_of(dtype: dtypes.dtype, largest: bool):
    """The value that no other value loses against, in a maximum (largest=False) or in a minimum (largest=True)."""
    if dtype.category >= FLOAT:
        return math.inf if largest else -math.inf
    if dtype is dtypes.bool:
        return largest
    limits = dtypes.iinfo(dtype)
    return limits.max if largest else limits.min


def _sum_dtype(input: Tensor, dtype):
    return dtype or (dtypes.int64 if input.dtype.category < FLOAT else input.dtype)


# ---- reductions --------------------------------------------------------------------------------------------------


def sum(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """sum(input, dim=None, *, keepdim=False, dtype=None, mask=None) -> Tensor: the sum of the elements that count.

    Source: https://docs.pytorch.org/docs/stable/masked.html
    """
    return _torch["sum"](_kept(input.to(_sum_dtype(input, dtype)), mask, 0), dim, keepdim)


def prod(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """prod(input, dim=None, *, keepdim=False, dtype=None, mask=None) -> Tensor

    The product of the elements that count.
    """
    made = _kept(input.to(_sum_dtype(input, dtype)), mask, 1)
    for d in reversed(dims_of(dim, input.ndim)):
        made = made.prod(d, keepdim)
    return made


def _extreme(name: str, largest: bool, word: str):
    def reduce(input, dim=None, *, keepdim=False, dtype=None, mask=None):
        input = input if dtype is None else input.to(dtype)
        return _torch[name](_kept(input, mask, _extreme_of(input.dtype, largest)), () if dim is None else dim, keepdim)

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = (
        f"{name}(input, dim=None, *, keepdim=False, dtype=None, mask=None) -> Tensor: the {word} that counts."
    )
    return reduce


amax, amin = _extreme("amax", False, "largest element"), _extreme("amin", True, "smallest element")


def _position(name: str, largest: bool, word: str):
    def reduce(input, dim=None, *, keepdim=False, dtype=None, mask=None):
        input = input if dtype is None else input.to(dtype)
        return _torch[name](_kept(input, mask, _extreme_of(input.dtype, largest)), dim, keepdim).to(input.dtype)

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = (
        f"{name}(input, dim=None, *, keepdim=False, dtype=None, mask=None) -> Tensor: where the {word} stands (in the "
        "input's dtype)."
    )
    return reduce


argmax, argmin = _position("argmax", False, "largest element"), _position("argmin", True, "smallest element")


def mean(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """mean(input, dim=None, *, keepdim=False, dtype=None, mask=None) -> Tensor: the mean of the elements that count."""
    if dtype is None:
        dtype = input.dtype if input.dtype.category >= FLOAT else dtypes.float32
    input = input.to(dtype)
    if mask is None:
        return input.mean(dim, keepdim)
    return _torch["sum"](_kept(input, mask, 0), dim, keepdim) / _torch["sum"](_mask(input, mask), dim, keepdim)


def median(input, dim=-1, *, keepdim=False, dtype=None, mask=None):
    """median(input, dim=-1, *, keepdim=False, dtype=None, mask=None) -> Tensor

    The median of the elements that count.
    """
    input = input if dtype is None else input.to(dtype)
    if input.dtype.category != FLOAT:
        raise ValueError(f"input must be of floating-point dtype, got {input.dtype}")
    return nanmedian(_kept(input, mask, math.nan), dim, keepdim).values


def logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None) -> Tensor: `log(sum(exp(input)))`."""
    dims = dims_of(dim, input.ndim)
    input = input.to(_sum_dtype(input, dtype))
    return _torch["logsumexp"](_kept(input, mask, _extreme_of(input.dtype, False)), dims, keepdim).to(input.dtype)


def logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None):
    """logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None) -> Tensor

    `log(exp(input) + exp(other))`.
    """
    dtype = dtype or input.dtype
    return _torch["logaddexp"](
        _kept(input.to(dtype), input_mask, -math.inf), _kept(other.to(dtype), other_mask, -math.inf)
    )


def norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None):
    """norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None) -> Tensor: the norm of what counts."""
    input = input if dtype is None else input.to(dtype)
    neutral = math.inf if ord < 0 else 0
    return linalg.vector_norm(_kept(input, mask, neutral), ord, dims_of(dim, input.ndim), keepdim)


def _variance(input, dim, unbiased, correction, keepdim, dtype, mask) -> Tensor:
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    if dtype is None:
        dtype = input.dtype if input.dtype.category >= FLOAT else dtypes.float32
    input = input.to(dtype)
    dims = dims_of(dim, input.ndim)
    count = _torch["sum"](_mask(input, mask), dims, True)
    centre = _torch["sum"](_kept(input, mask, 0), dims, True) / count
    distance = _kept(input - centre, mask, 0)
    squares = (distance * distance.conj()).real if input.is_complex() else distance * distance
    made = _torch["sum"](squares, dims, True) / (count - correction).clamp(min=0).to(squares.dtype)
    return (made if keepdim else made.squeeze(dims)).to(dtype)


def var(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """var(input, dim=None, *, correction=1, keepdim=False, dtype=None, mask=None) -> Tensor

    The variance of what counts.
    """
    return _variance(input, dim, unbiased, correction, keepdim, dtype, mask)


def std(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """std(input, dim=None, *, correction=1, keepdim=False, dtype=None, mask=None) -> Tensor: the standard deviation."""
    return _variance(input, dim, unbiased, correction, keepdim, dtype, mask).sqrt()


# ---- along a dimension -------------------------------------------------------------------------------------------


def cumsum(input, dim, *, dtype=None, mask=None):
    """cumsum(input, dim, *, dtype=None, mask=None) -> Tensor: the running sum of the elements that count."""
    return _kept(input.to(_sum_dtype(input, dtype)), mask, 0).cumsum(dim)


def cumprod(input, dim, *, dtype=None, mask=None):
    """cumprod(input, dim, *, dtype=None, mask=None) -> Tensor: the running product of the elements that count."""
    return _kept(input.to(_sum_dtype(input, dtype)), mask, 1).cumprod(dim)


def softmax(input, dim, *, dtype=None, mask=None):
    """softmax(input, dim, *, dtype=None, mask=None) -> Tensor: softmax over the elements that count, 0 elsewhere."""
    return _torch["softmax"](_kept(input if dtype is None else input.to(dtype), mask, -math.inf), dim)


def log_softmax(input, dim, *, dtype=None, mask=None):
    """log_softmax(input, dim, *, dtype=None, mask=None) -> Tensor: the logarithm of `softmax`."""
    return _torch["log_softmax"](_kept(input if dtype is None else input.to(dtype), mask, -math.inf), dim)


def softmin(input, dim, *, dtype=None, mask=None):
    """softmin(input, dim, *, dtype=None, mask=None) -> Tensor: `softmax` of the negated input."""
    return _torch["softmax"](-_kept(input if dtype is None else input.to(dtype), mask, math.inf), dim)


def normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None):
    """normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None) -> Tensor: divided by the norm of what counts."""
    input = input if dtype is None else input.to(dtype)
    size = norm(input, ord, dim, keepdim=True, mask=mask)
    return _kept(input, mask, 0) / size.clamp(min=eps)


__all__ = ["amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp", "logsumexp", "mean",
           "median", "norm", "normalize", "prod", "softmax", "softmin", "std", "sum", "var"]  # fmt: skip
