"""Convolutions in one, two and three dimensions, and their transposes.

All are faces of one trilinear form: an input x, a weight w and an output gradient g give a number, and

    convolve(x, w)     is its derivative by g: every window of x times the weight,
    transposed(g, w)   its derivative by x: every element of g times the weight, added where the window lay,
    correlate(x, g)    its derivative by w: every window of x times the element of g that belongs to it.

So each of the three ops has the two others as its backward, to any order. Windows are unrolled into columns (im2col)
for one matrix product, a few samples at a time so that the columns stay small. On a GPU kernels do all of it
(backends/cuda_kernels/convolution.py).
"""

from __future__ import annotations

import functools
import math

from ..dtypes import c_name
from ..tensor import Tensor
from ._arguments import argument_error
from ._device import by_kernel
from ._numeric import conjugate, in_layout_of, narrow, require_kind, wide
from ._op import function, op

WORKSPACE = 1 << 24  # elements of unrolled windows at a time

# ---- windows -----------------------------------------------------------------------------------------------------


class Geometry:
    """Where the windows of a convolution lie: stride, padding (before, after), dilation of each dimension, groups."""

    __slots__ = ("stride", "padding", "dilation", "groups")

    def __init__(self, stride, padding, dilation, groups: int):
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def output_size(self, size, kernel) -> tuple[int, ...]:
        return tuple([
            (n + before + after - d * (k - 1) - 1) // s + 1
            for n, (before, after), d, k, s in zip(size, self.padding, self.dilation, kernel, self.stride, strict=True)
        ])  # fmt: skip


def padded(xp, a, padding):
    """The array with zeros around its last dimensions; itself where nothing is to be padded."""
    if not any(before or after for before, after in padding):
        return a
    return xp.pad(a, ((0, 0),) * (a.ndim - len(padding)) + tuple(padding))


def windows(xp, a, kernel, stride, dilation, size):
    """A view (…, *kernel, *size): for each place in the kernel the elements that it meets."""
    lead, space = a.shape[: a.ndim - len(kernel)], a.strides[a.ndim - len(kernel) :]
    strides = (*a.strides[: len(lead)], *[s * d for s, d in zip(space, dilation, strict=True)],
               *[s * t for s, t in zip(space, stride, strict=True)])  # fmt: skip
    return xp.lib.stride_tricks.as_strided(a, (*lead, *kernel, *size), strides)


def columns(xp, a, kernel, geometry: Geometry, size):
    """The windows of padded samples (n, C, …) as columns, (n, groups, C/groups · kernel, places)."""
    n, channels = a.shape[:2]
    unrolled = windows(xp, a, kernel, geometry.stride, geometry.dilation, size)
    groups = geometry.groups
    return unrolled.reshape(n, groups, channels // groups * math.prod(kernel), math.prod(size))


def add_windows(xp, cols, out, kernel, stride, dilation, size) -> None:
    """The opposite of `windows`: add (…, *kernel, *size) into `out` where the windows lie; overlaps add up."""
    lead = out.ndim - len(kernel)
    for place in places_of(kernel):
        target = (slice(None),) * lead + tuple([
            slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilation, size, stride, strict=True)
        ])  # fmt: skip
        out[target] += cols[(slice(None),) * lead + place]


def places_of(kernel):
    """All positions in a kernel, row by row."""
    if not kernel:
        return [()]
    return [(i, *rest) for i in range(kernel[0]) for rest in places_of(kernel[1:])]


def _pieces(samples: int, each: int):
    """Slices of the batch whose columns fit the workspace."""
    step = max(1, WORKSPACE // max(each, 1))
    return [slice(start, min(start + step, samples)) for start in range(0, samples, step)]


# ---- the three faces ---------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="Convolution")
class convolve:
    """x (N, C, …), w (O, C/groups, *kernel), bias (O,) or None -> (N, O, *size)."""

    def forward(xp, x, w, bias, *, geometry, size):
        kernel, groups, outs = w.shape[2:], geometry.groups, w.shape[0]
        made = by_kernel(xp, "convolve", x, w, bias, geometry=geometry, size=size)
        if made is not None:
            return in_layout_of(xp, made, x)
        a, rows = padded(xp, wide(x), geometry.padding), wide(w).reshape(groups, outs // groups, -1)
        made = xp.empty((x.shape[0], groups, outs // groups, math.prod(size)), a.dtype)
        for piece in _pieces(x.shape[0], x.shape[1] * math.prod(kernel) * math.prod(size)):
            xp.matmul(rows, columns(xp, a[piece], kernel, geometry, size), out=made[piece])
        made = made.reshape(x.shape[0], outs, *size)
        if bias is not None:
            made += wide(bias).reshape(outs, *[1] * len(size))
        return in_layout_of(xp, narrow(made, x.dtype), x)

    def save(ctx, out, x, w, bias, *, geometry, size):
        needs_x, needs_w = ctx.needs_input_grad[:2]
        ctx.save_for_backward(x if needs_w else None, w if needs_x else None)
        ctx.shapes, ctx.geometry = (tuple(x.shape), tuple(w.shape)), geometry

    def backward(ctx, g):
        x, w = ctx.saved_tensors
        x_shape, w_shape = ctx.shapes
        needs_bias = ctx.needs_input_grad[2]
        return (
            None if w is None else transposed(g, conjugate(w), None, geometry=ctx.geometry, size=x_shape[2:]),
            None if x is None else correlate(conjugate(x), g, geometry=ctx.geometry, kernel=w_shape[2:]),
            g.sum((0, *range(2, g.ndim))) if needs_bias else None,
        )


@op(method=False, namespace=None, node="Convolution")
class transposed:
    """g (N, O, …), w (O, C/groups, *kernel), bias (C,) or None -> (N, C, *size)."""

    def forward(xp, g, w, bias, *, geometry, size):
        made = by_kernel(xp, "transposed", g, w, bias, geometry=geometry, size=size)
        if made is not None:
            return in_layout_of(xp, made, g)
        kernel, groups = w.shape[2:], geometry.groups
        each, places = w.shape[1], g.shape[2:]
        rows = wide(w).reshape(groups, w.shape[0] // groups, -1).swapaxes(1, 2)
        full = [n + before + after for n, (before, after) in zip(size, geometry.padding, strict=True)]
        summed = rows.dtype if g.dtype.kind == "V" else g.dtype  # float16 adds up in float16, as in PyTorch
        made = xp.zeros((g.shape[0], groups, each, *full), summed)
        elements = wide(g).reshape(g.shape[0], groups, g.shape[1] // groups, math.prod(places))
        for piece in _pieces(g.shape[0], groups * each * math.prod(kernel) * math.prod(places)):
            cols = narrow(xp.matmul(rows, elements[piece]), summed)
            cols = cols.reshape(*cols.shape[:2], each, *kernel, *places)
            add_windows(xp, cols, made[piece], kernel, geometry.stride, geometry.dilation, places)
        inside = [slice(before, before + n) for n, (before, _) in zip(size, geometry.padding, strict=True)]
        made = made[(slice(None), slice(None), slice(None), *inside)].reshape(g.shape[0], groups * each, *size)
        if bias is not None:
            made = made + narrow(bias, summed).reshape(-1, *[1] * len(size))
        return in_layout_of(xp, narrow(xp.ascontiguousarray(made), g.dtype), g)

    def save(ctx, out, g, w, bias, *, geometry, size):
        needs_g, needs_w = ctx.needs_input_grad[:2]
        ctx.save_for_backward(g if needs_w else None, w if needs_g else None)
        ctx.kernel, ctx.places, ctx.geometry = tuple(w.shape[2:]), tuple(g.shape[2:]), geometry

    def backward(ctx, gx):
        g, w = ctx.saved_tensors
        needs_bias = ctx.needs_input_grad[2]
        return (
            None if w is None else convolve(gx, conjugate(w), None, geometry=ctx.geometry, size=ctx.places),
            None if g is None else correlate(gx, conjugate(g), geometry=ctx.geometry, kernel=ctx.kernel),
            gx.sum((0, *range(2, gx.ndim))) if needs_bias else None,
        )


@op(method=False, namespace=None, node="ConvolutionBackward")
class correlate:
    """x (N, C, …), g (N, O, *size) -> the weight's gradient (O, C/groups, *kernel)."""

    def forward(xp, x, g, *, geometry, kernel):
        made = by_kernel(xp, "correlate", x, g, geometry=geometry, kernel=kernel)
        if made is not None:
            return made
        groups, outs, size = geometry.groups, g.shape[1], g.shape[2:]
        a = padded(xp, wide(x), geometry.padding)
        elements = wide(g).reshape(g.shape[0], groups, outs // groups, math.prod(size))
        made = xp.zeros((groups, outs // groups, x.shape[1] // groups * math.prod(kernel)), a.dtype)
        for piece in _pieces(x.shape[0], x.shape[1] * math.prod(kernel) * math.prod(size)):
            cols = columns(xp, a[piece], kernel, geometry, size)
            made += xp.add.reduce(xp.matmul(elements[piece], cols.swapaxes(2, 3)), axis=0)
        return narrow(made.reshape(outs, x.shape[1] // groups, *kernel), x.dtype)

    def save(ctx, out, x, g, *, geometry, kernel):
        ctx.save_for_backward(x, g)
        ctx.geometry = geometry

    def backward(ctx, gw):
        x, g = ctx.saved_tensors
        needs_x, needs_g = ctx.needs_input_grad
        by_x = transposed(conjugate(g), gw, None, geometry=ctx.geometry, size=tuple(x.shape[2:])) if needs_x else None
        by_g = convolve(conjugate(x), gw, None, geometry=ctx.geometry, size=tuple(g.shape[2:])) if needs_g else None
        return by_x, by_g


# ---- arguments ---------------------------------------------------------------------------------------------------


def _numbers(value, dims: int, name: str) -> tuple[int, ...]:
    """A setting of the convolution: one number for all dimensions, or one for each."""
    if isinstance(value, int):
        return (value,) * dims
    value = tuple([int(v) for v in value])
    if len(value) == 1:
        return value * dims
    if len(value) != dims:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {dims} values to match the convolution "
            f"dimensions, but got {name}={list(value)}"
        )
    return value


def _padding(padding, stride, dilation, kernel) -> tuple:
    """(before, after) for each dimension, from numbers, 'valid' or 'same'."""
    if not isinstance(padding, str):
        return tuple([(p, p) for p in _numbers(padding, len(kernel), "padding")])
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return tuple([(total // 2, total - total // 2) for total in totals])


def _check_tensors(name: str, input, weight, bias, stride, dims: int) -> None:
    for position, (parameter, value) in enumerate((("input", input), ("weight", weight)), 1):
        if not isinstance(value, Tensor):
            raise argument_error(name, parameter, position, value)
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input.shape)}"
        )
    if weight.ndim < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if weight.ndim != dims + 2 and isinstance(stride, (tuple, list)) and len(stride) == 1:
        raise RuntimeError(
            f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight{list(weight.shape)}, but "
            f"got {input.ndim}-dimensional input of size {list(input.shape)} instead"
        )
    if weight.ndim != dims + 2:
        raise RuntimeError(
            f"expected stride to be a single integer value or a list of {weight.ndim - 2} values to match the "
            f"convolution dimensions, but got stride={[1] * dims}"
        )
    for other, what in ((weight, "weight"), (bias, "bias")):
        if other is not None and other.dtype is not input.dtype:
            raise RuntimeError(
                f"Input type ({c_name(input.dtype)}) and {what} type ({c_name(other.dtype)}) should be the same"
            )


def _check_settings(stride, padding, dilation, groups: int) -> None:
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(p < 0 for pair in padding for p in pair):
        raise RuntimeError("negative padding is not supported")
    if any(d < 0 for d in dilation):
        raise RuntimeError("dilation should be greater than zero")
    if any(d == 0 for d in dilation):
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilation)}")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")


def _check_shapes(input, weight, bias, groups: int, is_transposed: bool) -> None:
    """Raise RuntimeError unless the shapes of input, weight and bias go together."""
    shape = list(weight)
    wanted = shape[0] if is_transposed else shape[1] * groups
    lead = f"Given transposed={int(is_transposed)}" if is_transposed else f"Given groups={groups}"
    if shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{shape} instead"
        )
    if shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size [{shape}] instead"
        )
    if input[1] != wanted:
        raise RuntimeError(
            f"{lead}, weight of size {shape}, expected input{list(input)} to have {wanted} channels, but got "
            f"{input[1]} channels instead"
        )
    outs = shape[1] * groups if is_transposed else shape[0]
    if bias is not None and bias != (outs,):
        lead = f"Given transposed={int(is_transposed)}, weight" if is_transposed else "Given weight"
        raise RuntimeError(
            f"{lead} of size {shape}, expected bias to be 1-dimensional with {outs} elements, but got bias of size "
            f"{list(bias)} instead"
        )
    if 0 in weight[2:]:
        names = ("kernel_depth", "kernel_height", "kernel_width")[-len(weight[2:]) :]
        given = " ".join(f"{name}: {k}" for name, k in zip(names, weight[2:], strict=True))
        raise RuntimeError(f"kernel size should be greater than zero, but got {given}")


def _convolution(name: str, input, weight, bias, stride, padding, dilation, groups: int) -> Tensor:
    dims = int(name[4])
    _check_tensors(name, input, weight, bias, stride, dims)
    batched = input.ndim == dims + 2
    x = input if batched else input.unsqueeze(0)
    settings = [value if isinstance(value, (int, str, tuple)) else tuple([int(v) for v in value])
                for value in (stride, padding, dilation)]  # fmt: skip
    geometry, size = _geometry(x.shape, weight.shape, None if bias is None else bias.shape, *settings, groups)
    require_kind("slow_conv2d_cpu", x._array, "fVciu")
    made = convolve(x, weight, bias, geometry=geometry, size=size)
    return made if batched else made.squeeze(0)


@functools.lru_cache(maxsize=1024, typed=True)  # a network has the same convolutions again and again
def _geometry(input, weight, bias, stride, padding, dilation, groups: int):
    """The geometry and the result's size from shapes and settings; RuntimeError where they do not go together."""
    kernel = tuple(weight[2:])
    dims = len(kernel)
    stride, dilation = _numbers(stride, dims, "stride"), _numbers(dilation, dims, "dilation")
    geometry = Geometry(stride, _padding(padding, stride, dilation, kernel), dilation, groups)
    _check_settings(stride, geometry.padding, dilation, groups)
    _check_shapes(input, weight, bias, groups, False)
    full = [n + before + after for n, (before, after) in zip(input[2:], geometry.padding, strict=True)]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    if any(n < k for n, k in zip(full, reach, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, full))}). Kernel size: "
            f"({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size"
        )
    return geometry, geometry.output_size(input[2:], kernel)


def _transposed(name: str, input, weight, bias, stride, padding, output_padding, groups: int, dilation) -> Tensor:
    dims = int(name[-2])
    _check_tensors(name, input, weight, bias, stride, dims)
    kernel = tuple(weight.shape[2:])
    stride, dilation = _numbers(stride, dims, "stride"), _numbers(dilation, dims, "dilation")
    pads, extra = _numbers(padding, dims, "padding"), _numbers(output_padding, dims, "output_padding")
    geometry = Geometry(stride, tuple([(p, p) for p in pads]), dilation, groups)
    _check_settings(stride, geometry.padding, dilation, groups)
    batched = input.ndim == dims + 2
    x = input if batched else input.unsqueeze(0)
    _check_shapes(x.shape, weight.shape, None if bias is None else bias.shape, groups, True)
    if any(e >= s and e >= d for e, s, d in zip(extra, stride, dilation, strict=True)):
        names = ("depth", "height", "width")[-max(dims, 2) :]
        values = [(label, (0 if "output" in label else 1,) * (max(dims, 2) - dims) + v) for label, v in
                  (("output_padding", extra), ("stride", stride), ("dilation", dilation))]  # fmt: skip
        given = " ".join(f"{label}_{n}: {v}" for label, vs in values for n, v in zip(names, vs, strict=True))
        raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got {given}")
    size = tuple([
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(x.shape[2:], stride, pads, dilation, kernel, extra, strict=True)
    ])  # fmt: skip
    if any(n < 1 for n in size):
        lead = "1 x " if dims == 1 else ""
        raise RuntimeError(
            f"Given input size per channel: ({lead}{' x '.join(map(str, x.shape[2:]))}). Calculated output size per "
            f"channel: ({lead}{' x '.join(map(str, size))}). Output size is too small"
        )
    require_kind("slow_conv_transpose2d_out_cpu", x._array, "fVciu")
    made = transposed(x, weight, bias, geometry=geometry, size=size)
    return made if batched else made.squeeze(0)


# ---- the public functions ----------------------------------------------------------------------------------------


def _declare(dims: int) -> None:
    name, turned = f"conv{dims}d", f"conv_transpose{dims}d"
    space = ("L", "H, W", "D, H, W")[dims - 1]

    def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        return _convolution(name, input, weight, bias, stride, padding, dilation, groups)

    def conv_transpose(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        return _transposed(turned, input, weight, bias, stride, padding, output_padding, groups, dilation)

    conv.__doc__ = f"""{name}(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1) -> Tensor

    Every window of `input` (N, C, {space}), or one sample (C, {space}), times `weight` (O, C/groups, *kernel), plus
    `bias` (O,). `padding` is a number of zeros for each side, 'valid' (none) or 'same' (the result has the input's
    size).

    RuntimeError where shapes, dtypes or settings do not fit.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.{name}.html
    """
    conv_transpose.__doc__ = f"""{turned}(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1,
    dilation=1) -> Tensor

    The gradient of `{name}` by its input, as a map of its own: every element of `input` (N, C, {space}) times `weight`
    (C, O/groups, *kernel), added up where the windows overlap. `output_padding` enlarges the result on one side.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.{turned}.html
    """
    for made, public in ((conv, name), (conv_transpose, turned)):
        made.__name__ = made.__qualname__ = public
        function()(function(namespace="nn.functional")(made))


for _dims in (1, 2, 3):
    _declare(_dims)


@function()
@function(namespace="nn.functional")
def conv_tbc(input, weight, bias, pad=0):
    """conv_tbc(input, weight, bias, pad=0) -> Tensor: `conv1d` for (time, batch, channels) and weight (k, C, O).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_tbc.html
    """
    made = _convolution("conv1d", input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, 1, pad, 1, 1)
    return made.permute(2, 0, 1)
