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


@handles("masked_fill")
def _masked_fill(g, input, mask, value):
    return g.op("Where", g.cast(mask, dtypes.bool), g.cast(value, input.dtype), input)


# ---- activations ---------------------------------------------------------------------------------------------------


@handles("relu")
def _relu(g, input, inplace=False):
    return g.op("Relu", input)


@handles("relu6")
def _relu6(g, input, inplace=False):
    return g.op("Clip", input, number(g, 0, input), number(g, 6, input))


@handles("hardtanh")
def _hardtanh(g, input, min_val=-1.0, max_val=1.0, inplace=False):
    return g.op("Clip", input, number(g, min_val, input), number(g, max_val, input))


@handles("leaky_relu")
def _leaky_relu(g, input, negative_slope=0.01, inplace=False):
    return g.op("LeakyRelu", input, alpha=float(negative_slope))


@handles("elu")
def _elu(g, input, alpha=1.0, inplace=False):
    return g.op("Elu", input, alpha=float(alpha))


@handles("celu")
def _celu(g, input, alpha=1.0, inplace=False):
    return g.op("Celu", input, alpha=float(alpha))


@handles("selu")
def _selu(g, input, inplace=False):
    return g.op("Selu", input, alpha=1.6732632423543772, gamma=1.0507009873554805)


@handles("gelu")
def _gelu(g, input, approximate="none", **unused):
    if g.opset >= 20:
        return g.op("Gelu", input, approximate=approximate)
    half = g.op("Mul", input, number(g, 0.5, input))
    if approximate == "tanh":
        cube = g.op("Mul", g.op("Mul", input, input), g.op("Mul", input, number(g, 0.044715, input)))
        inner = g.op("Tanh", g.op("Mul", g.op("Add", input, cube), number(g, math.sqrt(2 / math.pi), input)))
    else:
        inner = g.op("Erf", g.op("Mul", input, number(g, math.sqrt(0.5), input)))
    return g.op("Mul", half, g.op("Add", inner, number(g, 1, input)))


@handles("silu")
def _silu(g, input, inplace=False):
    return g.op("Mul", input, g.op("Sigmoid", input))


@handles("mish")
def _mish(g, input, inplace=False):
    return g.op("Mul", input, g.op("Tanh", g.op("Softplus", input)))


@handles("softplus")
def _softplus(g, input, beta=1.0, threshold=20.0):
    if beta == 1:
        return g.op("Softplus", input)
    scaled = g.op("Mul", input, number(g, beta, input))
    soft = g.op("Div", g.op("Softplus", scaled), number(g, beta, input))
    return g.op("Where", g.op("Greater", scaled, number(g, threshold, input)), input, soft)


@handles("logsigmoid")
def _logsigmoid(g, input):
    return g.op("Neg", g.op("Softplus", g.op("Neg", input)))


@handles("hardsigmoid")
def _hardsigmoid(g, input, inplace=False):
    return g.op("HardSigmoid", input, alpha=1 / 6, beta=0.5)


@handles("hardswish")
def _hardswish(g, input, inplace=False):
    return g.op("Mul", input, _hardsigmoid(g, input))


@handles("hardshrink")
def _hardshrink(g, input, lambd=0.5):
    inside = g.op("LessOrEqual", g.op("Abs", input), number(g, lambd, input))
    return g.op("Where", inside, number(g, 0, input), input)


@handles("softshrink")
def _softshrink(g, input, lambd=0.5):
    return g.op("Shrink", input, lambd=float(lambd), bias=float(lambd))


@handles("tanhshrink")
def _tanhshrink(g, input):
    return g.op("Sub", input, g.op("Tanh", input))


@handles("threshold")
def _threshold(g, input, threshold, value, inplace=False):
    return g.op("Where", g.op("Greater", input, number(g, threshold, input)), input, number(g, value, input))


@handles("rrelu")
def _rrelu(g, input, lower=1 / 8, upper=1 / 3, training=False, inplace=False):
    if training:
        g.refuse("rrelu in training mode draws random slopes, which ONNX has no operator for")
    return g.op("LeakyRelu", input, alpha=(lower + upper) / 2)


@handles("prelu")
def _prelu(g, input, weight):
    slope = weight.name
    if weight.shape != () and weight.shape[0] != 1 and input.ndim > 2:
        slope = g.reshape(slope, [-1, *[1] * (input.ndim - 2)])
    return g.op("PRelu", input, slope)


@handles("glu")
def _glu(g, input, dim=-1):
    half = input.shape[dim] // 2
    a, b = g.op("Split", input, g.constant([half, half]), outputs=2, axis=dim)
    return g.op("Mul", a, g.op("Sigmoid", b))


@handles("softmax")
def _softmax(g, input, dim=None, _stacklevel=3, dtype=None):
    return g.op("Softmax", g.cast(input, g.out.dtype), axis=_softmax_dim(input, dim))


@handles("log_softmax")
def _log_softmax(g, input, dim=None, _stacklevel=3, dtype=None):
    return g.op("LogSoftmax", g.cast(input, g.out.dtype), axis=_softmax_dim(input, dim))


@handles("softmin")
def _softmin(g, input, dim=None, _stacklevel=3, dtype=None):
    return g.op("Softmax", g.op("Neg", input), axis=_softmax_dim(input, dim))


def _softmax_dim(input: Ref, dim) -> int:
    return dim if dim is not None else (0 if input.ndim in (0, 1, 3) else 1)


# ---- the same numbers ----------------------------------------------------------------------------------------------


@handles("to", "type", "type_as", "float", "double", "half", "bfloat16", "long", "int", "short", "char", "byte", "bool",
         "cpu", "cuda")  # fmt: skip
def _cast(g, input, *args, **kwargs):
    return g.cast(input, g.out.dtype)


@handles("clone", "contiguous", "detach", "data", "positive", "resolve_conj", "alias_copy", "requires_grad_")
def _identity(g, input, *args, **kwargs):
    return input.name


@handles("dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout")
def _dropout(g, input, p=0.5, training=True, inplace=False):
    if not training or p == 0:
        return input.name
    if g.out.name.split("_")[0] != "dropout":
        g.refuse("dropout of whole channels in training mode has no ONNX operator")
    return g.op("Dropout", input, np.float32(p), np.asarray(True))


@handles("alpha_dropout", "feature_alpha_dropout")
def _alpha_dropout(g, input, p=0.5, training=False, inplace=False):
    if training and p:
        g.refuse("alpha dropout in training mode has no ONNX operator")
    return input.name
