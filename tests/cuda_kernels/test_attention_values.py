"""Attention. Every kernel gives the numbers of the library's CPU ops."""

import numpy as np
import pytest
from values import HALVES, close, reference, tensor

from course_lib.backends import cuda_kernels as kernels
from course_lib.backends.cuda_kernels.attention import has_tensor_cores
from course_lib.nn import functional as F


@pytest.fixture
def settings_of_plans(monkeypatch):
    """Change what plans are made with; none is kept."""
    plans = has_tensor_cores.__wrapped__.__globals__
    plans["_made_plan"].cache_clear()
    yield lambda name, value: monkeypatch.setitem(plans, name, value)
    plans["_made_plan"].cache_clear()


@pytest.fixture(params=["by tensor cores", "by threads"])
def ways(request, xp, settings_of_plans):
    """Both ways of computing, whichever the GPU would go. (A real one is not asked for tensor cores that it lacks.)"""
    by_cores = request.param == "by tensor cores"
    if not by_cores or xp.__name__ != "cupy":
        settings_of_plans("has_tensor_cores", lambda *gpu_and_dtype: by_cores)


def check(make, dtype, q, k, v, mask=None, **settings):
    """Forward and backward against the CPU's op, for arrays of these shapes."""
    q, k, v = [make(*shape, dtype=dtype) for shape in (q, k, v)]
    g = make(*q.shape[:-1], v.shape[-1], dtype=dtype)
    scale, causal, shared = 0.3, settings.get("causal", False), settings.get("shared", 1)
    added = None if mask is None else tensor(mask).detach()
    look = lambda q, k, v: F.scaled_dot_product_attention(
        q, k, v, added, is_causal=causal, scale=scale, enable_gqa=shared > 1
    )
    expected = reference(look, q, k, v, g=g)
    out, log_sum = kernels.attention(q, k, v, mask, scale=scale, **settings)
    assert close(out, expected.value) and out.dtype == q.dtype and log_sum.dtype == np.float32
    found = kernels.attention_backward(g, q, k, v, mask, out, log_sum, scale=scale, **settings)
    assert all(close(a, b) for a, b in zip(found, expected.grads, strict=True))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("causal", [False, True])
def test_attention(make, ways, dtype, causal):
    for heads, queries, keys, width in ((1, 1, 1, 1), (2, 19, 45, 24), (1, 70, 37, 64), (1, 37, 150, 64)):
        check(make, dtype, (heads, queries, width), (heads, keys, width), (heads, keys, width), causal=causal)


def test_two_strips_of_queries_a_warp(xp, make, settings_of_plans):
    """What is done where there are many queries: more than a test wants to wait for."""
    settings_of_plans("processors", lambda *gpu: (0, 0))
    for causal in (False, True):
        check(make, "float16", (1, 150, 64), (1, 140, 64), (1, 140, 64), causal=causal)


@pytest.mark.parametrize(("dtype", "width"), [("float32", 100), ("float32", 128), ("float32", 256), ("float16", 128),
                                              ("float16", 200)])  # fmt: skip
def test_long_heads(make, width, dtype):
    check(make, dtype, (1, 33, width), (1, 67, width), (1, 67, width), causal=True)


def test_values_of_another_width(make):
    check(make, "float32", (2, 9, 40), (2, 11, 40), (2, 11, 7))
    check(make, "float16", (9, 3), (11, 3), (11, 70))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_heads_of_keys_are_shared(make, dtype):
    check(make, dtype, (2, 6, 35, 16), (2, 2, 35, 16), (2, 2, 35, 16), shared=3, causal=True)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_masks_are_read_where_they_lie(xp, make, dtype):
    shape = (2, 3, 34, 16)
    for size in ((34, 34), (2, 1, 1, 34), (3, 34, 1), (2, 3, 34, 34)):
        numbers = make(*size, dtype=dtype)
        check(make, dtype, shape, shape, shape, mask=numbers)
        look = make(*size).get() > 0
        look[..., 0, :] = False  # a query that may look nowhere, or all of them
        check(make, dtype, shape, shape, shape, mask=xp.asarray(look))
    transposed = xp.asarray(make(34, 34).get() > 0).T
    check(make, dtype, shape, shape, shape, mask=transposed)


def test_a_blind_query_gets_zeros_and_moves_nothing(xp, make):
    q = k = v = make(1, 5, 8)
    mask = np.zeros((5, 5), "f4")
    mask[3] = -np.inf
    out, log_sum = kernels.attention(q, k, v, xp.asarray(mask), scale=1.0)
    assert (out.get()[0, 3] == 0).all() and log_sum.get().reshape(-1)[3] == np.inf
    by_q, by_k, _ = kernels.attention_backward(make(1, 5, 8), q, k, v, xp.asarray(mask), out, log_sum, scale=1.0)
    assert (by_q.get()[0, 3] == 0).all() and np.isfinite(by_k.get()).all()


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_nan_and_infinity_go_on(xp, make, settings_of_plans, dtype):
    """A NaN in a query spoils its row, in a key all rows that look at it; a score of -inf counts nothing."""
    if dtype == "float32":  # three products in TF32 make NaN of infinity
        settings_of_plans("has_tensor_cores", lambda *gpu_and_dtype: False)
    q, k, v = [make(1, 40, 16, dtype=dtype).get() for _ in "qkv"]
    q[0, 2, 3] = np.nan
    k[0, 37, 0] = np.nan
    out, _ = kernels.attention(*[xp.asarray(a) for a in (q, k, v)], scale=1.0, causal=True)
    spoilt = np.isnan(out.get().astype("f4")).any(-1)[0]
    assert spoilt.tolist() == [row == 2 or row >= 37 for row in range(40)]
    k[0, 37, 0] = -np.inf
    q[..., 0] = np.abs(q[..., 0]) + 1
    q[0, 2, 3] = 0
    without = np.delete(k, 37, 1), np.delete(v, 37, 1)
    found, _ = kernels.attention(*[xp.asarray(a) for a in (q, k, v)], scale=1.0)
    expected, _ = kernels.attention(*[xp.asarray(a) for a in (q, *without)], scale=1.0)
    assert close(found, expected.get().astype("f8"))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_large_scores_do_not_overflow(make, dtype):
    q, k, v = [make(1, n, 16, dtype=dtype, scale=scale) for n, scale in ((20, 30), (40, 30), (40, 1))]
    look = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=1.0)
    out, _ = kernels.attention(q, k, v, scale=1.0)
    assert close(out, reference(look, q, k, v).value, "float16")


@pytest.mark.parametrize(("dtype", "width"), [("float32", 32), ("float16", 32), ("float16", 128)])
def test_dropout(make, ways, dtype, width):
    """Backward drops the weights that forward dropped, whatever its tiles are."""
    q, k, v, g = [make(1, 2, 67, width, dtype=dtype) for _ in range(4)]
    drop, settings = (0.25, 7, 12), {"scale": 0.1, "causal": True}
    noise = kernels.attention_noise(q, k, drop=drop)
    factors = (noise.get() > 0) / 0.75
    assert close(noise, factors) and abs((factors == 0).mean() - 0.25) < 0.02

    def look(q, k, v):
        scores = (q @ k.mT * 0.1).masked_fill(q.new_ones(67, 67).triu(1) == 1, -np.inf)
        return scores.softmax(-1) * q.new_tensor(factors) @ v

    expected = reference(look, q, k, v, g=g)
    out, log_sum = kernels.attention(q, k, v, drop=drop, **settings)
    assert close(out, expected.value)
    found = kernels.attention_backward(g, q, k, v, None, out, log_sum, drop=drop, **settings)
    assert all(close(a, b) for a, b in zip(found, expected.grads, strict=True))
    assert (kernels.attention_noise(q, k, drop=(0.25, 7, 16)).get() != noise.get()).any()


def test_what_the_kernels_take(xp, make):
    takes = kernels.attention.takes
    q, long, none = make(2, 3, 8), make(2, 3, 300), make(2, 0, 8)
    assert takes(q, q, q) and takes(q, q, q, xp.asarray(np.ones((3, 3), bool)))
    assert not takes(long, long, long) and not takes(q, none, none)
    assert not takes(q, q, q, xp.asarray(np.ones((4, 2, 3, 3), bool))) and not takes(q, q[:, :1], q[:, :1], q[..., :3])
    assert not takes(q, q, make(2, 3, 8, dtype="float16")) and not takes(*[make(2, 3, 8, dtype="float64")] * 3)
