"""Copies of all elements: into new memory (`clone`, `contiguous`), or over what a tensor holds (`copy_`, `fill_`).

A copy carries its history: gradients pass from the copy to what was copied, and what was overwritten gets none.
`resize_` belongs here because it changes how much memory there is; it is not differentiable.
"""

from __future__ import annotations

import math

import numpy as np

from ..autograd.grad_mode import GRAD
from ..backends import array_module, device_of, is_numpy, moved
from ..layouts import contiguous_format, is_in, laid_out
from ..tensor import Storage, Tensor, wrap
from ._arguments import broadcast_error, cast, shape_error
from ._op import OPS, function, op
from .creation import checked_value, shape_of

# ---- into new memory -----------------------------------------------------------------------------------------------


@op()
class clone:
    """clone(input, *, memory_format=torch.preserve_format) -> Tensor: a copy in memory of its own; differentiable.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.clone.html
    """

    def arguments(input, *, memory_format=None):
        return (input,), {"wanted": memory_format}

    def forward(xp, a, *, wanted):
        return a.copy() if wanted is None and a.flags.c_contiguous else laid_out(a, wanted)

    def backward(ctx, g):
        return g


@function(method=True, namespace=None)
def contiguous(self, memory_format=contiguous_format):
    """contiguous() -> Tensor: itself if its elements lie in row-major order (or in the format), else a copy."""
    return self if is_in(self._array, memory_format) else clone(self, memory_format=memory_format)


# ---- over what is there --------------------------------------------------------------------------------------------


@op(inplace=True, method=False, namespace=None, node="CopyBackwards")
class copy_from:
    """The values of `src` in the dtype, device and shape of `self`."""

    crosses_devices = True

    def forward(xp, a, src, *, non_blocking=False):
        made = cast(src, a.dtype)
        if device_of(made) != device_of(a):
            made = moved(made, device_of(a), non_blocking and not is_numpy(a))  # the host's array is read right away
        try:
            return array_module(a).broadcast_to(made, a.shape)
        except ValueError as error:
            refused = broadcast_error("copy_", wrap(a), wrap(made), error)
            if refused is error:  # the two broadcast, but not to the shape that is written
                refused = shape_error(a.shape, np.broadcast_shapes(a.shape, made.shape))
            raise refused from error

    def save(ctx, out, a, src, **settings):
        ctx.inputs = (None, (src._array.shape, src._array.dtype))
        ctx.device = src.device

    def backward(ctx, g):
        return (g * 0 if ctx.needs_input_grad[0] else None), g.to(ctx.device)


def _copy_(self, src, non_blocking=False) -> Tensor:
    """copy_(src) -> Tensor: overwrite this tensor with the values of `src` (broadcast and cast); returns it.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.copy_.html
    """
    if not isinstance(src, Tensor):
        raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {type(src).__name__}")
    if non_blocking:
        return OPS["copy_from"].change(self, src, non_blocking=True)
    return OPS["copy_from"].change(self, src)


Tensor.copy_ = _copy_


@op(inplace=True)
class fill:
    """fill(input, value) -> Tensor: a tensor of the input's shape filled with a number or a 0-dim tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.fill_.html
    """

    may_overlap = True  # elements that share a place in memory get the same number

    def arguments(input, value):
        if isinstance(value, Tensor):
            if value.ndim:
                raise RuntimeError(
                    "fill_ only supports 0-dimension value tensor but got tensor with "
                    f"{value.ndim} dimension{'s' if value.ndim > 1 else ''}."
                )
            return (input, value), {}
        return (input, checked_value(value, input.dtype)), {}

    def forward(xp, a, value):
        return xp.full(a.shape, cast(value, a.dtype) if hasattr(value, "strides") else value, a.dtype)

    def backward(ctx, g):
        return g * 0, (g.sum() if ctx.needs_input_grad[1] else None)


@op(inplace=True, method=False, namespace=None, node="Zero")
class zero:
    """Zeros in the tensor's shape."""

    may_overlap = True

    def forward(xp, a):
        return xp.zeros(a.shape, a.dtype)

    def backward(ctx, g):
        return g * 0


def _zero_(self) -> Tensor:
    """zero_() -> Tensor: fill this tensor with zeros.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.zero_.html
    """
    if GRAD.enabled and (self.requires_grad or self._base is not None):
        return OPS["zero"].change(self)
    self._array.fill(0)
    self._storage.version += 1
    return self


Tensor.zero_ = _zero_


def _resize_(self, *size, memory_format=None) -> Tensor:
    """resize_(*size) -> Tensor: change the shape in place, within the shared memory where it is large enough.

    Otherwise the tensor moves to memory of its own, where new elements are uninitialised; its views stay behind.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.resize_.html
    """
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = shape_of(size)
    count, start = math.prod(shape), self.storage_offset()
    memory, xp = self._storage.array, array_module(self._array)
    if memory.flags.c_contiguous and memory.dtype == self._array.dtype and start + count <= memory.size:
        self._array = memory.reshape(-1)[start : start + count].reshape(shape)
        return self
    made = xp.empty(count, self._array.dtype)
    made[: self._array.size] = self._array.reshape(-1)
    version = self._storage.version
    self._array, self._storage = made.reshape(shape), Storage(made)
    self._storage.version = version
    return self


Tensor.resize_ = _resize_
