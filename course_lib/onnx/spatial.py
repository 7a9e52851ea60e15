"""ONNX for operations on images, volumes and signals: convolutions, pools, resizing."""

from __future__ import annotations

import numpy as np

from .builder import Builder, Ref, handles


def _tuple(value, dims: int) -> list[int]:
    found = list(value) if isinstance(value, (tuple, list)) else [value]
    return found * dims if len(found) == 1 else found


def _batched(g: Builder, input: Ref, dims: int, make):
    """`make(x)` for input without a batch dimension, too: it gets one and loses it again."""
    if input.ndim == dims + 2:
        return make(input.name)
    made = make(g.unsqueeze(input, 0))
    return tuple([g.squeeze(m, 0) for m in made]) if isinstance(made, tuple) else g.squeeze(made, 0)


# ---- convolutions --------------------------------------------------------------------------------------------------


def _conv(dims: int):
    def conv(g, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        kernel, dilation = list(weight.shape[2:]), _tuple(dilation, dims)
        if padding == "same":
            total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
            pads = [t // 2 for t in total] + [t - t // 2 for t in total]
        else:
            pads = _tuple(0 if padding == "valid" else padding, dims) * 2
        settings = {"kernel_shape": kernel, "strides": _tuple(stride, dims), "dilations": dilation, "group": groups}
        return _batched(g, input, dims, lambda x: g.op("Conv", x, weight, bias, pads=pads, **settings))

    return conv


def _conv_transpose(dims: int):
    def conv(g, input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        settings = {"kernel_shape": list(weight.shape[2:]), "strides": _tuple(stride, dims), "group": groups,
                    "pads": _tuple(padding, dims) * 2, "output_padding": _tuple(output_padding, dims),
                    "dilations": _tuple(dilation, dims)}  # fmt: skip
        return _batched(g, input, dims, lambda x: g.op("ConvTranspose", x, weight, bias, **settings))

    return conv


# ---- pools ---------------------------------------------------------------------------------------------------------


def _max_pool(dims: int, with_places: bool = False):
    def pool(g, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        kernel = _tuple(kernel_size, dims)
        settings = {"kernel_shape": kernel, "strides": _tuple(stride, dims) if stride else kernel,
                    "pads": _tuple(padding, dims) * 2, "dilations": _tuple(dilation, dims),
                    "ceil_mode": int(ceil_mode)}  # fmt: skip
        if not (with_places or return_indices):
            return _batched(g, input, dims, lambda x: g.op("MaxPool", x, **settings))
        return _batched(g, input, dims, lambda x: _with_places(g, x, dims, settings))

    return pool


def _with_places(g: Builder, x: str, dims: int, settings: dict) -> tuple:
    """The largest values and their places in their own plane; ONNX counts through all planes."""
    values, places = g.op("MaxPool", x, outputs=2, **settings)
    plane = g.op("ReduceProd", g.shape_of(x, 2), keepdims=0)
    return values, g.op("Mod", places, plane)


def _avg_pool(dims: int):
    def pool(g, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
             divisor_override=None):  # fmt: skip
        kernel = _tuple(kernel_size, dims)
        whole = count_include_pad or divisor_override is not None
        settings = {"kernel_shape": kernel, "strides": _tuple(stride, dims) if stride else kernel,
                    "pads": _tuple(padding, dims) * 2, "ceil_mode": int(ceil_mode),
                    "count_include_pad": int(whole)}  # fmt: skip
        if ceil_mode and divisor_override is not None:
            g.refuse("avg_pool with ceil_mode and divisor_override has no ONNX operator")
        if ceil_mode and whole and any(settings["pads"]):  # windows beyond the padding count what is inside it
            lead = [0] * (input.ndim - dims)
            pads = g.constant(lead + settings["pads"][:dims] + lead + settings["pads"][dims:])
            input = Ref(g.op("Pad", input, pads), input.shape, input.dtype)
            settings |= {"pads": [0] * 2 * dims, "count_include_pad": 0}
        out = _batched(g, input, dims, lambda x: g.op("AveragePool", x, **settings))
        if divisor_override is None:
            return out
        return g.op("Mul", out, g.cast(float(np.prod(kernel)) / divisor_override, input.dtype))

    return pool


def _adaptive_pool(dims: int, kind: str):
    def pool(g, input, output_size, return_indices=False):
        sizes = input.shape[-dims:]
        wanted = [n if w is None else w for w, n in zip(_tuple(output_size, dims), sizes, strict=True)]
        if return_indices:
            g.refuse("adaptive pooling with return_indices has no ONNX operator here")
        axes = list(range(input.ndim - dims, input.ndim))
        reduction = "ReduceMean" if kind == "AveragePool" else "ReduceMax"
        if set(wanted) == {1}:
            return g.reduce(reduction, input, axes, True)
        if all(n % w == 0 for n, w in zip(sizes, wanted, strict=True)):
            kernel = [n // w for n, w in zip(sizes, wanted, strict=True)]
            settings = {"kernel_shape": kernel, "strides": kernel}
            return _batched(g, input, dims, lambda x: g.op(kind, x, **settings))
        x = input.name
        for axis, size, count in zip(axes, sizes, wanted, strict=True):
            parts = [_part(g, reduction, x, axis, i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
            x = g.op("Concat", *parts, axis=axis) if count > 1 else parts[0]
        return x

    return pool


def _part(g: Builder, reduction: str, x: str, axis: int, start: int, stop: int) -> str:
    """One cell of an adaptive pool along one dimension."""
    part = g.op("Slice", x, g.constant([start]), g.constant([stop]), g.constant([axis]))
    return g.reduce(reduction, part, [axis], True)


def _lp_pool(dims: int):
    def pool(g, input, norm_type, kernel_size, stride=None, ceil_mode=False):
        kernel = _tuple(kernel_size, dims)
        settings = {"kernel_shape": kernel, "strides": _tuple(stride, dims) if stride else kernel,
                    "ceil_mode": int(ceil_mode)}  # fmt: skip
        power = Ref(g.op("Pow", input, g.cast(float(norm_type), input.dtype)), input.shape, input.dtype)
        mean = _batched(g, power, dims, lambda x: g.op("AveragePool", x, **settings))
        total = g.op("Mul", mean, g.cast(float(np.prod(kernel)), input.dtype))
        return g.op("Pow", total, g.cast(1 / norm_type, input.dtype))

    return pool


for _dims in (1, 2, 3):
    handles(f"conv{_dims}d")(_conv(_dims))
    handles(f"conv_transpose{_dims}d")(_conv_transpose(_dims))
    handles(f"max_pool{_dims}d")(_max_pool(_dims))
    handles(f"max_pool{_dims}d_with_indices")(_max_pool(_dims, with_places=True))
    handles(f"avg_pool{_dims}d")(_avg_pool(_dims))
    handles(f"adaptive_avg_pool{_dims}d")(_adaptive_pool(_dims, "AveragePool"))
    handles(f"adaptive_max_pool{_dims}d")(_adaptive_pool(_dims, "MaxPool"))
    handles(f"lp_pool{_dims}d")(_lp_pool(_dims))


# ---- patches ------------------------------------------------------------------------------------------------------


def _one_hot_kernels(channels: int, kernel: list[int], dtype) -> np.ndarray:
    """A kernel for each place in a patch, that takes the number there; for each channel the same."""
    count = int(np.prod(kernel))
    return np.tile(np.eye(count, dtype=dtype.numpy).reshape(count, 1, *kernel), (channels, 1, 1, 1))


def _patch_settings(kernel_size, dilation, padding, stride) -> dict:
    return {"kernel_shape": _tuple(kernel_size, 2), "dilations": _tuple(dilation, 2), "pads": _tuple(padding, 2) * 2,
            "strides": _tuple(stride, 2)}  # fmt: skip


@handles("nn.functional.unfold")
def _unfold(g, input, kernel_size, dilation=1, padding=0, stride=1):
    settings = _patch_settings(kernel_size, dilation, padding, stride)
    channels = input.shape[1]
    kernels = g.constant(_one_hot_kernels(channels, settings["kernel_shape"], input.dtype), input.dtype)
    patches = g.op("Conv", input, kernels, group=channels, **settings)
    return g.reshape(patches, [0, 0, -1])


@handles("nn.functional.fold")
def _fold(g, input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    settings = _patch_settings(kernel_size, dilation, padding, stride)
    size, kernel = _tuple(output_size, 2), settings["kernel_shape"]
    channels = input.shape[1] // int(np.prod(kernel))
    counts, rest = [], []
    for n, k, d, p, s in zip(size, kernel, settings["dilations"], settings["pads"], settings["strides"], strict=False):
        counts.append((n + 2 * p - d * (k - 1) - 1) // s + 1)
        rest.append((n + 2 * p - d * (k - 1) - 1) % s)
    kernels = g.constant(_one_hot_kernels(channels, kernel, input.dtype), input.dtype)
    patches = g.reshape(input, [0, 0, *counts])
    return g.op("ConvTranspose", patches, kernels, group=channels, output_padding=rest, **settings)


# ---- resizing ------------------------------------------------------------------------------------------------------

_MODES = {"nearest": "nearest", "nearest-exact": "nearest", "linear": "linear", "bilinear": "linear",
          "trilinear": "linear", "bicubic": "cubic"}  # fmt: skip


@handles("interpolate", "upsample")
def _interpolate(g, input, size=None, scale_factor=None, mode="nearest", align_corners=None,
                 recompute_scale_factor=None, antialias=False):  # fmt: skip
    dims = input.ndim - 2
    if mode == "area":
        return _adaptive_pool(dims, "AveragePool")(g, input, g.out.shape[2:])
    if antialias and g.opset < 18:
        g.refuse("interpolate with antialias=True needs opset_version 18 or later")
    how = "align_corners" if align_corners else "asymmetric" if mode == "nearest" else "half_pixel"
    settings = {"mode": _MODES[mode], "coordinate_transformation_mode": how, "antialias": int(antialias) or None}
    if mode == "nearest":
        settings["nearest_mode"] = "floor"
    if mode == "nearest-exact":
        settings["nearest_mode"] = "round_prefer_ceil"
    if mode == "bicubic":
        settings["cubic_coeff_a"] = -0.75
    if size is not None or recompute_scale_factor:
        sizes = list(g.out.shape[2:]) if size is None else _tuple(size, dims)
        whole = g.op("Concat", g.shape_of(input, 0, 2), g.ints(sizes), axis=0)
        return g.op("Resize", input, None, None, whole, **settings)
    scales = g.constant([1.0, 1.0, *[float(s) for s in _tuple(scale_factor, dims)]])
    return g.op("Resize", input, None, scales, **settings)


@handles("upsample_nearest")
def _upsample_nearest(g, input, size=None, scale_factor=None):
    return _interpolate(g, input, size, scale_factor)


@handles("upsample_bilinear")
def _upsample_bilinear(g, input, size=None, scale_factor=None):
    return _interpolate(g, input, size, scale_factor, "bilinear", True)


@handles("grid_sample")
def _grid_sample(g, input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    old = {"bilinear": "bilinear", "nearest": "nearest", "bicubic": "bicubic"}
    new = {"bilinear": "linear", "nearest": "nearest", "bicubic": "cubic"}
    kind = (new if g.opset >= 20 else old)[mode]
    return g.op("GridSample", input, grid, mode=kind, padding_mode=padding_mode, align_corners=int(bool(align_corners)))
