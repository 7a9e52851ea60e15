"""The library's CUDA kernels as functions of device arrays: kernels/*.cu under plain names.

Each takes C-contiguous arrays of one dtype (float32, float64, float16 or bfloat16; attention not float64) on one GPU
and gives new ones, except where it says "in place". Means, rates, sums and losses come in float32 (float64 for
float64). `cuda.kernel(name, *arrays)` says whether a kernel can be had for some arrays.
"""

from __future__ import annotations

import math

import numpy as np

from . import cuda
from .kernels.loading import BLOCK, ELEMENTS, MOST, WARP, accumulator, block_for_row, blocks_for, launch, processors


def takes(*arrays) -> bool:
    """Whether the kernels can work on these arrays: contiguous, of one of their dtypes, not empty and not too large."""
    arrays = [a for a in arrays if a is not None]
    dtype = arrays[0].dtype
    return dtype.name in ELEMENTS and all(
        a.dtype == dtype and a.flags.c_contiguous and 0 < a.size <= MOST for a in arrays
    )


def _like(x, shape=None, dtype=None):
    """A new array on x's device."""
    with x.device:
        return cuda.cupy().empty(x.shape if shape is None else shape, x.dtype if dtype is None else dtype)


def _sums(x, shape):
    """A new array for numbers that were added up."""
    return _like(x, shape, accumulator(x.dtype))


# ---- elementwise -------------------------------------------------------------------------------------------------


def activation(name: str, x):
    """relu, gelu, gelu_tanh, silu, sigmoid or hyperbolic (tanh) of every element."""
    out = _like(x)
    launch("elementwise", f"{name}_forward", x, blocks_for(x.size), (BLOCK,), x, out, x.size)
    return out


def activation_backward(name: str, g, x):
    """g · the slope of the activation at x."""
    out = _like(x)
    launch("elementwise", f"{name}_backward", x, blocks_for(x.size), (BLOCK,), g, x, out, x.size)
    return out


def add_product(x, y, z, factor: float):
    """x + factor · y · z."""
    out = _like(x)
    launch("elementwise", "add_product", x, blocks_for(x.size), (BLOCK,), x, y, z, out, float(factor), x.size)
    return out


def bias_activation(name: str, x, bias):
    """relu, gelu, gelu_tanh or silu of x + bias, the bias belonging to the last dimension."""
    out = _like(x)
    launch("bias_activation", f"bias_{name}_forward", x, blocks_for(x.size), (BLOCK,), x, bias, out, x.size, bias.size)
    return out


def bias_activation_backward(name: str, g, x, bias):
    """The gradient by x; the bias's is its sum over rows (`sum_columns`)."""
    out = _like(x)
    launch("bias_activation", f"bias_{name}_backward", x, blocks_for(x.size), (BLOCK,), g, x, bias, out, x.size,
           bias.size)  # fmt: skip
    return out


# ---- rows: softmax, cross entropy, norms -------------------------------------------------------------------------


def _along(file: str, name: str, dim: int, *arrays):
    """A kernel with a block for each row along `dim`."""
    x, out = arrays[-1], _like(arrays[-1])
    length = x.shape[dim]
    rows = (x.size // length,) if length else (0,)
    launch(file, name, x, rows, block_for_row(length), *arrays, out, length, math.prod(x.shape[dim + 1 :]))
    return out


def softmax(x, dim: int):
    """exp(x) / Σ exp(x) along `dim` (not negative)."""
    return _along("softmax", "softmax_forward", dim, x)


def softmax_backward(g, y, dim: int):
    """The gradient by the input from g and the output."""
    return _along("softmax", "softmax_backward", dim, g, y)


def log_softmax(x, dim: int):
    """The logarithm of `softmax`."""
    return _along("softmax", "log_softmax_forward", dim, x)


def log_softmax_backward(g, y, dim: int):
    """The gradient by the input from g and the output."""
    return _along("softmax", "log_softmax_backward", dim, g, y)


def cross_entropy(scores, target, ignored: int = -100):
    """Losses of rows of scores (N, C) with class numbers (N,) int64, and log Σ exp(scores) of each row."""
    rows, classes = scores.shape
    loss, log_sum = _sums(scores, rows), _sums(scores, rows)
    launch("cross_entropy", "cross_entropy_forward", scores, (rows,), block_for_row(classes), scores, target, loss,
           log_sum, classes, np.int64(ignored))  # fmt: skip
    return loss, log_sum


def cross_entropy_backward(g, scores, target, log_sum, ignored: int = -100):
    """The gradient by the scores; g has a number for each row, in the type of the losses."""
    rows, classes = scores.shape
    out = _like(scores)
    launch("cross_entropy", "cross_entropy_backward", scores, (rows,), block_for_row(classes), g, scores, target,
           log_sum, out, classes, np.int64(ignored))  # fmt: skip
    return out


def layer_norm(x, weight, bias, n: int, eps: float):
    """Rows of n elements normalised; also their means and rates 1 / √(variance + eps)."""
    rows = x.size // n
    out, mean, rate = _like(x), _sums(x, rows), _sums(x, rows)
    launch("layer_norm", "layer_norm_forward", x, (rows,), block_for_row(n), x, weight, bias, out, mean, rate, n,
           float(eps))  # fmt: skip
    return out, mean, rate


def rms_norm(x, weight, n: int, eps: float):
    """Rows of n elements divided by √(mean of squares + eps); also those rates."""
    rows = x.size // n
    out, rate = _like(x), _sums(x, rows)
    launch("layer_norm", "rms_norm_forward", x, (rows,), block_for_row(n), x, weight, out, rate, n, float(eps))
    return out, rate


def norm_backward(g, x, weight, mean, rate, n: int):
    """The gradient by x of `layer_norm`, or with mean=None of `rms_norm`."""
    out = _like(x)
    launch("layer_norm", "norm_backward", x, (x.size // n,), block_for_row(n), g, x, weight, mean, rate, out, n)
    return out


def norm_parameters_backward(g, x, mean, rate, n: int):
    """The gradients by weight and bias, each (n,)."""
    rows = x.size // n
    shares = min(-(-rows // 32), 64)  # of the rows, each a row of blocks
    parts = _sums(x, (2, shares, n))
    launch("layer_norm", "norm_parameters_backward", x, (-(-n // WARP), shares), (WARP, 8), g, x, mean, rate, parts,
           rows, n)  # fmt: skip
    return tuple([_add_columns("sum_columns_of_parts", x, part, shares, n) for part in parts])


def layer_norm_backward(g, x, weight, mean, rate, shape, needed):
    """The gradients by x and, where `needed`, by weight and bias, for rows of this shape."""
    n = math.prod(shape)
    by_x, slopes = norm_backward(g, x, weight, mean, rate, n), (None, None)
    if needed[1] or needed[2]:
        slopes = norm_parameters_backward(g, x, mean, rate, n)
    return by_x, *[slope.reshape(shape) if need else None for slope, need in zip(slopes, needed[1:])]


def batch_norm(x, weight, bias, eps: float):
    """Channels of x (N, C, …) normalised; also their means and rates 1 / √(variance + eps)."""
    samples, channels, places = x.shape[0], x.shape[1], math.prod(x.shape[2:])
    out, mean, rate = _like(x), _sums(x, channels), _sums(x, channels)
    launch("batch_norm", "batch_norm_forward", x, (channels,), block_for_row(samples * places), x, weight, bias, out,
           mean, rate, samples, channels, places, float(eps))  # fmt: skip
    return out, mean, rate


def batch_norm_backward(g, x, weight, mean, rate):
    """The gradients by x, weight and bias."""
    samples, channels, places = x.shape[0], x.shape[1], math.prod(x.shape[2:])
    out, by_weight, by_bias = _like(x), _sums(x, channels), _sums(x, channels)
    launch("batch_norm", "batch_norm_backward", x, (channels,), block_for_row(samples * places), g, x, weight, mean,
           rate, out, by_weight, by_bias, samples, channels, places)  # fmt: skip
    return out, by_weight, by_bias


# ---- reductions --------------------------------------------------------------------------------------------------


def reduce_all(how: str, x):
    """sum, max or min of all elements: the shares of many blocks, then one block for those."""
    grid = blocks_for(x.size, 1024)
    shares, out = _sums(x, grid), _like(x, ())
    launch("reductions", f"{how}_shares", x, grid, (BLOCK,), x, shares, x.size)
    launch("reductions", f"{how}_of_shares", x, (1,), (BLOCK,), shares, out, grid[0])
    return out


def reduce_rows(how: str, x):
    """sum, max or min over the last dimension."""
    out, n = _like(x, x.shape[:-1]), x.shape[-1]
    launch("reductions", f"{how}_rows", x, (x.size // n,), block_for_row(n), x, out, n)
    return out


def sum_columns(x):
    """The sum over the first of two dimensions."""
    return _add_columns("sum_columns", x, x, *x.shape)


def _add_columns(name: str, like, x, rows: int, n: int):
    out = _like(like, n)
    launch("reductions", name, like, (-(-n // WARP),), (WARP, 8), x, out, rows, n)
    return out


# ---- random numbers ----------------------------------------------------------------------------------------------


def dropout(x, p: float, seed: int, offset: int):
    """x with elements set to 0 with probability p < 1, the others divided by 1 - p; and which were kept."""
    out, kept = _like(x), _like(x, dtype=np.bool_)
    launch("dropout", "dropout_forward", x, blocks_for(-(-x.size // 4)), (BLOCK,), x, out, kept, x.size, float(p),
           1 / (1 - p), np.uint64(seed), np.uint64(offset))  # fmt: skip
    return out, kept


def dropout_backward(g, kept, p: float):
    """The gradient by x."""
    out = _like(g)
    launch("dropout", "dropout_backward", g, blocks_for(g.size), (BLOCK,), g, kept, out, g.size, 1 / (1 - p))
    return out


def random_launch(x) -> tuple[tuple[int], int]:
    """The grid with which PyTorch fills x with random numbers, and by how much the generator's offset grows."""
    count, threads = processors(cuda.cupy(), x.device.id)
    blocks = min(count * (threads // BLOCK), -(-x.size // BLOCK))
    return (blocks,), 4 * -(-x.size // (4 * BLOCK * blocks))


def uniform(out, low: float, high: float, seed: int, offset: int) -> int:
    """Fill `out` with numbers in [low, high), in place; returns by how much the generator's offset grows."""
    return _random("uniform", out, low, high, seed, offset)


def normal(out, mean: float, deviation: float, seed: int, offset: int) -> int:
    """Fill `out` with normal numbers, in place; returns by how much the generator's offset grows."""
    return _random("normal", out, mean, deviation, seed, offset)


def _random(name: str, out, first: float, second: float, seed: int, offset: int) -> int:
    if out.size == 0:
        return 0
    grid, used = random_launch(out)
    launch("random", name, out, grid, (BLOCK,), out, out.size, float(first), float(second), np.uint64(seed),
           np.uint64(offset))  # fmt: skip
    return used


# ---- optimizers: in place, with the arguments of backends/compiled/optim.py --------------------------------------


def sgd(p, g, lr, weight_decay, maximize) -> None:
    """A step of optim/sgd.py without momentum."""
    _step("sgd", (p, g), lr, weight_decay, maximize)


def sgd_momentum(p, g, buffer, lr, weight_decay, maximize, momentum, share, nesterov) -> None:
    """A step of optim/sgd.py; share: how much of the gradient goes into the buffer."""
    _step("sgd_momentum", (p, g, buffer), lr, weight_decay, maximize, momentum, share, nesterov)


def adam(p, g, exp_avg, exp_avg_sq, size, gain1, keep2, gain2, root, eps, shrink, weight_decay, maximize) -> None:
    """A step of optim/adam.py without amsgrad."""
    constants = (size, gain1, keep2, gain2, root, eps, shrink, weight_decay)
    _step("adam", (p, g, exp_avg, exp_avg_sq), *constants, maximize)


def _step(name: str, arrays, *constants) -> None:
    p = arrays[0]
    real = accumulator(p.dtype).type
    constants = [bool(c) if isinstance(c, (bool, np.bool_)) else real(c) for c in constants]
    launch("optimizers", name, p, blocks_for(p.size), (BLOCK,), *arrays, p.size, *constants)


# ---- windows: (…, H, W), settings as pairs (down, across) --------------------------------------------------------


def _walks(inside, outside, kernel, stride, padding, dilation) -> list[int]:
    """The kernels' arguments: input, output, kernel, stride, padding and dilation, down and then across."""
    return [int(pair[d]) for d in (0, 1) for pair in (inside, outside, kernel, stride, padding, dilation)]


def _sizes(inside, kernel, stride, padding, dilation) -> tuple[int, int]:
    return tuple([(inside[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) // stride[d] + 1 for d in (0, 1)])


def im2col(image, kernel, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """The windows of images (N, C, H, W) as columns (N, C · kh · kw, OH · OW)."""
    samples, channels, *inside = image.shape
    outside = _sizes(inside, kernel, stride, padding, dilation)
    columns = _like(image, (samples, channels * math.prod(kernel), math.prod(outside)))
    launch("im2col", "im2col", columns, blocks_for(columns.size), (BLOCK,), image, columns, columns.size,
           *_walks(inside, outside, kernel, stride, padding, dilation))  # fmt: skip
    return columns


def col2im(columns, shape, kernel, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """The sum of all windows at their places in images of this shape: the transpose of `im2col`."""
    image, inside = _like(columns, shape), shape[2:]
    outside = _sizes(inside, kernel, stride, padding, dilation)
    launch("im2col", "col2im", image, blocks_for(image.size), (BLOCK,), columns, image, image.size,
           *_walks(inside, outside, kernel, stride, padding, dilation))  # fmt: skip
    return image


def depthwise_conv(image, weight, bias=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """Convolution (N, C, H, W) with groups = C: weight (C · times, 1, kh, kw)."""
    samples, channels, *inside = image.shape
    made, kernel = weight.shape[0], weight.shape[2:]
    outside = _sizes(inside, kernel, stride, padding, dilation)
    out = _like(image, (samples, made, *outside))
    launch("depthwise_conv", "depthwise_forward", out, blocks_for(out.size), (BLOCK,), image, weight, bias, out,
           out.size, channels, made // channels,
           *_walks(inside, outside, kernel, stride, padding, dilation))  # fmt: skip
    return out


def depthwise_conv_backward(g, image, weight, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """The gradients by image and weight."""
    samples, channels, *inside = image.shape
    times, kernel = weight.shape[0] // channels, weight.shape[2:]
    walks = _walks(inside, g.shape[2:], kernel, stride, padding, dilation)
    by_image, by_weight = _like(image), _like(weight)
    launch("depthwise_conv", "depthwise_by_image", image, blocks_for(image.size), (BLOCK,), g, weight, by_image,
           image.size, channels, times, *walks)  # fmt: skip
    launch("depthwise_conv", "depthwise_by_weight", weight, (weight.size,), block_for_row(g[:, 0].size), g, image,
           by_weight, samples, channels, times, *walks)  # fmt: skip
    return by_image, by_weight


def max_pool(image, kernel, stride, padding=(0, 0), dilation=(1, 1)):
    """The largest number of every window, and where in its plane it lies (int64)."""
    inside = image.shape[-2:]
    outside = _sizes(inside, kernel, stride, padding, dilation)
    out = _like(image, (*image.shape[:-2], *outside))
    chosen = _like(image, out.shape, np.int64)
    launch("pooling", "max_pool_forward", out, blocks_for(out.size), (BLOCK,), image, out, chosen, out.size,
           *_walks(inside, outside, kernel, stride, padding, dilation))  # fmt: skip
    return out, chosen


def max_pool_backward(g, chosen, shape, kernel, stride, padding=(0, 0), dilation=(1, 1)):
    """The gradient by the image."""
    image = _like(g, shape)
    launch("pooling", "max_pool_backward", image, blocks_for(image.size), (BLOCK,), g, chosen, image, image.size,
           *_walks(shape[-2:], g.shape[-2:], kernel, stride, padding, dilation))  # fmt: skip
    return image


def avg_pool(image, kernel, stride, padding=(0, 0), count_include_pad: bool = True):
    """The mean of every window."""
    inside, one = image.shape[-2:], (1, 1)
    outside = _sizes(inside, kernel, stride, padding, one)
    out = _like(image, (*image.shape[:-2], *outside))
    launch("pooling", "avg_pool_forward", out, blocks_for(out.size), (BLOCK,), image, out, out.size,
           *_walks(inside, outside, kernel, stride, padding, one), count_include_pad)  # fmt: skip
    return out


def avg_pool_backward(g, shape, kernel, stride, padding=(0, 0), count_include_pad: bool = True):
    """The gradient by the image."""
    image = _like(g, shape)
    launch("pooling", "avg_pool_backward", image, blocks_for(image.size), (BLOCK,), g, image, image.size,
           *_walks(shape[-2:], g.shape[-2:], kernel, stride, padding, (1, 1)), count_include_pad)  # fmt: skip
    return image


# ---- adding at places --------------------------------------------------------------------------------------------


def index_add(out, index, source, deterministic: bool = False) -> None:
    """out[index[i]] += source[i] in place: `out` in the type of sums, index (n,) int64, source (n, …)."""
    columns = math.prod(source.shape[1:])
    if deterministic:
        order = index.argsort()
        named = "index_add_sorted", (index[order], order)
    else:
        named = "index_add_atomic", (index,)
    _at_places(named, source, out, index.size, columns)


def embedding_backward(g, index, rows: int, padding: int = -1, deterministic: bool = False):
    """The gradient by an embedding's weight (rows, columns), as sums, from g (n, columns) and index (n,) int64."""
    by_weight = _sums(g, (rows, g.shape[1]))
    by_weight[...] = 0
    if deterministic:
        order = index.argsort()
        named = "embedding_backward_sorted", (index[order], order)
    else:
        named = "embedding_backward_atomic", (index,)
    _at_places(named, g, by_weight, index.size, g.shape[1], np.int64(padding))
    return by_weight


def _at_places(named, source, out, n: int, columns: int, *rest) -> None:
    name, places = named
    launch("scatter", name, source, blocks_for(source.size), (BLOCK,), source, *places, out, n, columns, *rest)


# ---- attention ---------------------------------------------------------------------------------------------------


def attention(q, k, v, scale: float, causal: bool):
    """softmax(q · kᵀ · scale) · v for q (heads, L, E), k and v (heads, S, E), E ≤ 128; and log Σ exp of each query."""
    heads, queries, width = q.shape
    out, log_sum = _like(q), _sums(q, (heads, queries))
    launch("attention", "attention_forward", q, (-(-queries // 16), heads), (128,), q, k, v, out, log_sum, queries,
           k.shape[1], width, float(scale), causal, HEAD=_head(width))  # fmt: skip
    return out, log_sum


def attention_backward(g, q, k, v, out, log_sum, scale: float, causal: bool):
    """The gradients by q, k and v."""
    heads, queries, width = q.shape
    keys, head = k.shape[1], _head(width)
    balance, by_q, by_k, by_v = _sums(q, (heads, queries)), _like(q), _like(k), _like(v)
    rest = (queries, keys, width, float(scale), causal)
    launch("attention", "attention_balance", q, (-(-heads * queries // 4),), (128,), g, out, balance, heads * queries,
           width, HEAD=head)  # fmt: skip
    launch("attention", "attention_by_query", q, (-(-queries // 8), heads), (128,), g, q, k, v, log_sum, balance, by_q,
           *rest, HEAD=head)  # fmt: skip
    launch("attention", "attention_by_key", k, (-(-keys // 8), heads), (128,), g, q, k, v, log_sum, balance, by_k,
           by_v, *rest, HEAD=head)  # fmt: skip
    return by_q, by_k, by_v


def _head(width: int) -> int:
    """The smallest length of rows that the kernels are compiled for."""
    for head in (32, 64, 128):
        if width <= head:
            return head
    raise RuntimeError(f"The CUDA kernel of attention takes heads of at most 128 numbers, got {width}")
