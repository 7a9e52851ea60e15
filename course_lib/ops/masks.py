"""Masks: choosing, filling or finding elements by a bool tensor (`masked_fill`, `masked_select`, `where`, `nonzero`).

The mask broadcasts against the values. What a mask picks has one dimension, as many elements as it has True ones.
"""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..backends import array_module
from ..backends.selection import select
from ..errors import warn
from ..tensor import Tensor, wrap
from ._arguments import broadcast_error, cast, number_there, result_dtype
from ._op import function, op, write_out
from .broadcasting import broadcast_tensors
from .creation import checked_value


@op(inplace=True)
class masked_fill:
    """masked_fill(input, mask, value) -> Tensor: `value` where the bool mask (broadcast) is True, `input` elsewhere.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.masked_fill.html
    """

    def arguments(input, mask, value):
        if mask.dtype is not dtypes.bool:
            raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype}")
        if isinstance(value, Tensor) and value.ndim:
            raise RuntimeError(
                f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} "
                "dimension(s)."
            )
        if not isinstance(value, Tensor):
            value = checked_value(value, input.dtype, halves=True)
        elif value.dtype.category > input.dtype.category:
            checked_value(value.item(), input.dtype, halves=True)
        return (input, mask, value), {}

    def forward(xp, a, mask, value):
        value = cast(value, a.dtype) if hasattr(value, "strides") else a.dtype.type(value)
        try:
            return select(xp, mask, value, a)
        except ValueError as error:
            raise broadcast_error("masked_fill", wrap(a), wrap(mask), error) from error

    def save(ctx, out, a, mask, value):
        ctx.save_for_backward(mask.detach())
        ctx.inputs = ((a._array.shape, a._array.dtype), None, None)

    def backward(ctx, g):
        (mask,) = ctx.saved_tensors
        grad_value = (g * mask).sum() if ctx.needs_input_grad[2] else None
        return g.masked_fill(mask, 0), None, grad_value


@function(method=True)
def masked_select(input, mask, *, out=None):
    """masked_select(input, mask) -> Tensor: the elements where the bool mask is True, in one dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.masked_select.html
    """
    if out is not None and out.dtype is not input.dtype:
        raise RuntimeError("masked_select(): self and result must have the same scalar type")
    if mask.dtype not in (dtypes.bool, dtypes.uint8):
        raise RuntimeError("masked_select: expected BoolTensor or ByteTensor for mask")
    input, mask = broadcast_tensors(input, mask)
    made = input[mask.bool()]
    return made if out is None else write_out("masked_select", out, (input, mask), made)


@op(method=False, namespace=None, node="Where")
class where_select:
    """`input` where the condition holds, `other` elsewhere."""

    def forward(xp, condition, a, b):
        return select(xp, condition, a, b)

    def save(ctx, out, condition, a, b):
        ctx.save_for_backward(condition)
        ctx.inputs = (None, (a._array.shape, a._array.dtype), (b._array.shape, b._array.dtype))

    def backward(ctx, g):
        (condition,) = ctx.saved_tensors
        _, needs_input, needs_other = ctx.needs_input_grad
        by_input = where(condition, g, 0) if needs_input else None
        return None, by_input, g.masked_fill(condition, 0) if needs_other else None


@function(out=True)
def where(condition, input=None, other=None):
    """where(condition, input, other) -> Tensor; where(condition) -> tuple of index tensors

    Elements of `input` where the condition is True, of `other` elsewhere; all three broadcast.

    >>> import course_lib as torch
    >>> torch.where(torch.tensor([True, False]), 1, 0)
    tensor([1, 0])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.where.html
    """
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if condition.dtype not in (dtypes.bool, dtypes.uint8):
        raise RuntimeError(
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{dtypes.legacy_name(condition.dtype)}"
        )
    if condition.dtype is dtypes.uint8:
        warn(
            "where received a uint8 condition tensor. This behavior is deprecated and will be removed in a future "
            "version of PyTorch. Use a boolean condition instead."
        )
    dtype = result_dtype(input, other)
    input, other = (_number_or_cast(v, dtype, condition) for v in (input, other))
    try:
        return where_select(condition.bool(), input, other)
    except ValueError as error:
        for a, b in ((condition, input), (input, other), (condition, other)):
            found = broadcast_error("where", a, b, error)
            if found is not error:
                raise found from None
        raise


def _number_or_cast(value, dtype: dtypes.dtype, like: Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return value if value.dtype is dtype else value.to(dtype)
    if not like.is_cuda:
        return wrap(np.asarray(value, dtype.numpy))
    return wrap(number_there(value, dtype.numpy, like._array))


Tensor.where = lambda self, condition, other: where(condition, self, other)


@function(method=True, out=True)
def nonzero(input, *, as_tuple=False):
    """nonzero(input, *, as_tuple=False) -> Tensor or tuple: the positions of the elements that are not zero.

    One row a position (int64), or one index tensor a dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nonzero.html
    """
    array = input._array
    found = array_module(array).atleast_1d(array).nonzero()
    if as_tuple:
        return tuple(wrap(positions) for positions in found)
    if input.ndim == 0:
        return wrap(array_module(array).zeros((len(found[0]), 0), "int64"))
    return wrap(array_module(array).stack(found).T)  # one dimension after the other in memory, as PyTorch has it


@function(method=True)
def argwhere(input):
    """argwhere(input) -> Tensor: `nonzero` as rows.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.argwhere.html
    """
    return nonzero(input)
