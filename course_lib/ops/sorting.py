"""Sorting, ranking and distinct values."""

from __future__ import annotations

import math

from .. import dtypes, return_types
from ..backends import array_module
from ..tensor import Tensor, normalize_dim, wrap
from ._arguments import result_dtype
from ._numeric import require_kind
from ._op import function, op


@op(method=False, namespace=None, node="Sort")
class sort_along:
    """Values in order along one dimension, and where they came from."""

    def forward(xp, a, *, dim, descending):
        if a.ndim == 0:
            return a.copy(), xp.zeros((), "int64")
        at = _order(xp, a, dim, descending)
        return xp.take_along_axis(a, at, axis=dim), at

    def save(ctx, outs, a, *, dim, descending):
        ctx.save_for_backward(outs[1])
        ctx.shape, ctx.dim = a.shape, dim

    def backward(ctx, g, _):
        (at,) = ctx.saved_tensors
        return g.new_zeros(ctx.shape).scatter(ctx.dim, at, g) if ctx.shape else g


def ascending(xp, a, dim: int):
    """Positions that sort stably, NaN last; bfloat16, which NumPy does not sort so, in float32."""
    return xp.argsort(_plain(a), axis=dim, kind="stable")


def _order(xp, a, dim: int, descending: bool):
    """Positions that sort stably; in descending order equal elements also keep their order, and NaN comes first."""
    if not descending:
        return ascending(xp, a, dim)
    return a.shape[dim] - 1 - xp.flip(ascending(xp, xp.flip(a, dim), dim), dim)


@function(method=True, out=True)
def sort(input, dim=-1, descending=False, stable=False):
    """sort(input, dim=-1, descending=False, stable=False) -> (values, indices): sorted along one dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sort.html
    """
    if input.is_complex():
        raise RuntimeError(" Sort does not support complex dtypes on CPU")
    return return_types.sort(sort_along(input, dim=normalize_dim(dim, input.ndim), descending=bool(descending)))


@function(method=True)
def argsort(input, dim=-1, descending=False, stable=False):
    """argsort(input, dim=-1, descending=False) -> Tensor: the positions that sort the input along one dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.argsort.html
    """
    return sort(input, dim, descending).indices


@function(method=True, out=True)
def topk(input, k, dim=-1, largest=True, sorted=True):
    """topk(input, k, dim=-1, largest=True) -> (values, indices): the k largest (or smallest) elements along `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.topk.html
    """
    dim = normalize_dim(dim, input.ndim)
    if k < 0 or k > (input.shape[dim] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if input.ndim == 0:
        return return_types.topk(sort(input))
    values, indices = sort(input, dim, largest)
    return return_types.topk((values.narrow(dim, 0, k).contiguous(), indices.narrow(dim, 0, k).contiguous()))


@function(method=True, out=True)
def msort(input):
    """msort(input, *, out=None) -> Tensor: sorted along the first dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.msort.html
    """
    return sort(input, 0).values


# ---- distinct values ---------------------------------------------------------------------------------------------


def _several(values, inverse, counts, return_inverse: bool, return_counts: bool):
    """The results that were asked for: one tensor, or a tuple."""
    found: list[Tensor] = [wrap(values)]
    if return_inverse:
        found.append(wrap(inverse))
    if return_counts:
        found.append(wrap(counts))
    return found[0] if len(found) == 1 else tuple(found)


def _plain(array):
    """bfloat16, which NumPy's `unique` does not sort, in float32."""
    return array.astype("f4") if array.dtype.kind == "V" else array


@function(method=True)
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None) -> Tensor or tuple

    The distinct elements in order (or distinct slices along `dim`); optionally where each went and how often it occurs.

    >>> import course_lib as torch
    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))

    Source: https://docs.pytorch.org/docs/stable/generated/torch.unique.html
    """
    array = input._array
    if dim is not None:
        if input.ndim == 0:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        dim = normalize_dim(dim, input.ndim)
        if array.size == 0 and array.shape[dim]:
            raise RuntimeError(
                "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"
                if 0 in array.shape[:dim] + array.shape[dim + 1 :]
                else "unique: the input is empty"
            )
    values, inverse, counts = array_module(array).unique(
        _plain(array), return_inverse=True, return_counts=True, axis=dim, equal_nan=False
    )
    inverse = inverse.reshape(array.shape if dim is None else -1)
    return _several(values.astype(array.dtype, copy=False), inverse, counts, return_inverse, return_counts)


@function(method=True)
def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """unique_consecutive(input, return_inverse=False, return_counts=False, dim=None) -> Tensor or tuple

    As `unique`, but only neighbours that are equal become one; nothing is sorted.

    >>> import course_lib as torch
    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.unique_consecutive.html
    """
    array = input._array
    xp = array_module(array)
    if dim is None:
        rows, dim = array.reshape(-1), 0
        shape = array.shape
    else:
        dim = normalize_dim(dim, input.ndim)
        rows, shape = xp.moveaxis(array, dim, 0), (-1,)
    flat = rows.reshape(len(rows), -1) if rows.size else rows.reshape(len(rows), 0)
    starts = xp.ones(len(rows), bool)
    starts[1:] = (flat[1:] != flat[:-1]).any(1)
    first = starts.nonzero()[0]
    counts = xp.diff(xp.append(first, len(rows)))
    inverse = (xp.cumsum(starts) - 1).reshape(shape if len(rows) else (0,))
    return _several(xp.moveaxis(rows[first], 0, dim), inverse, counts, return_inverse, return_counts)


@op()
class bincount:
    """bincount(input, weights=None, minlength=0) -> Tensor: how often each non-negative integer occurs.

    With `weights` their sum for each integer: float32 for float32 weights, else float64.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bincount.html
    """

    def arguments(input, weights=None, minlength=0):
        if minlength < 0:
            raise RuntimeError("minlength should be >= 0")
        require_kind("bincount_cpu", input._array, "iu")
        if input.ndim != 1 or (input.numel() and int(input.min()) < 0):
            raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
        if weights is not None and weights.shape != input.shape:
            raise RuntimeError("weights should be 1-d and have the same length as input")
        return (input, weights), {"minlength": minlength}

    def forward(xp, a, weights, *, minlength):
        made = xp.bincount(a, weights, minlength)
        return made if weights is None or weights.dtype.name != "float32" else made.astype("float32")


# ---- places in a sorted sequence ---------------------------------------------------------------------------------


def _search(xp, rows, values, right: bool):
    """Places in sorted rows: `rows` is one sequence for all values, or has one row for each row of values."""
    side = "right" if right else "left"
    if rows.ndim == 1:
        return xp.searchsorted(rows, values, side=side)
    count = math.prod(rows.shape[:-1])
    flat_rows, flat_values = rows.reshape(count, rows.shape[-1]), values.reshape(count, values.shape[-1])
    made = xp.zeros(flat_values.shape, "int64")
    for i in range(len(flat_rows)):
        made[i] = xp.searchsorted(flat_rows[i], flat_values[i], side=side)
    return made.reshape(values.shape)


@function(out=True)
def searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None):
    """searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None, out=None) -> Tensor

    Where each value would have to be inserted to keep the last dimension of `sorted_sequence` sorted: in front of equal
    elements, or behind them (right=True, side="right"). `sorter` holds positions that sort an unsorted sequence.

    >>> import course_lib as torch
    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 6]))
    tensor([1, 3])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.searchsorted.html
    """
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    xp = array_module(sorted_sequence._array)
    rows = sorted_sequence._array
    if isinstance(input, Tensor):
        if input.ndim == 0 and rows.ndim != 1:
            raise RuntimeError(
                "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but "
                "we got "
                f"boundaries tensor dim({rows.ndim}) and input value's dim({input.ndim}) numel({input.numel()})"
            )
        if rows.ndim != 1 and rows.shape[:-1] != input._array.shape[:-1]:
            raise RuntimeError(
                "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
                "boundaries "
                f"tensor and input value tensor must match, but we got boundaries tensor {list(rows.shape)} and "
                "input value "
                f"tensor {list(input.shape)}"
            )
        if input.dtype is not sorted_sequence.dtype:
            raise RuntimeError(
                "torch.searchsorted(): boundary tensor and input value tensor should have same dtype, but got "
                f"boundary tensor dtype {dtypes.c_name(sorted_sequence.dtype)} and input value tensor dtype "
                f"{dtypes.c_name(input.dtype)}"
            )
        values = input._array
    else:
        if rows.ndim != 1:
            raise RuntimeError(
                "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but "
                "we got "
                f"boundaries tensor dim({rows.ndim}) and input value's dim(0) numel(1)"
            )
        values = xp.asarray(input)
    if sorter is not None:
        if sorter.shape != sorted_sequence.shape:
            raise RuntimeError(
                "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
                f"{list(rows.shape)}and got sorter tensor {list(sorter.shape)}"
            )
        if sorter.dtype is not dtypes.int64:
            raise RuntimeError(
                "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype "
                f"{dtypes.legacy_name(sorter.dtype)}"
            )
        rows = xp.take_along_axis(rows, sorter._array, axis=-1)
    found = _search(xp, _plain(rows), _plain(values), right or side == "right")
    return wrap(xp.asarray(found).astype("int32" if out_int32 else "int64"))


@function(out=True)
def bucketize(input, boundaries, *, out_int32=False, right=False):
    """bucketize(input, boundaries, *, out_int32=False, right=False, out=None) -> Tensor

    The number of the bucket of each value; `boundaries` (1-D, ascending) separate the buckets.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bucketize.html
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@function(out=True)
def isin(elements, test_elements, *, assume_unique=False, invert=False):
    """isin(elements, test_elements, *, assume_unique=False, invert=False, out=None) -> Tensor

    bool, for each element whether it is one of `test_elements`. Either may be a number.

    >>> import course_lib as torch
    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2, 3]))
    tensor([False,  True,  True])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.isin.html
    """
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError("isin(): at least one of elements and test_elements must be a Tensor")
    arrays = []
    wanted = result_dtype(elements, test_elements)
    xp = array_module((elements if isinstance(elements, Tensor) else test_elements)._array)
    for value in (elements, test_elements):
        if isinstance(value, Tensor) and value.is_complex():
            raise RuntimeError(f"Unsupported input type encountered for isin(): {dtypes.legacy_name(value.dtype)}")
        arrays.append(_plain(value._array) if isinstance(value, Tensor) else xp.asarray(value, wanted.numpy))
    return wrap(xp.asarray(xp.isin(arrays[0], arrays[1], assume_unique=assume_unique, invert=invert)))
