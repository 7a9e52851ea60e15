"""Views by strides: any shape and step over the tensor's memory (`as_strided`), a diagonal, sliding windows (`unfold`).

Strides count elements, as PyTorch's do; NumPy's count bytes. Elements of such views may overlap in memory; on the way
back their gradients are added up where they lie (`as_strided_scatter_zeros`).
"""

from __future__ import annotations

import math

import numpy as np

from ..backends import backend_of, is_numpy
from ..layouts import contiguous_format
from ..tensor import Tensor, normalize_dim, row_major_strides, wrap
from ._op import function, op
from .creation import zeros


@op(view=True, method=False, namespace=None, node="AsStrided")
class as_strided_view:
    """Any shape and strides over the tensor's memory, counted in elements from the tensor's first element."""

    def forward(xp, a, *, shape, strides, offset):
        item = a.itemsize
        return backend_of(xp).strided(a, shape, tuple([s * item for s in strides]), offset * item)

    def save(ctx, out, a, *, shape, strides, offset):
        ctx.geometry, ctx.base_geometry = (shape, strides, offset), (tuple(a.shape), a.stride(), 0)

    def backward(ctx, g):
        return as_strided_backward(g, ctx.geometry, ctx.base_geometry)


def strided_view(tensor, shape, strides, offset=0) -> Tensor:
    """The internal spelling: `offset` counts from the tensor's own first element."""
    return as_strided_view(tensor, shape=tuple(shape), strides=tuple(strides), offset=offset)


@op(method=False, namespace=None, node="AsStridedScatter")
class as_strided_scatter_zeros:
    """Zeros in the base's geometry, with `g` added where the view's elements lie (repeatedly where they overlap)."""

    def forward(xp, g, *, geometry, base_geometry):
        shape, strides, offset = geometry
        base_shape, base_strides, _ = base_geometry
        low = min(0, offset)
        extent = max(_extent(base_shape, base_strides), offset + _extent(shape, strides)) - low
        memory = xp.zeros(extent, g.dtype)
        backend_of(xp).change_at(xp.add, memory, _positions(xp, shape, strides, offset - low), g)
        return memory[_positions(xp, base_shape, base_strides, -low)]

    def save(ctx, out, g, *, geometry, base_geometry):
        ctx.geometry = geometry

    def backward(ctx, gg):
        shape, strides, offset = ctx.geometry
        return strided_view(gg.contiguous(), shape, strides, offset)


def as_strided_backward(g, geometry, base_geometry) -> Tensor:
    return as_strided_scatter_zeros(g, geometry=geometry, base_geometry=base_geometry)


def _extent(shape, strides) -> int:
    return 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))


def _positions(xp, shape, strides, offset: int):
    """The place in memory of each element, as an index array of the given shape."""
    places = xp.full((), offset)
    for n, s in zip(shape, strides, strict=True):
        places = places[..., None] + xp.arange(n) * s
    return places


def clone_like(g: Tensor, geometry) -> Tensor:
    """A copy of `g` that lies in memory as `geometry` says (dense row-major where that has gaps)."""
    shape, strides, _ = geometry
    item = g._array.itemsize
    if _extent(shape, strides) == math.prod(shape) and is_numpy(g._array):
        memory = np.empty(math.prod(shape), g._array.dtype)
        array = backend_of(np).strided(memory, shape, tuple([s * item for s in strides]))
        array[...] = g._array
        made = wrap(array)
        made._storage.array = memory
        return made.requires_grad_(False) if not g.requires_grad else _linked_copy(made, g)
    return g.clone(memory_format=contiguous_format)


def _linked_copy(made: Tensor, g: Tensor) -> Tensor:
    """`made` filled by a recorded copy, so that a second derivative can pass."""
    return made.copy_(g)


@function(method=True)
def as_strided(input, size, stride, storage_offset=None):
    """as_strided(input, size, stride, storage_offset=None) -> Tensor

    A view with any shape and strides over the tensor's memory. RuntimeError where it would leave the memory.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.as_strided.html
    """
    start = input.storage_offset()
    offset = start if storage_offset is None else storage_offset
    size, stride = tuple(size), tuple(stride)
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in stride):
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    extent = _extent(size, stride)
    needed, available = (offset + extent) * input.itemsize, input._storage.array.nbytes
    if any(n < 0 for n in size) or needed >= 2**63:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}")
    if extent and needed > available:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
            f"{input.itemsize} requiring a storage size of {needed} are out of bounds for storage of size {available}"
        )
    if math.prod(size) >= 2**63:
        raise RuntimeError("numel: integer multiplication overflow")
    return strided_view(input, size, stride, offset - start)


@op(view=True)
class diagonal:
    """diagonal(input, offset=0, dim1=0, dim2=1) -> Tensor: the diagonal of two dimensions as the last one; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.diagonal.html
    """

    def arguments(input, offset=0, dim1=0, dim2=1):
        dim1, dim2 = normalize_dim(dim1, input.ndim), normalize_dim(dim2, input.ndim)
        if dim1 == dim2:
            raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
        return (input,), {"offset": offset, "dim1": dim1, "dim2": dim2}

    def forward(xp, a, *, offset, dim1, dim2):
        made = a.diagonal(offset, dim1, dim2)
        return backend_of(xp).strided(a, made.shape, made.strides, _start(a, offset, dim1, dim2) if made.size else 0)

    def save(ctx, out, a, *, offset, dim1, dim2):
        ctx.shape, ctx.where = a.shape, (offset, dim1, dim2)

    def backward(ctx, g):
        made = zeros(ctx.shape, dtype=g.dtype, device=g.device)
        made.diagonal(*ctx.where).copy_(g)
        return made


def _start(a, offset: int, dim1: int, dim2: int) -> int:
    return offset * a.strides[dim2] if offset >= 0 else -offset * a.strides[dim1]


@op(view=True, namespace=None)
class unfold:
    """unfold(dimension, size, step) -> Tensor

    Windows of `size` elements, `step` apart, in a new last dimension; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.unfold.html
    """

    def arguments(input, dimension, size, step):
        dim = normalize_dim(dimension, input.ndim)
        length = input.shape[dim] if input.ndim else 1
        if size < 0:
            raise RuntimeError(f"size is {size} but must be >= 0")
        if size > length:
            raise RuntimeError(f"maximum size for tensor at dimension {dim} is {length} but size is {size}")
        if step <= 0:
            raise RuntimeError(f"step is {step} but must be > 0")
        return (input,), {"dim": dim, "size": size, "step": step}

    def forward(xp, a, *, dim, size, step):
        if a.ndim == 0:
            return backend_of(xp).strided(a, (size,), (a.itemsize,))
        shape, strides = list(a.shape), list(a.strides)
        shape[dim] = (shape[dim] - size) // step + 1
        shape.append(size)
        strides.append(strides[dim])
        strides[dim] *= step
        return backend_of(xp).strided(a, tuple(shape), tuple(strides))

    def save(ctx, out, a, *, dim, size, step):
        ctx.geometry, ctx.base_geometry = (tuple(out.shape), None, 0), tuple(a.shape)
        ctx.window = dim, size, step

    def backward(ctx, g):
        dim, _, step = ctx.window
        shape = ctx.base_geometry
        if not shape:
            return g.sum()
        strides = row_major_strides(shape)
        windows = list(strides)
        windows[dim] *= step
        windows.append(strides[dim])
        return as_strided_backward(g, (tuple(g.shape), tuple(windows), 0), (shape, strides, 0))
