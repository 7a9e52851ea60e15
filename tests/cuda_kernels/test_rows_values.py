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


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm(make, dtype, affine):
    for rows, n in ((1, 2), (5, 33), (70, 64), (3, 700)):
        x, g = make(rows, n, dtype=dtype), make(rows, n, dtype=dtype)
        x += 3
        weight, bias = [make(n, dtype=dtype) if affine else None for _ in "ab"]
        expected = reference(lambda x, w, b, n=n: F.layer_norm(x, (n,), w, b), x, weight, bias, g=g)
        y, mean, rate = kernels.layer_norm(x, weight, bias, n, 1e-5)
        assert close(y, expected.value)
        assert close(mean, tensor(x).mean(1))
        assert close(kernels.norm_backward(g, x, weight, mean, rate, n), expected.grads[0])
        if affine:
            by_weight, by_bias = kernels.norm_parameters_backward(g, x, mean, rate, n)
            assert close(by_weight, expected.grads[1]) and close(by_bias, expected.grads[2])


@pytest.mark.parametrize("dtype", HALVES)
def test_rms_norm(make, dtype):
    for rows, n in ((1, 1), (5, 33), (3, 700)):
        x, weight, g = make(rows, n, dtype=dtype), make(n, dtype=dtype), make(rows, n, dtype=dtype)
        expected = reference(lambda x, w, n=n: F.rms_norm(x, (n,), w, 1e-6), x, weight, g=g)
        y, rate = kernels.rms_norm(x, weight, n, 1e-6)
        assert close(y, expected.value)
        assert close(kernels.norm_backward(g, x, weight, None, rate, n), expected.grads[0])
        assert close(kernels.norm_parameters_backward(g, x, None, rate, n)[0], expected.grads[1])


@pytest.mark.parametrize("dtype", HALVES)
def test_batch_norm(make, dtype):
    for shape in ((5, 3), (2, 4, 7), (3, 2, 9, 11)):
        x, g = make(*shape, dtype=dtype), make(*shape, dtype=dtype)
        x -= 2
        weight, bias = make(shape[1], dtype=dtype), make(shape[1], dtype=dtype)
        expected = reference(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), x, weight, bias, g=g)
        y, mean, rate = kernels.batch_norm(x, weight, bias, 1e-5)
        assert close(y, expected.value)
        found = kernels.batch_norm_backward(g, x, weight, mean, rate)
        assert all(close(a, b, dtype) for a, b in zip(found, expected.grads, strict=True))
