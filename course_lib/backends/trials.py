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
    done, used, drawn, uniforms, bookmarks = 0, 0, 0, np.empty(0, F64), []
    while done < n:
        supply = min(SUPPLY, 4 * (n - done) + 16)
        if 2 * supply > stream.left_in_block:
            bookmarks.append((stream.bookmark(), 2 * drawn))
        fresh = stream.uniform((supply,), F64)
        drawn += supply
        uniforms = np.concatenate((uniforms[used:], fresh))
        if compiled is None:
            done, used = row(*constants, *kept, numbers, done, uniforms.tolist())
        else:
            done, used = compiled(*constants, *kept, numbers, done, uniforms)
    unused = len(uniforms) - used
    if not stream.unread(2 * unused):
        _rewind(stream, bookmarks, 2 * (drawn - unused))
    return np.asarray(numbers)


def _rewind(stream: Stream, bookmarks: list, used: int) -> None:
    """Go to the place after `used` words, from the last bookmark (with its number of words) whose block holds it."""
    for bookmark, words in reversed(bookmarks):
        if words - bookmark[1] <= used:
            stream.rewind(bookmark, used - words)
            return
