"""Choosing by bits gives what NumPy's where gives: every dtype, layout, NaN, infinity and negative zero."""

import ml_dtypes
import numpy as np
import pytest

from course_lib.backends import selection

DTYPES = ["f4", "f8", "f2", "i8", "i4", "i2", ml_dtypes.bfloat16, "u1", "c8", "?"]


@pytest.mark.parametrize("dtype", map(np.dtype, DTYPES), ids=str)
def test_select(dtype, monkeypatch):
    monkeypatch.setattr(selection, "SMALL", 0)
    rng = np.random.default_rng(0)

    def numbers(*shape):
        made = (rng.standard_normal(shape) * 5).astype(dtype)
        if dtype.kind == "f" and made.ndim:
            made.flat[:4] = np.nan, np.inf, -0.0, 0.0
        return made

    a, b, condition = numbers(2, 3, 4), numbers(2, 3, 4), rng.random((2, 3, 4)) > 0.5
    cases = [(condition, a, b), (condition, a, dtype.type(0)), (condition, dtype.type(3), b),
             (condition, a, np.asarray(numbers())), (condition[:1], a[:, :1], b), (condition, a[:1], b[:, :, :1]),
             (condition[..., ::2], a[..., ::2], b[..., ::-2]), (condition.T, a.T, b.T),
             (condition, np.broadcast_to(a[0], a.shape), b)]  # fmt: skip
    for case in cases:
        got, expected = selection.select(np, *case), np.where(*case)
        assert (got.dtype, got.shape, got.strides) == (expected.dtype, expected.shape, expected.strides)
        assert got.tobytes() == expected.tobytes()
