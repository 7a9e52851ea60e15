"""Joining, splitting, repeating and reordering tensors."""

from __future__ import annotations

import functools
import itertools

import numpy as np

from .. import dtypes
from ..errors import warn
from ..tensor import Tensor, normalize_dim
from ._op import OPS, function, op
from .from_data import as_tensor
from .indexing import view_at

_FULL = slice(None)


def _in_common_dtype(tensors: list[Tensor], among: list[Tensor]) -> list[Tensor]:
    """`tensors` cast to the dtype that those `among` promote to."""
    found = list(dict.fromkeys(t._array.dtype for t in among))
    if len(found) == 1:
        return tensors
    dtype = functools.reduce(dtypes.promote_types, (dtypes.from_numpy(each) for each in found))
    return [t if t.dtype is dtype else t.to(dtype) for t in tensors]


def _tensor_list(name: str, tensors) -> list[Tensor]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, (list, tuple)):
        kind = "Tensor" if isinstance(tensors, Tensor) else type(tensors).__name__
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {kind}")
    for position, t in enumerate(tensors):
        if not isinstance(t, Tensor):
            raise TypeError(f"expected Tensor as element {position} in argument 0, but got {type(t).__name__}")
    return list(tensors)


@op(method=False, alias=("concat", "concatenate"))
class cat:
    """cat(tensors, dim=0, *, out=None) -> Tensor: tensors one after the other along an existing dimension.

    RuntimeError where their other sizes differ.

    >>> import course_lib as torch
    >>> torch.cat([torch.zeros(1, 2), torch.ones(2, 2)]).shape
    torch.Size([3, 2])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cat.html
    """

    def arguments(tensors, dim=0):
        tensors = _tensor_list("cat", tensors)
        if not tensors:
            raise ValueError("torch.cat(): expected a non-empty list of Tensors")
        joined = [t for t in tensors if t._array.shape != (0,)] or tensors[:1]  # 1-D empty tensors are skipped
        for position, t in enumerate(joined):
            if t._array.ndim == 0:
                raise RuntimeError(f"zero-dimensional tensor (at position {position}) cannot be concatenated")
        dim = normalize_dim(dim, joined[0].ndim)
        _check_sizes(joined, dim)
        return _in_common_dtype(joined, among=tensors), {"dim": dim}

    def forward(xp, *arrays, dim):
        return xp.concatenate(arrays, axis=dim)

    def save(ctx, out, *tensors, dim):
        ctx.dim, ctx.lengths = dim, [t.shape[dim] for t in tensors]

    def backward(ctx, g):
        return g.split(ctx.lengths, ctx.dim)


def _check_sizes(tensors, dim: int) -> None:
    first = tensors[0]._array.shape
    for position, t in enumerate(tensors):
        shape = t._array.shape
        if len(shape) != len(first):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
        for d, (a, b) in enumerate(zip(first, shape, strict=True)):
            if d != dim and a != b:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {a} but got size {b} "
                    "for tensor "
                    f"number {position} in the list."
                )


@op(method=False)
class stack:
    """stack(tensors, dim=0, *, out=None) -> Tensor: tensors of one shape along a new dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.stack.html
    """

    def arguments(tensors, dim=0):
        tensors = _tensor_list("stack", tensors)
        if not tensors:
            raise RuntimeError("stack expects a non-empty TensorList")
        first = tensors[0]._array.shape
        for position, t in enumerate(tensors):
            if t._array.shape != first:
                raise RuntimeError(
                    f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 and "
                    f"{list(t.shape)} at entry {position}"
                )
        return _in_common_dtype(tensors, among=tensors), {"dim": normalize_dim(dim, len(first) + 1)}

    def forward(xp, *arrays, dim):
        shape = arrays[0].shape
        if not shape:
            return xp.array(arrays, dtype=arrays[0].dtype)
        if dim == 0:  # what lies one after the other needs no axis of its own before it is joined
            return xp.concatenate(arrays).reshape(len(arrays), *shape)
        return xp.stack(arrays, axis=dim)

    def save(ctx, out, *tensors, dim):
        ctx.dim = dim

    def backward(ctx, g):
        return g.unbind(ctx.dim)


@function(out=True)
def hstack(tensors):
    """hstack(tensors) -> Tensor: side by side (dimension 1, or 0 for 1-D tensors).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.hstack.html
    """
    if not tensors:
        raise RuntimeError("hstack expects a non-empty TensorList")
    tensors = [t.reshape(1) if t.ndim == 0 else t for t in tensors]
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


@function(out=True)
def vstack(tensors):
    """vstack(tensors) -> Tensor: one below the other; 1-D tensors become rows.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.vstack.html
    """
    if not tensors:
        raise RuntimeError("vstack expects a non-empty TensorList")
    return cat([t.reshape(1, -1) if t.ndim < 2 else t for t in tensors], 0)


# ---- splitting ---------------------------------------------------------------------------------------------------


@function(method=True)
def split(tensor, split_size_or_sections=None, dim=0, *, split_size=None):
    """split(tensor, split_size_or_sections, dim=0) -> tuple of Tensors: pieces along `dim`, as views.

    A number gives pieces of that size (the last may be smaller), a list the size of each.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.split.html
    """
    given = sections = split_size_or_sections if split_size is None else split_size
    dim = normalize_dim(dim, tensor.ndim)
    length = tensor.shape[dim]
    if isinstance(sections, int):
        if sections <= 0 and not (sections == 0 and length == 0):
            raise RuntimeError(
                f"split expects split_size be non-negative, but got split_size={sections}"
                if sections < 0
                else f"split_size can only be 0 if dimension size is 0, but got dimension size of {length}"
            )
        sections = [min(sections, length - at) for at in range(0, length, max(sections, 1))] or [0]
    elif sum(sections) != length:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at dimension "
            f"{dim}), but "
            f"got split_sizes={list(sections)}"
        )
    if any(size < 0 for size in sections):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={list(sections)}"
        )
    pieces = equal_pieces if isinstance(given, int) else chosen_pieces
    return pieces(tensor, dim=dim, sections=tuple(sections))


class _Pieces:
    """Pieces of given lengths along `dim`, as views with one node: the gradients of all of them are joined."""

    def forward(xp, a, *, dim, sections):
        ends = list(itertools.accumulate(sections))
        before = (_FULL,) * dim
        return tuple([a[(*before, slice(end - size, end))] for size, end in zip(sections, ends, strict=True)])

    def save(ctx, outs, a, *, dim, sections):
        ctx.dim = dim

    def backward(ctx, *grads):
        return cat(grads, ctx.dim)


equal_pieces = op(view=True, node="Split", method=False, namespace=None)(type("equal_pieces", (_Pieces,), {}))
chosen_pieces = op(view=True, node="SplitWithSizes", method=False, namespace=None)(
    type("chosen_pieces", (_Pieces,), {})
)


@function(method=True)
def chunk(input, chunks, dim=0):
    """chunk(input, chunks, dim=0) -> tuple of Tensors: at most `chunks` pieces of equal size (the last may be smaller).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.chunk.html
    """
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = normalize_dim(dim, input.ndim)
    length = input.shape[dim]
    if length == 0:
        return split(input, [0] * chunks, dim)
    return split(input, -(-length // chunks), dim)


@function(method=True)
def tensor_split(input, indices_or_sections, dim=0):
    """tensor_split(input, indices_or_sections, dim=0) -> tuple of Tensors: n nearly equal pieces, or cut at indices.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.tensor_split.html
    """
    dim = normalize_dim(dim, input.ndim)
    length = input.shape[dim]
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        n, extra = divmod(length, indices_or_sections)
        cuts = [i * n + min(i, extra) for i in range(indices_or_sections + 1)]
    else:
        cuts = [0, *[slice(i).indices(length)[1] for i in indices_or_sections], length]
    return tuple(view_at(input, (*(_FULL,) * dim, slice(a, max(a, b)))) for a, b in zip(cuts, cuts[1:], strict=False))


@function(method=True)
def unbind(input, dim=0):
    """unbind(input, dim=0) -> tuple of Tensors: the slices along `dim`, without it; views.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.unbind.html
    """
    if input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = normalize_dim(dim, input.ndim)
    return slices(input, dim=dim) if input._array.shape[dim] else ()


@op(view=True, node="Unbind", method=False, namespace=None)
class slices:
    """Every slice along `dim`, as views with one node: the gradients of all of them are stacked."""

    def forward(xp, a, *, dim):
        front = a if dim == 0 else xp.moveaxis(a, dim, 0)
        return tuple([front[i, ...] for i in range(len(front))])

    def save(ctx, outs, a, *, dim):
        ctx.dim = dim

    def backward(ctx, *grads):
        return stack(grads, ctx.dim)


# ---- repeating and reordering ------------------------------------------------------------------------------------


@function(method=True, namespace=None)
def repeat(self, *repeats):
    """repeat(*repeats) -> Tensor: copies of the tensor side by side, `repeats` times along each dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.repeat.html
    """
    repeats = tuple(repeats[0]) if len(repeats) == 1 and not isinstance(repeats[0], int) else repeats
    lead = len(repeats) - self.ndim
    if lead < 0:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if any(r < 0 for r in repeats):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(repeats)}: {list(repeats)}")
    shape = (1,) * lead + tuple(self.shape)
    paired, target = [], []
    for r, n in zip(repeats, shape, strict=True):
        paired += [1, n]
        target += [r, n]
    return self.reshape(paired).expand(target).clone().reshape([r * n for r, n in zip(repeats, shape, strict=True)])


@function(method=True)
def tile(input, *dims):
    """tile(input, dims) -> Tensor: as `repeat`, with missing leading repeats taken as 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.tile.html
    """
    dims = tuple(dims[0]) if len(dims) == 1 and not isinstance(dims[0], int) else dims
    return repeat(input, (1,) * (input.ndim - len(dims)) + tuple(dims))


@function(method=True)
def repeat_interleave(input, repeats, dim=None, *, output_size=None):
    """repeat_interleave(input, repeats, dim=None) -> Tensor: each element repeated (a number, or one count an element).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.repeat_interleave.html
    """
    if dim is None:
        input, dim = input.reshape(-1), 0
    dim = normalize_dim(dim, input.ndim)
    counts = repeats.cpu()._array if isinstance(repeats, Tensor) else repeats
    positions = np.repeat(np.arange(input.shape[dim]), counts)
    return input.index_select(dim, as_tensor(positions, device=input.device))


@op()
class flip:
    """flip(input, dims) -> Tensor: the order reversed along the dimensions; a copy.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.flip.html
    """

    def arguments(input, *dims, **named):
        dims = named.pop("dims", dims)
        dims = (dims,) if isinstance(dims, int) else dims
        dims = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
        return (input,), {"dims": tuple([normalize_dim(d, input.ndim) for d in dims])}

    def forward(xp, a, *, dims):
        if a.ndim == 0:
            return a.copy()
        made = xp.empty_like(a, order="C" if 0 in a.strides and a.size > 1 else "K")
        made[...] = xp.flip(a, dims)
        return made

    def save(ctx, out, a, *, dims):
        ctx.dims = dims

    def backward(ctx, g):
        return g.flip(ctx.dims)


@function(method=True)
def fliplr(input):
    """fliplr(input) -> Tensor: columns in reversed order."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@function(method=True)
def flipud(input):
    """flipud(input) -> Tensor: rows in reversed order."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@op()
class roll:
    """roll(input, shifts, dims=None) -> Tensor

    Elements moved along dimensions; what leaves at the end enters in front.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.roll.html
    """

    def arguments(input, shifts, dims=None):
        shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
        dims = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
        if not shifts:
            raise RuntimeError("`shifts` required")
        if (dims or len(shifts) > 1) and len(dims) != len(shifts):
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
        if dims and not input.ndim:
            raise IndexError(f"Dimension specified as {dims[0]} but tensor has no dimensions")
        return (input,), {"shifts": shifts, "dims": tuple([normalize_dim(d, input.ndim) for d in dims])}

    def forward(xp, a, *, shifts, dims):
        return xp.roll(a, shifts, dims) if dims else xp.roll(a, shifts[0])

    def save(ctx, out, a, *, shifts, dims):
        ctx.shifts, ctx.dims = shifts, dims

    def backward(ctx, g):
        back = tuple([-s for s in ctx.shifts])
        return g.roll(back, ctx.dims) if ctx.dims else g.roll(back)


def _triangle(name: str, text: str):
    def arguments(input, diagonal=0):
        if input.ndim < 2:
            raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
        return (input,), {"diagonal": diagonal}

    def forward(xp, a, *, diagonal):
        return getattr(xp, name)(a, diagonal).astype(a.dtype, copy=False)  # CuPy gives float32 for bfloat16

    def save(ctx, out, a, *, diagonal):
        ctx.diagonal = diagonal

    def backward(ctx, g):
        return getattr(g, name)(ctx.diagonal)

    document = f"""{name}(input, diagonal=0, *, out=None) -> Tensor: {text}, zeros elsewhere.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {
        "arguments": arguments,
        "forward": forward,
        "save": save,
        "backward": backward,
        "__doc__": document,
        "__module__": __name__,
    }
    return op(inplace=True)(type(name, (), members))


tril = _triangle("tril", "the elements on and below a diagonal")
triu = _triangle("triu", "the elements on and above a diagonal")


@function(method=True, out=True)
def diag(input, diagonal=0):
    """diag(input, diagonal=0) -> Tensor: a vector as a diagonal matrix, or a matrix's diagonal.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.diag.html
    """
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim == 2:
        return input.diagonal(diagonal).clone()
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")


@op()
class diag_embed:
    """diag_embed(input, offset=0, dim1=-2, dim2=-1) -> Tensor: matrices with the last dimension on their diagonal.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.diag_embed.html
    """

    def arguments(input, offset=0, dim1=-2, dim2=-1):
        first, second = normalize_dim(dim1, input.ndim + 1), normalize_dim(dim2, input.ndim + 1)
        if first == second:
            raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
        return (input,), {"offset": offset, "dim1": first, "dim2": second}

    def forward(xp, a, *, offset, dim1, dim2):
        size = a.shape[-1] + abs(offset)
        shape = list(a.shape[:-1])
        for dim in sorted((dim1, dim2)):
            shape.insert(dim, size)
        made = xp.zeros(shape, a.dtype)
        if a.size:
            OPS["diagonal"].forward(xp, made, offset=offset, dim1=dim1, dim2=dim2)[...] = a
        return made

    def save(ctx, out, a, **where):
        ctx.where = where

    def backward(ctx, g):
        return g.diagonal(**ctx.where)


@function(method=True)
def trace(input):
    """trace(input) -> Tensor: the sum of the diagonal of a matrix.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.trace.html
    """
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return input.diagonal().sum()


@function()
def meshgrid(*tensors, indexing=None):
    """meshgrid(*tensors, indexing="ij") -> tuple of Tensors: the coordinates of the grid that 1-D tensors span.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.meshgrid.html
    """
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    if indexing is None:
        warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.")
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    swap = indexing == "xy" and len(tensors) > 1
    tensors = [tensors[1], tensors[0], *tensors[2:]] if swap else list(tensors)
    sizes = [t.numel() for t in tensors]
    grids = []
    for i, t in enumerate(tensors):
        shape = [1] * len(tensors)
        shape[i] = sizes[i]
        grids.append(t.reshape(shape).expand(sizes))
    if swap:
        grids = [grids[1], grids[0], *grids[2:]]
    return tuple(grids)
