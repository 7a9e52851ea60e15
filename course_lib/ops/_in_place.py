"""In-place ops: the method with a trailing underscore, for a declared op and for a composed function.

The numbers are written into the tensor's own memory, its version counts up, and its history continues with the op. What
the op needs of the old numbers is saved as a copy first.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from .. import dtypes
from ..autograd.grad_mode import GRAD
from ..autograd.inplace import check_inplace, check_overlap, rebase_history, refuse_partly_common_memory
from ..autograd.node import Node, SavedOutput, edge_of
from ..backends import GPU
from ..tensor import Tensor, wrap
from . import _arguments
from ._arguments import NUMBER, number_array, out_error
from ._call import FLOAT, PROMOTE
from ._device import run_forward
from ._record import inputs_to_fit


def in_place(cls):
    """The method with a trailing underscore: writes the result into the first operand."""
    forward, arguments = cls.forward, getattr(cls, "arguments", None)

    def run(arrays, settings):
        return run_forward(cls, arrays, settings)

    simple = cls.rule in (PROMOTE, FLOAT) and cls.operands == 2 and cls.takes_out
    by_element = cls.rule is not None or cls.name == "copy_from"

    def call_(input, *args, **named):
        if cls.check is not None:
            cls.check(input, *args[:1])
        if simple and len(args) == 1 and not named and _change_quietly(cls, input, args[0]):
            return input
        if arguments is not None:
            try:
                (_, *others), settings = arguments(input, *args, **named)
            except TypeError as error:
                (_, *others), settings = _arguments.retry(cls.name + "_", arguments, (input, *args), named, error)
            if simple and not settings and _change_quietly(cls, input, others[0]):
                return input
        elif cls.namespace is None:
            others, settings = args, named
        else:
            others, settings = _arguments.positional(cls, (input, *args), named)[1:], {}
        operands = (input, *others)
        recorded = GRAD.enabled and any(isinstance(t, Tensor) and t.requires_grad for t in operands)
        if recorded or (input._base is not None and GRAD.enabled and input._base.requires_grad):
            check_inplace(input)
        x = input._array
        if not cls.may_overlap:
            check_overlap(x)
        if by_element:
            for other in others:
                if isinstance(other, Tensor) and other._storage is input._storage and other is not input:
                    refuse_partly_common_memory(input, other)
        arrays = _arguments.in_place_arrays(cls, operands)
        node = _in_place_node(cls, operands, settings) if recorded else None
        if cls.wide_numbers and _arguments.is_half_with_number(x, operands[1]):
            z = _arguments.in_float32(forward, x, operands[1])
        else:
            z = _arguments.in_place_result(cls, run, x, arrays, settings, operands)
        if z is not x:
            x[...] = z
        input._storage.version += 1
        if node is not None:
            for position, (value, _) in enumerate(node.saved):
                if type(value) is SavedOutput:  # the result is what the tensor holds from now on
                    node.saved[position] = (value, input._storage.version)
            if GRAD.on_record is not None:
                GRAD.on_record(node)
            rebase_history(input, node)
        return input

    call_.__name__ = cls.name + "_"
    call_.__doc__ = f"In-place version of `{cls.name}`: writes the result into this tensor and returns it."
    return call_


def _change_quietly(cls, input, other) -> bool:
    """The common case of an in-place op, if it is one: nothing to record, nothing to promote or broadcast."""
    x = input._array
    if type(other) is Tensor:
        y, recorded = other._array, other._requires_grad or other._base is not None
        if y.shape != x.shape or (other._storage is input._storage and other is not input):
            return False
    elif isinstance(other, NUMBER):
        y, recorded = number_array(other, x), False
    else:
        return False
    if GRAD.enabled and (recorded or input._requires_grad or input._base is not None):
        return False
    if type(x) is ndarray is type(y):
        xp = np
    elif type(x) is GPU.array and GPU.alone and type(y) in GPU.direct:
        xp = GPU.module
    else:
        return False
    if y.dtype is not x.dtype or x.dtype.kind not in "fcV" or 0 in x.strides:
        return False
    if cls.wide_numbers and _arguments.is_half_with_number(x, other):
        x[...] = _arguments.in_float32(cls.forward, x, other)
    else:
        cls.forward(xp, x, y, out=x)
    input._storage.version += 1
    return True


def _in_place_node(cls, operands, settings) -> Node:
    """The node of an in-place op, made before the numbers change. A saved old self becomes a saved clone."""
    input = operands[0]
    before = wrap(input._array)  # the tensor as it is now, with its history
    before._requires_grad, before._node, before._nr = input.requires_grad, input._node, input._nr
    operands = (before if operands[0] is input else operands[0], *operands[1:])
    edges = [edge_of(t) if isinstance(t, Tensor) else None for t in (input, *operands[1:])]
    node = cls.node(edges, None if cls.rule is None else inputs_to_fit(operands, input._array))
    if cls.save is not None:
        cls.save(node, input, *operands, **settings)
        node.saved = [(_clone(value), 0) if value is before else (value, version) for value, version in node.saved]
    return node


def _clone(tensor):
    copy = wrap(tensor._array.copy())
    copy._node, copy._nr, copy._requires_grad = tensor._node, tensor._nr, tensor._requires_grad
    return copy


def function_in_place(made, name: str):
    """The method with a trailing underscore of a composed function: its result is copied into the tensor."""

    def call_(input, *args, **named):
        operands = (input, *args, *named.values())
        recorded = GRAD.enabled and any(isinstance(t, Tensor) and t.requires_grad for t in operands)
        if recorded:
            check_inplace(input)
        result = made(input.clone() if recorded else input, *args, **named)  # what it saves must survive the copy
        if not dtypes.can_cast(result.dtype, input.dtype):
            raise out_error(result.dtype, input.dtype)
        if result._array.shape != input._array.shape:
            raise _arguments.shape_error(input._array.shape, result._array.shape)
        return input.copy_(result)

    call_.__name__ = name
    call_.__doc__ = f"In-place version of `{made.__name__}`: writes the result into this tensor and returns it."
    return call_
