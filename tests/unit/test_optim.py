"""What optimizers and schedules promise beyond PyTorch's database: memory, aliases, copies, hooks, interruptions."""

from __future__ import annotations

import copy
import gc
import importlib.util
import pickle
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest

import course_lib as torch
from course_lib.backends import compiled

RULES = ("ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop",
         "SGD")  # fmt: skip


def parameters(*shapes):
    torch.manual_seed(0)
    return [torch.randn(shape, requires_grad=True) for shape in shapes]


def descend(optimizer, params, steps: int = 1) -> float:
    for _ in range(steps):
        optimizer.zero_grad()
        loss = sum((p * p).sum() for p in params)
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("rule", [*RULES, "SparseAdam"])
def test_loss_falls(rule):
    params = parameters((3, 4), (4,), ())
    optimizer = getattr(torch.optim, rule)(params, lr=0.05)
    assert descend(optimizer, params, 30) < sum((p * p).sum().item() for p in parameters((3, 4), (4,), ()))


@pytest.mark.parametrize("rule", RULES)
def test_many_small_parameters_move_as_each_would_alone(rule):
    together = parameters((3,), (2, 2), (), (4, 1), (200, 200))
    alone = [p.detach().clone().requires_grad_() for p in together]
    descend(getattr(torch.optim, rule)(together), together, 5)
    for p in alone:
        descend(getattr(torch.optim, rule)([p]), [p], 5)
    for a, b in zip(together, alone, strict=True):
        assert torch.equal(a, b)


def test_a_parameter_in_any_layout_is_changed_where_it_lies():
    memory = torch.arange(24.0).reshape(4, 6)
    params = [memory.t()[1:3].requires_grad_(), memory[:, 4].detach().requires_grad_()]
    optimizer = torch.optim.SGD(params, lr=0.5)
    for p in params:
        p.grad = torch.ones_like(p)
    optimizer.step()
    assert torch.equal(memory[:, 1:3], torch.arange(24.0).reshape(4, 6)[:, 1:3] - 0.5)
    assert torch.equal(memory[:, 4], torch.arange(24.0).reshape(4, 6)[:, 4] - 0.5)
    assert torch.equal(memory[:, 5], torch.arange(24.0).reshape(4, 6)[:, 5])


def test_a_step_counts_as_a_change_in_place():
    (w,) = parameters((2,))
    optimizer = torch.optim.SGD([w], lr=0.1)
    loss = (w * w).sum()
    w.grad = torch.ones(2)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_step_makes_no_graph_and_keeps_the_parameter_a_leaf():
    params = parameters((2, 2), (2,))
    optimizer = torch.optim.Adam(params)
    descend(optimizer, params)
    assert all(p.is_leaf and p.grad_fn is None for p in params)
    state = optimizer.state[params[0]]
    assert not state["exp_avg"].requires_grad and state["step"].shape == ()


def test_parameters_without_gradient_stay_and_count_no_steps():
    a, b = parameters((2,), (2,))
    optimizer = torch.optim.Adam([a, b])
    before = b.detach().clone()
    descend(optimizer, [a])
    assert torch.equal(b, before) and b not in optimizer.state
    descend(optimizer, [a, b])
    assert [optimizer.state[p]["step"].item() for p in (a, b)] == [2.0, 1.0]


def test_states_do_not_share_memory():
    params = parameters((3,), (3,), (3,))
    optimizer = torch.optim.Adam(params)
    descend(optimizer, params, 2)
    first, *others = [optimizer.state[p]["exp_avg"] for p in params]
    before = [other.clone() for other in others]
    first.zero_()
    assert all(torch.equal(a, b) for a, b in zip(others, before, strict=True))


def test_what_a_user_does_to_the_state_counts():
    params, same = parameters((3,), (2,)), parameters((3,), (2,))
    optimizer, fresh = torch.optim.Adam(params, lr=0.1), torch.optim.Adam(same, lr=0.1)
    descend(optimizer, params)
    with torch.no_grad():
        for p, q in zip(params, same, strict=True):
            p.copy_(q)
    for p in params:
        optimizer.state[p]["exp_avg"].zero_()
        optimizer.state[p]["exp_avg_sq"] = torch.zeros_like(p)
        optimizer.state[p]["step"].zero_()
    descend(optimizer, params)
    descend(fresh, same)
    assert all(torch.equal(p, q) for p, q in zip(params, same, strict=True))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_copies_go_on_by_themselves(duplicate):
    params = parameters((3,), (2, 2))
    optimizer = torch.optim.Adam(params, lr=0.1)
    descend(optimizer, params, 3)
    other, others = duplicate((optimizer, params))
    descend(optimizer, params, 3)
    descend(other, others, 3)
    assert all(torch.equal(p, q) and p is not q for p, q in zip(params, others, strict=True))


def test_hooks_run_in_order_and_may_change_the_arguments():
    (w,) = parameters((1,))
    optimizer, calls = torch.optim.SGD([w], lr=0.1), []
    from course_lib.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

    handles = [
        register_optimizer_step_pre_hook(lambda *_: calls.append("pre, of all")),
        register_optimizer_step_post_hook(lambda *_: calls.append("post, of all")),
        optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 7.0), {})),
        optimizer.register_step_post_hook(lambda *_: calls.append("post")),
    ]
    assert optimizer.step() == 7.0
    for handle in handles:
        handle.remove()
    assert optimizer.step() is None
    assert calls == ["pre, of all", "post", "post, of all"]


def test_state_dict_hooks():
    (w,) = parameters((1,))
    optimizer, calls = torch.optim.SGD([w], lr=0.1), []
    optimizer.register_state_dict_pre_hook(lambda o: calls.append("before"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "note": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, state: calls.append(state.pop("note")))
    optimizer.register_load_state_dict_pre_hook(lambda o, state: calls.append("first"), prepend=True)
    optimizer.register_load_state_dict_post_hook(lambda o: calls.append("after"))
    state = optimizer.state_dict()
    optimizer.load_state_dict(state)
    assert calls == ["before", "first", 1, "after"] and state["note"] == 1


def test_user_written_optimizers_get_hooks_too():
    class Mine(torch.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 1.0})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(p.grad, alpha=group["lr"])

    (w,) = parameters((2,))
    optimizer, calls = Mine([w]), []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    w.grad = w.detach().clone()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step()
        scheduler.step()
    assert calls == [1] and not w.any() and optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


def test_a_tensor_learning_rate_is_changed_in_place_by_schedules():
    (w,) = parameters((2,))
    rate = torch.tensor(0.5)
    optimizer = torch.optim.Adam([w], lr=rate)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    assert rate.item() == 0.25 and optimizer.param_groups[0]["lr"] is rate


def test_averaged_model_follows_its_rule():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    swa_utils = torch.optim.swa_utils
    ema = swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9), use_buffers=True)
    first = model[0].weight.detach().clone()
    ema.update_parameters(model)
    with torch.no_grad():
        model[0].weight.add_(1.0)
    ema.update_parameters(model)
    assert torch.allclose(ema.module[0].weight, first + 0.1) and ema.n_averaged == 2
    swa_utils.update_bn([torch.tensor([[0.0, 0.0], [2.0, 2.0]])] * 3, ema)
    assert ema.module[1].num_batches_tracked == 3 and ema.module[1].momentum == 0.1


@pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed: pip install numba")
@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        ("SGD", {}),
        ("SGD", {"weight_decay": 0.01, "maximize": True}),
        ("SGD", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
        ("SGD", {"momentum": 0.9, "nesterov": True, "maximize": True}),
        ("Adam", {"weight_decay": 0.1, "maximize": True}),
        ("AdamW", {}),
        ("RMSprop", {"weight_decay": 0.1}),
        ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "maximize": True}),
    ],
)
def test_compiled_kernels_give_the_same_numbers(rule, settings):
    results = []
    for when in ("never", "at once"):
        compiled.load_kernels(when)
        params = parameters((200, 300), (7,), (3, 4), ())
        optimizer = getattr(torch.optim, rule)(params, lr=0.1, **settings)
        descend(optimizer, params, 4)
        results.append([*params, *[v for state in optimizer.state.values() for v in state.values()]])
    compiled.load_kernels("when it pays")
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


# ---- long trainings, and interrupted ones ----------------------------------------------------------------------------


@pytest.fixture
def without_kernels():
    """Loading them in the middle would look like a leak."""
    compiled.load_kernels("never")
    yield
    compiled.load_kernels("when it pays")


def test_ten_thousand_steps_leave_memory_flat(without_kernels):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50)
    x, y = torch.randn(16, 4), torch.randn(16, 1)

    def train(steps: int) -> int:
        for _ in range(steps):
            optimizer.zero_grad()
            ((model(x) - y) ** 2).mean().backward()
            optimizer.step()
            scheduler.step()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    train(500)
    objects = len(gc.get_objects())
    train(8_500)
    assert len(gc.get_objects()) - objects < 500
    tracemalloc.start()  # which makes the steps four times as slow
    try:
        before = train(100)
        assert train(900) - before < 16_384  # NumPy keeps a few small blocks; a number a step would be 25 KB
    finally:
        tracemalloc.stop()


TRAINING = """
import sys
from pathlib import Path
import course_lib as torch

path, stop_at = Path(sys.argv[1]), int(sys.argv[2])
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 6), torch.nn.Dropout(0.3), torch.nn.Linear(6, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 7, 0.5)
x, y = torch.randn(32, 3), torch.randn(32, 1)
start = 0
if path.exists():
    saved = torch.load(path)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    scheduler.load_state_dict(saved["scheduler"])
    torch.set_rng_state(saved["rng"])
    start = saved["step"]
for step in range(start, 40):
    optimizer.zero_grad()
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 5 == 4:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1,
                    "scheduler": scheduler.state_dict(), "rng": torch.get_rng_state()}, path)
    if step == stop_at:
        print("waiting to be killed", flush=True)
        sys.stdin.read()
print(loss.item().hex(), [p.sum().item().hex() for p in model.parameters()])
"""


def test_a_killed_training_goes_on_with_the_same_numbers(tmp_path):
    def start(name: str, stop_at: int):
        command = [sys.executable, "-c", TRAINING, str(tmp_path / name), str(stop_at)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    with start("whole.pt", -1) as process:
        whole = process.communicate(timeout=60)[0]
    with start("killed.pt", 22) as process:  # two steps after its last checkpoint
        assert "waiting" in process.stdout.readline()
        process.kill()
    with start("killed.pt", -1) as process:
        resumed = process.communicate(timeout=60)[0]
    assert whole == resumed and "0x" in whole


def test_settings_are_numpy_friendly():
    (w,) = parameters((2,))
    w.grad = torch.ones(2)
    before = w.detach().clone()
    torch.optim.SGD([w], lr=np.float64(0.5)).step()
    assert torch.equal(w, before - 0.5)
