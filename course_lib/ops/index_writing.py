"""Writing by position: a copy of a tensor (or with `_` the tensor itself) with some elements replaced or reduced into.

By index along one dimension (`index_copy`, `index_fill`, `index_reduce`), by full position (`scatter_reduce`, `put`,
`index_put`), or by mask (`masked_scatter`). Writing into the place of a view is in scatter_views.py.
"""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..backends import array_module, backend_of, is_numpy
from ..backends.selection import select
from ..dtypes import legacy_name
from ..tensor import Tensor, normalize_dim
from ._arguments import cast
from ._numeric import narrow, wide
from ._op import function, op
from .creation import ones_like, zeros_like
from .gather_scatter import alike_but_for, along, by_kernel, check_positions, check_scatter, out_of_bounds
from .indexing import place_at, place_at_, split_key
from .joining import cat
from .masks import where

_FULL = slice(None)
_INTEGERS = (dtypes.int64, dtypes.int32)

# ---- by index along one dimension --------------------------------------------------------------------------------


def _key(xp, index, dim: int):
    return (*(_FULL,) * dim, xp.atleast_1d(index))


@op(inplace=True)
class index_fill:
    """index_fill(input, dim, index, value) -> Tensor

    `value` (a number or a 0-dim tensor) at positions `index` of `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_fill_.html
    """

    def arguments(input, dim, index, value):
        if index.dtype is not dtypes.int64:
            raise IndexError("index_fill_(): Expected dtype int64 for index.")
        if index.ndim > 1:
            raise RuntimeError("Index has to be a vector/scalar")
        if isinstance(value, Tensor) and value.ndim:
            raise RuntimeError(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value.ndim} dimension(s)."
            )
        if isinstance(value, complex) and not input.is_complex():
            raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
        return (input, index, value), {"dim": normalize_dim(dim, input.ndim)}

    def forward(xp, a, index, value, *, dim):
        made = a.copy()
        index = _wrapped(index, a.shape[dim] if a.ndim else 1, dim)
        value = cast(value if hasattr(value, "strides") else xp.asarray(value), a.dtype)
        if a.ndim == 0:
            return value.reshape(()).copy() if index.size else made
        made[_key(xp, index, dim)] = value
        return made

    def save(ctx, out, a, index, value, *, dim):
        ctx.save_for_backward(index)
        ctx.dim = dim
        ctx.inputs = (None, None, (value._array.shape, value._array.dtype) if isinstance(value, Tensor) else None)

    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        places = index.reshape(-1).unique()  # a position that is named twice was still filled once
        grad_value = g.index_select(ctx.dim, places).sum() if ctx.needs_input_grad[2] else None
        return g.index_fill(ctx.dim, index, 0), None, grad_value


def _wrapped(index, length: int, dim: int):
    """Positions counted from the front; IndexError outside [-length, length)."""
    bad = out_of_bounds(index, length, -length)
    if bad is not None:
        raise IndexError(f"index {bad} is out of bounds for dimension {dim} with size {length}")
    return index


@op(inplace=True)
class index_copy:
    """index_copy(input, dim, index, source) -> Tensor: the slices of `source` at positions `index` of `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_copy_.html
    """

    def arguments(input, dim, index, source):
        dim = normalize_dim(dim, input.ndim)
        if index.ndim > 1:
            raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index.ndim})")
        if index.dtype is not dtypes.int64:
            raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {legacy_name(index.dtype)}")
        if source.dtype is not input.dtype:
            raise RuntimeError(
                "index_copy_(): self and source expected to have the same dtype, but got (self) "
                f"{legacy_name(input.dtype)} and (source) {legacy_name(source.dtype)}"
            )
        if source.ndim and index.numel() != source.shape[dim]:
            raise IndexError(
                f"index_copy_(): Number of indices ({index.numel()}) should be equal to source.size(dim) "
                f"({source.shape[dim]})"
            )
        length = input.shape[dim] if input.ndim else 1
        bad = out_of_bounds(index._array, length)
        if bad is not None:
            raise IndexError(f"index_copy_(): index {bad} is out of bounds for dimension {dim} with size {length}")
        return (input, index, source), {"dim": dim}

    def forward(xp, a, index, source, *, dim):
        if a.ndim == 0:
            return source.reshape(()).copy()
        made = a.copy()
        made[_key(xp, index, dim)] = source
        return made

    def save(ctx, out, a, index, source, *, dim):
        ctx.save_for_backward(index)
        ctx.dim, ctx.shape = dim, source.shape

    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        taken = g.index_select(ctx.dim, index.reshape(-1))
        return g.index_fill(ctx.dim, index, 0), None, taken.reshape(ctx.shape) if not ctx.shape else taken


# ---- reducing many elements into one place -----------------------------------------------------------------------


def _reduce_into(xp, a, key, source, reduce: str, include_self: bool):
    """`source` summed, multiplied, … into a copy of `a` at `key`; without `include_self` a's values do not count."""
    made = a.copy()
    if not include_self:
        made[key] = _neutral(a.dtype, reduce)
    if reduce in ("sum", "mean"):
        backend_of(xp).change_at(xp.add, made, key, source)
        if reduce == "mean":
            counts = (xp.ones if include_self else xp.zeros)(a.shape, "int64")
            backend_of(xp).change_at(xp.add, counts, key, 1)
            counts = xp.maximum(counts, 1)
            made = made // counts if a.dtype.kind in "biu" else made / counts.astype(a.dtype)
    else:
        ufunc = {"prod": xp.multiply, "amax": xp.maximum, "amin": xp.minimum}[reduce]
        backend_of(xp).change_at(ufunc, made, key, source)
    return made.astype(a.dtype, copy=False)


_KERNELS = {"sum": "sum", "mean": "sum", "prod": "product", "amax": "max", "amin": "min"}


def _reduced_by_kernel(a, index, source, dim: int, reduce: str, include_self: bool):
    """The same by a CUDA kernel, that leaves nothing to chance and nothing to the host; None where there is none.

    The index has the source's shape, which is a's but for `dim`.
    """
    if is_numpy(a) or not alike_but_for(index.shape, a.shape, dim):
        return None
    xp = array_module(a)
    made, source = a.copy(), xp.ascontiguousarray(source)
    run = by_kernel("reduce_elements", made, index, source)
    if run is None:
        return None
    run(made, index, source, dim, _KERNELS[reduce], include_self)
    if reduce == "mean":
        counts = (xp.ones if include_self else xp.zeros)(a.shape, np.float32)  # half precision counts to 2048 only
        run(counts, index, xp.ones(source.shape, np.float32), dim, "sum", True)
        made = narrow(wide(made) / xp.maximum(counts, 1), a.dtype)
    return made


def _neutral(dtype, reduce: str):
    """The value that changes nothing when it is reduced with another."""
    if reduce in ("sum", "mean"):
        return dtype.type(0)
    if reduce == "prod":
        return dtype.type(1)
    if dtype.kind in "iu":
        return np.iinfo(dtype).min if reduce == "amax" else np.iinfo(dtype).max
    if dtype.kind == "b":
        return reduce == "amin"
    return dtype.type(-np.inf if reduce == "amax" else np.inf)


def _reduce_backward(g, a, source, reduce: str, include_self: bool, again, take, add, clear):
    """Gradients of `a` and `source`.

    again(a, source) repeats the reduction; take(t) reads t at the positions, add(t, s) adds s there, clear(t) puts 0.
    """
    if reduce == "sum":
        grad_a, grad_source = g, take(g)
    elif reduce == "mean":
        counts = add(ones_like(g) if include_self else zeros_like(g), ones_like(source))
        share = g / counts.masked_fill(counts == 0, 1)
        grad_a, grad_source = share, take(share)
    elif reduce == "prod":
        known = a.masked_fill(a == 0, 1)
        grad_a = g * again(known, source) / known
        zero = source == 0
        zeros_there = take(add(zeros_like(g), zero.to(g.dtype)))
        only_zero = zero & (zeros_there == 1)
        others = take(g * again(a, source.masked_fill(only_zero, 1)))
        grad_source = where(only_zero, others, take(g * again(a, source)) / source.masked_fill(zero, 1))
    else:  # amax, amin: all elements that reach the extreme value share the gradient
        result = again(a, source)
        from_a, from_source = (a == result).to(g.dtype), (source == take(result)).to(g.dtype)
        share = g / add(from_a, from_source)
        grad_a, grad_source = from_a * share, from_source * take(share)
    return grad_a if include_self else clear(grad_a), grad_source


@op(inplace=True)
class index_reduce:
    """index_reduce(input, dim, index, source, reduce, *, include_self=True) -> Tensor

    The slices of `source` reduced ("prod", "mean", "amax", "amin") into the positions `index` of `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_reduce_.html
    """

    def arguments(input, dim, index, source, reduce, *, include_self=True):
        if reduce not in ("prod", "mean", "amax", "amin"):
            raise RuntimeError(
                f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}."
            )
        if source.dtype is not input.dtype:
            raise RuntimeError(
                "index_reduce(): self and source expected to have the same dtype, but got (self) "
                f"{legacy_name(input.dtype)} and (source) {legacy_name(source.dtype)}"
            )
        dim = normalize_dim(dim, input.ndim)
        return (input, index, source), {"dim": dim, "reduce": reduce, "include_self": include_self}

    def forward(xp, a, index, source, *, dim, reduce, include_self):
        if out_of_bounds(index, a.shape[dim] if a.ndim else 1) is not None:
            raise IndexError("index out of range in self")
        if a.ndim == 0:
            return _reduce_into(xp, a.reshape(1), (xp.atleast_1d(index),), source.reshape(-1), reduce, include_self)[0]
        shape = [-1 if d == dim else 1 for d in range(a.ndim)]
        made = _reduced_by_kernel(a, xp.broadcast_to(index.reshape(shape), source.shape), source, dim, reduce,
                                  include_self)  # fmt: skip
        if made is not None:
            return made
        return _reduce_into(xp, a, _key(xp, index, dim), source, reduce, include_self)

    def save(ctx, out, a, index, source, *, dim, reduce, include_self):
        ctx.save_for_backward(a, index, source)
        ctx.settings = dim, reduce, include_self

    def backward(ctx, g):
        a, index, source = ctx.saved_tensors
        dim, reduce, include_self = ctx.settings
        again = lambda x, s: x.index_reduce(dim, index, s, reduce, include_self=include_self)
        grad_a, grad_source = _reduce_backward(
            g,
            a,
            source,
            reduce,
            include_self,
            again,
            take=lambda t: t.index_select(dim, index).reshape(source.shape),
            add=lambda t, s: t.index_add(dim, index, s),
            clear=lambda t: t.index_fill(dim, index.long(), 0),
        )
        return grad_a, None, grad_source


@op(inplace=True)
class scatter_reduce:
    """scatter_reduce(input, dim, index, src, reduce, *, include_self=True) -> Tensor

    `src` reduced ("sum", "prod", "mean", "amax", "amin") into the positions of `index`, as `scatter` places it. With
    include_self=False the old values at these positions do not count.

    >>> import course_lib as torch
    >>> torch.zeros(2).scatter_reduce(0, torch.tensor([0, 0, 1]), torch.tensor([1., 5., 2.]), "amax")
    tensor([5., 2.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.scatter_reduce_.html
    """

    def arguments(input, dim, index, src, reduce, *, include_self=True):
        if reduce not in ("sum", "prod", "mean", "amax", "amin"):
            raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
        if index.dtype not in _INTEGERS and index.numel():
            raise RuntimeError("scatter(): Expected dtype int32/int64 for index")
        if src.dtype is not input.dtype:
            raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
        dim = normalize_dim(dim, input.ndim)
        check_scatter(index, input.shape, dim, src)
        return (input, index, src), {"dim": dim, "reduce": reduce, "include_self": include_self}

    def forward(xp, a, index, src, *, dim, reduce, include_self):
        if index.size == 0:
            return a.copy()
        check_positions(index, a.shape[dim] if a.ndim else 1, dim)
        if a.ndim == 0:
            index, src = index.reshape(-1), src.reshape(-1)
            return _reduce_into(xp, a.reshape(1), (index,), src, reduce, include_self)[0]
        index = index.reshape(1) if index.ndim == 0 else index
        src = src.reshape(1) if src.ndim == 0 else src[tuple(slice(n) for n in index.shape)]
        made = _reduced_by_kernel(a, index, src, dim, reduce, include_self)
        if made is not None:
            return made
        return _reduce_into(xp, a, along(xp, index, dim, a.ndim), src, reduce, include_self)

    def save(ctx, out, a, index, src, *, dim, reduce, include_self):
        ctx.save_for_backward(a, index, src)
        ctx.settings = dim, reduce, include_self

    def backward(ctx, g):
        a, index, src = ctx.saved_tensors
        dim, reduce, include_self = ctx.settings
        if not index.numel():
            return g, None, zeros_like(src)
        again = lambda x, s: x.scatter_reduce(dim, index, s, reduce, include_self=include_self)
        grad_a, grad_src = _reduce_backward(
            g,
            a,
            src,
            reduce,
            include_self,
            again,
            take=lambda t: t.gather(dim, index),
            add=lambda t, s: t.scatter_add(dim, index, s),
            clear=lambda t: t.scatter(dim, index, 0),
        )
        return grad_a, None, grad_src


# ---- by full position --------------------------------------------------------------------------------------------


@op(inplace=True)
class put:
    """put(input, index, source, accumulate=False) -> Tensor: `source` at positions `index` of the flattened input.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.put_.html
    """

    def arguments(input, index, source, accumulate=False):
        if index.dtype is not dtypes.int64:
            raise RuntimeError(f"put_(): Expected a long tensor for index, but got {legacy_name(index.dtype)}")
        if source.dtype is not input.dtype:
            raise RuntimeError(
                "put_(): self and source expected to have the same dtype, but got self.dtype = "
                f"{legacy_name(input.dtype)} and source.dtype = {legacy_name(source.dtype)}"
            )
        if index.numel() != source.numel():
            raise IndexError(
                "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
                f"{source.numel()}, index.numel() = {index.numel()}"
            )
        return (input, index, source), {"accumulate": accumulate}

    def forward(xp, a, index, source, *, accumulate):
        _check_flat(index, a.size)
        made = a.copy(order="C").reshape(-1)
        if accumulate:
            backend_of(xp).change_at(xp.add, made, index.reshape(-1), source.reshape(-1))
        else:
            made[index.reshape(-1)] = source.reshape(-1)
        return made.reshape(a.shape)

    def save(ctx, out, a, index, source, *, accumulate):
        ctx.save_for_backward(index)
        ctx.accumulate, ctx.shape = accumulate, source.shape

    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        kept = g if ctx.accumulate else g.put(index, g.new_zeros(ctx.shape))
        return kept, None, g.take(index).reshape(ctx.shape)


def _check_flat(index, count: int) -> None:
    bad = out_of_bounds(index, count, -count)
    if bad is not None:
        raise IndexError(f"out of range: tried to access index {bad} on a tensor of {count} elements.")


def _put_key(input, indices, values):
    for position, index in enumerate(indices):
        if not isinstance(index, Tensor) and index is not None:
            raise TypeError(f"expected Tensor as element {position} in argument 0, but got {type(index).__name__}")
    if len(indices) > input.ndim:
        raise IndexError(f"too many indices for tensor of dimension {input.ndim} (got {len(indices)})")
    if values.dtype is not input.dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {legacy_name(input.dtype)} for the "
            "destination "
            f"and {legacy_name(values.dtype)} for the source."
        )
    key = []
    for index in indices:
        index = _FULL if index is None else index.reshape(1) if index.ndim == 0 else index
        key.append(index)
    return split_key(input, tuple(key))


@function(method=True)
def index_put(input, indices, values, accumulate=False):
    """index_put(input, indices, values, accumulate=False) -> Tensor: `values` at `input[indices]` (a tuple of tensors).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_put_.html
    """
    _, key = _put_key(input, indices, values)
    return place_at(input, values, key=key, accumulate=bool(accumulate))


@function(method=True)
def index_put_(input, indices, values, accumulate=False):
    """In-place version of `index_put`: writes into this tensor and returns it."""
    _, key = _put_key(input, indices, values)
    return place_at_(input, values, key=key, accumulate=bool(accumulate))


# ---- by mask -----------------------------------------------------------------------------------------------------


@op(inplace=True)
class masked_scatter:
    """masked_scatter(input, mask, source) -> Tensor: the elements of `source`, in order, where the bool mask is True.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.masked_scatter_.html
    """

    def arguments(input, mask, source):
        if mask.dtype is not dtypes.bool:
            raise RuntimeError(
                f"masked_scatter_ only supports boolean masks, but got mask with dtype {legacy_name(mask.dtype)}"
            )
        if source.dtype is not input.dtype:
            raise RuntimeError(
                "masked_scatter: expected self and source to have same dtypes but got"
                f"{legacy_name(input.dtype)} and {legacy_name(source.dtype)}"
            )
        return (input, mask, source), {}

    def forward(xp, a, mask, source):
        a, mask = xp.broadcast_arrays(a, mask)
        if xp is not np and a.size and source.size:  # how many elements the mask picks is not waited for
            number = xp.cumsum(mask.ravel()) - 1  # of each element, among those that are picked
            if out_of_bounds(number[-1:], source.size, -1) is None:
                taken = xp.take(source.ravel(), xp.clip(number, 0, source.size - 1))
                return select(xp, mask, taken.reshape(a.shape), a)
        made, count = a.copy(), int(mask.sum())
        if source.size < count:
            raise RuntimeError("Number of elements of source < number of ones in mask")
        made[mask] = source.reshape(-1)[:count]
        return made

    def save(ctx, out, a, mask, source):
        ctx.save_for_backward(mask)
        ctx.shape = source.shape
        ctx.inputs = ((a._array.shape, a._array.dtype), None, None)

    def backward(ctx, g):
        (mask,) = ctx.saved_tensors
        grad_source = None
        if ctx.needs_input_grad[2]:
            taken = g.masked_select(mask)
            rest = g.new_zeros(ctx.shape.numel() - taken.numel())
            grad_source = cat([taken, rest]).reshape(ctx.shape)
        return g.masked_fill(mask, 0), None, grad_source


# ---- reading by position -----------------------------------------------------------------------------------------


@function(out=True)
def nonzero_static(input, *, size, fill_value=-1):
    """nonzero_static(input, *, size, fill_value=-1) -> Tensor: `nonzero` with exactly `size` rows, cut or filled up.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nonzero.html
    """
    found = input.nonzero()[:size]
    return cat([found, found.new_full((size - found.shape[0], input.ndim), fill_value)])


Tensor.nonzero_static = nonzero_static


@function()
def unravel_index(indices, shape):
    """unravel_index(indices, shape) -> tuple of Tensors

    The coordinates of positions in a flattened tensor of that shape.

    >>> import course_lib as torch
    >>> torch.unravel_index(torch.tensor([5]), (2, 3))
    (tensor([1]), tensor([2]))

    Source: https://docs.pytorch.org/docs/stable/generated/torch.unravel_index.html
    """
    if indices.dtype.category != 1:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(n < 0 for n in shape):
        raise ValueError(f"'shape' cannot have negative values, but got {shape}")
    found, rest = [], indices
    for n in reversed(shape):
        found.append(rest % n if n else rest)
        rest = rest // n if n else rest
    return tuple(reversed(found))
