"""Elementwise kernels: rounding of half precision, activations.

Every kernel gives the numbers of the library's CPU ops.
"""

import ml_dtypes
import numpy as np
import pytest
from values import HALVES, close, reference, tensor

import course_lib as torch
from course_lib.backends import cuda_kernels as kernels
from course_lib.nn import functional as F


def test_half_precision_is_rounded_as_numpy_rounds_it(xp):
    edges = [0.0, -0.0, 1e-8, 6e-8, 3.1e-5, 6.1e-5, 1.0, 1.0004883, 1.0014648, 65504.0, 65519.9, 65520.0, 1e9, -3.3,
             float("inf"), float("nan"), 3.3895e38]  # fmt: skip
    values = np.array(edges, "f4")
    with np.errstate(over="ignore"):
        for dtype in (np.float16, ml_dtypes.bfloat16):
            x = xp.asarray(values.astype(dtype))
            same = kernels.activation("relu", x).get().astype("f4")
            assert np.array_equal(same, np.maximum(values.astype(dtype).astype("f4"), 0), equal_nan=True)
            sums = kernels.reduce("largest", xp.asarray(values.astype(dtype)[:, None]), (1,))
            assert np.array_equal(sums.get().astype("f4"), values.astype(dtype).astype("f4"), equal_nan=True)


ACTIVATIONS = {"relu": torch.relu, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
               "silu": F.silu, "sigmoid": torch.sigmoid, "hyperbolic": torch.tanh}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(make, name, dtype):
    for n in (1, 7, 1029):
        x, g = make(n, dtype=dtype, scale=2), make(n, dtype=dtype)
        expected = reference(ACTIVATIONS[name], x, g=g)
        assert close(kernels.activation(name, x), expected.value)
        at = kernels.activation(name, x) if name in ("sigmoid", "hyperbolic") else x  # what forward keeps
        assert close(kernels.activation_backward(name, g, at), expected.grads[0])


def test_elements_that_do_not_start_at_sixteen_bytes(make):
    x = make(101)[1:]
    assert close(kernels.activation("silu", x), reference(F.silu, x).value)


def test_add_product(make):
    x, y, z = make(5, 3), make(5, 3), make(5, 3)
    assert close(kernels.add_product(x, y, z, 0.5), torch.addcmul(tensor(x), tensor(y), tensor(z), value=0.5))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", ["relu", "gelu", "gelu_tanh", "silu"])
def test_bias_and_activation(make, name, dtype):
    x, bias, g = make(13, 37, dtype=dtype), make(37, dtype=dtype), make(13, 37, dtype=dtype)
    expected = reference(lambda x, b: ACTIVATIONS[name](x + b), x, bias, g=g)
    assert close(kernels.bias_activation(name, x, bias), expected.value)
    by_x = kernels.bias_activation_backward(name, g, x, bias)
    assert close(by_x, expected.grads[0])
    assert close(kernels.sum_columns(by_x), expected.grads[1])
