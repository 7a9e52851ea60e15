"""Calling an op: from tensors and numbers to arrays, through `forward`, and back to a tensor that knows its history.

There is one closure for two broadcasting operands (the hottest path), one for a single operand and one for all others.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy import ndarray

from .. import dtypes, return_types
from ..autograd.grad_mode import GRAD
from ..autograd.inplace import check_overlap, refuse_common_memory
from ..backends import as_array
from ..errors import warn
from ..tensor import Tensor, wrap, wrap_view
from . import _arguments
from ._arguments import NUMBER, argument_error, broadcast_error, number_array, out_error, prepare
from ._device import forward_on_device, run_forward
from ._record import FLOAT32, pair_recorder, record

PROMOTE, FLOAT, COMPARE = "promote", "float", "compare"  # which dtype the operands are brought to


def binary(cls, foreign, numbers_first: bool):
    """Two operands that broadcast, either of which may be a Python number. The hottest path of the library.

    foreign(call, input, other) says what happens with an operand that is neither: an error, or NotImplemented.
    """
    forward, check, lifts = cls.forward, cls.check, cls.rule is FLOAT
    record_pair, wide_numbers = pair_recorder(cls), cls.wide_numbers

    def call(input, other):
        try:
            x = input._array
        except AttributeError:
            if check is not None:
                check(input, other)
            input = _arguments.number_operand(cls.name, input, other, numbers_first, lifts)
            x = input._array
        if type(other) is Tensor or isinstance(other, Tensor):
            y = other._array
            recorded = input._requires_grad or other._requires_grad or other._base is not None
        elif isinstance(other, NUMBER):
            if lifts and x.dtype.kind in "biu":
                x = _arguments.to_float(x)
            y = number_array(other, x)
            recorded = input._requires_grad
        else:
            return foreign(call, input, other)
        if check is not None:
            check(input, other)
        if x.dtype is not y.dtype or (lifts and x.dtype is not FLOAT32):
            x, y = prepare(lifts, input, other, x, y)
        try:
            if wide_numbers and x.dtype is not FLOAT32 and _arguments.is_half_with_number(x, other):
                z = _arguments.in_float32(forward, x, other)
            else:
                z = forward(np, x, y) if type(x) is ndarray is type(y) else forward_on_device(cls, (x, y), {})
        except (ValueError, TypeError) as error:
            raise broadcast_error(cls.name, input, other, error) from error
        out = wrap(z if type(z) is ndarray else as_array(z))
        if (recorded or input._base is not None) and GRAD.enabled:
            record_pair(out, input, other, x, y, z)
        return out

    return call


def unary(cls):
    """One operand, and perhaps settings."""
    forward, lifts, is_view = cls.forward, cls.rule is FLOAT, cls.is_view

    def call(input, **settings):
        try:
            x = input._array
        except AttributeError:
            raise argument_error(cls.name, "input", 1, input) from None
        if lifts and x.dtype is not FLOAT32:
            x = _arguments.to_float(x)
        z = forward(np, x, **settings) if type(x) is ndarray else forward_on_device(cls, (x,), settings)
        out = _wrap_results(z) if not is_view else wrap_view(z, input) if type(z) is ndarray else _views(z, input)
        if (input._requires_grad or input._base is not None) and GRAD.enabled:
            record(cls, out, (input,), settings)
        return out

    return call


def _wrap_results(z):
    """Arrays as tensors: a single one (a NumPy scalar is made an array again) or a tuple of them."""
    if type(z) is ndarray:
        return wrap(z)
    return tuple([wrap(as_array(part)) for part in z]) if type(z) is tuple else wrap(as_array(z))


def _views(z, input):
    """An array of another array module as view, or a tuple of arrays as views."""
    return tuple([wrap_view(part, input) for part in z]) if type(z) is tuple else wrap_view(z, input)


def general(cls):
    """Any number of operands (tensors, numbers, or None where optional) and settings."""
    rule, is_view = cls.rule, cls.is_view

    def call(*operands, **settings):
        if rule is not None:
            operands = _arguments.promote_operands(rule, operands)
        arrays = [t._array if isinstance(t, Tensor) else t for t in operands]
        z = run_forward(cls, arrays, settings)
        out = wrap_view(z, operands[0]) if is_view else _wrap_results(z)
        if GRAD.enabled:
            record(cls, out, operands, settings)
        return out

    return call


def with_arguments(cls, call):
    """Put PyTorch's call signature and `out=` in front of the call."""
    arguments = getattr(cls, "arguments", None)
    if arguments is None:
        wanted = cls.operands

        def public(*args, out=None, **named):
            if named or len(args) != wanted:
                args = _arguments.positional(cls, args, named)
            return call(*args) if out is None else write_out(cls.name, out, args, call(*args))
    else:

        def public(*args, out=None, **named):
            try:
                operands, settings = arguments(*args, **named)
            except (TypeError, AttributeError) as error:
                operands, settings = _arguments.retry(cls.name, arguments, args, named, error)
            made = call(*operands, **settings)
            return made if out is None else write_out(cls.name, out, operands, made)

    return public


def with_out(made):
    @functools.wraps(made)
    def public(*args, out=None, **named):
        result = made(*args, **named)
        return result if out is None else write_out(made.__name__, out, (*args, *named.values()), result)

    return public


_INTO_SAME_DTYPE = {"aminmax", "gather"}
_INTO_OWN_MEMORY = {"cat", "gather", "kthvalue", "masked_select"}


def write_out(name: str, out, operands, made):
    """Store a result into the tensor(s) given as `out=`; they are resized when their shape is another."""
    if isinstance(made, tuple):
        for target, part in zip(out, made, strict=True):
            write_out(name, target, operands, part)
        named = getattr(return_types, type(made).__name__ + "_out", None)
        return out if named is None else named(out)
    if GRAD.enabled and any(isinstance(t, Tensor) and t.requires_grad for t in (*operands, out)):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    if name in _INTO_SAME_DTYPE and made.dtype is not out.dtype:
        wanted, got = dtypes.c_name(made.dtype), dtypes.c_name(out.dtype)
        raise RuntimeError(f"Expected out tensor to have dtype {wanted}, but got {got} instead")
    if name in _INTO_OWN_MEMORY:
        refuse_common_memory(out, operands)
    if not dtypes.can_cast(made.dtype, out.dtype):
        raise out_error(made.dtype, out.dtype)
    check_overlap(out._array)
    if out._array.shape != made._array.shape:
        if out.numel():
            warn(
                f"An output with one or more elements was resized since it had shape {list(out.shape)}, which does not "
                f"match the required output shape {list(made.shape)}. This behavior is deprecated, and in a future "
                "PyTorch release outputs will not be resized unless they have zero elements. You can explicitly reuse "
                "an out tensor t by resizing it, inplace, to zero elements with t.resize_(0)."
            )
        out.resize_(made._array.shape)
    out._array[...] = made._array
    out._storage.version += 1
    return out
