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
    ("unsigned int to[4]; __shared__ float s[300]; load_matrices(to, s + 1);", "does not start at 16 bytes"),
    ("alignas(16) __shared__ float s[8]; if (threadIdx.x == 0) copy_later(s, x + 1, true);", "does not start at 16"),
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


def test_a_copy_is_there_when_it_was_waited_for(xp):
    x = xp.asarray(np.arange(8, dtype="f4"))
    run(xp, """alignas(16) __shared__ float s[16];
        if (threadIdx.x == 0) {
            copy_later(s, x, true);
            end_group();
            copy_later(s + 4, x + 4, true);
            copy_later(s + 8, x, false);
            end_group();
            wait_for_copies<1>();
            x[0] = s[3];
            x[1] = s[4];
            wait_for_copies<0>();
            x[2] = s[4];
            x[3] = s[8];
        }""", x, threads=1)
    assert x.get()[:4].tolist() == [3, pytest.approx(np.nan, nan_ok=True), 4, 0]
