"""New tensors drawn by given probabilities: bernoulli, multinomial, poisson, binomial.

The numbers are those of PyTorch for the same seed; backends/streams.py and backends/counts.py make them.
"""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np

from .. import dtypes
from ..backends import array_module, counts, on_gpu
from ..tensor import wrap
from . import random_fill as fills
from ._arguments import broadcast_error
from ._by_kernel import reduced
from ._numeric import wide
from ._op import function
from .random_arguments import (
    drawn,
    drawn_on_host,
    need_tensor,
    real_number,
    stored,
    stream_beside,
    stream_for,
    whole_number,
)


@function(method=True)
def bernoulli(input, p=None, *, generator=None, out=None):
    """bernoulli(input, *, generator=None, out=None), bernoulli(input, p, *, generator=None) -> Tensor

    0 or 1 for each element of `input`: 1 with the probability that the element holds, or with probability `p`.
    RuntimeError for a probability outside [0, 1].

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.bernoulli(torch.tensor([0.1, 0.5, 0.9]))
    tensor([0., 0., 1.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bernoulli.html
    """
    need_tensor("bernoulli", "input", 1, input)
    stream = stream_beside("bernoulli", generator, input)
    with on_gpu(input._array.device.id) if input.is_cuda else nullcontext():
        dtype = input._array.dtype if out is None else out._array.dtype
        array = array_module(input._array).empty(input._array.shape, dtype)
    if p is None:
        fills.fill_bernoulli(array, input._array, stream)
        made = drawn(array, "BernoulliBackward0", input)
    else:
        fills.fill_bernoulli(array, real_number("bernoulli", "p", 2, p), stream)
        made = drawn(array, "BernoulliBackward2", input)
    return stored(out, made)


@function(method=True)
def multinomial(input, num_samples, replacement=False, *, generator=None, out=None):
    """multinomial(input, num_samples, replacement=False, *, generator=None, out=None) -> Tensor (int64)

    Indices drawn by the weights in `input` (categories) or in each row of it (rows, categories); the weights need not
    sum to 1. Without replacement an index comes once at most, and likely ones come early. RuntimeError for negative,
    infinite or all-zero weights, and for more samples than categories without replacement.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.multinomial(torch.tensor([1., 2., 7.]), 4, replacement=True)
    tensor([2, 2, 2, 2])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.multinomial.html
    """
    need_tensor("multinomial", "input", 1, input)
    n = whole_number("multinomial", "num_samples", 2, num_samples)
    weights, stream = input._array, stream_beside("multinomial", generator, input)
    _check_multinomial(input, n, replacement, out)
    xp, rows = array_module(weights), weights.reshape(-1, weights.shape[-1])
    numbers = rows if xp is np else wide(rows)  # CuPy does not add up bfloat16
    with on_gpu(weights.device.id) if input.is_cuda else nullcontext():
        if rows.size == 0:
            chosen = xp.empty((len(rows), n), np.int64)
        elif replacement and n > 1:
            _check_weights(xp, numbers)
            choose = counts.choose if xp is np else _choose_there
            chosen = choose(stream, numbers, n)
        else:
            if not (xp.isfinite(numbers).all() and (numbers >= 0).all()):
                raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
            _check_sums(numbers)
            expanded = 0 in weights.strides  # then NumPy would turn the dimensions around
            exponentials = xp.empty(weights.shape, weights.dtype) if expanded else xp.empty_like(weights)
            fills.fill_exponential(exponentials, 1.0, stream)
            exponentials = exponentials.reshape(rows.shape)
            if xp is np:
                chosen = counts.choose_without_replacement(rows, exponentials, n)
            else:
                chosen = _choose_once_there(xp, rows, exponentials, n)
        return stored(out, wrap(xp.ascontiguousarray(chosen.reshape(*weights.shape[:-1], n))))


def _choose_once_there(xp, rows, exponentials, n: int):
    """The categories with the largest quotients of weight and exponential number: each can come first by its weight."""
    quotients = rows / exponentials
    if n == 1:
        made = reduced("maximum_at", quotients, (1,), True, places=True)
        return xp.argmax(wide(quotients), axis=1, keepdims=True) if made is None else made[1]
    return xp.argsort(-quotients.astype("f8"), axis=1)[:, :n]


def _choose_there(stream, rows, n: int):
    """Categories on a GPU: where uniform numbers fall among the running sums of the weights."""
    xp = array_module(rows)
    sums = xp.cumsum(rows.astype("f8"), axis=1)
    beside_row = xp.arange(len(rows))[:, None]  # row r lies between r and r + 1, so that one search does for all rows
    places = xp.empty((len(rows), n), np.float64)
    fills.fill_uniform(places, 0.0, 1.0, stream)
    marks, drawn_at = sums / sums[:, -1:] + beside_row, places + beside_row
    found = xp.searchsorted(marks.reshape(-1), drawn_at.reshape(-1), side="right")
    return xp.minimum(found.reshape(places.shape) - beside_row * rows.shape[1], rows.shape[1] - 1)


def _check_multinomial(input, n: int, replacement: bool, out) -> None:
    weights = input._array
    if weights.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if weights.dtype.kind not in fills.REAL:
        kind = dtypes.legacy_name(input.dtype)
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {kind}")
    if out is not None and out.dtype is not dtypes.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {dtypes.legacy_name(out.dtype)}")
    if n <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and n > weights.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if weights.shape[-1] > 2**24:
        raise RuntimeError("number of categories cannot exceed 2^24")


def _check_weights(xp, rows) -> None:
    if (rows < 0).any():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
    if not xp.isfinite(rows).all():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry = infinity or NaN)")
    _check_sums(rows)


def _check_sums(rows) -> None:
    if (rows.sum(-1) == 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


@function()
@drawn_on_host
def poisson(input, generator=None):
    """poisson(input, generator=None) -> Tensor: a Poisson count for each rate in `input`, in its dtype.

    RuntimeError for a negative rate; NotImplementedError for an integer or bool tensor.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.poisson(torch.tensor([1., 20.]))
    tensor([ 2., 28.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.poisson.html
    """
    need_tensor("poisson", "input", 1, input)
    rates = input._array
    if rates.dtype.kind not in fills.REAL:
        raise fills.not_implemented("poisson_cpu", rates)
    if not (rates >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return drawn(counts.poisson(stream_for("poisson", generator), rates), "PoissonBackward0", input)


@function()
@drawn_on_host
def binomial(count, prob, generator=None):
    """binomial(count, prob, generator=None) -> Tensor: the successes in `count` trials that succeed with `prob`.

    Two floating tensors of one dtype that broadcast; the result has that dtype.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.binomial(torch.tensor([10., 20.]), torch.tensor([0.5, 0.5]))
    tensor([ 7., 11.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.binomial.html
    """
    need_tensor("binomial", "count", 1, count)
    need_tensor("binomial", "prob", 2, prob)
    for name, tensor in (("count", count), ("prob", prob)):
        if not tensor.is_floating_point():
            kind = dtypes.legacy_name(tensor.dtype)
            raise ValueError(f"binomial only supports floating-point dtypes for {name}, got: {kind}")
    if count.dtype is not prob.dtype:
        expected, found = dtypes.legacy_name(count.dtype), dtypes.legacy_name(prob.dtype)
        raise RuntimeError(f"Found dtype {found} but expected {expected}")
    if count.element_size() == 2:
        raise fills.not_implemented("binomial_cpu", count._array)
    try:
        trials, chances = np.broadcast_arrays(count._array, prob._array)
    except ValueError as error:
        raise broadcast_error("binomial", count, prob, error) from None
    successes = counts.binomial(stream_for("binomial", generator), trials, chances)
    return drawn(successes, "NotImplemented", count, prob)
