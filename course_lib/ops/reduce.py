"""Reductions: many elements become one, over all dimensions or over the given ones (`sum`, `mean`, `prod`, `all`, …).

`dims_of` reads the argument `dim`; `restored` puts the reduced dimensions back, so that a gradient can be spread over
them.
"""

from __future__ import annotations

import math

import numpy as np

from .. import dtypes
from ..dtypes import FLOAT, legacy_name
from ..tensor import Tensor, normalize_dim
from ._by_kernel import reduced
from ._numeric import conjugate, is_half, narrow, wide
from ._op import function, op, write_out
from .broadcasting import expand_to
from .creation import ones_like
from .joining import cat

_FLOAT32 = dtypes.float32.numpy


def dims_of(dim, ndim: int) -> tuple[int, ...]:
    """The dimensions to reduce, counted from the front and sorted; None or an empty list means all."""
    if isinstance(dim, Tensor):
        dim = dim.tolist()
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


def _accumulate(xp, a, dims, keepdim, dtype, reduce, kernel: str):
    """Reduce in a wider type where half precision would lose too much."""
    made = None if xp is np or a.dtype != dtype else reduced(kernel, a, dims, keepdim)
    if made is not None:
        return made
    if is_half(dtype):
        return reduce(a.astype("f4"), axis=dims, keepdims=keepdim).astype(dtype)
    if dims is not None and len(dims) == a.ndim:
        dims = None
    return reduce(a, axis=dims, keepdims=keepdim, dtype=dtype)


def sum_dtype(input: Tensor, dtype) -> dtypes.dtype:
    if dtype is not None:
        return dtype
    have = input.dtype
    return dtypes.int64 if have.category < FLOAT else have


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
        dtype = sum_dtype(input, dtype)
        dims = None if dim is None else dims_of(dim, input.ndim)
        return (input,), {"dims": dims, "keepdim": keepdim, "dtype": dtype}

    def forward(xp, a, *, dims, keepdim, dtype):
        if a.dtype is _FLOAT32 and dtype is dtypes.float32 and xp is np:
            return xp.add.reduce(a, axis=dims, keepdims=keepdim)
        return _accumulate(xp, a, dims, keepdim, dtype.numpy, xp.add.reduce, "total")

    def save(ctx, out, a, *, dims, keepdim, dtype):
        ctx.shape, ctx.dims, ctx.keepdim, ctx.dtype = a._array.shape, dims, keepdim, a.dtype
        if dims is not None:
            ctx.overload = 1

    def backward(ctx, g):
        g = expand_to(restored(g, ctx.dims, ctx.keepdim), shape=ctx.shape)
        return g if g.dtype is ctx.dtype else g.to(ctx.dtype)


@function(method=True)
def nansum(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """nansum(input, dim=None, keepdim=False, *, dtype=None) -> Tensor: `sum` with NaN counted as 0.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nansum.html
    """
    if input.dtype.is_complex:
        raise RuntimeError("nansum on CPU does not support complex inputs")
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
            which = "Input" if dtype is None else "Optional"
            raise RuntimeError(
                f"mean(): could not infer output dtype. {which} dtype must be either a floating point or complex "
                f"dtype. Got: {legacy_name(dtype or input.dtype)}"
            )
        input = input if dtype is None else input.to(dtype)
        return (input,), {"dims": dims_of(dim, input.ndim), "keepdim": keepdim, "overload": int(dim is not None)}

    def forward(xp, a, *, dims, keepdim, overload):
        count = math.prod([a.shape[d] for d in dims])
        made = None if xp is np else reduced("total", a, dims, keepdim, count)
        if made is not None:
            return made
        half = a.dtype.itemsize == 2
        total = xp.add.reduce(a.astype("f4") if half else a, axis=dims, keepdims=keepdim)
        return narrow(total / total.dtype.type(count), a.dtype)

    def save(ctx, out, a, *, dims, keepdim, overload):
        ctx.shape, ctx.dims, ctx.keepdim, ctx.overload = a._array.shape, dims, keepdim, overload

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
        dtype = sum_dtype(input, dtype)
        return (input if input.dtype is dtype else input.to(dtype),), {"dim": dim, "keepdim": keepdim}

    def forward(xp, a, *, dim, keepdim):
        dims = dims_of(dim, a.ndim)
        return _accumulate(xp, a, dims, keepdim, a.dtype, xp.multiply.reduce, "product")

    def save(ctx, out, a, *, dim, keepdim):
        ctx.save_for_backward(a)
        ctx.dims, ctx.keepdim, ctx.overload = dims_of(dim, a.ndim), keepdim, int(dim is not None)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return restored(g, ctx.dims, ctx.keepdim) * _product_of_others(a.conj(), ctx.dims)


def _product_of_others(a: Tensor, dims) -> Tensor:
    """For each element the product of all others in its group, right also where elements are zero."""
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


# ---- truth -------------------------------------------------------------------------------------------------------


def _truth(name: str, text: str):
    def arguments(input, dim=None, keepdim=False):
        none = isinstance(dim, (tuple, list)) and not dim  # unlike a sum, truth over no dimension is each element's own
        return (input,), {"dims": () if none else dims_of(dim, input.ndim), "keepdim": keepdim}

    def forward(xp, a, *, dims, keepdim):
        found = getattr(xp, name)(a, axis=dims, keepdims=keepdim)
        return xp.asarray(found).astype(a.dtype if a.dtype == "u1" else bool, copy=False)

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


# ---- in the exponent ---------------------------------------------------------------------------------------------


@op()
class logsumexp:
    """logsumexp(input, dim, keepdim=False, *, out=None) -> Tensor: `log(sum(exp(input)))` without overflow.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.logsumexp.html
    """

    def arguments(input, dim, keepdim=False):
        input = input if input.dtype.category >= FLOAT else input.to(dtypes.get_default_dtype())
        return (input,), {"dims": dims_of(dim, input.ndim), "keepdim": keepdim}

    def forward(xp, a, *, dims, keepdim):
        made = None if xp is np else reduced("log_sum_exp", a, dims, keepdim)
        if made is not None:
            return made
        made, top = wide(a), 0
        if a.size:
            top = xp.amax(made.real, axis=dims, keepdims=True)  # a complex number is as large as its real part
            top = xp.where(xp.isinf(top), top.dtype.type(0), top)
        made = xp.log(xp.add.reduce(xp.exp(made - top), axis=dims, keepdims=True)) + top
        return narrow(made if keepdim else made.squeeze(dims), a.dtype)

    def save(ctx, out, a, *, dims, keepdim):
        ctx.save_for_backward(a, out)
        ctx.dims, ctx.keepdim = dims, keepdim

    def backward(ctx, g):
        a, out = ctx.saved_tensors
        share = (a - restored(out, ctx.dims, ctx.keepdim)).exp()  # softmax
        return restored(g, ctx.dims, ctx.keepdim) * conjugate(share)

