"""Every learning rate schedule in several configurations, 40 epochs of each on both libraries."""

from __future__ import annotations

import itertools
import math
import warnings

import torch

import course_lib

EPOCHS = 40
SCHEDULES = {  # name -> functions of (the module lr_scheduler, an optimizer with two groups)
    "LambdaLR": [
        lambda S, o: S.LambdaLR(o, lambda epoch: 0.9**epoch),
        lambda S, o: S.LambdaLR(o, [lambda epoch: 0.9**epoch, lambda epoch: 1 / (1 + epoch)]),
    ],
    "MultiplicativeLR": [lambda S, o: S.MultiplicativeLR(o, lambda epoch: 0.9)],
    "StepLR": [lambda S, o: S.StepLR(o, 7), lambda S, o: S.StepLR(o, 3, 0.5)],
    "MultiStepLR": [lambda S, o: S.MultiStepLR(o, [5, 5, 9, 20], 0.5)],
    "ConstantLR": [lambda S, o: S.ConstantLR(o), lambda S, o: S.ConstantLR(o, 0.5, 12)],
    "LinearLR": [lambda S, o: S.LinearLR(o), lambda S, o: S.LinearLR(o, 1.0, 0.1, 13)],
    "ExponentialLR": [lambda S, o: S.ExponentialLR(o, 0.9)],
    "PolynomialLR": [lambda S, o: S.PolynomialLR(o), lambda S, o: S.PolynomialLR(o, 30, 2.0)],
    "CosineAnnealingLR": [lambda S, o: S.CosineAnnealingLR(o, 10), lambda S, o: S.CosineAnnealingLR(o, 7, 0.01)],
    "CosineAnnealingWarmRestarts": [
        lambda S, o: S.CosineAnnealingWarmRestarts(o, 5),
        lambda S, o: S.CosineAnnealingWarmRestarts(o, 3, 2, 0.001),
    ],
    "CyclicLR": [
        lambda S, o: S.CyclicLR(o, 0.01, 0.1, 4, 6),
        lambda S, o: S.CyclicLR(o, 0.01, 0.1, 4, mode="triangular2"),
        lambda S, o: S.CyclicLR(o, 0.01, 0.1, 4, 3, mode="exp_range", gamma=0.95),
        lambda S, o: S.CyclicLR(o, [0.01, 0.02], [0.1, 0.2], 3, scale_fn=lambda x: 0.9**x, cycle_momentum=False),
    ],
    "OneCycleLR": [
        lambda S, o: S.OneCycleLR(o, 0.5, 45),
        lambda S, o: S.OneCycleLR(o, [0.5, 0.2], epochs=9, steps_per_epoch=5, three_phase=True, pct_start=0.4),
        lambda S, o: S.OneCycleLR(o, 0.5, 45, anneal_strategy="linear", cycle_momentum=False),
    ],
    "SequentialLR": [
        lambda S, o: S.SequentialLR(o, [S.ConstantLR(o, 0.1, 20), S.ExponentialLR(o, 0.9), S.StepLR(o, 3)], [4, 20]),
        lambda S, o: S.SequentialLR(
            o, [S.SequentialLR(o, [S.StepLR(o, 2), S.ExponentialLR(o, 0.8)], [5]), S.LinearLR(o)], [12]
        ),
    ],
    "ChainedScheduler": [
        lambda S, o: S.ChainedScheduler([S.ConstantLR(o, 0.1, 20), S.ExponentialLR(o, 0.9)]),
        lambda S, o: S.ChainedScheduler([S.CosineAnnealingLR(o, 9), S.StepLR(o, 5)], o),
    ],
    "ReduceLROnPlateau": [
        lambda S, o: S.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=1, min_lr=0.01),
        lambda S, o: S.ReduceLROnPlateau(o, "max", 0.5, 1, threshold=0.1, threshold_mode="abs", min_lr=[0.1, 0.2]),
    ],
    "SWALR": [
        lambda S, o: _swa_utils(S).SWALR(o, 0.05),
        lambda S, o: _swa_utils(S).SWALR(o, [0.05, 0.1], anneal_epochs=4, anneal_strategy="linear"),
    ],
}
_LISTED = {"anneal_func"}  # functions, which PyTorch keeps among the attributes


def _swa_utils(schedulers):
    return (course_lib if schedulers is course_lib.optim.lr_scheduler else torch).optim.swa_utils


def check(name: str, makers) -> dict[str, str]:
    """aspect -> difference: the rates, the state dict, going on from a state dict, the warnings."""
    found: dict[str, str] = {}
    for number, (make, optimizer, tensor_rate) in enumerate(itertools.product(makers, ("SGD", "Adam"), (False, True))):
        theirs, ours = (_trace(library, make, optimizer, tensor_rate) for library in (torch, course_lib))
        for aspect in theirs:
            if not _equal(theirs[aspect], ours[aspect]):
                found[aspect] = f"{number}: {ours[aspect]} instead of {theirs[aspect]}"[:200]
    return found


def rates(library, optimizer: str, makers) -> list:
    """What the schedules make of a rate, rounded, over 40 epochs."""
    made = _optimizer(library, optimizer, False)
    schedulers = [make(made) for make in makers]
    return [_epoch(made, schedulers, epoch) for epoch in range(EPOCHS)]


def _optimizer(library, name: str, tensor_rate: bool):
    groups = [{"params": [library.zeros(1, 1)]}, {"params": [library.zeros(1, 1)], "lr": 0.3}]
    if name == "LBFGS":
        groups = groups[:1]
    groups[0]["lr"] = library.tensor(0.5) if tensor_rate else 0.5
    return getattr(library.optim, name)(groups, **({"momentum": 0.9} if name == "SGD" else {}))


def _epoch(optimizer, schedulers, epoch: int) -> list[float]:
    """One epoch without gradients: the rates, momentums and betas of the first group after it."""
    optimizer.step(*([lambda: 0.0] if type(optimizer).__name__ == "LBFGS" else []))
    for scheduler in schedulers:
        plateau = type(scheduler).__name__ == "ReduceLROnPlateau"
        scheduler.step(*([1 + math.cos(epoch / 3) / (1 + epoch)] if plateau else []))
    first = optimizer.param_groups[0]
    after = [*(group["lr"] for group in optimizer.param_groups), first.get("momentum", 0), *first.get("betas", ())]
    return [round(float(value), 6) for value in after]


def _trace(library, make, optimizer: str, tensor_rate: bool) -> dict:
    """aspect -> what a library does."""
    schedulers = library.optim.lr_scheduler
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = _optimizer(library, optimizer, tensor_rate)
        scheduler = make(schedulers, made)
        first = [float(rate) for rate in scheduler.get_last_lr()]
        followed = [_epoch(made, [scheduler], epoch) for epoch in range(EPOCHS)]
        state, settings = scheduler.state_dict(), made.state_dict()
        resumed = _optimizer(library, optimizer, tensor_rate)
        again = make(schedulers, resumed)
        again.load_state_dict(dict(state))
        resumed.load_state_dict(settings)
        gone_on = [_epoch(resumed, [again], epoch) for epoch in range(EPOCHS, EPOCHS + 3)]
    return {
        "rates": [first, followed],
        "state dict": {name: repr(value) for name, value in state.items() if name not in _LISTED},
        "resumed": gone_on,
        "warnings": [str(w.message) for w in caught],
    }


def _equal(a, b) -> bool:
    """Equal but for rounding in floats."""
    if isinstance(a, dict):
        return list(a) == list(b) and all(_equal(a[name], b[name]) for name in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
    return math.isclose(a, b, rel_tol=1e-5, abs_tol=2e-6) if isinstance(a, float) else a == b
