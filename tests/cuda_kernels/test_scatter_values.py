"""Reading and writing at places. Every kernel gives the numbers of the library's CPU ops."""

import numpy as np
import pytest
from values import HALVES, close, reference, tensor

import course_lib as torch
from course_lib.backends import GPU
from course_lib.backends import cuda_kernels as kernels
from course_lib.nn import functional as F

INDEX = np.array([3, 0, 3, 3, 1, 0, 6] * 15)  # runs that begin, go on and end in other pieces of 32
SKEWED = np.array([2] * 100 + [5, 0, 5])


@pytest.fixture(params=[False, True], ids=["any order", "fixed order"])
def deterministic(request):
    torch.use_deterministic_algorithms(request.param)
    yield request.param
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("width", [13, 8])
@pytest.mark.parametrize("kind", ["i4", "i8"])
@pytest.mark.parametrize("dtype", HALVES)
def test_rows_are_taken(xp, make, dtype, kind, width):
    table, index = make(3, 7, width, dtype=dtype), xp.asarray(np.array([[3, 0], [6, 3]], kind))
    found = kernels.take_rows(table, index, 1)
    assert close(found, table.get()[:, index.get()]) and found.shape == (3, 2, 2, width)
    assert close(kernels.take_rows(table, index - 7, 1, least=-7), table.get()[:, index.get()])
    counts = xp.asarray(np.arange(12).reshape(4, 3))  # integers are only moved
    assert (kernels.take_rows(counts, index.ravel()[:2]).get() == counts.get()[[3, 0]]).all()
    GPU.report.look()


@pytest.mark.parametrize("index", [INDEX, SKEWED])
@pytest.mark.parametrize("dtype", HALVES)
def test_rows_are_added(xp, make, dtype, deterministic, index):
    index = xp.asarray(index)
    for shape, dim in (((7, 13), 0), ((7, 16), 0), ((2, 7, 5), 1), ((3, 7), 1)):
        out, source = make(*shape, dtype=dtype), make(*shape[:dim], index.size, *shape[dim + 1 :], dtype=dtype)
        expected = tensor(out).detach().index_add(dim, tensor(index), tensor(source).detach(), alpha=0.5)
        kernels.add_rows(out, index, source, dim, factor=0.5)
        assert close(out, expected)


@pytest.mark.parametrize("short", [4096, 0], ids=["short index", "long index"])
@pytest.mark.parametrize("index", [INDEX, SKEWED, np.array([4])])
@pytest.mark.parametrize("dtype", HALVES)
def test_gradients_of_embeddings(xp, make, monkeypatch, dtype, index, short):
    monkeypatch.setattr(kernels.scatter, "SHORT", short)
    index, width = xp.asarray(index), 13 if short else 24
    weight, g = make(7, width), make(index.size, width, dtype=dtype)
    for padding, by_frequency in ((None, False), (3, False), (2, True)):
        by = reference(lambda w, p=padding, f=by_frequency: F.embedding(tensor(index), w, p, scale_grad_by_freq=f),
                       weight, g=g).grads[0]  # fmt: skip
        found = kernels.embedding_backward(g, index, 7, -1 if padding is None else padding, by_frequency)
        assert close(found, by)


@pytest.mark.parametrize("dtype", HALVES)
def test_elements(xp, make, dtype, deterministic):
    index = xp.asarray(np.random.default_rng(0).integers(0, 7, (2, 40, 5)))
    out, source = make(2, 7, 5, dtype=dtype), make(2, 40, 5, dtype=dtype)
    assert close(kernels.gather_elements(out, index, 1), tensor(out).gather(1, tensor(index)))
    repeated = index[:, :, :1] + xp.zeros(5, "i8")
    view = xp.broadcast_to(index[:, :, :1], index.shape)
    assert close(kernels.gather_elements(out, view, 1), tensor(out).gather(1, tensor(repeated)))
    for how, name in (("product", "prod"), ("max", "amax"), ("min", "amin"), ("sum", "sum")):
        for with_self in (False, True):
            mine = out.copy()
            kernels.reduce_elements(mine, index, source, 1, how, with_self)
            expected = tensor(out).scatter_reduce(1, tensor(index), tensor(source), name, include_self=with_self)
            assert close(mine, expected)
    kernels.add_elements(out, index, source, 1)
    assert close(out, expected)


def test_an_index_out_of_bounds_is_reported(xp, make):
    table, index = make(5, 4), xp.asarray(np.array([1, 7, 2]))
    kernels.take_rows(table, index)
    with pytest.raises(torch.AcceleratorError, match=r"device-side assert triggered \(index 7 is out of bounds for a"
                       " dimension of size 5"):  # fmt: skip
        GPU.report.look()
    GPU.report.look()  # once
    kernels.look_at_index(index - 8, -8, 8)
    GPU.report.look()
