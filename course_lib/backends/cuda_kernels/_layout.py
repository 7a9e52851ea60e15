"""How operands of an elementwise kernel lie in memory: alike, so that it goes straight through, or apart."""

from __future__ import annotations

import functools

import numpy as np

from .. import memory_order
from ..kernels.loading import MOST

_STEPS = np.dtype([("first", "i4"), ("second", "i4"), ("third", "i4")])
_LAYOUT = np.dtype([("second", "i4"), ("third", "i4"), ("of", _STEPS, 3)])


def alike(arrays) -> tuple | None:
    """The order of dimensions in which all arrays are contiguous, () if they are already; None if there is none."""
    first = arrays[0]
    shape = first.shape
    if all(a.flags.c_contiguous and a.shape == shape for a in arrays):
        return ()
    if any(a.shape != shape or a.strides != first.strides for a in arrays):
        return None
    order = memory_order(first)
    return order if first.transpose(order).flags.c_contiguous else None


@functools.lru_cache(maxsize=4096)
def apart(shape: tuple[int, ...], operands: tuple) -> np.ndarray | None:
    """The kernels' argument `Layout` for operands, (shape, strides in elements) each, that broadcast to `shape`.

    Neighbouring dimensions that all operands step through alike count as one. None where more than three remain, or
    where steps do not fit into 32 bits.
    """
    steps = []
    for own, strides in operands:
        lead = len(shape) - len(own)
        steps.append((0,) * lead + tuple([0 if n == 1 else step for n, step in zip(own, strides, strict=True)]))
    dims = []  # (size, step of each operand), from the last
    for size, *mine in reversed(list(zip(shape, *steps, strict=True))):
        if size == 1:
            continue
        if dims and all(step == inner * dims[-1][0] for step, inner in zip(mine, dims[-1][1], strict=True)):
            dims[-1] = (dims[-1][0] * size, dims[-1][1])
        else:
            dims.append((size, mine))
    reach = [sum((size - 1) * abs(mine[k]) for size, mine in dims) for k in range(len(operands))]
    if len(dims) > 3 or max(reach, default=0) > MOST:
        return None
    dims += [(1, [0] * len(operands))] * (3 - len(dims))
    (third, by_third), (second, by_second), (_, by_first) = dims
    found = [(a, b, c) for a, b, c in zip(by_first, by_second, by_third, strict=True)]
    return np.array([(second, third, found + [(0, 0, 0)] * (3 - len(found)))], _LAYOUT)


def steps_of(array) -> tuple:
    """What `apart` wants to know of an array; its strides in elements."""
    size = array.itemsize
    return array.shape, tuple([step // size for step in array.strides])
