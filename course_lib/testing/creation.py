"""make_tensor: a tensor of random values for a test, of any dtype."""

from __future__ import annotations

import math
import warnings

from .. import dtypes
from ..ops.complex_numbers import view_as_real
from ..ops.creation import empty, full
from ..tensor import Tensor


def make_tensor(*shape, dtype, device, low=None, high=None, requires_grad=False, noncontiguous=False,
                exclude_zero=False, memory_format=None) -> Tensor:  # fmt: skip
    """make_tensor(*shape, dtype, device, low=None, high=None, requires_grad=False, noncontiguous=False,
    exclude_zero=False) -> Tensor

    Values drawn evenly from [low, high): by default [-9, 9) for floats, -9 … 9 for integers, 0 … 9 for uint8; or bools.
    `noncontiguous` leaves gaps in memory, `exclude_zero` replaces zeros by the smallest number that is not zero.

    Source: https://docs.pytorch.org/docs/stable/testing.html
    """
    shape = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    if requires_grad and dtype.category < dtypes.FLOAT:
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got dtype={dtype}"
        )
    if noncontiguous and memory_format is not None:
        raise ValueError(
            f"The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got noncontiguous="
            f"{noncontiguous} and memory_format={memory_format}"
        )
    low, high = _limits(dtype, low, high)
    if low == high:
        made = full(shape, low, dtype=dtype, device=device)
    elif dtype.category < dtypes.FLOAT:
        from ..ops.sampling import randint

        made = randint(math.ceil(low), math.ceil(high), shape, dtype=dtype, device=device)
    elif dtype.is_complex:
        made = empty(shape, dtype=dtype, device=device)
        view_as_real(made).uniform_(low, high)
    else:
        made = empty(shape, dtype=dtype, device=device).uniform_(low, high)
    if noncontiguous and made.numel() > 1:
        made = made.repeat_interleave(2, dim=-1)[..., ::2]
    if exclude_zero:
        made[made == 0] = 1 if dtype.category < dtypes.FLOAT else dtypes.finfo(dtype).tiny
    return made.requires_grad_() if requires_grad else made


def _limits(dtype: dtypes.dtype, low, high):
    """The range to draw from, with the defaults of the dtype, cut to what the dtype can hold."""
    defaults = {dtypes.bool: (0, 2), dtypes.uint8: (0, 10)}
    first, last = defaults.get(dtype, (-9, 10) if dtype.category < dtypes.FLOAT else (-9, 9))
    low, high = (first if low is None else low), (last if high is None else high)
    if low != low or high != high:
        raise ValueError(f"`low` and `high` cannot be NaN, but got low={low} and high={high}")
    if low == high:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 "
            "and will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=3,
        )
        return low, high
    if low > high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    if dtype is dtypes.bool:
        limits = (0, 2)
    elif dtype.category < dtypes.FLOAT:
        info = dtypes.iinfo(dtype)
        limits = (info.min, info.max + 1 if dtype is not dtypes.int64 else info.max)
    else:
        info = dtypes.finfo(dtype)
        limits = (info.min, info.max)
    return max(low, limits[0]), min(high, limits[1])
