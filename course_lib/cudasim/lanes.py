"""The threads that run together: all threads of some blocks, side by side as the lanes of NumPy arrays.

A value that is the same for every thread stays a scalar; one that differs is an array with an element a lane. Lane
`block * threads + thread` is a thread of a block; 32 neighbouring threads of a block form a warp.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np

WARP = 32
AT_ONCE = 1 << 16  # about so many lanes run together


class Lanes:
    """The lanes of the blocks `blocks` (coordinates (x, y, z)) of `block_dim` threads each."""

    def __init__(self, blocks, block_dim: tuple[int, int, int], grid_dim: tuple[int, int, int], first_block: int):
        self.blocks, self.block_dim, self.grid_dim = blocks, block_dim, grid_dim
        self.first_block = first_block  # the number of the first of these blocks in the whole grid
        self.threads = block_dim[0] * block_dim[1] * block_dim[2]
        self.count = len(blocks) * self.threads
        number = np.tile(np.arange(self.threads), len(blocks))
        self.thread = number
        self.block = np.repeat(np.arange(len(blocks)), self.threads)
        self.warps_a_block = -(-self.threads // WARP)
        self.warp = self.block * self.warps_a_block + number // WARP
        self.lane = number % WARP
        self.global_id = self.block + first_block
        self.global_id = self.global_id * self.threads + number  # the thread's number in the whole grid
        self.everyone = np.ones(self.count, dtype=bool)
        self.all_lanes = np.arange(self.count)
        x, y, _ = block_dim
        self.thread_idx = (number % x, number // x % y, number // (x * y))
        columns = np.array(blocks, dtype=np.int64).reshape(-1, 3)
        self.block_idx = tuple(columns[self.block, axis] for axis in range(3))

    @functools.cached_property
    def warps(self) -> int:
        return len(self.blocks) * self.warps_a_block

    def who(self, lane: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """The coordinates of a lane: (thread, block)."""
        return self.coordinates(int(self.global_id[lane]))

    def coordinates(self, global_id: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """The coordinates of a thread of the grid, given its number."""
        block, thread = divmod(global_id, self.threads)
        return unravel(thread, self.block_dim), unravel(block, self.grid_dim)

    def active_warps(self, active) -> int:
        """How many warps have an active lane."""
        if active is self.everyone:
            return self.warps
        return int(np.count_nonzero(np.bincount(self.warp[active], minlength=self.warps)))


def unravel(number: int, dims: tuple[int, int, int]) -> tuple[int, int, int]:
    x, y, _ = dims
    return number % x, number // x % y, number // (x * y)


def batches(grid_dim: tuple[int, int, int], block_dim: tuple[int, int, int]):
    """The grid's blocks in order, as Lanes of about AT_ONCE threads."""
    blocks = [(x, y, z) for z, y, x in itertools.product(*(range(n) for n in reversed(grid_dim)))]
    threads = block_dim[0] * block_dim[1] * block_dim[2]
    step = max(1, AT_ONCE // threads)
    for first in range(0, len(blocks), step):
        yield Lanes(blocks[first : first + step], block_dim, grid_dim, first)
