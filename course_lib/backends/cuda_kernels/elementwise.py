"""Activations and their gradients, one launch each; with a bias in front, too."""

from __future__ import annotations

from ..kernels.loading import BLOCK, blocks_for, launch
from ._new import like


def activation(name: str, x):
    """relu, gelu, gelu_tanh, silu, sigmoid or hyperbolic (tanh) of every element."""
    out = like(x)
    launch("elementwise", f"{name}_forward", x, blocks_for(x.size), (BLOCK,), x, out, x.size)
    return out


def activation_backward(name: str, g, x):
    """g · the slope of the activation at x."""
    out = like(x)
    launch("elementwise", f"{name}_backward", x, blocks_for(x.size), (BLOCK,), g, x, out, x.size)
    return out


def add_product(x, y, z, factor: float):
    """x + factor · y · z."""
    out = like(x)
    launch("elementwise", "add_product", x, blocks_for(x.size), (BLOCK,), x, y, z, out, float(factor), x.size)
    return out


def bias_activation(name: str, x, bias):
    """relu, gelu, gelu_tanh or silu of x + bias, the bias belonging to the last dimension."""
    out = like(x)
    launch("bias_activation", f"bias_{name}_forward", x, blocks_for(x.size), (BLOCK,), x, bias, out, x.size, bias.size)
    return out


def bias_activation_backward(name: str, g, x, bias):
    """The gradient by x; the bias's is its sum over rows (`sum_columns`)."""
    out = like(x)
    launch("bias_activation", f"bias_{name}_backward", x, blocks_for(x.size), (BLOCK,), g, x, bias, out, x.size,
           bias.size)  # fmt: skip
    return out
