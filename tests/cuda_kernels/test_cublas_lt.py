"""A layer's bias in one launch with the product: what cuBLASLt is told, checked by a strict one on the processor."""

import ctypes
from pathlib import Path

import cublas_on_numpy
import cupy_on_numpy
import kernels_on_host
import numpy as np
import pytest
from values import both

import course_lib as torch
from course_lib.backends import cublas_lt, cuda
from course_lib.nn import functional as F


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """cublas_lt.cpp as a library."""
    path = tmp_path_factory.mktemp("cublas_lt") / "lt.so"
    source = Path(__file__).with_name("cublas_lt.cpp").read_text(encoding="utf-8")
    kernels_on_host._run([kernels_on_host.compiler(), "-std=c++17", "-O1", "-shared", "-fPIC", "-x", "c++", "-", "-o",
                          str(path)], source)  # fmt: skip
    return cublas_lt.typed(ctypes.CDLL(str(path)))


@pytest.fixture
def lt(xp, compiled, monkeypatch):
    """How often cuBLASLt multiplied, as a function; the small product that decides whether it is used not counted."""
    monkeypatch.setattr(cublas_lt, "library", lambda module: compiled)
    monkeypatch.setattr(cublas_lt, "_MINE", cublas_lt._Mine())
    monkeypatch.setattr(xp.cuda, "alloc", lambda size: cupy_on_numpy.ndarray(size, "u1").data, raising=False)
    calls = ctypes.c_int.in_dll(compiled, "calls")
    for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
        F.linear(*[torch.ones(shape, dtype=dtype, device="cuda") for shape in ((2, 2), (2, 2), (2,))])
    calls.value = 0
    cublas_on_numpy.CALLS.clear()
    return lambda: calls.value


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_linear(lt, launched, dtype):
    torch.manual_seed(0)
    x, weight, bias = [torch.randn(shape, dtype=dtype) for shape in ((2, 3, 8), (4, 8), (4,))]
    tolerance = {torch.float32: 1e-5, torch.float64: 1e-6}.get(dtype, 3e-2)
    for a, b in zip(*both(F.linear, x, weight, bias), strict=True):
        assert np.allclose(a, b, tolerance, tolerance)
    forward = [name for name in launched if name == "bias_rows"]
    if dtype is torch.float16:  # which this one refuses, so that the bias is laid out for cuBLAS
        assert lt() == 0 and len(forward) == 1 and len(cublas_on_numpy.CALLS) == 3
    else:
        assert lt() == 1 and not forward and len(cublas_on_numpy.CALLS) == 2  # those of backward


def test_other_layouts_and_other_biases(lt):
    torch.manual_seed(0)
    x, weight, bias = [torch.randn(shape, device="cuda") for shape in ((6, 8), (4, 8), (4,))]
    expected = (x @ weight.t() + bias).cpu()
    for a, b in ((x.t().contiguous().t(), weight), (x, weight.t().contiguous().t()), (x[:, :], weight)):
        assert torch.allclose(F.linear(a, b, bias).cpu(), expected, atol=1e-5)
    assert lt() == 3
    assert torch.allclose(torch.addmm(bias, x, weight.t()).cpu(), expected, atol=1e-5) and lt() == 4
    assert torch.allclose(torch.addmm(bias, x, weight.t(), beta=2).cpu(), expected + bias.cpu(), atol=1e-5)
    F.linear(x[:1], weight, bias)  # a product of one row
    torch.addmm(torch.randn(6, 4, device="cuda"), x, weight.t())
    torch.baddbmm(bias, x.expand(2, 6, 8), weight.t().expand(2, 8, 4))
    assert lt() == 4


def test_a_bias_that_does_not_begin_at_sixteen_bytes(lt):
    x, weight, bias = [torch.ones(shape, device="cuda") for shape in ((6, 8), (4, 8), (5,))]
    assert F.linear(x, weight, bias[1:]).cpu().tolist() == [[9.0] * 4] * 6 and lt() == 0


def test_tf32_is_asked_for(lt):
    x, weight, bias = [torch.ones(shape, device="cuda") for shape in ((6, 8), (4, 8), (4,))]
    torch.set_float32_matmul_precision("high")
    try:
        F.linear(x, weight, bias)
    finally:
        torch.set_float32_matmul_precision("highest")
    F.linear(x, weight, bias)
    assert lt() == 2 and {key[1][1] for key in cublas_lt._MINE.prepared} >= {68, 77}


def test_descriptions_of_many_sizes_are_given_back(lt, compiled, monkeypatch):
    monkeypatch.setattr(cublas_lt, "MOST_PREPARED", len(cublas_lt._MINE.prepared) + 2)
    before = ctypes.c_int.in_dll(compiled, "described").value
    for rows in range(2, 40):
        made = F.linear(*[torch.ones(shape, device="cuda") for shape in ((rows, 8), (4, 8), (4,))])
        assert made.cpu().tolist() == [[9.0] * 4] * rows
    assert lt() == 38 and ctypes.c_int.in_dll(compiled, "described").value <= before + 3 * 4


def test_what_gives_other_numbers_is_not_used(xp, compiled, monkeypatch):
    monkeypatch.setattr(cublas_lt, "library", lambda module: compiled)

    def wrong(bias, a, b, out) -> bool:
        out.fill(7)
        return True

    monkeypatch.setattr(cublas_lt, "with_bias", wrong)
    made = cuda.added(xp.ones(4, "f4"), xp.ones((2, 3), "f4"), xp.ones((3, 4), "f4"))
    assert made.get().tolist() == [[4.0] * 4] * 2
