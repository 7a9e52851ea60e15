"""Numbers drawn by trial: Poisson and binomial counts, and categories by their probabilities.

A Poisson or binomial number takes as many uniforms as its trial happens to need, so the next one starts where this one
ended: such rows are made one by one (trials.py says how). Rejection follows Hörmann: "The transformed rejection method
for generating Poisson random variables" (1993) and "The generation of binomial random variates" (1993). Categories
without replacement: the largest of p / exponential, an exponential race (Efraimidis & Spirakis 2006).
"""

from __future__ import annotations

import math

import numpy as np

from .streams import F32, F64, Stream
from .trials import SHORT, draw_row

# ---- Poisson -----------------------------------------------------------------------------------------------------


def poisson(stream: Stream, rates: np.ndarray) -> np.ndarray:
    """A Poisson count for each rate (≥ 0), in the dtype and shape of `rates`."""
    counts = draw_row(stream, poisson_row, [rates.reshape(-1)], saves=7e-7)
    return _rounded(counts, rates)


def poisson_row(rates, numbers, start, uniforms):
    used = 0
    for i in range(start, len(numbers)):
        number, end = one_poisson(rates[i], uniforms, used)
        if end == SHORT:
            return i, used
        numbers[i], used = number, end
    return len(numbers), used


def one_poisson(rate, uniforms, at):
    if rate >= 10:
        return poisson_by_rejection(rate, uniforms, at)
    if rate == 0:
        return 0.0, at
    count, product, limit = -1.0, 1.0, math.exp(-rate)
    while at < len(uniforms):  # waiting times -ln u add up until they pass the rate
        count += 1
        product *= uniforms[at]
        at += 1
        if product <= limit:
            return count, at
    return 0.0, SHORT


def poisson_by_rejection(rate, uniforms, at):
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)
    while at + 2 <= len(uniforms):
        u, v = uniforms[at] - 0.5, uniforms[at + 1]
        at += 2
        us = 0.5 - abs(u)
        if us == 0:  # u = -½ exactly: the transform has its pole here
            continue
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= v_r:
            return float(k), at
        if k < 0 or (us < 0.013 and v > us):
            continue
        density = -rate + k * log_rate - math.lgamma(k + 1)
        if log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b) <= density:
            return float(k), at
    return 0.0, SHORT


# ---- binomial ----------------------------------------------------------------------------------------------------


def binomial(stream: Stream, count: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """The number of successes in `count` trials of probability `prob`, two arrays of one shape and floating dtype."""
    n, p, real = count.reshape(-1), prob.reshape(-1), count.dtype.type
    # What does not change from trial to trial is rounded to the tensor's dtype, as in PyTorch.
    often = p > 0.5  # then the failures are counted
    p = np.where(often, real(1) - p, p)
    failure = real(1) - p
    with np.errstate(all="ignore"):
        constants = [n, p, np.log1p(-p.astype(F64)).astype(real), n * p, np.sqrt(n * p * failure), p / failure,
                     np.floor((n + real(1)) * p)]  # fmt: skip
    successes = draw_row(stream, binomial_row, constants, saves=2.5e-6)
    successes = successes.astype(real)
    return np.where(often & (successes == successes), n - successes, successes).reshape(count.shape)


def binomial_row(n, p, log_failure, mean, deviation, ratio, mode, numbers, start, uniforms):
    used = 0
    for i in range(start, len(numbers)):
        if n[i] != n[i] or p[i] != p[i]:
            number, end = math.nan, used
        elif n[i] <= 0 or p[i] <= 0:
            number, end = 0.0, used
        elif mean[i] >= 10:
            number, end = binomial_by_rejection(n[i], p[i], mean[i], deviation[i], ratio[i], mode[i], uniforms, used)
        else:
            number, end = binomial_by_waiting(n[i], log_failure[i], uniforms, used)
        if end == SHORT:
            return i, used
        numbers[i], used = number, end
    return len(numbers), used


def binomial_by_waiting(n, log_failure, uniforms, at):
    """How often a geometric waiting time fits into n trials."""
    successes, trials = 0.0, 0.0
    while at < len(uniforms):
        trials += math.ceil(log(uniforms[at]) / log_failure)
        at += 1
        if trials > n:
            return successes, at
        successes += 1
    return 0.0, SHORT


def binomial_by_rejection(n, p, mean, deviation, ratio, mode, uniforms, at):
    centre = mean + 0.5
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    alpha = (2.83 + 5.1 / b) * deviation
    v_r = 0.92 - 4.2 / b
    while at + 2 <= len(uniforms):
        u, v = uniforms[at] - 0.5, uniforms[at + 1]
        at += 2
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = float(math.floor((2 * a / us + b) * u + centre))
        if k < 0 or k > n:
            continue
        if us >= 0.07 and v <= v_r:
            return k, at
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (ratio * (n - mode + 1)))
            + (n + 1) * math.log((n - mode + 1) / (n - k + 1))
            + (k + 0.5) * math.log(ratio * (n - k + 1) / (k + 1))
            + stirling_tail(mode) + stirling_tail(n - mode) - stirling_tail(k) - stirling_tail(n - k)
        )  # fmt: skip
        if log(v * alpha / (a / (us * us) + b)) <= bound:
            return k, at
    return 0.0, SHORT


_STIRLING_TAILS = (0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
                   0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273,
                   0.00833056343336287)  # fmt: skip


def stirling_tail(k):
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
    rank = -score.astype(F64 if score.dtype == F64 else F32)
    if 8 * n > rank.shape[-1]:
        return np.argsort(rank, axis=-1, kind="stable")[..., :n]
    chosen = np.empty((len(rank), n), np.int64)
    for row, picked in zip(rank, chosen, strict=True):  # few of many: sort only those that reach the n-th place
        reached = np.flatnonzero(row <= np.partition(row, n - 1)[n - 1])
        picked[:] = reached[np.argsort(row[reached], kind="stable")[:n]]
    return chosen


def log(x):
    """ln x, -inf for 0."""
    return math.log(x) if x > 0 else -math.inf


def _rounded(numbers: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Numbers (float64) in the shape and dtype of an array (a half type by way of float32)."""
    return (numbers if like.dtype == F64 else numbers.astype(F32)).astype(like.dtype).reshape(like.shape)
