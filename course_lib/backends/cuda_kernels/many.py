"""Tables of arrays that one launch works on: the Python side of kernels/many.cuh."""

from __future__ import annotations

import functools

import numpy as np

from .. import cuda
from ..kernels.loading import BLOCK, launch

CHUNK = 4096  # elements that a block works on, as in many.cuh


@functools.cache
def _layout(rows: int) -> np.dtype:
    """many.cuh's Table<rows>."""
    most = 3900 // (8 * rows + 8)
    fields = [("at", "u8", (rows, most)), ("size", "i4", most), ("first", "i4", most), ("count", "i4")]
    return np.dtype(fields, align=True)


class Table:
    """Groups of arrays, side by side, of one dtype on one GPU: the r-th arrays of all groups are row r.

    It holds their addresses only: the caller keeps the arrays. `blocks` is how many blocks of a launch they make.
    """

    def __init__(self, groups: list):
        self.count, self.like = len(groups), groups[0][0]
        self.kernel_argument = np.zeros((), _layout(len(groups[0])))
        sizes = np.array([group[0].size for group in groups])
        blocks = -(-sizes // CHUNK)
        argument, count = self.kernel_argument, self.count
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


def kernel_for_all(name: str, *columns):
    """A function of gradients.py for lists of arrays, with the lists in place, or None where the kernels cannot.

    The arrays must all be of one dtype, on one GPU, and dense; those at the same place of the lists must lie alike.
    """
    groups = [_row_major(group) for group in zip(*columns, strict=True) if group[0].size]
    arrays = [array for group in groups for array in group]
    if not arrays or any(isinstance(a, np.ndarray) or a.device != arrays[0].device for a in arrays):
        return None
    run = cuda.kernel(name, *arrays)
    return run and functools.partial(run, *[list(column) for column in zip(*groups, strict=True)])


def _row_major(group: tuple) -> tuple:
    """Arrays that all lie in column-major order as row-major ones: elementwise, that makes no difference."""
    if all(a.flags.f_contiguous and not a.flags.c_contiguous for a in group):
        return tuple([a.T for a in group])
    return group
