"""Fused ops: many steps as one op, whose gradients are computed on bare arrays.

    @op(method=False, namespace=None)
    class attention(Fused):
        def forward(xp, q, k, v, *, scale, kept): …; kept.append(weights)     # what backward will want
        backward = fused_backward(_gradients, _in_tensors)

`_gradients(xp, grads, operands, kept, needed, **settings)` takes and gives arrays, None where there is none. A gradient
that shall itself be differentiated cannot come from there: `_in_tensors(*operands, **settings)` is the op once more,
made of Tensor ops, and autograd differentiates that.
"""

from __future__ import annotations

from .. import autograd
from ..autograd.grad_mode import GRAD
from ..autograd.node import SavedOutput
from ..backends import array_module
from ..tensor import wrap
from ._numeric import narrow, wide


class Fused:
    """What a fused op saves: its operands, and the arrays that its forward put into the list `kept`."""

    def save(ctx, outs, *operands, kept, **settings):
        outs = outs if isinstance(outs, tuple) else (outs,)
        ctx.save_for_backward(*operands, *[_tensor_of(array, outs) for array in kept])
        ctx.setting = len(operands), settings


def _tensor_of(array, outs):
    """An array as a tensor; an output stays what it is, so that a change of it is noticed."""
    return next((SavedOutput(out, place) for place, out in enumerate(outs) if out._array is array), None) or wrap(array)


def fused_backward(on_arrays, in_tensors, widened=True):
    """The backward of a fused op: `on_arrays`, or where it is recorded itself, the gradients of `in_tensors`.

    widened: `on_arrays` gets half precision in the precision in which it is computed.
    """
    prepared = all_wide if widened else lambda *arrays: arrays

    def backward(ctx, *grads):
        count, settings = ctx.setting
        saved, needed = ctx.saved_tensors, ctx.needs_input_grad
        operands = saved[:count]
        if GRAD.enabled:
            return recorded(in_tensors, operands, needed, grads, settings)
        grads, arrays, kept = [
            prepared(*[None if t is None else t._array for t in tensors])
            for tensors in (grads, operands, saved[count:])
        ]
        found = on_arrays(array_module(arrays[0]), grads, arrays, kept, needed, **settings)
        return tuple([None if g is None else wrap(narrow(g, t._array.dtype)) for g, t in zip(found, operands)])

    return backward


def all_wide(*arrays) -> list:
    """The arrays in the precision in which they are computed."""
    return [None if a is None else wide(a) for a in arrays]


def recorded(in_tensors, operands, needed, grads, settings) -> tuple:
    """Gradients that can be differentiated: those of the op written in Tensor ops."""
    own = [None if t is None else t.view_as(t) for t in operands]  # one tensor may stand in two places
    outs = in_tensors(*own, **settings)
    outs = outs if isinstance(outs, tuple) else (outs,)
    pairs = [(o, g) for o, g in zip(outs, grads) if o.requires_grad]
    wanted = [t for t, need in zip(own, needed) if need]
    outs, grads = zip(*pairs)
    found = iter(autograd.grad(outs, wanted, grads, create_graph=True, allow_unused=True))
    return tuple([next(found) if need else None for need in needed])
