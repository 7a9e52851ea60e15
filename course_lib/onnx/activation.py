"""ONNX for activations, softmax and dropout."""

from __future__ import annotations

import math

import numpy as np

from .builder import Builder, Ref, handles
from .pointwise import number


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
    if input.ndim == 0:
        return g.op("Where", g.op("Less", input, number(g, 0, input)), g.op("Mul", input, g.reshape(weight, [])), input)
    slope = weight.name
    if weight.shape != () and weight.shape[0] != 1 and input.ndim > 2:
        slope = g.reshape(slope, [-1, *[1] * (input.ndim - 2)])
    return g.op("PRelu", input, slope)


@handles("glu")
def _glu(g, input, dim=-1):
    half = input.shape[dim] // 2
    a, b = g.op("Split", input, g.constant([half, half]), outputs=2, axis=dim)
    return g.op("Mul", a, g.op("Sigmoid", b))


def _normalized(g: Builder, kind: str, x: str, input: Ref, dim) -> str:
    if input.ndim == 0:
        return g.squeeze(g.op(kind, g.unsqueeze(x, 0), axis=0), 0)
    return g.op(kind, x, axis=dim if dim is not None else (0 if input.ndim in (1, 3) else 1))


@handles("softmax")
def _softmax(g, input, dim=None, _stacklevel=3, dtype=None):
    return _normalized(g, "Softmax", g.cast(input, g.out.dtype), input, dim)


@handles("log_softmax")
def _log_softmax(g, input, dim=None, _stacklevel=3, dtype=None):
    return _normalized(g, "LogSoftmax", g.cast(input, g.out.dtype), input, dim)


@handles("softmin")
def _softmin(g, input, dim=None, _stacklevel=3, dtype=None):
    return _normalized(g, "Softmax", g.op("Neg", g.cast(input, g.out.dtype)), input, dim)


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
