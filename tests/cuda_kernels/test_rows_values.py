"""Kernels that work on rows: softmax, cross entropy, norms. Every kernel gives the numbers of the library's CPU ops."""

import numpy as np
import pytest
from values import HALVES, LENGTHS, close, reference, tensor

import course_lib as torch
from course_lib.backends import cuda_kernels as kernels
from course_lib.nn import functional as F


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(make, name, dtype):
    for shape, dim in [((3, n), 1) for n in LENGTHS] + [((4, 33, 5), 1), ((40, 6), 0)]:
        x, g = make(*shape, dtype=dtype, scale=3), make(*shape, dtype=dtype)
        expected = reference(lambda x, dim=dim: getattr(torch, name)(x, dim), x, g=g)
        y = getattr(kernels, name)(x, dim)
        assert close(y, expected.value)
        assert close(getattr(kernels, f"{name}_backward")(g, y, dim), expected.grads[0])


def test_long_rows_are_taken_in_chunks(make):
    x = make(2, 9003, scale=3)
    assert close(kernels.softmax(x, 1), torch.softmax(tensor(x), 1))
    x[:, :8192] -= 300  # the maximum comes last: what was added up before is scaled down
    x[0, :8192] = float("-inf")
    assert close(kernels.softmax(x, 1), torch.softmax(tensor(x), 1))
    assert close(kernels.log_softmax(x, 1), torch.log_softmax(tensor(x), 1))


def test_arrays_that_do_not_start_at_a_multiple_of_16_bytes(make):
    x = make(64 * 3 + 1)[1:].reshape(3, 64)
    assert close(kernels.softmax(x, 1), torch.softmax(tensor(x), 1))


def test_softmax_of_infinite_numbers(xp):
    inf = float("inf")
    rows = np.array([[-inf, 0.0, -inf, 1.0], [-inf] * 4, [inf, 0.0, 1.0, 2.0], [float("nan"), 0.0, 1.0, 2.0],
                     [1e4, 1e4, -1e4, 0.0]], "f4")  # fmt: skip
    with np.errstate(invalid="ignore"):
        assert close(kernels.softmax(xp.asarray(rows), 1), torch.softmax(torch.tensor(rows), 1))
        assert close(kernels.log_softmax(xp.asarray(rows), 1), torch.log_softmax(torch.tensor(rows), 1))


@pytest.mark.parametrize("dtype", HALVES)
def test_cross_entropy(xp, make, dtype):
    for rows, classes in ((1, 2), (7, 33), (5, 300)):
        scores, g = make(rows, classes, dtype=dtype, scale=3), make(rows, dtype=dtype)
        target = xp.asarray(np.arange(rows) * 5 % classes)
        target[rows // 2] = -100
        expected = reference(lambda s, t: F.cross_entropy(s, t, reduction="none"), scores, target, g=g)
        loss, log_sum, divisor = kernels.cross_entropy(scores, target, None, -100, "none")
        assert close(loss, expected.value) and divisor is None
        found = kernels.cross_entropy_backward(g, scores, target, None, log_sum, None, -100)
        assert close(found, expected.grads[0])


ALL, X_ONLY = (True, True, True), (True, False, False)


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm(make, dtype, affine):
    for rows, n in ((1, 2), (5, 33), (70, 64), (3, 700), (300, 8), (2, 4100), (2, 9001)):
        x, g = make(rows, n, dtype=dtype), make(rows, n, dtype=dtype)
        x += 3
        weight, bias = [make(n, dtype=dtype) if affine else None for _ in "ab"]
        expected = reference(lambda x, w, b, n=n: F.layer_norm(x, (n,), w, b), x, weight, bias, g=g)
        y, mean, rate = kernels.layer_norm(x, weight, bias, n, 1e-5)
        assert close(y, expected.value)
        assert close(mean, tensor(x).mean(1))
        needed = ALL if affine else X_ONLY
        found = kernels.layer_norm_backward(g, x, weight, mean, rate, (n,), needed, x.dtype)
        assert close(found[0], expected.grads[0])
        if affine:
            assert close(found[1], expected.grads[1], dtype) and close(found[2], expected.grads[2], dtype)
            alone = kernels.layer_norm_backward(g, x, weight, mean, rate, (n,), (False, True, False), x.dtype)
            assert alone[0] is alone[2] is None and close(alone[1], expected.grads[1], dtype)


def test_a_large_mean_does_not_cost_digits(make):
    """Mean of squares minus square of the mean would be off by more than the variance."""
    for rows, n in ((4, 64), (3, 1000), (2, 20000)):
        x = make(rows, n)
        x += 3000
        _, mean, rate = kernels.layer_norm(x, None, None, n, 0.0)
        exact = x.get().astype("f8")
        assert np.allclose(rate.get(), exact.std(1) ** -1, 1e-5) and np.allclose(mean.get(), exact.mean(1), 1e-6)
        _, mean, rate = kernels.batch_norm(x.reshape(1, rows, n), None, None, 0.0)
        assert np.allclose(rate.get(), exact.std(1) ** -1, 1e-5) and np.allclose(mean.get(), exact.mean(1), 1e-6)
        _, mean, rate = kernels.batch_norm(x.T.copy(), None, None, 0.0)
        assert np.allclose(rate.get(), exact.std(1) ** -1, 1e-5) and np.allclose(mean.get(), exact.mean(1), 1e-6)


@pytest.mark.parametrize("dtype", HALVES)
def test_rms_norm(make, dtype):
    for rows, n in ((1, 1), (5, 33), (3, 700), (2, 9001)):
        x, weight, g = make(rows, n, dtype=dtype), make(n, dtype=dtype), make(rows, n, dtype=dtype)
        expected = reference(lambda x, w, n=n: F.rms_norm(x, (n,), w, 1e-6), x, weight, g=g)
        y, rate = kernels.rms_norm(x, weight, n, 1e-6)
        assert close(y, expected.value)
        found = kernels.layer_norm_backward(g, x, weight, None, rate, (n,), (True, True, False), x.dtype)
        assert close(found[0], expected.grads[0]) and close(found[1], expected.grads[1], dtype)


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
def test_group_norm(make, dtype):
    for shape, groups in (((3, 4), 2), ((2, 6, 5), 3), ((3, 4, 2, 4), 2), ((2, 2, 90, 51), 1), ((2, 4, 8), 4)):
        x, g = make(*shape, dtype=dtype), make(*shape, dtype=dtype)
        weight, bias = make(shape[1], dtype=dtype), make(shape[1], dtype=dtype)
        expected = reference(lambda x, w, b, n=groups: F.group_norm(x, n, w, b), x, weight, bias, g=g)
        y, mean, rate = kernels.group_norm(x, weight, bias, groups, 1e-5)
        assert close(y, expected.value)
        found = kernels.group_norm_backward(g, x, weight, mean, rate, groups, ALL, x.dtype)
        assert all(close(a, b, dtype) for a, b in zip(found, expected.grads, strict=True))


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
@pytest.mark.parametrize("last", [False, True])
def test_batch_norm(make, dtype, last):
    """Channels that one block has for itself, and channels that blocks share."""
    for shape in ((5, 3), (70, 40), (2, 4, 7), (3, 2, 9, 12), (3, 2, 9, 11), (2, 2, 2, 80, 64), (3, 1, 90, 91)):
        x, g = make(*shape, dtype=dtype), make(*shape, dtype=dtype)
        x -= 2
        if last:
            x, g = [a.transpose(0, *range(2, a.ndim), 1).copy().transpose(0, a.ndim - 1, *range(1, a.ndim - 1))
                    for a in (x, g)]  # fmt: skip
        weight, bias = make(shape[1], dtype=dtype), make(shape[1], dtype=dtype)
        expected = reference(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), x, weight, bias, g=g)
        y, mean, rate = kernels.batch_norm(x, weight, bias, 1e-5)
        assert close(y, expected.value) and y.flags.c_contiguous == x.flags.c_contiguous
        found = kernels.batch_norm_backward(g, x, weight, mean, rate, dtype=x.dtype)
        assert all(close(a, b, dtype) for a, b in zip(found, expected.grads, strict=True))
