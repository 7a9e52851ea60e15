"""The CUDA kernels and the host make the same row of random numbers: either may go on where the other stopped."""

import cupy_on_numpy
import numpy as np
import pytest

import course_lib as torch
from course_lib.backends import cuda
from course_lib.backends import cuda_kernels as kernels
from course_lib.backends.philox import PhiloxStream


@pytest.mark.parametrize("n", [1, 255, 5000, 300_000])
def test_kernels_and_host_make_the_same_numbers(xp, n):
    stream, x = PhiloxStream(11, cuda.blocks_at_once(0)), xp.empty(n, np.float32)
    offset = kernels.uniform(x, -1.0, 3.0, seed=11, offset=0)
    assert np.allclose(stream.uniform((n,), low=-1.0, high=3.0), x.get(), rtol=1e-6, atol=1e-6)
    assert stream.offset == offset
    offset += kernels.normal(x, 2.0, 0.5, seed=11, offset=offset)
    assert np.allclose(stream.normal((n,), mean=2.0, std=0.5), x.get(), rtol=1e-5, atol=1e-5)
    assert stream.offset == offset


@pytest.mark.parametrize("n", [1, 254, 5000, 40_002, 40_003])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_kernels_and_host_keep_the_same_elements(make, n, dtype):
    stream, x = PhiloxStream(11, cuda.blocks_at_once(0)), make(n, dtype=dtype)
    stream.words(1)
    out, kept, used = kernels.dropout(x, 0.3, seed=11, offset=stream.offset)
    assert (stream.dropout_kept((n,), x.itemsize, 0.3) == kept.get()).all() and stream.offset == 4 + used
    assert ((out.get() != 0) == kept.get()).all()


def drawn(dtype):
    torch.manual_seed(3)
    return [torch.randn(400, dtype=dtype, device="cuda"), torch.empty(20, 9, dtype=dtype, device="cuda").uniform_(1, 2)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_tensors_are_filled_by_the_kernels(xp, dtype):
    with_kernels = drawn(dtype)
    cuda.use(cupy_on_numpy.module())  # the same without kernels
    without = drawn(dtype)
    for a, b in zip(with_kernels, without, strict=True):
        assert torch.allclose(a.cpu().double(), b.cpu().double(), rtol=1e-2 if dtype.itemsize == 2 else 1e-5, atol=1e-5)
