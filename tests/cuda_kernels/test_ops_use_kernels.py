"""Ops on a GPU run the library's kernels where those fit, and give what they give on the CPU."""

import numpy as np
import pytest
from values import both

import course_lib as torch
from course_lib.nn import functional as F


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("function", "kernels"), [
    (lambda x: torch.softmax(x, -1), {"softmax_forward"}),
    (lambda x: torch.log_softmax(x, 2), {"log_softmax_forward"}),
    (lambda x: F.layer_norm(x, (5,)), {"layer_norm_forward", "norm_backward"}),
    (lambda x: F.layer_norm(x, (3, 5), eps=0.1), {"layer_norm_forward", "norm_backward"}),
])  # fmt: skip
def test_ops_of_one_tensor(launched, function, kernels, dtype):
    torch.manual_seed(0)
    for a, b in zip(*both(function, torch.randn(4, 3, 5, dtype=dtype)), strict=True):
        assert np.allclose(a, b, *((1e-5, 1e-6) if dtype is torch.float32 else (3e-2, 1e-2)))
    assert set(launched) == kernels


def test_layer_norm_with_parameters(launched):
    torch.manual_seed(0)
    layer = lambda x, w, b: F.layer_norm(x, (7,), w, b)
    for a, b in zip(*both(layer, torch.randn(4, 3, 7), torch.randn(7), torch.randn(7)), strict=True):
        assert np.allclose(a, b, 1e-5, 1e-5)
    assert "norm_parameters_backward" in launched


def test_cross_entropy_and_gradients_of_gradients(launched):
    torch.manual_seed(0)
    scores, target = torch.randn(6, 5), torch.tensor([0, 4, 2, -100, 1, 1])
    made = []
    for device in ("cpu", "cuda"):
        x = scores.to(device).requires_grad_()
        (slope,) = torch.autograd.grad(F.cross_entropy(x, target.to(device)), x, create_graph=True)
        (second,) = torch.autograd.grad((slope * slope).sum(), x)
        made.append((slope.tolist(), second.tolist()))
    assert np.allclose(made[0], made[1], 1e-4, 1e-6)
    assert "log_softmax_forward" in launched


def test_what_kernels_do_not_take_is_computed_otherwise(launched):
    x = torch.randn(5, 4)
    assert np.allclose(torch.softmax(x.t(), 1).numpy(), torch.softmax(x.cuda().t(), 1).cpu().numpy())
    assert torch.softmax(x.cuda(), 0).is_cuda  # neighbouring threads would read far from each other
    mixed = F.layer_norm(x.cuda().bfloat16(), (4,), torch.ones(4, device="cuda"))
    assert mixed.dtype is torch.bfloat16 and torch.softmax(torch.ones(0, 3, device="cuda"), 1).shape == (0, 3)
    assert not launched
