"""Whether there is a compiler for the tests that run CUDA kernels on the processor."""

import kernels_on_host
import pytest


def test_there_is_a_compiler():
    if kernels_on_host.compiler() is None:
        pytest.skip("the CUDA kernels do not run on the processor: no C++ compiler here (Debian: apt-get install g++)")
    source = 'extern "C" __global__ void nothing(int n) {}'
    kernel = kernels_on_host.RawModule(source).get_function("nothing")
    assert kernel.types == ["int32"]
