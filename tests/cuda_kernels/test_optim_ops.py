"""Optimizers on a GPU: one launch for all parameters, with the numbers of the CPU, and without waiting for the GPU."""

import numpy as np
import pytest
from values import nothing_read

import course_lib as torch

SHAPES = [(3, 5), (7,), (), (4100,), (2, 2048)]  # a tail, one number, more than one block, exact packs

OPTIMIZERS = {
    "sgd": lambda p, **k: torch.optim.SGD(p, lr=0.1, **k),
    "sgd_momentum": lambda p, **k: torch.optim.SGD(p, 0.1, momentum=0.9, dampening=0.5, weight_decay=0.1, **k),
    "sgd_momentum nesterov": lambda p, **k: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, **k),
    "adam": lambda p, **k: torch.optim.Adam(p, lr=0.1, weight_decay=0.1, **k),
    "adam decoupled": lambda p, **k: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1, **k),
    "adam_amsgrad": lambda p, **k: torch.optim.AdamW(p, lr=0.1, amsgrad=True, **k),
    "adamax": lambda p, **k: torch.optim.Adamax(p, lr=0.1, **k),
    "nadam": lambda p, **k: torch.optim.NAdam(p, lr=0.1, weight_decay=0.1, **k),
    "nadam decoupled": lambda p, **k: torch.optim.NAdam(p, 0.1, weight_decay=0.1, decoupled_weight_decay=True, **k),
    "radam": lambda p, **k: torch.optim.RAdam(p, lr=0.1, betas=(0.9, 0.5), **k),
    "radam decoupled": lambda p, **k: torch.optim.RAdam(p, 0.1, weight_decay=0.1, decoupled_weight_decay=True, **k),
    "rmsprop": lambda p, **k: torch.optim.RMSprop(p, lr=0.1, **k),
    "rmsprop_momentum": lambda p, **k: torch.optim.RMSprop(p, lr=0.1, momentum=0.9, **k),
    "rmsprop_centered": lambda p, **k: torch.optim.RMSprop(p, lr=0.1, centered=True, weight_decay=0.1, **k),
    "rmsprop_momentum_centered": lambda p, **k: torch.optim.RMSprop(p, lr=0.1, momentum=0.5, centered=True, **k),
    "adagrad": lambda p, **k: torch.optim.Adagrad(p, lr=0.1, lr_decay=0.1, weight_decay=0.1, **k),
    "adadelta": lambda p, **k: torch.optim.Adadelta(p, lr=0.5, weight_decay=0.1, **k),
    "asgd": lambda p, **k: torch.optim.ASGD(p, lr=0.1, lambd=0.1, t0=1, **k),
    "rprop": lambda p, **k: torch.optim.Rprop(p, lr=0.1, **k),
}  # fmt: skip


def trained(make, device: str, dtype=torch.float32, steps: int = 8, shapes=SHAPES) -> list:
    """Parameters after some steps towards a moving goal."""
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.randn(shape).to(device, dtype)) for shape in shapes]
    optimizer = make(parameters)
    for step in range(steps):
        optimizer.zero_grad()
        sum(((p - 0.3 * step) ** 2).sum() for p in parameters).backward()
        optimizer.step()
    return [p.detach().cpu().float().numpy() for p in parameters]


def equal(ours: list, theirs: list, dtype=torch.float32) -> bool:
    close = (2e-4, 2e-5) if dtype is torch.float32 else (0.05, 0.03)
    return all(np.allclose(a, b, *close, equal_nan=True) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_is_one_launch_a_step(launched, name, maximize):
    make = lambda p: OPTIMIZERS[name](p, maximize=maximize)
    expected = trained(make, "cpu")
    assert equal(trained(make, "cuda"), expected)
    assert launched.count(name.partition(" ")[0]) == 8


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("name", ["sgd_momentum", "adam decoupled"])
def test_other_dtypes(launched, name, dtype):
    assert equal(trained(OPTIMIZERS[name], "cuda", dtype, 4), trained(OPTIMIZERS[name], "cpu", dtype, 4), dtype)
    assert launched.count(name.partition(" ")[0]) == 4


@pytest.mark.parametrize("flags", [{"fused": True}, {"capturable": True}, {"capturable": True, "amsgrad": True},
                                   {"foreach": True}, {"foreach": False}])  # fmt: skip
def test_ways_to_compute(launched, flags):
    plain = {name: value for name, value in flags.items() if name == "amsgrad"}
    expected = trained(lambda p: torch.optim.AdamW(p, lr=0.1, **plain), "cpu")
    assert equal(trained(lambda p: torch.optim.AdamW(p, lr=0.1, **flags), "cuda"), expected)
    assert launched.count("adam_moments") == (8 if flags.get("fused") or flags.get("capturable") else 0)


def test_steps_that_are_counted_on_the_gpu_stay_there(launched):
    p = torch.nn.Parameter(torch.ones(5, device="cuda"))
    lr = torch.tensor(0.5, device="cuda")
    optimizer = torch.optim.Adam([p], lr=lr, capturable=True)
    p.grad = torch.ones(5, device="cuda")
    optimizer.step()
    with nothing_read():
        optimizer.step()
    step = optimizer.state[p]["step"]
    assert step.is_cuda and step.item() == 2 and np.allclose(p.tolist(), 0, atol=1e-6)
    again = torch.optim.Adam([p], lr=lr, capturable=True)
    again.load_state_dict(optimizer.state_dict())
    again.step()
    assert again.state[p]["step"].item() == 3


def test_seventy_five_parameters_take_one_launch(launched):
    make = lambda p: torch.optim.AdamW(p, lr=0.01)
    trained(make, "cuda", steps=2, shapes=[(i % 7 + 1, 3) for i in range(75)])
    assert launched.count("adam") == 2
    launched.clear()
    shapes = [(i % 7 + 1, 3) for i in range(200)]
    assert equal(trained(make, "cuda", steps=2, shapes=shapes), trained(make, "cpu", steps=2, shapes=shapes))
    assert launched.count("adam") == 6


def test_what_kernels_do_not_take(launched):
    """Parameters in another order in memory, complex ones, groups that differ, gradients that come and go."""
    ends = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        turned = torch.nn.Parameter(torch.randn(6, 4).to(device).t())
        plain = torch.nn.Parameter(torch.randn(6, 4).to(device))
        other = torch.nn.Parameter(torch.randn(2, 5, dtype=torch.complex64).to(device))
        empty = torch.nn.Parameter(torch.randn(0).to(device))
        optimizer = torch.optim.Adam([{"params": [turned, plain, empty]}, {"params": [other], "lr": 0.5}], lr=0.1)
        for step in range(4):
            optimizer.zero_grad()
            loss = (turned**2).sum() + (other.abs() ** 2).sum() + empty.sum()
            if step != 2:
                loss = loss + (plain.t() * turned).sum()
            loss.backward()
            if plain.grad is not None:
                plain.grad = plain.grad.t().contiguous().t()
            optimizer.step()
        ends.append([torch.view_as_real(t.detach()).cpu().numpy() if t.is_complex() else t.detach().cpu().numpy()
                     for t in (turned, plain, other)])  # fmt: skip
    assert equal(*ends)
    assert launched.count("adam") == 3 + 4  # without a gradient for `plain` nothing is left for a kernel


def test_loading_and_replacing_make_new_tables(launched):
    ends = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        p = torch.nn.Parameter(torch.randn(9).to(device))
        optimizer = torch.optim.Adam([p], lr=0.1)
        for step in range(4):
            p.grad = p.detach() ** 2
            optimizer.step()
            if step == 1:
                optimizer.load_state_dict(optimizer.state_dict())
            if step == 2:
                p.data = p.data.clone()
        ends.append([p.detach().cpu().numpy()])
    assert equal(*ends)


# ---- between backward and step -------------------------------------------------------------------------------------


def with_gradients(device: str, dtype=torch.float32, shapes=SHAPES) -> list:
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.zeros(shape, device=device, dtype=dtype)) for shape in shapes]
    for p in parameters:
        p.grad = torch.randn(p.shape).to(device, dtype)
    return parameters


def gradients_of(parameters: list) -> list:
    return [p.grad.cpu().float().numpy() for p in parameters]


def on_both(function, dtype=torch.float32) -> None:
    """The function of parameters gives the same and leaves the same gradients on CPU and GPU."""
    ends = []
    for device in ("cpu", "cuda"):
        parameters = with_gradients(device, dtype)
        made = function(parameters)
        ends.append([*gradients_of(parameters), *([] if made is None else [made.cpu().float().numpy()])])
    assert equal(*ends, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("norm", [2.0, 1.0, float("inf"), 3.0])
def test_clipping_the_norm_takes_three_launches(launched, norm, dtype):
    on_both(lambda p: torch.nn.utils.clip_grad_norm_(p, 1.0, norm), dtype)
    assert len(launched) == 3


def test_clipping_does_not_wait_for_the_gpu(launched):
    parameters = with_gradients("cuda", shapes=[(i % 7 + 1, 3) for i in range(75)])
    with nothing_read():
        total = torch.nn.utils.clip_grad_norm_(parameters, 0.5)
    assert len(launched) == 3 and total.is_cuda
    assert abs(torch.nn.utils.get_total_norm([p.grad for p in parameters]).item() - 0.5) < 1e-4


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("norm", [2.0, float("inf")])
def test_norms_that_are_no_numbers(xp, value, norm):
    def clipped(parameters):
        parameters[3].grad[5] = value
        return torch.nn.utils.clip_grad_norm_(parameters, 1.0, norm)

    on_both(clipped)


def test_other_norms_and_places(launched):
    """What the kernels do not do, and gradients that lie in column-major order, which they do."""
    on_both(lambda p: torch.nn.utils.clip_grad_norm_(p, 1.0, 0.0))
    assert launched == ["scale_to_norm"]
    launched.clear()

    def turned(parameters):
        parameters[0].grad = parameters[0].grad.t().contiguous().t()
        return torch.nn.utils.clip_grad_norm_(parameters, 1.0)

    on_both(turned)
    assert len(launched) == 3


def test_clipping_values_and_zeros(launched):
    on_both(lambda p: torch.nn.utils.clip_grad_value_(p, 0.5))
    on_both(lambda p: torch.optim.SGD(p).zero_grad(set_to_none=False))
    assert launched == ["clip_values", "fill_with_zeros"]


def test_gradients_know_that_they_were_changed(xp):
    (p,) = with_gradients("cuda", shapes=[(3,)])
    before = p.grad._version
    torch.nn.utils.clip_grad_norm_([p], 0.1)
    torch.nn.utils.clip_grad_value_([p], 0.1)
    assert p.grad._version == before + 2


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_gradients_are_unscaled_and_steps_left_out(launched, kind, fused):
    ends = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        p = torch.nn.Parameter(torch.randn(5000).to(device))
        optimizer = getattr(torch.optim, kind)([p], lr=0.1, fused=fused)
        scaler, scales = torch.amp.GradScaler(device, init_scale=256.0, growth_interval=2), []
        for step in range(6):
            optimizer.zero_grad()
            loss = (p * p).sum() * (float("inf") if step == 2 else 1.0)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            scales.append(scaler.get_scale())
        ends.append([p.detach().cpu().numpy(), scales])
    assert equal(*ends)
    assert launched.count("unscale") == launched.count("update_scale") == 6
    assert launched.count(kind.lower()) == (6 if fused else 5)


def test_a_fused_step_with_a_scaler_does_not_wait(launched):
    p = torch.nn.Parameter(torch.ones(5, device="cuda"))
    optimizer, scaler = torch.optim.AdamW([p], lr=0.1, fused=True), torch.amp.GradScaler("cuda")
    for _ in range(2):
        scaler.scale((p * p).sum()).backward()
        with nothing_read():
            scaler.step(optimizer)
            scaler.update()
    assert optimizer.state[p]["step"].item() == 2 and (p < 1).all()


@pytest.mark.parametrize("average", [torch.optim.swa_utils.get_ema_multi_avg_fn(0.8), None])
def test_averages_of_weights_are_one_launch(launched, average):
    ends = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2)).to(device)
        averaged = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=average)
        for _ in range(3):
            with torch.no_grad():
                for p in model.parameters():
                    p.add_(1.0)
            averaged.update_parameters(model)
        ends.append([p.detach().cpu().numpy() for p in averaged.parameters()])
    assert equal(*ends)
    assert launched.count("move_averages") == 2


def test_gradients_are_not_kept(xp):
    """The table of an optimizer holds addresses, not the gradients themselves."""
    import gc
    import weakref

    p = torch.nn.Parameter(torch.ones(5, device="cuda"))
    optimizer = torch.optim.Adam([p])
    p.grad = torch.ones(5, device="cuda")
    gradient = weakref.ref(p.grad._array)
    optimizer.step()
    optimizer.zero_grad()
    gc.collect()
    assert gradient() is None
