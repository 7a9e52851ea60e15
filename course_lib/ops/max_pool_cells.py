"""Max pooling on a GPU, where kernels do it: they note in a byte which cell of its window each element was.

The byte takes the place of the index that PyTorch keeps, eight bytes an element, and of looking for the largest element
a second time in the backward.
"""

from __future__ import annotations

import math

from ..backends import array_module, backend_of
from ..backends.sliding import Sliding
from ._device import by_kernel
from ._numeric import in_layout_of
from ._op import op

_MOST_CELLS, _MOST_ELEMENTS = 255, 2**30


def knows_cells(input, kernel) -> bool:
    """Whether the kernels can pool this tensor of a GPU with windows of this size."""
    array = input._array
    if math.prod(kernel) > _MOST_CELLS or array.size > _MOST_ELEMENTS:
        return False
    one = array[(slice(0, 1),) * array.ndim]  # contiguous, as the array itself need not be
    return backend_of(array_module(array)).kernel("max_pool", one) is not None


def _pooling(node: str):
    """Declare the largest element of each window, with its cell."""

    def forward(xp, a, *, kernel, stride, padding, dilation, size):
        values, cells = by_kernel(xp, "max_pool", a, size=size, sliding=Sliding(kernel, stride, padding, dilation))
        return in_layout_of(xp, values, a), cells

    def save(ctx, outs, a, *, kernel, stride, padding, dilation, size):
        ctx.save_for_backward(a, outs[1])  # `a` only so that a change of it is noticed, as PyTorch notices it
        ctx.sliding = Sliding(kernel, stride, padding, dilation)

    def backward(ctx, g, _):
        a, cells = ctx.saved_tensors
        return _to_cells(g, cells, shape=tuple(a.shape), sliding=ctx.sliding)

    members = {
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": "The largest element of each window, and the number of its cell in the window.",
    }
    return op(method=False, namespace=None, node=node)(type(f"largest_with_cells_{node}", (), members))


with_cells = {2: _pooling("MaxPool2DWithIndices"), 3: _pooling("MaxPool3DWithIndices")}


@op(method=False, namespace=None, node="MaxPool2DWithIndicesBackward")
class _to_cells:
    """Each element at its cell of its window, added up where windows overlap."""

    def forward(xp, g, cells, *, shape, sliding):
        return by_kernel(xp, "max_pool_backward", g, chosen=cells, shape=shape, sliding=sliding)

    def save(ctx, out, g, cells, *, shape, sliding):
        ctx.save_for_backward(cells)
        ctx.sliding = sliding

    def backward(ctx, gg):
        (cells,) = ctx.saved_tensors
        return _from_cells(gg, cells, sliding=ctx.sliding), None


@op(method=False, namespace=None, node="MaxPool2DWithIndicesBackward")
class _from_cells:
    """Of each window the element at its cell."""

    def forward(xp, a, cells, *, sliding):
        return by_kernel(xp, "max_pool_pick", a, cells=cells, sliding=sliding)

    def save(ctx, out, a, cells, *, sliding):
        ctx.save_for_backward(cells)
        ctx.shape, ctx.sliding = tuple(a.shape), sliding

    def backward(ctx, g):
        (cells,) = ctx.saved_tensors
        return _to_cells(g, cells, shape=ctx.shape, sliding=ctx.sliding), None
