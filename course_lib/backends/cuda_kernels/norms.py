"""Layer, RMS and group norm, where a team of threads works on a row, and batch norm, where blocks share a channel.

Weights, biases and running statistics have the dtype of the elements, or float32 beside half precision.
"""

from __future__ import annotations

import functools
import math

from .. import GPU
from ..kernels.loading import ELEMENTS, LETTERS, MOST, WARP, launch
from ._new import like, sums
from .rows import MOST_OF_TEAM, held, of_any_layout, teams


def _takes(x, *parameters) -> bool:
    """Whether the kernels know these dtypes, x is contiguous, and not empty or too large."""
    kinds = {p.dtype.char for p in parameters if p is not None}
    return (
        x.dtype.char in LETTERS and x.flags.c_contiguous and 0 < x.size <= MOST and len(kinds) < 2
        and kinds <= {x.dtype.char, "f" if x.itemsize == 2 else x.dtype.char}
    )  # fmt: skip


def _defines(x, dtype) -> dict[str, str]:
    """What the compiler is told where weights have a dtype of their own."""
    return {} if dtype is None or dtype == x.dtype else {"WEIGHT": ELEMENTS[dtype.name]}


def _dtype_of(*parameters):
    return next((p.dtype for p in parameters if p is not None), None)


# ---- rows --------------------------------------------------------------------------------------------------------


def layer_norm(x, weight, bias, n: int, eps: float):
    """Rows of n elements normalised; also their means and rates 1 / √(variance + eps)."""
    rows = x.size // n
    out, mean, rate = like(x), sums(x, rows), sums(x, rows)
    launch("layer_norm", "layer_norm_forward", x, *teams(rows, n, 1, held(x)), x, weight, bias, out, mean, rate, rows,
           n, float(eps), **_defines(x, _dtype_of(weight, bias)))  # fmt: skip
    return out, mean, rate


def rms_norm(x, weight, n: int, eps: float):
    """Rows of n elements divided by √(mean of squares + eps); also those rates."""
    rows = x.size // n
    out, rate = like(x), sums(x, rows)
    launch("layer_norm", "rms_norm_forward", x, *teams(rows, n, 1, held(x)), x, weight, out, rate, rows, n,
           float(eps), **_defines(x, _dtype_of(weight)))  # fmt: skip
    return out, rate


def layer_norm_backward(g, x, weight, mean, rate, shape, needed, dtype=None):
    """The gradients of `layer_norm`, or with mean=None of `rms_norm`, by x and, where `needed`, by weight and bias,
    which have this shape and dtype."""
    n, few = math.prod(shape), held(x) // 2
    rows, defines = x.size // n, _defines(x, dtype)
    by_x, parameters = like(x) if needed[0] else None, needed[1] or needed[2]
    if parameters and needed[0] and n <= MOST_OF_TEAM * few:  # x and g are read once for all three
        (grid,), block = teams(rows, n, 1, few)
        grid = min(grid, max(1, min(-(-grid // 4), 65536 // (block[0] * block[-1]))))  # a team does some rows
        parts = sums(x, (2, grid * (block[1] if len(block) > 1 else 1), n))
        launch("layer_norm", "norm_backward_with_parameters", x, (grid,), block, g, x, weight, mean, rate, by_x,
               parts, rows, n, **defines)  # fmt: skip
        return by_x, *_added(x, parts, needed, shape, dtype)
    if needed[0]:
        launch("layer_norm", "norm_backward", x, *teams(rows, n, 1, few), g, x, weight, mean, rate, by_x, rows, n,
               **defines)  # fmt: skip
    if not parameters:
        return by_x, None, None
    parts = sums(x, (2, max(1, min(-(-rows // 32), 64)), n))  # shares of the rows, each a row of blocks
    launch("layer_norm", "norm_parameters_backward", x, (-(-n // WARP), parts.shape[1]), (WARP, 8), g, x, mean, rate,
           parts, rows, n, **defines)  # fmt: skip
    return by_x, *_added(x, parts, needed, shape, dtype)


def _added(x, parts, needed, shape, dtype) -> list:
    """The gradients by weight and bias from tables of their parts."""
    made = [like(x, shape, dtype) if need else None for need in needed[1:]]
    _, count, n = parts.shape
    launch("layer_norm", "norm_parameters_of_parts", x, (-(-n // WARP), 2), (WARP, 16), parts, *made, count, n,
           **_defines(x, dtype))  # fmt: skip
    return made


def group_norm(x, weight, bias, groups: int, eps: float):
    """`layer_norm` of each of the groups of channels of x (N, C, …), with a weight and a bias for each channel."""
    rows, places = x.shape[0] * groups, math.prod(x.shape[2:])
    out, mean, rate, n = like(x), sums(x, rows), sums(x, rows), x.size // rows
    launch("layer_norm", "group_norm_forward", x, *teams(rows, n, 1, held(x)), x, weight, bias, out, mean, rate, rows,
           n, groups, places, float(eps), **_defines(x, _dtype_of(weight, bias)))  # fmt: skip
    return out, mean, rate


def group_norm_backward(g, x, weight, mean, rate, groups: int, needed, dtype=None):
    """The gradients by x, weight and bias, those that are needed."""
    (samples, channels), places = x.shape[:2], math.prod(x.shape[2:])
    rows, few, by_x = samples * groups, held(x) // 2, None
    if needed[0]:
        by_x, n = like(x), x.size // rows
        launch("layer_norm", "group_norm_backward", x, *teams(rows, n, 1, few), g, x, weight, mean, rate, by_x, rows,
               n, groups, places, **_defines(x, dtype))  # fmt: skip
    if not (needed[1] or needed[2]):
        return by_x, None, None
    parts, rows = sums(x, (2, samples, channels)), samples * channels
    launch("layer_norm", "group_norm_parameters_backward", x, *teams(rows, places, 1, few), g, x, mean, rate, parts,
           rows, places, channels // groups, **_defines(x, dtype))  # fmt: skip
    return by_x, *_added(x, parts, needed, (channels,), dtype)


# ---- channels ----------------------------------------------------------------------------------------------------


def channels_last(x) -> bool:
    """Whether the channels of x (N, C, …) lie last in memory, without gaps."""
    order = (0, *range(2, x.ndim), 1)
    return not x.flags.c_contiguous and x.transpose(order).flags.c_contiguous


@functools.lru_cache(maxsize=4096)
def _shared(samples: int, channels: int, places: int, size: int) -> tuple[tuple[int, int], tuple]:
    """(grid, block) of batch_norm.cu: its second number says among how many blocks a channel is shared."""
    count = samples * places
    if places == 1:  # rows of threads take neighbouring channels
        columns, block = -(-channels // WARP), (WARP, 16)
        shares, most = -(-count // (16 * size)), 1024 // columns
    elif count <= 2 * MOST_OF_TEAM * size:
        return (channels, 1), (min(-(-count // (4 * WARP)) * WARP, MOST_OF_TEAM),)
    else:
        columns, block = channels, (256,)
        shares, most = -(-count // (256 * size)), 2048 // columns
    return (columns, max(1, min(shares, most, 128))), block


def _launched_on_channels(name: str, x, *arguments, grid, block, defines) -> None:
    """A kernel with the sizes of x behind its arrays."""
    arrays, numbers = arguments
    launch("batch_norm", name, x, grid, block, *arrays, x.shape[0], x.shape[1], math.prod(x.shape[2:]), *numbers,
           **defines)  # fmt: skip


def _plan(x) -> dict:
    grid, block = _shared(x.shape[0], x.shape[1], math.prod(x.shape[2:]), held(x))
    return {"grid": grid, "block": block}


def _in_memory_order(x, *others):
    """Arrays (N, C, …) as they lie in memory, or where the channels of x lie last, as (places, C, 1); the others are
    copied where they lie in another order than x."""
    if not channels_last(x):
        return x, *[GPU.module.ascontiguousarray(a) for a in others]
    order = (0, *range(2, x.ndim), 1)
    return [a.transpose(order).reshape(-1, x.shape[1], 1) for a in (x, *others)]


def _like(x, memory, shape):
    """A new array for what a kernel makes of `memory`, and the same in the shape and memory order of x."""
    made = like(memory)
    if memory is x:
        return made, made
    order = (0, x.ndim - 1, *range(1, x.ndim - 1))
    return made, made.reshape([shape[0], *shape[2:], shape[1]]).transpose(order)


def batch_norm(x, weight, bias, eps: float, running_mean=None, running_variance=None, momentum: float = 0.0):
    """Channels of x (N, C, …) normalised; also their means and rates 1 / √(variance + eps). The running statistics are
    moved towards the batch's, in place."""
    (memory,), channels = _in_memory_order(x), x.shape[1]
    out, shown = _like(x, memory, x.shape)
    mean, rate, plan = sums(x, channels), sums(x, channels), _plan(memory)
    plan["defines"] = _defines(x, _dtype_of(weight, bias, running_mean, running_variance))
    parts = _parts("batch_norm_shares", 3, memory, (memory,), plan)
    arrays = (memory, parts, weight, bias, out, mean, rate, running_mean, running_variance)
    _launched_on_channels("batch_norm_forward", memory, arrays, (float(momentum), float(eps)), **plan)
    return shown, mean, rate


def _parts(name: str, tables: int, x, arrays, plan: dict):
    """What the blocks that share a channel found each; None where one block has a channel for itself."""
    shares = plan["grid"][1]
    if shares == 1:
        return None
    parts = sums(x, (tables, shares, x.shape[1]))
    _launched_on_channels(name, x, (*arrays, parts), (), **plan)
    return parts


def batch_norm_known(x, weight, bias, mean, variance, eps: float):
    """Channels of x normalised with a mean and a variance that are given."""
    (memory,) = _in_memory_order(x)
    out, shown = _like(x, memory, x.shape)
    plan = {**_plan(memory), "defines": _defines(x, mean.dtype)}
    arrays = (memory, mean, variance, weight, bias, out)
    _launched_on_channels("batch_norm_known", memory, arrays, (float(eps),), **plan)
    return shown


def batch_norm_backward(g, x, weight, mean, rate, needed=(True, True, True), dtype=None, known: bool = False):
    """The gradients by x, weight and bias, those that are needed; with `known`, mean and rate
    do not depend on x."""
    x_memory, g_memory = _in_memory_order(x, g)
    by_x, shown = _like(x, x_memory, x.shape)
    by_weight, by_bias = [like(x, x.shape[1], dtype) if need else None for need in needed[1:]]
    plan = {**_plan(x_memory), "defines": _defines(x, dtype)}
    parts = _parts("batch_norm_backward_shares", 2, x_memory, (g_memory, x_memory, mean, rate), plan)
    arrays = (g_memory, x_memory, weight, mean, rate, parts, by_x, by_weight, by_bias)
    _launched_on_channels("batch_norm_backward", x_memory, arrays, (known,), **plan)
    return shown, by_weight, by_bias


def _takes_channels(x, *parameters) -> bool:
    return _takes(x.transpose((0, *range(2, x.ndim), 1)) if channels_last(x) else x, *parameters)


for _function in (layer_norm, group_norm, layer_norm_backward, group_norm_backward):
    _function.takes = _takes
rms_norm.takes = of_any_layout
for _function in (batch_norm, batch_norm_known, batch_norm_backward):
    _function.takes = _takes_channels
