"""ONNX for reading and writing by position: `x[key]`, `x[key] = value`, gather, scatter, embedding."""

from __future__ import annotations

import numpy as np

from .. import dtypes
from .builder import Builder, Ref, handles
from .shape import cut


@handles("__getitem__")
def _getitem(g, input, key):
    return picked(g, input.name, input.ndim, key)


def picked(g: Builder, x: str, ndim: int, key) -> str:
    """`x[key]` for an ONNX value with `ndim` dimensions."""
    entries = _entries(g, ndim, key)
    dim = 0
    for entry in entries:
        if isinstance(entry, slice):
            if not (entry.start is None and entry.stop is None and entry.step is None):
                x = cut(g, x, dim, entry.start, entry.stop, 1 if entry.step is None else entry.step)
            dim += 1
        elif entry is not None:
            dim += _covers(entry)
    arrays = [e for e in entries if _is_array(e)]
    if arrays and len(entries) == 1 and arrays[0].dtype is dtypes.bool:
        return _by_mask(g, x, arrays[0])
    return _new_dimensions(g, *_by_position(g, x, entries))


def _entries(g: Builder, ndim: int, key) -> list:
    """The key with `...` spelled out and sequences as arrays."""
    entries = list(key) if isinstance(key, tuple) else [key]
    entries = [_as_array(g, e) if isinstance(e, (list, tuple)) else e for e in entries]
    if any(isinstance(e, bool) for e in entries):
        g.refuse("an index True or False has no ONNX operator")
    used = sum(_covers(e) if _is_array(e) else e is not None and e is not Ellipsis for e in entries)
    at = next((i for i, e in enumerate(entries) if e is Ellipsis), len(entries))
    return [*entries[:at], *[slice(None)] * (ndim - used), *entries[at + 1 :]]


def _as_array(g: Builder, values) -> Ref:
    array = np.asarray(values)
    return Ref(g.constant(array), array.shape, dtypes.from_numpy(array.dtype))


def _is_array(entry) -> bool:
    return isinstance(entry, Ref) and entry.shape is not None


def _covers(entry) -> int:
    """How many dimensions of the input an entry is about."""
    return entry.ndim if _is_array(entry) and entry.dtype is dtypes.bool else 1


def _by_mask(g: Builder, x: str, mask: Ref) -> str:
    return g.op("GatherND", x, g.transpose(g.op("NonZero", mask), (1, 0)))


def _by_position(g: Builder, x: str, entries: list):
    """Apply numbers and index arrays; returns the value, and the entries that are left (None, slices, a marker)."""
    entries = list(entries)
    arrays = [i for i, e in enumerate(entries) if _is_array(e)]
    if any(entries[i].dtype is dtypes.bool for i in arrays):
        g.refuse("a mask beside other indices has no ONNX operator")
    dims = {}  # the dimension of x that an entry is about
    for i, entry in enumerate(entries):
        dims[i] = sum(e is not None for e in entries[:i]) if entry is not None else None
    if len(arrays) > 1:
        return _by_several(g, x, entries, arrays, dims)
    for i in reversed(range(len(entries))):
        entry = entries[i]
        if entry is None or isinstance(entry, slice):
            continue
        index = g.scalar(entry) if not _is_array(entry) else entry
        x = g.op("Gather", x, index, axis=dims[i])
        entries[i : i + 1] = [slice(None)] * (entry.ndim if _is_array(entry) else 0)
    return x, entries


def _by_several(g: Builder, x: str, entries: list, arrays: list[int], dims: dict):
    """Several index arrays: their dimensions go to the front, GatherND reads, the result goes to its place."""
    numbers = [i for i, e in enumerate(entries) if not (e is None or isinstance(e, slice) or _is_array(e))]
    picks = sorted(arrays + numbers)
    adjacent = picks == list(range(picks[0], picks[-1] + 1))
    rest = [dims[i] for i, e in enumerate(entries) if isinstance(e, slice)]
    x = g.transpose(x, [*[dims[i] for i in picks], *rest])
    shape = np.broadcast_shapes(*[entries[i].shape for i in arrays])
    index = [g.cast(entries[i], dtypes.int64) if i in arrays else g.scalar(entries[i]) for i in picks]
    common = index[0]
    for other in index[1:]:
        common = g.op("Add", common, other)
    sizes = g.op("Shape", common)
    stacked = g.op("Concat", *[g.unsqueeze(g.op("Expand", i, sizes), len(shape)) for i in index], axis=-1)
    x = g.op("GatherND", x, stacked)
    place = sum(isinstance(e, slice) for e in entries[: picks[0]]) if adjacent else 0
    order = [*range(len(shape), len(shape) + place), *range(len(shape)),
             *range(len(shape) + place, len(shape) + len(rest))]  # fmt: skip
    x = g.transpose(x, order) if place else x
    if not adjacent:
        left = [slice(None)] * len(shape) + [e for i, e in enumerate(entries) if i not in picks]
    else:
        left = [*entries[: picks[0]], *[slice(None)] * len(shape), *entries[picks[-1] + 1 :]]
    return x, left


def _new_dimensions(g: Builder, x: str, entries: list) -> str:
    new = [i for i, e in enumerate(entries) if e is None]
    return g.unsqueeze(x, *new) if new else x


@handles("__setitem__")
def _setitem(g, input, key, value):
    """The positions of `x[key]` are read from a tensor that counts x's elements; there the values are written."""
    size = g.op("ReduceProd", g.shape_of(input), keepdims=0) if input.ndim else g.constant(1)
    counted = g.op("Range", g.constant(0), size, g.constant(1))
    positions = picked(g, g.op("Reshape", counted, g.shape_of(input)), input.ndim, key)
    values = g.op("Expand", g.cast(value, input.dtype), g.op("Shape", positions))
    flat = g.op("ScatterElements", g.reshape(input, [-1]), g.reshape(positions, [-1]), g.reshape(values, [-1]), axis=0)
    return g.op("Reshape", flat, g.shape_of(input))


@handles("index_put")
def _index_put(g, input, indices, values, accumulate=False):
    if accumulate:
        g.refuse("index_put with accumulate=True has no ONNX operator here")
    return _setitem(g, input, tuple([slice(None) if i is None else i for i in indices]), values)


@handles("select")
def _select(g, input, dim, index):
    return g.op("Gather", input, g.scalar(index), axis=dim)


@handles("index_select")
def _index_select(g, input, dim, index):
    return g.op("Gather", input, g.reshape(index, [-1]), axis=dim)


@handles("gather")
def _gather(g, input, dim, index, *, sparse_grad=False):
    return g.op("GatherElements", input, index, axis=dim)


@handles("take_along_dim")
def _take_along_dim(g, input, indices, dim=None):
    if dim is None:
        return g.op("Gather", g.reshape(input, [-1]), g.reshape(indices, [-1]))
    dim %= input.ndim
    shapes = [t.shape[:dim] + t.shape[dim + 1 :] for t in (input, indices)]
    if shapes[0] != shapes[1]:
        g.refuse("take_along_dim with sizes that broadcast has no ONNX operator")
    return g.op("GatherElements", input, indices, axis=dim)


@handles("scatter")
def _scatter(g, input, dim, index, src=None, *, value=None, reduce=None):
    src = value if src is None else src
    if isinstance(src, Ref) and src.shape:
        sizes = g.shape_of(index)
        zeros, steps = g.constant([0] * index.ndim), g.constant(list(range(index.ndim)))
        values = g.op("Slice", g.cast(src, input.dtype), zeros, sizes, steps)
    else:
        values = g.op("Expand", g.cast(src, input.dtype), g.shape_of(index))
    return g.op("ScatterElements", input, index, values, axis=dim)


@handles("scatter_add")
def _scatter_add(g, input, dim, index, src):
    return g.op("ScatterElements", input, index, src, axis=dim, reduction="add")


@handles("scatter_reduce")
def _scatter_reduce(g, input, dim, index, src, reduce, *, include_self=True):
    kinds = {"sum": "add", "prod": "mul", "amax": "max", "amin": "min"}
    if reduce not in kinds or not include_self:
        g.refuse(f"scatter_reduce with '{reduce}', or without the old values, has no ONNX operator")
    return g.op("ScatterElements", input, index, src, axis=dim, reduction=kinds[reduce])


def _rows(g: Builder, input: Ref, dim: int, index: Ref, values) -> tuple[str, str]:
    """An index of whole slices, and its values, spread to the form that ScatterElements takes."""
    before = [g.shape_of(input, 0, dim)] if dim else []
    after = [g.shape_of(input, dim + 1)] if dim < input.ndim - 1 else []
    count = g.reshape(g.op("Size", index), [1])
    sizes = g.op("Concat", *before, count, *after, axis=0)
    column = g.reshape(g.cast(index, dtypes.int64), [1] * dim + [-1] + [1] * (input.ndim - dim - 1))
    return g.op("Expand", column, sizes), g.op("Expand", values, sizes)


@handles("index_add")
def _index_add(g, input, dim, index, source, *, alpha=1):
    values = source.name if alpha == 1 else g.op("Mul", source, g.cast(alpha, input.dtype))
    index, values = _rows(g, input, dim % input.ndim, index, values)
    return g.op("ScatterElements", input, index, values, axis=dim, reduction="add")


@handles("index_copy")
def _index_copy(g, input, dim, index, source):
    return g.op("ScatterElements", input, *_rows(g, input, dim % input.ndim, index, source.name), axis=dim)


@handles("index_fill")
def _index_fill(g, input, dim, index, value):
    return g.op(
        "ScatterElements", input, *_rows(g, input, dim % input.ndim, index, g.cast(value, input.dtype)), axis=dim
    )


@handles("masked_select")
def _masked_select(g, input, mask):
    common = g.op("Expand", mask, g.shape_of(input))
    return g.op("Compress", g.reshape(g.op("Expand", input, g.shape_of(mask)), [-1]), g.reshape(common, [-1]))


@handles("nonzero")
def _nonzero(g, input, *, as_tuple=False):
    found = g.op("NonZero", g.cast(input, dtypes.bool))
    if not as_tuple:
        return g.transpose(found, (1, 0))
    return tuple([g.op("Gather", found, g.constant(i), axis=0) for i in range(len(g.out))])


@handles("embedding")
def _embedding(
    g, input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False
):
    if max_norm is not None:
        g.refuse("an embedding with max_norm changes its weight as it runs")
    return g.op("Gather", weight, input)


@handles("embedding_bag")
def _embedding_bag(g, input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode="mean",
                   sparse=False, per_sample_weights=None, include_last_offset=False, padding_idx=None):  # fmt: skip
    if input.ndim != 2 or padding_idx is not None or max_norm is not None:
        g.refuse(
            "embedding_bag is exported for bags of one length (a matrix of indices), without max_norm, padding_idx"
        )
    rows = g.op("Gather", weight, input)
    if per_sample_weights is not None:
        rows = g.op("Mul", rows, g.unsqueeze(per_sample_weights, 2))
    return g.reduce({"mean": "ReduceMean", "sum": "ReduceSum", "max": "ReduceMax"}[mode], rows, [1])


@handles("one_hot")
def _one_hot(g, tensor, num_classes=-1):
    if num_classes == -1:
        g.refuse("one_hot needs num_classes: otherwise the shape depends on the values")
    return g.op("OneHot", tensor, g.ints([num_classes]), g.constant([0, 1]))
