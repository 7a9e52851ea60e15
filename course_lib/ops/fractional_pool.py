"""Max pooling over windows at random places, so that any smaller size can be reached (Graham 2014)."""

from __future__ import annotations

import itertools

from ._numeric import tuple_of
from ._op import function, op
from .max_pool import largest_in, scattered
from .sampling import rand


def _fractional(node: str):
    def forward(xp, a, samples, *, kernel, size):
        dims = len(kernel)
        batch, number = a if a.ndim == dims + 2 else a[None], samples.dtype.type
        values, places = xp.empty((*batch.shape[:2], *size), a.dtype), xp.empty((*batch.shape[:2], *size), "int64")
        for n, c in itertools.product(range(batch.shape[0]), range(batch.shape[1])):
            bounds = [
                _random_bounds(number(samples[n, c, d if dims == 3 else 1 - d]), batch.shape[2 + d], size[d], kernel[d])
                for d in range(dims)
            ]
            values[n, c], places[n, c] = largest_in(xp, batch[n, c], bounds)
        return (values, places) if a.ndim == dims + 2 else (values[0], places[0])

    def save(ctx, outs, a, samples, *, kernel, size):
        ctx.save_for_backward(outs[1])
        ctx.shape, ctx.dims = tuple(a.shape), len(kernel)

    def backward(ctx, g, _):
        (places,) = ctx.saved_tensors
        return scattered(g, places, ctx.shape, ctx.dims), None

    members = {
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": "The largest element of windows whose places are drawn.",
    }
    return op(method=False, namespace=None, node=node, on_host=True)(type(f"largest_at_random_{node}", (), members))


_fractional_ops = {2: _fractional("FractionalMaxPool2D"), 3: _fractional("FractionalMaxPool3D")}


def _random_bounds(sample, n: int, size: int, kernel: int) -> list[tuple[int, int]]:
    """Graham's pseudorandom windows (arXiv:1412.6071): starts floor((i + u) α) - floor(u α), the last at the end.

    Each step is rounded to the dtype of the sample, as in PyTorch.
    """
    starts = [n - kernel] * size
    if size > 1:
        number = type(sample)
        step = number(n - kernel) / number(size - 1)
        for i in range(size - 1):
            starts[i] = int((number(i) + sample) * step) - int(sample * step)
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
        batch = 1 if input.ndim == dims + 1 else input.shape[0]
        samples = rand(batch, input.shape[-dims - 1], dims, dtype=input.dtype, device=input.device)
    return _fractional_ops[dims](input, samples, kernel=kernel, size=size)


def _declare_fractional(dims: int) -> None:
    name = f"fractional_max_pool{dims}d"

    def pool(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        made = _fractional_max_pool(name, input, kernel_size, output_size, output_ratio, _random_samples, dims)
        return made if return_indices else made[0]

    def pool_with_indices(
        input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None
    ):
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
