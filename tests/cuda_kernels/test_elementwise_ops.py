"""Elementwise ops on a GPU: one kernel forward, one backward, and the numbers of the CPU."""

import numpy as np
import pytest
from values import both

import course_lib as torch
from course_lib.nn import functional as F
from course_lib.ops import _by_kernel

CLOSE = {torch.float32: (1e-5, 1e-5), torch.float16: (5e-3, 5e-3), torch.bfloat16: (3e-2, 3e-2)}

ONE = {
    "relu": F.relu, "leaky_relu": lambda x: F.leaky_relu(x, 0.2), "hardtanh": lambda x: F.hardtanh(x, -0.5, 0.75),
    "threshold": lambda x: F.threshold(x, 0.1, 20), "hardshrink": F.hardshrink, "softshrink": F.softshrink,
    "hardsigmoid": F.hardsigmoid, "hardswish": F.hardswish, "sigmoid": torch.sigmoid, "silu": F.silu,
    "elu": lambda x: F.elu(x, 1.5), "softplus": lambda x: F.softplus(x, 2, 3), "logsigmoid": F.logsigmoid,
    "mish": F.mish, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "clamp": lambda x: torch.clamp(x, -0.5, 0.75),
}  # fmt: skip
ALSO = {"relu6": F.relu6, "selu": F.selu, "celu": lambda x: F.celu(x, 0.7), "from below": lambda x: x.clamp(min=0.2),
        "from above": lambda x: torch.clamp(x, max=-0.2)}  # fmt: skip


def same(pairs, dtype=torch.float32) -> bool:
    return all(np.allclose(a, b, *CLOSE[dtype]) for a, b in zip(*pairs, strict=True))


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", ONE)
def test_activation(launched, name, dtype):
    torch.manual_seed(0)
    assert same(both(ONE[name], torch.randn(3, 7, 11, dtype=dtype) * 2), dtype)
    forward = [] if name == "relu" else [f"{name}_forward"]  # CuPy's maximum is one launch already
    assert launched == [*forward, f"{name}_backward"]


@pytest.mark.parametrize("name", ALSO)
def test_relatives(launched, name):
    torch.manual_seed(0)
    assert same(both(ALSO[name], torch.randn(5, 9)))
    assert len(launched) == 2


def test_tanh_is_cupys_forward_and_ours_backward(launched):
    assert same(both(torch.tanh, torch.randn(4, 33)))
    assert launched == ["hyperbolic_backward"]


def test_operands_that_lie_otherwise(launched):
    torch.manual_seed(0)
    channels_last = torch.randn(2, 5, 3, 4).to(memory_format=torch.channels_last).cuda().requires_grad_()
    y = F.gelu(channels_last)
    assert y.stride() == channels_last.stride() and launched == ["gelu_forward"]
    y.sum().backward()  # a gradient that is one number everywhere
    assert launched[-1] == "gelu_backward_apart"
    expected = channels_last.detach().cpu().requires_grad_()
    F.gelu(expected).sum().backward()
    assert torch.allclose(channels_last.grad.cpu(), expected.grad, atol=1e-6)
    half = torch.randn(6, 10).cuda()[:, ::2]
    assert torch.allclose(F.silu(half).cpu(), F.silu(half.cpu()), atol=1e-6)
    assert launched[-1] == "silu_forward_apart"
    scattered = torch.randn(3, 5, 7, 9).cuda().permute(3, 0, 2, 1)[::2, :, ::2]
    assert torch.allclose(F.silu(scattered).cpu(), F.silu(scattered.cpu()), atol=1e-6)


def test_in_place(launched):
    x = torch.randn(4, 6).cuda()
    expected = F.leaky_relu(x.cpu(), 0.1)
    place = x.data_ptr()
    F.leaky_relu_(x, 0.1)
    assert x.data_ptr() == place and torch.equal(x.cpu(), expected) and launched == ["leaky_relu_forward"]
    y = torch.randn(4, 6).cuda().t()
    expected = F.elu(y.cpu())
    assert torch.allclose(F.elu_(y).cpu(), expected, atol=1e-6)


def test_nan_and_infinities(launched):
    x = torch.tensor([float("nan"), float("inf"), -float("inf"), -1.0, 0.0])
    for name, function in ONE.items():
        a, b = function(x), function(x.cuda()).cpu()
        assert torch.allclose(a, b, equal_nan=True, atol=1e-6), name
    g = torch.tensor([float("inf")] * 5, device="cuda")
    y = x.cuda().requires_grad_()
    F.relu(y).backward(g)
    assert y.grad.tolist()[2:] == [0, 0, 0]  # nothing comes through, not even infinity


@pytest.mark.parametrize("name", ["gelu", "sigmoid", "softplus", "elu", "silu"])
def test_gradients_of_gradients(launched, name):
    found = []
    for device in ("cpu", "cuda"):
        x = torch.linspace(-2, 2, 9).to(device).requires_grad_()
        (slope,) = torch.autograd.grad(ONE[name](x).sum(), x, create_graph=True)
        found.append(torch.autograd.grad((slope * slope).sum(), x)[0].cpu())
    assert torch.allclose(*found, rtol=1e-4, atol=1e-5)


def test_two_and_three_operands(launched):
    torch.manual_seed(0)
    x, y, z = torch.randn(4, 3, 5), torch.randn(3, 1), torch.rand(4, 3, 5) + 1
    for function, kernel in (
        (lambda x, y, z: torch.addcmul(x, y, z, value=0.5), "add_product_forward_apart"),
        (lambda x, y, z: torch.addcdiv(x, y, z, value=0.5), "add_quotient_forward_apart"),
        (lambda x, y, z: torch.lerp(x, z, y), "between_forward_apart"),
        (lambda x, y, z: torch.lerp(x, z * y, 0.75), "part_of_the_way_forward"),
    ):
        assert same(both(function, x, y, z))
        assert kernel in launched
    w = torch.tensor([0.3, -0.2, 2.0])
    assert same(both(F.prelu, x, w)) and same(both(F.glu, torch.randn(4, 6)))
    assert same(both(lambda x: F.glu(x, 1), torch.randn(2, 4, 3))) and same(both(lambda x: F.glu(x, 0), torch.randn(4)))
    assert launched[-1] == "gated_backward"
    assert {"sloped_forward_apart", "sloped_by_x_forward_apart", "gated_forward_apart"} <= set(launched)


def test_in_place_with_three_operands(launched):
    x, y = torch.randn(3, 4), torch.randn(3, 4)
    for change in (lambda a, b: a.lerp_(b, 0.1), lambda a, b: a.addcmul_(b, b, value=2), lambda a, b: a.clamp_(-1, 1)):
        expected, found = x.clone(), x.cuda()
        change(expected, y)
        change(found, y.cuda())
        assert torch.allclose(found.cpu(), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_and_numbers(launched, dtype):
    x = torch.randn(5, 9).to(dtype)
    for function in (lambda x: x * 0.3, lambda x: x / 3, lambda x: 0.3 * x):
        assert torch.equal(function(x.cuda()).cpu(), function(x))
    assert set(launched) == {"times_forward", "divided_forward"}


def test_dtypes_that_kernels_do_not_know(launched):
    whole = torch.arange(-3, 4, device="cuda")
    assert F.relu6(whole).tolist() == [0, 0, 0, 0, 1, 2, 3] and F.silu(torch.ones(0, device="cuda")).shape == (0,)
    assert not launched


LOSSES = {
    "squared_error": F.mse_loss, "huber_error": lambda a, b, **n: F.huber_loss(a, b, delta=0.7, **n),
    "smooth_absolute_error": lambda a, b, **n: F.smooth_l1_loss(a, b, beta=0.7, **n),
    "bernoulli_surprise": lambda a, b, **n: F.binary_cross_entropy(a.sigmoid(), b.sigmoid(), **n),
    "logit_surprise": lambda a, b, **n: F.binary_cross_entropy_with_logits(a, b.sigmoid(), **n),
}  # fmt: skip


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", LOSSES)
def test_losses(launched, name, dtype, reduction):
    torch.manual_seed(0)
    a, b = torch.randn(5, 13, dtype=dtype), torch.randn(5, 13, dtype=dtype)
    found = both(lambda a, b: LOSSES[name](a, b, reduction=reduction), a, b)
    assert all(np.allclose(x, y, *[3 * t for t in CLOSE[dtype]]) for x, y in zip(*found, strict=True))
    mine = [kernel for kernel in launched if kernel.startswith(name)]
    assert mine == [f"{name}_{'each' if reduction == 'none' else 'shares'}", f"{name}_backward",
                    f"{name}_backward_other"]  # fmt: skip


def test_losses_of_many_elements_and_their_slopes(launched):
    torch.manual_seed(0)
    a, b = torch.randn(3, 20_001), torch.randn(3, 20_001)
    expected = F.mse_loss(a, b)
    x = a.cuda().requires_grad_()
    loss = F.mse_loss(x, b.cuda())
    assert torch.allclose(loss.cpu(), expected) and launched == ["squared_error_shares", "total_of_shares"]
    (slope,) = torch.autograd.grad(loss, x, create_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), x)
    assert torch.allclose(second.cpu(), torch.full_like(a, 2 / a.numel()))
    weighted = F.binary_cross_entropy_with_logits(x, b.cuda().sigmoid(), pos_weight=torch.tensor(2.0).cuda())
    assert weighted.is_cuda and not any("logit" in name for name in launched)


@pytest.mark.parametrize(("function", "kernels"), [
    (lambda x: x.abs().log(), ["logarithm_backward"]), (lambda x: x.abs().sqrt(), ["root_backward"]),
    (lambda x: x.abs().rsqrt(), ["inverse_root_forward", "inverse_root_backward"]),
    (lambda x: 2 / (x + 3), ["inverse_backward"]), (lambda x: 1 - x, []), (lambda x: torch.where(x > 0, x, 0.5), []),
])  # fmt: skip
def test_slopes_of_functions_that_cupy_computes(launched, function, kernels):
    torch.manual_seed(0)
    assert same(both(function, torch.randn(4, 5)))
    assert launched == kernels


def test_larger_and_smaller(launched):
    x, y = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([1.0, 5.0, 0.0, 4.0])
    for function in (torch.maximum, torch.minimum, torch.max):
        assert same(both(function, x, y))
    assert launched == ["by_larger_forward"] * 6


def test_a_power_does_not_wait_to_see_its_exponent(launched):
    for dtype in (torch.float32, torch.bfloat16):
        assert same(both(lambda x: x**2, torch.linspace(-2, 2, 7, dtype=dtype)), dtype)
        assert same(both(lambda x: x**3, torch.linspace(-2, 2, 7, dtype=dtype)), dtype)


def test_large_arrays_go_in_packs(launched, monkeypatch):
    monkeypatch.setattr(_by_kernel, "LARGE", 8)
    x, y = torch.linspace(-1, 1, 33), torch.linspace(1, 2, 33)
    for function, kernel in ((lambda x, y: x + y, "plus"), (lambda x, y: x - y, "minus"),
                             (lambda x, y: x * y, "product_of"), (lambda x, y: x / y, "quotient_of"),
                             (lambda x, y: torch.relu(x), "relu"), (lambda x, y: x.tanh(), "hyperbolic"),
                             (lambda x, y: y.exp(), "exponential"), (lambda x, y: x + 1, "plus_number"),
                             (lambda x, y: x - 2, "minus_number"), (lambda x, y: 3 * x, "times"),
                             (lambda x, y: x / 3, "divided"), (lambda x, y: x.clone().add_(y), "plus")):  # fmt: skip
        launched.clear()
        assert torch.allclose(function(x.cuda(), y.cuda()).cpu(), function(x, y), atol=1e-7)
        assert f"{kernel}_forward" in launched
    launched.clear()
    whole = torch.arange(20).cuda()
    assert (whole + whole).tolist() == [2 * n for n in range(20)] and (x.cuda() + y.cuda()[:1]).shape == x.shape
    assert (x.cuda() + y.cuda().double()).dtype is torch.float64 and launched == ["plus_forward"]
