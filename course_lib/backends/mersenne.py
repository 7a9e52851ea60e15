"""The source of all randomness on the CPU: the Mersenne Twister, drawn in PyTorch's order.

MT19937 (Matsumoto & Nishimura 1998, "Mersenne twister: a 623-dimensionally equidistributed uniform pseudo-random number
generator") turns a block of 624 words of 32 bits into the next block, and hands the words out one by one. NumPy has the
same generator in C (`RandomState`); this class keeps PyTorch's cursor into the current block, so that small draws are a
slice of an array, and its 5056-byte state, so that a state saved by PyTorch can go on here.
"""

from __future__ import annotations

import threading

import numpy as np

from .compiled import kernel

BLOCK = 624

# torch.get_rng_state() is this C struct. It dates from Lua Torch: the words take 64 bits each, and of the fields for
# normal numbers only `normal_y` (the second number of a Box-Muller pair, kept for the next call) is still in use.
STATE = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),  # words left in the block, plus one
        ("seeded", "<i4"),
        ("next", "<u8"),  # index of the next word; 0 right after seeding
        ("block", "<u8", (BLOCK,)),
        ("normal_x", "<f8"),
        ("normal_y", "<f8"),
        ("normal_rho", "<f8"),
        ("normal_is_valid", "<i4"),
        ("padding", "<i4"),
        ("next_float_normal", "<f4"),
        ("next_float_normal_is_valid", "<i4"),
    ]
)


class MersenneTwister:
    """An endless row of 32-bit words, and the one normal number that a scalar Box-Muller draw leaves over."""

    def __init__(self, seed: int):
        self._lock = threading.Lock()  # two threads that share a generator must not get the same words
        self._source = np.random.RandomState(0)
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start the row that belongs to `seed`, 0 ≤ seed < 2**64. As in PyTorch, only its lower 32 bits matter."""
        self._source.seed(seed & 0xFFFFFFFF)
        self._own_key = None  # where a compiled kernel makes the words: the last block that it made, before tempering
        self.initial_seed = seed
        self.spare_normal: float | None = None
        self._block = None
        self._cursor = BLOCK  # index of the next word in the block; BLOCK: make a new one first
        self._untouched = True  # nothing drawn since seeding

    def words(self, n: int) -> np.ndarray:
        """The next `n` words (uint32). The array may be a slice of the current block: do not write into it."""
        with self._lock:
            start, end = self._cursor, self._cursor + n
            if n == 0:
                return np.empty(0, np.uint32)
            if end <= BLOCK:
                self._cursor = end
                return self._block[start:end]
            self._untouched = False
            whole, rest = divmod(end - BLOCK, BLOCK)
            pieces = [] if start == BLOCK else [self._block[start:]]
            if whole:
                pieces.append(self._draw(whole * BLOCK))
            if rest:
                self._block = self._draw(BLOCK)
                pieces.append(self._block[:rest])
            else:
                self._block = pieces[-1][-BLOCK:]
            self._cursor = rest or BLOCK
            return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def words64(self, n: int) -> np.ndarray:
        """The next `n` numbers of 64 bits (uint64): of two words in a row the first is the upper half."""
        # Read two words as one little-endian number and the first word is the lower half: exchange the halves.
        swapped = np.ascontiguousarray(self.words(2 * n)).view("<u8")
        numbers = swapped << np.uint64(32)
        numbers |= swapped >> np.uint64(32)
        return numbers

    def _draw(self, n: int) -> np.ndarray:
        """`n` words, whole blocks of them."""
        blocks = kernel("mersenne.blocks", n * 1.3e-9)
        if blocks is None:
            if self._own_key is not None:  # kernels have been switched off: NumPy's generator goes on from here
                self._source.set_state(("MT19937", self._own_key, BLOCK))
                self._own_key = None
            return self._source.randint(0, 1 << 32, size=n, dtype=np.uint32)
        if self._own_key is None:
            self._own_key = self._key()
        words = np.empty(n, np.uint32)
        blocks(self._own_key, words)
        return words

    # ---- saving and going back -----------------------------------------------------------------------------------

    def state(self) -> np.ndarray:
        """The state as PyTorch lays it out: 5056 bytes (uint8)."""
        record = np.zeros((), STATE)
        record["seed"] = self.initial_seed
        record["left"] = BLOCK + 1 - self._cursor
        record["seeded"] = 1
        record["next"] = 0 if self._untouched else self._cursor
        record["block"] = self._key()
        if self.spare_normal is not None:
            record["normal_is_valid"], record["normal_y"] = 1, self.spare_normal
        return np.frombuffer(record.tobytes(), np.uint8).copy()

    def set_state(self, state: np.ndarray) -> None:
        """Go on where `state` (5056 bytes) was taken; ValueError where the bytes are no such state."""
        record = np.frombuffer(state.tobytes(), STATE)[0]
        left, next_word = int(record["left"]), int(record["next"])
        untouched = next_word == 0 and left == 1
        if record["seeded"] != 1 or not 0 < left <= BLOCK or not (untouched or next_word + left == BLOCK + 1):
            raise ValueError("Invalid mt19937 state")
        self.initial_seed = int(record["seed"])
        self.spare_normal = float(record["normal_y"]) if record["normal_is_valid"] else None
        self._restore(record["block"].astype(np.uint32), BLOCK + 1 - left, untouched)

    @property
    def left_in_block(self) -> int:
        """The number of words that are there already, before a new block has to be made."""
        return BLOCK - self._cursor

    def unread(self, n: int) -> bool:
        """Go back over the last `n` words, so that they come again. False if the place lies in an earlier block."""
        with self._lock:
            if n >= self._cursor or self._block is None:  # the place before the first word is the end of the last block
                return n == 0
            self._cursor -= n
            return True

    def bookmark(self) -> tuple:
        """The place in the row, for `rewind`. It takes longer than drawing a few numbers."""
        return self._key(), self._cursor, self._untouched

    def rewind(self, bookmark: tuple, used: int) -> None:
        """Go to the place `used` words after a bookmark, or before it in its block: the words from there come again."""
        key, cursor, untouched = bookmark
        self._restore(key, min(cursor, cursor + used), untouched)
        self.words(max(used, 0))

    def _key(self) -> np.ndarray:
        return self._source.get_state()[1] if self._own_key is None else self._own_key.copy()

    def _restore(self, key: np.ndarray, cursor: int, untouched: bool) -> None:
        # NumPy's generator always stands at the end of the block: put it at the start and draw the block once more.
        self._source.set_state(("MT19937", key, BLOCK if cursor == BLOCK else 0))
        self._own_key = None
        self._block = None if cursor == BLOCK else self._source.randint(0, 1 << 32, size=BLOCK, dtype=np.uint32)
        self._cursor, self._untouched = cursor, untouched
