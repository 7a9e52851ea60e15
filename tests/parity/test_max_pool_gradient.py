"""Where windows hold equal elements, NaN or minus infinity, the gradient of max pooling goes where PyTorch sends it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import course_lib

torch = pytest.importorskip("torch", reason="PyTorch is not installed: there is nothing to compare with")

SETTINGS = [{"kernel_size": k, "stride": s, "padding": p, "dilation": d, "ceil_mode": c}
            for k, s, p, d, c in itertools.product((2, 3), (1, 2, 3), (0, 1), (1, 2), (False, True))]  # fmt: skip


@pytest.mark.parametrize("special", [None, -np.inf, np.nan, np.inf])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_gradient(dims, special):
    rng = np.random.default_rng(dims)
    for settings in SETTINGS:
        values = rng.integers(0, 3, (2, 2, 8, 7, 6)[: 2 + dims]).astype("f4")
        if special is not None:
            values[rng.random(values.shape) < 0.3] = special
        results = []
        for library in (torch, course_lib):
            x = library.from_numpy(values.copy()).requires_grad_()
            made = getattr(library.nn.functional, f"max_pool{dims}d")(x, **settings)
            made.backward(library.arange(1.0, made.numel() + 1).view(made.shape))
            results.append((made.detach().numpy(), x.grad.numpy()))
        for expected, got in zip(*results, strict=True):
            np.testing.assert_array_equal(got, expected, err_msg=str(settings))
