"""The kernels run on the processor, with the strict stand-in for arrays."""

import os

import kernels_on_host
import pytest

from course_lib.backends import cuda


@pytest.fixture
def xp():
    """The stand-in for CuPy, with kernels."""
    if os.name == "nt" or kernels_on_host.compiler() is None:
        pytest.skip("no C++ compiler that could run the CUDA kernels here (Debian: apt-get install g++)")
    module = kernels_on_host.module()
    cuda.use(module)
    yield module
    cuda.use(None)
