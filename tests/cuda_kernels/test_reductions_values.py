"""Reductions. Every kernel gives the numbers of the library's CPU ops."""

import numpy as np
import pytest
from values import HALVES, close

from course_lib.backends import cuda_kernels as kernels


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
def test_reductions(make, dtype):
    for rows, n in ((1, 1), (9, 33), (40, 65)):
        x = make(rows, n, dtype=dtype)
        host = x.get().astype("f8")
        for how in ("sum", "max", "min"):
            assert close(kernels.reduce_all(how, x), getattr(host, how)())
            assert close(kernels.reduce_rows(how, x), getattr(host, how)(1))
        assert close(kernels.sum_columns(x), host.sum(0))


def test_extremes_with_nan_are_nan(xp):
    x = xp.asarray(np.array([[1.0, float("nan"), 2.0], [3.0, 1.0, 2.0]], "f4"))
    assert close(kernels.reduce_rows("max", x), [float("nan"), 3.0])
    assert close(kernels.reduce_all("min", x), float("nan"))
