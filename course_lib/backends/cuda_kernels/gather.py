"""Reading at the places that an index names (kernels/gather.cu).

Indices are int64 or int32. What is only moved may be of any dtype with as many bytes as a floating one. An index that
is out of bounds is reported later (reports.py), and reads place 0.
"""

from __future__ import annotations

import math

import numpy as np

from .. import GPU
from ..kernels.loading import BLOCK, LETTERS, MOST, blocks_for, launch
from ..reports import look_at_once, report
from ._new import like

FLOATS = {2: np.dtype("f2"), 4: np.dtype("f4"), 8: np.dtype("f8")}
_INTEGERS = {"q": {}, "l": {}, "i": {"INDEX": "int"}, "h": {"INDEX": "short"}}  # the loader's name for an index's dtype


def launch_at_places(file: str, name: str, of, index, count: int | tuple, *arguments, block=(BLOCK,)) -> None:
    """Launch a kernel for `count` elements (or in this grid) that takes a report last, with an index of this dtype."""
    grid = count if isinstance(count, tuple) else blocks_for(count)
    launch(file, name, of, grid, block, *arguments, report().address, **_INTEGERS[index.dtype.char])
    look_at_once()


def as_floats(a):
    """The same bytes as floating numbers; None for dtypes of other sizes."""
    kind = FLOATS.get(a.dtype.itemsize)
    return None if kind is None else a if a.dtype.char in "efd" else a.view(kind)


def around(shape, dim: int) -> tuple[int, int, int]:
    """A shape as (everything before a dimension, it, everything behind)."""
    return math.prod(shape[:dim]), shape[dim], math.prod(shape[dim + 1 :])


def steps_of(index, dim: int) -> tuple:
    """An index of several dimensions as one of three, without a copy where a view can be had, and its steps."""
    index = index.reshape(around(index.shape, dim))
    return index, *[step // index.itemsize for step in index.strides]


def reads(a, index) -> bool:
    """Whether `take_rows` and `gather_elements` can work on these."""
    sizes = 0 < a.size <= MOST and 0 < index.size <= MOST
    return sizes and a.flags.c_contiguous and a.dtype.itemsize in FLOATS and index.dtype.char in _INTEGERS


def take_rows(a, index, dim: int = 0, least: int = 0):
    """a's slices that the index names in place of dimension `dim`; indices from `least`, 0 or -length, on."""
    outer, rows, columns = around(a.shape, dim)
    if outer * index.size * columns > MOST:  # the kernel counts in 32 bits
        return GPU.module.take(a, index, dim)
    out, n = like(a, (*a.shape[:dim], *index.shape, *a.shape[dim + 1 :])), index.size
    index = index if index.flags.c_contiguous else index.copy()
    a, made = as_floats(a), as_floats(out)
    launch_at_places("gather", "take_rows", a, index, out.size, a, index, made, out.size, n, rows, columns, least)
    return out


def gather_elements(a, index, dim: int):
    """out[…, i, …] = a[…, index[…, i, …], …]; but for `dim` the index has a's shape."""
    out = like(a, index.shape)
    (_, n, columns), rows = around(index.shape, dim), a.shape[dim]
    index, *steps = steps_of(index, dim)
    a, made = as_floats(a), as_floats(out)
    launch_at_places("gather", "gather_elements_apart", a, index, out.size, a, index, made, out.size, n, rows, columns,
                     *steps, 0)  # fmt: skip
    return out


def embedding_bag(table, index, starts, weights, bags: int, length: int, mode: str, padding: int, chosen: bool):
    """The sums, means or maxima ("sum", "mean", "max") of the rows of each bag; with `chosen`, for maxima, also the row
    that each comes from, -1 in empty bags.

    starts: where the bags begin in the index, int64, or None: each has `length` indices. weights: one for each index,
    or None. padding: an index that does not count, -1: none.
    """
    shape = bags, table.shape[1]
    out, came_from = like(table, shape), like(table, shape, np.int64) if chosen else None
    launch_at_places("embedding_bag", "embedding_bag", table, index, out.size, table, index, starts, weights, out,
                     came_from, bags, length, index.size, *table.shape, ("sum", "mean", "max").index(mode),
                     padding)  # fmt: skip
    return out, came_from


def look_at_index(index, least: int, length: int) -> None:
    """Report indices outside [least, length)."""
    index = index if index.flags.c_contiguous else index.copy()
    of = index.view("f8" if index.itemsize == 8 else "f4")  # compiled for some floating dtype
    launch_at_places("gather", "look_at_index", of, index, index.size, index, index.size, least, length)


def looks(index) -> bool:
    return 0 < index.size <= MOST and index.dtype.char in "qli"


def reads_bags(table, index, weights) -> bool:
    floating = [a for a in (table, weights) if a is not None]
    return reads(table, index) and index.flags.c_contiguous and table.dtype.char in LETTERS and all(
        a.dtype == table.dtype and a.flags.c_contiguous for a in floating
    )


embedding_bag.takes = reads_bags
take_rows.takes = gather_elements.takes = reads
look_at_index.takes = looks
