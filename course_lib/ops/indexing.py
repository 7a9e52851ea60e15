"""Indexing: `x[key]` and `x[key] = value`, and the views `select` and `narrow`.

A key is taken apart once (`split_key`): numbers, slices, None and `...` make a view (select, slice, unsqueeze);
tensors, lists and masks then pick elements out of that view, which copies.
"""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..backends import array_module, backend_of, is_array, is_numpy, moved
from ..backends.selection import select as chosen
from ..errors import warn
from ..tensor import Tensor, normalize_dim, wrap
from ._arguments import cast
from ._op import OPS, function, op
from .creation import checked_value
from .from_data import tensor
from .gather_scatter import by_kernel, out_of_bounds

_FULL = slice(None)

# ---- views by basic indexing -------------------------------------------------------------------------------------


def _basic_view(node: str, text: str):
    """Basic indexing makes one view; its node is named after the last thing that the key does."""

    def forward(xp, a, *, key):
        return a[key]

    def save(ctx, out, a, *, key):
        ctx.key, ctx.shape = key, a.shape

    def backward(ctx, g):
        return placed(g, shape=ctx.shape, key=ctx.key)

    members = {"forward": forward, "save": save, "backward": backward, "__doc__": text, "__module__": __name__}
    return op(view=True, method=False, namespace=None, node=node)(type("basic_" + node.lower(), (), members))


_select_view = _basic_view("Select", "One position along some dimensions.")
_slice_view = _basic_view("Slice", "A range of positions along some dimensions.")
_alias_view = _basic_view("Alias", "Everything.")


@op(method=False, namespace=None, node="SliceBackward")
class placed:
    """Zeros of the given shape with `g` written at a basic key."""

    def forward(xp, g, *, shape, key):
        made = xp.zeros(shape, g.dtype)
        made[key] = g
        return made

    def save(ctx, out, g, *, shape, key):
        ctx.key = key

    def backward(ctx, gg):
        return view_at(gg, ctx.key)


def view_at(input: Tensor, key: tuple) -> Tensor:
    """The view at a key of ints, slices, None and `...`."""
    if None in key:  # a new dimension gets the stride that `unsqueeze` gives it, which NumPy's None does not
        return _view_with_new_dimensions(input, key)
    make = _alias_view
    for entry in reversed(key):
        if isinstance(entry, slice):
            if entry == _FULL:
                continue
            make = _slice_view
        elif entry is Ellipsis:
            continue
        else:
            make = _select_view
        break
    return make(input, key=(*key, Ellipsis) if Ellipsis not in key else key)


def _view_with_new_dimensions(input: Tensor, key: tuple) -> Tensor:
    found = view_at(input, tuple([entry for entry in key if entry is not None]))
    dim = 0
    for entry in key:
        if entry is None:
            found = found.unsqueeze(dim)
        dim += entry is None or isinstance(entry, slice)
    return found


@function(method=True)
def select(input, dim, index):
    """select(input, dim, index) -> Tensor: the slice at one position of `dim`, without that dimension; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.select.html
    """
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = normalize_dim(dim, input.ndim)
    length = input.shape[dim]
    if not -length <= index < length:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    return view_at(input, (*(_FULL,) * dim, int(index)))


@function(method=True)
def narrow(input, dim, start, length):
    """narrow(input, dim, start, length) -> Tensor: `length` positions of `dim` from `start` on; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.narrow.html
    """
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    dim = normalize_dim(dim, input.ndim)
    size = input.shape[dim]
    if isinstance(start, Tensor):
        if start.ndim or start.dtype.category != dtypes.INT:
            raise RuntimeError("start must be an 0-dim integral Tensor.")
        start = start.item()
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -size <= start <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return view_at(input, (*(_FULL,) * dim, slice(start, start + length)))


# ---- taking a key apart ------------------------------------------------------------------------------------------


def split_key(input: Tensor, key) -> tuple[tuple, tuple | None]:
    """(basic key, advanced key for the view that the basic key makes, or None)."""
    entries = key if isinstance(key, tuple) or _stands_for_a_tuple(key) else (key,)
    entries = [_entry(e) for e in entries]
    if input.ndim == 0 and any(isinstance(e, int) and not isinstance(e, bool) for e in entries):
        _checked_index(0, input, 0)
    entries = _expand_ellipsis(entries, input)
    basic, advanced, dim = [], [], 0  # dim: the dimension of `input` that the next entry is about
    for entry in entries:
        if is_array(entry) and type(entry) is not type(input._array):
            entry = _beside(entry, input)
        if is_array(entry) or isinstance(entry, (bool, np.bool_)):
            dim += _take_advanced(entry, input, dim, basic, advanced)
        elif entry is None:
            basic.append(None)
            advanced.append(_FULL)
        elif isinstance(entry, slice):
            entry = _checked_slice(entry)
            everything = dim < input.ndim and entry.indices(input.shape[dim]) == (0, input.shape[dim], 1)
            basic.append(_FULL if everything else entry)
            advanced.append(_FULL)
            dim += 1
        else:
            basic.append(_checked_index(entry, input, dim))
            dim += 1
    picks = any(not isinstance(entry, slice) for entry in advanced)
    return tuple(basic), (tuple(advanced) if picks else None)


_MORE_THAN_NUMBERS = (list, tuple, range, str, slice, Tensor, np.ndarray)


def _stands_for_a_tuple(key) -> bool:
    """Whether a list is read as the tuple of its entries: a short one that holds lists, tensors, slices or None."""
    if not isinstance(key, (list, str)) or len(key) >= 32:
        return False
    if not any(isinstance(e, _MORE_THAN_NUMBERS) or e is None or e is ... for e in key):
        return False
    warn(
        "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; "
        "use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, "
        "x[torch.tensor(seq)], which will result either in an error or a different result",
    )
    return True


def _entry(entry):
    """One entry of a key as int, slice, None, Ellipsis, bool or index array."""
    if isinstance(entry, Tensor):
        array = entry._array
        if array.dtype.kind in "iu" and array.dtype.name != "uint8" and array.ndim == 0:
            return int(array)
        if array.dtype.name == "uint8":
            warn("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.")
            return array.astype(bool)
        if array.dtype.kind not in "biu":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return array
    if isinstance(entry, (list, tuple, range)):
        array = np.asarray([e.tolist() if isinstance(e, Tensor) else e for e in entry])
        return array.astype(np.int64) if array.size == 0 else _entry(wrap(np.atleast_1d(array)))
    if is_array(entry):
        return _entry(wrap(entry))
    if entry is None or entry is Ellipsis or isinstance(entry, (slice, bool)):
        return entry
    if hasattr(entry, "__index__"):
        return entry.__index__()
    if isinstance(entry, str):
        raise TypeError("new(): invalid data type 'str'")
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
        f"{type(entry).__name__})"
    )


def _expand_ellipsis(entries: list, input: Tensor) -> list:
    used = 0
    for entry in entries:
        if is_array(entry) and entry.dtype.kind == "b":
            used += entry.ndim
        elif entry is not None and entry is not Ellipsis and not isinstance(entry, bool):
            used += 1
    if used > input.ndim:
        raise IndexError(f"too many indices for tensor of dimension {input.ndim}")
    at = next((i for i, e in enumerate(entries) if e is Ellipsis), None)
    if at is None:
        return entries
    rest = [e for e in entries[at + 1 :] if e is not Ellipsis]
    return [*entries[:at], *[_FULL] * (input.ndim - used), *rest]


def _take_advanced(entry, input: Tensor, dim: int, basic: list, advanced: list) -> int:
    """Put an index array or a mask into both keys; returns how many dimensions of the input it covers."""
    if isinstance(entry, (bool, np.bool_)):
        basic.append(None)  # a Python bool is a mask over a new dimension
        advanced.append(array_module(input._array).zeros(1 if entry else 0, "int64"))
        return 0
    if entry.dtype.kind != "b":
        basic.append(_FULL)
        checked = is_numpy(entry)  # on a GPU the kernel that reads there looks, if there is one
        advanced.append(_checked_positions(entry, input.shape[dim], dim) if checked else entry)
        return 1
    for i, n in enumerate(entry.shape):
        if n != input.shape[dim + i]:
            raise IndexError(
                f"The shape of the mask {list(entry.shape)} at index {i} does not match the shape of the indexed "
                f"tensor {list(input.shape)} at index {dim + i}"
            )
    if entry.ndim == 0:
        basic.append(None)
        advanced.append(array_module(input._array).zeros(1 if entry else 0, "int64"))
        return 0
    for positions in entry.nonzero():
        basic.append(_FULL)
        advanced.append(positions)
    return entry.ndim


def _beside(index, input: Tensor):
    """An index array on the device of the tensor that it indexes: one of the CPU may index a tensor of a GPU."""
    if is_numpy(input._array):
        raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
    return moved(index, input.device)


def _checked_index(index: int, input: Tensor, dim: int) -> int:
    if input.ndim == 0:
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number"
        )
    length = input._array.shape[dim]
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of bounds for dimension {dim} with size {length}")
    return index


def _checked_slice(entry: slice) -> slice:
    parts = []
    for value in (entry.start, entry.stop, entry.step):
        if value is None or type(value) is int:
            parts.append(value)
        elif hasattr(value, "__index__"):
            parts.append(value.__index__())
        else:
            raise TypeError("slice indices must be integers or None or have an __index__ method")
    if parts[2] is not None and parts[2] <= 0:
        raise ValueError("step must be greater than zero")
    return slice(*parts)


def _checked_positions(positions, length: int, dim: int):
    bad = out_of_bounds(positions, length, -length)
    if bad is not None:
        raise IndexError(f"index {bad} is out of bounds for dimension {dim} with size {length}")
    return positions


# ---- x[key] and x[key] = value -----------------------------------------------------------------------------------


@op(method=False, namespace=None, node="Index")
class pick:
    """The elements at an advanced key; a copy."""

    def forward(xp, a, *, key):
        if xp is not np:
            made = _picked_rows(xp, a, key)
            if made is not None:
                return made
            _check_on_gpu(key, a.shape)
        picking = [dim for dim, entry in enumerate(key) if not isinstance(entry, slice)]
        if len(picking) == 1 and all(entry == _FULL for entry in key if isinstance(entry, slice)):
            return xp.take(a, key[picking[0]], picking[0])  # the rows of one dimension, in order
        try:
            return xp.ascontiguousarray(a[key])  # NumPy would leave what was picked in the order of the indices
        except IndexError as error:
            raise _shape_mismatch(key, error) from error

    def save(ctx, out, a, *, key):
        ctx.key, ctx.shape = key, a.shape

    def backward(ctx, g):
        return put_into_zeros(g, shape=ctx.shape, key=ctx.key)


def _row_numbers(xp, shape, key) -> tuple | None:
    """(dim, dims, index): a key whose index arrays stand side by side names rows, if the `dims` dimensions from `dim`
    on are taken for one; None for other keys.
    """
    picking = [dim for dim, entry in enumerate(key) if not isinstance(entry, slice)]
    if picking[-1] - picking[0] + 1 != len(picking) or any(e != _FULL for e in key if isinstance(e, slice)):
        return None
    if len(picking) == 1:
        return picking[0], 1, key[picking[0]]
    try:
        np.broadcast_shapes(*[key[dim].shape for dim in picking])
    except ValueError:
        return None
    number = 0
    for dim in picking:
        number = number * shape[dim] + key[dim] % shape[dim]  # the remainder of -1 is the last one
    return picking[0], len(picking), number


def _rows(array, dim: int, dims: int):
    """A row-major array with `dims` dimensions from `dim` on as one; a view."""
    return array.reshape(*array.shape[:dim], -1, *array.shape[dim + dims :])


def _picked_rows(xp, a, key):
    """What `pick` gives, by one CUDA kernel, or None."""
    found = _row_numbers(xp, a.shape, key) if a.size and a.flags.c_contiguous else None
    if found is None:
        return None
    dim, dims, index = found
    rows = _rows(a, dim, dims)
    run = by_kernel("take_rows", rows, index)
    if run is not None and dims > 1:
        _check_on_gpu(key, a.shape)  # the number of a row does not show it
    return run and run(rows, index, dim, -rows.shape[dim])


def _added_at(xp, target, key, values) -> None:
    """`target[key] += values`, repeated positions counted each time; on a GPU in a fixed order, as in PyTorch."""
    found = _row_numbers(xp, target.shape, key) if xp is not np and target.size and values.size else None
    if found is not None:
        dim, dims, index = found
        rows, picked = _rows(target, dim, dims), (*target.shape[:dim], *index.shape, *target.shape[dim + dims :])
        values = _rows(xp.ascontiguousarray(xp.broadcast_to(values, picked)), dim, index.ndim)
        run = by_kernel("add_rows", rows, index, values) if index.size else None
        if run is not None:
            return run(rows, index.reshape(-1), values, dim, 1.0, -rows.shape[dim], True)
    backend_of(xp).change_at(xp.add, target, key, values)


def _check_on_gpu(key, shape) -> None:
    """Check the indices of a key, which `split_key` has left to those who read or write there."""
    for dim, entry in enumerate(key):
        if not isinstance(entry, slice):
            _checked_positions(entry, shape[dim], dim)


def _shape_mismatch(key, error):
    shapes = [list(k.shape) for k in key if is_array(k)]
    if "broadcast" in str(error):
        return IndexError(
            "shape mismatch: indexing tensors could not be broadcast together with shapes "
            + ", ".join(str(s) for s in shapes)
        )
    return error


@op(method=False, namespace=None, node="IndexPut")
class put_into_zeros:
    """Zeros of the given shape with `g` added at an advanced key (more than once where positions repeat)."""

    def forward(xp, g, *, shape, key):
        made = xp.zeros(shape, g.dtype)
        _added_at(xp, made, key, g)
        return made

    def save(ctx, out, g, *, shape, key):
        ctx.key = key

    def backward(ctx, gg):
        return pick(gg, key=ctx.key)


@op(inplace=True, method=False, namespace=None, node="IndexPut")
class place_at:
    """The tensor with `values` written, or added, at an advanced key."""

    takes_into = True

    def forward(xp, a, values, *, key, accumulate, into=None):
        if xp is not np:
            _check_on_gpu(key, a.shape)
        made = a.copy() if into is None else into
        _write_at(xp, made, values, key, accumulate)
        return made

    def save(ctx, out, a, values, *, key, accumulate):
        ctx.key, ctx.accumulate = key, accumulate
        ctx.inputs = (None, (values._array.shape, values._array.dtype))

    def backward(ctx, g):
        if ctx.accumulate:
            return g, pick(g, key=ctx.key)
        kept = place_at(g, g.new_zeros(()), key=ctx.key, accumulate=False)
        return kept, pick(g, key=ctx.key)


@op(inplace=True, method=False, namespace=None, node="IndexPut")
class filled_at_mask:
    """The tensor with one value where a mask is True."""

    def forward(xp, a, mask, value):
        return chosen(xp, mask, value, a)

    def save(ctx, out, a, mask, value):
        ctx.save_for_backward(mask)

    def backward(ctx, g):
        (mask,) = ctx.saved_tensors
        return g.masked_fill(mask, 0), None, (g * mask).sum() if ctx.needs_input_grad[2] else None


def _write_at(xp, a, values, key, accumulate: bool) -> None:
    values = cast(values, a.dtype)
    try:
        wanted = np.broadcast_shapes(*[k.shape for k in key if is_array(k)])
    except ValueError as error:
        raise _shape_mismatch(key, error) from error
    try:
        if accumulate:
            _added_at(xp, a, key, values)
        else:
            a[key] = values
    except ValueError as error:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of "
            f"shape {list(a[key].shape if wanted is not None else ())}"
        ) from error


def _getitem(self, key) -> Tensor:
    if type(key) is int and self._array.ndim and -len(self._array) <= key < len(self._array):
        return _select_view(self, key=(key, Ellipsis))
    if type(key) is slice and self._array.ndim:
        return _slice_view(self, key=(_checked_slice(key), Ellipsis))
    basic, advanced = split_key(self, key)
    found = self if advanced is not None and all(e == _FULL for e in basic) else view_at(self, basic)
    return found if advanced is None else pick(found, key=advanced)


def _setitem(self, key, value) -> None:
    if key is False or (type(key) is Tensor and _filled_at_mask(self, key, value)):  # False picks nothing
        return
    basic, advanced = split_key(self, key)
    target = self if all(entry == _FULL for entry in basic) else view_at(self, basic)
    if not isinstance(value, Tensor):
        value = _as_value(value, self)
    if advanced is None:
        while value.ndim > target.ndim and value.shape[0] == 1:  # leading dimensions of size 1 are dropped
            value = value.squeeze(0)
        target.copy_(value if value.ndim == 0 else value.expand(target.shape))
        return
    if value.dtype is not self.dtype and not (value.numel() == 1 and _is_one_mask(key)):
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{dtypes.legacy_name(self.dtype)} for the destination and {dtypes.legacy_name(value.dtype)} for the "
            "source."
        )
    _refuse_shared_memory(target, value)
    place_at_(target, value, key=advanced, accumulate=False)


def _filled_at_mask(target: Tensor, mask: Tensor, value) -> bool:
    """`x[mask] = number` on a GPU: then how many elements the mask picks need not be known, and is not waited for."""
    if not (target.is_cuda and mask.is_cuda and mask.dtype is dtypes.bool and mask.shape == target.shape[: mask.ndim]):
        return False
    mask = mask.reshape(*mask.shape, *[1] * (target.ndim - mask.ndim))
    if type(value) is float and target.is_floating_point():
        value = target.new_full((), value)
    value = value if isinstance(value, (Tensor, list, tuple)) else _as_value(value, target)
    if not isinstance(value, Tensor) or value.numel() != 1:
        return False
    OPS["filled_at_mask"].change(target, mask, value.reshape(()).to(target.device, target.dtype))
    return True


def _is_one_mask(key) -> bool:
    """Whether the key picks by a single mask: then a single value is cast, as `masked_fill_` does."""
    entries = key if isinstance(key, tuple) else (key,)
    picking = [e for e in entries if not (e is None or e is Ellipsis or type(e) in (slice, int))]
    return len(picking) == 1 and getattr(picking[0], "dtype", None) is dtypes.bool


def _refuse_shared_memory(target: Tensor, value: Tensor) -> None:
    """RuntimeError where `value` lies in the memory that is about to be written."""
    if value._storage is not target._storage:
        return
    dense = all(t.is_contiguous() and t.numel() for t in (target, value))
    if dense and array_module(value._array).may_share_memory(target._array, value._array):
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
            "memory location. Please clone() the tensor before performing the operation."
        )


def _as_value(value, like: Tensor) -> Tensor:
    """What stands on the right of `x[…] = …` as a tensor of x's dtype."""
    if isinstance(value, int):
        return wrap(array_module(like._array).asarray(checked_value(value, like.dtype), like._array.dtype))
    if isinstance(value, (float, complex, np.ndarray, np.generic)):
        return wrap(array_module(like._array).asarray(cast(np.asarray(value), like._array.dtype)))
    if isinstance(value, (list, tuple)):
        return tensor(value, dtype=like.dtype, device=like.device)
    raise TypeError(f"can't assign a {type(value).__name__} to a {like.type()}")


place_at_ = OPS["place_at"].change
Tensor.__getitem__ = _getitem
Tensor.__setitem__ = _setitem
