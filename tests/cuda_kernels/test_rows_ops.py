"""Softmax, losses of class numbers and norms on a GPU run the library's kernels, and give what they give on the CPU."""

import numpy as np
import pytest
from values import both, nothing_read

import course_lib as torch
from course_lib.nn import functional as F

pytestmark = pytest.mark.usefixtures("xp")
CLOSE = {torch.float32: (1e-5, 1e-5), torch.float64: (1e-11, 1e-11), torch.float16: (4e-3, 4e-3),
         torch.bfloat16: (3e-2, 3e-2)}  # fmt: skip


def alike(function, *operands) -> None:
    """Value and gradients are the CPU's; nothing is read from the GPU on the way."""
    torch.manual_seed(0)
    for a, b in zip(*both(function, *operands), strict=True):
        assert a.shape == b.shape and np.allclose(a, b, *CLOSE[operands[0].dtype], equal_nan=True)


def random(*shape, dtype=torch.float32):
    torch.manual_seed(sum(shape))
    return torch.randn(*shape, dtype=dtype)


# ---- softmax -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize(("shape", "dim"), [
    ((4, 3, 5), -1), ((3, 8), 1), ((5, 1), 1), ((2, 300), 1), ((2, 9000), 1), ((3, 4, 5), 1), ((40, 7), 0), ((7,), 0),
])  # fmt: skip
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(launched, name, shape, dim, dtype):
    alike(lambda x: getattr(torch, name)(x, dim), random(*shape, dtype=dtype))
    assert launched == [f"{name}_forward", f"{name}_backward"]


def test_softmax_of_what_is_not_contiguous_is_a_copy_and_the_kernel(launched):
    alike(lambda x: torch.softmax(x.t(), 1), random(6, 4))
    alike(lambda x: F.log_softmax(x[:, ::2], 0, dtype=torch.float32), random(6, 4, dtype=torch.bfloat16))
    alike(lambda x: torch.softmax(x, 1).sum(), random(6, 4))  # one g, expanded
    assert launched.count("softmax_forward") == launched.count("softmax_backward") == 2
    assert launched.count("log_softmax_forward") == launched.count("log_softmax_backward") == 1


def test_softmax_without_kernel(launched):
    assert torch.softmax(torch.ones(0, 3, device="cuda"), 1).shape == (0, 3)
    assert torch.softmax(torch.tensor(2.0, device="cuda"), 0).item() == 1
    assert not launched


# ---- losses of class numbers -------------------------------------------------------------------------------------

TARGETS = {
    "rows": ((6, 5), [0, 4, 2, -100, 1, 1]),
    "one row": ((5,), 3),
    "many classes": ((2, 9001), [9000, 7]),
    "maps": ((2, 3, 2, 2), [[[0, 1], [2, -100]], [[1, 1], [0, 2]]]),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("rule", ["plain", "weights", "smoothing"])
def test_cross_entropy(launched, kind, reduction, rule, dtype):
    shape, target = TARGETS[kind]
    classes = shape[min(1, len(shape) - 1)]
    weight = torch.linspace(0.5, 2, classes, dtype=dtype) if rule == "weights" else None

    def loss(x):
        where, w = torch.tensor(target, device=x.device), None if weight is None else weight.to(x.device)
        smoothing = 0.1 if rule == "smoothing" else 0.0
        return F.cross_entropy(x, where, w, reduction=reduction, label_smoothing=smoothing)

    alike(loss, random(*shape, dtype=dtype))
    total = [] if reduction == "none" else ["cross_entropy_total"]
    assert launched == ["cross_entropy_forward", *total, "cross_entropy_backward"]


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_nll_loss(launched, kind, reduction, weighted):
    shape, target = TARGETS[kind]
    classes = shape[min(1, len(shape) - 1)]

    def loss(x):
        weight = torch.linspace(0.5, 2, classes, device=x.device) if weighted else None
        return F.nll_loss(x, torch.tensor(target, device=x.device), weight, reduction=reduction)

    alike(loss, random(*shape))
    total = [] if reduction == "none" else ["cross_entropy_total"]
    assert launched == ["nll_forward", *total, "nll_backward"]


def test_cross_entropy_of_other_operands(launched):
    target = torch.tensor([0, 2, 1])
    alike(lambda x: F.cross_entropy(x.t(), target.to(x.device)), random(4, 3))
    alike(lambda x: F.cross_entropy(x, target.to(x.device, torch.uint8), ignore_index=1), random(3, 4))
    assert launched.count("cross_entropy_forward") == launched.count("cross_entropy_backward") == 2
    weight = torch.linspace(0.5, 2, 4)
    alike(lambda x: F.cross_entropy(x, target.to(x.device), weight.to(x.device), label_smoothing=0.2), random(3, 4))
    alike(lambda x: F.cross_entropy(x, torch.softmax(x.detach(), 1)), random(3, 4))
    assert launched.count("cross_entropy_forward") == 2


def test_the_host_does_not_wait_for_a_loss():
    x, target = random(6, 5).cuda().requires_grad_(), torch.tensor([0, 4, 2, -100, 1, 1]).cuda()
    with nothing_read():
        F.cross_entropy(x, target).backward()
        F.nll_loss(torch.log_softmax(x, 1), target).backward()


def test_a_target_that_is_no_class_gives_nan():
    x = random(3, 4).cuda().requires_grad_()
    losses = F.cross_entropy(x, torch.tensor([0, 4, -1]).cuda(), reduction="none")
    losses.sum().backward()
    assert losses.isnan().tolist() == [False, True, True]
    assert x.grad.isnan().all(1).tolist() == [False, True, True]


@pytest.mark.parametrize("target", [[-100, 1, 1, -100, -100], [1, 1, 0, 1, 1]])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_scores_that_are_no_numbers(target, reduction):
    inf, nan = float("inf"), float("nan")
    x = torch.tensor([[nan, 1.0], [0.0, 1.0], [-inf, 1.0], [-inf, -inf], [inf, 0.0]])
    alike(lambda x: F.cross_entropy(x, torch.tensor(target, device=x.device), reduction=reduction), x)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradients_of_gradients_of_cross_entropy(launched, smoothing):
    def second(x):
        target = torch.tensor([0, 4, 2, -100, 1, 1], device=x.device)
        loss = F.cross_entropy(x, target, label_smoothing=smoothing)
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        return (slope * slope).sum()

    alike(second, random(6, 5))
    assert "cross_entropy_forward" in launched
