"""Average pooling: the mean of every window; of windows of one size (avg_pool), or of so many windows that a wanted
output size results (adaptive_avg_pool). lp_pool takes another mean.

Both are linear: the backward spreads each gradient evenly over its window, and is an op whose backward is the forward.
"""

from __future__ import annotations

import math

from ..backends.sliding import Sliding
from ..tensor import Tensor, normalize_dim
from ._arguments import type_name
from ._device import by_kernel
from ._numeric import in_layout_of, kind_name, narrow, require_kind, tuple_of, wide
from ._op import function, op
from .conv import add_windows, places_of, windows
from .pool_settings import check_1d, check_pool, pool_setting, pooled_size, remembered, stride_setting, whole_numbers

# ---- windows of one size -----------------------------------------------------------------------------------------


class Windows:
    """Where the windows of a pooling lie, and by what each sum is divided."""

    __slots__ = ("kernel", "stride", "padding", "size", "count_include_pad", "divisor")

    def __init__(self, kernel, stride, padding, size, count_include_pad, divisor):
        self.kernel, self.stride, self.padding, self.size = kernel, stride, padding, size
        self.count_include_pad, self.divisor = count_include_pad, divisor

    def by_kernel(self, xp, name: str, array, **settings):
        """What a kernel of the GPU makes of the array; None: there is none for it."""
        sliding = Sliding(self.kernel, self.stride, self.padding, (1,) * len(self.size))
        return by_kernel(xp, name, array, sliding=sliding, count_include_pad=bool(self.count_include_pad),
                         divisor=self.divisor, **settings)  # fmt: skip

    def full(self, shape) -> list[int]:
        """The padded size, long enough for the last window too."""
        return [
            max(n + 2 * p, (o - 1) * s + k)
            for n, p, o, s, k in zip(shape, self.padding, self.size, self.stride, self.kernel, strict=True)
        ]

    def divisors(self, xp, shape, dtype):
        """The number of elements of each window, as an array that broadcasts against the result."""
        if self.divisor is not None:
            return xp.full((1,) * len(self.size), self.divisor, dtype)
        counts = xp.ones((), dtype)
        for n, p, o, s, k in zip(shape, self.padding, self.size, self.stride, self.kernel, strict=True):
            start = xp.arange(o) * s - p
            end = xp.minimum(start + k, n + p)
            if not self.count_include_pad:
                start, end = xp.maximum(start, 0), xp.minimum(end, n)
            counts = counts[..., None] * (end - start).astype(dtype)
        return counts


def _average(node: str):
    """Declare the mean of windows, and its adjoint that spreads a gradient over them."""

    def forward(xp, a, *, where):
        require_kind("avg_pool3d_out_frame" if len(where.size) == 3 else "avg_pool2d", a, "fViu")
        dims = len(where.size)
        made = where.by_kernel(xp, "avg_pool", a, size=where.size)
        if made is not None:
            return made if dims == 3 else in_layout_of(xp, made, a)
        x = wide(a)
        lead, shape = a.shape[: a.ndim - dims], a.shape[a.ndim - dims :]
        full = where.full(shape)
        if tuple(full) != tuple(shape):
            room = xp.zeros((*lead, *full), x.dtype)
            room[(..., *[slice(p, p + n) for p, n in zip(where.padding, shape, strict=True)])] = x
            x = room
        seen = windows(xp, x, where.kernel, where.stride, (1,) * dims, where.size)
        total = xp.zeros((*lead, *where.size), x.dtype)
        for place in places_of(where.kernel):  # faster than one sum over the strided view
            total += seen[(slice(None),) * len(lead) + place]
        counts = where.divisors(xp, shape, x.dtype)
        if x.dtype.kind in "iu":
            return xp.fix(total / counts).astype(a.dtype)
        made = narrow(total / counts, a.dtype)
        return made if dims == 3 else in_layout_of(xp, made, a)

    def save(ctx, out, a, *, where):
        ctx.shape, ctx.where = tuple(a.shape), where

    def backward(ctx, g):
        return spread_over_windows(g, where=ctx.where, shape=ctx.shape)

    members = {
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": "The mean of every window.",
    }
    return op(method=False, namespace=None, node=node)(type(f"mean_of_windows_{node}", (), members))


_averages = {2: _average("AvgPool2D"), 3: _average("AvgPool3D")}


@op(method=False, namespace=None, node="AvgPool2DBackward")
class spread_over_windows:
    """Each element, divided by the size of its window, added to every element of the window."""

    def forward(xp, g, *, where, shape):
        made = where.by_kernel(xp, "avg_pool_backward", g, shape=shape)
        if made is not None:
            return made
        dims = len(where.size)
        lead, space = shape[: len(shape) - dims], shape[len(shape) - dims :]
        x = wide(g)
        share = (x / where.divisors(xp, space, x.dtype))[(slice(None),) * len(lead) + (None,) * dims]
        out = xp.zeros((*lead, *where.full(space)), x.dtype)
        cols = xp.broadcast_to(share, (*lead, *where.kernel, *where.size))
        add_windows(xp, cols, out, where.kernel, where.stride, (1,) * dims, where.size)
        return narrow(out[(..., *[slice(p, p + n) for p, n in zip(where.padding, space, strict=True)])], g.dtype)

    def save(ctx, out, g, *, where, shape):
        ctx.where = where

    def backward(ctx, gg):
        return _averages[max(2, len(ctx.where.size))](gg, where=ctx.where)


def _avg_pool(name: str, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) -> Tensor:
    where = _windows(name, input.shape, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return _averages[max(2, int(name[-2]))](input, where=where)


@remembered
def _windows(name: str, shape, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) -> Windows:
    """Where the windows lie in an input of this shape; RuntimeError where the settings do not fit."""
    dims = int(name[-2])
    kernel = pool_setting(name, "kernel_size", kernel_size, dims)
    stride = stride_setting(name, stride, kernel)
    padding = pool_setting(name, "padding", padding, dims)
    if dims == 2:
        normalize_dim(-3, len(shape))  # IndexError with PyTorch's text for fewer dimensions
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    if any(s == 0 for s in stride):
        raise RuntimeError("stride should not be zero")
    space = shape[-dims:] if len(shape) >= dims else (1,) * dims
    size = tuple([
        pooled_size(n, k, s, p, 1, ceil_mode) for n, k, s, p in zip(space, kernel, stride, padding, strict=True)
    ])  # fmt: skip
    if dims == 3 and len(shape) in (4, 5) and min(space) > 0 and all(0 <= 2 * p <= k for p, k in zip(padding, kernel)):
        _check_volume(space, kernel, padding)
    check_pool(name, shape, kernel, stride, padding, (1,) * dims, size)
    return Windows(kernel, stride, padding, size, count_include_pad, divisor_override)


def _check_volume(shape, kernel, padding) -> None:
    if any(n + 2 * p < k for n, p, k in zip(shape, padding, kernel, strict=True)):
        image = " ".join(f"{letter}: {n}" for letter, n in zip("THW", shape, strict=True))
        window = " ".join(f"k{letter}: {k}" for letter, k in zip("THW", kernel, strict=True))
        raise RuntimeError(f"input image ({image}) smaller than kernel size ({window})")


@function()
@function(namespace="nn.functional")
def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True) -> Tensor

    The mean of every window of (N, C, L) or (C, L); `stride` is the kernel size if not given.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool1d.html
    """
    check_1d("avg_pool1d", input)
    kernel = pool_setting("avg_pool1d", "kernel_size", kernel_size, 1)
    stride = stride_setting("avg_pool1d", stride, kernel)
    padding = pool_setting("avg_pool1d", "padding", padding, 1)
    settings = ((1, *kernel), (1, *stride), (0, *padding), ceil_mode, count_include_pad, None)
    return _avg_pool("avg_pool2d", input.unsqueeze(-2), *settings).squeeze(-2)


@function(namespace="nn.functional")
def avg_pool2d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
    divisor_override=None) -> Tensor

    The mean of every window of (N, C, H, W) or (C, H, W). Padded zeros count unless `count_include_pad` is False;
    `divisor_override` divides by another number.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html
    """
    return _avg_pool("avg_pool2d", input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@function(namespace="nn.functional")
def avg_pool3d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """avg_pool3d(input, kernel_size, stride=None, padding=0, …) -> Tensor: `avg_pool2d` for (N, C, D, H, W).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool3d.html
    """
    return _avg_pool("avg_pool3d", input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


# ---- windows for a wanted size -----------------------------------------------------------------------------------


def adaptive_windows(n: int, size: int) -> list[tuple[int, int]]:
    """Window i of `size` runs from floor(i n / size) to ceil((i + 1) n / size)."""
    return [(i * n // size, -(-((i + 1) * n) // size)) for i in range(size)]


def _adaptive_average(node: str):
    def forward(xp, a, *, size):
        require_kind(f"adaptive_avg_pool{len(size)}d", a)
        made = by_kernel(xp, "adaptive_avg_pool", a, size=size) if 0 not in size else None
        if made is not None:
            return made
        made, dims = wide(a), len(size)
        if all(n == 1 for n in size) and a.size:  # one sum over everything
            parts = made.reshape(*a.shape[: a.ndim - dims], -1)
            made = (xp.add.reduce(parts, axis=-1) / made.dtype.type(parts.shape[-1])).reshape(*a.shape[:-dims], *size)
        else:
            for d, wanted in zip(range(a.ndim - dims, a.ndim), size, strict=True):
                made = _mean_along(xp, made, d, wanted)
        made = a.copy() if made is a else narrow(made, a.dtype)
        return xp.ascontiguousarray(made) if dims == 3 else made

    def save(ctx, out, a, *, size):
        ctx.shape = tuple(a.shape)

    def backward(ctx, g):
        return spread_adaptively(g, shape=ctx.shape)

    members = {
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": "The mean of windows that divide each of the last dimensions into `size` parts.",
    }
    return op(method=False, namespace=None, node=node)(type(f"mean_of_parts_{node}", (), members))


_adaptive = {2: _adaptive_average("AdaptiveAvgPool2D"), 3: _adaptive_average("AdaptiveAvgPool3D")}


def _mean_along(xp, a, dim: int, size: int):
    n = a.shape[dim]
    if size == n:
        return a
    if size and n % size == 0:  # equal parts without overlap
        parts = a.reshape(*a.shape[:dim], size, n // size, *a.shape[dim + 1 :])
        return xp.add.reduce(parts, axis=dim + 1) / a.dtype.type(n // size)
    made = xp.empty((*a.shape[:dim], size, *a.shape[dim + 1 :]), a.dtype)
    before = (slice(None),) * dim
    for i, (start, end) in enumerate(adaptive_windows(n, size)):
        made[(*before, i)] = xp.add.reduce(a[(*before, slice(start, end))], axis=dim) / a.dtype.type(end - start)
    return made


@op(method=False, namespace=None, node="AdaptiveAvgPool2DBackward")
class spread_adaptively:
    """Each element, divided by the size of its part, added to every element of the part."""

    def forward(xp, g, *, shape):
        made = by_kernel(xp, "adaptive_avg_pool_backward", g, shape=shape, dims=min(len(shape) - 1, 3))
        if made is not None:
            return made
        made = wide(g)
        dims = max([d for d in range(len(shape)) if shape[d] != g.shape[d]], default=-1) + 1
        for d in range(dims):
            if shape[d] != g.shape[d]:
                made = _spread_along(xp, made, d, shape[d])
        return narrow(made, g.dtype)

    def save(ctx, out, g, *, shape):
        ctx.size = tuple(g.shape)

    def backward(ctx, gg):
        dims = min(gg.ndim, 3)
        return _adaptive[dims](gg, size=ctx.size[-dims:])


def _spread_along(xp, g, dim: int, n: int):
    out, before = xp.zeros((*g.shape[:dim], n, *g.shape[dim + 1 :]), g.dtype), (slice(None),) * dim
    for i, (start, end) in enumerate(adaptive_windows(n, g.shape[dim])):
        out[(*before, slice(start, end))] += g[(*before, slice(i, i + 1))] / g.dtype.type(end - start)
    return out


def adaptive_size(name: str, input, output_size, dims: int, found: str = "but got") -> tuple[int, ...]:
    """The wanted output size, None meaning the input's; checks the input."""
    size = _asked_size(name, input, output_size, dims)
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, {found} {list(input.shape)}")
    for d in range(-dims, 0):
        if input.shape[d] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(input.shape)} with dimension {input.ndim + d} being empty"
            )
    if any(n < 0 for n in size):
        if "max" in name:
            wanted = [*([1] if input.ndim == dims + 1 else input.shape[:1]), input.shape[-dims - 1], *size]
            raise RuntimeError(f"Trying to create tensor with negative dimension {min(size)}: {wanted}")
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{', '.join(map(str, size))}}}"
        )
    return tuple(size)


def _asked_size(name: str, input, output_size, dims: int) -> list[int]:
    """`output_size` with a number for each dimension."""
    if not isinstance(output_size, (tuple, list)):
        if dims > 1 and not hasattr(output_size, "__index__"):
            raise TypeError(f"object of type '{type_name(output_size)}' has no len()")
        return [*whole_numbers(name, "output_size", output_size)] * dims
    whole_numbers(name, "output_size", [0 if n is None and dims > 1 else n for n in output_size])
    if dims == 1 and len(output_size) != 1:
        raise RuntimeError(f"{name}() argument 'output_size' should contain one int (got {len(output_size)})")
    if len(output_size) >= input.ndim:
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    if len(output_size) != dims:
        text = f"{name}(): internal error: output_size.size() must be {dims}"
        raise RuntimeError(text if "max" in name else f"{name}: output_size must be {dims}")
    return [n if n is not None else input.shape[d - dims] for d, n in enumerate(output_size)]


@function()
@function(namespace="nn.functional")
def adaptive_avg_pool1d(input, output_size):
    """adaptive_avg_pool1d(input, output_size) -> Tensor: the means of `output_size` parts of (N, C, L) or (C, L).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool1d.html
    """
    check_1d("adaptive_avg_pool1d", input)
    (size,) = adaptive_size("adaptive_avg_pool1d", input, output_size, 1)
    return _adaptive[2](input.unsqueeze(-2), size=(1, size)).squeeze(-2)


def _adaptive_avg_pool(name: str, input, output_size, dims: int) -> Tensor:
    size = adaptive_size(name, input, output_size, dims)
    if input._array.dtype.kind in "biuc" and set(size) == {1}:
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: "
            f"{kind_name(input)}"
        )
    return _adaptive[dims](input, size=size)


@function(namespace="nn.functional")
def adaptive_avg_pool2d(input, output_size):
    """adaptive_avg_pool2d(input, output_size) -> Tensor

    The means of `output_size` (rows, columns) parts of (N, C, H, W) or (C, H, W); None keeps a dimension.

    >>> import course_lib as torch
    >>> torch.nn.functional.adaptive_avg_pool2d(torch.ones(1, 8, 5, 7), 1).shape
    torch.Size([1, 8, 1, 1])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool2d.html
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", input, output_size, 2)


@function(namespace="nn.functional")
def adaptive_avg_pool3d(input, output_size):
    """adaptive_avg_pool3d(input, output_size) -> Tensor: `adaptive_avg_pool2d` for (N, C, D, H, W).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool3d.html
    """
    return _adaptive_avg_pool("adaptive_avg_pool3d", input, output_size, 3)


# ---- other means -------------------------------------------------------------------------------------------------


def _lp_pool(dims: int):
    name, average = f"lp_pool{dims}d", (avg_pool1d, avg_pool2d, avg_pool3d)[dims - 1]

    def pool(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        made = average(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
        elements = math.prod(tuple_of(kernel_size, dims))
        return (made.sign() * made.abs().relu() * elements).pow(1.0 / norm_type)

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = f"""{name}(input, norm_type, kernel_size, stride=None, ceil_mode=False) -> Tensor

    The norm of every window: `sum(x ** norm_type) ** (1 / norm_type)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.{name}.html
    """
    return function(namespace="nn.functional")(pool)


lp_pool1d, lp_pool2d, lp_pool3d = _lp_pool(1), _lp_pool(2), _lp_pool(3)
