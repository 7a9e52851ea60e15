"""Random numbers as PyTorch draws them on a GPU: the generator Philox4x32-10 in the layout of its kernels.

Philox (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011) has no state to step forward:
it scrambles a counter, and four words come out. A thread of a GPU puts its own number into the upper half of the
counter and the place in the row (the offset) into the lower half, so that all threads draw at once. Which thread makes
which element belongs to the stream, too: here the threads are columns of NumPy arrays, and the numbers are made on the
host, for what the kernels of random.cu do not make on the GPU itself.

uniform, normal, log-normal, exponential, Cauchy, geometric, Bernoulli and whole numbers, dropout, and draws of
categories that need no replacement are laid out as PyTorch's; the logarithms and sines of a GPU round a little
differently in the last bits. (What PyTorch printed on a GPU is known for the first numbers of rand and randn only,
which are equal; the rest was read in its source.) Permutations, Poisson, binomial and gamma numbers and draws of
several categories with replacement are not PyTorch's: its kernels have layouts of their own, and the same seed gives
the same numbers here, but not those.
"""

from __future__ import annotations

import math
import threading

import numpy as np

from . import GPU
from .box_muller import scaled
from .streams import F32, F64, I64, Stream

BLOCK = 256  # threads of a block
H100_BLOCKS = 132 * 2048 // BLOCK  # 132 multiprocessors (the H200's, too) of 2048 threads each
WORDS_A_CALL = 4
IN_A_GRAPH = 1 << 63  # in an offset: see philox.cuh

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def philox(counter: int, threads: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
    """Four words of 32 bits (in uint64 arrays) for each thread, at one place `counter` of their rows."""
    a, b = np.uint64(counter & 0xFFFFFFFF), np.uint64(counter >> 32)
    c, d = threads & _LOW, threads >> _HALF
    keys = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        first, second = _MULTIPLIERS[0] * a, _MULTIPLIERS[1] * c
        a, b, c, d = (
            (second >> _HALF) ^ b ^ np.uint64(keys[0]), second & _LOW,
            (first >> _HALF) ^ d ^ np.uint64(keys[1]), first & _LOW,
        )  # fmt: skip
        keys = [(key + step) & 0xFFFFFFFF for key, step in zip(keys, _KEY_STEPS, strict=True)]
    return a, b, c, d


class PhiloxStream(Stream):
    """One row of random numbers of a GPU with `blocks` blocks at a time; its state is a seed and an offset.

    A launch has no more than `blocks` blocks of 256 threads. Thread t makes the elements t, t + T, t + 2T, … of the T
    threads, from each call of the generator four (of 32 bits) or two (of 64 bits). Up to 256 · `blocks` elements
    (270,336 on an H100) therefore do not depend on the GPU, longer rows do.
    """

    left_in_block = 1 << 62  # nothing is made ahead, so nothing can be given back

    def __init__(self, seed: int, blocks: int = H100_BLOCKS):
        self._lock, self.blocks = threading.Lock(), blocks
        self.seed(seed)

    def seed(self, seed: int) -> None:
        self.initial_seed, self.offset, self.spare_normal = seed, 0, None

    def state(self) -> np.ndarray:
        """Seed and offset as PyTorch lays them out: 16 bytes (uint8)."""
        return np.array([self.initial_seed, self.offset], "<u8").view(np.uint8)

    def set_state(self, state: np.ndarray) -> None:
        self.initial_seed, self.offset = (int(number) for number in np.frombuffer(state.tobytes(), "<u8"))
        self.spare_normal = None

    def unread(self, n: int) -> bool:
        """Uniforms that a trial did not need are left out: the next draw starts behind them."""
        return True

    def drawn_elsewhere(self, draw) -> None:
        """Let `draw(seed, offset)` make numbers on a GPU; it returns by how much the offset grows.

        A launch that is captured for a CUDA graph gets its place in the row of the graph's replay instead: see
        philox.cuh.
        """
        with self._lock:
            if GPU.capture is None:
                self.offset += draw(self.initial_seed, self.offset)
            else:
                row = GPU.capture.row_of(self)
                row.used += draw(row.address, IN_A_GRAPH | row.used)

    # ---- words ---------------------------------------------------------------------------------------------------

    def _calls(self, n: int, each: int) -> np.ndarray:
        """The words behind `n` elements, `each` from a call: (calls of a thread, 4, threads)."""
        _refuse_in_a_graph()
        threads = BLOCK * min(-(-n // BLOCK), self.blocks)
        calls = -(-n // (threads * each))
        with self._lock:
            start = self.offset // WORDS_A_CALL
            self.offset += calls * WORDS_A_CALL
        lanes = np.arange(min(n, threads), dtype=np.uint64)
        words = np.empty((calls, WORDS_A_CALL, len(lanes)), np.uint32)
        for call in range(calls):
            for row, word in enumerate(philox(start + call, lanes, self.initial_seed)):
                words[call, row] = word
        return words

    def words(self, n: int) -> np.ndarray:
        return self._calls(n, 4).reshape(-1)[:n] if n else np.empty(0, np.uint32)

    def words64(self, n: int) -> np.ndarray:
        if not n:
            return np.empty(0, np.uint64)
        words = self._calls(n, 2).astype(np.uint64)
        return (words[:, ::2] << _HALF | words[:, 1::2]).reshape(-1)[:n]

    def dropout_kept(self, shape, itemsize: int, p: float) -> np.ndarray:
        """Which elements dropout keeps: of neighbours, as many as fit into 16 bytes, one thread decides."""
        from .cuda_kernels.random import neighbours

        n, keep = math.prod(shape), F32.type(1 - p)
        wide = neighbours(n, itemsize)
        if wide == 1:
            return (_middle32(self.words(n)) < keep).reshape(shape)
        threads = BLOCK * min(-(-n // BLOCK), self.blocks)
        lanes = np.arange(threads, dtype=np.uint64)
        with self._lock:
            start = self.offset // WORDS_A_CALL
            self.offset += WORDS_A_CALL * -(-n // (WORDS_A_CALL * threads))
        rounds, calls = -(-n // (threads * wide)), -(-wide // WORDS_A_CALL)
        words = [philox(start + call, lanes, self.initial_seed) for call in range(rounds * calls)]
        words = np.array(words, np.uint64).reshape(rounds, calls * WORDS_A_CALL, threads)[:, :wide]
        return (_middle32(words.transpose(0, 2, 1).reshape(-1)[:n]) < keep).reshape(shape)

    def permutation(self, n: int, dtype=I64) -> np.ndarray:
        """0, 1, …, n-1 in the order of as many random numbers of 64 bits."""
        return np.argsort(self.words64(n).view(np.int64), kind="stable").astype(dtype, copy=False)

    # ---- distributions -------------------------------------------------------------------------------------------

    def _unit(self, n: int, dtype) -> np.ndarray:
        """Uniform in (0, 1]: the middle of one of 2³² (float32) or 2⁵³ (float64) equal parts."""
        if dtype == F32:
            return _middle32(self.words(n))
        return _middle53(self._calls(n, 2)).reshape(-1)[:n] if n else np.empty(0, F64)

    def uniform(self, shape, dtype=F32, low: float = 0.0, high: float = 1.0, out=None) -> np.ndarray:
        """Uniform in [low, high): what rounding takes to `high` becomes `low`."""
        work = F64 if dtype == F64 else F32
        first, last = work.type(low), work.type(high)
        return self._fill(shape, dtype, out, lambda n: scaled(self._unit(n, work), first, last - first), (low, high))

    def normal(self, shape, dtype=F32, mean: float = 0.0, std: float = 1.0, out=None, contiguous=True) -> np.ndarray:
        """Normal with this mean and standard deviation, two at a time by Box and Muller's formula."""
        return self._fill(shape, dtype, out, lambda n: scaled(self._normals(n, dtype), mean, std))

    def _normals(self, n: int, dtype) -> np.ndarray:
        if dtype == F64:
            middle = _middle53(self._calls(n, 2))
            radius, angle = np.sqrt(-2 * np.log(middle[:, 0])), 2 * np.pi * middle[:, 1]
            pairs = [(radius, angle)]
        else:
            words = self._calls(n, 4)
            turn = F32.type(2.0**-32) * F32.type(2 * np.pi)
            pairs = []
            for first, second in ((words[:, 0], words[:, 1]), (words[:, 2], words[:, 3])):
                angle = (second.astype(F32).astype(F64) * turn + turn / 2).astype(F32)
                pairs.append((np.sqrt(-2 * np.log(_middle32(first))), angle))
        made = [radius * part(angle) for radius, angle in pairs for part in (np.sin, np.cos)]
        return np.stack(made, axis=1).reshape(-1)[:n]

    def log_normal(self, shape, dtype=F32, mean: float = 1.0, std: float = 2.0, out=None) -> np.ndarray:
        """exp of a normal number with this mean and standard deviation."""
        with np.errstate(over="ignore"):
            return self._fill(shape, dtype, out, lambda n: np.exp(scaled(self._normals(n, dtype), mean, std)))

    def bernoulli(self, shape, dtype=F32, p=0.5, out=None) -> np.ndarray:
        """1 with probability p, else 0; of probabilities in an array, a thread takes four in a row."""
        work = F64 if dtype == F64 else F32
        if not isinstance(p, np.ndarray):
            return self._fill(shape, dtype, out, lambda n: self._unit(n, work) < work.type(p))
        p = p.reshape(-1).astype(work)
        lanes = np.arange(-(-p.size // 4), dtype=np.uint64)
        with self._lock:
            words = philox(self.offset // WORDS_A_CALL, lanes, self.initial_seed)
            self.offset += 12
        units = _middle32(np.stack(words, axis=1).reshape(-1)[: p.size].astype(np.uint32))
        return self._fill(shape, dtype, out, lambda n: units <= p)

    def exponential(self, shape, dtype=F32, rate: float = 1.0, out=None) -> np.ndarray:
        """Exponential with this rate: -ln u / rate, never 0."""

        def draw(n: int):
            unit = self._unit(n, F64 if dtype == F64 else F32)
            least = unit.dtype.type(np.finfo(unit.dtype).eps / 2)
            return unit.dtype.type(-1 / rate) * np.where(unit >= 1 - least, -least, np.log(unit))

        return self._fill(shape, dtype, out, draw)

    def cauchy(self, shape, dtype=F32, median: float = 0.0, sigma: float = 1.0, out=None) -> np.ndarray:
        """Cauchy: median + sigma·tan π(u - ½)."""

        def draw(n: int):
            unit = self._unit(n, F64 if dtype == F64 else F32)
            if unit.dtype == F32:
                eps = np.finfo(F32).eps
                unit = np.clip(unit, eps, 1 - eps)
            half, pi = unit.dtype.type(0.5), unit.dtype.type(np.pi)
            return scaled(np.tan(pi * (unit - half)), median, sigma)

        return self._fill(shape, dtype, out, draw)

    def geometric(self, shape, dtype=F32, p: float = 0.5, out=None) -> np.ndarray:
        """The number of trials up to the first success: ⌈ln u / ln(1 - p)⌉."""
        work = F64 if dtype == F64 else F32
        log_failure = np.log1p(-work.type(p))
        return self._fill(shape, dtype, out, lambda n: np.ceil(np.log(self._unit(n, work)) / log_failure))

    def _fill(self, shape, dtype, out, draw, half_open=None) -> np.ndarray:
        """An array of what `draw(n)` makes in one launch; half_open=(low, high): where it is `high`, put `low`."""
        out = np.empty(shape, dtype) if out is None else out
        if out.size:
            flat = out.reshape(-1)
            with np.errstate(over="ignore"):  # rounding to a smaller type may give infinity
                flat[...] = draw(flat.size)
            if half_open is not None:
                low, high = np.array(half_open).astype(out.dtype)
                flat[flat == high] = low
        return out


def _refuse_in_a_graph() -> None:
    """Numbers of the host would be the same in every replay."""
    if GPU.capture is not None:
        raise RuntimeError("These random numbers are drawn on the host, which a CUDA graph cannot repeat")


def _middle32(words: np.ndarray) -> np.ndarray:
    return words.astype(F32) * F32.type(2.0**-32) + F32.type(2.0**-33)


def _middle53(words: np.ndarray) -> np.ndarray:
    """(calls, 4, threads) words as (calls, 2, threads) numbers."""
    wide = words.astype(np.uint64)
    return (wide[:, ::2] ^ (wide[:, 1::2] << np.uint64(21))).astype(F64) * 2.0**-53 + 2.0**-54


__all__ = ["PhiloxStream", "philox"]
