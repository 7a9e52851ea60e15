"""Max pooling: the largest element of every window, and where it lies.

The places are counted in the flattened spatial dimensions of the input, so that the backward is one scatter and
max_unpool can put the elements back.
"""

from __future__ import annotations

import itertools
import math

from ..autograd.grad_mode import GRAD
from ..backends import array_module, is_numpy
from ..backends.selection import select
from ..backends.sliding import Sliding
from ..tensor import Tensor, wrap
from ._device import by_kernel
from ._numeric import in_layout_of, narrow, require_kind, wide
from ._op import function, op
from .max_pool_cells import knows_cells, with_cells
from .pool import adaptive_size, adaptive_windows
from .pool_settings import check_1d, check_pool, pool_setting, pooled_size, remembered, stride_setting, whole_numbers

# ---- the largest of each window ----------------------------------------------------------------------------------


def _lowest(xp, dtype):
    """The number below all others of a dtype."""
    return xp.iinfo(dtype).min if dtype.kind in "iu" else -math.inf


def _taps(a, dims: int, kernel, stride, dilation, size):
    """For each place in the kernel: the elements of all windows at that place."""
    for place in itertools.product(*map(range, kernel)):
        yield place, a[(..., *[
            slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilation, size, stride, strict=True)
        ])]  # fmt: skip


def _padded(xp, a, kernel, stride, padding, dilation, size):
    """The array with lowest numbers around it, large enough for the last window."""
    dims = len(kernel)
    shape = a.shape[a.ndim - dims :]
    full = [max(n + 2 * p, (o - 1) * s + d * (k - 1) + 1)
            for n, p, o, s, d, k in zip(shape, padding, size, stride, dilation, kernel, strict=True)]  # fmt: skip
    if tuple(full) == tuple(shape):
        return a
    room = xp.full((*a.shape[: a.ndim - dims], *full), _lowest(xp, a.dtype), a.dtype)
    room[(..., *[slice(p, p + n) for p, n in zip(padding, shape, strict=True)])] = a
    return room


def _largest(xp, room, geometry):
    """The largest element of every window of a padded array."""
    best = None
    for _, seen in _taps(room, *geometry):
        best = seen.copy() if best is None else xp.maximum(best, seen, out=best)
    return best


def _values_only(node: str):
    """Declare the largest element of each window; where it lies is only asked in the backward."""

    def forward(xp, a, *, kernel, stride, padding, dilation, size):
        room = _padded(xp, a, kernel, stride, padding, dilation, size)
        return in_layout_of(xp, _largest(xp, room, (len(kernel), kernel, stride, dilation, size)), a)

    def save(ctx, out, a, **settings):
        ctx.save_for_backward(a)
        ctx.settings = settings

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        xp = array_module(g._array)
        if not GRAD.enabled and not xp.isnan(a._array.max()):
            return wrap(_at_largest(xp, g._array, a._array, **ctx.settings))
        places = _with_indices[len(ctx.settings["kernel"])](a.detach(), **ctx.settings)[1]
        return scattered(g, places, a.shape, len(ctx.settings["kernel"]))

    members = {
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": "The largest element of each window.",
    }
    return op(method=False, namespace=None, node=node)(type(f"largest_of_windows_{node}", (), members))


def _at_largest(xp, g, a, *, kernel, stride, padding, dilation, size):
    """Every element of `g` at the first place of its window that holds the largest element; overlaps add up."""
    dims = len(kernel)
    shape, geometry = a.shape[a.ndim - dims :], (dims, kernel, stride, dilation, size)
    room = _padded(xp, a, kernel, stride, padding, dilation, size)
    best, made, open_windows = _largest(xp, room, geometry), xp.zeros(room.shape, g.dtype), None
    for (place, seen), (_, target) in zip(_taps(room, *geometry), _taps(made, *geometry), strict=True):
        hit = seen == best
        if room is not a:
            hit &= _flat_places(xp, place, shape, stride, padding, dilation, size)[1]
        if open_windows is None:
            open_windows = ~hit
        else:
            hit &= open_windows
            open_windows ^= hit
        target += select(xp, hit, g, g.dtype.type(0))
    return made[(..., *[slice(p, p + n) for p, n in zip(padding, shape, strict=True)])]


def _with_places(node: str):
    """Declare the largest element of each window with its place; NaN counts as largest."""

    def forward(xp, a, *, kernel, stride, padding, dilation, size):
        found = by_kernel(xp, "max_pool_with_places", a, size=size, sliding=Sliding(kernel, stride, padding, dilation))
        if found is not None:
            return tuple([in_layout_of(xp, part, a) for part in found])
        dims = len(kernel)
        shape = a.shape[a.ndim - dims :]
        room = _padded(xp, wide(a), kernel, stride, padding, dilation, size)
        best = places = None
        for place, seen in _taps(room, dims, kernel, stride, dilation, size):
            at, inside = _flat_places(xp, place, shape, stride, padding, dilation, size)
            if best is None:
                first = _first_places(xp, shape, stride, padding, dilation, size)
                best, places = seen.copy(), xp.broadcast_to(first, seen.shape).copy()
                better = inside & (seen != seen)
            else:
                better = inside & ((seen > best) | (seen != seen))
                best = xp.where(better, seen, best)
            places = xp.where(better, at, places)
        return in_layout_of(xp, narrow(best, a.dtype), a), in_layout_of(xp, places, a)

    def save(ctx, outs, a, *, kernel, stride, padding, dilation, size):
        ctx.save_for_backward(outs[1])
        ctx.shape, ctx.sliding = tuple(a.shape), Sliding(kernel, stride, padding, dilation)

    def backward(ctx, g, _):
        (places,) = ctx.saved_tensors
        made = _gathered("max_pool_backward", g, places, ctx.shape, sliding=ctx.sliding)
        return scattered(g, places, ctx.shape, len(ctx.sliding.kernel)) if made is None else made

    members = {
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": "The largest element of each window, and where it lies.",
    }
    return op(method=False, namespace=None, node=node)(type(f"largest_with_places_{node}", (), members))


_with_indices = {2: _with_places("MaxPool2DWithIndices"), 3: _with_places("MaxPool3DWithIndices")}
_values = {2: _values_only("MaxPool2DWithIndices"), 3: _values_only("MaxPool3DWithIndices")}


def _gathered(kernel: str, g: Tensor, places: Tensor, shape, **settings) -> Tensor | None:
    """`scattered` by a kernel of the GPU, in which every element of the input looks for its windows; None: no kernel,
    or the gradient is to be differentiated again."""
    if GRAD.enabled or is_numpy(g._array):
        return None
    xp = array_module(g._array)
    made = by_kernel(xp, kernel, g._array, chosen=xp.ascontiguousarray(places._array), shape=shape, **settings)
    return None if made is None else wrap(made)


def _flat_places(xp, place, shape, stride, padding, dilation, size):
    """Where the elements at one place of the kernel lie in the flattened input, and whether that is inside."""
    at, inside = xp.zeros((), "int64"), xp.ones((), bool)
    for p, n, s, pad, d, o in zip(place, shape, stride, padding, dilation, size, strict=True):
        position = xp.arange(o) * s - pad + p * d
        at = at[..., None] * n + position
        inside = inside[..., None] & (position >= 0) & (position < n)
    return at, inside


def _first_places(xp, shape, stride, padding, dilation, size):
    """The first element of each window that lies inside: the answer where all are equally low."""
    at = xp.zeros((), "int64")
    for n, s, pad, d, o in zip(shape, stride, padding, dilation, size, strict=True):
        start = xp.arange(o) * s - pad
        at = at[..., None] * n + start + -(xp.minimum(start, 0) // d) * d
    return at


def scattered(g: Tensor, places: Tensor, shape, dims: int) -> Tensor:
    """Zeros of `shape` with each element of `g` added at its place in the flattened last `dims` dimensions."""
    lead = shape[: len(shape) - dims]
    flat = g.new_zeros((*lead, math.prod(shape[len(shape) - dims :])))
    count = math.prod(g.shape[g.ndim - dims :])
    return flat.scatter_add(-1, places.reshape(*lead, count), g.reshape(*lead, count)).view(shape)


def _pool(name: str, input, kernel_size, stride, padding, dilation, ceil_mode, indices: bool):
    dims = int(name[8])
    called = f"{name}_with_indices" if indices else name
    settings = _settings(name, called, input.shape, kernel_size, stride, padding, dilation, ceil_mode)
    require_kind(f"max_pool{dims}d", input._array, "fViu")
    if not indices and not is_numpy(input._array):  # on a GPU nothing is looked for twice, and nothing waited for
        cells = knows_cells(input, settings["kernel"])
        return (with_cells if cells else _with_indices)[dims](input, **settings)[0]
    return (_with_indices if indices else _values)[dims](input, **settings)


@remembered
def _settings(name: str, called: str, shape, kernel_size, stride, padding, dilation, ceil_mode) -> dict:
    """The settings as numbers for each dimension, and the result's size; RuntimeError where they do not fit."""
    dims = int(name[8])
    kernel = pool_setting(name, "kernel_size", kernel_size, dims, called)
    stride = stride_setting(name, stride, kernel, called)
    padding = pool_setting(name, "padding", padding, dims, called)
    dilation = pool_setting(name, "dilation", dilation, dims, called)
    if any(s == 0 for s in stride):
        raise RuntimeError("stride should not be zero")
    space = shape[-dims:] if len(shape) >= dims else (1,) * dims
    size = tuple([
        pooled_size(n, k, s, p, d, ceil_mode)
        for n, k, s, p, d in zip(space, kernel, stride, padding, dilation, strict=True)
    ])  # fmt: skip
    check_pool(name, shape, kernel, stride, padding, dilation, size)
    return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "size": size}


def _check_1d_settings(input, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> None:
    if input.ndim not in (2, 3) or 0 in input.shape[input.ndim - 2 :]:
        raise RuntimeError(
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"{list(input.shape)}"
        )
    for value, what in ((kernel, "kernel_size"), (stride, "stride")):
        if value <= 0:
            raise RuntimeError(f"max_pool1d() {what} must be greater than zero, but got {value}")
    if padding < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {padding}")
    if padding > kernel // 2:
        raise RuntimeError(
            f"max_pool1d() padding should be at most half of kernel size, but got padding={padding} and "
            f"kernel_size={kernel}"
        )
    if dilation <= 0:
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {dilation}")
    size = pooled_size(input.shape[-1], kernel, stride, padding, dilation, ceil_mode)
    if size <= 0:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {size}")


def _check_counts(given: dict) -> None:
    for name, value in given.items():
        if value is not None:
            whole_numbers("max_pool1d", name, value)
        count = len(value) if isinstance(value, (tuple, list)) else 1
        if count != 1 and not (name == "stride" and count == 0):
            none, comma = ("None, " if name == "stride" else ""), ("," if name in ("stride", "padding") else "")
            raise RuntimeError(
                f"max_pool1d() {name} must be {none}an int, list of ints{comma} or tuple of ints of size 1 but got "
                f"size {count}"
            )


def _pool_1d(input, kernel_size, stride, padding, dilation, ceil_mode, indices: bool):
    """One dimension is two with one row."""
    if indices:
        check_1d("max_pool1d", input)
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    if not indices:
        _check_counts(given)
    called = "max_pool1d_with_indices" if indices else "max_pool1d"
    (kernel,) = pool_setting("max_pool1d", "kernel_size", kernel_size, 1, called)
    (step,) = stride_setting("max_pool1d", stride, (kernel,), called)
    (pad,), (spread,) = [pool_setting("max_pool1d", name, given[name], 1, called) for name in ("padding", "dilation")]
    if not indices:
        _check_1d_settings(input, kernel, step, pad, spread, ceil_mode)
        require_kind("max_pool1d_impl", input._array)
    made = _pool("max_pool2d", input.unsqueeze(-2), (1, kernel), (1, step), (0, pad), (1, spread), ceil_mode, indices)
    return tuple([part.squeeze(-2) for part in made]) if indices else made.squeeze(-2)


def _declare(dims: int) -> None:
    name = f"max_pool{dims}d"
    space = ("L", "H, W", "D, H, W")[dims - 1]

    def run(input, kernel_size, stride, padding, dilation, ceil_mode, indices):
        if dims == 1:
            return _pool_1d(input, kernel_size, stride, padding, dilation, ceil_mode, indices)
        return _pool(name, input, kernel_size, stride, padding, dilation, ceil_mode, indices)

    def pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        return run(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)

    def pool_with_indices(
        input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
    ):
        return run(input, kernel_size, stride, padding, dilation, ceil_mode, True)

    pool.__doc__ = f"""{name}(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
    return_indices=False) -> Tensor or (Tensor, Tensor)

    The largest element of every window of (N, C, {space}) or (C, {space}); `stride` is the kernel size if not given.
    With `return_indices` also where it lies in the flattened ({space}), for `max_unpool{dims}d`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.{name}.html
    """
    pool_with_indices.__doc__ = f"{name}_with_indices(…) -> (Tensor, Tensor): `{name}` with return_indices=True."
    for made, public in ((pool, name), (pool_with_indices, name + "_with_indices")):
        made.__name__ = made.__qualname__ = public
        function(namespace="nn.functional")(made)
    function()(pool)
    if dims == 1:
        function()(pool_with_indices)


for _dims in (1, 2, 3):
    _declare(_dims)


# ---- as many windows as wanted -----------------------------------------------------------------------------------


def largest_in(xp, a, bounds):
    """The largest element and its place of windows given by their bounds in each dimension (NaN is largest)."""
    dims = len(bounds)
    lead, shape = a.shape[: a.ndim - dims], a.shape[a.ndim - dims :]
    size = tuple([len(b) for b in bounds])
    values, places = xp.empty((*lead, *size), a.dtype), xp.empty((*lead, *size), "int64")
    for out in itertools.product(*map(range, size)):
        box = [bounds[d][i] for d, i in enumerate(out)]
        window = a[(..., *[slice(start, end) for start, end in box])].reshape(*lead, -1)
        best = xp.argmax(window.astype("f4") if a.dtype.kind == "V" else window, axis=-1)
        values[(..., *out)] = xp.take_along_axis(window, best[..., None], axis=-1)[..., 0]
        inside = xp.unravel_index(best, [end - start for start, end in box])
        flat = 0
        for (start, _), position, n in zip(box, inside, shape, strict=True):
            flat = flat * n + position + start
        places[(..., *out)] = flat
    return values, places


def _adaptive(node: str):
    def forward(xp, a, *, bounds):
        found = by_kernel(xp, "adaptive_max_pool", a, size=tuple([len(b) for b in bounds]))
        values, places = largest_in(xp, a, bounds) if found is None else found
        return in_layout_of(xp, values, a), in_layout_of(xp, places, a)

    def save(ctx, outs, a, *, bounds):
        ctx.save_for_backward(outs[1])
        ctx.shape, ctx.dims = tuple(a.shape), len(bounds)

    def backward(ctx, g, _):
        (places,) = ctx.saved_tensors
        made = _gathered("adaptive_max_pool_backward", g, places, ctx.shape, dims=ctx.dims)
        return scattered(g, places, ctx.shape, ctx.dims) if made is None else made

    members = {
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": "The largest element of windows of different sizes, and where it lies.",
    }
    return op(method=False, namespace=None, node=node)(type(f"largest_of_parts_{node}", (), members))


_adaptive_ops = {2: _adaptive("AdaptiveMaxPool2D"), 3: _adaptive("AdaptiveMaxPool3D")}


def _adaptive_max_pool(name: str, input, output_size, dims: int):
    if dims == 1:
        check_1d("adaptive_max_pool1d", input)
        (size,) = adaptive_size(name, input, output_size, 1)
        values, places = _adaptive_max_pool("adaptive_max_pool2d", input.unsqueeze(-2), (1, size), 2)
        return values.squeeze(-2), places.squeeze(-2)
    size = adaptive_size(name, input, output_size, dims, "but got:")
    require_kind(name, input._array)
    bounds = [adaptive_windows(n, o) for n, o in zip(input.shape[-dims:], size, strict=True)]
    return _adaptive_ops[dims](input, bounds=bounds)


def _declare_adaptive(dims: int) -> None:
    name = f"adaptive_max_pool{dims}d"

    def pool(input, output_size, return_indices=False):
        values, places = _adaptive_max_pool(name, input, output_size, dims)
        return (values, places) if return_indices else values

    def pool_with_indices(input, output_size, return_indices=False):
        return _adaptive_max_pool(name, input, output_size, dims)

    pool.__doc__ = f"""{name}(input, output_size, return_indices=False) -> Tensor or (Tensor, Tensor)

    The largest element of each of `output_size` parts of the input; None keeps a dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.{name}.html
    """
    pool_with_indices.__doc__ = f"{name}_with_indices(…) -> (Tensor, Tensor): `{name}` with return_indices=True."
    for made, public in ((pool, name), (pool_with_indices, name + "_with_indices")):
        made.__name__ = made.__qualname__ = public
        function(namespace="nn.functional")(made)
    if dims == 1:
        pool_with_indices.__name__ = name
        function()(pool_with_indices)


for _dims in (1, 2, 3):
    _declare_adaptive(_dims)
