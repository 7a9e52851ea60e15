"""Tables of arrays that one launch works on: the Python side of kernels/many.cuh."""

from __future__ import annotations

import functools

import numpy as np

from ..kernels.loading import BLOCK, ELEMENTS, MOST, launch

CHUNK = 4096  # elements that a block works on, as in many.cuh


@functools.cache
def _layout(rows: int) -> np.dtype:
    """many.cuh's Table<rows>."""
    most = 3900 // (8 * rows + 8)
    fields = [("at", "u8", (rows, most)), ("size", "i4", most), ("first", "i4", most), ("count", "i4")]
    return np.dtype(fields, align=True)


class Table:
    """Groups of arrays, side by side, of one dtype on one GPU: the r-th arrays of all groups are row r.

    It holds the arrays; `at` counts its elements in blocks, for kernels that write a number for each.
    """

    def __init__(self, groups: list):
        self.groups = groups
        self.like = groups[0][0]
        self.kernel_argument = np.zeros((), _layout(len(groups[0])))
        sizes = np.array([group[0].size for group in groups])
        blocks = -(-sizes // CHUNK)
        argument, count = self.kernel_argument, len(groups)
        argument["size"][:count], argument["count"] = sizes, count
        argument["first"][:count] = np.cumsum(blocks) - blocks
        self.blocks = int(blocks.sum())
        for row, arrays in enumerate(zip(*groups, strict=True)):
            self.point(row, arrays)

    def point(self, row: int, arrays) -> None:
        """Let a row name these arrays, which the caller keeps until the launch."""
        self.kernel_argument["at"][row, : len(arrays)] = [array.data.ptr for array in arrays]

    def launch(self, file: str, name: str, *arguments) -> None:
        """Launch a kernel of many.cuh's kind."""
        launch(file, name, self.like, (self.blocks,), (BLOCK,), self.kernel_argument, *arguments)


def tables(groups: list) -> list[Table]:
    """As few tables as hold these groups."""
    most = _layout(len(groups[0]))["size"].shape[0]
    return [Table(groups[start : start + most]) for start in range(0, len(groups), most)]


def takes_group(arrays) -> bool:
    """Whether arrays can be a group: contiguous, not empty, of one shape and of one of the kernels' dtypes."""
    first = arrays[0]
    return first.dtype.name in ELEMENTS and 0 < first.size <= MOST and all(
        a.flags.c_contiguous and a.dtype == first.dtype and a.size == first.size for a in arrays
    )
