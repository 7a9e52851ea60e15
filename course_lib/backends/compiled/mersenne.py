"""The compiled Mersenne Twister: many words of it at a time, by vector instructions.

Numba makes 64 bits of the sum of two numbers of 32, so all constants here have a type, and only bits are combined.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from . import OPTIONS, declare

U32 = np.uint32
BLOCK, MIDDLE = 624, 397
HIGHEST_BIT, OTHER_BITS, TWIST = U32(0x80000000), U32(0x7FFFFFFF), U32(0x9908B0DF)
ZERO, ONE = U32(0), U32(1)


@register_jitable(**OPTIONS)
def _mixed(word, following, distant):
    """The word that takes this one's place in the next block."""
    joined = word & HIGHEST_BIT | following & OTHER_BITS
    return distant ^ joined >> ONE ^ (ZERO - (joined & ONE)) & TWIST


@register_jitable(**OPTIONS)
def _tempered(y):
    """What is handed out for a word of the block."""
    y ^= y >> U32(11)
    y ^= y << U32(7) & U32(0x9D2C5680)
    y ^= y << U32(15) & U32(0xEFC60000)
    return y ^ y >> U32(18)


@declare("void(uint32[::1], uint32[::1])")
def blocks(key, words):
    """Fill `words`, whole blocks of them, and leave in `key` the last block (before tempering)."""
    for start in range(0, words.size, BLOCK):
        for i in range(BLOCK - MIDDLE):
            key[i] = _mixed(key[i], key[i + 1], key[i + MIDDLE])
        for i in range(BLOCK - MIDDLE, BLOCK - 1):
            key[i] = _mixed(key[i], key[i + 1], key[i + MIDDLE - BLOCK])
        key[BLOCK - 1] = _mixed(key[BLOCK - 1], key[0], key[MIDDLE - 1])
        for i in range(BLOCK):
            words[start + i] = _tempered(key[i])
