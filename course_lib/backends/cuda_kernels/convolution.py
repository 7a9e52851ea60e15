"""Convolution, transposed convolution and the weight's gradient: ops/conv.py's three faces on the GPU.

Which way each of them goes:

    one channel to a group          kernels of its own (depthwise.py)
    kernel 1, stride 1              a batch of matrix products on the image itself
    not too many channels made      a product in tiles, whose columns are gathered on the fly (conv_tiles.py)
    everything else                 the windows as columns (im2col.cu) and a matrix product, in pieces of the batch
"""

from __future__ import annotations

import math

from .. import cuda
from ..cuda_gemm import product
from ..kernels.loading import MOST, accumulator
from ..sliding import Sliding
from . import conv_tiles, depthwise
from ._new import like
from .windows import add_channel_bias, col2im, im2col, looking_back

WORKSPACE = 256 << 20  # bytes of columns at a time


def _sliding(kernel, geometry) -> Sliding:
    return Sliding(tuple(kernel), geometry.stride, tuple([before for before, _ in geometry.padding]), geometry.dilation)


def _is_plain(sliding: Sliding, inside, size) -> bool:
    """Whether the columns are the image: every window is one number, and each number is a window."""
    return math.prod(sliding.kernel) == 1 and set(sliding.stride) == {1} and tuple(inside) == tuple(size)


def _multiply(a, b, out=None):
    return product(a, b, out, tf32=conv_tiles.tf32_allowed())


def _pieces(samples: int, each: int) -> list[slice]:
    """Parts of the batch whose columns, `each` bytes a sample, fit the workspace."""
    step = max(1, WORKSPACE // each)
    return [slice(start, min(start + step, samples)) for start in range(0, samples, step)]


def _is_too_large(*counts: int) -> bool:
    return max(counts) > MOST  # the kernels count in 32 bits


def convolve(x, w, bias, *, geometry, size):
    """x (N, C, …), w (O, C/groups, *kernel), bias (O,) or None -> (N, O, *size); None: too large for the kernels."""
    sliding, inside, groups = _sliding(w.shape[2:], geometry), x.shape[2:], geometry.groups
    samples, outs, places = x.shape[0], w.shape[0], math.prod(size)
    depth = x.shape[1] * math.prod(sliding.kernel)  # rows of the columns
    if _is_too_large(samples * outs * places):
        return None
    if depthwise.fits(sliding.kernel, groups, w.shape[1]):
        return depthwise.depthwise_conv(x, w, bias, size, sliding)
    plain = _is_plain(sliding, inside, size)
    if not plain and conv_tiles.fit(x, outs // groups, depth // groups, samples * places):
        return conv_tiles.conv_tiles(x, w, bias, outs // groups, size, sliding, groups)
    if not plain and _is_too_large(depth * places):
        return None
    out, rows = like(x, (samples, outs, *size)), w.reshape(groups, outs // groups, -1)
    grouped = out.reshape(samples, groups, outs // groups, places)
    if plain:
        _multiply(rows, x.reshape(samples, groups, -1, places), grouped)
    else:
        for piece in _pieces(samples, depth * places * x.itemsize):
            columns = im2col(x[piece], size, sliding)
            _multiply(rows, columns.reshape(-1, groups, depth // groups, places), grouped[piece])
    if bias is not None:
        add_channel_bias(out, bias)
    return out


def transposed(g, w, bias, *, geometry, size):
    """g (N, O, …), w (O, C/groups, *kernel), bias (C,) or None -> (N, C, *size); None: too large for the kernels."""
    sliding, groups, places = _sliding(w.shape[2:], geometry), geometry.groups, math.prod(g.shape[2:])
    samples, outs = g.shape[:2]
    shape = (samples, groups * w.shape[1], *size)
    depth = shape[1] * math.prod(sliding.kernel)
    if _is_too_large(math.prod(shape)):
        return None
    if depthwise.fits(sliding.kernel, groups, w.shape[1]):
        out = depthwise.depthwise_conv_by_image(g, w, shape, sliding)
        if bias is not None:
            add_channel_bias(out, bias)
        return out
    plain, deep = _is_plain(sliding, size, g.shape[2:]), outs // groups * math.prod(sliding.kernel)
    if not plain and set(sliding.stride) == {1} and conv_tiles.fit(g, w.shape[1], deep, samples * math.prod(size)):
        return conv_tiles.conv_tiles(g, w, bias, w.shape[1], tuple(size), looking_back(sliding), groups, turned=True)
    if not plain and _is_too_large(depth * places):
        return None
    out, rows = like(g, shape), w.reshape(groups, outs // groups, -1).swapaxes(1, 2)
    elements = g.reshape(samples, groups, outs // groups, places)
    if plain:
        _multiply(rows, elements, out.reshape(samples, groups, -1, places))
        if bias is not None:
            add_channel_bias(out, bias)
        return out
    for piece in _pieces(samples, depth * places * g.itemsize):
        columns = _multiply(rows, elements[piece])
        made = out[piece]
        col2im(columns, made.shape, g.shape[2:], sliding, bias, made)
    return out


def correlate(x, g, *, geometry, kernel):
    """x (N, C, …), g (N, O, *size) -> the weight's gradient (O, C/groups, *kernel); None: too large for the kernels.

    The batch is laid out as one matrix, so that the product also sums over the samples.
    """
    sliding, groups, size = _sliding(kernel, geometry), geometry.groups, g.shape[2:]
    samples, outs, places = x.shape[0], g.shape[1], math.prod(size)
    depth = x.shape[1] * math.prod(kernel)
    if depthwise.fits(sliding.kernel, groups, x.shape[1] // groups):
        return depthwise.depthwise_conv_by_weight(g, x, kernel, sliding)
    if conv_tiles.fit(x, outs // groups, 1, depth // groups):
        return conv_tiles.conv_tiles_by_weight(x, g, sliding, groups)
    if _is_too_large(depth * places):
        return None
    pieces, made = _pieces(samples, depth * places * x.itemsize), None
    for piece in pieces:
        columns = im2col(x[piece], size, sliding, as_one_matrix=True)
        elements = cuda.cupy().ascontiguousarray(g[piece].swapaxes(0, 1)).reshape(groups, outs // groups, -1)
        part = _multiply(elements, columns.reshape(groups, depth // groups, -1).swapaxes(1, 2))
        if len(pieces) > 1:  # a sum over many pieces is rounded once
            part = part.astype(accumulator(x.dtype), copy=False)
        made = part if made is None else made + part
    return made.astype(x.dtype, copy=False).reshape(outs, x.shape[1] // groups, *kernel)
