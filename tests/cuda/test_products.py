"""Products on a GPU at sizes of real layers: with a bias in one launch, and as precise as was asked for."""

import ml_dtypes
import numpy as np
import pytest

import course_lib as torch
from course_lib.backends import cublas_lt, cuda

ON_GPU = cuda.device_count() > 0
SIZES = ((128, 784, 1024), (4096, 384, 1536), (7, 33, 5)) if ON_GPU else ((8, 16, 12), (7, 33, 5))
DTYPES = {"float32": np.dtype("f4"), "float16": np.dtype("f2"), "bfloat16": np.dtype(ml_dtypes.bfloat16)}


def error(found, wanted) -> float:
    """The distance from the right numbers, as a share of their size."""
    found = found.get().astype("f8")
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


@pytest.mark.parametrize("name", DTYPES)
def test_a_bias_comes_with_the_product(name):
    xp, dtype, random = cuda.cupy(), DTYPES[name], np.random.default_rng(0)
    used = cublas_lt._trusted(xp, 0, dtype)
    assert used or not ON_GPU, "cuBLASLt is not used: it is missing, refuses, or gives other numbers"
    for rows, inputs, outputs in SIZES:
        x, weight, bias = [xp.asarray(random.standard_normal(shape).astype(dtype))
                           for shape in ((rows, inputs), (outputs, inputs), (outputs,))]  # fmt: skip
        wanted = x.get().astype("f8") @ weight.get().astype("f8").T + bias.get().astype("f8")
        out = xp.full((rows, outputs), float("nan"), dtype)
        if used and inputs * dtype.itemsize % 16 == 0:
            assert cublas_lt.with_bias(bias, x, weight.T, out)
            assert error(out, wanted) < {"float32": 1e-5, "float16": 1e-3, "bfloat16": 1e-2}[name]
        assert error(cuda.added(bias, x, weight.T), wanted) < 1e-2


def test_float32_is_multiplied_in_float32_unless_tf32_is_allowed():
    random = np.random.default_rng(0)
    size = 512 if ON_GPU else 32
    a, b = [cuda.cupy().asarray(random.standard_normal((size, size)).astype("f4")) for _ in "ab"]
    wanted = a.get().astype("f8") @ b.get().astype("f8")
    assert error(cuda.product(a, b), wanted) < 1e-5 and error(cuda.product(a, b, tf32=True), wanted) < 2e-3
    torch.set_float32_matmul_precision("high")
    try:
        fast = error(cuda.product(a, b), wanted)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert (fast > 1e-5) == (torch.cuda.get_device_capability()[0] >= 8 or not ON_GPU)  # older GPUs have no TF32


def test_long_sums_of_half_precision_keep_small_numbers():
    xp = cuda.cupy()
    a, b = xp.ones((16, 8192), "f2"), xp.ones((8192, 16), "f2")
    assert (cuda.product(a, b) == 8192).all()  # added up in float16, 2048 + 1 would stay 2048
