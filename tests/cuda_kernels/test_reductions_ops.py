"""Reductions on a GPU: one kernel (two where many blocks share a result), and the numbers of the CPU."""

import numpy as np
import pytest
from values import both

import course_lib as torch

CLOSE = {torch.float32: (1e-5, 1e-5), torch.float16: (5e-3, 5e-3), torch.bfloat16: (3e-2, 3e-2)}

ONE = {
    "total_of_lines": [torch.sum, lambda x: x.sum(-1), lambda x: x.mean((1, 2)), torch.mean, lambda x: x.sum((0, 2))],
    "total_of_columns": [lambda x: x.sum(0), lambda x: x.mean(1, keepdim=True), lambda x: x.mean((0, 1))],
    "euclidean_of_lines": [torch.norm, lambda x: x.norm(dim=2), lambda x: torch.linalg.vector_norm(x, dim=(1, 2))],
    "product_of_lines": [torch.prod, lambda x: x.prod(2)],
    "log_sum_exp_of_lines": [lambda x: x.logsumexp(2), lambda x: torch.logsumexp(x, (0, 1, 2), True)],
    "variance_of_lines": [torch.var, lambda x: x.var(-1, correction=0), lambda x: x.var((0, 1, 2), keepdim=True)],
    "deviation_of_columns": [lambda x: x.std(0), lambda x: x.std((0, 1), unbiased=False)],
}
WHOLE = {"largest_of_lines": [torch.amax, lambda x: x.amax((1, 2)), torch.max],
         "smallest_of_columns": [lambda x: x.amin(0)],
         "maximum_at_of_lines": [lambda x: x.max(2).values],
         "minimum_at_of_columns": [lambda x: x.min(1)[0]]}  # fmt: skip


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize(("kernel", "function"), [(k, f) for t in (ONE, WHOLE) for k, all in t.items() for f in all])
def test_reduction(launched, kernel, function, dtype):
    torch.manual_seed(0)
    x = (torch.randn(3, 5, 7) + 0.5).to(dtype)
    for a, b in zip(*both(function, x), strict=True):
        assert np.allclose(a, b, *CLOSE[dtype])
    assert launched[0] == kernel


@pytest.mark.parametrize("dim", [None, 0, 1])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions(launched, name, dim):
    x = torch.tensor([[1.0, 5.0, 5.0], [5.0, 0.0, 0.0]])
    for given in (x, x.t().contiguous().t()):
        found = getattr(given.cuda(), name)(dim)
        assert found.dtype is torch.int64 and found.tolist() == getattr(x, name)(dim).tolist()
    assert launched[0].startswith("maximum_at" if name == "argmax" else "minimum_at")


def test_sums_of_what_was_broadcast_are_reductions(launched):
    torch.manual_seed(0)
    x, bias, scale = torch.randn(6, 5, 4), torch.randn(4), torch.randn(5, 1)
    for a, b in zip(*both(lambda x, b, s: x * s + b, x, bias, scale), strict=True):
        assert np.allclose(a, b, 1e-5, 1e-5)
    assert launched == ["total_of_wide_columns", "total_of_lines"]


def test_layouts(launched):
    images = torch.randn(2, 3, 5, 4).to(memory_format=torch.channels_last)
    for dims in ((0, 2, 3), (2, 3), 1):
        assert torch.allclose(images.cuda().sum(dims).cpu(), images.sum(dims), atol=1e-5)
    assert launched == ["total_of_columns", "total_of_columns", "total_of_lines"]
    scattered = torch.randn(4, 6, 5)[:, ::2]
    assert torch.allclose(scattered.cuda().sum((0, 2)).cpu(), scattered.sum((0, 2)), atol=1e-5)
    assert torch.allclose(torch.ones(3, 1).cuda().expand(3, 4).mean(1).cpu(), torch.ones(3))


def test_what_kernels_do_not_take(launched):
    whole = torch.arange(6, device="cuda").reshape(2, 3)
    assert whole.sum(0).tolist() == [3, 5, 7] and whole.amax().item() == 5 and (whole > 2).sum().item() == 3
    assert (whole > 5).any().item() is False and whole.max(1).indices.tolist() == [2, 2]
    empty = torch.ones(0, 3, device="cuda")
    assert empty.sum(0).tolist() == [0, 0, 0] and empty.sum(1).shape == (0,) and torch.ones(2).cuda().sum(()) == 2
    half = torch.ones(2, 3, dtype=torch.float16, device="cuda")
    assert half.sum(dtype=torch.float32).dtype is torch.float32
    assert "total_of_lines" in launched and not any("maximum" in name for name in launched)


def test_sums_of_half_precision_are_float_sums(launched):
    x = torch.full((5000,), 0.1, dtype=torch.float16, device="cuda")
    assert abs(x.sum().item() - 5000 * float(torch.tensor(0.1, dtype=torch.float16))) < 0.5
    assert launched == ["total_of_lines"]
    assert torch.full((70000,), 1.0, dtype=torch.bfloat16, device="cuda").mean().item() == 1


def test_gradients_of_gradients(launched):
    found = []
    for device in ("cpu", "cuda"):
        x = torch.linspace(1, 2, 12).reshape(3, 4).to(device).requires_grad_()
        (slope,) = torch.autograd.grad(x.var(1).sum() + x.logsumexp(0).sum() + x.norm(), x, create_graph=True)
        found.append(torch.autograd.grad((slope * slope).sum(), x)[0].cpu())
    assert torch.allclose(*found, rtol=1e-4, atol=1e-5)
