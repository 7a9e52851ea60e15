"""The emulation of CUDA runs threads as a GPU does, and notices what a GPU would not."""

import numpy as np
import pytest

from course_lib.backends import cuda_kernels as kernels


def run(xp, code: str, x, threads: int = 64) -> None:
    kernel = xp.RawModule(code='extern "C" __global__ void trial(float* x, int n) {' + code + "}").get_function("trial")
    kernel((1,), (threads,), (x, np.int32(x.size)))


@pytest.mark.parametrize(("code", "trouble"), [
    ("if (threadIdx.x < 40) __syncthreads();", "never reach"),
    ("if (threadIdx.x < 40) __shfl_xor_sync(~0u, 1, 1);", "never reach"),
    ("x[n] = 1;", "wrote outside an array"),
    ("x[-1] = 1;", "wrote outside an array"),
    ("x[0] = threadIdx.x;", "the order of threads changes the result"),
    ("__shared__ float s[64]; s[threadIdx.x] = threadIdx.x; x[threadIdx.x % 5] = s[63 - threadIdx.x];",
     "the order of threads changes the result"),
])  # fmt: skip
def test_the_emulation_notices(xp, code, trouble):
    with pytest.raises(AssertionError, match=trouble):
        run(xp, code, xp.zeros(5, np.float32))


def test_the_emulation_runs_threads_as_a_gpu_does(xp):
    x = xp.zeros(64, np.float32)
    run(xp, "__shared__ float seen[64]; int i = threadIdx.x; seen[i] = i; __syncthreads(); x[i] = seen[63 - i];", x)
    assert x.get().tolist() == list(range(63, -1, -1))


def test_a_kernel_that_cannot_be_compiled_says_so(xp):
    def refuses(**_):
        raise OSError("libnvrtc.so.13: cannot open shared object file\nmore")

    xp.RawModule = refuses
    with pytest.raises(RuntimeError, match=r"The CUDA kernel relu_forward .*could not be compiled for float32 on GPU 0:"
                       " libnvrtc.so.13: cannot open shared object file. An installation of CuPy"):  # fmt: skip
        kernels.activation("relu", xp.zeros(3, np.float32))
