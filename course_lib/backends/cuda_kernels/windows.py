"""Windows of images (…, H, W): unrolling, depthwise convolution, pooling. Settings are pairs (down, across)."""

from __future__ import annotations

import math

import numpy as np

from ..kernels.loading import BLOCK, block_for_row, blocks_for, launch
from ._new import like


def _walks(inside, outside, kernel, stride, padding, dilation) -> list[int]:
    """The kernels' arguments: input, output, kernel, stride, padding and dilation, down and then across."""
    return [int(pair[d]) for d in (0, 1) for pair in (inside, outside, kernel, stride, padding, dilation)]


def _sizes(inside, kernel, stride, padding, dilation) -> tuple[int, int]:
    return tuple([(inside[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) // stride[d] + 1 for d in (0, 1)])


def im2col(image, kernel, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """The windows of images (N, C, H, W) as columns (N, C · kh · kw, OH · OW)."""
    samples, channels, *inside = image.shape
    outside = _sizes(inside, kernel, stride, padding, dilation)
    columns = like(image, (samples, channels * math.prod(kernel), math.prod(outside)))
    launch("im2col", "im2col", columns, blocks_for(columns.size), (BLOCK,), image, columns, columns.size,
           *_walks(inside, outside, kernel, stride, padding, dilation))  # fmt: skip
    return columns


def col2im(columns, shape, kernel, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """The sum of all windows at their places in images of this shape: the transpose of `im2col`."""
    image, inside = like(columns, shape), shape[2:]
    outside = _sizes(inside, kernel, stride, padding, dilation)
    launch("im2col", "col2im", image, blocks_for(image.size), (BLOCK,), columns, image, image.size,
           *_walks(inside, outside, kernel, stride, padding, dilation))  # fmt: skip
    return image


def depthwise_conv(image, weight, bias=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """Convolution (N, C, H, W) with groups = C: weight (C · times, 1, kh, kw)."""
    samples, channels, *inside = image.shape
    made, kernel = weight.shape[0], weight.shape[2:]
    outside = _sizes(inside, kernel, stride, padding, dilation)
    out = like(image, (samples, made, *outside))
    launch("depthwise_conv", "depthwise_forward", out, blocks_for(out.size), (BLOCK,), image, weight, bias, out,
           out.size, channels, made // channels,
           *_walks(inside, outside, kernel, stride, padding, dilation))  # fmt: skip
    return out


def depthwise_conv_backward(g, image, weight, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """The gradients by image and weight."""
    samples, channels, *inside = image.shape
    times, kernel = weight.shape[0] // channels, weight.shape[2:]
    walks = _walks(inside, g.shape[2:], kernel, stride, padding, dilation)
    by_image, by_weight = like(image), like(weight)
    launch("depthwise_conv", "depthwise_by_image", image, blocks_for(image.size), (BLOCK,), g, weight, by_image,
           image.size, channels, times, *walks)  # fmt: skip
    launch("depthwise_conv", "depthwise_by_weight", weight, (weight.size,), block_for_row(g[:, 0].size), g, image,
           by_weight, samples, channels, times, *walks)  # fmt: skip
    return by_image, by_weight


def max_pool(image, kernel, stride, padding=(0, 0), dilation=(1, 1)):
    """The largest number of every window, and where in its plane it lies (int64)."""
    inside = image.shape[-2:]
    outside = _sizes(inside, kernel, stride, padding, dilation)
    out = like(image, (*image.shape[:-2], *outside))
    chosen = like(image, out.shape, np.int64)
    launch("pooling", "max_pool_forward", out, blocks_for(out.size), (BLOCK,), image, out, chosen, out.size,
           *_walks(inside, outside, kernel, stride, padding, dilation))  # fmt: skip
    return out, chosen


def max_pool_backward(g, chosen, shape, kernel, stride, padding=(0, 0), dilation=(1, 1)):
    """The gradient by the image."""
    image = like(g, shape)
    launch("pooling", "max_pool_backward", image, blocks_for(image.size), (BLOCK,), g, chosen, image, image.size,
           *_walks(shape[-2:], g.shape[-2:], kernel, stride, padding, dilation))  # fmt: skip
    return image


def avg_pool(image, kernel, stride, padding=(0, 0), count_include_pad: bool = True):
    """The mean of every window."""
    inside, one = image.shape[-2:], (1, 1)
    outside = _sizes(inside, kernel, stride, padding, one)
    out = like(image, (*image.shape[:-2], *outside))
    launch("pooling", "avg_pool_forward", out, blocks_for(out.size), (BLOCK,), image, out, out.size,
           *_walks(inside, outside, kernel, stride, padding, one), count_include_pad)  # fmt: skip
    return out


def avg_pool_backward(g, shape, kernel, stride, padding=(0, 0), count_include_pad: bool = True):
    """The gradient by the image."""
    image = like(g, shape)
    launch("pooling", "avg_pool_backward", image, blocks_for(image.size), (BLOCK,), g, image, image.size,
           *_walks(shape[-2:], g.shape[-2:], kernel, stride, padding, (1, 1)), count_include_pad)  # fmt: skip
    return image
