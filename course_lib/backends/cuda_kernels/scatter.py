"""Adding rows at places: index_add and the gradient of an embedding, with atomics or in a fixed order."""

from __future__ import annotations

import math

import numpy as np

from ..kernels.loading import BLOCK, blocks_for, launch
from ._new import sums


def index_add(out, index, source, deterministic: bool = False) -> None:
    """out[index[i]] += source[i] in place: `out` in the type of sums, index (n,) int64, source (n, …)."""
    columns = math.prod(source.shape[1:])
    if deterministic:
        order = index.argsort()
        named = "index_add_sorted", (index[order], order)
    else:
        named = "index_add_atomic", (index,)
    _at_places(named, source, out, index.size, columns)


def embedding_backward(g, index, rows: int, padding: int = -1, deterministic: bool = False):
    """The gradient by an embedding's weight (rows, columns), as sums, from g (n, columns) and index (n,) int64."""
    by_weight = sums(g, (rows, g.shape[1]))
    by_weight[...] = 0
    if deterministic:
        order = index.argsort()
        named = "embedding_backward_sorted", (index[order], order)
    else:
        named = "embedding_backward_atomic", (index,)
    _at_places(named, g, by_weight, index.size, g.shape[1], np.int64(padding))
    return by_weight


def _at_places(named, source, out, n: int, columns: int, *rest) -> None:
    name, places = named
    launch("scatter", name, source, blocks_for(source.size), (BLOCK,), source, *places, out, n, columns, *rest)
