"""Attention. Every kernel gives the numbers of the library's CPU ops."""

import pytest
from values import HALVES, close, reference, tensor

from course_lib.backends import cuda_kernels as kernels
from course_lib.nn import functional as F


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("causal", [False, True])
def test_attention(make, dtype, causal):
    for heads, queries, keys, width in ((1, 1, 1, 1), (2, 19, 45, 24), (1, 37, 37, 64)):
        q, g = [make(heads, queries, width, dtype=dtype) for _ in "qg"]
        k, v = [make(heads, keys, width, dtype=dtype) for _ in "kv"]
        scale = width**-0.5
        look = lambda q, k, v, s=scale: F.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=s)
        expected = reference(look, q, k, v, g=g)
        out, log_sum = kernels.attention(q, k, v, scale, causal)
        assert close(out, expected.value)
        found = kernels.attention_backward(g, q, k, v, out, log_sum, scale, causal)
        assert all(close(a, b) for a, b in zip(found, expected.grads, strict=True))


def test_attention_with_long_heads(make):
    q, k, v = make(1, 3, 100), make(1, 70, 100), make(1, 70, 100)
    out, _ = kernels.attention(q, k, v, 0.1, False)
    assert close(out, F.scaled_dot_product_attention(tensor(q), tensor(k), tensor(v), scale=0.1))
    with pytest.raises(RuntimeError, match="heads of at most 128 numbers, got 200"):
        kernels.attention(make(1, 3, 200), make(1, 3, 200), make(1, 3, 200), 0.1, False)
