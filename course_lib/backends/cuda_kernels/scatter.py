"""Bringing many numbers into one place (kernels/scatter.cu): with atomics, or sorted, in a fixed order.

Additions are atomic where that is possible and `torch.use_deterministic_algorithms` does not forbid it; the gradient of
an embedding and of `x[index]`, as in PyTorch, always have a fixed order. Half precision has one, too: so its sums are
rounded once.
"""

from __future__ import annotations

import numpy as np

from ..kernels.loading import LETTERS, MOST, block_for_row
from ._new import like, sums
from .gather import around, launch_at_places, steps_of

SHORT = 4096  # indices: up to here nothing is sorted
PIECE = 32  # rows that a thread reduces, as in scatter.cu


def writes(out, index, source) -> bool:
    """Whether these can be added at places."""
    arrays = (out, source)
    return index.dtype.char in "qli" and 0 < index.size <= MOST and all(
        a.dtype == out.dtype and a.dtype.char in LETTERS and a.flags.c_contiguous and 0 < a.size <= MOST for a in arrays
    )


def add_rows(out, index, source, dim: int = 0, factor: float = 1.0, least: int = 0, in_order: bool = False) -> None:
    """out[…, index[i], …] += factor · source[…, i, …] in place; the index has one dimension."""
    outer, rows, columns = around(out.shape, dim)
    if _may_be_atomic(out, in_order):
        index = index if index.flags.c_contiguous else index.copy()
        return launch_at_places("scatter", "add_rows_atomic", source, index, source.size, source, index, out,
                                source.size, index.size, rows, columns, float(factor), least)  # fmt: skip
    steps = 0, index.strides[0] // index.itemsize, 0
    places = _all_places(index.reshape(1, -1, 1), steps, source, outer * index.size, rows, 1, least)
    _reduce_runs("sum", out, places, source, outer * rows, columns, factor=factor)


def add_elements(out, index, source, dim: int) -> None:
    """out[…, index[…, i, …], …] += source[…, i, …] in place; but for `dim` all have one shape."""
    rows, (_, n, columns) = out.shape[dim], around(source.shape, dim)
    index, *steps = steps_of(index, dim)
    if _may_be_atomic(out, False):
        return launch_at_places("scatter", "add_elements_atomic_apart", source, index, source.size, source, index, out,
                                source.size, n, rows, columns, *steps, 0)  # fmt: skip
    places = _all_places(index, steps, source, source.size, rows, columns, 0)
    _reduce_runs("sum", out, places, source, out.size, 1)


def reduce_elements(out, index, source, dim: int, how: str, with_self: bool) -> None:
    """The same with how = "sum", "product", "max" or "min" in place of addition; without `with_self` what was in the
    named places does not count."""
    rows, (_, _, columns) = out.shape[dim], around(source.shape, dim)
    index, *steps = steps_of(index, dim)
    places = _all_places(index, steps, source, source.size, rows, columns, 0)
    _reduce_runs(how, out, places, source, out.size, 1, with_self=with_self)


def embedding_backward(g, index, rows: int, padding: int = -1, by_frequency: bool = False):
    """The gradient by an embedding's weight (rows, columns) from g (n, columns) and index (n,)."""
    by_weight = like(g, (rows, g.shape[1]))
    by_weight[...] = 0
    if index.size <= SHORT:
        index, (threads,) = index if index.flags.c_contiguous else index.copy(), block_for_row(g.shape[1])
        grid = index.size, -(-g.shape[1] // threads)
        launch_at_places("scatter", "add_up_short_index", g, index, grid, g, index, by_weight, index.size, rows,
                         g.shape[1], padding, by_frequency, block=(threads,))  # fmt: skip
        return by_weight
    counts = count_places(index, rows) if by_frequency else None
    _reduce_runs("sum", by_weight, index, g, rows, g.shape[1], counts=counts, padding=padding, with_self=False)
    return by_weight


def count_places(index, length: int):
    """How often each place is named, int32."""
    index = index if index.flags.c_contiguous else index.copy()
    counts = like(index, (length,), np.int32)
    counts[...] = 0
    launch_at_places("scatter", "count_places_atomic", counts.view("f4"), index, index.size, index, counts, index.size,
                     length)  # fmt: skip
    return counts


def adds_embedding(g, index) -> bool:
    return writes(g, index, g)


add_rows.takes = add_elements.takes = reduce_elements.takes = writes
embedding_backward.takes = adds_embedding


def _may_be_atomic(out, in_order: bool) -> bool:
    from ...settings import are_deterministic_algorithms_enabled

    return not in_order and out.dtype.char in "fd" and not are_deterministic_algorithms_enabled()


def _all_places(index, steps, source, total: int, rows: int, columns: int, least: int):
    """The place of each element in all of the array, int64."""
    places = like(index, (total,), np.int64)
    launch_at_places("scatter", "element_places_apart", source, index, total, index, places, total, index.shape[1],
                     rows, columns, *steps, least)  # fmt: skip
    return places


def _reduce_runs(how: str, out, index, source, rows: int, columns: int, *, factor: float = 1.0, counts=None,
                 padding: int = -1, with_self: bool = True) -> None:  # fmt: skip
    """Sort the rows of the source by place, and reduce those of one place."""
    keys = index.astype(np.int16) if rows <= 2**15 else index.astype(np.int32)  # a shorter number sorts faster
    order = keys.argsort()
    keys, order, n = keys[order], order.astype(np.int64, copy=False), index.size
    pieces = -(-n // PIECE)
    begun, continued = sums(source, (pieces, columns)), sums(source, (pieces, columns))
    rest = n, rows, columns, float(factor), counts, padding, with_self
    name = f"{how}_of_runs"
    launch_at_places("scatter", f"{name}_in_pieces", source, keys, begun.size, source, keys, order, out, begun,
                     continued, *rest)  # fmt: skip
    if pieces > 1:
        launch_at_places("scatter", f"{name}_of_pieces", source, keys, begun.size, keys, order, out, begun, continued,
                         *rest)  # fmt: skip
