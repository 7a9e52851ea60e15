"""ONNX for operations that move elements about: other shapes, orders and pieces of a tensor."""

from __future__ import annotations

from .. import dtypes
from .builder import Builder, Ref, dims_of, handles


def flat(sizes) -> list:
    """Sizes given one by one, or as one sequence."""
    return list(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else list(sizes)


# ---- another shape -------------------------------------------------------------------------------------------------


@handles("view", "reshape")
def _reshape(g, input, *shape, **named):
    shape = flat(shape) if shape else flat([named.get("shape", named.get("size"))])
    if any(isinstance(n, dtypes.dtype) for n in shape) or "dtype" in named:
        g.refuse("a view as another dtype has no ONNX operator")
    return g.reshape(input, shape)


@handles("view_as", "reshape_as")
def _view_as(g, input, other):
    return g.op("Reshape", input, g.shape_of(other))


@handles("flatten")
def _flatten(g, input, start_dim=0, end_dim=-1):
    if input.ndim == 0:
        return g.reshape(input, [1])
    first, last = start_dim % input.ndim, end_dim % input.ndim
    if last == input.ndim - 1:  # a zero copies the size that stands there
        return g.reshape(input, [0] * first + [-1])
    sizes = [g.constant([0] * first + [-1]), g.shape_of(input, last + 1)]
    return g.op("Reshape", input, g.op("Concat", *sizes, axis=0))


@handles("ravel")
def _ravel(g, input):
    return g.reshape(input, [-1])


@handles("unflatten")
def _unflatten(g, input, dim, sizes):
    dim = dim % input.ndim
    parts = [g.ints(sizes)]
    if dim < input.ndim - 1:
        parts.append(g.shape_of(input, dim + 1))
    parts = [g.constant([0] * dim), *parts] if dim else parts
    return g.op("Reshape", input, g.op("Concat", *parts, axis=0) if len(parts) > 1 else parts[0])


@handles("squeeze")
def _squeeze(g, input, dim=None):
    dims = dims_of(input, dim) if dim is not None else list(range(input.ndim))
    dims = [d for d in dims if input.shape[d] == 1]
    return g.squeeze(input, *dims) if dims else input.name


@handles("unsqueeze")
def _unsqueeze(g, input, dim):
    return g.unsqueeze(input, dim % (input.ndim + 1))


@handles("expand", "broadcast_to")
def _expand(g, input, *sizes, implicit=False, **named):
    sizes = flat(sizes) if sizes else list(named["size"])
    return g.op("Expand", input, g.ints([1 if n == -1 and isinstance(n, int) else n for n in sizes]))


@handles("expand_as")
def _expand_as(g, input, other):
    return g.op("Expand", input, g.shape_of(other))


@handles("repeat", "tile")
def _repeat(g, input, *repeats, **named):
    repeats = flat(repeats) if repeats else list(named.get("repeats", named.get("dims")))
    more = len(repeats) - input.ndim
    repeats = [1] * -more + repeats
    x = g.unsqueeze(input, *range(more)) if more > 0 else input.name
    return g.op("Tile", x, g.ints(repeats))


@handles("repeat_interleave")
def _repeat_interleave(g, input, repeats, dim=None, *, output_size=None):
    if isinstance(repeats, Ref) and repeats.shape is not None:
        g.refuse("repeat_interleave with a tensor of repeats has no ONNX operator")
    x, dim, ndim = (g.reshape(input, [-1]), 0, 1) if dim is None else (input.name, dim % input.ndim, input.ndim)
    wide = g.op("Tile", g.unsqueeze(x, dim + 1), g.ints([1] * (dim + 1) + [repeats] + [1] * (ndim - dim - 1)))
    parts = [g.constant([0] * dim + [-1]), *([g.shape_of(x, dim + 1)] if dim < ndim - 1 else [])]
    return g.op("Reshape", wide, g.op("Concat", *parts, axis=0))


# ---- another order -------------------------------------------------------------------------------------------------


@handles("permute")
def _permute(g, input, *dims, **named):
    dims = flat(dims) if dims else named["dims"]
    return g.transpose(input, [d % input.ndim for d in dims])


@handles("transpose", "swapaxes", "swapdims")
def _transpose(g, input, dim0, dim1):
    order = list(range(input.ndim))
    if input.ndim:
        order[dim0], order[dim1] = order[dim1], order[dim0]
    return g.transpose(input, order)


@handles("t", "T")
def _t(g, input):
    return g.transpose(input, range(input.ndim)[::-1])


@handles("mT")
def _matrix_transposed(g, input):
    return _transpose(g, input, -2, -1)


@handles("movedim", "moveaxis")
def _movedim(g, input, source, destination):
    sources, places = dims_of(input, source), dims_of(input, destination)
    order: list = [None] * input.ndim
    for place, dim in zip(places, sources, strict=True):
        order[place] = dim
    rest = iter([d for d in range(input.ndim) if d not in sources])
    return g.transpose(input, [next(rest) if d is None else d for d in order])


@handles("flip")
def _flip(g, input, *dims, **named):
    dims = [d % input.ndim for d in (flat(dims) if dims else flat([named["dims"]]))]
    if not dims:
        return input.name
    ones = [-1] * len(dims)
    return g.op(
        "Slice", input, g.constant(ones), g.constant([-(1 << 62)] * len(dims)), g.constant(dims), g.constant(ones)
    )


@handles("roll")
def _roll(g, input, shifts, dims=None):
    shifts = [shifts] if isinstance(shifts, int) else list(shifts)
    if dims is None:
        return g.op("Reshape", _rolled(g, g.reshape(input, [-1]), shifts[0], 0), g.shape_of(input))
    x = input.name
    for shift, dim in zip(shifts, dims_of(input, dims), strict=True):
        x = _rolled(g, x, shift, dim)
    return x


def _rolled(g: Builder, x: str, shift: int, dim: int) -> str:
    return g.op("Concat", cut(g, x, dim, -shift, None), cut(g, x, dim, None, -shift), axis=dim) if shift else x


def cut(g: Builder, x, dim: int, start, stop, step: int = 1) -> str:
    """A slice of one dimension; the ends may be sizes, or None."""
    start = 0 if start is None else start
    stop = (1 << 62) if stop is None else stop
    return g.op("Slice", x, g.ints([start]), g.ints([stop]), g.constant([dim]), g.constant([step]))


# ---- pieces --------------------------------------------------------------------------------------------------------


@handles("cat", "concat", "concatenate")
def _cat(g, tensors, dim=0):
    tensors = [t for t in tensors if t.shape != (0,)] or tensors[:1]
    return g.op("Concat", *[g.cast(t, g.out.dtype) for t in tensors], axis=dim)


@handles("stack")
def _stack(g, tensors, dim=0):
    dim = dim % (tensors[0].ndim + 1)
    return g.op("Concat", *[g.unsqueeze(g.cast(t, g.out.dtype), dim) for t in tensors], axis=dim)


@handles("hstack")
def _hstack(g, tensors):
    return _cat(g, tensors, 0 if tensors[0].ndim == 1 else 1)


@handles("split", "split_with_sizes")
def _split(g, tensor, split_size_or_sections, dim=0):
    if isinstance(split_size_or_sections, (list, tuple)):
        return _pieces(g, tensor, dim, list(split_size_or_sections))
    return _pieces(g, tensor, dim, [part.shape[dim] for part in g.out])


@handles("chunk")
def _chunk(g, input, chunks, dim=0):
    if g.opset < 18:
        return _pieces(g, input, dim, [part.shape[dim] for part in g.out])
    if len(g.out) == 1:
        return (input.name,)
    return tuple(g.op("Split", input, outputs=len(g.out), axis=dim, num_outputs=len(g.out)))


@handles("tensor_split")
def _tensor_split(g, input, indices_or_sections, dim=0):
    return _pieces(g, input, dim, [part.shape[dim] for part in g.out])


def _pieces(g: Builder, x: Ref, dim: int, sizes: list[int]) -> tuple:
    if len(sizes) == 1:
        return (x.name,)
    return tuple(g.op("Split", x, g.ints(sizes), outputs=len(sizes), axis=dim))


@handles("unbind")
def _unbind(g, input, dim=0):
    return tuple([g.op("Gather", input, g.constant(i), axis=dim) for i in range(len(g.out))])


@handles("narrow")
def _narrow(g, input, dim, start, length):
    if isinstance(start, int) and isinstance(length, int):
        return cut(g, input, dim % input.ndim, start, start + length)
    first = g.ints([start])
    last = g.op("Add", first, g.ints([length]))
    return g.op("Slice", input, first, last, g.constant([dim % input.ndim]))


@handles("pad", "constant_pad_nd")
def _pad(g, input, pad, mode="constant", value=None):
    if mode not in ("constant", "reflect", "replicate", "circular"):
        g.refuse(f"padding mode '{mode}' has no ONNX operator")
    if any(isinstance(n, int) and n < 0 for n in pad) and mode == "circular":
        g.refuse("negative circular padding has no ONNX operator")
    count = len(pad) // 2
    before, after = [pad[2 * i] for i in range(count)][::-1], [pad[2 * i + 1] for i in range(count)][::-1]
    lead = [0] * (input.ndim - count)
    pads = g.ints([*lead, *before, *lead, *after])
    if mode == "constant":
        return g.op("Pad", input, pads, g.cast(0 if value is None else value, input.dtype))
    if mode != "circular":
        return g.op("Pad", input, pads, mode="reflect" if mode == "reflect" else "edge")
    x = input.name
    for dim, (left, right) in enumerate(zip(before, after, strict=True), len(lead)):
        parts = [cut(g, x, dim, -left, None)] * (left > 0) + [x] + [cut(g, x, dim, None, right)] * (right > 0)
        x = g.op("Concat", *parts, axis=dim)
    return x


@handles("diagonal", "linalg.diagonal")
def _diagonal(g, input, offset=0, dim1=0, dim2=1):
    """The diagonals: rows and columns last, then the elements where both numbers agree."""
    dim1, dim2 = dim1 % input.ndim, dim2 % input.ndim
    rest = [d for d in range(input.ndim) if d not in (dim1, dim2)]
    count = g.out.shape[-1]
    places = [[max(-offset, 0) + i, max(offset, 0) + i] for i in range(count)]
    x = g.transpose(input, [dim1, dim2, *rest])
    found = g.op("GatherND", x, g.constant(places))
    return g.transpose(found, [*range(1, input.ndim - 1), 0])


@handles("trace")
def _trace(g, input):
    count = min(input.shape)
    return g.reduce("ReduceSum", g.op("GatherND", input, g.constant([[i, i] for i in range(count)])), None)


@handles("tril")
def _tril(g, input, diagonal=0):
    return _triangle(g, input, diagonal, 0)


@handles("triu")
def _triu(g, input, diagonal=0):
    return _triangle(g, input, diagonal, 1)


def _triangle(g: Builder, input: Ref, diagonal, upper: int) -> str:
    if input.dtype is dtypes.bool:  # onnxruntime has no Trilu of bools
        ints = g.op("Trilu", g.cast(input, dtypes.int64), g.scalar(diagonal), upper=upper)
        return g.op("Cast", ints, to=g.type_of(dtypes.bool))
    return g.op("Trilu", input, g.scalar(diagonal), upper=upper)


@handles("pixel_shuffle")
def _pixel_shuffle(g, input, upscale_factor):
    return g.op("DepthToSpace", input, blocksize=upscale_factor, mode="CRD")


@handles("pixel_unshuffle")
def _pixel_unshuffle(g, input, downscale_factor):
    r, channels = downscale_factor, input.shape[-3]
    height, width = input.shape[-2] // r, input.shape[-1] // r
    parts = g.reshape(input, [-1, channels, height, r, width, r])
    return g.reshape(g.transpose(parts, (0, 1, 3, 5, 2, 4)), [-1, channels * r * r, height, width])


@handles("channel_shuffle")
def _channel_shuffle(g, input, groups):
    parts = g.reshape(input, [0, groups, input.shape[1] // groups, -1])
    return g.op("Reshape", g.transpose(parts, (0, 2, 1, 3)), g.shape_of(input))
