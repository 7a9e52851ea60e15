"""Nothing that autograd makes stays behind: no reference cycles, no leaks, no recursion on long graphs."""

from __future__ import annotations

import contextlib
import gc
import tracemalloc
import weakref

import pytest

import course_lib as torch

STEPS = 10_000


@contextlib.contextmanager
def collector_off():
    """The cyclic collector is off inside: what is only freed by it, stays."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cycles_left_by(function) -> list:
    """The objects of course_lib in reference cycles that `function` leaves behind."""
    function()
    gc.collect()
    with collector_off():
        function()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            gc.collect()
            return [each for each in gc.garbage if type(each).__module__.startswith(("course_lib", "torch."))]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()


def test_ten_thousand_training_steps_do_not_grow():
    torch.manual_seed(0)
    x, t = torch.rand(4, 3), torch.rand(4, 1)
    w = torch.zeros(3, 1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)

    def steps(count: int) -> None:
        for _ in range(count):
            loss = ((torch.tanh(x @ w) + b - t) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                for p in (w, b):
                    p -= 0.1 * p.grad
                    p.grad = None

    steps(200)
    with collector_off():
        tracemalloc.start()
        try:
            steps(200)
            before, _ = tracemalloc.get_traced_memory()
            steps(STEPS - 400)
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert after - before < 20_000, f"{after - before} bytes more after {STEPS} steps"


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        y = x * factor
        ctx.save_for_backward(x, y)
        ctx.factor = factor
        return y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * ctx.factor + 0 * x * y, None


def leaf():
    return torch.tensor([0.5, 1.5, 2.5], requires_grad=True)


def train_once():
    x = leaf()
    (x.exp() * x.sin()).sum().backward()


def forward_only():
    x = leaf()
    _ = (x.exp() * x.sqrt()).softmax(0).sum()


def in_place_on_views():
    x = leaf()
    y = x * 1
    y[0].mul_(2)
    y[1:].exp_()
    y.sum().backward()


def second_derivative():
    x = leaf()
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    torch.autograd.grad(g.sum(), x)


def retained_graph():
    x = leaf()
    y = (x.exp() * x).sum()
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)


def custom_function():
    Scaled.apply(leaf(), 3).sum().backward()


def custom_function_forward_only():
    Scaled.apply(leaf(), 3)


def hooks():
    x = leaf()
    y = x.exp()
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    y.grad_fn.register_hook(lambda grad_in, grad_out: None)
    x.register_post_accumulate_grad_hook(lambda p: None)
    y.sum().backward()


def saved_tensors_hooks():
    x = leaf()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        y = x.exp() * x
    y.sum().backward()


def checkpointed():
    for reentrant in (False, True):
        torch.utils.checkpoint.checkpoint(lambda t: t.exp().sin(), leaf(), use_reentrant=reentrant).sum().backward()


def transforms():
    f = torch.func.hessian(lambda t: (t**3).sum())
    torch.vmap(f)(torch.ones(2, 3))
    torch.func.jvp(torch.sin, (torch.ones(2),), (torch.ones(2),))


def forward_mode():
    forward = torch.autograd.forward_ad
    with forward.dual_level():
        x = forward.make_dual(torch.ones(2), torch.ones(2))
        forward.unpack_dual(x.exp() * x)


def anomaly():
    with torch.autograd.set_detect_anomaly(True):
        x = leaf()
        (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        g.sum().backward()


def failing_backward():
    x = leaf()
    y = x.exp()
    y.add_(1)
    with contextlib.suppress(RuntimeError):
        y.sum().backward()


def several_outputs():
    x = leaf()
    values, order = x.sort()
    a, b, c = x.unbind(0)
    (values.sum() + a * b + torch.cat([x, values]).sum()).backward()


@pytest.mark.parametrize(
    "function",
    [train_once, forward_only, in_place_on_views, second_derivative, retained_graph, custom_function,
     custom_function_forward_only, hooks, saved_tensors_hooks, checkpointed, transforms, forward_mode, anomaly,
     failing_backward, several_outputs],
)  # fmt: skip
def test_no_reference_cycle_is_left(function):
    left = cycles_left_by(function)
    assert left == [], [type(each).__name__ for each in left]


def test_a_chain_of_a_hundred_thousand_nodes():
    x = torch.ones(1, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    y.backward()
    assert x.grad.item() == 1
    del y  # freed without a recursion as deep as the chain


@pytest.mark.parametrize(
    "step", [lambda t: t + 1, lambda t: t.exp().log(), lambda t: t.view(1), lambda t: t * t.detach()]
)
def test_long_chains_are_freed_without_backward(step):
    x = torch.ones(1, requires_grad=True)
    y = x
    for _ in range(40_000):
        y = step(y)
    del y
    assert x.grad is None


def test_a_long_chain_in_place():
    x = torch.ones(2, requires_grad=True)
    y = x * 1
    for _ in range(20_000):
        y.add_(1)
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_a_long_chain_of_second_derivatives_is_freed():
    x = torch.ones(1, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y * x
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    assert g.item() == 20_001
    del y, g


def test_ten_thousand_inputs():
    xs = [torch.full((1,), float(number), requires_grad=True) for number in range(10_000)]
    (torch.cat(xs) ** 2).sum().backward()
    assert xs[1234].grad.item() == 2 * 1234
    for x in xs:
        x.grad = None
    (torch.stack(xs) * 3).sum().backward()
    assert xs[9_999].grad.item() == 3
    for x in xs:
        x.grad = None
    total = sum(xs)
    total.backward()
    assert xs[0].grad.item() == 1


def test_one_leaf_used_ten_thousand_times():
    x = torch.tensor(2.0, requires_grad=True)
    torch.stack([x * 3 for _ in range(10_000)]).sum().backward()
    assert x.grad.item() == 30_000


def test_a_freed_graph_frees_its_saved_tensors():
    x = leaf()
    y = x.exp()
    z = y.sin()
    kept = weakref.ref(y)
    del y
    assert kept() is not None
    z.sum().backward()
    assert kept() is None
