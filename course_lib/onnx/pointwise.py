"""ONNX for elementwise operations: arithmetic, comparisons, activations, casts."""

from __future__ import annotations

import math

import numpy as np

from .. import dtypes
from .builder import Builder, Ref, handles

_SAME = {"abs": "Abs", "absolute": "Abs", "neg": "Neg", "negative": "Neg", "exp": "Exp", "log": "Log", "sqrt": "Sqrt",
         "sin": "Sin", "cos": "Cos", "tan": "Tan", "asin": "Asin", "acos": "Acos", "atan": "Atan", "sinh": "Sinh",
         "cosh": "Cosh", "tanh": "Tanh", "asinh": "Asinh", "acosh": "Acosh", "atanh": "Atanh", "sigmoid": "Sigmoid",
         "erf": "Erf", "ceil": "Ceil", "floor": "Floor", "sign": "Sign", "sgn": "Sign", "reciprocal": "Reciprocal",
         "softsign": "Softsign", "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan",
         "special.expit": "Sigmoid", "special.erf": "Erf"}  # fmt: skip
_TESTS = {"isnan": "IsNaN", "isinf": "IsInf"}
_BINARY = {"mul": "Mul", "multiply": "Mul", "maximum": "Max", "minimum": "Min", "fmax": "Max", "fmin": "Min"}
_COMPARISONS = {"eq": "Equal", "lt": "Less", "less": "Less", "le": "LessOrEqual", "less_equal": "LessOrEqual",
                "gt": "Greater", "greater": "Greater", "ge": "GreaterOrEqual",
                "greater_equal": "GreaterOrEqual"}  # fmt: skip
_LOGIC = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}
_BITS = {"bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor"}


def _register_tables() -> None:
    for name, kind in _SAME.items():
        handles(name)(lambda g, input, kind=kind: g.op(kind, g.cast(input, g.out.dtype)))
    for name, kind in _TESTS.items():
        handles(name)(lambda g, input, kind=kind: g.op(kind, input))
    for name, kind in _BINARY.items():
        handles(name)(lambda g, a, b, kind=kind: g.op(kind, *_both(g, a, b)))
    for name, kind in _COMPARISONS.items():
        handles(name)(lambda g, a, b, kind=kind: g.op(kind, *g.pair(a, b)))
    for name, kind in _LOGIC.items():
        handles(name)(lambda g, a, b, kind=kind: g.op(kind, *[g.cast(x, dtypes.bool) for x in (a, b)]))
    for name, kind in _BITS.items():
        handles(name)(lambda g, a, b, kind=kind: _bitwise(g, kind, a, b))


def _both(g: Builder, a, b) -> tuple[str, str]:
    """Both operands in the result's dtype."""
    return g.cast(a, g.out.dtype), g.cast(b, g.out.dtype)


def _bitwise(g: Builder, kind: str, a, b) -> str:
    if g.out.dtype is dtypes.bool:
        return g.op(kind, *_both(g, a, b))
    return g.op(f"Bitwise{kind}", *_both(g, a, b))


_register_tables()


def number(g: Builder, value, like: Ref) -> str:
    """A Python number as a constant of `like`'s dtype."""
    return g.cast(value, like.dtype)


# ---- arithmetic ----------------------------------------------------------------------------------------------------


@handles("add")
def _add(g, a, b, *, alpha=1):
    a, b = _both(g, a, b)
    return g.op("Add", a, b if alpha == 1 else g.op("Mul", b, g.cast(alpha, g.out.dtype)))


@handles("sub", "subtract")
def _sub(g, a, b, *, alpha=1):
    a, b = _both(g, a, b)
    return g.op("Sub", a, b if alpha == 1 else g.op("Mul", b, g.cast(alpha, g.out.dtype)))


@handles("rsub")
def _rsub(g, a, b, *, alpha=1):
    return _sub(g, b, a, alpha=alpha)


@handles("true_divide", "div", "divide")
def _div(g, a, b, *, rounding_mode=None):
    a, b = _both(g, a, b)
    quotient = g.op("Div", a, b)
    if rounding_mode is None or (rounding_mode == "trunc" and not g.out.dtype.is_floating_point):
        return quotient
    if not g.out.dtype.is_floating_point:
        return _floored(g, a, b)
    return g.op("Floor", quotient) if rounding_mode == "floor" else _trunc_name(g, quotient)


@handles("floor_divide")
def _floor_divide(g, a, b):
    return _div(g, a, b, rounding_mode="floor")


def _floored(g: Builder, a: str, b: str) -> str:
    """The quotient of integers rounded down; ONNX rounds towards zero."""
    return g.op("Div", g.op("Sub", a, g.op("Mod", a, b)), b)


@handles("remainder")
def _remainder(g, a, b):
    a, b = _both(g, a, b)
    if not g.out.dtype.is_floating_point:
        return g.op("Mod", a, b)
    return g.op("Sub", a, g.op("Mul", b, g.op("Floor", g.op("Div", a, b))))


@handles("fmod")
def _fmod(g, a, b):
    return g.op("Mod", *_both(g, a, b), fmod=1)


@handles("pow", "float_power")
def _pow(g, a, b):
    return g.op("Pow", *_both(g, a, b))


@handles("square")
def _square(g, input):
    return g.op("Mul", input, input)


@handles("rsqrt")
def _rsqrt(g, input):
    return g.op("Reciprocal", g.op("Sqrt", g.cast(input, g.out.dtype)))


@handles("log2")
def _log2(g, input):
    return g.op("Div", g.op("Log", input), number(g, math.log(2), input))


@handles("log10")
def _log10(g, input):
    return g.op("Div", g.op("Log", input), number(g, math.log(10), input))


@handles("log1p")
def _log1p(g, input):
    return g.op("Log", g.op("Add", input, number(g, 1, input)))


@handles("expm1")
def _expm1(g, input):
    return g.op("Sub", g.op("Exp", input), number(g, 1, input))


@handles("exp2")
def _exp2(g, input):
    return g.op("Pow", number(g, 2, input), input)


@handles("trunc", "fix")
def _trunc(g, input):
    return _trunc_name(g, input)


def _trunc_name(g: Builder, x) -> str:
    return g.op("Mul", g.op("Sign", x), g.op("Floor", g.op("Abs", x)))


@handles("frac")
def _frac(g, input):
    return g.op("Sub", input, _trunc_name(g, input))


@handles("round")
def _round(g, input, *, decimals=0):
    if not decimals:
        return g.op("Round", input)
    scale = number(g, 10.0**decimals, input)
    return g.op("Div", g.op("Round", g.op("Mul", input, scale)), scale)


@handles("clamp", "clip")
def _clamp(g, input, min=None, max=None):
    x = g.cast(input, g.out.dtype)
    if min is not None:
        x = g.op("Max", x, g.cast(min, g.out.dtype))
    return x if max is None else g.op("Min", x, g.cast(max, g.out.dtype))


@handles("clamp_min")
def _clamp_min(g, input, min):
    return _clamp(g, input, min)


@handles("clamp_max")
def _clamp_max(g, input, max):
    return _clamp(g, input, None, max)


@handles("lerp")
def _lerp(g, input, end, weight):
    return g.op("Add", input, g.op("Mul", g.cast(weight, input.dtype), g.op("Sub", end, input)))


@handles("addcmul")
def _addcmul(g, input, a, b, *, value=1):
    return g.op("Add", input, g.op("Mul", number(g, value, input), g.op("Mul", a, b)))


@handles("addcdiv")
def _addcdiv(g, input, a, b, *, value=1):
    return g.op("Add", input, g.op("Mul", number(g, value, input), g.op("Div", a, b)))


@handles("deg2rad")
def _deg2rad(g, input):
    return g.op("Mul", g.cast(input, g.out.dtype), g.constant(math.pi / 180, g.out.dtype))


@handles("rad2deg")
def _rad2deg(g, input):
    return g.op("Mul", g.cast(input, g.out.dtype), g.constant(180 / math.pi, g.out.dtype))


@handles("atan2", "arctan2")
def _atan2(g, input, other):
    """The angle of the quotient, half a turn further on the left side; up and down where the quotient is none."""
    y, x = _both(g, input, other)
    zero, turn = g.constant(0.0, g.out.dtype), g.constant(math.pi, g.out.dtype)
    further = g.op("Where", g.op("Less", y, zero), g.op("Neg", turn), turn)
    on_axis = g.op("Mul", g.op("Sign", y), g.constant(math.pi / 2, g.out.dtype))
    angle = g.op("Atan", g.op("Div", y, x))
    angle = g.op("Where", g.op("Less", x, zero), g.op("Add", angle, further), angle)
    return g.op("Where", g.op("Equal", x, zero), on_axis, angle)


@handles("erfc", "special.erfc")
def _erfc(g, input):
    return g.op("Sub", number(g, 1, input), g.op("Erf", input))


@handles("special.ndtr")
def _ndtr(g, input):
    half = number(g, 0.5, input)
    return g.op(
        "Mul", half, g.op("Add", number(g, 1, input), g.op("Erf", g.op("Mul", input, number(g, 0.5**0.5, input))))
    )


@handles("logit", "special.logit")
def _logit(g, input, eps=None):
    p = input.name if eps is None else g.op("Clip", input, number(g, eps, input), number(g, 1 - eps, input))
    return g.op("Log", g.op("Div", p, g.op("Sub", number(g, 1, input), p)))


@handles("logaddexp")
def _logaddexp(g, input, other):
    a, b = _both(g, input, other)
    away = g.op("Sub", a, b)
    smaller = g.op("Exp", g.op("Neg", g.op("Abs", away)))
    total = g.op("Add", g.op("Max", a, b), g.op("Log", g.op("Add", smaller, g.constant(1.0, g.out.dtype))))
    return g.op("Where", g.op("IsNaN", away), g.op("Add", a, b), total)  # two infinities of one sign


@handles("xlogy", "special.xlogy")
def _xlogy(g, input, other):
    x, y = _both(g, input, other)
    zero = g.constant(0.0, g.out.dtype)
    nothing = g.op("And", g.op("Equal", x, zero), g.op("Not", g.op("IsNaN", y)))
    return g.op("Where", nothing, zero, g.op("Mul", x, g.op("Log", y)))


@handles("hypot")
def _hypot(g, input, other):
    a, b = _both(g, input, other)
    return g.op("Sqrt", g.op("Add", g.op("Mul", a, a), g.op("Mul", b, b)))


@handles("nan_to_num")
def _nan_to_num(g, input, nan=0.0, posinf=None, neginf=None):
    largest = float(np.finfo(input.dtype.numpy).max)
    highest, lowest = largest if posinf is None else posinf, -largest if neginf is None else neginf
    x = g.op("Where", g.op("IsNaN", input), number(g, nan or 0.0, input), input)
    x = g.op("Where", g.op("Equal", x, number(g, math.inf, input)), number(g, highest, input), x)
    return g.op("Where", g.op("Equal", x, number(g, -math.inf, input)), number(g, lowest, input), x)


# ---- truth ---------------------------------------------------------------------------------------------------------


@handles("ne", "not_equal")
def _ne(g, a, b):
    return g.op("Not", g.op("Equal", *g.pair(a, b)))


@handles("logical_not")
def _logical_not(g, input):
    return g.op("Not", g.cast(input, dtypes.bool))


@handles("bitwise_not")
def _bitwise_not(g, input):
    return g.op("Not" if input.dtype is dtypes.bool else "BitwiseNot", input)


@handles("isfinite")
def _isfinite(g, input):
    return g.op("Not", g.op("Or", g.op("IsNaN", input), g.op("IsInf", input)))


@handles("where")
def _where(g, condition, input=None, other=None):
    if input is None:
        g.refuse("torch.where with one argument gives a number of tensors that depends on the input")
    return g.op("Where", g.cast(condition, dtypes.bool), g.cast(input, g.out.dtype), g.cast(other, g.out.dtype))


@handles("isposinf")
def _isposinf(g, input):
    return g.op("IsInf", input, detect_negative=0)


@handles("isneginf")
def _isneginf(g, input):
    return g.op("IsInf", input, detect_positive=0)


@handles("masked_fill")
def _masked_fill(g, input, mask, value):
    return g.op("Where", g.cast(mask, dtypes.bool), g.cast(value, input.dtype), input)


# ---- the same numbers ----------------------------------------------------------------------------------------------


@handles("to", "type", "type_as", "float", "double", "half", "bfloat16", "long", "int", "short", "char", "byte", "bool",
         "cpu", "cuda")  # fmt: skip
def _cast(g, input, *args, **kwargs):
    return g.cast(input, g.out.dtype)


@handles("clone", "contiguous", "detach", "data", "positive", "resolve_conj", "alias_copy", "requires_grad_")
def _identity(g, input, *args, **kwargs):
    return input.name
