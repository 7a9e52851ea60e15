"""Attention over long sequences: the weights of a few heads at a time, in memory that is used again.

All weights together grow with the square of the length. So forward keeps only the logarithm of each row's sum of
exponentials, and backward computes the weights once more from it: Rabe & Staats (2021), arXiv:2112.05682; Dao et al.
(2022), arXiv:2205.14135. Arrays are (…, length, width); masks are numbers to add, or True where a query may look.
"""

from __future__ import annotations

import itertools
import math

KEPT = 1 << 20  # so many weights may be kept for backward
AT_ONCE, AT_ONCE_ON_GPU = 1 << 16, 1 << 26  # so many are computed at once: what a cache holds, what fills a GPU


def pays(q, k, v, mask) -> bool:
    """Whether there are more weights than shall be kept; only a mask may broadcast, and only to them."""
    weights = (*q.shape[:-1], k.shape[-2])
    if math.prod(weights) <= KEPT or not q.shape[:-2] == k.shape[:-2] == v.shape[:-2]:
        return False
    return mask is None or (mask.ndim <= q.ndim and all(m in (1, n) for m, n in zip(mask.shape[::-1], weights[::-1])))


def forward(xp, q, k, v, mask, scale: float, causal: bool):
    """The result, and for each query the logarithm of its sum of exponentials."""
    made = xp.empty((*q.shape[:-1], v.shape[-1]), q.dtype)
    log_sums = xp.empty((*q.shape[:-1], 1), q.dtype)
    for place, scores in _scores(xp, q, k, mask, scale, causal):
        high = xp.max(scores, axis=-1, keepdims=True)
        high[high == -math.inf] = 0  # a query that may look nowhere gets zeros
        scores -= high
        xp.exp(scores, out=scores)
        total = xp.add.reduce(scores, axis=-1, keepdims=True)
        total[total == 0] = 1
        made[place] = xp.matmul(scores, v[place]) / total
        log_sums[place] = high + xp.log(total)
    return made, log_sums


def gradients(xp, by_made, q, k, v, mask, made, log_sums, scale: float, causal: bool) -> tuple:
    """The gradients of q, k and v."""
    by_q, by_k, by_v = xp.empty(q.shape, q.dtype), xp.empty(k.shape, q.dtype), xp.empty(v.shape, q.dtype)
    through_sums = xp.add.reduce(by_made * made, axis=-1, keepdims=True)
    for place, weights in _scores(xp, q, k, mask, scale, causal):
        weights -= log_sums[place]
        xp.exp(weights, out=weights)
        by_v[place] = xp.matmul(weights.swapaxes(-1, -2), by_made[place])
        by_scores = xp.matmul(by_made[place], v[place].swapaxes(-1, -2))
        by_scores -= through_sums[place]
        by_scores *= weights
        by_q[place] = xp.matmul(by_scores, k[place])
        by_k[place] = xp.matmul(by_scores.swapaxes(-1, -2), q[place])
    by_q *= scale
    by_k *= scale
    return by_q, by_k, by_v


def _scores(xp, q, k, mask, scale: float, causal: bool):
    """For a few heads after the other: where they stand, and their scores, in one array that is used again."""
    batch, shape = q.shape[:-2], (q.shape[-2], k.shape[-2])
    later = xp.triu(xp.full(shape, -math.inf, q.dtype), 1) if causal else None
    if mask is not None:
        mask = mask if mask.dtype.kind != "b" else xp.where(mask, 0, q.dtype.type(-math.inf))
        mask = xp.broadcast_to(mask, (*batch, *shape))
    at_once = AT_ONCE if xp.__name__ == "numpy" else AT_ONCE_ON_GPU
    count = max(1, min(at_once // math.prod(shape), batch[-1] if batch else 1))
    room = xp.empty((count, *shape), q.dtype)
    for place in _places(batch, count):
        few = q[place]
        scores = room[: len(few)] if batch else room[0]
        xp.matmul(few * q.dtype.type(scale), k[place].swapaxes(-1, -2), out=scores)
        if causal:
            scores += later
        if mask is not None:
            scores += mask[place]
        yield place, scores


def _places(batch: tuple, count: int):
    """Indices of `count` neighbours along the last batch dimension; one index of everything where there is none."""
    if not batch:
        return [...]
    starts = range(0, batch[-1], count)
    return [(*lead, slice(s, s + count)) for lead in itertools.product(*map(range, batch[:-1])) for s in starts]
