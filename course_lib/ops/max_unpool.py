"""max_unpool: what max pooling kept, put back to the places where it lay, with zeros between."""

from __future__ import annotations

import math

from ._numeric import in_layout_of, tuple_of
from ._op import function, op


def _unpool_op(node: str):
    def forward(xp, a, places, *, size):
        dims = len(size)
        lead, count = a.shape[: a.ndim - dims], math.prod(size)
        if places.size and not (int(places.min()) >= 0 and int(places.max()) < count):
            wrong = places[(places < 0) | (places >= count)].reshape(-1)[0]
            raise RuntimeError(
                f"Found an invalid max index: {int(wrong)} (output volumes are of size {'x'.join(map(str, size))})"
            )
        flat = xp.zeros((*lead, count), a.dtype)
        xp.put_along_axis(flat, places.reshape(*lead, -1), a.reshape(*lead, -1), axis=-1)
        return in_layout_of(xp, flat.reshape(*lead, *size), a)

    def save(ctx, out, a, places, *, size):
        ctx.save_for_backward(places)
        ctx.shape, ctx.dims = tuple(a.shape), len(size)

    def backward(ctx, g):
        (places,) = ctx.saved_tensors
        lead = ctx.shape[: len(ctx.shape) - ctx.dims]
        return g.reshape(*lead, -1).gather(-1, places.reshape(*lead, -1)).view(ctx.shape), None

    members = {
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": "Zeros with the elements at the places that max pooling reported.",
    }
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
    for d, (n, u, s) in enumerate(zip(size, usual, stride, strict=True)):
        if not u - s < n < u + s:
            raise ValueError(f'invalid output_size "{list(size)}" (dim {d} must be between {u - s} and {u + s})')
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
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices "
            f"tensor with shape: {list(indices.shape)}"
        )


for _dims in (1, 2, 3):
    _declare_unpool(_dims)
