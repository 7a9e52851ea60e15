"""Views: the same memory in another shape (`view`, `reshape`), in another order of dimensions (`permute`, `transpose`),
or with dimensions of size 1 added and dropped. No number is copied, unless `reshape` meets strides that forbid a view.

Each view is an op: its forward makes a view of the array, its backward brings the gradient back to the old shape.
"""

from __future__ import annotations

import math

import numpy as np

from .. import dtypes
from ..backends import array_module, backend_of
from ..errors import warn
from ..tensor import Tensor, normalize_dim
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
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 "
            "can be any value and is ambiguous"
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


@op(view=True, method=False, namespace=None, node="Alias")
class same:
    """All of the tensor, as a view."""

    def forward(xp, a):
        return a[...]

    def backward(ctx, g):
        return g


@op(view=True, method=False, namespace=None, node="View")
class view_shape:
    """The same memory in another shape."""

    def forward(xp, a, *, shape):
        made = _without_copy(xp, a, shape)
        if made is None:
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across "
                "two contiguous subspaces). Use .reshape(...) instead."
            )
        return made

    def save(ctx, out, a, *, shape):
        ctx.shape = a.shape

    def backward(ctx, g):
        return g.reshape(ctx.shape)


@op(view=True, method=False, namespace=None, node="ViewDtype")
class view_dtype:
    """The same memory read as another dtype."""

    def arguments(input, dtype):
        _check_readable_as(input, dtype)
        return (input,), {"dtype": dtype}

    def forward(xp, a, *, dtype):
        return a.view(dtype.numpy)


def _check_readable_as(input, dtype) -> None:
    """RuntimeError unless every row of the memory holds whole elements of a dtype of another size."""
    old, new = input.itemsize, dtype.itemsize
    if old == new:
        return
    names = f"view {dtypes.legacy_name(input.dtype)} as {dtypes.legacy_name(dtype)} (different element sizes)"
    if input.ndim == 0:
        raise RuntimeError(f"self.dim() cannot be 0 to {names}")
    if input.stride(-1) != 1:
        raise RuntimeError(f"self.stride(-1) must be 1 to {names}, but got {input.stride(-1)}")
    if old > new:
        return
    ratio = new // old
    steps = [(f"self.stride({d})", step) for d, step in enumerate(input.stride()[:-1])]
    for name, value in (("self.size(-1)", input.shape[-1]), ("self.storage_offset()", input.storage_offset()), *steps):
        if value % ratio:
            raise RuntimeError(f"{name} must be divisible by {ratio} to {names}, but got {value}")


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
        return view_dtype(self, dtype or shape[0])
    shape = (size,) if size is not None else shape
    return view_shape(self, shape=inferred_shape(raw_shape(shape), self._array.size))


def raw_shape(shape) -> tuple[int, ...]:
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
    shape = inferred_shape(raw_shape((named["shape"],) if "shape" in named else shape), input._array.size)
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
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({length}) in the "
            "input tensor"
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
    dims = raw_shape((named["dims"],) if "dims" in named else dims)
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
    if self.ndim == 0:
        _warn_without_dimensions("T")
    elif self.ndim != 2:
        warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will "
            "throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
            "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor."
        )
    return permute_dims(self, dims=tuple(range(self.ndim))[::-1])


def _warn_without_dimensions(name: str) -> None:
    advice = "Consider using x.conj()." if "H" in name else "This function is the identity in these cases."
    warn(f"Tensor.{name} is deprecated on 0-D tensors. {advice}")


def _matrix_transposed(self, name: str = "mT") -> Tensor:
    """The last two dimensions swapped."""
    if self.ndim == 1:
        raise RuntimeError(f"tensor.{name} is only supported on matrices or batches of matrices. Got 1-D tensor.")
    if self.ndim == 0:
        _warn_without_dimensions(name)
        return self
    return transpose(self, -2, -1)


def _conjugate_transposed(self) -> Tensor:
    """The conjugate transpose of a matrix."""
    if self.ndim == 0:
        _warn_without_dimensions("H")
        return self.conj()
    if self.ndim != 2:
        advice = " For batches of matrices, consider using tensor.mH" if self.ndim > 2 else ""
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.{advice}")
    return transpose(self, 0, 1).conj()


Tensor.T = property(_transposed)
Tensor.mT = property(_matrix_transposed)
Tensor.H = property(_conjugate_transposed)
Tensor.mH = property(lambda self: _matrix_transposed(self, "mH").conj(), doc="The conjugate transpose of each matrix.")


@function(method=True, alias="moveaxis")
def movedim(input, source, destination):
    """movedim(input, source, destination) -> Tensor: dimensions moved to other places; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.movedim.html
    """
    sources = [normalize_dim(d, input.ndim) for d in ([source] if isinstance(source, int) else source)]
    places = [normalize_dim(d, input.ndim) for d in ([destination] if isinstance(destination, int) else destination)]
    if len(sources) != len(places):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source and destination dims should contain the same number "
            f"of dims, but got {source} and {destination}"
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
    """squeeze(input, dim=None) -> Tensor

    Without the dimensions of size 1, or without those in `dim` that have size 1; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.squeeze.html
    """

    def arguments(input, dim=None):
        shape = input._array.shape
        overload = 0 if dim is None else 2 if isinstance(dim, (tuple, list)) else 1
        dims = [normalize_dim(d, len(shape)) for d in ((range(len(shape)), (dim,), dim)[overload])]
        return (input,), {"dims": tuple([d for d in dims if shape and shape[d] == 1]), "overload": overload}

    def forward(xp, a, *, dims, overload):
        return a.squeeze(dims) if dims else a[...]

    def save(ctx, out, a, *, dims, overload):
        ctx.shape, ctx.overload = a.shape, overload

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
