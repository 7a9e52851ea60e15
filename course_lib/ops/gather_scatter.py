"""By index along one dimension: `index_select` and `gather` read at the positions of an index tensor, `index_add` and
`scatter` write there; each is the other's derivative. `take` reads by the position in the flattened tensor.

`along` turns an index tensor into the full key of NumPy's indexing: `out[i][j] = a[index[i][j]][j]` for dim 0.
"""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..autograd.grad_mode import GRAD
from ..backends import array_module, backend_of, is_numpy
from ..tensor import Tensor, normalize_dim
from ._op import function, op, write_out
from .masks import where

_FULL = slice(None)


def out_of_bounds(index, length: int, least: int = 0) -> int | None:
    """The first index outside [least, length), None if there is none.

    Indices on a GPU are not waited for: it looks by itself, and reports what is wrong later (backends/reports.py).
    """
    if not index.size:
        return None
    if not is_numpy(index):
        look = backend_of(array_module(index)).kernel("look_at_index", index)
        if look is not None:
            look(index, least, length)
            return None
    if int(index.max()) < length and int(index.min()) >= least:
        return None
    return int(index[(index >= length) | (index < least)].ravel()[0])


def by_kernel(name: str, *arrays):
    """The CUDA kernel that reads or writes at places and looks at the index by itself, or None."""
    return None if is_numpy(arrays[0]) else backend_of(array_module(arrays[0])).kernel(name, *arrays)


def added_to_zeros(name: str, g: Tensor, index: Tensor, shape, dim: int) -> Tensor | None:
    """A gradient that nothing records: zeros with g added at the places of the index, by a CUDA kernel, or None."""
    if GRAD.enabled or is_numpy(g._array):
        return None
    made = g.new_zeros(shape)
    g, places = array_module(g._array).ascontiguousarray(g._array), index._array
    run = by_kernel(name, made._array, places, g) if g.size and g.shape == _shape_at(name, shape, places, dim) else None
    if run is not None:
        run(made._array, places, g, dim)
    return made if run is not None else None


def _shape_at(name: str, shape, index, dim: int) -> tuple:
    """The shape of what `add_rows` or `add_elements` can add to an array."""
    if name == "add_rows":
        return (*shape[:dim], index.size, *shape[dim + 1 :]) if index.ndim == 1 else ()
    return index.shape if index.ndim == len(shape) and alike_but_for(index.shape, shape, dim) else ()


def alike_but_for(one, other, dim: int) -> bool:
    """Whether two shapes are equal, the sizes of one dimension aside."""
    return len(one) == len(other) > 0 and one[:dim] == other[:dim] and one[dim + 1 :] == other[dim + 1 :]


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
        if index.dtype.name not in ("int64", "int32"):
            raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
        index = xp.atleast_1d(index)
        run = by_kernel("take_rows", a, index) if a.ndim else None
        if run is not None:
            return run(a, index, dim)
        if out_of_bounds(index, a.shape[dim] if a.ndim else 1) is not None:
            raise IndexError("index out of range in self")
        return xp.take(a, index, axis=dim) if a.ndim else a.copy()

    def save(ctx, out, a, index, *, dim):
        ctx.save_for_backward(index)
        ctx.shape, ctx.dim = a.shape, dim

    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        if not ctx.shape:
            return g, None
        made = added_to_zeros("add_rows", g, index, ctx.shape, ctx.dim)
        return g.new_zeros(ctx.shape).index_add(ctx.dim, index, g) if made is None else made, None


@op(inplace=True)
class index_add:
    """index_add(input, dim, index, source, *, alpha=1) -> Tensor: `alpha * source` added at positions `index` of `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_add_.html
    """

    def arguments(input, dim, index, source, *, alpha=1):
        if source.dtype is not input.dtype:
            raise RuntimeError(
                "index_add_(): self and source expected to have the same dtype, but got (self) "
                f"{dtypes.legacy_name(input.dtype)} and (source) {dtypes.legacy_name(source.dtype)}"
            )
        dim = normalize_dim(dim, input.ndim)
        _check_index_add(input, dim, index, source)
        return (input, index, source), {"dim": dim, "alpha": alpha}

    takes_into = True

    def forward(xp, a, index, source, *, dim, alpha, into=None):
        made, index = a.copy() if into is None else into, xp.atleast_1d(index)
        target, source = xp.atleast_1d(made), xp.ascontiguousarray(xp.atleast_1d(source))
        run = by_kernel("add_rows", target, index, source)
        if run is not None:
            run(target, index, source, dim, float(alpha))
            return made
        check_positions(index, a.shape[dim] if a.ndim else 1, dim)
        source = source if alpha == 1 else source * made.dtype.type(alpha)
        if xp is np and source.size > 256 * index.size:  # few large slices: whole ones are added faster than elements
            for i, position in enumerate(index.tolist()):
                target[(*(_FULL,) * dim, position)] += source[(*(_FULL,) * dim, i)]
            return made
        key = places(xp, source.shape)
        key[dim] = index.reshape(-1, *[1] * (source.ndim - dim - 1))
        add_at(xp, target, key, source)
        return made

    def save(ctx, out, a, index, source, *, dim, alpha):
        ctx.save_for_backward(index)
        ctx.dim, ctx.alpha = dim, alpha

    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        return g, None, g.index_select(ctx.dim, index) * ctx.alpha


def _check_index_add(input, dim: int, index, source) -> None:
    """IndexError or RuntimeError unless `source` has a slice of the input's shape for each index."""
    if index.ndim > 1:
        kind, size = dtypes.legacy_name(index.dtype), list(index.shape)
        raise IndexError(
            f"index_add_(): Index is supposed to be a vector, but got dim: {index.ndim} with type: {kind} and size: "
            f"{size}"
        )
    mine, given = list(input.shape), list(source.shape)
    if mine[:dim] + mine[dim + 1 :] != given[:dim] + given[dim + 1 :] or len(mine) != len(given):
        if not given and index.numel() != 1:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{mine} source.shape = {given}"
        )
    if given and index.numel() != given[dim]:
        raise RuntimeError(
            f"index_add_(): Number of indices ({index.numel()}) should be equal to source.size(dim): ({given[dim]}), "
            f"for dim: {dim}"
        )


def places(xp, shape) -> list:
    """The positions in each dimension, shaped to broadcast to `shape`: numpy.ogrid, in a tenth of its time."""
    last = len(shape) - 1
    return [xp.arange(n).reshape(n, *[1] * (last - d)) for d, n in enumerate(shape)]


def along(xp, index, dim: int, ndim: int):
    """The full key that picks, for every position of `index`, that position with `dim` replaced by the index."""
    key = places(xp, index.shape) if ndim else []
    if ndim:
        key[dim] = index
    return tuple(key)


def add_at(xp, target, key, values) -> None:
    """`target[key] += values`, repeated positions counted each time; `target` is contiguous, `key` has an array of
    positions for each dimension.

    NumPy adds at one position in the flattened array several times faster than at positions of several dimensions.
    """
    flat = 0
    for n, positions in zip(target.shape, key, strict=True):
        flat = flat * n + positions
    added = xp.broadcast_to(values, flat.shape).reshape(-1)
    backend_of(xp).change_at(xp.add, target.reshape(-1), flat.reshape(-1), added)


def check_index_shape(name: str, index, shape) -> None:
    if index.ndim != len(shape) and not (index.ndim <= 1 and len(shape) <= 1):
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {name} tensor")


def check_scatter(index, shape, dim: int, src) -> None:
    """RuntimeError where some of the positions in `index` lie outside the tensor, or outside `src` (if it is one)."""
    index = index._array
    if not index.size:
        return
    check_index_shape("self", index, shape)
    too_large = any(n > shape[d] for d, n in enumerate(index.shape) if d != dim and shape)
    ending = f"apart from dimension {dim}"
    if isinstance(src, Tensor):
        given = src.shape
        if len(given) < index.ndim and given:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-len(given)}, {len(given) - 1}], but got "
                f"{len(given)})"
            )
        too_large = too_large or any(n > m for n, m in zip(index.shape, given))
        ending += f" and to be no larger size than src {list(given)}"
    if too_large:
        raise RuntimeError(f"Expected index {list(index.shape)} to be no larger than self {list(shape)} {ending}")


def check_positions(index, length: int, dim: int) -> None:
    bad = out_of_bounds(index, length)
    if bad is not None:
        raise RuntimeError(f"index {bad} is out of bounds for dimension {dim} with size {length}")


def _check_gather(wanted, shape, dim: int) -> None:
    for d, n in enumerate(wanted):
        if d != dim and shape and n > shape[d]:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(wanted)} to be no larger than self "
                f"{list(shape)} apart from dimension {dim}"
            )


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
            check_index_shape("input", index._array, input.shape)
            _check_gather(index.shape, input.shape, dim)
        return (input, index), {"dim": dim}

    def forward(xp, a, index, *, dim):
        if a.ndim == 0 or index.size == 0:
            return xp.broadcast_to(a, index.shape).copy() if index.size else xp.zeros(index.shape, a.dtype)
        run = by_kernel("gather_elements", a, index) if alike_but_for(index.shape, a.shape, dim) else None
        if run is not None:
            return run(a, index, dim)
        check_positions(index, a.shape[dim], dim)
        return a[along(xp, index, dim, a.ndim)] if index.ndim else a[index, ...].copy()

    def save(ctx, out, a, index, *, dim):
        ctx.save_for_backward(index)
        ctx.shape, ctx.dim = a.shape, dim

    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        if not index.numel():
            return g.new_zeros(ctx.shape), None
        made = added_to_zeros("add_elements", g, index, ctx.shape, ctx.dim) if ctx.shape else None
        return g.new_zeros(ctx.shape).scatter_add(ctx.dim, index, g) if made is None else made, None


def _places(xp, made, dim: int, index, src):
    """(the tensor with at least one dimension, the key of all positions of `index`, what of `src` goes there)."""
    target, index = xp.atleast_1d(made), xp.atleast_1d(index)
    check_positions(index, target.shape[dim], dim)
    if not hasattr(src, "strides"):
        part = made.dtype.type(src)
    elif index.size:
        part = xp.atleast_1d(src)[tuple([slice(n) for n in index.shape])]
    else:
        part = xp.zeros(index.shape, made.dtype)
    return target, along(xp, index, dim, index.ndim), part


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
        check_scatter(index, input.shape, dim, src)
        return (input, index, src), {"dim": dim, "reduce": reduce}

    takes_into = True

    def forward(xp, a, index, src, *, dim, reduce, into=None):
        made = a.copy() if into is None else into
        target, key, part = _places(xp, made, dim, index, src)
        if reduce is None:
            target[key] = part
        elif reduce == "add":
            add_at(xp, target, key, part)
        elif reduce == "multiply":
            backend_of(xp).change_at(xp.multiply, target, key, part)
        else:
            raise RuntimeError("reduce argument must be either add or multiply.")
        return made

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
        check_scatter(index, input.shape, dim, src)
        return (input, index, src), {"dim": dim}

    takes_into = True

    def forward(xp, a, index, src, *, dim, into=None):
        made = a.copy() if into is None else into
        if index.ndim and index.shape == src.shape and alike_but_for(index.shape, a.shape, dim):
            src = xp.ascontiguousarray(src)
            run = by_kernel("add_elements", made, index, src)
            if run is not None:
                run(made, index, src, dim)
                return made
        add_at(xp, *_places(xp, made, dim, index, src))
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
            "take(): self and out expected to have the same dtype, but got self.dtype = "
            f"{dtypes.legacy_name(input.dtype)} and out.dtype = {dtypes.legacy_name(out.dtype)}"
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
    shapes = [s[:dim] + (1,) + s[dim + 1 :] for s in (input._array.shape, indices._array.shape)]
    shape = list(np.broadcast_shapes(*shapes))
    indices = where(indices < 0, indices + input.shape[dim], indices)
    expand = lambda t: t.expand(shape[:dim] + [t.shape[dim]] + shape[dim + 1 :])
    return expand(input).gather(dim, expand(indices))
