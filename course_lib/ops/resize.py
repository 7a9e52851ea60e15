"""interpolate: images, sequences and volumes brought to another size.

Along each dimension an output element is a weighted sum of a few input elements: `Taps` holds their positions and
weights, (taps, size). One op applies the taps of all dimensions in turn; its backward applies the transposed taps.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from ..errors import warn
from ._device import by_kernel
from ._numeric import in_layout_of, narrow, require_kind, wide
from ._op import function, op
from .pool import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

# ---- positions and weights ---------------------------------------------------------------------------------------


class Taps:
    """For one dimension: which of its `length` elements go into each output element, and the weights (None: 1)."""

    __slots__ = ("length", "positions", "weights", "_back")

    def __init__(self, length: int, positions, weights):
        self.length, self.positions, self.weights, self._back = length, positions, weights, None

    def apply(self, xp, a, dim: int):
        shape = [1] * a.ndim
        shape[dim] = -1
        made = None
        for k, positions in enumerate(self.positions):
            part = xp.take(a, xp.asarray(positions), axis=dim)
            if self.weights is not None:
                part = part * xp.asarray(self.weights[k], a.dtype).reshape(shape)
            made = part if made is None else made + part
        return made

    def transposed(self) -> Taps:
        """The way back, as taps: which output elements each of the `length` elements went into, and with what weights.

        Elements that went into fewer than others are filled up with a weight of 0.
        """
        if self._back is None:
            self._back = self._turned()
        return self._back

    def _turned(self) -> Taps:
        k, size = self.positions.shape
        order = np.argsort(self.positions, axis=None, kind="stable")
        came_from = self.positions.ravel()[order]
        counts = np.bincount(came_from, minlength=self.length)
        rank = np.arange(k * size) - np.repeat(np.cumsum(counts) - counts, counts)  # the first, second, … of an element
        positions = np.zeros((counts.max(), self.length), np.int64)
        positions[rank, came_from] = order % size
        if self.weights is None and counts.min() == counts.max():
            return Taps(size, positions, None)
        weights = np.zeros(positions.shape, np.float32 if self.weights is None else self.weights.dtype)
        weights[rank, came_from] = 1 if self.weights is None else self.weights.ravel()[order]
        return Taps(size, positions, weights)


def _scale(length: int, size: int, align_corners: bool, factor, real):
    """How far the input moves for one step of the output."""
    if align_corners:
        return real(length - 1) / real(size - 1) if size > 1 else real(0)
    return real(1.0 / factor) if factor is not None and factor > 0 else real(length) / real(size)


def _nearest(length: int, size: int, exact: bool, factor, real) -> Taps:
    step = _scale(length, size, False, factor, np.float32)
    at = np.floor((np.arange(size, dtype=np.float32) + np.float32(0.5 if exact else 0)) * step).astype(np.int64)
    return Taps(length, np.minimum(at, length - 1)[None], None)


def _linear(length: int, size: int, align_corners: bool, factor, real) -> Taps:
    step, place = _scale(length, size, align_corners, factor, real), np.arange(size, dtype=real)
    at = place * step if align_corners else np.maximum((place + real(0.5)) * step - real(0.5), 0)
    first = np.minimum(at.astype(np.int64), length - 1)
    share = np.clip(at - first.astype(real), 0, 1).astype(real)
    return Taps(length, np.stack([first, np.minimum(first + 1, length - 1)]), np.stack([1 - share, share]))


def _cubic(x, a: float):
    """Keys' cubic convolution kernel (1981) at distance x."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def _bicubic(length: int, size: int, align_corners: bool, factor, real) -> Taps:
    step, place = _scale(length, size, align_corners, factor, real), np.arange(size, dtype=real)
    at = place * step if align_corners else (place + real(0.5)) * step - real(0.5)
    first = np.floor(at)
    share = (at - first).astype(real)
    offsets = np.arange(-1, 3)[:, None]
    positions = np.clip(first.astype(np.int64) + offsets, 0, length - 1)
    return Taps(length, positions, _cubic(share - offsets, -0.75).astype(real))


_FILTERS = {  # name: (radius, filter) of the smoothing before a reduction
    "bilinear": (1, lambda x: np.maximum(1 - np.abs(x), 0)),
    "bicubic": (2, lambda x: _cubic(x, -0.5)),
    "lanczos": (3, lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)),
}


def _antialiased(length: int, size: int, mode: str, align_corners: bool, factor, real) -> Taps:
    """Weights of a filter that is as wide as the step, so that a reduced image does not flicker."""
    step = _scale(length, size, align_corners, factor, real)
    radius, kernel = _FILTERS[mode]
    support = radius * step if step >= 1 else real(radius)
    shrink = 1 / step if step >= 1 else real(1)
    centre = step * (np.arange(size, dtype=real) + real(0.5))
    start = np.maximum((centre - support + real(0.5)).astype(np.int64), 0)
    count = np.minimum((centre + support + real(0.5)).astype(np.int64), length) - start
    k = np.arange(max(int(count.max()), 1))[:, None]
    weights = np.where(k < count, kernel((k + start - centre + real(0.5)) * shrink), 0)
    return Taps(length, np.minimum(start + k, length - 1), (weights / weights.sum(0)).astype(real))


# ---- the op ------------------------------------------------------------------------------------------------------


@functools.cache
def _resampling(node: str):
    """The op that applies taps along the last dimensions, under PyTorch's name for its node."""

    def forward(xp, a, *, taps):
        made = by_kernel(xp, "resample", a, taps=taps)
        if made is not None:
            return in_layout_of(xp, made, a)
        made, dims = wide(a), len(taps)
        if a.dtype.kind == "u" and taps[0].weights is not None:
            made = made.astype("f4")
        for d, part in zip(range(a.ndim - dims, a.ndim), taps, strict=True):
            made = part.apply(xp, made, d)
        if a.dtype.kind == "u" and made.dtype.kind == "f":
            made = xp.clip(xp.rint(made), 0, 255).astype(a.dtype)
        return in_layout_of(xp, narrow(made, a.dtype), a)

    def save(ctx, out, a, *, taps):
        ctx.taps = taps

    def backward(ctx, g):
        return _resampled_back(g, taps=ctx.taps)

    members = {
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": "Weighted sums of a few elements along each of the last dimensions.",
    }
    return op(method=False, namespace=None, node=node)(type(f"resampled_{node}", (), members))


@op(method=False, namespace=None, node="UpsampleBackward")
class _resampled_back:
    """The transpose of resampling: every element goes back to where it came from."""

    def forward(xp, g, *, taps):
        made = by_kernel(xp, "resample", g, taps=[part.transposed() for part in taps])
        if made is not None:
            return made
        made, dims = wide(g), len(taps)
        for d, part in zip(range(g.ndim - dims, g.ndim), taps, strict=True):
            made = part.transposed().apply(xp, made, d)
        return narrow(xp.ascontiguousarray(made), g.dtype)

    def save(ctx, out, g, *, taps):
        ctx.taps = taps

    def backward(ctx, gg):
        return _resampling("Upsample")(gg, taps=ctx.taps)


# ---- the public functions ----------------------------------------------------------------------------------------

_DIMS = {"linear": 1, "bilinear": 2, "bicubic": 2, "lanczos": 2, "trilinear": 3}
_MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"


def _output_size(input, size, scale_factor, recompute: bool | None):
    """(size, factors): the size of each dimension, and the factor that maps places (None: the ratio of the sizes)."""
    dims, spatial = input.ndim - 2, list(input.shape[2:])
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        size = size if isinstance(size, (tuple, list)) else [size] * dims
        if len(size) != dims:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {spatial} and output size of {size}. Please provide input tensor in (N, C, d1, d2, "
                "...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return [int(n) for n in size], [None] * dims
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    factors = scale_factor if isinstance(scale_factor, (tuple, list)) else [scale_factor] * dims
    if len(factors) != dims:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {spatial} and scale_factor of shape {scale_factor}. Please provide input tensor in (N, C, "
            "d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
        )
    return [math.floor(n * f) for n, f in zip(spatial, factors, strict=True)], [None] * dims if recompute else factors


def _check_sizes(input, size) -> None:
    names = ("D", "H", "W")[-len(size) :] if len(size) > 1 else ("W",)
    if any(n < 1 for n in (*input.shape[2:], *size)):
        given = [", ".join(f"{a}: {n}" for a, n in zip(names, part, strict=True)) for part in (input.shape[2:], size)]
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({given[0]}) "
            f"{'and ' if len(size) == 1 else ''}output ({given[1]})"
        )
    if input.numel() == 0 and 0 in input.shape[1:]:
        raise RuntimeError(
            f"Non-empty {input.ndim}D data tensor expected but got a tensor with sizes {list(input.shape)}"
        )


@function(namespace="nn.functional")
def interpolate(
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    """interpolate(input, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None,
    antialias=False) -> Tensor

    (N, C, L), (N, C, H, W) or (N, C, D, H, W) brought to `size`, or to its size times `scale_factor`. mode: 'nearest',
    'nearest-exact', 'area' for all; 'linear' (3-D), 'bilinear' and 'bicubic' (4-D), 'trilinear' (5-D). align_corners
    maps the corner elements onto each other; antialias smooths before an image is reduced.

    ValueError or NotImplementedError for arguments that do not go together.

    >>> import course_lib as torch
    >>> torch.nn.functional.interpolate(torch.tensor([[[1., 2.]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
    """
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | "
                "trilinear"
            )
    else:
        align_corners = bool(align_corners)
    if input.ndim not in (3, 4, 5):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the modes: {_MODES} (got "
            f"{mode})"
        )
    size, factors = _output_size(input, size, scale_factor, recompute_scale_factor)
    if antialias and not (mode in _FILTERS and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[input.ndim - 3](input, size)
    _check_mode(input, mode)
    _check_sizes(input, size)
    if mode.startswith("nearest") or input._array.dtype.kind != "u":
        require_kind(f"upsample_{mode.replace('-', '_')}{input.ndim - 2}d_channels_last", input._array, "fVu")
    copies = mode.endswith("linear") and not antialias or mode == "nearest" and input.ndim == 4
    if copies:  # a side that keeps its length is copied, whatever the factor
        factors = [None if n == o else f for n, o, f in zip(input.shape[2:], size, factors, strict=True)]
    real = np.float64 if input._array.dtype.itemsize == 8 else np.float32
    taps = [_taps(n, o, mode, align_corners, antialias, f, real)
            for n, o, f in zip(input.shape[2:], size, factors, strict=True)]  # fmt: skip
    name = "".join(word.capitalize() for word in mode.split("-"))
    return _resampling(f"Upsample{name}{input.ndim - 2}D{'Aa' if antialias else ''}")(input, taps=taps)


def _check_mode(input, mode: str) -> None:
    wanted = _DIMS.get(mode)
    if mode in ("linear", "bilinear", "trilinear") and input.ndim != wanted + 2:
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {wanted + 2}D input")
    if mode not in (*_DIMS, "nearest", "nearest-exact") or (wanted is not None and input.ndim != wanted + 2):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the modes: {_MODES} (got "
            f"{mode})"
        )


@functools.lru_cache(maxsize=256)  # a network asks for the same sizes again and again
def _taps(length: int, size: int, mode: str, align_corners, antialias: bool, factor, real) -> Taps:
    if mode.startswith("nearest"):
        return _nearest(length, size, mode == "nearest-exact", factor, real)
    if antialias or mode == "lanczos":
        return _antialiased(length, size, mode, align_corners, factor, real)
    return (_bicubic if mode == "bicubic" else _linear)(length, size, align_corners, factor, real)


def _renamed(name: str, text: str, settings: dict):
    """An old name of interpolate."""

    def resize(input, size=None, scale_factor=None, *args, **named):
        warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.")
        return interpolate(input, size, scale_factor, *args, **named, **settings)

    resize.__name__ = resize.__qualname__ = name
    resize.__doc__ = f"{name}(input, size=None, scale_factor=None{text}) -> Tensor: an old name of `interpolate`."
    return function(namespace="nn.functional")(resize)


upsample = _renamed("upsample", ", mode='nearest', align_corners=None", {})
upsample_nearest = _renamed("upsample_nearest", "", {"mode": "nearest"})
upsample_bilinear = _renamed("upsample_bilinear", "", {"mode": "bilinear", "align_corners": True})
