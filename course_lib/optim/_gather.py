"""Arrays for a rule: large ones in blocks, many small ones gathered into a flat one and put back.

A call of NumPy costs about as much for ten numbers as for a thousand. A network has many small parameters (biases,
norms), and a rule calls NumPy a dozen times; so they are laid end to end in flat arrays that are kept between steps.
Complex numbers are shown to the rule as pairs of real ones, half precision as float32.
"""

from __future__ import annotations

import numpy as np

from ..backends import array_module, is_numpy

LARGE = 16384  # elements from which gathering would cost more than it saves
BLOCK = 32768  # elements of a block: half a dozen such arrays fit into a processor core's cache


def is_row_major(arrays: list) -> bool:
    """Whether all arrays have one dtype and lie in row-major order, so that they can be looked at as flat ones."""
    dtype = arrays[0].dtype
    if not all(a.flags.c_contiguous and a.dtype == dtype for a in arrays):
        return False
    return not is_numpy(arrays[0]) or all(a.flags.behaved for a in arrays)  # writable and aligned


def flattened(array):
    """A row-major array as a flat view of real numbers."""
    flat = array.reshape(-1)
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat


def in_blocks(rule, flat: list) -> None:
    """Run the rule over blocks of flat arrays, on a GPU in one go. Half precision is widened and rounded at the end."""
    size, xp = flat[0].size, array_module(flat[0])
    step = BLOCK if xp is np else max(size, 1)
    is_half = flat[0].dtype.itemsize < 4 and flat[0].dtype.kind in "fV"
    for start in range(0, size, step):
        block = [a[start : start + step] for a in flat] if step < size else flat
        if not is_half:
            rule(*block)
            continue
        wide = [a.astype(np.float32) for a in block]
        rule(*wide)
        for row, (narrow, result) in enumerate(zip(block, wide, strict=True)):
            if row != 1:  # the gradient
                xp.copyto(narrow, result, casting="unsafe")


class Gathered:
    """Flat arrays for parameters of one dtype, for their gradients, and for each array of their state.

    `members` are lists of arrays, one list a parameter: the parameter, its gradient, its state.
    """

    def __init__(self, members: list):
        self.shapes = [arrays[0].shape for arrays in members]
        self.rows = len(members[0])
        like = members[0][0]
        xp, is_complex = array_module(like), like.dtype.kind == "c"
        dtype = like.dtype if is_complex or like.dtype.itemsize >= 4 else np.dtype("float32")
        self.flat = [xp.empty(sum(arrays[0].size for arrays in members), dtype) for _ in range(self.rows)]
        self.shown = [a.view(a.real.dtype) for a in self.flat]  # what the rule sees
        self.parts = [self._split(a) for a in self.flat]  # the flat arrays in pieces of the members' shapes

    def _split(self, flat) -> list:
        parts, start = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            parts.append(flat[start : start + size].reshape(shape))
            start += size
        return parts

    def fits(self, members: list) -> bool:
        return self.rows == len(members[0]) and self.shapes == [arrays[0].shape for arrays in members]

    def fetch(self, members: list) -> None:
        """Lay the members end to end."""
        xp = array_module(self.flat[0])
        for column, flat in zip(zip(*members, strict=True), self.flat, strict=True):
            xp.concatenate(column, axis=None, out=flat, casting="unsafe")

    def put_back(self, members: list) -> None:
        """Copy all but the gradients to where they came from."""
        copyto = array_module(self.flat[0]).copyto
        for row, column in enumerate(zip(*members, strict=True)):
            if row != 1:
                for array, part in zip(column, self.parts[row], strict=True):
                    copyto(array, part, casting="unsafe")


__all__ = ["LARGE", "Gathered", "flattened", "in_blocks", "is_row_major"]
