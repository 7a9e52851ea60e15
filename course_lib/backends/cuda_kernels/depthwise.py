"""Depthwise convolution of signals and images: weight (C · times, 1, kernel), every channel on its own."""

from __future__ import annotations

import math

from ..kernels.loading import BLOCK, launch
from ..sliding import Sliding
from ._new import like, sums
from .parts import add_parts
from .windows import UNROLLED, known, looking_back, rows_launch, windows_argument

STRIP = 4  # outputs below each other that one thread makes
MOST_CELLS = UNROLLED  # of a kernel: they stay in registers
SHARES = 2048  # blocks that the weight's gradient is spread over


def fits(kernel, groups: int, per_group: int) -> bool:
    """Whether this is a depthwise convolution that the kernels know."""
    return groups > 1 and per_group == 1 and len(kernel) < 3 and math.prod(kernel) <= MOST_CELLS


def _flat(*pairs) -> list[tuple]:
    """Settings of one dimension as those of an image of one row."""
    rows = (1, 1, 1, 1, 0, 1)  # inside, size, kernel, stride, padding, dilation
    return [tuple(p) if len(p) == 2 else (row, *p) for row, p in zip(rows, pairs, strict=True)]


def _settings(inside, size, sliding: Sliding):
    """Sizes, windows and the kernel's constants, for images."""
    inside, size, *rest = _flat(inside, size, *sliding)
    sliding = Sliding(*rest)
    constants = {**known(sliding), "STRIP": STRIP if size[0] > 1 else 1}
    return inside, size, windows_argument(inside, size, sliding), constants


def depthwise_conv(image, weight, bias, size, sliding: Sliding, *, turned: bool = False):
    """The convolution with groups = C; `turned`: with the weight turned by half a circle."""
    samples, channels, *inside = image.shape
    outs = weight.shape[0]
    out = like(image, (samples, outs, *size))
    _, flat, windows, constants = _settings(tuple(inside), size, sliding)
    strips = samples * outs * -(-flat[0] // constants["STRIP"])
    launch("depthwise_conv", "depthwise_forward", out, *rows_launch(strips, flat[1]), image, weight, bias, out, strips,
           outs, outs // channels, windows, turned, **constants)  # fmt: skip
    return out


def depthwise_conv_by_image(g, weight, shape, sliding: Sliding):
    """The gradient by images of this shape."""
    size, channels, times = g.shape[2:], shape[1], weight.shape[0] // shape[1]
    if times == 1 and all(s == 1 for s in sliding.stride):  # again a convolution, which looks back
        return depthwise_conv(g, weight, None, tuple(shape[2:]), looking_back(sliding), turned=True)
    image = like(g, shape)
    _, _, windows, constants = _settings(tuple(shape[2:]), tuple(size), sliding)
    rows = image.size // shape[-1]
    launch("depthwise_conv", "depthwise_by_image", image, *rows_launch(rows, shape[-1]), g, weight, image, rows,
           channels, times, windows, **constants)  # fmt: skip
    return image


def depthwise_conv_by_weight(g, image, kernel, sliding: Sliding):
    """The gradient by the weight, (C · times, 1, kernel)."""
    samples, outs, *size = g.shape
    weight = like(g, (outs, 1, *kernel))
    _, flat, windows, constants = _settings(tuple(image.shape[2:]), tuple(size), sliding)
    shares = min(samples, max(1, SHARES // outs))
    parts = sums(g, (shares, weight.size))
    across = min(BLOCK, 1 << (flat[1] - 1).bit_length())
    launch("depthwise_conv", "depthwise_by_weight", g, (outs, shares), (BLOCK,), g, image, parts, samples, outs,
           outs // image.shape[1], across, windows, **constants)  # fmt: skip
    add_parts(parts, weight)
    return weight
