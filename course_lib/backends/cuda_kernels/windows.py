"""Windows of signals, images and volumes (N, C, …): unrolling and pooling.

A `Sliding` holds a number for each of the one to three last dimensions; the kernels see three, the missing ones with
one place. `size` is how many windows there are in each dimension.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from ..kernels.loading import BLOCK, WARP, launch
from ..sliding import Sliding
from ._new import like

UNROLLED = 49  # cells: for windows up to this size a kernel is compiled of its own
MOST_CELLS = 255  # a window whose cells a byte can tell apart


_WALK = np.dtype([(name, "i4") for name in ("in", "out", "kernel", "stride", "padding", "dilation")])
WINDOWS = np.dtype([("deep", _WALK), ("down", _WALK), ("across", _WALK)])


@functools.lru_cache(maxsize=4096)
def windows_argument(inside, size, sliding: Sliding) -> np.ndarray:
    """The kernels' argument `Windows`; a NumPy array of one structure is passed by value."""
    walks = [(1, 1, 1, 1, 0, 1)] * (3 - len(size)) + list(zip(inside, size, *sliding, strict=True))
    return np.array([tuple(walks)], WINDOWS)


def known_kernel(kernel) -> dict[str, int]:
    """The constants with which a kernel for windows of this size is compiled; none for large ones."""
    if math.prod(kernel) > UNROLLED:
        return {}
    return dict(zip(("KERNEL_DEEP", "KERNEL_DOWN", "KERNEL_ACROSS"), (1,) * (3 - len(kernel)) + kernel, strict=True))


@functools.lru_cache(maxsize=1024)
def known(sliding: Sliding) -> dict[str, int]:
    """The constants for windows of this size, stride and dilation; none for large ones."""
    found = known_kernel(sliding.kernel)
    if not found:
        return found
    missing = (1,) * (3 - len(sliding.kernel))
    for name, values in (("STRIDE", sliding.stride), ("DILATION", sliding.dilation)):
        found.update(zip([f"{name}_{place}" for place in ("DEEP", "DOWN", "ACROSS")], missing + values, strict=True))
    return found


def looking_back(sliding: Sliding) -> Sliding:
    """The windows of an output's numbers that saw a number of the input, for stride 1: with the weight turned by half a
    circle a convolution with them is the gradient by the input."""
    padding = [d * (k - 1) - p for k, _, p, d in zip(*sliding, strict=True)]
    return sliding._replace(padding=tuple(padding))


def rows_launch(rows: int, width: int, most: int = 8192) -> tuple:
    """Grid and block for kernels whose threads lie along rows: short rows share a warp, long ones several blocks."""
    across = min(WARP, 1 << (width - 1).bit_length())
    down = BLOCK // across
    blocks = min(-(-rows // down), most)
    return (blocks, min(-(-width // across), max(1, most // 4 // blocks))), (across, down)


# ---- windows as columns --------------------------------------------------------------------------------------------


def im2col(image, size, sliding: Sliding, *, as_one_matrix: bool = False):
    """The windows of images (N, C, …) as columns: (N, C · cells, places), or (C · cells, N · places) as one matrix."""
    samples, channels, *inside = image.shape
    cells, places = math.prod(sliding.kernel), math.prod(size)
    shape = (channels * cells, samples * places) if as_one_matrix else (samples, channels * cells, places)
    columns = like(image, shape)
    rows = samples * channels * (places // size[-1])
    launch("im2col", "im2col", columns, *rows_launch(rows, size[-1]), image, columns, rows, channels,
           *_steps(samples, channels, cells, places, as_one_matrix),
           windows_argument(tuple(inside), tuple(size), sliding), **known(sliding))  # fmt: skip
    return columns


def col2im(columns, shape, size, sliding: Sliding, bias=None, out=None):
    """The sum of all windows, (N, C · cells, places), at their places in images of this shape; plus the bias (C,)."""
    image = like(columns, shape) if out is None else out
    samples, channels, *inside = shape
    cells, places, rows = math.prod(sliding.kernel), math.prod(size), image.size // shape[-1]
    launch("im2col", "col2im", image, *rows_launch(rows, shape[-1]), columns, bias, image, rows, channels,
           *_steps(samples, channels, cells, places, False), windows_argument(tuple(inside), tuple(size), sliding),
           **known(sliding))  # fmt: skip
    return image


def _steps(samples: int, channels: int, cells: int, places: int, as_one_matrix: bool) -> tuple[int, int, int]:
    """How far samples, channels and cells lie apart in the columns."""
    by_cell = samples * places if as_one_matrix else places
    return places if as_one_matrix else channels * cells * places, cells * by_cell, by_cell


def add_channel_bias(out, bias) -> None:
    """In place: out (N, C, …) += bias (C,)."""
    planes, width = out.shape[0] * out.shape[1], math.prod(out.shape[2:])
    launch("im2col", "add_channel_bias", out, *rows_launch(planes, width), out, bias, planes, out.shape[1], width)


# ---- pooling -------------------------------------------------------------------------------------------------------


def _pool(name: str, over, shape, inside, size, sliding: Sliding, arrays, *settings) -> None:
    """Launch a pooling kernel over the rows of an array of this shape."""
    rows = math.prod(shape[:-1])
    launch("pooling", name, over, *rows_launch(rows, shape[-1]), *arrays, rows,
           windows_argument(tuple(inside), tuple(size), sliding), *settings, **known(sliding))  # fmt: skip


def _outer(shape, sliding: Sliding) -> tuple:
    """The dimensions in front of those that windows slide over, and those."""
    cut = len(shape) - len(sliding.kernel)
    return tuple(shape[:cut]), tuple(shape[cut:])


def max_pool(image, size, sliding: Sliding):
    """The largest number of every window, and the number of its cell in the window (uint8)."""
    lead, inside = _outer(image.shape, sliding)
    out, cells = like(image, (*lead, *size)), like(image, (*lead, *size), np.uint8)
    _pool("max_pool_forward", out, out.shape, inside, size, sliding, (image, out, cells))
    return out, cells


def max_pool_with_places(image, size, sliding: Sliding):
    """The largest number of every window, and where in its plane it lies (int64)."""
    lead, inside = _outer(image.shape, sliding)
    out, places = like(image, (*lead, *size)), like(image, (*lead, *size), np.int64)
    _pool("max_pool_with_places", out, out.shape, inside, size, sliding, (image, out, places))
    return out, places


def max_pool_backward(g, chosen, shape, sliding: Sliding):
    """The gradient by images of this shape; `chosen` are the cells (uint8) or the places (int64)."""
    image, (_, size) = like(g, shape), _outer(g.shape, sliding)
    name = "max_pool_backward" if chosen.dtype == np.uint8 else "max_pool_backward_at_places"
    _pool(name, image, shape, _outer(shape, sliding)[1], size, sliding, (g, chosen, image))
    return image


def max_pool_pick(image, cells, sliding: Sliding):
    """The number of each window at its cell."""
    out, (_, size) = like(image, cells.shape), _outer(cells.shape, sliding)
    _pool("max_pool_pick", out, out.shape, _outer(image.shape, sliding)[1], size, sliding, (image, cells, out))
    return out


def avg_pool(image, size, sliding: Sliding, count_include_pad: bool = True, divisor: int | None = None):
    """The mean of every window."""
    lead, inside = _outer(image.shape, sliding)
    out = like(image, (*lead, *size))
    _pool("avg_pool_forward", out, out.shape, inside, size, sliding, (image, out), count_include_pad, divisor or 0)
    return out


def avg_pool_backward(g, shape, sliding: Sliding, count_include_pad: bool = True, divisor: int | None = None):
    """The gradient by images of this shape."""
    image, (_, size) = like(g, shape), _outer(g.shape, sliding)
    _pool("avg_pool_backward", image, shape, _outer(shape, sliding)[1], size, sliding, (g, image), count_include_pad,
          divisor or 0)  # fmt: skip
    return image
