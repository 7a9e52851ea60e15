"""Broadcasting made visible: dimensions of size 1 repeated without copying, by giving them stride 0 (`expand`).

Which shapes fit each other: `broadcast_shapes`, `broadcast_tensors`. Gradients of what was repeated are summed.
"""

from __future__ import annotations

import numpy as np

from ..backends import backend_of
from ..size import Size
from ..tensor import Tensor
from ._arguments import broadcast_error
from ._op import function, op
from .views import raw_shape


@op(view=True, method=False, namespace=None, node="Expand")
class expand_to:
    """Dimensions of size 1 repeated, by giving them stride 0."""

    def forward(xp, a, *, shape):
        if a.ndim == 0:
            return backend_of(xp).strided(a, shape, (0,) * len(shape))
        lead = len(shape) - a.ndim
        strides = [step if n == wanted else 0 for n, wanted, step in zip(a.shape, shape[lead:], a.strides, strict=True)]
        for d in reversed(range(lead)):
            beyond = shape[d + 1] * strides[0] if strides else 0  # the step that a dimension of size 1 gets
            strides.insert(0, beyond if shape[d] == 1 else 0)
        return backend_of(xp).strided(a, shape, tuple(strides))

    def save(ctx, out, a, *, shape):
        ctx.inputs = ((a._array.shape, a._array.dtype),)

    def backward(ctx, g):
        return g


@function(method=True, namespace=None)
def expand(self, *sizes, size=None, implicit=False):
    """expand(*sizes) -> Tensor

    Dimensions of size 1 repeated to the given sizes (-1 keeps one), without copying; new dimensions go in front.

    >>> import course_lib as torch
    >>> torch.tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.expand.html
    """
    wanted = raw_shape((size,) if size is not None else sizes)
    have = self._array.shape
    lead = len(wanted) - len(have)
    if lead < 0:
        raise RuntimeError(
            f"expand({self.type()}{{{list(have)}}}, size={list(wanted)}): the number of sizes provided "
            f"({len(wanted)}) must be greater or equal to the number of dimensions in the tensor ({len(have)})"
        )
    shape = []
    for i, n in enumerate(wanted):
        old = have[i - lead] if i >= lead else None
        if n < 0:
            if old is None or n != -1:
                raise RuntimeError(
                    f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}"
                )
            n = old
        elif old is not None and old != 1 and old != n:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({old}) at non-singleton "
                f"dimension {i}.  Target sizes: {list(wanted)}.  Tensor sizes: {list(have)}"
            )
        shape.append(n)
    return expand_to(self, shape=tuple(shape))


@function(method=True, namespace=None)
def expand_as(self, other):
    """expand_as(other) -> Tensor: `expand` to `other`'s shape."""
    return expand(self, other.shape)


@function()
def broadcast_to(input, size):
    """broadcast_to(input, size) -> Tensor: `input.expand(size)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.broadcast_to.html
    """
    return expand(input, size)


Tensor.broadcast_to = broadcast_to


@function()
def broadcast_shapes(*shapes):
    """broadcast_shapes(*shapes) -> Size: the shape that these shapes broadcast to; RuntimeError if they do not.

    >>> import course_lib as torch
    >>> torch.broadcast_shapes((2, 1), (3,))
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.broadcast_shapes.html
    """
    shapes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError:
        raise RuntimeError(_mismatch(shapes)) from None


def _mismatch(shapes) -> str:
    """Which shape is the first that does not fit what came before it, and where."""
    common: list[int] = []
    for position, shape in enumerate(shapes):
        common = [1] * (len(shape) - len(common)) + common
        for back in range(1, len(shape) + 1):
            if shape[-back] != 1 and common[-back] not in (1, shape[-back]):
                return (
                    f"Attempting to broadcast a dimension of length {shape[-back]} at {-back}! Mismatching argument "
                    f"at index {position} had {shape}; but expected shape should be broadcastable to {common}"
                )
            common[-back] = shape[-back] if common[-back] == 1 else common[-back]
    return ""


@function()
def broadcast_tensors(*tensors):
    """broadcast_tensors(*tensors) -> tuple of Tensors: all expanded to their common shape; one that has it is itself.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.broadcast_tensors.html
    """
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    try:
        shape = np.broadcast_shapes(*[t._array.shape for t in tensors])
    except ValueError as error:
        raise broadcast_error("broadcast_tensors", tensors[0], tensors[1], error) from None
    return tuple(t if t._array.shape == shape else expand(t, shape) for t in tensors)
