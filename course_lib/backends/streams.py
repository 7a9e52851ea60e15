"""Random numbers as arrays: every distribution of PyTorch's CPU generator, number for number.

Words of the Mersenne Twister come in (mersenne.py), a fresh array of the wanted shape and NumPy dtype goes out. Which
bits of which word become which number is PyTorch's choice and is written out here, because a seed only means something
if all of it is the same. Two rules run through everything: a draw takes one word for float32 and smaller types, two for
float64; float16 and bfloat16 are drawn in float32 and rounded at the end.
"""

from __future__ import annotations

import math

import numpy as np

from .box_muller import box_muller, box_muller_pair, scaled
from .mersenne import BLOCK, MersenneTwister
from .shuffle import shuffled

F32, F64, I64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)
PIECE = 52 * BLOCK  # numbers made at a time: small enough to stay in the processor's cache
SCALAR_PAIRS = 16  # up to here a Box-Muller pair is computed one by one, with the C library's functions as PyTorch does
MANTISSA_BITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


class Stream(MersenneTwister):
    """One row of random numbers. `shape` is a tuple, `dtype` a NumPy dtype; `out=` is filled instead of a new array."""

    # ---- uniform -------------------------------------------------------------------------------------------------

    def uniform(self, shape, dtype=F32, low: float = 0.0, high: float = 1.0, out=None) -> np.ndarray:
        """Uniform in [low, high)."""
        work = _working(dtype)
        low, high = work.type(low), work.type(high)
        if low == 0 and high == 1:
            return self._fill(shape, dtype, out, lambda n: self._unit(n, work), None if work == dtype else (low, high))
        return self._fill(shape, dtype, out, lambda n: scaled(self._unit(n, work), low, high - low), (low, high))

    def _unit(self, n: int, dtype) -> np.ndarray:
        """k/2²⁴ from the lower 24 bits of a word (float32), k/2⁵³ from the lower 53 bits of two (float64)."""
        if dtype == F32:
            unit = (self.words(n) & np.uint32(0xFFFFFF)).view(np.int32).astype(F32)
            unit *= F32.type(2.0**-24)
        else:
            unit = (self.words64(n) & np.uint64(2**53 - 1)).view(np.int64).astype(F64)
            unit *= 2.0**-53
        return unit

    # ---- normal --------------------------------------------------------------------------------------------------

    def normal(self, shape, dtype=F32, mean: float = 0.0, std: float = 1.0, out=None, contiguous=True) -> np.ndarray:
        """Normal with this mean and standard deviation.

        From 16 numbers on, if the tensor to be filled is `contiguous`, they come from Box-Muller on groups of 16;
        otherwise one by one in float64, the second of each pair being kept for the next call.
        """
        out = np.empty(shape, dtype) if out is None else out
        n = out.size
        if n < 16 or not contiguous:
            return self._fill(shape, dtype, out, lambda n: scaled(self._normal_pairs(n), mean, std))
        flat, grouped, work = out.reshape(-1), n // 16 * 16, _working(dtype)
        if work == dtype:
            self.uniform((n,), dtype, out=flat)
            box_muller(flat[:grouped], mean, std)
        else:  # the smaller types draw no uniforms for the incomplete group
            numbers = self.uniform((grouped,), work)
            box_muller(numbers, mean, std)
            flat[:grouped] = numbers
        if n != grouped:  # the last 16 numbers are made anew, so that they are a complete group
            numbers = self.uniform((16,), work)
            box_muller(numbers, mean, std)
            flat[-16:] = numbers
        return out

    def _normal_pairs(self, n: int) -> np.ndarray:
        """Standard normal numbers (float64) two at a time; an odd one waits in `spare_normal`."""
        numbers, start = np.empty(n, F64), 0
        if n and self.spare_normal is not None:
            numbers[0], start, self.spare_normal = self.spare_normal, 1, None
        uniforms = self._unit((n - start + 1) // 2 * 2, F64).reshape(-1, 2)
        if len(uniforms) <= SCALAR_PAIRS:
            pairs = np.array([box_muller_pair(u1, u2) for u1, u2 in uniforms.tolist()]).reshape(-1, 2)
        else:
            radius = np.sqrt(-2 * np.log1p(-uniforms[:, 1]))
            angle = 2 * math.pi * uniforms[:, 0]
            pairs = np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=1)
        pairs = pairs.reshape(-1)
        numbers[start:] = pairs[: n - start]
        if len(pairs) > n - start:
            self.spare_normal = float(pairs[-1])
        return numbers

    def log_normal(self, shape, dtype=F32, mean: float = 1.0, std: float = 2.0, out=None) -> np.ndarray:
        """exp of a normal number with this mean and standard deviation."""
        with np.errstate(over="ignore"):  # the exponential, or its rounding to a smaller type, may be infinite
            return self._fill(shape, dtype, out, lambda n: np.exp(scaled(self._normal_pairs(n), mean, std)))

    # ---- whole numbers -------------------------------------------------------------------------------------------

    def integers(self, low: int, high: int, shape, dtype=I64, out=None) -> np.ndarray:
        """Whole numbers in [low, high), high - low ≤ 2**64: the remainder of a word (of two from a width of 2²⁸ on)."""
        width, base = high - low, np.uint64(low % 2**64)  # unsigned, so that sums wrap around as in C
        if width < 1 << 28:
            return self._fill(shape, dtype, out, lambda n: _remainder(self.words(n), width).astype(np.int64) + low)
        return self._fill(shape, dtype, out, lambda n: (_remainder(self.words64(n), width) + base).view(np.int64))

    def any_number(self, shape, dtype, out=None) -> np.ndarray:
        """Whole numbers from 0 to the largest of an integer dtype, or to the last that a float dtype counts exactly."""
        dtype = np.dtype(dtype)
        if dtype.name in MANTISSA_BITS:
            width = 2 ** MANTISSA_BITS[dtype.name] + 1
        else:
            width = 2 if dtype.kind == "b" else int(np.iinfo(dtype).max) + 1
        draw = self.words64 if dtype in (np.int64, F64) else self.words
        return self._fill(shape, dtype, out, lambda n: _remainder(draw(n), width))

    def permutation(self, n: int, dtype=I64) -> np.ndarray:
        """0, 1, …, n-1 in random order."""
        partner = np.arange(n, dtype=np.int32)
        if n > 1:
            partner[:-1] += (self.words(n - 1) % np.arange(n, 1, -1, dtype=np.uint32)).view(np.int32)
        return shuffled(partner).astype(dtype, copy=False)

    # ---- transformed uniforms (in float64, whatever the result) --------------------------------------------------

    def bernoulli(self, shape, dtype=F32, p=0.5, out=None) -> np.ndarray:
        """1 with probability p, else 0. An array `p` of this shape holds a probability for each number."""
        if not isinstance(p, np.ndarray):
            # k/2⁵³ < p is k < p·2⁵³, and that product is exact: compare whole numbers.
            limit, bits = np.uint64(math.ceil(p * 2.0**53)), np.uint64(2**53 - 1)
            return self._fill(shape, dtype, out, lambda n: (self.words64(n) & bits) < limit)
        p = p.reshape(-1).astype(_working(p.dtype), copy=False)
        place = iter(range(0, p.size, PIECE))
        return self._fill(shape, dtype, out, lambda n: self._unit(n, p.dtype) < p[(i := next(place)) : i + n])

    def dropout_noise(self, shape, dtype, p: float, out=None) -> np.ndarray:
        """What dropout multiplies with: 0 with probability p < 1, else 1/(1 - p)."""
        noise, work = self.bernoulli(shape, dtype, 1 - p, out=out), _working(dtype).type
        noise *= (work(1) / work(1 - p)).astype(dtype)
        return noise

    def exponential(self, shape, dtype=F32, rate: float = 1.0, out=None) -> np.ndarray:
        """Exponential with this rate: -ln(1 - u) / rate."""
        factor = -1.0 / rate
        return self._fill(shape, dtype, out, lambda n: factor * np.log1p(-self._unit(n, F64)))

    def cauchy(self, shape, dtype=F32, median: float = 0.0, sigma: float = 1.0, out=None) -> np.ndarray:
        """Cauchy: median + sigma·tan π(u - ½)."""
        with np.errstate(over="ignore"):
            tangent = lambda n: np.tan(math.pi * (self._unit(n, F64) - 0.5))
            return self._fill(shape, dtype, out, lambda n: scaled(tangent(n), median, sigma))

    def geometric(self, shape, dtype=F32, p: float = 0.5, out=None) -> np.ndarray:
        """The number of trials up to the first success: ⌈ln u / ln(1 - p)⌉."""
        log_failure = math.log1p(-p)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._fill(shape, dtype, out, lambda n: np.ceil(np.log(self._unit(n, F64)) / log_failure))

    # ---- filling -------------------------------------------------------------------------------------------------

    def _fill(self, shape, dtype, out, draw, half_open=None) -> np.ndarray:
        """An array filled piece by piece with what `draw(n)` makes, rounded to its dtype.

        half_open=(low, high): where rounding reached `high`, which does not belong to the interval, put `low`.
        """
        out = np.empty(shape, dtype) if out is None else out
        flat = out.reshape(-1)
        small = out.dtype.itemsize == 2 and out.dtype.kind in "fV"
        if half_open is not None:
            low, high = np.array(half_open).astype(out.dtype)
        for start in range(0, flat.size, PIECE):
            piece = flat[start : start + PIECE]
            numbers = draw(piece.size)
            if small and numbers.dtype != F32:  # float64 → float32 → float16: rounded twice, as PyTorch does
                numbers = numbers.astype(F32)
            piece[...] = numbers
            if half_open is not None:
                # The bits of the small types can be compared at once, their values only one by one.
                exact = small and high != 0
                piece[piece.view(np.int16) == high.view(np.int16) if exact else piece == high] = low
        return out


def _working(dtype) -> np.dtype:
    """The type in which numbers of a floating dtype are computed."""
    return F64 if dtype == F64 else F32


def _remainder(words: np.ndarray, width: int) -> np.ndarray:
    """words mod width. Dividing by one number is vectorised in NumPy, its remainder is not."""
    if width >= 2 ** (8 * words.itemsize):
        return words
    if width & (width - 1) == 0:
        return words & words.dtype.type(width - 1)
    divisor = words.dtype.type(width)
    return words - words // divisor * divisor
