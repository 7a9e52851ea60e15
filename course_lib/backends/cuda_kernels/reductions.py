"""Reductions over any dimensions that lie together in memory: sums, means, norms, extremes, variances, log-sum-exp.

`reduce` finds out whether what belongs to one result lies side by side (lines) or one behind the other (columns), and
how many blocks share it; reductions.cu says more.
"""

from __future__ import annotations

import functools

import numpy as np

from ..kernels.loading import BLOCK, LETTERS, MOST, WARP, accumulator, launch
from ._layout import memory_order
from ._new import like

_NUMBERS_OF_A_STATE = {"maximum_at": 2, "minimum_at": 2, "variance": 3, "deviation": 3, "log_sum_exp": 2}
_ENOUGH_BLOCKS = 1024  # for any GPU; so sums do not depend on which one it is
_TURNS = 4  # a thread reads at least so many packs, before more blocks share a line


def reduce(how: str, x, dims: tuple[int, ...], keepdim: bool = False, constant: float = 1.0, places: bool = False):
    """total (÷ constant), euclidean, product, largest, smallest, variance and deviation (÷ constant), log_sum_exp.

    With `places`, maximum_at and minimum_at: the values and their positions (int64) along the one dimension, or among
    all elements. None where the dimensions do not lie together.
    """
    order, memory = None, x
    if not x.flags.c_contiguous:
        order = memory_order(x)
        memory = x.transpose(order)
        if not memory.flags.c_contiguous or (places and len(dims) > 1):
            return None
    plan = _plan(memory.shape, dims if order is None else tuple(sorted([order.index(d) for d in dims])))
    if plan is None:
        return None
    kept = [d for d in (order or range(x.ndim)) if d not in dims]
    made = _launched(how, memory, plan, tuple([x.shape[d] for d in kept]), constant, places)
    made = tuple([_arranged(part, x.shape, kept, dims, keepdim) for part in made if part is not None])
    return made if places else made[0]


def takes(x) -> bool:
    """Whether the kernels know the dtype, and the size is neither 0 nor too large."""
    return x.dtype.char in LETTERS and 0 < x.size <= MOST


reduce.takes = takes


def _arranged(made, shape, kept, dims, keepdim: bool):
    """A result, whose dimensions are in the order of memory, with them in their own order."""
    if kept != sorted(kept):
        made = made.transpose([kept.index(d) for d in sorted(kept)])
    return made.reshape([1 if d in dims else n for d, n in enumerate(shape)]) if keepdim else made


@functools.lru_cache(maxsize=4096)
def _plan(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple | None:
    """("lines", pieces, count, run) or ("columns", outer, rows, inner) for a contiguous array."""
    groups = []  # (whether it is reduced, size) of neighbouring dimensions that are treated alike
    for d, size in enumerate(shape):
        if size == 1:
            continue
        if groups and groups[-1][0] == (d in dims):
            groups[-1] = (d in dims, groups[-1][1] * size)
        else:
            groups.append((d in dims, size))
    kinds, sizes = [kind for kind, _ in groups], [size for _, size in groups]
    if kinds in ([], [True], [False, True], [False]):
        sizes = [*([] if kinds[:1] == [False] else [1]), *sizes, *([] if kinds[-1:] == [True] else [1])]
        return "lines", 1, *sizes
    if kinds == [True, False, True]:
        return "lines", *sizes
    if kinds in ([True, False], [False, True, False]):
        return "columns", *([1] if len(sizes) == 2 else []), *sizes
    return None


@functools.lru_cache(maxsize=4096)
def _line_launch(pieces: int, count: int, run: int, pack: int) -> tuple:
    """Grid, block, and how many elements of a line a share has."""
    unit = pack if run % pack == 0 else 1
    length, threads = pieces * run, 1
    units = length // unit
    while threads < BLOCK and 2 * threads < units:
        threads *= 2
    lines = BLOCK // threads
    blocks = -(-count // lines)
    shares = min(-(-_ENOUGH_BLOCKS // blocks), -(-units // (threads * _TURNS))) if blocks < _ENOUGH_BLOCKS // 2 else 1
    each = -(-units // shares) * unit
    return (blocks, -(-length // each)), (threads, lines), each


@functools.lru_cache(maxsize=4096)
def _column_launch(outer: int, rows: int, inner: int, wide: int) -> tuple:
    """Grid, block, and how many rows a share has."""
    across = -(-inner // wide)
    beside = min(WARP, _power_of_two(across))
    below = min(BLOCK // beside, _power_of_two(rows))
    blocks = outer * -(-across // beside)
    shares = min(-(-_ENOUGH_BLOCKS // blocks), -(-rows // (below * 2 * _TURNS))) if blocks < _ENOUGH_BLOCKS // 2 else 1
    each = -(-rows // shares)
    return (blocks, -(-rows // each)), (beside, below), each


def _power_of_two(n: int) -> int:
    """The smallest one that is not below n."""
    return 1 << (n - 1).bit_length()


def _launched(how: str, x, plan, shape, constant: float, places: bool):
    """(values or None, positions or None) in the order of memory."""
    kind, first, second, third = plan
    pack = 16 // x.itemsize
    if kind == "lines":
        name, (grid, block, each) = f"{how}_of_lines", _line_launch(first, second, third, pack)
        sizes, count = (first, second, third, each), second
    else:
        wide = third % pack == 0 and x.data.ptr % 16 == 0
        name = f"{how}_of_wide_columns" if wide else f"{how}_of_columns"
        grid, block, each = _column_launch(first, second, third, pack if wide else 1)
        sizes, count = (second, third, each), first * third
    out, at = like(x, shape), like(x, shape, np.int64) if places else None
    only, shares = {"FUNCTIONS": f"REDUCTION({how})"}, None
    if grid[1] > 1:
        state = _NUMBERS_OF_A_STATE.get(how, 1) * accumulator(x.dtype).itemsize
        shares = like(x, count * grid[1] * state, np.uint8)
    launch("reductions", name, x, grid, block, x, out, at, shares, float(constant), *sizes, **only)
    if shares is not None:
        launch("reductions", f"{how}_of_shares", x, (-(-count // 8),), (WARP, 8), shares, out, at, float(constant),
               grid[1], count, **only)  # fmt: skip
    return out, at


def sum_columns(x):
    """The sum over the first of two dimensions."""
    return reduce("total", x, (0,))


def add_columns(name: str, beside, x, rows: int, n: int):
    """The sum over the rows of x (rows, n), in the dtype of `beside`."""
    out = like(beside, n)
    launch("reductions", name, beside, (-(-n // WARP),), (WARP, 8), x, out, rows, n,
           FUNCTIONS="")  # fmt: skip
    return out
