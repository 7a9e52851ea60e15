"""Reductions. Every kernel gives the numbers of the library's CPU ops."""

import numpy as np
import pytest
from values import HALVES, close

from course_lib.backends import cuda_kernels as kernels

HOST = {"total": np.sum, "largest": np.max, "smallest": np.min, "product": np.prod, "euclidean": np.linalg.norm,
        "variance": lambda x, dims: x.var(dims) * x[*[slice(None) if d in dims else 0 for d in range(x.ndim)]].size,
        "log_sum_exp": lambda x, dims: np.log(np.exp(x).sum(dims))}  # fmt: skip
SHAPES = [((1,), (0,)), ((33,), (0,)), ((9, 32), (1,)), ((40, 65), (1,)), ((40, 65), (0,)), ((300, 32), (0,)),
          ((3, 7, 24), (1,)), ((4, 6, 5, 5), (0, 2, 3)), ((2, 3, 4), (0, 1, 2)), ((1, 5, 1, 3), (0, 3)),
          ((5, 4), ())]  # fmt: skip


def by_host(how: str, x, dims):
    if how == "euclidean":
        return np.sqrt((x * x).sum(dims))
    return HOST[how](x, dims) if dims or how == "variance" else HOST[how](x[..., None], -1)


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
@pytest.mark.parametrize("how", [h for h in HOST if h != "variance"])
def test_reductions(make, how, dtype):
    for shape, dims in SHAPES:
        x = make(*shape, dtype=dtype)
        host = x.get().astype("f8")
        expected = by_host(how, host, dims)
        assert close(kernels.reduce(how, x, dims), expected), shape
        kept = kernels.reduce(how, x, dims, keepdim=True)
        assert kept.shape == tuple(1 if d in dims else n for d, n in enumerate(shape))


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
def test_variance_of_numbers_with_a_large_mean(make, dtype):
    offset = 1000 if dtype != "bfloat16" else 10
    x = make(7, 500, dtype="float64")
    x = (x + offset).astype(dtype)
    host = x.get().astype("f8")
    for dims in ((0,), (1,), (0, 1)):
        count = host.size // max(host.sum(dims).size, 1)
        assert close(kernels.reduce("variance", x, dims, constant=count - 1), host.var(dims, ddof=1))
        assert close(kernels.reduce("deviation", x, dims, constant=count), host.std(dims))


def test_many_blocks_share_a_result(make, launched):
    lines, columns = [((70_000,), (0,)), ((9, 2, 4000), (0, 2))], [((3000, 7), (0,)), ((3000, 8), (0,))]
    kernels_of = ["total_of_lines", "total_of_lines", "total_of_columns", "total_of_wide_columns"]
    for (shape, dims), kernel in zip([*lines, *columns], kernels_of, strict=True):
        x = make(*shape)
        launched.clear()
        assert close(kernels.reduce("total", x, dims), x.get().astype("f8").sum(dims))
        assert launched == [kernel, "total_of_shares"]
        best, at = kernels.reduce("maximum_at", x, dims, places=True)
        if len(dims) == 1:
            assert (at.get() == x.get().argmax(dims[0])).all() and close(best, x.get().max(dims))
    x = make(9, 2, 4000)
    assert close(kernels.reduce("variance", x, (0, 2), constant=36_000), x.get().astype("f8").var((0, 2)))


def test_dimensions_in_another_order_of_memory(make):
    x = make(4, 5, 6, 7)
    turned = x.transpose(0, 3, 1, 2)
    for dims in ((1,), (0, 2, 3), (2, 3), (0,)):
        assert close(kernels.reduce("total", turned, dims), turned.get().sum(dims))
    assert kernels.reduce("total", turned, (0, 3)) is None  # they do not lie together
    assert kernels.reduce("total", x[:, ::2], (0,)) is None


def test_extremes_with_nan_and_ties(xp):
    nan = float("nan")
    x = xp.asarray(np.array([[1.0, nan, 2.0, nan], [3.0, 1.0, 3.0, 2.0]], "f4"))
    assert close(kernels.reduce("largest", x, (1,)), [nan, 3.0])
    assert close(kernels.reduce("smallest", x, (0, 1)), nan)
    values, places = kernels.reduce("maximum_at", x, (1,), places=True)
    assert close(values, [nan, 3.0]) and places.get().tolist() == [1, 0]
    assert kernels.reduce("minimum_at", x, (0,), places=True)[1].get().tolist() == [0, 0, 0, 0]


def test_log_sum_exp_of_infinities(xp):
    inf, nan = float("inf"), float("nan")
    rows = [[-inf, -inf, -inf], [inf, inf, 1.0], [1e4, -1e4, -inf], [nan, 1.0, inf], [88.0, 89.0, 90.0]]
    x = xp.asarray(np.array(rows, "f4"))
    expected = [-inf, inf, 1e4, nan, np.log(np.exp(np.array(rows[4])).sum())]
    for dims, given in (((1,), x), ((0,), xp.asarray(np.ascontiguousarray(x.get().T)))):
        assert np.allclose(kernels.reduce("log_sum_exp", given, dims).get(), expected, equal_nan=True)
