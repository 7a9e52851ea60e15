"""Drawing a row of numbers that take each as many uniforms as its trial happens to need.

Such a row is one loop. Its function is written once and runs in two ways: on lists of Python numbers, or, compiled by
Numba (compiled/random.py), on arrays. It has the form `row(*constants, numbers, start, uniforms)`: it writes the
numbers from index `start` on, and returns how far it came and how many of the uniforms (float64) it used up. A number
for which there are not enough uniforms left is begun anew with more of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .compiled import kernel
from .streams import F64, Stream

SHORT = -1  # what a trial returns in place of its end where the uniforms did not suffice
SUPPLY = 1 << 14


def draw_row(stream: Stream, row: Callable, constants: list[np.ndarray], saves: float, kept=()) -> np.ndarray:
    """The numbers (float64) that `row` makes, each from its elements of the one-dimensional arrays `constants`.

    `saves`: the seconds that the kernel, `row` compiled, gains for one number. Arrays in `kept` follow the constants;
    `row` may write to them. Uniforms that were not used go back to the stream.
    """
    n = len(constants[0])
    numbers, constants = np.zeros(n, F64), [a.astype(F64) for a in constants]
    compiled = kernel(f"random.{row.__name__}", n * saves)
    if compiled is None:
        numbers, constants = numbers.tolist(), [a.tolist() for a in constants]
    done, used, drawn, uniforms, supplies = 0, 0, 0, np.empty(0, F64), []
    while done < n:
        supplies.append((stream.bookmark(), drawn))
        fresh = stream.uniform((min(SUPPLY, 4 * (n - done) + 16),), F64)
        drawn += len(fresh)
        uniforms = np.concatenate((uniforms[used:], fresh))
        if compiled is None:
            done, used = row(*constants, *kept, numbers, done, uniforms.tolist())
        else:
            done, used = compiled(*constants, *kept, numbers, done, uniforms)
    _give_back(stream, supplies, drawn - len(uniforms) + used)
    return np.asarray(numbers)


def _give_back(stream: Stream, supplies: list, used: int) -> None:
    """Rewind to the place after `used` uniforms, from the last bookmark before it."""
    for bookmark, first in reversed(supplies):
        if first <= used:
            stream.rewind(bookmark, 2 * (used - first))
            return
