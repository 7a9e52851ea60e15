"""Rounding and limits: to whole numbers (`floor`, `round`, …), the larger of two elements, and `clamp` into a range.

Rounding is flat almost everywhere, so its gradient is zero; a limit passes the gradient to the operand that it chose.
"""

from __future__ import annotations

import builtins
import math

import numpy as np

from ..tensor import Tensor
from ._arguments import number_array, require_tensors, result_dtype
from ._by_kernel import activated, activation_gradient, combined_gradient
from ._numeric import require_kind
from ._op import PROMOTE, function, op, write_out

# ---- rounding ----------------------------------------------------------------------------------------------------


def _rounding(name: str, ufunc: str, text: str, alias=()):
    """Declare a step function: integers stay as they are, the gradient is zero."""

    def forward(xp, a):
        if a.dtype.kind == "c":
            raise NotImplementedError(f"{name} is not supported for complex inputs")
        require_kind(f"{name}_vml_cpu", a, "iufV")
        return a.copy() if a.dtype.kind in "iu" else getattr(xp, ufunc)(a)

    def backward(ctx, g):
        return g * 0

    document = f"""{name}(input, *, out=None) -> Tensor: {text}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"forward": forward, "backward": backward, "elementwise": True, "__doc__": document,
               "__module__": __name__}  # fmt: skip
    return op(inplace=True, alias=alias)(type(name, (), members))


floor = _rounding("floor", "floor", "the largest whole number not above each element")
ceil = _rounding("ceil", "ceil", "the smallest whole number not below each element")
trunc = _rounding("trunc", "trunc", "each element without its fraction", "fix")


@op(inplace=True)
class round:
    """round(input, *, decimals=0, out=None) -> Tensor: to the nearest whole number, halves to the even one.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.round.html
    """

    elementwise = True

    def arguments(input, *, decimals=0):
        return (input,), {"decimals": decimals}

    def forward(xp, a, *, decimals):
        require_kind("round_vml_cpu", a, "iufV")
        if a.dtype.kind in "iu":
            if decimals:
                raise RuntimeError('"round_cpu" not implemented for integers with decimals')
            return a.copy()
        if not decimals:
            return xp.rint(a)
        scale = a.dtype.type(10.0 ** builtins.abs(decimals))
        return xp.rint(a * scale) / scale if decimals > 0 else xp.rint(a / scale) * scale

    def backward(ctx, g):
        return g * 0


@function(method=True, inplace=True)
def frac(input, *, out=None):
    """frac(input, *, out=None) -> Tensor: the fraction of each element, with its sign.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.frac.html
    """
    require_kind("frac_cpu", input._array)
    made = input - input.trunc()
    return made if out is None else write_out("frac", out, (input,), made)


# ---- minimum, maximum, clamp -------------------------------------------------------------------------------------


def _extremum(name: str, ufunc: str, text: str):
    """Declare the larger or smaller of two tensors; equal elements share the gradient."""

    def arguments(input, other):
        require_tensors(name, input=input, other=other)
        return (input, other), {}

    def forward(xp, a, b, out=...):
        if a.dtype.kind == "c":
            raise RuntimeError(f"{name} not implemented for complex tensors.")
        return getattr(xp, ufunc)(a, b, out=out)

    def save(ctx, out, a, b):
        ctx.save_for_backward(a, b)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        larger, smaller = (a, b) if name == "maximum" else (b, a)
        by_a, by_b = [None if not need else combined_gradient("by_larger", g, *pair)
                      for need, pair in zip(ctx.needs_input_grad, ((larger, smaller), (smaller, larger)))]  # fmt: skip
        if by_a is not None or by_b is not None:
            return by_a, by_b
        first = a >= b if name == "maximum" else a <= b
        tie = (a == b) * 0.5
        return g.masked_fill(~first, 0) * (1 - tie), g.masked_fill(first & (a != b), 0) * (1 - tie)

    document = f"""{name}(input, other, *, out=None) -> Tensor: {text}, elementwise; NaN wins.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {
        "arguments": arguments,
        "forward": forward,
        "save": save,
        "backward": backward,
        "__doc__": document,
        "__module__": __name__,
    }
    return op(dtype=PROMOTE)(type(name, (), members))


maximum = _extremum("maximum", "maximum", "the larger of two elements")
minimum = _extremum("minimum", "minimum", "the smaller of two elements")


def _tensors(*limits) -> bool:
    return any(hasattr(limit, "strides") or isinstance(limit, Tensor) for limit in limits)


def _limits(low, high) -> tuple[float, float]:
    """Both limits as numbers; NaN, from which all becomes NaN, as both."""
    found = [-math.inf if low is None else float(low), math.inf if high is None else float(high)]
    return (math.nan, math.nan) if any(map(math.isnan, found)) else tuple(found)


@op(inplace=True, alias="clip", node="ClampBackward1")
class clamp:
    """clamp(input, min=None, max=None, *, out=None) -> Tensor

    Each element limited to [min, max]; the limits are numbers or tensors that broadcast. RuntimeError without a limit.

    >>> import course_lib as torch
    >>> torch.tensor([-2, 0, 5]).clamp(0, 3)
    tensor([0, 0, 3])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.clamp.html
    """

    def arguments(input, min=None, max=None):
        if min is None and max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        dtype = result_dtype(input, min, max)
        if dtype.is_complex:
            raise NotImplementedError("clamp is not supported for complex types")
        lifted = input if input.dtype is dtype else input.to(dtype)
        limits = [v.to(dtype) if isinstance(v, Tensor) else v for v in (min, max)]
        return (lifted, *limits), {}

    def forward(xp, a, low, high, *, out=None):
        if xp is not np and not _tensors(low, high):
            made = activated("clamp", a, _limits(low, high), out)
            if made is not None:
                return made
        low, high = [v if v is None or hasattr(v, "strides") else xp.asarray(number_array(v, a)) for v in (low, high)]
        if low is not None:
            a = xp.maximum(a, low)
        a = a if high is None else xp.minimum(a, high)
        if out is None:
            return a
        out[...] = a
        return out

    def save(ctx, out, a, low, high):
        ctx.save_for_backward(a, low, high)
        operands = (a, low, high)
        ctx.inputs = tuple([(t._array.shape, t._array.dtype) if isinstance(t, Tensor) else None for t in operands])

    def backward(ctx, g):
        a, low, high = ctx.saved_tensors
        made = None if _tensors(low, high) else activation_gradient("clamp", g, a, *_limits(low, high))
        if made is not None:
            return made, None, None
        inside = None
        if low is not None:
            inside = a >= low
        if high is not None:
            inside = a <= high if inside is None else inside & (a <= high)
        grad_low = g * ((a < low) & (low < high if high is not None else True)) if isinstance(low, Tensor) else None
        grad_high = g * ((a > high) | (low > high if low is not None else False)) if isinstance(high, Tensor) else None
        return g * inside, grad_low, grad_high


@function(method=True, inplace=True)
def clamp_min(input, min, *, out=None):
    """clamp_min(input, min) -> Tensor: `clamp` with a lower limit only."""
    require_tensors("clamp_min", input=input)
    return clamp(input, min=min, out=out)


@function(method=True, inplace=True)
def clamp_max(input, max, *, out=None):
    """clamp_max(input, max) -> Tensor: `clamp` with an upper limit only."""
    require_tensors("clamp_max", input=input)
    return clamp(input, max=max, out=out)
