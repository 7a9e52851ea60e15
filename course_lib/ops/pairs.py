"""Elementwise functions of two tensors beyond arithmetic: angles and lengths, signs, logarithms of sums, divisors.

The operands are promoted and broadcast by `@op`; a forward sees two arrays of one dtype.
"""

from __future__ import annotations

import math

from .. import dtypes, return_types
from ..backends.selection import select
from ..tensor import Tensor
from ._arguments import only_tensors, require_tensors, result_dtype
from ._numeric import narrow, require_kind, wide
from ._op import FLOAT, PROMOTE, function, op
from .arithmetic import pow, sub


def pair(name: str, text: str, forward, backward=None, save=None, *, dtype=PROMOTE, alias=(), numbers=False):
    """Declare a function of two tensors from its array function and its gradient, in a few words of explanation."""

    def keep_both(ctx, out, a, b):
        ctx.save_for_backward(a, b)

    document = f"""{name}(input, other, *, out=None) -> Tensor: {text}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"forward": forward, "__doc__": document, "__module__": __name__}
    if backward is not None:
        members |= {"backward": backward, "save": save or keep_both}
    if not numbers:
        members["arguments"] = only_tensors(name)
    return op(inplace=True, dtype=dtype, alias=alias)(type(name, (), members))


# ---- angles and lengths ------------------------------------------------------------------------------------------


def _atan2(xp, a, b):
    require_kind("atan2_cpu", a)
    return xp.arctan2(a, b)


def _atan2_backward(ctx, g):
    a, b = ctx.saved_tensors
    inverse = (a * a + b * b).reciprocal()
    return g * b * inverse, g * -a * inverse


atan2 = pair(
    "atan2",
    "the angle of the point (x=other, y=input), in radians between -π and π",
    _atan2,
    _atan2_backward,
    dtype=FLOAT,
    alias="arctan2",
)


def _hypot(xp, a, b):
    require_kind("hypot_cpu", a)
    return xp.hypot(a, b)


def _hypot_backward(ctx, g):
    a, b = ctx.saved_tensors
    length = hypot(a, b)
    return g * a / length, g * b / length


hypot = pair("hypot", "the hypotenuse √(input² + other²)", _hypot, _hypot_backward)

# ---- signs and neighbours ----------------------------------------------------------------------------------------


def _copysign(xp, a, b):
    require_kind("copysign_cpu", a)
    return xp.copysign(a, b)


def _copysign_backward(ctx, g):
    a, b = ctx.saved_tensors
    flipped = (copysign(a, b) / a).masked_fill(a == 0, 0)
    return g * flipped, (g * 0 if ctx.needs_input_grad[1] else None)


copysign = pair(
    "copysign", "the size of `input` with the sign of `other`", _copysign, _copysign_backward, dtype=FLOAT, numbers=True
)


def _nextafter(xp, a, b):
    require_kind("nextafter_cpu", a)
    return xp.nextafter(a, b)


def _nextafter_backward(ctx, g):
    a, b = ctx.saved_tensors
    return g.masked_fill(a == b, 0), g * 0


nextafter = pair(
    "nextafter",
    "the floating-point number next to `input` in the direction of `other`",
    _nextafter,
    _nextafter_backward,
)


@op(inplace=True)
class heaviside:
    """heaviside(input, values, *, out=None) -> Tensor: 0 below zero, `values` at zero, 1 above.

    RuntimeError for two dtypes and for complex tensors.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.heaviside.html
    """

    def arguments(input, values):
        require_tensors("heaviside", input=input, values=values)
        if input.is_complex() or values.is_complex():
            raise RuntimeError("heaviside is not yet implemented for complex tensors.")
        if input.dtype is not values.dtype:
            raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
        return (input, values), {}

    def forward(xp, a, values):
        return select(xp, a == 0, values, (a > 0).astype(a.dtype))


@op(inplace=True)
class ldexp:
    """ldexp(input, other, *, out=None) -> Tensor: `input * 2 ** other`; integers give floats.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.ldexp.html
    """

    def arguments(input, other):
        require_tensors("ldexp", input=input, other=other)
        power = pow(2.0, other)
        whole = other.dtype.category < dtypes.FLOAT <= input.dtype.category
        dtype = input.dtype if whole else result_dtype(input, power)
        return (input.to(dtype), other), {"power": power.to(dtype)}

    def forward(xp, a, b, *, power):
        return xp.multiply(a, power._array)

    def save(ctx, out, a, b, *, power):
        ctx.save_for_backward(a if ctx.needs_input_grad[1] else None, b)
        ctx.inputs = ((a._array.shape, a._array.dtype), (b._array.shape, b._array.dtype))

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        power = pow(2.0, b)
        grad_other = g * (a * power).conj() * math.log(2) if ctx.needs_input_grad[1] else None
        return g * power.conj(), grad_other


@op(method=False, namespace=None, node="Frexp")
class _frexp:
    """Mantissa and exponent."""

    def forward(xp, a):
        mantissa, exponent = xp.frexp(wide(a))
        return narrow(mantissa, a.dtype), exponent.astype("int32")

    def save(ctx, outs, a):
        ctx.save_for_backward(outs[1])

    def backward(ctx, g, _):
        (exponent,) = ctx.saved_tensors
        return g / exponent.exp2()


@function(method=True, out=True)
def frexp(input):
    """frexp(input, *, out=None) -> (mantissa, exponent)

    With `input = mantissa * 2 ** exponent`, 0.5 <= |mantissa| < 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.frexp.html
    """
    require_tensors("frexp", input=input)
    if not input.is_floating_point():
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return return_types.frexp(_frexp(input))


# ---- the larger and the smaller, NaN ignored ---------------------------------------------------------------------


def _ignoring_nan(name: str, comparison: str, word: str):
    def forward(xp, a, b):
        if a.dtype.kind == "c":
            raise RuntimeError(f"{name} not implemented for complex tensors.")
        return getattr(xp, name)(a, b)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        first = getattr(a, comparison)(b) | (b != b)
        return g.masked_fill(~first, 0), g.masked_fill(first, 0)

    return pair(name, f"the {word} of two elements; of a number and NaN, the number", forward, backward)


fmax = _ignoring_nan("fmax", "ge", "larger")
fmin = _ignoring_nan("fmin", "le", "smaller")

# ---- logarithms --------------------------------------------------------------------------------------------------


def _log_of_sum(name: str, base: float, text: str):
    """log(bᵃ + bᵇ) = max + log(1 + b^-|a - b|): it does not overflow where bᵃ would."""

    def forward(xp, a, b):
        require_kind(f"{name}_cpu", a, "fVc" if base == math.e else "fV")
        if a.dtype.kind == "c":
            return _complex_log_of_sum(xp, a, b)
        return narrow(getattr(xp, name)(wide(a), wide(b)), a.dtype)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        power = (lambda d: d.exp()) if base == math.e else (lambda d: d.exp2())
        return g / (1 + power(b - a)).conj(), g / (1 + power(a - b)).conj()

    return pair(name, text, forward, backward)


def _complex_log_of_sum(xp, a, b):
    larger = xp.where(a.real >= b.real, a, b)
    smaller = xp.where(a.real >= b.real, b, a)
    made = larger + xp.log1p(xp.exp(smaller - larger))
    return xp.where((larger.real == smaller.real) & xp.isinf(a.real) & (a.real < 0), smaller, made).astype(a.dtype)


logaddexp = _log_of_sum("logaddexp", math.e, "`log(exp(input) + exp(other))` without overflow")
logaddexp2 = _log_of_sum("logaddexp2", 2, "`log2(2 ** input + 2 ** other)` without overflow")


def _times_log(name: str, log: str, pole: int, namespace: str):
    """xlogy and xlog1py: input · log(other), and 0 wherever input is 0, whatever the logarithm is there."""

    def forward(xp, a, b):
        require_kind(f"{name}_cpu", a)
        made = a * getattr(xp, log)(b)
        return select(xp, b != b, b, select(xp, a == 0, a.dtype.type(0), made))

    def save(ctx, out, a, b):
        ctx.save_for_backward(a, b)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        first = second = None
        if ctx.needs_input_grad[0]:
            b_tensor = b if isinstance(b, Tensor) else g.new_tensor(b)
            first = made(g, b).masked_fill((a == 0) & (b_tensor <= pole), 0)
        if ctx.needs_input_grad[1]:
            second = g * a / (b - pole)
        return first, second

    document = f"""{name}(input, other, *, out=None) -> Tensor: `input * {log}(other)`, 0 where `input` is 0.

    Source: https://docs.pytorch.org/docs/stable/special.html#torch.special.{name}
    """
    members = {"forward": forward, "save": save, "backward": backward, "__doc__": document, "__module__": __name__}
    in_torch = namespace == "torch"
    node = None if in_torch else "Special" + name.capitalize()
    made = op(inplace=in_torch, dtype=FLOAT, method=in_torch, namespace=namespace, node=node)(type(name, (), members))
    return made


xlogy = _times_log("xlogy", "log", 0, "torch")
xlog1py = _times_log("xlog1py", "log1p", -1, "special")

# ---- divisors, powers --------------------------------------------------------------------------------------------


def _of_integers(name: str, text: str):
    def forward(xp, a, b):
        require_kind(f"{name}_cpu", a, "iu")
        return getattr(xp, name)(a, b)

    return pair(name, text, forward)


gcd = _of_integers("gcd", "the greatest common divisor, never negative")
lcm = _of_integers("lcm", "the least common multiple, never negative")


def _float_power(input, exponent, wanted):
    lift = lambda v: v.to(wanted) if isinstance(v, Tensor) else complex(v) if wanted.is_complex else float(v)
    return pow(lift(input), lift(exponent))


def _power_dtype(input, exponent) -> dtypes.dtype:
    return dtypes.complex128 if result_dtype(input, exponent).is_complex else dtypes.float64


@function(method=True, out=True)
def float_power(input, exponent):
    """float_power(input, exponent, *, out=None) -> Tensor: `input ** exponent` in float64 (or complex128).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.float_power.html
    """
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        require_tensors("float_power", input=input)
    return _float_power(input, exponent, _power_dtype(input, exponent))


def _float_power_(self, exponent):
    """In-place version of `float_power`; RuntimeError unless this tensor is float64 (or complex128)."""
    wanted = _power_dtype(self, exponent)
    if self.dtype is not wanted:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {dtypes.legacy_name(self.dtype)} but the operation's result "
            "requires "
            f"dtype {dtypes.legacy_name(wanted)}"
        )
    return self.pow_(exponent.to(wanted) if isinstance(exponent, Tensor) else exponent)


Tensor.float_power_ = _float_power_


@function()
def rsub(input, other, *, alpha=1):
    """rsub(input, other, *, alpha=1) -> Tensor: `other - alpha * input`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sub.html
    """
    require_tensors("rsub", input=input)
    if dtypes.bool in (input.dtype, dtypes.of_number(other) if not isinstance(other, Tensor) else other.dtype):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a "
            "mask, use the "
            "`~` or `logical_not()` operator instead."
        )
    return sub(other, input, alpha=alpha)
