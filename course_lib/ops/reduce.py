"""Reductions: many elements become one, over all dimensions or over the given ones."""

from __future__ import annotations

import math
from builtins import max as builtin_max

from .. import dtypes, return_types
from ..autograd.node import SavedOutput
from ..dtypes import FLOAT, legacy_name
from ..tensor import Tensor, normalize_dim
from ._op import function, op, write_out
from .broadcasting import expand_to

_FLOAT32 = dtypes.float32.numpy


def dims_of(dim, ndim: int) -> tuple[int, ...]:
    """The dimensions to reduce, counted from the front and sorted; None or an empty list means all."""
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(ndim))
    if isinstance(dim, int):
        return (normalize_dim(dim, ndim),) if ndim else ()
    found = [normalize_dim(int(d), ndim) for d in dim]
    for d in found:
        if found.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return tuple(sorted(found)) if ndim else ()


def restored(grad: Tensor, dims, keepdim: bool) -> Tensor:
    """A reduced tensor with the reduced dimensions put back as size 1, so that it broadcasts against the input."""
    if keepdim or grad._array.ndim == 0:  # a single number broadcasts as it is
        return grad
    shape = list(grad._array.shape)
    for d in dims:
        shape.insert(d, 1)
    return grad.reshape(shape)


def _accumulate(xp, a, dims, keepdim, dtype, reduce):
    """Reduce in a wider type where half precision would lose too much."""
    if dtype.itemsize == 2 and dtype.kind in "fV":
        return reduce(a.astype("f4"), axis=dims, keepdims=keepdim).astype(dtype)
    if len(dims) == a.ndim:
        dims = None
    return reduce(a, axis=dims, keepdims=keepdim, dtype=dtype)


def _sum_dtype(input: Tensor, dtype) -> dtypes.dtype:
    if dtype is not None:
        return dtype
    return dtypes.int64 if input.dtype.category < FLOAT else input.dtype


@op()
class sum:
    """sum(input, dim=None, keepdim=False, *, dtype=None, out=None) -> Tensor

    The sum over all elements, or over the dimensions `dim`; integers and bools are summed as int64.

    >>> import course_lib as torch
    >>> torch.ones(2, 3).sum(dim=0)
    tensor([2., 2., 2.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sum.html
    """

    def arguments(input, dim=None, keepdim=False, *, dtype=None):
        dtype = _sum_dtype(input, dtype)
        return (input,), {"dims": dims_of(dim, input.ndim), "keepdim": keepdim, "dtype": dtype}

    def forward(xp, a, *, dims, keepdim, dtype):
        if a.dtype is _FLOAT32 and dtype is dtypes.float32:
            return xp.add.reduce(a, axis=dims, keepdims=keepdim)
        return _accumulate(xp, a, dims, keepdim, dtype.numpy, xp.add.reduce)

    def save(ctx, out, a, *, dims, keepdim, dtype):
        ctx.shape, ctx.dims, ctx.keepdim, ctx.dtype = a._array.shape, dims, keepdim, a.dtype

    def backward(ctx, g):
        g = expand_to(restored(g, ctx.dims, ctx.keepdim), shape=ctx.shape)
        return g if g.dtype is ctx.dtype else g.to(ctx.dtype)


@function(method=True)
def nansum(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """nansum(input, dim=None, keepdim=False, *, dtype=None) -> Tensor: `sum` with NaN counted as 0.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nansum.html
    """
    return sum(input.masked_fill(input != input, 0), dim, keepdim, dtype=dtype, out=out)


@function(method=True)
def mean(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """mean(input, dim=None, keepdim=False, *, dtype=None, out=None) -> Tensor

    The mean over all elements, or over the dimensions `dim`. RuntimeError for integers without a floating `dtype`.

    >>> import course_lib as torch
    >>> torch.tensor([[1., 2.], [3., 4.]]).mean(dim=1)
    tensor([1.5000, 3.5000])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.mean.html
    """
    made = _mean(input, dim, keepdim, dtype=dtype)
    return made if out is None else write_out("mean", out, (input,), made)


@op(method=False, namespace=None, node="Mean")
class _mean:
    """The mean over the dimensions `dim`."""

    def arguments(input, dim=None, keepdim=False, *, dtype=None):
        if (dtype or input.dtype).category < FLOAT:
            what = "Input" if dtype is None else "Output"
            raise RuntimeError(
                f"mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {legacy_name(input.dtype)}"
                if what == "Input"
                else "mean(): could not infer output dtype. Optional dtype must be either a floating point or complex "
                f"dtype. Got: {legacy_name(dtype)}"
            )
        input = input if dtype is None else input.to(dtype)
        return (input,), {"dims": dims_of(dim, input.ndim), "keepdim": keepdim}

    def forward(xp, a, *, dims, keepdim):
        count = math.prod([a.shape[d] for d in dims])
        half = a.dtype.itemsize == 2
        total = xp.add.reduce(a.astype("f4") if half else a, axis=dims, keepdims=keepdim)
        return (total / total.dtype.type(count)).astype(a.dtype)

    def save(ctx, out, a, *, dims, keepdim):
        ctx.shape, ctx.dims, ctx.keepdim = a._array.shape, dims, keepdim

    def backward(ctx, g):
        count = math.prod([ctx.shape[d] for d in ctx.dims])
        return expand_to(restored(g, ctx.dims, ctx.keepdim) / count, shape=ctx.shape)


@op()
class prod:
    """prod(input, dim=None, keepdim=False, *, dtype=None, out=None) -> Tensor

    The product of all elements, or over one dimension; integers and bools are multiplied as int64.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.prod.html
    """

    def arguments(input, dim=None, keepdim=False, *, dtype=None):
        dtype = _sum_dtype(input, dtype)
        return (input if input.dtype is dtype else input.to(dtype),), {"dim": dim, "keepdim": keepdim}

    def forward(xp, a, *, dim, keepdim):
        dims = dims_of(dim, a.ndim)
        return _accumulate(xp, a, dims, keepdim, a.dtype, xp.multiply.reduce)

    def save(ctx, out, a, *, dim, keepdim):
        ctx.save_for_backward(a)
        ctx.dims, ctx.keepdim = dims_of(dim, a.ndim), keepdim

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return restored(g, ctx.dims, ctx.keepdim) * _product_of_others(a.conj(), ctx.dims)


def _product_of_others(a: Tensor, dims) -> Tensor:
    """For each element the product of all others in its group, right also where elements are zero."""
    from .creation import ones_like
    from .joining import cat

    rest = [d for d in range(a.ndim) if d not in dims]
    moved = a.permute(*rest, *dims)
    flat = moved.reshape([*moved.shape[: len(rest)], -1]) if a.ndim else a.reshape(1)
    one = ones_like(flat.narrow(-1, 0, 1)) if flat.shape[-1] else flat
    before = cat([one, flat.narrow(-1, 0, flat.shape[-1] - 1).cumprod(-1)], -1) if flat.shape[-1] else flat
    backwards = flat.flip(-1)
    after = cat([one, backwards.narrow(-1, 0, flat.shape[-1] - 1).cumprod(-1)], -1).flip(-1) if flat.shape[-1] else flat
    others = (before * after).reshape(moved.shape)
    order = [*rest, *dims]
    return others.permute([order.index(d) for d in range(a.ndim)])


# ---- largest and smallest ----------------------------------------------------------------------------------------


def _refuse_empty(name: str, a, dims) -> None:
    empty = [d for d in dims if a.shape[d] == 0]
    if empty:
        raise IndexError(f"{name}(): Expected reduction dim {empty[0]} to have non-zero size.")


def _extreme_value(name: str, ufunc: str, node: str | None = None):
    """amax and amin: the extreme value; equal ones share the gradient."""

    def arguments(input, dim=(), keepdim=False):
        if input.numel() == 0 and dim == ():
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
                "'dim' argument."
            )
        return (input,), {"dims": dims_of(dim, input.ndim), "keepdim": keepdim}

    def forward(xp, a, *, dims, keepdim):
        _refuse_empty(name, a, dims)
        return getattr(xp, ufunc)(a, axis=dims, keepdims=keepdim)

    def save(ctx, out, a, *, dims, keepdim):
        ctx.save_for_backward(a)
        ctx.dims, ctx.keepdim = dims, keepdim

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        extreme = getattr(a.detach(), name)(ctx.dims, True)
        where = a.detach() == extreme
        return restored(g, ctx.dims, ctx.keepdim) * where / where.sum(ctx.dims, keepdim=True)

    if node is not None:  # the reduction of everything behind max() and min()
        members = {"forward": forward, "save": save, "backward": backward, "__doc__": f"The {node[:3].lower()} of all."}
        return op(method=False, namespace=None, node=node)(type(f"{name}_of_all", (), members))
    word = "largest" if name == "amax" else "smallest"
    document = f"""{name}(input, dim=(), keepdim=False, *, out=None) -> Tensor: the {word} element over `dim`.

    Equal {word} elements share the gradient evenly.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"arguments": arguments, "forward": forward, "save": save, "backward": backward, "__doc__": document,
               "__module__": __name__}  # fmt: skip
    return op()(type(name, (), members))


amax = _extreme_value("amax", "max")
amin = _extreme_value("amin", "min")
max_of_all, min_of_all = _extreme_value("amax", "max", "MaxBackward1"), _extreme_value("amin", "min", "MinBackward1")


def _extreme_along(name: str, find: str):
    """max and min over one dimension: values and their positions."""

    def forward(xp, a, *, dim, keepdim):
        if a.ndim == 0:
            return a.copy(), xp.zeros((), "int64")
        _refuse_empty(name, a, (dim,))
        at = xp.expand_dims(getattr(xp, find)(a, axis=dim), dim)
        values = xp.take_along_axis(a, at, axis=dim)
        return (values, at) if keepdim else (values.squeeze(dim), at.squeeze(dim))

    def save(ctx, outs, a, *, dim, keepdim):
        ctx.save_for_backward(outs[1])
        ctx.shape, ctx.dim, ctx.keepdim = a.shape, dim, keepdim

    def backward(ctx, g, _):
        (at,) = ctx.saved_tensors
        if not ctx.shape:
            return g
        if not ctx.keepdim:
            g, at = g.unsqueeze(ctx.dim), at.unsqueeze(ctx.dim)
        return g.new_zeros(ctx.shape).scatter(ctx.dim, at, g)

    members = {"forward": forward, "save": save, "backward": backward, "__doc__": f"`{name}` over one dimension."}
    return op(method=False, namespace=None, node=name.capitalize())(type(f"{name}_along", (), members))


max_along, min_along = _extreme_along("max", "argmax"), _extreme_along("min", "argmin")


def _extreme(name, input, dim, keepdim, out, along, value, elementwise, result):
    if dim is None:
        if input.numel() == 0:
            raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                               "reduction dim with the 'dim' argument.")  # fmt: skip
        made = value(input, dims=tuple(range(input.ndim)), keepdim=False)
    elif isinstance(dim, Tensor):
        made = elementwise(input, dim)
    else:
        made = result(along(input, dim=normalize_dim(dim, input.ndim), keepdim=keepdim))
    return made if out is None else write_out(name, out, (input,), made)


@function(method=True)
def max(input, dim=None, keepdim=False, *, other=None, out=None):
    """max(input) -> Tensor; max(input, dim, keepdim=False) -> (values, indices); max(input, other) -> Tensor

    The largest element; over one dimension also its position; of two tensors the larger elements.

    >>> import course_lib as torch
    >>> torch.tensor([3, 9, 4]).max(dim=0).indices
    tensor(1)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.max.html
    """
    from .rounding import maximum

    dim = dim if other is None else other
    return _extreme("max", input, dim, keepdim, out, max_along, max_of_all, maximum, return_types.max)


@function(method=True)
def min(input, dim=None, keepdim=False, *, other=None, out=None):
    """min(input) -> Tensor; min(input, dim, keepdim=False) -> (values, indices); min(input, other) -> Tensor

    The smallest element; over one dimension also its position; of two tensors the smaller elements.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.min.html
    """
    from .rounding import minimum

    dim = dim if other is None else other
    return _extreme("min", input, dim, keepdim, out, min_along, min_of_all, minimum, return_types.min)


def _position(name: str):
    def arguments(input, dim=None, keepdim=False):
        return (input,), {"dim": dim if dim is None else normalize_dim(dim, input.ndim), "keepdim": keepdim}

    def forward(xp, a, *, dim, keepdim):
        if a.size == 0 and (dim is None or a.shape[dim] == 0):
            raise IndexError(
                f"{name}(): Expected reduction dim "
                + ("to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
                   if dim is None else f"{dim} to have non-zero size.")  # fmt: skip
            )
        if a.ndim == 0:
            return xp.zeros((), "int64")
        return getattr(xp, name)(a, axis=dim, keepdims=keepdim)

    word = "largest" if name == "argmax" else "smallest"
    document = f"""{name}(input, dim=None, keepdim=False) -> Tensor

    int64 position of the {word} element: in the flattened input, or along `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"arguments": arguments, "forward": forward, "__doc__": document, "__module__": __name__}
    return op()(type(name, (), members))


argmax, argmin = _position("argmax"), _position("argmin")


# ---- truth -------------------------------------------------------------------------------------------------------


def _truth(name: str, text: str):
    def arguments(input, dim=None, keepdim=False):
        return (input,), {"dims": dims_of(dim, input.ndim), "keepdim": keepdim}

    def forward(xp, a, *, dims, keepdim):
        found = getattr(xp, name)(a, axis=dims, keepdims=keepdim)
        return xp.asarray(found).astype(a.dtype if a.dtype.name == "uint8" else bool)

    document = f"""{name}(input, dim=None, keepdim=False, *, out=None) -> Tensor: bool, whether {text}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"arguments": arguments, "forward": forward, "__doc__": document, "__module__": __name__}
    return op()(type(name, (), members))


all = _truth("all", "all elements are True (not zero)")
any = _truth("any", "an element is True (not zero)")


@function(method=True)
def count_nonzero(input, dim=None):
    """count_nonzero(input, dim=None) -> Tensor: int64, how many elements are not zero.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.count_nonzero.html
    """
    return sum(input != 0, dim)


# ---- spread ------------------------------------------------------------------------------------------------------


def _spread_arguments(name: str):
    """The signature of var and std: also `var(unbiased)` and `var(dim, unbiased, keepdim)`, the older spellings."""

    def arguments(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
        if input.dtype.category < FLOAT:
            raise RuntimeError(f"{name} only support floating point and complex dtypes")
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if correction is None:
            correction = 1 if unbiased is None or unbiased else 0
        return (input,), {"dims": dims_of(dim, input.ndim), "correction": correction, "keepdim": keepdim}

    return arguments


def _variance(xp, a, dims, correction, keepdim):
    """Squared distances from the mean, summed in float32 or wider and divided by the degrees of freedom."""
    wide = a.astype("f4") if a.dtype.itemsize == 2 else a
    count = math.prod([a.shape[d] for d in dims])
    centre = xp.add.reduce(wide, dims, keepdims=True) / wide.dtype.type(count) if dims else wide
    distance = wide - centre
    squares = (distance * distance.conj()).real if a.dtype.kind == "c" else distance * distance
    return xp.asarray(xp.add.reduce(squares, dims, keepdims=keepdim) / squares.dtype.type(builtin_max(count - correction, 0)))


def _spread(name: str, text: str):
    def forward(xp, a, *, dims, correction, keepdim):
        found = _variance(xp, a, dims, correction, keepdim)
        return (xp.sqrt(found) if name == "std" else found).astype(cast_real(a.dtype))

    def save(ctx, out, a, *, dims, correction, keepdim):
        ctx.save_for_backward(a, SavedOutput(out, 0) if name == "std" else None)
        ctx.dims, ctx.correction, ctx.keepdim = dims, correction, keepdim

    def backward(ctx, g):
        a, spread = ctx.saved_tensors
        if name == "std":  # through the root; where all values are equal the gradient is 0
            g = (g / (spread * 2)).masked_fill(spread == 0, 0)
        count = math.prod([a.shape[d] for d in ctx.dims])
        distance = a - mean(a, ctx.dims, True) if ctx.dims else a - a
        return restored(g, ctx.dims, ctx.keepdim) * distance * (2 / builtin_max(count - ctx.correction, 0) if
                                                                count > ctx.correction else math.nan)  # fmt: skip

    document = f"""{name}(input, dim=None, *, correction=1, keepdim=False, out=None) -> Tensor

    {text}

    >>> import course_lib as torch
    >>> torch.tensor([1., 2., 3.]).{name}()
    tensor(1.)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"arguments": _spread_arguments(name), "forward": forward, "save": save, "backward": backward,
               "__doc__": document, "__module__": __name__}  # fmt: skip
    return op()(type(name, (), members))


def cast_real(dtype):
    """The dtype of the magnitudes of `dtype`."""
    return dtypes.from_numpy(dtype).to_real().numpy


var = _spread("var", "The variance over `dim`: squared distances from the mean, divided by `count - correction`.")
std = _spread("std", "The standard deviation over `dim`: the square root of `var`.")


@function()
def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """var_mean(input, dim=None, *, correction=1, keepdim=False) -> (Tensor, Tensor): variance and mean.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.var_mean.html
    """
    return var(input, dim, unbiased, keepdim, correction=correction), _mean_of(input, dim, keepdim)


@function()
def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """std_mean(input, dim=None, *, correction=1, keepdim=False) -> (Tensor, Tensor): standard deviation and mean.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.std_mean.html
    """
    return std(input, dim, unbiased, keepdim, correction=correction), _mean_of(input, dim, keepdim)


def _mean_of(input, dim, keepdim):
    """The mean that goes with a variance."""
    return mean(input, None if isinstance(dim, bool) else dim, keepdim)


@function(method=True)
def logsumexp(input, dim, keepdim=False, *, out=None):
    """logsumexp(input, dim, keepdim=False, *, out=None) -> Tensor: `log(sum(exp(input)))` without overflow.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.logsumexp.html
    """
    dims = dims_of(dim, input.ndim)
    input = input if input.dtype.category >= FLOAT else input.to(dtypes.get_default_dtype())
    top = amax(input.detach().real, dims, True)  # a complex number is as large as its real part
    top = top.masked_fill(top.abs() == math.inf, 0)
    made = sum((input - top).exp(), dims, True).log() + top
    made = made if keepdim else made.squeeze(dims)
    return made if out is None else write_out("logsumexp", out, (input,), made)


# ---- running sums and products -----------------------------------------------------------------------------------


def _running(accumulate, a, dim: int):
    """Running sum or product; half precision is accumulated in float32."""
    if a.ndim == 0:
        return a.copy()
    wide = "f4" if a.dtype.itemsize == 2 and a.dtype.kind in "fV" else a.dtype
    return accumulate(a, axis=dim, dtype=wide).astype(a.dtype, copy=False)


@op(inplace=True)
class cumsum:
    """cumsum(input, dim, *, dtype=None, out=None) -> Tensor: the running sum along `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cumsum.html
    """

    def arguments(input, dim, *, dtype=None):
        dtype = _sum_dtype(input, dtype)
        return (input if input.dtype is dtype else input.to(dtype),), {"dim": normalize_dim(dim, input.ndim)}

    def forward(xp, a, *, dim):
        return _running(xp.cumsum, a, dim)

    def save(ctx, out, a, *, dim):
        ctx.dim = dim

    def backward(ctx, g):
        return g.flip(ctx.dim).cumsum(ctx.dim).flip(ctx.dim) if g.ndim else g


@op(inplace=True)
class cumprod:
    """cumprod(input, dim, *, dtype=None, out=None) -> Tensor: the running product along `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cumprod.html
    """

    def arguments(input, dim, *, dtype=None):
        dtype = _sum_dtype(input, dtype)
        return (input if input.dtype is dtype else input.to(dtype),), {"dim": normalize_dim(dim, input.ndim)}

    def forward(xp, a, *, dim):
        return _running(xp.cumprod, a, dim)

    def save(ctx, out, a, *, dim):
        ctx.save_for_backward(a)
        ctx.dim = dim

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        if a.ndim == 0 or a.numel() == 0:
            return g
        if bool((a == 0).any()):
            return _cumprod_backward_with_zeros(g, a.conj(), ctx.dim)
        a = a.conj()
        return (g * a.cumprod(ctx.dim)).flip(ctx.dim).cumsum(ctx.dim).flip(ctx.dim) / a


def _cumprod_backward_with_zeros(g, a, dim: int) -> Tensor:
    """d(prod of a[:j+1])/d a[i], summed over j >= i, without dividing: quadratic, used only where a is zero somewhere."""
    from .creation import ones_like
    from .joining import cat

    length, pieces = a.shape[dim], []
    one = ones_like(a.narrow(dim, 0, 1))
    for i in range(length):
        before = a.narrow(dim, 0, i).prod(dim, True) if i else one
        after = cat([one, a.narrow(dim, i + 1, length - i - 1)], dim).cumprod(dim)
        pieces.append((before * after * g.narrow(dim, i, length - i)).sum(dim, True))
    return cat(pieces, dim)
