"""What runs along a dimension: running sums, products, extremes and sums of exponentials; differences and integrals.

The gradient of a running sum is a running sum from the other end.
"""

from __future__ import annotations

import numpy as np

from .. import dtypes, return_types
from ..backends import backend_of
from ..dtypes import FLOAT
from ..tensor import Tensor, normalize_dim
from ._numeric import is_half, narrow, require_kind, wide
from ._op import function, op
from .creation import ones_like
from .joining import cat
from .masks import where
from .pairs import _complex_log_of_sum
from .reduce import sum_dtype

# ---- running sums and products -----------------------------------------------------------------------------------


def _running(accumulate: str, a, dim: int):
    """Running sum or product, by the array's own method; half precision is accumulated in float32."""
    if a.ndim == 0:
        return a.copy()
    precision = np.dtype("f4") if is_half(a.dtype) else a.dtype
    return getattr(a.astype(precision, copy=False), accumulate)(axis=dim, dtype=precision).astype(a.dtype, copy=False)


@op(inplace=True)
class cumsum:
    """cumsum(input, dim, *, dtype=None, out=None) -> Tensor: the running sum along `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cumsum.html
    """

    def arguments(input, dim, *, dtype=None):
        dtype = sum_dtype(input, dtype)
        return (input if input.dtype is dtype else input.to(dtype),), {"dim": normalize_dim(dim, input.ndim)}

    def forward(xp, a, *, dim):
        return _running("cumsum", a, dim)

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
        dtype = sum_dtype(input, dtype)
        return (input if input.dtype is dtype else input.to(dtype),), {"dim": normalize_dim(dim, input.ndim)}

    def forward(xp, a, *, dim):
        return _running("cumprod", a, dim)

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
    """d(prod of a[:j+1])/d a[i], summed over j >= i, without dividing: quadratic, for an `a` that is zero somewhere."""
    length, pieces = a.shape[dim], []
    one = ones_like(a.narrow(dim, 0, 1))
    for i in range(length):
        before = a.narrow(dim, 0, i).prod(dim, True) if i else one
        after = cat([one, a.narrow(dim, i + 1, length - i - 1)], dim).cumprod(dim)
        pieces.append((before * after * g.narrow(dim, i, length - i)).sum(dim, True))
    return cat(pieces, dim)


# ---- running extremes --------------------------------------------------------------------------------------------


def _running_extreme(name: str, accumulate: str):
    """The largest (smallest) element so far, and where it stood last; once a NaN came, it stays NaN."""

    def forward(xp, a, *, dim):
        require_kind(f"{name}_cpu", a, "biufV")
        if a.ndim == 0 or a.size == 0:
            return a.copy(), xp.zeros(a.shape, "int64")
        running = backend_of(xp).running
        values = running(getattr(xp, accumulate), a, dim)
        places = xp.arange(a.shape[dim]).reshape([-1 if d == dim else 1 for d in range(a.ndim)])
        reached = (a == values) | (a != a)
        return values, running(xp.maximum, xp.where(reached, places, 0), dim)

    def save(ctx, outs, a, *, dim):
        ctx.save_for_backward(outs[1])
        ctx.shape, ctx.dim = a.shape, dim

    def backward(ctx, g, _):
        (at,) = ctx.saved_tensors
        return g.new_zeros(ctx.shape).scatter_add(ctx.dim, at, g) if g.numel() else g

    members = {"forward": forward, "save": save, "backward": backward, "__doc__": f"The pair of `{name}`."}
    return op(method=False, namespace=None, node=name.capitalize())(type(f"{name}_along", (), members))


cummax_along, cummin_along = _running_extreme("cummax", "maximum"), _running_extreme("cummin", "minimum")


@function(method=True, out=True)
def cummax(input, dim):
    """cummax(input, dim, *, out=None) -> (values, indices): the largest element so far along `dim`, and its position.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cummax.html
    """
    return return_types.cummax(cummax_along(input, dim=normalize_dim(dim, input.ndim)))


@function(method=True, out=True)
def cummin(input, dim):
    """cummin(input, dim, *, out=None) -> (values, indices): the smallest element so far along `dim`, and its position.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cummin.html
    """
    return return_types.cummin(cummin_along(input, dim=normalize_dim(dim, input.ndim)))


# ---- running log of a sum of exponentials ------------------------------------------------------------------------


@op()
class logcumsumexp:
    """logcumsumexp(input, dim, *, out=None) -> Tensor: `log(cumsum(exp(input)))` along `dim`, without overflow.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.logcumsumexp.html
    """

    def arguments(input, dim):
        return (input,), {"dim": normalize_dim(dim, input.ndim)}

    def forward(xp, a, *, dim):
        require_kind("logcumsumexp_out_cpu", a, "fVc")
        if a.ndim == 0 or a.size == 0:
            return a.copy()
        if a.dtype.kind == "c":
            return _complex_running_sum(xp, a, dim)
        return narrow(backend_of(xp).running(xp.logaddexp, wide(a), dim), a.dtype)

    def save(ctx, out, a, *, dim):
        ctx.save_for_backward(a)
        ctx.dim = dim

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        if a.ndim == 0 or a.numel() == 0:
            return g
        total = logcumsumexp(a, ctx.dim)
        if a.is_complex():
            return ((_from_the_end((g.conj().log() - total), ctx.dim) + a).exp()).conj()
        size, nothing = g.abs().log(), dtypes.finfo(g.dtype).min  # not -inf, which has no second derivative
        up = where(g > 0, size, nothing)
        down = where(g < 0, size, nothing)
        return (_from_the_end(up - total, ctx.dim) + a).exp() - (_from_the_end(down - total, ctx.dim) + a).exp()


def _from_the_end(x: Tensor, dim: int) -> Tensor:
    return logcumsumexp(x.flip(dim), dim).flip(dim)


def _complex_running_sum(xp, a, dim: int):
    rows = xp.moveaxis(a, dim, 0)
    made = xp.empty_like(rows)
    made[0] = rows[0]
    for i in range(1, len(rows)):
        made[i] = _complex_log_of_sum(xp, made[i - 1], rows[i])
    return xp.moveaxis(made, 0, dim)


# ---- differences and integrals -----------------------------------------------------------------------------------


@function(method=True, out=True)
def diff(input, n=1, dim=-1, prepend=None, append=None):
    """diff(input, n=1, dim=-1, prepend=None, append=None, *, out=None) -> Tensor: differences of neighbours, n times.

    >>> import course_lib as torch
    >>> torch.diff(torch.tensor([1, 3, 2]))
    tensor([ 2, -1])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.diff.html
    """
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    for end in (prepend, append):
        if end is not None and end.ndim != input.ndim:
            raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = normalize_dim(dim, input.ndim)
    if n == 0:
        return input.clone()
    parts = [t for t in (prepend, input, append) if t is not None]
    made = cat(parts, dim) if len(parts) > 1 else input
    for _ in range(min(n, made.shape[dim])):
        length = max(made.shape[dim] - 1, 0)
        later, earlier = made.narrow(dim, made.shape[dim] - length, length), made.narrow(dim, 0, length)
        made = later ^ earlier if made.dtype is dtypes.bool else later - earlier
    return made


def _areas(y: Tensor, x, dx, dim: int) -> Tensor:
    """Twice the area of each trapezoid between neighbours along `dim`."""
    length = max(y.shape[dim] - 1, 0)
    both = y.narrow(dim, 1 if length else 0, length) + y.narrow(dim, 0, length)
    if x is None:
        return both * dx
    if x.ndim == 1:
        if x.shape[0] != y.shape[dim]:
            raise RuntimeError("trapezoid: There must be one `x` value for each sample point")
        x = x.reshape([-1 if d == dim else 1 for d in range(y.ndim)])
    elif x.ndim < y.ndim:
        x = x.reshape([1] * (y.ndim - x.ndim) + list(x.shape))
    width = diff(x, dim=dim) if x.shape[dim] else x
    return width * both


@function(alias="trapz")
def trapezoid(y, x=None, *, dx=1, dim=-1):
    """trapezoid(y, x=None, *, dx=1, dim=-1) -> Tensor: the integral of `y` along `dim` by the trapezoidal rule.

    `x` holds the places of the samples; without it they are `dx` apart.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.trapezoid.html
    """
    dim = _checked_places("trapezoid", y, x, dim)
    if y.shape[dim] == 0:
        return y.new_zeros([n for d, n in enumerate(y.shape) if d != dim])
    return _areas(y, x, dx, dim).sum(dim) / 2


@function()
def cumulative_trapezoid(y, x=None, *, dx=1, dim=-1):
    """cumulative_trapezoid(y, x=None, *, dx=1, dim=-1) -> Tensor: `trapezoid` up to each sample.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cumulative_trapezoid.html
    """
    dim = _checked_places("cumulative_trapezoid", y, x, dim)
    return _areas(y, x, dx, dim).cumsum(dim) / 2


def _checked_places(name: str, y: Tensor, x, dim: int) -> int:
    if dtypes.bool in (y.dtype, None if x is None else x.dtype):
        which = "y" if y.dtype is dtypes.bool else "x"
        raise RuntimeError(f"{name}: received a bool input for {which!r}, but bool is not supported".replace("'", "`"))
    return normalize_dim(dim, y.ndim)


# ---- slopes ------------------------------------------------------------------------------------------------------


@function()
def gradient(input, *, spacing=None, dim=None, edge_order=1):
    """gradient(input, *, spacing=1, dim=None, edge_order=1) -> tuple of Tensors

    The slope along each dimension, from central differences. `spacing` is the distance of two samples (one number, or
    one a dimension) or 1-D tensors with the samples' coordinates. At the edges a one-sided difference over
    `edge_order + 1` samples.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.gradient.html
    """
    dims = range(input.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    dims = [normalize_dim(d, input.ndim) for d in dims]
    if spacing is None or isinstance(spacing, (int, float, complex)):
        spacing = [1 if spacing is None else spacing] * len(dims)
    if isinstance(spacing, Tensor):
        spacing = [spacing]
    if len(spacing) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or a list of length equal to 'self.dim() = "
            f"{input.ndim}', since dim argument is not given, but got a list of length {len(spacing)}"
            if dim is None
            else "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to "
            f"have the same length, but got a spacing argument of length {len(spacing)} and a dim argument of length "
            f"{len(dims)}."
        )
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for i, d in enumerate(dims):
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
        if input.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
        if isinstance(spacing[i], Tensor) and spacing[i].numel() != input.shape[d] and spacing[i].ndim:
            raise RuntimeError(
                "torch.gradient expected each tensor to have the same size as the corresponding dimension"
            )
    return tuple(_slope(input, d, step, edge_order) for d, step in zip(dims, spacing, strict=True))


def _slope(f: Tensor, dim: int, step, edge_order: int) -> Tensor:
    length = f.shape[dim]
    at = lambda start, count: f.narrow(dim, start, count)
    if isinstance(step, Tensor) and step.ndim:
        step = step.to(f.dtype if f.dtype.category >= FLOAT else dtypes.get_default_dtype())
        widths = diff(step).reshape([-1 if d == dim else 1 for d in range(f.ndim)])
        before, after = widths.narrow(dim, 0, length - 2), widths.narrow(dim, 1, length - 2)
        first, second = widths.narrow(dim, 0, 1), widths.narrow(dim, min(1, length - 2), 1)
        last, last_but_one = widths.narrow(dim, length - 2, 1), widths.narrow(dim, max(length - 3, 0), 1)
    else:
        before = after = first = second = last = last_but_one = step
    inside = (
        at(0, length - 2) * (-after / (before * (before + after)))
        + at(1, length - 2) * ((after - before) / (before * after))
        + at(2, length - 2) * (before / (after * (before + after)))
    )
    if edge_order == 1:
        left = (at(1, 1) - at(0, 1)) / first
        right = (at(length - 1, 1) - at(length - 2, 1)) / last
    else:
        left = _edge_slope([at(0, 1), at(1, 1), at(2, 1)], first, second)
        right = -_edge_slope([at(length - 1, 1), at(length - 2, 1), at(length - 3, 1)], last, last_but_one)
    return cat([left, inside.to(left.dtype), right], dim)


def _edge_slope(samples, near, far) -> Tensor:
    """The slope at the first of three samples of the parabola through them."""
    a, b, c = samples
    return (
        a * (-(2 * near + far) / (near * (near + far)))
        + b * ((near + far) / (near * far))
        - c * (near / (far * (near + far)))
    )
