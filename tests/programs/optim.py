"""Optimizers and learning rate schedules: groups, errors, state dicts, hooks, printing, warnings, training."""

# --- what cannot be optimized
import importlib

base = importlib.import_module(f"{torch.__name__}.optim.optimizer")


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


optim = torch.optim
p, q = torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(3))
attempt(lambda: optim.SGD([]))
attempt(lambda: optim.SGD(p))
attempt(lambda: optim.SGD([p, 3]))
attempt(lambda: optim.SGD(3))
attempt(lambda: optim.SGD([{"params": {p}}]))
attempt(lambda: optim.SGD([p * 2]))
attempt(lambda: optim.SGD([{"params": [p]}, 3]))
attempt(lambda: optim.SGD([p, {"params": [p]}]))
attempt(lambda: optim.SGD([{"lr": 3}]))
attempt(lambda: optim.SGD([{"params": p}, {"params": [q, p]}]))
attempt(lambda: optim.SGD([("w", p), q]))
attempt(lambda: optim.SGD([{"params": [("w", p)]}, {"params": [q]}]))
attempt(lambda: optim.LBFGS([{"params": [p]}, {"params": [q]}]))
attempt(lambda: optim.Muon([q]))
attempt(lambda: optim.SparseAdam([p, torch.ones(2, dtype=torch.complex64)]))
attempt(lambda: optim.Optimizer([p], {"lr": base.required}))
attempt(lambda: optim.Optimizer([p], {}).step())
attempt(lambda: optim.LBFGS([p], line_search_fn="x").step(lambda: (p**2).sum().backward() or (p**2).sum()))

# --- settings outside their range
import inspect


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


p = torch.nn.Parameter(torch.ones(2, 2))
for name in ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "ASGD", "Rprop", "LBFGS",
             "SparseAdam", "Adafactor", "Muon"):
    rule = getattr(torch.optim, name)
    print(name)
    for setting, parameter in list(inspect.signature(rule).parameters.items())[1:]:
        default = parameter.default
        if isinstance(default, tuple):
            attempt(lambda: rule([p], **{setting: (-1.0, -1.0)}).param_groups[0][setting])
            attempt(lambda: rule([p], **{setting: (default[0], -1.0)}).param_groups[0][setting])
        elif isinstance(default, (int, float)) and not isinstance(default, bool):
            attempt(lambda: rule([p], **{setting: -1.0}).param_groups[0][setting])
    for kwargs in ({"lr": torch.ones(2)}, {"lr": torch.tensor(0.1), "foreach": True}, {"fused": True, "foreach": True},
                   {"fused": True, "differentiable": True}):
        attempt(lambda: list(rule([p], **kwargs).param_groups[0]))
attempt(lambda: torch.optim.SGD([p], nesterov=True))
attempt(lambda: torch.optim.SGD([p], momentum=0.9, dampening=0.1, nesterov=True))
p.grad = torch.ones(2, 2)
attempt(lambda: torch.optim.Adam([p], capturable=True).step())
attempt(lambda: torch.optim.NAdam([p], capturable=True).step())
attempt(lambda: torch.optim.Adadelta([p], capturable=True).step())
attempt(lambda: torch.optim.Adam([p], foreach=True, differentiable=True).step())

# --- printing
import warnings

p, q = torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(3))
for name in ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "ASGD", "Rprop", "LBFGS",
             "SparseAdam", "Adafactor", "Muon"):
    print(getattr(torch.optim, name)([p]))
print(torch.optim.SGD([{"params": [p], "lr": 3, "name": "first"}, {"params": q}], lr=torch.tensor(0.5)))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    torch.optim.SGD([p, p])
print([(w.category.__name__, str(w.message)) for w in caught])

# --- state dicts
def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


torch.manual_seed(0)
a, b = torch.nn.Parameter(torch.randn(2)), torch.nn.Parameter(torch.randn(()))
for name in ("SGD", "Adam", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "ASGD", "Rprop", "Adafactor"):
    kwargs = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    o = getattr(torch.optim, name)([("a", a), ("b", b)] if name == "SGD" else [{"params": [a]}, {"params": b, "lr": 0.5}], **kwargs)
    print(name, o.state_dict()["param_groups"][-1]["params"], o.state_dict()["state"])
    for _ in range(2):
        o.zero_grad()
        (a * a).sum().backward()
        o.step()
    print(o.state_dict())
o = torch.optim.SGD([a], momentum=0.9)
attempt(lambda: o.load_state_dict({"state": {}, "param_groups": []}))
attempt(lambda: o.load_state_dict({"state": {}, "param_groups": [{"params": []}]}))
attempt(lambda: o.load_state_dict({"state": {}}))
attempt(lambda: o.load_state_dict({"state": {0: {"momentum_buffer": None, "x": [torch.ones(1).double()]}, "note": 5}, "param_groups": [{"params": [7], "lr": 2}]}))
print(o.state_dict())
attempt(lambda: o.add_param_group(3))
attempt(lambda: o.add_param_group({"params": a}))
attempt(lambda: o.add_param_group({"params": [3]}))
attempt(lambda: o.add_param_group({"params": b, "lr": 5}))
print(o)

# --- loading casts
a, b = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
first, second = torch.optim.Adam([a]), torch.optim.Adam([b])
a.grad = torch.ones(2)
first.step()
second.load_state_dict(first.state_dict())
print(second.state_dict()["state"])
b.grad = torch.ones(2, dtype=torch.float64)
second.step()
print(b, first.state_dict()["state"][0]["step"])
adamw = torch.optim.AdamW([a])
adamw.load_state_dict(first.state_dict())
print(adamw.param_groups[0]["decoupled_weight_decay"], adamw.param_groups[0]["weight_decay"])

# --- zero_grad, closures, hooks
import importlib


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


w = torch.ones(2, requires_grad=True)
o = torch.optim.SGD([w], lr=0.5)
(w * w).sum().backward(create_graph=True)
held = w.grad
o.zero_grad(set_to_none=False)
print(w.grad is held, w.grad, w.grad.requires_grad)
o.zero_grad()
print(w.grad, o.step())


def closure():
    o.zero_grad()
    loss = (w * w).sum()
    loss.backward()
    return loss


with torch.no_grad():
    print(o.step(closure), w)
attempt(lambda: o.step(3))
calls = []
handle = o.register_step_pre_hook(lambda optimizer, args, kwargs: calls.append((optimizer is o, len(args), kwargs)))
o.register_step_post_hook(lambda optimizer, args, kwargs: calls.append("after"))
o.step(closure=closure)
handle.remove()
o.step()
print(calls)
base = importlib.import_module(f"{torch.__name__}.optim.optimizer")
anew = base.register_optimizer_step_pre_hook(lambda *_: calls.append("all"))
torch.optim.Adam([w]).step()
anew.remove()
print(calls[-1])

# --- forty epochs
schedulers = torch.optim.lr_scheduler
o = torch.optim.SGD([{"params": [torch.zeros(1)]}, {"params": [torch.zeros(1)], "lr": 0.3}], lr=0.5, momentum=0.9)
s = schedulers.OneCycleLR(o, [0.5, 0.2], total_steps=40)
for epoch in range(40):
    print([round(rate, 6) for rate in s.get_last_lr()], round(o.param_groups[0]["momentum"], 6))
    o.step()
    s.step()
print(s.state_dict())
try:
    s.step()
except ValueError as error:
    print(error)

# --- order of calls
import warnings


def warned(f):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f()
    print([f"{w.category.__name__}: {w.message}" for w in caught])


def made(**kwargs):
    return torch.optim.SGD([torch.zeros(1)], lr=0.5, **kwargs)


schedulers = torch.optim.lr_scheduler
o = made()
s = schedulers.StepLR(o, 3)
warned(s.step)
warned(s.step)
o = made()
o.step()
warned(schedulers.StepLR(o, 3).step)
o = made()
s, t = schedulers.StepLR(o, 3), schedulers.ExponentialLR(o, 0.9)
o.step()
warned(s.step)
warned(t.step)
warned(lambda: s.step(3))
warned(lambda: s.get_lr())
print(s.get_last_lr(), s.state_dict())
o = made()
s = schedulers.StepLR(o, 3)
o.step = lambda: None
warned(s.step)
warned(lambda: schedulers.ReduceLROnPlateau(made()).step(1.0, epoch=3))

# --- errors of schedules
def attempt(f):
    try:
        f()
    except Exception as error:
        print(type(error).__name__, error)


def made(**kwargs):
    return torch.optim.SGD([torch.zeros(1)], lr=0.5, **kwargs)


S = torch.optim.lr_scheduler
o = made()
attempt(lambda: S.StepLR(3, 3))
attempt(lambda: S.StepLR(o, 3, last_epoch=4))
attempt(lambda: S.LambdaLR(o, [len, len]))
attempt(lambda: S.MultiplicativeLR(o, 3))
attempt(lambda: S.ConstantLR(o, 2.0))
attempt(lambda: S.LinearLR(o, 0))
attempt(lambda: S.LinearLR(o, 0.5, 2))
attempt(lambda: S.SequentialLR(o, [], []))
attempt(lambda: S.SequentialLR(o, [S.StepLR(o, 1)], [3]))
attempt(lambda: S.SequentialLR(o, [S.StepLR(o, 1), 3], [3]))
attempt(lambda: S.SequentialLR(o, [S.StepLR(made(), 1)], []))
attempt(lambda: S.SequentialLR(o, [S.ReduceLROnPlateau(o)], []))
attempt(lambda: S.ChainedScheduler([]))
attempt(lambda: S.ChainedScheduler([S.StepLR(o, 1), S.StepLR(made(), 1)]))
attempt(lambda: S.ReduceLROnPlateau(o, "x"))
attempt(lambda: S.ReduceLROnPlateau(o, factor=2))
attempt(lambda: S.ReduceLROnPlateau(3))
attempt(lambda: S.ReduceLROnPlateau(o, min_lr=[1, 2]))
attempt(lambda: S.ReduceLROnPlateau(o, threshold_mode="q"))
attempt(lambda: S.CyclicLR(torch.optim.Adagrad([torch.zeros(1)]), 0.1, 0.2))
attempt(lambda: S.CyclicLR(o, 0.1, [0.2, 0.3]))
attempt(lambda: S.CyclicLR(o, 0.1, 0.3, mode="x"))
for kwargs in ({}, {"total_steps": -1}, {"total_steps": 2.0}, {"epochs": 3}, {"epochs": -1, "steps_per_epoch": 3},
               {"epochs": 1, "steps_per_epoch": 0}, {"total_steps": 5, "pct_start": 2},
               {"total_steps": 5, "anneal_strategy": "x"}):
    attempt(lambda: S.OneCycleLR(made(), 0.1, **kwargs))
for kwargs in ({"T_0": 0}, {"T_0": 1.5}, {"T_0": 2, "T_mult": 0}, {"T_0": 2, "eta_min": "x"}):
    attempt(lambda: S.CosineAnnealingWarmRestarts(made(), **kwargs))
attempt(lambda: S.CosineAnnealingWarmRestarts(made(), 3).step(-1))
attempt(lambda: torch.optim.swa_utils.SWALR(o, 0.1, anneal_strategy="x"))
attempt(lambda: torch.optim.swa_utils.SWALR(o, 0.1, anneal_epochs=-1))
attempt(lambda: torch.optim.swa_utils.get_ema_avg_fn(3))

# --- resuming a schedule
S = torch.optim.lr_scheduler
makers = {
    "StepLR": lambda o, last: S.StepLR(o, 3, last_epoch=last),
    "MultiStepLR": lambda o, last: S.MultiStepLR(o, [4, 6], last_epoch=last),
    "ConstantLR": lambda o, last: S.ConstantLR(o, last_epoch=last),
    "LinearLR": lambda o, last: S.LinearLR(o, last_epoch=last),
    "ExponentialLR": lambda o, last: S.ExponentialLR(o, 0.9, last_epoch=last),
    "PolynomialLR": lambda o, last: S.PolynomialLR(o, 10, last_epoch=last),
    "CosineAnnealingLR": lambda o, last: S.CosineAnnealingLR(o, 10, last_epoch=last),
    "CosineAnnealingWarmRestarts": lambda o, last: S.CosineAnnealingWarmRestarts(o, 4, last_epoch=last),
    "LambdaLR": lambda o, last: S.LambdaLR(o, lambda epoch: 0.9**epoch, last_epoch=last),
    "MultiplicativeLR": lambda o, last: S.MultiplicativeLR(o, lambda epoch: 0.9, last_epoch=last),
}
for name, maker in makers.items():
    for last in (0, 2, 4, 11):
        o = torch.optim.SGD([{"params": [torch.zeros(1)], "initial_lr": 0.7}], lr=0.5)
        s = maker(o, last)
        o.step()
        rates = [s.get_last_lr()[0]]
        for _ in range(5):
            s.step()
            rates += s.get_last_lr()
        print(name, last, [round(rate, 6) for rate in rates], s._step_count, s.last_epoch)

# --- plateaus and restarts
S = torch.optim.lr_scheduler
for mode in ("min", "max"):
    for kind in ("rel", "abs"):
        o = torch.optim.SGD([torch.zeros(1)], lr=0.5)
        s = S.ReduceLROnPlateau(o, mode, 0.5, 1, 0.1, kind, cooldown=2, min_lr=0.01)
        rates = []
        for metric in (3, 2.9, 2.5, 2.5, 2.4, 2.6, 2.6, 2.6, 2.6, 2.6, 2.6, 1, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1, torch.tensor(1.0)):
            s.step(metric)
            rates += s.get_last_lr()
        print(mode, kind, rates, s.state_dict())
o.add_param_group({"params": [torch.zeros(2)]})
for _ in range(9):
    s.step(3)
print(s.get_last_lr())
o = torch.optim.SGD([torch.zeros(1)], lr=0.5)
s = S.CosineAnnealingWarmRestarts(o, 3, 2)
o.step()
for epoch in (0, 0.5, 1, 2.9, 3, 5, 8.9, 9, 20):
    s.step(epoch)
    print(round(s.get_last_lr()[0], 6), s.T_i, s.T_cur)

# --- averages of weights
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
swa_utils = torch.optim.swa_utils
kinds = {
    "plain": swa_utils.AveragedModel(model),
    "ema": swa_utils.AveragedModel(model, avg_fn=swa_utils.get_ema_avg_fn(0.5)),
    "ema of all": swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.5), use_buffers=True),
    "own": swa_utils.AveragedModel(model, avg_fn=lambda average, new, n: 0.25 * average + 0.75 * new),
}
data = [(torch.randn(4, 2), torch.randn(4, 1)) for _ in range(5)]
schedule = swa_utils.SWALR(optimizer, 0.01, anneal_epochs=3)
for x, y in data:
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(model(x), y).backward()
    optimizer.step()
    schedule.step()
    for average in kinds.values():
        average.update_parameters(model)
for name, average in kinds.items():
    swa_utils.update_bn(data, average)
    print(name, {key: [round(v, 4) for v in value.double().flatten().tolist()] for key, value in average.state_dict().items()})
print(average(data[0][0]).shape, schedule.get_last_lr())

# --- L-BFGS on Rosenbrock's function
for kwargs in ({"lr": 1e-3}, {"line_search_fn": "strong_wolfe"}, {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 7}):
    x = torch.tensor([-1.2, 1.0, 0.5, -0.7], dtype=torch.float64, requires_grad=True)
    o = torch.optim.LBFGS([x], **kwargs)

    def closure():
        o.zero_grad()
        loss = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
        loss.backward()
        return loss

    for step in range(3):
        print(f"{o.step(closure).item():.6g}", [round(v, 6) for v in x.tolist()], o.state[x]["func_evals"], o.state[x]["n_iter"])
