"""Softmax, losses of class numbers and norms on a GPU run the library's kernels, and give what they give on the CPU."""

import numpy as np
import pytest
from values import both, nothing_read

import course_lib as torch
from course_lib.nn import functional as F

pytestmark = pytest.mark.usefixtures("xp")
CLOSE = {torch.float32: (1e-5, 1e-5), torch.bfloat16: (3e-2, 3e-2), torch.float16: (4e-3, 4e-3)}
DTYPES = [torch.float32, torch.bfloat16]


def alike(function, *operands) -> None:
    """Value and gradients are the CPU's, up to roundings of the largest numbers."""
    close, least = CLOSE[operands[0].dtype]
    for a, b in zip(*both(function, *operands), strict=True):
        size = np.abs(a[np.isfinite(a)]).max(initial=1)
        assert a.shape == b.shape and np.allclose(a, b, close, least * size, equal_nan=True)


def random(*shape, dtype=torch.float32):
    torch.manual_seed(sum(shape))
    return torch.randn(*shape, dtype=dtype)


# ---- softmax -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
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


@pytest.mark.parametrize("dtype", DTYPES)
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


# ---- norms of rows -----------------------------------------------------------------------------------------------

ROWS = ["layer_norm_forward", "norm_backward_with_parameters", "norm_parameters_of_parts"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 3, 7), (9, 64), (2, 600)])
def test_layer_norm(launched, shape, dtype):
    x, weight, bias = random(*shape, dtype=dtype), random(shape[-1], dtype=dtype), random(shape[-1], dtype=dtype)
    alike(lambda x, w, b: F.layer_norm(x, shape[-1:], w, b), x, weight, bias)
    assert launched == ROWS


def test_layer_norm_of_other_operands(launched):
    alike(lambda x: F.layer_norm(x, (3, 5), eps=0.1), random(4, 3, 5))
    assert launched == ["layer_norm_forward", "norm_backward"]
    alike(lambda x, b: F.layer_norm(x, (5,), None, b), random(4, 5), random(5))
    alike(lambda x, w: F.layer_norm(x.transpose(0, 1), (5,), w[::2]), random(4, 3, 5), random(10))
    alike(lambda x, w, b: F.layer_norm(x, (8,), w, b), random(4, 8, dtype=torch.float16), random(8), random(8))
    assert launched[2:] == 3 * ROWS
    launched.clear()
    alike(lambda x, w, b: F.layer_norm(x, (4500,), w, b), random(3, 4500), random(4500), random(4500))
    assert launched == ["layer_norm_forward", "norm_backward", "norm_parameters_backward", ROWS[-1]]
    launched.clear()
    alike(lambda w, b: F.layer_norm(torch.ones(3, 4, device=w.device).cumsum(1), (4,), w, b), random(4), random(4))
    assert launched == ["layer_norm_forward", "norm_parameters_backward", ROWS[-1]]


def test_layer_norm_without_kernel(launched):
    assert F.layer_norm(torch.ones(0, 3, device="cuda"), (3,)).shape == (0, 3)
    x, weight = random(2, 3).cuda(), random(3, dtype=torch.float64).cuda()
    assert np.allclose(F.layer_norm(x, (3,), weight).cpu(), F.layer_norm(x.cpu(), (3,), weight.cpu()), 1e-5, 1e-6)
    assert not launched


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_rms_norm(launched, weighted, dtype):
    operands = [random(4, 3, 16, dtype=dtype), *([random(16, dtype=dtype)] if weighted else [])]
    alike(lambda x, *w: F.rms_norm(x, (16,), *w), *operands)
    assert launched == ["rms_norm_forward", *(ROWS[1:] if weighted else ["norm_backward"])]


def test_rms_norm_of_other_operands(launched):
    alike(lambda x: F.rms_norm(x.t(), (4,), eps=1e-3), random(4, 3))
    assert launched == ["rms_norm_forward", "norm_backward"]
    launched.clear()
    mixed = F.rms_norm(random(2, 4, dtype=torch.bfloat16).cuda(), (4,), random(4).cuda())
    assert mixed.dtype is torch.float32 and "rms_norm_forward" not in launched


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 5), (2, 4, 3, 8), (2, 4, 2, 3, 5)])
def test_group_norm(launched, shape, dtype):
    operands = random(*shape, dtype=dtype), random(4, dtype=dtype), random(4, dtype=dtype)
    alike(lambda x, w, b: F.group_norm(x, 2, w, b), *operands)
    assert launched == ["group_norm_forward", "group_norm_backward", "group_norm_parameters_backward", ROWS[-1]]


def test_group_norm_of_other_operands(launched):
    alike(lambda x: F.group_norm(x.to(memory_format=torch.channels_last), 2), random(2, 4, 3, 5))
    assert launched == ["group_norm_forward", "group_norm_backward"]
    alike(lambda x, w, b: F.group_norm(x, 4, w, b), random(2, 4, 6, dtype=torch.bfloat16), random(4), random(4))
    assert launched[2:4] == ["group_norm_forward", "group_norm_backward"]


# ---- norms of channels -------------------------------------------------------------------------------------------


def running(x, channels: int, dtype=torch.float32):
    return torch.zeros(channels, dtype=dtype, device=x.device), torch.ones(channels, dtype=dtype, device=x.device)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 5), (4, 3, 5, 8), (2, 3, 2, 3, 4), (2, 2, 80, 130)])
def test_batch_norm(launched, shape, last, dtype):
    """The output, the gradients, and the running statistics."""
    kept = []

    def layer(x, w, b):
        if last and x.ndim > 3:
            x = x.to(memory_format=torch.channels_last if x.ndim == 4 else torch.channels_last_3d)
        mean, var = running(x, shape[1], dtype)
        made = F.batch_norm(x, mean, var, w, b, training=True)
        kept.append(torch.cat([mean, var]).cpu().double())
        return made

    alike(layer, *[random(*sizes, dtype=dtype) for sizes in (shape, shape[1:2], shape[1:2])])
    assert np.allclose(kept[0], kept[1], *CLOSE[dtype])
    batch = [name for name in launched if name.startswith("batch")]
    if shape[-1] > 100 or len(batch) > 2:  # blocks share a channel
        assert batch == ["batch_norm_shares", "batch_norm_forward", "batch_norm_backward_shares", "batch_norm_backward"]
    else:
        assert batch == ["batch_norm_forward", "batch_norm_backward"]


def test_batch_norm_of_other_operands(launched):
    def layer(x, w, b):
        return F.batch_norm(x, *running(x, 3), w, b, training=True)

    alike(layer, random(4, 3, 8, dtype=torch.float16), random(3), random(3))
    alike(lambda x: F.batch_norm(x.transpose(0, 1), None, None, training=True), random(3, 4, 2))
    alike(lambda x: F.batch_norm(x, *running(x, 3), training=True, momentum=0.5), random(4, 3))
    assert launched == 3 * ["batch_norm_forward", "batch_norm_backward"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("last", [False, True])
def test_batch_norm_in_evaluation(launched, last, dtype):
    def layer(x, w, b):
        x = x.to(memory_format=torch.channels_last) if last else x
        mean = torch.linspace(0, 1, 3, dtype=dtype, device=x.device)
        return F.batch_norm(x, mean, mean + 1, w, b)

    alike(layer, random(4, 3, 5, 8, dtype=dtype), random(3, dtype=dtype), random(3, dtype=dtype))
    assert launched.count("batch_norm_known") == launched.count("batch_norm_backward") == 1


def test_instance_norm(launched):
    kept = []

    def layer(x, w, b):
        mean, var = running(x, 3)
        made = F.instance_norm(x, mean, var, w, b)
        kept.append(torch.cat([mean, var]).cpu())
        return made

    alike(layer, random(2, 3, 4, 8), random(3), random(3))
    assert np.allclose(*kept, 1e-5, 1e-6)
    assert [name for name in launched if name.startswith("batch")] == ["batch_norm_forward", "batch_norm_backward"]


def test_the_host_does_not_wait_for_norms():
    layers = torch.nn.Sequential(torch.nn.BatchNorm2d(4), torch.nn.GroupNorm(2, 4), torch.nn.InstanceNorm2d(4),
                                 torch.nn.Flatten(2), torch.nn.LayerNorm(30), torch.nn.RMSNorm(30)).cuda()  # fmt: skip
    x = random(2, 4, 5, 6).cuda().requires_grad_()
    with nothing_read():
        layers(x).backward(x.detach().flatten(2))


@pytest.mark.parametrize("norm", [
    lambda x: F.layer_norm(x, (5,)), lambda x: F.rms_norm(x, (5,)), lambda x: F.group_norm(x, 2),
    lambda x: F.batch_norm(x, None, None, training=True), lambda x: F.batch_norm(x, *running(x, 4)),
])  # fmt: skip
def test_gradients_of_gradients_of_norms(norm):
    def second(x):
        (slope,) = torch.autograd.grad((norm(x) ** 3).sum(), x, create_graph=True)
        return (slope * slope).sum()

    alike(second, random(3, 4, 5))
