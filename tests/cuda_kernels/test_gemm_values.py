"""Products of matrices on a GPU, and a layer's bias: all dtypes and layouts against float64."""

import itertools

import ml_dtypes
import numpy as np
import pytest
import values
from values import HALVES, reference

from course_lib.backends import cuda, cuda_gemm
from course_lib.backends import cuda_kernels as kernels
from course_lib.nn import functional as F

EXACT = {"float16": 2e-3, "bfloat16": 1e-2, "float32": 1e-5, "float64": 1e-13, "complex64": 1e-5, "complex128": 1e-13}
LAYOUTS = ["rows", "columns", "gaps", "steps", "moved batch", "expanded"]
DTYPES = ["float16", ml_dtypes.bfloat16, "float32", "float64", "complex64", "complex128"]


def elements(shape, dtype) -> np.ndarray:
    """Random numbers of a dtype, complex ones too; of one shape always the same."""
    random = np.random.default_rng(list(shape))
    made = random.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        made = made + 1j * random.standard_normal(shape)
    return made.astype(dtype)


def laid_out(xp, shape, dtype, how: str):
    """An array of the device whose elements lie in memory in one way or another."""
    *batch, rows, columns = shape
    if how == "columns":
        return xp.asarray(elements((*batch, columns, rows), dtype)).swapaxes(-1, -2)
    if how == "gaps":
        whole = xp.asarray(elements([n + 1 for n in shape], dtype))
        return whole[tuple([slice(n) for n in shape])]
    if how == "steps":
        return xp.asarray(elements([2 * n for n in shape], dtype))[tuple([slice(None, None, 2)] * len(shape))]
    if how == "moved batch":  # (b, n, k) lies as (n, b, k), as the heads of attention do
        return xp.moveaxis(xp.asarray(elements((rows, *batch, columns), dtype)), 0, -2)
    if how == "expanded":
        return xp.broadcast_to(xp.asarray(elements((1,) * len(batch) + (rows, columns), dtype)), shape)
    return xp.asarray(elements(shape, dtype))


def expected(a, b, dtype, before=0, alpha=1, beta=0) -> np.ndarray:
    wide = np.complex128 if np.dtype(dtype).kind == "c" else np.float64
    return alpha * (a.get().astype(wide) @ b.get().astype(wide)) + (beta * before if beta else 0)


def close(found, wanted) -> bool:
    tolerance = EXACT[found.dtype.name]
    host = found.get().astype(wanted.dtype)
    return host.shape == wanted.shape and np.allclose(host, wanted, tolerance, tolerance * 4, equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_all_layouts(xp, dtype):
    for batch in ((), (3,), (2, 3)):
        for left, right in itertools.product(LAYOUTS, LAYOUTS):
            a = laid_out(xp, (*batch, 4, 5), dtype, left)
            b = laid_out(xp, (*batch, 5, 2), dtype, right)
            made = cuda.product(a, b)
            assert made.flags.c_contiguous and made.dtype == dtype
            assert close(made, expected(a, b, dtype)), (batch, left, right)


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64"])
@pytest.mark.parametrize("layout", LAYOUTS[:5])
def test_into_an_array_that_is_there(xp, layout, dtype):
    for batch, alpha, beta in itertools.product(((), (2,)), (1, 0.5), (0, 1, -2)):
        a, b = xp.asarray(elements((*batch, 3, 4), dtype)), xp.asarray(elements((*batch, 4, 5), dtype))
        out = laid_out(xp, (*batch, 3, 5), dtype, layout)
        if beta == 0:
            out.fill(float("nan"))
        before = out.get()
        assert cuda.product(a, b, out, alpha=alpha, beta=beta) is out
        assert close(out, expected(a, b, dtype, before, alpha, beta)), (batch, alpha, beta)


@pytest.mark.parametrize(("a", "b"), [
    ((4, 5), (5, 3)), ((1, 5), (5, 3)), ((4, 5), (5, 1)), ((4, 1), (1, 3)), ((1, 1), (1, 1)), ((2, 4, 5), (5, 3)),
    ((2, 4, 5), (1, 5, 3)), ((4, 5), (2, 5, 3)), ((2, 3, 4, 5), (3, 5, 2)), ((2, 1, 4, 5), (3, 5, 2)),
    ((5, 1, 2, 3), (1, 6, 3, 2)), ((0, 4, 5), (5, 3)), ((4, 0), (0, 3)), ((2, 4, 0), (0, 3)), ((0, 5), (5, 3)),
    ((4, 5), (5, 0)), ((2, 1, 0, 5), (3, 5, 2)),
])  # fmt: skip
def test_sizes_and_broadcasting(xp, a, b):
    a, b = xp.asarray(elements(a, "f4")), xp.asarray(elements(b, "f4"))
    assert close(cuda.product(a, b), expected(a, b, "f4"))


def test_nothing_to_add_up_leaves_what_was_there_times_beta(xp):
    a, b, out = xp.ones((2, 0), "f4"), xp.ones((0, 3), "f4"), xp.full((2, 3), 4.0, "f4")
    assert cuda.product(a, b, out, beta=0.5).get().tolist() == [[2.0] * 3] * 2
    out.fill(float("nan"))
    assert cuda.product(a, b, out).get().tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_inner_products(xp, dtype):
    a, b = xp.asarray(elements((30,), dtype))[::3], xp.asarray(elements((10,), dtype))
    assert close(cuda.inner(a, b), expected(a, b, dtype))
    assert xp.cuda.cublas.getPointerMode(xp.cuda.device.get_cublas_handle()) == 0
    assert cuda.inner(a[:0], b[:0]).get() == 0


def test_sizes_beyond_32_bits_are_an_error():
    with pytest.raises(RuntimeError, match="32 bits, and got 2147483648"):
        cuda_gemm._plan((2**31, 1), (4, 4), (1, 1), (4, 4), (2**31, 1), (4, 4), 4)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("columns", [16, 37])  # rows of whole pieces of 16 bytes, and others
def test_a_bias_for_all_rows(make, dtype, columns):
    bias, x, g = make(columns, dtype=dtype), make(5, columns, dtype=dtype), make(5, columns, dtype=dtype)
    assert (kernels.bias_rows(bias, x.copy()).get() == bias.get()).all()
    wanted = reference(lambda x, bias: F.gelu(x + bias), x, bias, g=g)
    assert values.close(kernels.bias_activation("gelu", x, bias), wanted.value)
    assert values.close(kernels.bias_activation_backward("gelu", g, x, bias), wanted.grads[0])
