"""Random numbers and dropout. Every kernel gives the numbers of the library's CPU ops."""

import numpy as np
import pytest
from values import HALVES, close

from course_lib.backends import cuda_kernels as kernels


def test_random_numbers_are_those_of_pytorch_on_cuda(xp):
    """What torch.manual_seed(0) gives for torch.rand(3, device="cuda") and torch.randn(3, device="cuda")."""
    x = xp.empty(3, np.float32)
    assert kernels.uniform(x, 0.0, 1.0, seed=0, offset=0) == 4
    assert x.get().round(4).tolist() == np.array([0.3990, 0.5167, 0.0249], "f4").tolist()
    kernels.normal(x, 0.0, 1.0, seed=0, offset=0)
    assert x.get().round(4).tolist() == np.array([-0.9247, -0.4253, -2.6438], "f4").tolist()


def test_random_numbers_go_on_where_they_stopped(xp):
    long, first, second = xp.empty(70_000, np.float32), xp.empty(1000, np.float32), xp.empty(1000, np.float32)
    used = kernels.normal(long, 2.0, 0.5, seed=7, offset=0)
    gpu = xp.cuda.runtime.getDeviceProperties(0)
    most = gpu["multiProcessorCount"] * (gpu["maxThreadsPerMultiProcessor"] // 256) * 256
    assert used == 4 * -(-70_000 // (4 * min(most, -(-70_000 // 256) * 256)))
    host = long.get().astype("f8")
    assert abs(host.mean() - 2) < 0.01 and abs(host.std() - 0.5) < 0.01 and len(np.unique(host)) > 69_000
    step = kernels.uniform(first, 0.0, 1.0, seed=7, offset=0)
    kernels.uniform(second, 0.0, 1.0, seed=7, offset=step)
    assert not np.isin(second.get(), first.get()).any()


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
def test_uniform_numbers_stay_in_their_interval(xp, dtype):
    x = xp.empty(5000, np.dtype(dtype))
    kernels.uniform(x, -1.0, 3.0, seed=3, offset=8)
    host = x.get().astype("f8")
    assert host.min() >= -1 and host.max() < 3 and abs(host.mean() - 1) < 0.1


@pytest.mark.parametrize("dtype", HALVES)
def test_dropout(make, dtype):
    x, g = make(4099, dtype=dtype), make(4099, dtype=dtype)
    y, kept, used = kernels.dropout(x, 0.25, seed=1, offset=0)
    assert used == 4  # one call of each thread
    mask = kept.get()
    assert abs(mask.mean() - 0.75) < 0.03
    assert close(y, np.where(mask, x.get().astype("f8") / 0.75, 0))
    assert close(kernels.dropout_backward(g, kept, 0.25), np.where(mask, g.get().astype("f8") / 0.75, 0))
    again = kernels.dropout(x, 0.25, seed=1, offset=0)[1].get()
    assert (again == mask).all() and (kernels.dropout(x, 0.25, seed=1, offset=4)[1].get() != mask).any()
