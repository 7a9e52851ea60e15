"""Numbers drawn by trial: Poisson and binomial counts, and categories by their probabilities.

A Poisson or binomial number takes as many uniforms as its trial happens to need, so the next one starts where this one
ended: such rows are made one by one, in plain Python, from a supply of uniforms that gives back what was not used.
Rejection follows Hörmann: "The transformed rejection method for generating Poisson random variables" (1993) and "The
generation of binomial random variates" (1993). Categories without replacement: the largest of p / exponential, an
exponential race (Efraimidis & Spirakis 2006).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .streams import F32, F64, Stream

SUPPLY = 4096


class Uniforms:
    """The stream's float64 uniforms as Python floats. On leaving the `with` block, those not used go back."""

    def __init__(self, stream: Stream):
        self.stream = stream

    def __enter__(self) -> Iterator[float]:
        self.bookmark, self.used = self.stream.bookmark(), 0
        return self._supply()

    def _supply(self) -> Iterator[float]:
        while True:
            for uniform in self.stream.uniform((SUPPLY,), F64).tolist():
                self.used += 1
                yield uniform

    def __exit__(self, *exception) -> None:
        self.stream.rewind(self.bookmark, 2 * self.used)


# ---- Poisson -----------------------------------------------------------------------------------------------------


def poisson(stream: Stream, rates: np.ndarray) -> np.ndarray:
    """A Poisson count for each rate (≥ 0), in the dtype and shape of `rates`."""
    with Uniforms(stream) as uniforms:
        counts = [_poisson(rate, uniforms) for rate in rates.astype(F64).reshape(-1).tolist()]
    return _rounded(counts, rates)


def _poisson(rate: float, uniforms: Iterator[float]) -> int:
    if rate >= 10:
        return _poisson_by_rejection(rate, uniforms)
    if rate == 0:
        return 0
    count, product, limit = 0, next(uniforms), math.exp(-rate)
    while product > limit:  # waiting times -ln u add up until they pass the rate
        count += 1
        product *= next(uniforms)
    return count


def _poisson_by_rejection(rate: float, uniforms: Iterator[float]) -> int:
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = next(uniforms) - 0.5, next(uniforms)
        us = 0.5 - abs(u)
        if us == 0:  # u = -½ exactly: the transform has its pole here
            continue
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= v_r:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        density = -rate + k * log_rate - math.lgamma(k + 1)
        if _log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b) <= density:
            return k


# ---- binomial ----------------------------------------------------------------------------------------------------


def binomial(stream: Stream, count: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """The number of successes in `count` trials of probability `prob`, two arrays of one shape and floating dtype."""
    real = count.dtype.type  # PyTorch's coefficients are rounded to the tensor's dtype, and so are these
    with Uniforms(stream) as uniforms:
        pairs = zip(count.reshape(-1), prob.reshape(-1), strict=True)
        successes = [_binomial(n, p, real, uniforms) for n, p in pairs]
    return _rounded(successes, count)


def _binomial(n, p, real, uniforms: Iterator[float]) -> float:
    if math.isnan(p) or math.isnan(n):
        return math.nan
    if n <= 0 or p <= 0:
        return 0
    if p >= 1:
        return n
    if p > 0.5:  # count the failures instead
        return real(n - _binomial(n, real(1.0 - float(p)), real, uniforms))
    if n * p >= 10:
        return _binomial_by_rejection(n, p, real, uniforms)
    return _binomial_by_waiting(float(n), float(real(math.log1p(-float(p)))), uniforms)


def _binomial_by_waiting(n: float, log_failure: float, uniforms: Iterator[float]) -> int:
    """How often a geometric waiting time fits into n trials."""
    successes, trials = 0, 0.0
    while True:
        trials += math.ceil(_log(next(uniforms)) / log_failure)
        if trials > n:
            return successes
        successes += 1


def _binomial_by_rejection(n, p, real, uniforms: Iterator[float]) -> float:
    one, half = real(1), 0.5
    deviation = float(np.sqrt(n * p * (one - p)))
    ratio = float(p / (one - p))
    mode = float(np.floor((n + one) * p))
    centre = float(n * p) + half
    n, p = float(n), float(p)
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    alpha = (2.83 + 5.1 / b) * deviation
    v_r = 0.92 - 4.2 / b
    while True:
        u, v = next(uniforms) - half, next(uniforms)
        us = half - abs(u)
        if us == 0:
            continue
        k = float(real(math.floor((2 * a / us + b) * u + centre)))
        if k < 0 or k > n:
            continue
        if us >= 0.07 and v <= v_r:
            return k
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (ratio * (n - mode + 1)))
            + (n + 1) * math.log((n - mode + 1) / (n - k + 1))
            + (k + 0.5) * math.log(ratio * (n - k + 1) / (k + 1))
            + _stirling_tail(mode) + _stirling_tail(n - mode) - _stirling_tail(k) - _stirling_tail(n - k)
        )  # fmt: skip
        if _log(v * alpha / (a / (us * us) + b)) <= bound:
            return k


_STIRLING_TAILS = (0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
                   0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273,
                   0.00833056343336287)  # fmt: skip


def _stirling_tail(k: float) -> float:
    """ln k! minus Stirling's formula."""
    if k < len(_STIRLING_TAILS):
        return _STIRLING_TAILS[int(k)]
    square = (k + 1) ** 2
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


# ---- categories --------------------------------------------------------------------------------------------------


def choose(stream: Stream, weights: np.ndarray, n: int) -> np.ndarray:
    """`n` categories for each row of `weights` (rows, categories), a category as often as it comes (int64)."""
    work = F64 if weights.dtype == F64 else F32
    chosen = np.empty((len(weights), n), np.int64)
    for row, picked in zip(weights.astype(work), chosen, strict=True):
        cumulative = np.cumsum(row, dtype=work)
        cumulative /= cumulative[-1]
        cumulative[-1] = 1
        picked[:] = np.searchsorted(cumulative.astype(F64), stream.uniform((n,), F64))
    return chosen


def choose_without_replacement(weights: np.ndarray, exponentials: np.ndarray, n: int) -> np.ndarray:
    """`n` different categories for each row, first those that win the race weight / exponential (int64)."""
    score = weights / exponentials
    if n == 1:
        return np.argmax(score, axis=-1, keepdims=True)
    return np.argsort(-score.astype(F64), axis=-1, kind="stable")[..., :n]


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _rounded(numbers: list, like: np.ndarray) -> np.ndarray:
    """Numbers in the shape and dtype of an array (a half type by way of float32)."""
    exact = np.array(numbers, F64)
    return (exact if like.dtype == F64 else exact.astype(F32)).astype(like.dtype).reshape(like.shape)
