"""Sums, maxima and minima: of everything, of rows, of columns."""

from __future__ import annotations

from ..kernels.loading import BLOCK, WARP, block_for_row, blocks_for, launch
from ._new import like, sums


def reduce_all(how: str, x):
    """sum, max or min of all elements: the shares of many blocks, then one block for those."""
    grid = blocks_for(x.size, 1024)
    shares, out = sums(x, grid), like(x, ())
    launch("reductions", f"{how}_shares", x, grid, (BLOCK,), x, shares, x.size)
    launch("reductions", f"{how}_of_shares", x, (1,), (BLOCK,), shares, out, grid[0])
    return out


def reduce_rows(how: str, x):
    """sum, max or min over the last dimension."""
    out, n = like(x, x.shape[:-1]), x.shape[-1]
    launch("reductions", f"{how}_rows", x, (x.size // n,), block_for_row(n), x, out, n)
    return out


def sum_columns(x):
    """The sum over the first of two dimensions."""
    return add_columns("sum_columns", x, x, *x.shape)


def add_columns(name: str, beside, x, rows: int, n: int):
    """The sum over the rows of x (rows, n), in the dtype of `beside`."""
    out = like(beside, n)
    launch("reductions", name, beside, (-(-n // WARP),), (WARP, 8), x, out, rows, n)
    return out
