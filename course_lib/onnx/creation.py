"""ONNX for new tensors whose sizes come from other tensors; those of fixed size become constants by themselves."""

from __future__ import annotations

from .. import dtypes
from .builder import Builder, Ref, handles
from .shape import flat


def _filled(g: Builder, sizes, value) -> str:
    return g.op("Expand", g.cast(value, g.out.dtype), g.ints(sizes))


def _sizes(size, named) -> list:
    return flat(size) if size else flat([named["size"]])


@handles("zeros", "empty")
def _zeros(g, *size, **named):
    return _filled(g, _sizes(size, named), 0)


@handles("ones")
def _ones(g, *size, **named):
    return _filled(g, _sizes(size, named), 1)


@handles("full")
def _full(g, size, fill_value, **named):
    return _filled(g, [size] if isinstance(size, int) else size, fill_value)


@handles("new_zeros", "new_empty")
def _new_zeros(g, input, *size, **named):
    return _filled(g, _sizes(size, named), 0)


@handles("new_ones")
def _new_ones(g, input, *size, **named):
    return _filled(g, _sizes(size, named), 1)


@handles("new_full")
def _new_full(g, input, size, fill_value, **named):
    return _filled(g, size, fill_value)


def _like(g: Builder, input: Ref, value) -> str:
    return g.op("Expand", g.cast(value, g.out.dtype), g.shape_of(input))


@handles("zeros_like", "empty_like", "zero_")
def _zeros_like(g, input, **named):
    return _like(g, input, 0)


@handles("ones_like")
def _ones_like(g, input, **named):
    return _like(g, input, 1)


@handles("full_like")
def _full_like(g, input, fill_value, **named):
    return _like(g, input, fill_value)


@handles("fill")
def _fill(g, input, value):
    return _like(g, input, value)


@handles("copy_")
def _copy(g, input, src, non_blocking=False):
    return g.op("Expand", g.cast(src, input.dtype), g.shape_of(input))


@handles("arange")
def _arange(g, start, end=None, step=1, **named):
    start, end = (0, start) if end is None else (start, end)
    kind = (
        g.out.dtype if g.out.dtype in (dtypes.int64, dtypes.int32, dtypes.float32, dtypes.float64) else dtypes.float32
    )
    made = g.op("Range", *[g.cast(n, kind) if isinstance(n, Ref) else g.constant(n, kind) for n in (start, end, step)])
    return made if kind is g.out.dtype else g.op("Cast", made, to=g.type_of(g.out.dtype))


@handles("tensor", "as_tensor", "scalar_tensor")
def _tensor(g, data, *args, **named):
    """A tensor of sizes: torch.tensor(x.shape[0])."""
    if isinstance(data, (list, tuple)):
        return g.op("Cast", g.ints(data), to=g.type_of(g.out.dtype))
    return g.cast(data, g.out.dtype)


@handles("randn_like", "rand_like")
def _random_like(g, input, **named):
    kind = "RandomNormalLike" if "randn" in g.out.name else "RandomUniformLike"
    return g.op(kind, input, dtype=g.type_of(g.out.dtype))


@handles("randn", "rand")
def _random(g, *size, **named):
    kind = "RandomNormalLike" if "randn" in g.out.name else "RandomUniformLike"
    return g.op(kind, _filled(g, _sizes(size, named), 0), dtype=g.type_of(g.out.dtype))


@handles("numel")
def _numel(g, input):
    return g.op("Size", input)
