"""Adding rows at places. Every kernel gives the numbers of the library's CPU ops."""

import numpy as np
import pytest
from values import HALVES, close, reference, tensor

from course_lib.backends import cuda_kernels as kernels
from course_lib.nn import functional as F


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("dtype", HALVES)
def test_adding_at_places(xp, make, dtype, deterministic):
    index = xp.asarray(np.array([3, 0, 3, 3, 1, 0, 6] * 5))
    out, source = make(7, 13), make(35, 13, dtype=dtype)
    expected = tensor(out).detach().index_add(0, tensor(index), tensor(source).detach())
    kernels.index_add(out, index, source, deterministic)
    assert close(out, expected)
    weight, g = make(7, 13), make(35, 13, dtype=dtype)
    for padding in (None, 3):
        by = reference(lambda w, p=padding: F.embedding(tensor(index), w, p), weight, g=g).grads[0]
        found = kernels.embedding_backward(g, index, 7, -1 if padding is None else padding, deterministic)
        assert close(found, by)
