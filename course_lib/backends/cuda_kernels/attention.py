"""Scaled dot-product attention without the matrix of weights, forward and backward."""

from __future__ import annotations

from ..kernels.loading import launch
from ._new import like, sums


def attention(q, k, v, scale: float, causal: bool):
    """softmax(q · kᵀ · scale) · v for q (heads, L, E), k and v (heads, S, E), E ≤ 128; and log Σ exp of each query."""
    heads, queries, width = q.shape
    out, log_sum = like(q), sums(q, (heads, queries))
    launch("attention", "attention_forward", q, (-(-queries // 16), heads), (128,), q, k, v, out, log_sum, queries,
           k.shape[1], width, float(scale), causal, HEAD=_head(width))  # fmt: skip
    return out, log_sum


def attention_backward(g, q, k, v, out, log_sum, scale: float, causal: bool):
    """The gradients by q, k and v."""
    heads, queries, width = q.shape
    keys, head = k.shape[1], _head(width)
    balance, by_q, by_k, by_v = sums(q, (heads, queries)), like(q), like(k), like(v)
    rest = (queries, keys, width, float(scale), causal)
    launch("attention", "attention_balance", q, (-(-heads * queries // 4),), (128,), g, out, balance, heads * queries,
           width, HEAD=head)  # fmt: skip
    launch("attention", "attention_by_query", q, (-(-queries // 8), heads), (128,), g, q, k, v, log_sum, balance, by_q,
           *rest, HEAD=head)  # fmt: skip
    launch("attention", "attention_by_key", k, (-(-keys // 8), heads), (128,), g, q, k, v, log_sum, balance, by_k,
           by_v, *rest, HEAD=head)  # fmt: skip
    return by_q, by_k, by_v


def _head(width: int) -> int:
    """The smallest length of rows that the kernels are compiled for."""
    for head in (32, 64, 128):
        if width <= head:
            return head
    raise RuntimeError(f"The CUDA kernel of attention takes heads of at most 128 numbers, got {width}")
