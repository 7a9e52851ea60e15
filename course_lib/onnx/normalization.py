"""ONNX for normalizations."""

from __future__ import annotations

import numpy as np

from .builder import Builder, Ref, handles
from .pointwise import number


def _along_channels(g: Builder, x, weight: Ref | None, bias: Ref | None, ndim: int) -> str:
    """Scale and shift each channel (dimension 1)."""
    sizes = [-1, *[1] * (ndim - 2)]
    if weight is not None:
        x = g.op("Mul", x, g.reshape(weight, sizes))
    return x if bias is None else g.op("Add", x, g.reshape(bias, sizes))


def _standardized(g: Builder, x, dims: list[int], eps: float, like: Ref) -> str:
    away = g.op("Sub", x, g.reduce("ReduceMean", x, dims, True))
    variance = g.reduce("ReduceMean", g.op("Mul", away, away), dims, True)
    return g.op("Div", away, g.op("Sqrt", g.op("Add", variance, number(g, eps, like))))


@handles("batch_norm")
def _batch_norm(g, input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5,
                cudnn_enabled=True):  # fmt: skip
    if training or running_mean is None:
        dims = [0, *range(2, input.ndim)]
        return _along_channels(g, _standardized(g, input, dims, eps, input), weight, bias, input.ndim)
    channels = input.shape[1]
    ones = g.constant(np.ones(channels, input.dtype.numpy)) if weight is None else weight
    zeros = g.constant(np.zeros(channels, input.dtype.numpy)) if bias is None else bias
    return g.op("BatchNormalization", input, ones, zeros, running_mean, running_var, epsilon=float(eps))


@handles("instance_norm")
def _instance_norm(g, input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True,
                   momentum=0.1, eps=1e-5):  # fmt: skip
    if not use_input_stats:
        return _batch_norm(g, input, running_mean, running_var, weight, bias, False, momentum, eps)
    normal = _standardized(g, input, list(range(2, input.ndim)), eps, input)
    return _along_channels(g, normal, weight, bias, input.ndim)


@handles("group_norm")
def _group_norm(g, input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
    groups = g.reshape(input, [0, num_groups, -1])
    normal = g.op("Reshape", _standardized(g, groups, [2], eps, input), g.shape_of(input))
    return _along_channels(g, normal, weight, bias, input.ndim)


@handles("layer_norm")
def _layer_norm(g, input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    sizes = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    first = input.ndim - len(sizes)
    if g.opset >= 17:
        scale = g.constant(np.ones(sizes, input.dtype.numpy)) if weight is None else weight
        return g.op("LayerNormalization", input, scale, bias, axis=first, epsilon=float(eps))
    x = _standardized(g, input, list(range(first, input.ndim)), eps, input)
    x = x if weight is None else g.op("Mul", x, weight)
    return x if bias is None else g.op("Add", x, bias)


@handles("rms_norm")
def _rms_norm(g, input, normalized_shape, weight=None, eps=None):
    sizes = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    dims = list(range(input.ndim - len(sizes), input.ndim))
    eps = float(np.finfo(input.dtype.numpy).eps) if eps is None else eps
    power = g.reduce("ReduceMean", g.op("Mul", input, input), dims, True)
    x = g.op("Div", input, g.op("Sqrt", g.op("Add", power, number(g, eps, input))))
    return x if weight is None else g.op("Mul", x, weight)


@handles("local_response_norm")
def _local_response_norm(g, input, size, alpha=1e-4, beta=0.75, k=1.0):
    """Squares averaged over `size` neighbouring channels; ONNX's LRN centres even windows otherwise."""
    lead = [0, size // 2] + [0] * (input.ndim - 2)
    tail = [0, (size - 1) // 2] + [0] * (input.ndim - 2)
    padded = g.op("Pad", g.op("Mul", input, input), g.constant(lead + tail))
    count = input.shape[1]
    shifted = [g.op("Slice", padded, g.constant([i]), g.constant([i + count]), g.constant([1])) for i in range(size)]
    mean = g.op("Div", g.op("Sum", *shifted), number(g, size, input))
    scale = g.op("Add", g.op("Mul", mean, number(g, alpha, input)), number(g, k, input))
    return g.op("Div", input, g.op("Pow", scale, number(g, beta, input)))


@handles("normalize")
def _normalize(g, input, p=2.0, dim=1, eps=1e-12, out=None):
    length = g.op("Max", g.call("norm", input, p, dim, True), number(g, eps, input))
    return g.op("Div", input, length)
