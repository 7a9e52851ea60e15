"""Attention over a long sequence: its weights never exist all at once."""

from __future__ import annotations

import tracemalloc

import course_lib as torch

LENGTH, HEADS = 1500, 4
ALL_WEIGHTS = 4 * HEADS * LENGTH * LENGTH  # bytes


def test_memory_grows_with_the_length_only():
    q, k, v = (torch.randn(1, HEADS, LENGTH, 8, requires_grad=True) for _ in range(3))
    tracemalloc.start()
    try:
        out = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        kept = tracemalloc.get_traced_memory()[0]
        out.sum().backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept < ALL_WEIGHTS / 10
    assert peak < ALL_WEIGHTS  # one head after the other, with its scores and their gradient
    assert q.grad.shape == k.grad.shape == v.grad.shape == q.shape
