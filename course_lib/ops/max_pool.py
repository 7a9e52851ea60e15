"""Max pooling: the largest element of every window, and where it lies.

The places are counted in the flattened spatial dimensions of the input, so that the backward is one scatter and
max_unpool can put the elements back.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from ..autograd.grad_mode import GRAD
from ..tensor import Tensor
from ._numeric import require_kind, tuple_of
from ._op import function, op
from .pool import adaptive_size, adaptive_windows, check_1d, check_pool, pool_setting, pooled_size

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


@op(method=False, namespace=None)
class largest_of_windows:
    """The largest element of each window, without its place: where no gradient is asked for."""

    def forward(xp, a, *, kernel, stride, padding, dilation, size):
        room, best = _padded(xp, a, kernel, stride, padding, dilation, size), None
        for _, seen in _taps(room, len(kernel), kernel, stride, dilation, size):
            best = seen.copy() if best is None else xp.maximum(best, seen, out=best)
        return best


def _with_places(node: str):
    """Declare the largest element of each window with its place; NaN counts as largest."""

    def forward(xp, a, *, kernel, stride, padding, dilation, size):
        dims = len(kernel)
        shape = a.shape[a.ndim - dims :]
        room = _padded(xp, a, kernel, stride, padding, dilation, size)
        best = places = None
        for place, seen in _taps(room, dims, kernel, stride, dilation, size):
            at, inside = _flat_places(xp, place, shape, stride, padding, dilation, size)
            if best is None:
                best, places = seen.copy(), xp.broadcast_to(_first_places(xp, shape, kernel, stride, padding, dilation, size),
                                                            seen.shape).copy()  # fmt: skip
                better = inside & (seen != seen)
            else:
                better = inside & ((seen > best) | (seen != seen))
                best = xp.where(better, seen, best)
            places = xp.where(better, at, places)
        return best, places

    def save(ctx, outs, a, *, kernel, **_):
        ctx.save_for_backward(outs[1])
        ctx.shape, ctx.dims = tuple(a.shape), len(kernel)

    def backward(ctx, g, _):
        (places,) = ctx.saved_tensors
        return scattered(g, places, ctx.shape, ctx.dims)

    members = {"forward": forward, "save": save, "backward": backward, "__module__": __name__,
               "__doc__": "The largest element of each window, and where it lies."}  # fmt: skip
    return op(method=False, namespace=None, node=node)(type(f"largest_with_places_{node}", (), members))


_with_indices = {2: _with_places("MaxPool2DWithIndices"), 3: _with_places("MaxPool3DWithIndices")}


def _flat_places(xp, place, shape, stride, padding, dilation, size):
    """Where the elements at one place of the kernel lie in the flattened input, and whether that is inside."""
    at, inside = xp.zeros((), "int64"), xp.ones((), bool)
    for p, n, s, pad, d, o in zip(place, shape, stride, padding, dilation, size, strict=True):
        position = xp.arange(o) * s - pad + p * d
        at = at[..., None] * n + position
        inside = inside[..., None] & (position >= 0) & (position < n)
    return at, inside


def _first_places(xp, shape, kernel, stride, padding, dilation, size):
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
    kernel = pool_setting(name, "kernel_size", kernel_size, dims)
    stride = kernel if stride is None or stride == [] or stride == () else pool_setting(name, "stride", stride, dims)
    padding, dilation = pool_setting(name, "padding", padding, dims), pool_setting(name, "dilation", dilation, dims)
    if any(s == 0 for s in stride):
        raise RuntimeError("stride should not be zero")
    shape = input.shape[-dims:] if input.ndim >= dims else (1,) * dims
    size = tuple([
        pooled_size(n, k, s, p, d, ceil_mode)
        for n, k, s, p, d in zip(shape, kernel, stride, padding, dilation, strict=True)
    ])  # fmt: skip
    check_pool(name, input, kernel, stride, padding, dilation, size)
    require_kind(f"max_pool{dims}d", input._array, "fViu")
    settings = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "size": size}
    if not indices and not (GRAD.enabled and input.requires_grad):
        return largest_of_windows(input, **settings)
    values, places = _with_indices[dims](input, **settings)
    return (values, places) if indices else values


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


def _pool_1d(input, kernel_size, stride, padding, dilation, ceil_mode, indices: bool):
    """One dimension is two with one row."""
    (kernel,), (pad,), (spread,) = tuple_of(kernel_size, 1), tuple_of(padding, 1), tuple_of(dilation, 1)
    (step,) = (kernel,) if stride is None or stride == [] or stride == () else tuple_of(stride, 1)
    _check_1d_settings(input, kernel, step, pad, spread, ceil_mode)
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

    def pool_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        return run(input, kernel_size, stride, padding, dilation, ceil_mode, True)

    pool.__doc__ = f"""{name}(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
    return_indices=False) -> Tensor or (Tensor, Tensor)

    The largest element of every window of (N, C, {space}) or (C, {space}); `stride` is the kernel size if not given. With
    `return_indices` also where it lies in the flattened ({space}), for `max_unpool{dims}d`.

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


def _largest_in(xp, a, bounds):
    """The largest element, and its place, of windows given by their bounds in each dimension (NaN counts as largest)."""
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
        return _largest_in(xp, a, bounds)

    def save(ctx, outs, a, *, bounds):
        ctx.save_for_backward(outs[1])
        ctx.shape, ctx.dims = tuple(a.shape), len(bounds)

    def backward(ctx, g, _):
        (places,) = ctx.saved_tensors
        return scattered(g, places, ctx.shape, ctx.dims)

    members = {"forward": forward, "save": save, "backward": backward, "__module__": __name__,
               "__doc__": "The largest element of windows of different sizes, and where it lies."}  # fmt: skip
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


# ---- windows at random places ------------------------------------------------------------------------------------


def _fractional(node: str):
    def forward(xp, a, samples, *, kernel, size):
        dims = len(kernel)
        batch = a if a.ndim == dims + 2 else a[None]
        values, places = xp.empty((*batch.shape[:2], *size), a.dtype), xp.empty((*batch.shape[:2], *size), "int64")
        for n, c in itertools.product(range(batch.shape[0]), range(batch.shape[1])):
            bounds = [
                _random_bounds(float(samples[n, c, d if dims == 3 else 1 - d]), batch.shape[2 + d], size[d], kernel[d])
                for d in range(dims)
            ]
            values[n, c], places[n, c] = _largest_in(xp, batch[n, c], bounds)
        return (values, places) if a.ndim == dims + 2 else (values[0], places[0])

    def save(ctx, outs, a, samples, *, kernel, size):
        ctx.save_for_backward(outs[1])
        ctx.shape, ctx.dims = tuple(a.shape), len(kernel)

    def backward(ctx, g, _):
        (places,) = ctx.saved_tensors
        return scattered(g, places, ctx.shape, ctx.dims), None

    members = {"forward": forward, "save": save, "backward": backward, "__module__": __name__,
               "__doc__": "The largest element of windows whose places are drawn."}  # fmt: skip
    return op(method=False, namespace=None, node=node)(type(f"largest_at_random_{node}", (), members))


_fractional_ops = {2: _fractional("FractionalMaxPool2D"), 3: _fractional("FractionalMaxPool3D")}


def _random_bounds(sample: float, n: int, size: int, kernel: int) -> list[tuple[int, int]]:
    """Graham's pseudorandom windows (arXiv:1412.6071): starts floor((i + u) α) - floor(u α), the last one at the end."""
    starts = [n - kernel] * size
    if size > 1:
        sample, step = np.float32(sample), np.float32(n - kernel) / np.float32(size - 1)
        for i in range(size - 1):
            starts[i] = int((np.float32(i) + sample) * step) - int(sample * step)
    return [(start, start + kernel) for start in starts]


def _fractional_max_pool(name: str, input, kernel_size, output_size, output_ratio, samples, dims: int):
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if input.ndim not in (dims + 1, dims + 2) or 0 in input.shape[-dims - 1 :]:
        raise RuntimeError(
            f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
            f"{list(input.shape)}"
            if input.ndim in (dims + 1, dims + 2)
            else f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got: {list(input.shape)}"
        )
    kernel, shape = tuple_of(kernel_size, dims), input.shape[-dims:]
    if output_size is None:
        ratio = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * dims
        if len(ratio) > dims:
            raise ValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
        output_size = [int(n * r) for n, r in zip(shape, ratio, strict=True)]
    size = tuple_of(output_size, dims)
    for d, letter in zip(range(dims), ("height", "width") if dims == 2 else ("time", "height", "width"), strict=True):
        if size[d] + kernel[d] - 1 > shape[d]:
            raise RuntimeError(f"{name}(): pool {letter} {kernel[d]} too large relative to input {letter} {shape[d]}")
    if samples is None:
        from .sampling import rand

        batch = 1 if input.ndim == dims + 1 else input.shape[0]
        samples = rand(batch, input.shape[-dims - 1], dims, dtype=input.dtype, device=input.device)
    return _fractional_ops[dims](input, samples, kernel=kernel, size=size)


def _declare_fractional(dims: int) -> None:
    name = f"fractional_max_pool{dims}d"

    def pool(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        made = _fractional_max_pool(name, input, kernel_size, output_size, output_ratio, _random_samples, dims)
        return made if return_indices else made[0]

    def pool_with_indices(input, kernel_size, output_size=None, output_ratio=None, return_indices=False,
                          _random_samples=None):  # fmt: skip
        return _fractional_max_pool(name, input, kernel_size, output_size, output_ratio, _random_samples, dims)

    pool.__doc__ = f"""{name}(input, kernel_size, output_size=None, output_ratio=None, return_indices=False) -> Tensor

    The largest element of windows whose distances are drawn so that `output_size` of them fit.

    Source: Graham (2014), arXiv:1412.6071
    """
    pool_with_indices.__doc__ = f"{name}_with_indices(…) -> (Tensor, Tensor): `{name}` with return_indices=True."
    for made, public in ((pool, name), (pool_with_indices, name + "_with_indices")):
        made.__name__ = made.__qualname__ = public
        function(namespace="nn.functional")(made)


for _dims in (2, 3):
    _declare_fractional(_dims)


# ---- back to the larger size -------------------------------------------------------------------------------------


def _unpool_op(node: str):
    def forward(xp, a, places, *, size):
        dims = len(size)
        lead, count = a.shape[: a.ndim - dims], math.prod(size)
        if places.size and not (0 <= int(places.min()) and int(places.max()) < count):
            wrong = places[(places < 0) | (places >= count)].reshape(-1)[0]
            raise RuntimeError(
                f"Found an invalid max index: {int(wrong)} (output volumes are of size {'x'.join(map(str, size))})"
            )
        flat = xp.zeros((*lead, count), a.dtype)
        xp.put_along_axis(flat, places.reshape(*lead, -1), a.reshape(*lead, -1), axis=-1)
        return flat.reshape(*lead, *size)

    def save(ctx, out, a, places, *, size):
        ctx.save_for_backward(places)
        ctx.shape, ctx.dims = tuple(a.shape), len(size)

    def backward(ctx, g):
        (places,) = ctx.saved_tensors
        lead = ctx.shape[: len(ctx.shape) - ctx.dims]
        return g.reshape(*lead, -1).gather(-1, places.reshape(*lead, -1)).view(ctx.shape), None

    members = {"forward": forward, "save": save, "backward": backward, "__module__": __name__,
               "__doc__": "Zeros with the elements at the places that max pooling reported."}  # fmt: skip
    return op(method=False, namespace=None, node=node)(type(f"unpooled_{node}", (), members))


_unpool = {2: _unpool_op("MaxUnpool2D"), 3: _unpool_op("MaxUnpool3D")}


def _unpooled_size(input, kernel, stride, padding, output_size, dims: int) -> tuple[int, ...]:
    shape = input.shape[-dims:]
    usual = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(shape, stride, kernel, padding, strict=True)]
    if output_size is None:
        return tuple(usual)
    size = tuple(output_size)
    if len(size) == dims + 2:
        size = size[2:]
    if len(size) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a length of "
            f"'{len(size)}'"
        )
    for n, u, s in zip(size, usual, stride, strict=True):
        if not u - s < n < u + s:
            low, high = [u - s for u, s in zip(usual, stride, strict=True)], [u + s for u, s in zip(usual, stride, strict=True)]
            raise ValueError(f'invalid output_size "{list(size)}" (dim 0 must be between {low[0]} and {high[0]})')
    return size


def _declare_unpool(dims: int) -> None:
    name = f"max_unpool{dims}d"

    def unpool(input, indices, kernel_size, stride=None, padding=0, output_size=None):
        kernel = tuple_of(kernel_size, dims)
        step = kernel if stride is None else tuple_of(stride, dims)
        size = _unpooled_size(input, kernel, step, tuple_of(padding, dims), output_size, dims)
        _check_unpool(name, input, indices, dims)
        if dims > 1:
            return _unpool[dims](input, indices, size=size)
        return _unpool[2](input.unsqueeze(-1), indices.unsqueeze(-1), size=(*size, 1)).squeeze(-1)

    unpool.__name__ = unpool.__qualname__ = name
    unpool.__doc__ = f"""{name}(input, indices, kernel_size, stride=None, padding=0, output_size=None) -> Tensor

    Zeros with the elements of `input` at the places `indices` that `max_pool{dims}d` returned.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.{name}.html
    """
    function(namespace="nn.functional")(unpool)


def _check_unpool(name: str, input, indices, dims: int) -> None:
    if indices._array.dtype.name != "int64":
        raise RuntimeError(
            f"elements in indices should be type int64 but got: {str(indices.dtype).removeprefix('torch.')}"
        )
    if input.shape != indices.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices tensor "
            f"with shape: {list(indices.shape)}"
        )


for _dims in (1, 2, 3):
    _declare_unpool(_dims)
