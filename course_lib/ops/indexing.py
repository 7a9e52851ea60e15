"""Indexing: `x[…]`, `x[…] = …`, and the functions that pick or place elements by position or by mask.

A key is taken apart once (`_split`): numbers, slices, None and `...` make a view (select, slice, unsqueeze); tensors,
lists and masks then pick elements out of that view, which copies.
"""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..backends import array_module
from ..tensor import Tensor, normalize_dim, wrap
from ._arguments import broadcast_error, cast, result_dtype
from ._op import PROMOTE, function, op, write_out
from .creation import checked_value

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
    start = int(start)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -size <= start <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return view_at(input, (*(_FULL,) * dim, slice(start, start + length)))


# ---- taking a key apart ------------------------------------------------------------------------------------------


def _split(input: Tensor, key) -> tuple[tuple, tuple | None]:
    """(basic key, advanced key for the view that the basic key makes, or None)."""
    entries = key if isinstance(key, tuple) else (key,)
    if isinstance(key, list):
        entries = (key,)
    entries = [_entry(e) for e in entries]
    if input.ndim == 0 and any(isinstance(e, int) and not isinstance(e, bool) for e in entries):
        _checked_index(0, input, 0)
    entries = _expand_ellipsis(entries, input)
    basic, advanced, dim = [], [], 0  # dim: the dimension of `input` that the next entry is about
    for entry in entries:
        if isinstance(entry, np.ndarray) or isinstance(entry, (bool, np.bool_)):
            dim += _take_advanced(entry, input, dim, basic, advanced)
        elif entry is None:
            basic.append(None)
            advanced.append(_FULL)
        elif isinstance(entry, slice):
            basic.append(_checked_slice(entry))
            advanced.append(_FULL)
            dim += 1
        else:
            basic.append(_checked_index(entry, input, dim))
            dim += 1
    picks = any(not isinstance(entry, slice) for entry in advanced)
    return tuple(basic), (tuple(advanced) if picks else None)


def _entry(entry):
    """One entry of a key as int, slice, None, Ellipsis, bool or index array."""
    if isinstance(entry, Tensor):
        array = entry._array
        if array.dtype.kind in "iu" and array.dtype.name != "uint8" and array.ndim == 0:
            return int(array)
        if array.dtype.name == "uint8":
            return array.astype(bool)
        if array.dtype.kind not in "biu":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return array
    if isinstance(entry, (list, tuple, range)):
        array = np.asarray([e.tolist() if isinstance(e, Tensor) else e for e in entry])
        return array.astype(np.int64) if array.size == 0 else _entry(wrap(np.atleast_1d(array)))
    if isinstance(entry, np.ndarray):
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
        if isinstance(entry, np.ndarray) and entry.dtype.kind == "b":
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
        advanced.append(np.zeros(1 if entry else 0, np.int64))
        return 0
    if entry.dtype.kind != "b":
        basic.append(_FULL)
        advanced.append(_checked_positions(entry, input.shape[dim], dim))
        return 1
    for i, n in enumerate(entry.shape):
        if n != input.shape[dim + i]:
            raise IndexError(
                f"The shape of the mask {list(entry.shape)} at index {i} does not match the shape of the indexed tensor "
                f"{list(input.shape)} at index {dim + i}"
            )
    if entry.ndim == 0:
        basic.append(None)
        advanced.append(np.zeros(1 if entry else 0, np.int64))
        return 0
    for positions in entry.nonzero():
        basic.append(_FULL)
        advanced.append(positions)
    return entry.ndim


def _checked_index(index: int, input: Tensor, dim: int) -> int:
    if input.ndim == 0:
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim "
            "tensor to a number"
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
    if positions.size and (positions.max() >= length or positions.min() < -length):
        bad = positions[(positions >= length) | (positions < -length)].flat[0]
        raise IndexError(f"index {bad} is out of bounds for dimension {dim} with size {length}")
    return positions


# ---- x[key] and x[key] = value -----------------------------------------------------------------------------------


@op(method=False, namespace=None, node="Index")
class pick:
    """The elements at an advanced key; a copy."""

    def forward(xp, a, *, key):
        try:
            return a[key]
        except IndexError as error:
            raise _shape_mismatch(key, error) from error

    def save(ctx, out, a, *, key):
        ctx.key, ctx.shape = key, a.shape

    def backward(ctx, g):
        return put_into_zeros(g, shape=ctx.shape, key=ctx.key)


def _shape_mismatch(key, error):
    shapes = [list(k.shape) for k in key if isinstance(k, np.ndarray)]
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
        xp.add.at(made, key, g)
        return made

    def save(ctx, out, g, *, shape, key):
        ctx.key = key

    def backward(ctx, gg):
        return pick(gg, key=ctx.key)


@op(inplace=True, method=False, namespace=None, node="IndexPut")
class place_at:
    """The tensor with `values` written, or added, at an advanced key."""

    def forward(xp, a, values, *, key, accumulate):
        made = a.copy()
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


def _write_at(xp, a, values, key, accumulate: bool) -> None:
    values = cast(values, a.dtype)
    wanted = xp.broadcast_shapes(*[k.shape for k in key if isinstance(k, np.ndarray)])
    try:
        if accumulate:
            xp.add.at(a, key, values)
        else:
            a[key] = values
    except ValueError as error:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of shape "
            f"{list(a[key].shape if wanted is not None else ())}"
        ) from error


def _getitem(self, key) -> Tensor:
    if type(key) is int and self._array.ndim and -len(self._array) <= key < len(self._array):
        return _select_view(self, key=(key, Ellipsis))
    basic, advanced = _split(self, key)
    found = self if advanced is not None and all(e == _FULL for e in basic) else view_at(self, basic)
    return found if advanced is None else pick(found, key=advanced)


def _setitem(self, key, value) -> None:
    basic, advanced = _split(self, key)
    target = self if all(entry == _FULL for entry in basic) else view_at(self, basic)
    if not isinstance(value, Tensor):
        value = _as_value(value, self)
    if advanced is None:
        if value.ndim > target.ndim:  # leading dimensions of size 1 are dropped
            while value.ndim > target.ndim and value.shape[0] == 1:
                value = value.squeeze(0)
        target.copy_(value)
        return
    if value.dtype is not self.dtype and value.ndim:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{dtypes.legacy_name(self.dtype)} for the destination and {dtypes.legacy_name(value.dtype)} for the source."
        )
    place_at_(target, value, key=advanced, accumulate=False)


def _as_value(value, like: Tensor) -> Tensor:
    """What stands on the right of `x[…] = …` as a tensor of x's dtype."""
    from .creation import tensor

    if isinstance(value, (int, float, complex)):
        return wrap(cast(np.asarray(value), like._array.dtype) if not isinstance(value, int) else
                    np.asarray(checked_value(value, like.dtype), like._array.dtype))  # fmt: skip
    if isinstance(value, (np.ndarray, np.generic)):
        return wrap(cast(np.asarray(value), like._array.dtype))
    raise TypeError(f"can't assign a {type(value).__name__} to a {like.type()}") if not isinstance(
        value, (list, tuple)
    ) else tensor(value, dtype=like.dtype)


def _in_place_of(name: str):
    from ._op import OPS

    return OPS[name].change


place_at_ = _in_place_of("place_at")
Tensor.__getitem__ = _getitem
Tensor.__setitem__ = _setitem


# ---- writing everything ------------------------------------------------------------------------------------------


@op(inplace=True, method=False, namespace=None, node="CopyBackwards")
class copy_from:
    """The values of `src` in the dtype, device and shape of `self`."""

    def forward(xp, a, src):
        made = cast(src, a.dtype)
        try:
            return xp.broadcast_to(made, a.shape)
        except ValueError as error:
            raise broadcast_error("copy_", wrap(a), wrap(made), error) from error

    def save(ctx, out, a, src):
        ctx.inputs = (None, (src._array.shape, src._array.dtype))

    def backward(ctx, g):
        return (g * 0 if ctx.needs_input_grad[0] else None), g


def _copy_(self, src, non_blocking=False) -> Tensor:
    """copy_(src) -> Tensor: overwrite this tensor with the values of `src` (broadcast and cast); returns it.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.copy_.html
    """
    if not isinstance(src, Tensor):
        raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {type(src).__name__}")
    return _in_place_of("copy_from")(self, src)


Tensor.copy_ = _copy_


@op(inplace=True)
class fill:
    """fill(input, value) -> Tensor: a tensor of the input's shape filled with a number or a 0-dim tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.fill_.html
    """

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


Tensor.zero_ = lambda self: self.fill_(0)
Tensor.zero_.__name__ = "zero_"
Tensor.zero_.__doc__ = "zero_() -> Tensor: overwrite this tensor with zeros; returns it."


def _resize_(self, *size, memory_format=None) -> Tensor:
    """resize_(*size) -> Tensor: change the shape in place; new elements are uninitialised."""
    from ..tensor import Storage
    from .creation import shape_of

    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = shape_of(size)
    count = int(np.prod(shape, dtype=np.int64))
    xp = array_module(self._array)
    if count <= self._storage.array.size and self._storage.array.flags.c_contiguous:
        self._array = self._storage.array.reshape(-1)[:count].reshape(shape)
        return self
    made = xp.empty(count, self._array.dtype)
    made[: self._array.size] = self._array.reshape(-1)
    version = self._storage.version
    self._array, self._storage = made.reshape(shape), Storage(made)
    self._storage.version = version
    return self


Tensor.resize_ = _resize_


# ---- masks -------------------------------------------------------------------------------------------------------


def _mask_of(mask, name: str):
    if mask.dtype is not dtypes.bool:
        raise RuntimeError(f"{name} only supports boolean masks, but got mask with dtype {mask.dtype}")
    return mask


@op(inplace=True)
class masked_fill:
    """masked_fill(input, mask, value) -> Tensor: `value` where the bool mask (broadcast) is True, `input` elsewhere.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.masked_fill.html
    """

    def arguments(input, mask, value):
        _mask_of(mask, "masked_fill_")
        if isinstance(value, Tensor) and value.ndim:
            raise RuntimeError(
                f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
            )
        if not isinstance(value, Tensor):
            if dtypes.category_of_number(value) > input.dtype.category and input.dtype is not dtypes.bool:
                value = checked_value(int(value) if float(value).is_integer() else _no_cast(value, input), input.dtype)
        return (input, mask, value), {}

    def forward(xp, a, mask, value):
        value = cast(value, a.dtype) if hasattr(value, "strides") else a.dtype.type(value)
        try:
            return xp.where(mask, value, a)
        except ValueError as error:
            raise broadcast_error("masked_fill", wrap(a), wrap(mask), error) from error

    def save(ctx, out, a, mask, value):
        ctx.save_for_backward(mask.detach())
        ctx.inputs = ((a._array.shape, a._array.dtype), None, None)

    def backward(ctx, g):
        (mask,) = ctx.saved_tensors
        grad_value = (g * mask).sum() if ctx.needs_input_grad[2] else None
        return g.masked_fill(mask, 0), None, grad_value


def _no_cast(value, input):
    raise RuntimeError(f"value cannot be converted to type {input.dtype._name} without overflow")


@function(method=True)
def masked_select(input, mask, *, out=None):
    """masked_select(input, mask) -> Tensor: the elements where the bool mask is True, in one dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.masked_select.html
    """
    from .views import broadcast_tensors

    if out is not None and out.dtype is not input.dtype:
        raise RuntimeError("masked_select(): self and result must have the same scalar type")
    if mask.dtype not in (dtypes.bool, dtypes.uint8):
        raise RuntimeError("masked_select: expected BoolTensor or ByteTensor for mask")
    input, mask = broadcast_tensors(input, mask)
    made = input[mask.bool()]
    return made if out is None else write_out("masked_select", out, (input, mask), made)


@op(method=False, namespace=None, dtype=PROMOTE, node="Where")
class where_select:
    """`input` where the condition holds, `other` elsewhere."""

    def forward(xp, condition, a, b):
        return xp.where(condition, a, b)

    def save(ctx, out, condition, a, b):
        ctx.save_for_backward(condition)

    def backward(ctx, g):
        (condition,) = ctx.saved_tensors
        return None, g.masked_fill(~condition, 0), g.masked_fill(condition, 0)


@function(out=True)
def where(condition, input=None, other=None):
    """where(condition, input, other) -> Tensor; where(condition) -> tuple of index tensors

    Elements of `input` where the condition is True, of `other` elsewhere; all three broadcast.

    >>> import course_lib as torch
    >>> torch.where(torch.tensor([True, False]), 1, 0)
    tensor([1, 0])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.where.html
    """
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if condition.dtype not in (dtypes.bool, dtypes.uint8):
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {dtypes.legacy_name(condition.dtype)}"
        )
    dtype = result_dtype(input, other)
    input, other = (_number_or_cast(v, dtype, condition) for v in (input, other))
    try:
        return _where(condition.bool(), input, other)
    except ValueError as error:
        for a, b in ((condition, input), (input, other), (condition, other)):
            found = broadcast_error("where", a, b, error)
            if found is not error:
                raise found from None
        raise


def _where(condition, input, other):
    from ._op import OPS, _record

    cls = OPS["where_select"]
    xp = array_module(condition._array)
    out = wrap(cls.forward(xp, condition._array, input._array, other._array))
    _record(cls, out, (condition, input, other), {})
    return out


def _number_or_cast(value, dtype: dtypes.dtype, like: Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return value if value.dtype is dtype else value.to(dtype)
    return wrap(array_module(like._array).asarray(value, dtype.numpy))


Tensor.where = lambda self, condition, other: where(condition, self, other)


@function(method=True, out=True)
def nonzero(input, *, as_tuple=False):
    """nonzero(input, *, as_tuple=False) -> Tensor or tuple: the positions of the elements that are not zero.

    One row a position (int64), or one index tensor a dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nonzero.html
    """
    array = input._array
    found = array_module(array).atleast_1d(array).nonzero()
    if as_tuple:
        return tuple(wrap(positions) for positions in found)
    if input.ndim == 0:
        return wrap(np.zeros((len(found[0]), 0), np.int64))
    return wrap(array_module(array).ascontiguousarray(array_module(array).stack(found, axis=1)))


@function(method=True)
def argwhere(input):
    """argwhere(input) -> Tensor: `nonzero` as rows.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.argwhere.html
    """
    return nonzero(input)


# ---- by index along one dimension --------------------------------------------------------------------------------


def _index_array(index: Tensor, name: str, length: int):
    if index.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError(f"{name}(): Expected dtype int32 or int64 for index")
    array = index._array
    if array.size and (int(array.max()) >= length or int(array.min()) < 0):
        raise IndexError("index out of range in self")
    return array


@op()
class index_select:
    """index_select(input, dim, index) -> Tensor: the positions `index` (1-D int64) of `dim`; a copy.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.index_select.html
    """

    def arguments(input, dim, index):
        dim = normalize_dim(dim, input.ndim)
        if index.ndim > 1:
            raise IndexError("index_select(): Index is supposed to be a vector")
        return (input, index), {"dim": dim}

    def forward(xp, a, index, *, dim):
        index = _index_array(wrap(index), "index_select", a.shape[dim] if a.ndim else 1)
        if a.ndim == 0:
            return a.copy()
        return xp.take(a, xp.atleast_1d(index), axis=dim)

    def save(ctx, out, a, index, *, dim):
        ctx.save_for_backward(index)
        ctx.shape, ctx.dim = a.shape, dim

    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        if not ctx.shape:
            return g, None
        return g.new_zeros(ctx.shape).index_add(ctx.dim, index, g), None


@op(inplace=True)
class index_add:
    """index_add(input, dim, index, source, *, alpha=1) -> Tensor: `alpha * source` added at positions `index` of `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_add_.html
    """

    def arguments(input, dim, index, source, *, alpha=1):
        if source.dtype is not input.dtype:
            raise RuntimeError("index_add_(): self and source expected to have the same dtype, but got (self) "
                               f"{dtypes.legacy_name(input.dtype)} and (source) {dtypes.legacy_name(source.dtype)}")  # fmt: skip
        return (input, index, source), {"dim": normalize_dim(dim, input.ndim), "alpha": alpha}

    def forward(xp, a, index, source, *, dim, alpha):
        made = a.copy()
        index = _index_array(wrap(xp.atleast_1d(index)), "index_add_", a.shape[dim] if a.ndim else 1)
        if a.ndim == 0:
            return made + source * made.dtype.type(alpha)
        xp.add.at(made, (*(_FULL,) * dim, index), source if alpha == 1 else source * made.dtype.type(alpha))
        return made

    def save(ctx, out, a, index, source, *, dim, alpha):
        ctx.save_for_backward(index)
        ctx.dim, ctx.alpha = dim, alpha

    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        return g, None, g.index_select(ctx.dim, index) * ctx.alpha


def _along(xp, index, dim: int, ndim: int):
    """The full key that picks, for every position of `index`, that position with `dim` replaced by the index."""
    key = list(xp.ogrid[tuple(slice(n) for n in index.shape)]) if ndim else []
    if ndim:
        key[dim] = index
    return tuple(key)


def _check_index_shape(name: str, index, shape, dim: int) -> None:
    if index.ndim != len(shape) and not (index.ndim <= 1 and len(shape) <= 1):
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {name} tensor")
    for d in range(index.ndim):
        if d != dim and index.shape[d] > shape[d]:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                f"{list(shape)} apart from dimension {dim}"
            )


def _check_positions(index, length: int, dim: int) -> None:
    if index.size and (int(index.max()) >= length or int(index.min()) < 0):
        bad = index[(index >= length) | (index < 0)].flat[0]
        raise RuntimeError(f"index {bad} is out of bounds for dimension {dim} with size {length}")


@op()
class gather:
    """gather(input, dim, index) -> Tensor: `out[i][j] = input[index[i][j]][j]` for dim 0, and so on; index's shape.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.gather.html
    """

    def arguments(input, dim, index, *, sparse_grad=False):
        dim = normalize_dim(dim, input.ndim)
        if index.dtype not in (dtypes.int64, dtypes.int32) and index.numel():
            raise RuntimeError("gather(): Expected dtype int32/int64 for index")
        if index.numel():
            _check_index_shape("input", index._array, input.shape, dim)
        return (input, index), {"dim": dim}

    def forward(xp, a, index, *, dim):
        if a.ndim == 0 or index.size == 0:
            return xp.broadcast_to(a, index.shape).copy() if index.size else xp.zeros(index.shape, a.dtype)
        _check_positions(index, a.shape[dim], dim)
        return a[_along(xp, index, dim, a.ndim)] if index.ndim else a[index, ...].copy()

    def save(ctx, out, a, index, *, dim):
        ctx.save_for_backward(index)
        ctx.shape, ctx.dim = a.shape, dim

    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        if not index.numel():
            return g.new_zeros(ctx.shape), None
        return g.new_zeros(ctx.shape).scatter_add(ctx.dim, index, g), None


@op(inplace=True)
class scatter:
    """scatter(input, dim, index, src) -> Tensor: `src` (a tensor or a number) written at the positions of `index`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.scatter_.html
    """

    def arguments(input, dim, index, src=None, *, value=None, reduce=None):
        dim = normalize_dim(dim, input.ndim)
        src = value if src is None else src
        if index.dtype not in (dtypes.int64, dtypes.int32):
            raise RuntimeError("scatter(): Expected dtype int32/int64 for index")
        if isinstance(src, Tensor) and src.dtype is not input.dtype:
            raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
        if index.numel():
            _check_index_shape("self", index._array, input.shape, dim)
        return (input, index, src), {"dim": dim, "reduce": reduce}

    def forward(xp, a, index, src, *, dim, reduce):
        made = a.copy()
        _check_positions(index, a.shape[dim] if a.ndim else 1, dim)
        key = _along(xp, index, dim, a.ndim)
        part = src[tuple(slice(n) for n in index.shape)] if hasattr(src, "strides") else a.dtype.type(src)
        if reduce in (None, "add", "multiply"):
            {None: made.__setitem__, "add": lambda k, v: xp.add.at(made, k, v),
             "multiply": lambda k, v: xp.multiply.at(made, k, v)}[reduce](key, part)  # fmt: skip
            return made
        raise RuntimeError("reduce argument must be either add or multiply.")

    def save(ctx, out, a, index, src, *, dim, reduce):
        ctx.save_for_backward(index)
        ctx.dim = dim

    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        return g.scatter(ctx.dim, index, 0), None, (g.gather(ctx.dim, index) if ctx.needs_input_grad[2] else None)


@op(inplace=True)
class scatter_add:
    """scatter_add(input, dim, index, src) -> Tensor: `src` added at the positions of `index`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.scatter_add_.html
    """

    def arguments(input, dim, index, src):
        dim = normalize_dim(dim, input.ndim)
        if src.dtype is not input.dtype:
            raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
        return (input, index, src), {"dim": dim}

    def forward(xp, a, index, src, *, dim):
        made = a.copy()
        _check_positions(index, a.shape[dim] if a.ndim else 1, dim)
        part = src[tuple(slice(n) for n in index.shape)]
        if a.ndim == 0:
            return made + part.sum(dtype=made.dtype)
        xp.add.at(made, _along(xp, index, dim, a.ndim), part)
        return made

    def save(ctx, out, a, index, src, *, dim):
        ctx.save_for_backward(index)
        ctx.dim = dim

    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        return g, None, g.gather(ctx.dim, index)


@function(method=True)
def take(input, index, *, out=None):
    """take(input, index) -> Tensor: elements by their position in the flattened input; index's shape.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.take.html
    """
    if index.dtype is not dtypes.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {dtypes.legacy_name(index.dtype)}")
    if input.numel() == 0 and index.numel():
        raise IndexError("take(): tried to take from an empty tensor")
    made = input.reshape(-1)[index]
    if out is not None and out.dtype is not input.dtype:
        raise RuntimeError(
            f"take(): self and out expected to have the same dtype, but got self.dtype = {dtypes.legacy_name(input.dtype)} "
            f"and out.dtype = {dtypes.legacy_name(out.dtype)}"
        )
    return made if out is None else write_out("take", out, (input, index), made)


@function(method=True, out=True)
def take_along_dim(input, indices, dim=None):
    """take_along_dim(input, indices, dim=None) -> Tensor: `gather` with broadcasting, such as indices from `argsort`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.take_along_dim.html
    """
    if dim is None:
        return input.reshape(-1).gather(0, indices.reshape(-1))
    dim = normalize_dim(dim, input.ndim)
    shape = list(np.broadcast_shapes(*[s[:dim] + (1,) + s[dim + 1 :] for s in (input._array.shape, indices._array.shape)]))
    indices = where(indices < 0, indices + input.shape[dim], indices)
    expand = lambda t: t.expand(shape[:dim] + [t.shape[dim]] + shape[dim + 1 :])
    return expand(input).gather(dim, expand(indices))
