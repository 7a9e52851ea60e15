"""Random numbers and dropout on a GPU: made there, and the same as the host would make for the same seed."""

import cupy_on_numpy
import numpy as np
import pytest

import course_lib as torch
from course_lib.backends import cuda
from course_lib.nn import functional as F

DRAWS = {
    "uniform": lambda x: x.uniform_(-1, 2), "normal": lambda x: x.normal_(1, 2),
    "exponential": lambda x: x.exponential_(2), "bernoulli": lambda x: x.bernoulli_(0.3),
    "geometric": lambda x: x.geometric_(0.4), "cauchy": lambda x: x.cauchy_(1, 2).clamp_(-20, 20),
    "log_normal": lambda x: x.log_normal_(0, 0.5), "integers": lambda x: x.random_(3, 60),
}  # fmt: skip


def with_and_without_kernels(draw) -> list:
    """The tensors that a program draws on the GPU: with the kernels, and by the host alone."""
    found = []
    for with_kernels in (True, False):
        if not with_kernels:
            cuda.use(cupy_on_numpy.module())
        torch.manual_seed(5)
        found.append([t.cpu() for t in draw()])
    return found


def same(draw, tolerance: float = 1e-5) -> bool:
    pairs = zip(*with_and_without_kernels(draw), strict=True)
    return all(np.allclose(a.double(), b.double(), tolerance, tolerance) for a, b in pairs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", DRAWS)
def test_distributions(launched, name, dtype):
    fill = DRAWS[name]

    def draw():
        x = torch.empty(700, dtype=dtype, device="cuda")
        return fill(x).clone(), fill(torch.empty(3, 5, dtype=dtype, device="cuda").t())

    assert same(draw, 2e-2 if dtype.itemsize == 2 else 1e-4)
    assert launched[0] == name


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8, torch.bool, torch.float64])
def test_whole_numbers(launched, dtype):
    def draw():
        x = torch.empty(300, dtype=dtype, device="cuda")
        yield x.random_().clone()
        yield x.bernoulli_(0.25).clone()
        if dtype is not torch.bool:
            yield torch.randint(2, 100, (3, 50), dtype=dtype, device="cuda")
        if dtype is torch.int64:
            yield torch.randint(-5, 2**40, (300,), device="cuda")
            yield x.random_(-(2**63), None).clone()

    assert same(draw)
    assert {"integers", "wide_integers"} & set(launched) and {"yes_or_no", "bernoulli"} & set(launched)


def test_permutations_and_categories(launched):
    weights = torch.tensor([[0.0, 1.0, 3.0], [5.0, 0.0, 0.0]])

    def draw():
        yield torch.randperm(100, device="cuda")
        yield torch.multinomial(weights.cuda(), 1)
        yield torch.multinomial(weights[0].cuda(), 2)
        yield torch.multinomial(weights.cuda(), 50, replacement=True)
        yield torch.bernoulli(torch.linspace(0, 1, 33).cuda())

    first, second = with_and_without_kernels(draw)
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a, b)
    assert sorted(first[0].tolist()) == list(range(100)) and first[1][1].item() == 0
    assert set(first[3][0].tolist()) == {1, 2} and set(first[3][1].tolist()) == {0}
    assert launched == ["wide_integers", "exponential", "maximum_at_of_lines", "exponential", "uniform", "bernoulli_by"]


def test_categories_by_weights_of_half_precision(launched):
    weights = torch.tensor([0.0, 0.25, 0.75]).bfloat16().cuda()
    assert torch.multinomial(weights, 1).item() in (1, 2)
    assert torch.multinomial(weights, 400, replacement=True).bincount(minlength=3)[2].item() > 240
    with pytest.raises(RuntimeError, match="inf"):
        torch.multinomial(weights / 0, 1)


@pytest.mark.parametrize("n", [1, 6, 12, 1000, 4001])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_dropout(launched, dtype, n):
    def draw():
        x = torch.ones(n, dtype=dtype, device="cuda", requires_grad=True)
        y = F.dropout(x, 0.3)
        y.backward(torch.full_like(y, 2))
        return y.detach(), x.grad, torch.rand(3, device="cuda")

    (y, grad, _), _ = found = with_and_without_kernels(draw)
    for a, b in zip(*found, strict=True):
        assert torch.allclose(a.double(), b.double(), rtol=1e-3)
    assert torch.equal(grad, 2 * y) and set(y.double().unique().tolist()) <= {0.0, y.max().item()}
    wide = next(w for w in (16 // dtype.itemsize, 4, 2, 1) if n % w == 0)
    assert launched[:2] == [f"dropout_forward_{wide}", "dropout_backward"]


def test_kinds_of_dropout(launched):
    x = torch.ones(8, 6, 4, 4).cuda()
    torch.manual_seed(0)
    y = F.dropout(x.transpose(1, 2), 0.5)
    assert 0.3 < (y == 0).float().mean().item() < 0.7 and y.grad_fn is None
    channels = F.dropout2d(x, 0.5)
    assert (channels.amax((2, 3)) == channels.amin((2, 3))).all().item()
    assert F.alpha_dropout(x, 0.2, training=True).shape == x.shape
    place = x.data_ptr()
    assert F.dropout(x, 0.5, inplace=True).data_ptr() == place
    z = torch.ones(5, 5, device="cuda", requires_grad=True)
    assert type(F.dropout(z)[0].grad_fn).__name__ and F.dropout(z).grad_fn.name() == "NativeDropoutBackward0"
    (slope,) = torch.autograd.grad(F.dropout(z, 0.5).pow(2).sum(), z, create_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), z)
    assert set(second.unique().tolist()) <= {0.0, 8.0}
