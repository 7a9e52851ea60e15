"""Convolution as a product of matrices whose columns are gathered on the fly (conv_tiles.cu): forward and gradients."""

from __future__ import annotations

import functools
import math

import numpy as np

from .. import GPU, cudnn
from ..kernels.loading import BLOCK, launch, processors
from ..sliding import Sliding
from ._new import like, sums
from .parts import add_parts
from .windows import WINDOWS, known_kernel, windows_argument

PLACES = 128  # of a tile, as in the kernel
# Channels made in a group up to which tiles are the better way. Columns cost 2 · bytes · depth of memory traffic for
# each place, the product 2 · depth · rows operations. The traffic saved is worth more than what the kernels here are
# slower than cuBLAS while rows stay below about bytes · (operations a second) / (bytes a second). This is a model with
# figures of data sheets; nothing was measured.
MOST_ROWS = {True: 384, False: 96}  # on tensor cores; by threads
MOST_PARTS = 1 << 25  # numbers that the shares of a weight's gradient may hold

_PROBLEM = np.dtype([("w", WINDOWS), ("samples", "i4"), ("groups", "i4"), ("rows", "i4"), ("channels", "i4"),
                     ("row_step", "i4"), ("turned", "?"), ("whole_vectors", "?")], align=True)  # fmt: skip


@functools.cache
def has_cores(device: int) -> bool:
    """Whether a GPU multiplies TF32 and bfloat16 on tensor cores: from compute capability 8.0 on."""
    return GPU.module.cuda.runtime.getDeviceProperties(device)["major"] >= 8


def fit(x, rows: int, depth: int, places: int) -> bool:
    """Whether a product of (rows, depth) with (depth, places) shall be made in tiles."""
    kind, device = x.dtype.char, x.device.id
    if kind == "d" or (kind != "f" and not has_cores(device)):
        return False
    tiles = -(-rows // 64) * -(-places // PLACES)
    idle = depth > 512 and 4 * tiles < processors(GPU.module, device)[0]  # few blocks with a long way each
    return rows <= MOST_ROWS[on_cores(x)] and not idle


def on_cores(x) -> bool:
    """Whether tensor cores multiply; float32 only in TF32."""
    return has_cores(x.device.id) and (x.dtype.char != "f" or tf32_allowed())


def tf32_allowed() -> bool:
    """PyTorch allows TF32 in convolutions, unlike in products of matrices, unless it is switched off."""
    return bool(cudnn.allow_tf32) and cudnn.conv.fp32_precision != "ieee"


@functools.lru_cache(maxsize=4096)
def _problem(inside, size, sliding: Sliding, *rest) -> np.ndarray:
    """The kernels' argument `Problem`; a NumPy array of one structure is passed by value."""
    return np.array([(windows_argument(inside, size, sliding)[0], *rest)], _PROBLEM)


def _in_whole_vectors(array, length: int) -> bool:
    """Whether rows of this length can be read in steps of 16 bytes."""
    return array.data.ptr % 16 == 0 and length * array.itemsize % 16 == 0


def _tile_rows(rows: int, tiles_across: int, cores: bool, device: int) -> int:
    """How many rows a tile has: many, as each number of the columns is then gathered for many, if that leaves enough
    tiles for all multiprocessors."""
    if rows <= 32:
        return 32
    enough = tiles_across * -(-rows // 128) >= processors(GPU.module, device)[0]
    return 128 if cores and rows > 64 and enough else 64


def _constants(kernel, rows: int, cores: bool) -> dict[str, int]:
    return {**known_kernel(kernel), "ROWS": rows, "CORES": int(cores), "FLAT": int(len(kernel) < 3)}


def conv_tiles(image, weight, bias, rows: int, size, sliding: Sliding, groups: int, *, turned: bool = False):
    """The convolution with `rows` channels made in each group -> (N, groups · rows, *size).

    turned: with the weight (groups · channels, rows, *kernel) turned by half a circle.
    """
    cores = on_cores(image)
    samples, channels, inside = image.shape[0], image.shape[1] // groups, tuple(image.shape[2:])
    out, depth = like(image, (samples, groups * rows, *size)), channels * math.prod(sliding.kernel)
    row_step = math.prod(sliding.kernel) if turned else depth
    vectors = not turned and _in_whole_vectors(weight, depth)
    problem = _problem(inside, tuple(size), sliding, samples, groups, rows, channels, row_step, turned, vectors)
    across = -(-samples * math.prod(size) // PLACES)
    tile = _tile_rows(rows, across * groups, cores, image.device.id)
    launch("conv_tiles", "conv_tiles", out, (across, -(-rows // tile), groups), (BLOCK,), image, weight, bias, out,
           problem, **_constants(sliding.kernel, tile, cores))  # fmt: skip
    return out


def conv_tiles_by_weight(image, g, sliding: Sliding, groups: int):
    """The gradient by the weight -> (groups · rows, C / groups, *kernel)."""
    cores = on_cores(image)
    samples, channels, inside = image.shape[0], image.shape[1] // groups, tuple(image.shape[2:])
    rows, size = g.shape[1] // groups, tuple(g.shape[2:])
    places, depth = math.prod(size), channels * math.prod(sliding.kernel)
    weight = like(image, (groups * rows, channels, *sliding.kernel))
    vectors = _in_whole_vectors(g, places)
    problem = _problem(inside, size, sliding, samples, groups, rows, channels, places, False, vectors)
    tile = 32 if rows <= 32 else 64
    tiles = -(-depth // PLACES) * -(-rows // tile) * groups
    wanted = 2 * processors(GPU.module, image.device.id)[0]
    shares = max(1, min(-(-wanted // tiles), samples * places // 512, MOST_PARTS // weight.size))
    parts = sums(image, (shares, weight.size))
    launch("conv_tiles", "conv_tiles_by_weight", weight, (-(-depth // PLACES), -(-rows // tile), groups * shares),
           (BLOCK,), image, g, parts, shares, problem, **_constants(sliding.kernel, tile, cores))  # fmt: skip
    add_parts(parts, weight)
    return weight
