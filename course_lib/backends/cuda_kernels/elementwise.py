"""Elementwise functions and their gradients, one launch each; activations with a bias in front, too.

Operands broadcast and may lie in memory as they like. The result lies as they do where they all lie alike, and is
contiguous otherwise. What is too scattered for the kernels (more than three different steps) gives None.
"""

from __future__ import annotations

import math

import numpy as np

from ..kernels.loading import BLOCK, LETTERS, MOST, blocks_for, launch
from ._layout import alike, apart, steps_of
from ._new import like


def activation(name: str, x, *constants, out=None):
    """The activation `name` of activations.cuh with its constants; `out` may be x itself."""
    return _each("ACTIVATION", name, "forward", (x,), constants, out)


def activation_backward(name: str, g, x, *constants):
    """g · the slope of the activation at x (for sigmoid and hyperbolic: where the result is x)."""
    return _each("ACTIVATION", name, "backward", (g, x), constants, None)


def combined(name: str, *operands, constants=(), out=None):
    """A function of two or three operands: add_product, add_quotient, between, … of elementwise.cu."""
    return _each(f"OPERATION_{len(operands)}", name, "forward", operands, constants, out)


def gated_backward(g, x, inner: int):
    """The gradient by x of its first halves times the sigmoid of the second, which lie `inner` elements behind."""
    out = like(x)
    launch("elementwise", "gated_backward", x, blocks_for(g.size), (BLOCK,), g, x, out, inner, g.size,
           FUNCTIONS="GATE(gated)")  # fmt: skip
    return out


def add_product(x, y, z, factor: float):
    """x + factor · y · z."""
    return combined("add_product", x, y, z, constants=(factor,))


def takes(*operands) -> bool:
    """Whether these are operands of one of the kernels' dtypes, not empty and not too large."""
    dtype = operands[0].dtype
    return dtype.char in LETTERS and all(a.dtype == dtype and 0 < a.size <= MOST for a in operands)


for _function in (activation, activation_backward, combined):
    _function.takes = takes


def _each(kind: str, name: str, way: str, operands, constants, out):
    """Launch `name`_`way`, or its twin for operands that lie apart. Of the file only this function is compiled."""
    constants = [float(c) for c in constants]
    only = {"FUNCTIONS": f"{kind}({name},{len(constants)})"}
    order = alike(operands if out is None else (*operands, out))
    if order == ():
        target = like(operands[0]) if out is None else out
        launch("elementwise", f"{name}_{way}", target, blocks_for(-(-target.size // 4)), (BLOCK,), *operands, target,
               *constants, target.size, **only)  # fmt: skip
        return target
    if order is not None:  # the same with views whose last dimension is the narrowest in memory
        turned = {id(a): a.transpose(order) for a in (*operands, out) if a is not None}
        made = _each(kind, name, way, [turned[id(a)] for a in operands], constants, turned.get(id(out)))
        return made.transpose(sorted(range(len(order)), key=order.__getitem__)) if out is None else out
    if out is not None:  # it may be an operand, of which a thread must not write what another one has yet to read
        return None
    shape = np.broadcast_shapes(*[a.shape for a in operands])
    layout = apart(shape, tuple([steps_of(a) for a in operands])) if math.prod(shape) <= MOST else None
    if layout is None:
        return None
    target = like(operands[0], shape)
    launch("elementwise", f"{name}_{way}_apart", target, blocks_for(target.size), (BLOCK,), *operands, target,
           *constants, layout, target.size, **only)  # fmt: skip
    return target


def bias_rows(bias, out):
    """In place: every row of out becomes the bias."""
    _with_bias("bias_rows", out, bias, out)
    return out


def bias_activation(name: str, x, bias, out=None):
    """relu, gelu, gelu_tanh or silu of x + bias, the bias belonging to the last dimension; `out` may be x itself."""
    out = like(x) if out is None else out
    _with_bias(f"bias_{name}_forward", out, x, bias, out)
    return out


def bias_activation_backward(name: str, g, x, bias):
    """The gradient by x; the bias's is its sum over rows (`sum_columns`)."""
    out = like(x)
    _with_bias(f"bias_{name}_backward", out, g, x, bias, out)
    return out


def _with_bias(name: str, out, *arrays) -> None:
    packs = -(-out.nbytes // 16)  # a thread moves 16 bytes at once
    launch("bias_activation", name, out, blocks_for(packs), (BLOCK,), *arrays, out.size, out.shape[-1])
