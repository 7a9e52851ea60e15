"""Views: tensors that look at the same memory with another shape or other strides. No number is copied."""

from __future__ import annotations

import math

import numpy as np

from .. import dtypes
from ..backends import array_module, backend_of, is_numpy
from ..tensor import Tensor, normalize_dim, row_major_strides, wrap
from ._op import function, op

# ---- shape arithmetic --------------------------------------------------------------------------------------------


def inferred_shape(shape, count: int) -> tuple[int, ...]:
    """`shape` with its -1 replaced, so that it holds `count` elements; RuntimeError where none can."""
    if math.prod(shape) == count and min(shape, default=0) >= 0:
        return shape
    unknown = [i for i, n in enumerate(shape) if n == -1]
    for n in shape:
        if n < -1:
            raise RuntimeError(f"invalid shape dimension {n}")
    if len(unknown) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = math.prod([n for n in shape if n != -1])
    if not unknown:
        if known != count:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")
        return tuple(shape)
    if known == 0 and count == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 can "
            "be any value and is ambiguous"
        )
    if known == 0 or count % known:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")
    return tuple([count // known if n == -1 else n for n in shape])


def _without_copy(xp, array, shape):
    """The array in another shape over the same memory, or None where that is impossible."""
    if array.flags.c_contiguous:
        return array.reshape(shape)
    try:
        return xp.reshape(array, shape, copy=False)
    except ValueError:
        return None


@op(view=True, method=False, namespace=None, node="View")
class view_shape:
    """The same memory in another shape."""

    def forward(xp, a, *, shape):
        made = _without_copy(xp, a, shape)
        if made is None:
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
                "contiguous subspaces). Use .reshape(...) instead."
            )
        return made

    def save(ctx, out, a, *, shape):
        ctx.shape = a.shape

    def backward(ctx, g):
        return g.reshape(ctx.shape)


@op(view=True, method=False, namespace=None, node="ViewDtype")
class view_dtype:
    """The same memory read as another dtype."""

    def forward(xp, a, *, dtype):
        return a.view(dtype.numpy)


@function(method=True, namespace=None)
def view(self, *shape, dtype=None, size=None):
    """view(*shape) -> Tensor, view(dtype) -> Tensor

    The same memory in another shape (one size may be -1), or read as another dtype. RuntimeError where the strides do
    not allow the shape.

    >>> import course_lib as torch
    >>> torch.arange(6).view(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.view.html
    """
    if dtype is not None or (len(shape) == 1 and isinstance(shape[0], dtypes.dtype)):
        return view_dtype(self, dtype=dtype or shape[0])
    shape = (size,) if size is not None else shape
    return view_shape(self, shape=inferred_shape(_raw_shape(shape), self._array.size))


def _raw_shape(shape) -> tuple[int, ...]:
    if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) and hasattr(shape[0], "__len__"):
        shape = shape[0]
    for n in shape:
        if type(n) is not int:
            return tuple([int(n.__index__()) for n in shape])
    return tuple(shape)


@op(method=False, namespace=None, node="UnsafeView")
class reshape_copy:
    """The elements in row-major order, copied into another shape."""

    def forward(xp, a, *, shape):
        return xp.reshape(a, shape, copy=True)

    def save(ctx, out, a, *, shape):
        ctx.shape = a.shape

    def backward(ctx, g):
        return g.reshape(ctx.shape)


@function(method=True)
def reshape(input, *shape, **named):
    """reshape(input, shape) -> Tensor: another shape; a view where the strides allow it, otherwise a copy.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.reshape.html
    """
    shape = inferred_shape(_raw_shape((named["shape"],) if "shape" in named else shape), input._array.size)
    if _can_view(input._array, shape):
        return view_shape(input, shape=shape)
    return reshape_copy(input, shape=shape)


def _can_view(array, shape) -> bool:
    return array.flags.c_contiguous or _without_copy(array_module(array), array, shape) is not None


@function(method=True, namespace=None)
def view_as(self, other):
    """view_as(other) -> Tensor: `view` with `other`'s shape."""
    return view(self, other.shape)


@function(method=True, namespace=None)
def reshape_as(self, other):
    """reshape_as(other) -> Tensor: `reshape` to `other`'s shape."""
    return reshape(self, other.shape)


@function(method=True)
def flatten(input, start_dim=0, end_dim=-1):
    """flatten(input, start_dim=0, end_dim=-1) -> Tensor: the dimensions from start to end become one.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.flatten.html
    """
    first, last = normalize_dim(start_dim, input.ndim), normalize_dim(end_dim, input.ndim)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if input.ndim == 0:
        return reshape(input, (1,))
    if first == last:
        return input
    shape = input.shape
    return reshape(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


@function(method=True)
def ravel(input):
    """ravel(input) -> Tensor: all elements in one dimension; a view where possible."""
    return reshape(input, (-1,)) if input.numel() else reshape(input, (0,))


@function(method=True)
def unflatten(input, dim, sizes):
    """unflatten(input, dim, sizes) -> Tensor: one dimension becomes several.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.unflatten.html
    """
    dim = normalize_dim(dim, input.ndim)
    sizes = tuple(sizes)
    length = input.shape[dim]
    try:
        sizes = inferred_shape(sizes, length)
    except RuntimeError:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({length}) in the input "
            "tensor"
        ) from None
    return view(input, (*input.shape[:dim], *sizes, *input.shape[dim + 1 :]))


# ---- order of the dimensions -------------------------------------------------------------------------------------


@op(view=True, method=False, namespace=None, node="Permute")
class permute_dims:
    """The dimensions in another order."""

    def forward(xp, a, *, dims):
        return a.transpose(dims)

    def save(ctx, out, a, *, dims):
        ctx.dims = dims

    def backward(ctx, g):
        back = [0] * len(ctx.dims)
        for new, old in enumerate(ctx.dims):
            back[old] = new
        return permute_dims(g, dims=tuple(back))


@function(method=True)
def permute(input, *dims, **named):
    """permute(input, dims) -> Tensor: the dimensions in the given order; a view.

    >>> import course_lib as torch
    >>> torch.zeros(2, 3, 5).permute(2, 0, 1).shape
    torch.Size([5, 2, 3])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.permute.html
    """
    dims = _raw_shape((named["dims"],) if "dims" in named else dims)
    if len(dims) != input.ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(dims)}"
        )
    dims = tuple([normalize_dim(d, input.ndim) for d in dims])
    if len(set(dims)) != len(dims):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return permute_dims(input, dims=dims)


@op(view=True, alias=("swapaxes", "swapdims"))
class transpose:
    """transpose(input, dim0, dim1) -> Tensor: two dimensions swapped; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.transpose.html
    """

    def arguments(input, dim0, dim1):
        return (input,), {"dim0": normalize_dim(dim0, input.ndim), "dim1": normalize_dim(dim1, input.ndim)}

    def forward(xp, a, *, dim0, dim1):
        return a.swapaxes(dim0, dim1) if a.ndim else a[...]

    def save(ctx, out, a, *, dim0, dim1):
        ctx.dims = dim0, dim1

    def backward(ctx, g):
        return g.transpose(*ctx.dims)


@op(view=True)
class t:
    """t(input) -> Tensor: a matrix transposed; RuntimeError for more than two dimensions.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.t.html
    """

    def arguments(input):
        if input.ndim > 2:
            raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
        return (input,), {}

    def forward(xp, a):
        return a.T if a.ndim == 2 else a[...]

    def backward(ctx, g):
        return g.t()


def _transposed(self) -> Tensor:
    """The dimensions in reversed order."""
    return permute_dims(self, dims=tuple(range(self.ndim))[::-1])


def _matrix_transposed(self) -> Tensor:
    """The last two dimensions swapped."""
    if self.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return transpose(self, -2, -1)


Tensor.T = property(_transposed)
Tensor.mT = property(_matrix_transposed)
Tensor.H = Tensor.mH = property(lambda self: _matrix_transposed(self).conj(), doc="The conjugate transpose.")


@function(method=True, alias="moveaxis")
def movedim(input, source, destination):
    """movedim(input, source, destination) -> Tensor: dimensions moved to other places; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.movedim.html
    """
    sources = [normalize_dim(d, input.ndim) for d in ([source] if isinstance(source, int) else source)]
    places = [normalize_dim(d, input.ndim) for d in ([destination] if isinstance(destination, int) else destination)]
    if len(sources) != len(places):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source and destination dims should contain the same number of "
            f"dims, but got {source} and {destination}"
        )
    for name, dims in (("source", sources), ("destination", places)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({source if name == 'source' else destination})")
    order: list = [None] * input.ndim
    for place, dim in zip(places, sources, strict=True):
        order[place] = dim
    rest = iter([d for d in range(input.ndim) if d not in sources])
    return permute_dims(input, dims=tuple([next(rest) if d is None else d for d in order]))


# ---- dimensions of size 1 ----------------------------------------------------------------------------------------


@op(view=True)
class squeeze:
    """squeeze(input, dim=None) -> Tensor: without the dimensions of size 1 (or those in `dim` that have size 1); a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.squeeze.html
    """

    def arguments(input, dim=None):
        shape = input._array.shape
        if dim is None:
            dims = range(len(shape))
        else:
            dims = [normalize_dim(d, len(shape)) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
        return (input,), {"dims": tuple([d for d in dims if shape and shape[d] == 1])}

    def forward(xp, a, *, dims):
        return a.squeeze(dims) if dims else a[...]

    def save(ctx, out, a, *, dims):
        ctx.shape = a.shape

    def backward(ctx, g):
        return g.reshape(ctx.shape)


@op(view=True)
class unsqueeze:
    """unsqueeze(input, dim) -> Tensor: with a dimension of size 1 inserted at `dim`; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.unsqueeze.html
    """

    def arguments(input, dim):
        return (input,), {"dim": normalize_dim(dim, input.ndim + 1)}

    def forward(xp, a, *, dim):
        step = a.shape[dim] * a.strides[dim] if dim < a.ndim else a.itemsize
        shape, strides = list(a.shape), list(a.strides)
        shape.insert(dim, 1)
        strides.insert(dim, step)
        return backend_of(xp).strided(a, tuple(shape), tuple(strides))

    def save(ctx, out, a, *, dim):
        ctx.dim = dim

    def backward(ctx, g):
        return g.squeeze(ctx.dim)


# ---- repeated without copying ------------------------------------------------------------------------------------


@op(view=True, method=False, namespace=None, node="Expand")
class expand_to:
    """Dimensions of size 1 repeated, by giving them stride 0."""

    def forward(xp, a, *, shape):
        lead = len(shape) - a.ndim
        strides = [0] * lead + [
            step if n == wanted else 0 for n, wanted, step in zip(a.shape, shape[lead:], a.strides, strict=True)
        ]
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
    wanted = _raw_shape((size,) if size is not None else sizes)
    have = self._array.shape
    lead = len(wanted) - len(have)
    if lead < 0:
        raise RuntimeError(
            f"expand({self.type()}{{{list(have)}}}, size={list(wanted)}): the number of sizes provided ({len(wanted)}) must "
            f"be greater or equal to the number of dimensions in the tensor ({len(have)})"
        )
    shape = []
    for i, n in enumerate(wanted):
        old = have[i - lead] if i >= lead else None
        if n == -1:
            if old is None:
                raise RuntimeError(
                    f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {i}"
                )
            n = old
        elif old is not None and old != 1 and old != n:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({old}) at non-singleton dimension "
                f"{i}.  Target sizes: {list(wanted)}.  Tensor sizes: {list(have)}"
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
    from ..size import Size

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
                    f"Attempting to broadcast a dimension of length {shape[-back]} at {-back}! Mismatching argument at index "
                    f"{position} had {shape}; but expected shape should be broadcastable to {common}"
                )
            common[-back] = shape[-back] if common[-back] == 1 else common[-back]
    return ""


@function()
def broadcast_tensors(*tensors):
    """broadcast_tensors(*tensors) -> tuple of Tensors: all expanded to their common shape.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.broadcast_tensors.html
    """
    from ._arguments import broadcast_error

    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    try:
        shape = np.broadcast_shapes(*[t._array.shape for t in tensors])
    except ValueError as error:
        raise broadcast_error("broadcast_tensors", tensors[0], tensors[1], error) from None
    return tuple(expand(t, shape) for t in tensors)


# ---- strides by hand ---------------------------------------------------------------------------------------------


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
    """Zeros in the base's geometry, with `g` added where the view's elements lie (more than once where they overlap)."""

    def forward(xp, g, *, geometry, base_geometry):
        shape, strides, offset = geometry
        base_shape, base_strides, _ = base_geometry
        low = min(0, offset)
        extent = max(_extent(base_shape, base_strides), offset + _extent(shape, strides)) - low
        memory = xp.zeros(extent, g.dtype)
        xp.add.at(memory, _positions(xp, shape, strides, offset - low), g)
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
    return g.clone(memory_format="contiguous")


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
        raise RuntimeError(
            f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}"
        )
    available = input._storage.array.size
    if offset + _extent(size, stride) > available and 0 not in size:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
            f"{input.itemsize} requiring a storage size of {(offset + _extent(size, stride)) * input.itemsize} are out of "
            f"bounds for storage of size {available * input.itemsize}"
        )
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
        from .creation import zeros

        made = zeros(ctx.shape, dtype=g.dtype, device=g.device)
        made.diagonal(*ctx.where).copy_(g)
        return made


def _start(a, offset: int, dim1: int, dim2: int) -> int:
    return offset * a.strides[dim2] if offset >= 0 else -offset * a.strides[dim1]


@op(view=True, namespace=None)
class unfold:
    """unfold(dimension, size, step) -> Tensor: windows of `size` elements, `step` apart, in a new last dimension; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.unfold.html
    """

    def arguments(input, dimension, size, step):
        dim = normalize_dim(dimension, input.ndim)
        length = input.shape[dim] if input.ndim else 1
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



# ---- copies ------------------------------------------------------------------------------------------------------


@op()
class clone:
    """clone(input, *, memory_format=torch.preserve_format) -> Tensor: a copy in memory of its own; differentiable.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.clone.html
    """

    def arguments(input, *, memory_format=None):
        return (input,), {"order": "C" if str(memory_format).endswith("contiguous") or "contiguous_format" in
                          str(memory_format) else "K"}  # fmt: skip

    def forward(xp, a, *, order):
        if order == "K" and 0 in a.strides and a.size > 1:
            order = "C"  # an expanded tensor has no layout worth keeping
        return a.copy(order=order)

    def backward(ctx, g):
        return g


@function(method=True, namespace=None)
def contiguous(self, memory_format=None):
    """contiguous() -> Tensor: itself if its elements lie in row-major order, otherwise a copy that does."""
    return self if self._array.flags.c_contiguous else clone(self, memory_format="contiguous")
