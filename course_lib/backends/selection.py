"""Choosing between two arrays, element by element, without a branch.

NumPy's `where` takes a branch for every element. Where the condition is as random as the sign of activations, the
processor guesses half of them wrong, and choosing bits with masks is up to 20 times as fast.
"""

from __future__ import annotations

import numpy as np

SMALL = 1 << 13  # elements, up to which `where` is as fast
_BITS = {2: np.dtype("i2"), 4: np.dtype("i4"), 8: np.dtype("i8")}


def select(xp, condition, a, b):
    """`a` where the condition holds, `b` elsewhere: `xp.where` for arrays or numbers of one dtype."""
    if xp is not np and a.dtype == b.dtype and a.dtype.kind == "V":  # CuPy's would make float32 of bfloat16
        return xp.where(condition, _bits_of(a), _bits_of(b)).view(a.dtype)
    if xp is not np or condition.size <= SMALL or a.dtype != b.dtype or a.dtype.kind not in "fViu":
        return xp.where(condition, a, b)
    bits = _BITS.get(a.dtype.itemsize)
    if bits is None:
        return xp.where(condition, a, b)
    ones = condition.astype(bits)
    np.negative(ones, out=ones)  # all bits set where the condition holds, none elsewhere
    first, second = np.asarray(a).view(bits), np.asarray(b).view(bits)
    if not second.ndim and not second:
        return (first & ones).view(a.dtype)
    chosen = (first ^ second) & ones  # what turns `b` into `a`
    chosen ^= second
    return chosen.view(a.dtype)


def _bits_of(value):
    """An array of bfloat16, or one number, as int16."""
    return value.view(_BITS[2])
