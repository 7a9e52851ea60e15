"""Uniform and normal numbers, and dropout: PyTorch's Philox streams on CUDA."""

from __future__ import annotations

import numpy as np

from .. import cuda
from ..kernels.loading import BLOCK, blocks_for, launch, processors
from ._new import like


def dropout(x, p: float, seed: int, offset: int):
    """x with elements set to 0 with probability p < 1, the others divided by 1 - p; and which were kept."""
    out, kept = like(x), like(x, dtype=np.bool_)
    launch("dropout", "dropout_forward", x, blocks_for(-(-x.size // 4)), (BLOCK,), x, out, kept, x.size, float(p),
           1 / (1 - p), np.uint64(seed), np.uint64(offset))  # fmt: skip
    return out, kept


def dropout_backward(g, kept, p: float):
    """The gradient by x."""
    out = like(g)
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
