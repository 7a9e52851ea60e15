"""The CUDA kernels and the host make the same row of random numbers: either may go on where the other stopped."""

import numpy as np
import pytest

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
