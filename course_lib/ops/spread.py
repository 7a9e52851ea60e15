"""How far values lie apart: variance and standard deviation, alone or together with the mean.

Squared distances from the mean are summed in float32 or wider and divided by `count - correction`.
"""

from __future__ import annotations

import math

import numpy as np

from .. import dtypes
from ..autograd.node import SavedOutput
from ..dtypes import FLOAT
from ..errors import warn
from ._by_kernel import reduced
from ._op import function, op
from .reduce import dims_of, mean, restored


def _spread_arguments(name: str):
    """The signature of var and std: also `var(unbiased)` and `var(dim, unbiased, keepdim)`, the older spellings."""

    def arguments(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
        if input.dtype.category < FLOAT:
            raise RuntimeError("std and var only support floating point and complex dtypes")
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if correction is None:
            correction = 1 if unbiased is None or unbiased else 0
        dims = dims_of(dim, input.ndim)
        if math.prod([input.shape[d] for d in dims]) <= correction:
            warn(
                f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
                "(input numel divided by output numel)."
            )
        return (input,), {"dims": dims, "correction": correction, "keepdim": keepdim}

    return arguments


def _variance(xp, a, dims, correction, keepdim):
    """Squared distances from the mean, summed in float32 or wider and divided by the degrees of freedom."""
    wide = a.astype("f4") if a.dtype.itemsize == 2 else a
    count = math.prod([a.shape[d] for d in dims])
    centre = xp.add.reduce(wide, dims, keepdims=True) / wide.dtype.type(count) if dims else wide
    distance = wide - centre
    squares = (distance * distance.conj()).real if a.dtype.kind == "c" else distance * distance
    freedom = squares.dtype.type(max(count - correction, 0))
    return xp.asarray(xp.add.reduce(squares, dims, keepdims=keepdim) / freedom)


def _spread(name: str, text: str):
    def forward(xp, a, *, dims, correction, keepdim):
        if xp is not np:
            freedom = max(math.prod([a.shape[d] for d in dims]) - correction, 0)
            made = reduced("deviation" if name == "std" else "variance", a, dims, keepdim, freedom)
            if made is not None:
                return made
        found = _variance(xp, a, dims, correction, keepdim)
        return (xp.sqrt(found) if name == "std" else found).astype(cast_real(a.dtype))

    def save(ctx, out, a, *, dims, correction, keepdim):
        ctx.save_for_backward(a, SavedOutput(out, 0) if name == "std" else None)
        ctx.dims, ctx.correction, ctx.keepdim = dims, correction, keepdim

    def backward(ctx, g):
        a, spread = ctx.saved_tensors
        if name == "std":  # through the root; where all values are equal the gradient is 0
            g = (g / (spread * 2)).masked_fill(spread == 0, 0)
        count = math.prod([a.shape[d] for d in ctx.dims])
        distance = a - mean(a, ctx.dims, True) if ctx.dims else a - a
        slope = 2 / (count - ctx.correction) if count > ctx.correction else math.nan
        return restored(g, ctx.dims, ctx.keepdim) * distance * slope

    document = f"""{name}(input, dim=None, *, correction=1, keepdim=False, out=None) -> Tensor

    {text}

    >>> import course_lib as torch
    >>> torch.tensor([1., 2., 3.]).{name}()
    tensor(1.)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {
        "arguments": _spread_arguments(name),
        "forward": forward,
        "save": save,
        "backward": backward,
        "__doc__": document,
        "__module__": __name__,
    }
    return op()(type(name, (), members))


def cast_real(dtype):
    """The dtype of the magnitudes of `dtype`."""
    return dtypes.from_numpy(dtype).to_real().numpy


var = _spread("var", "The variance over `dim`: squared distances from the mean, divided by `count - correction`.")
std = _spread("std", "The standard deviation over `dim`: the square root of `var`.")


@function()
def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """var_mean(input, dim=None, *, correction=1, keepdim=False) -> (Tensor, Tensor): variance and mean.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.var_mean.html
    """
    return var(input, dim, unbiased, keepdim, correction=correction), _mean_of(input, dim, keepdim)


@function()
def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """std_mean(input, dim=None, *, correction=1, keepdim=False) -> (Tensor, Tensor): standard deviation and mean.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.std_mean.html
    """
    return std(input, dim, unbiased, keepdim, correction=correction), _mean_of(input, dim, keepdim)


def _mean_of(input, dim, keepdim):
    """The mean that goes with a variance."""
    return mean(input, None if isinstance(dim, bool) else dim, keepdim)
