"""Kernels that work on tables of arrays, wherever these begin."""

import numpy as np
import pytest
from values import HALVES, close

from course_lib.backends import cuda_kernels as kernels


@pytest.mark.parametrize("dtype", HALVES)
def test_groups_of_any_size_at_any_address(make, dtype):
    """Each block finds its group; what does not begin at a multiple of 16 bytes is read one by one."""
    sizes = [1, 4096, 4097, 3, 9000, 8]
    rows = [[make(size + 1, dtype=dtype)[start:][:size] for size, start in zip(sizes, starts, strict=True)]
            for starts in ([0, 0, 0, 0, 1, 0], [0, 0, 1, 0, 1, 1])]  # fmt: skip
    expected = [p.get().astype("f8") - 0.5 * (g.get().astype("f8") + 0.25 * p.get().astype("f8"))
                for p, g in zip(*rows, strict=True)]  # fmt: skip
    (table,) = kernels.tables(list(zip(*rows, strict=True)))
    kernels.optimizer_step("sgd", table, None, 0.25, False, 0.5)
    assert all(close(p, e) for p, e in zip(rows[0], expected, strict=True))


def test_a_step_is_left_out_where_inf_was_found(xp, make):
    p, g = make(70), make(70)
    before = p.get()
    (table,) = kernels.tables([[p, g]])
    kernels.optimizer_step("sgd", table, xp.ones((), np.float32), 0.0, False, 0.5)
    assert (p.get() == before).all()
    kernels.optimizer_step("sgd", table, xp.zeros((), np.float32), 0.0, True, 0.5)
    assert close(p, before + 0.5 * g.get())
