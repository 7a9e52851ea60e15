"""PyTorch's optimizer database, and all learning rate schedules, run on both libraries.

`optim_db` has an entry for each optimizer: configurations, inputs that must raise, and schedules to run with it. Here a
configuration is an entry, `Adam/amsgrad`; `Adam` itself stands for what does not depend on one. `check(entry)` returns
the differences, one line an aspect: `values[float32]`, `state[float32]`, `foreach`, `state dict`, `errors`, ….
"""

from __future__ import annotations

import copy
import inspect
import math
import types
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from optim_db import schedules
from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db
from twins import TOLERANCE, convert, difference, flat, numbers

import course_lib

DTYPES = (torch.float32, torch.float64, torch.complex64, torch.bfloat16)
DTYPES_OF = {"LBFGS": (torch.float64, torch.complex128)}  # where 200 moves, each from the last, multiply the rounding
SHAPES = ((5, 7), (7,), (), (3, 2, 4), (210, 190))  # many small ones and one that is computed in blocks
SHAPES_OF = {"LBFGS": SHAPES[:-1], "Muon": SHAPES[::4], "SparseAdam": ((5, 7), (7,), (), (3, 2, 4), (40, 5))}
STEPS = 10
MUON = (1e-2, 1e-3)  # relative and absolute; it computes in bfloat16


@dataclass(frozen=True)
class Entry:
    """An optimizer of the database, with one of its configurations or (None) as a whole; or a schedule."""

    check: object
    arguments: tuple


def variants():
    """(name, entry) of the database, and of the schedules."""
    for info in optim_db:
        yield info.name, Entry(_check_class, (info,))
        for config in info.optim_inputs_func("cpu"):
            yield f"{info.name}/{config.desc}", Entry(_check_configuration, (info, config))
    for name, makers in schedules.SCHEDULES.items():
        yield f"lr_scheduler.{name}", Entry(schedules.check, (name, makers))


def check(entry: Entry) -> dict[str, str]:
    """aspect -> difference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {aspect: found for aspect, found in entry.check(*entry.arguments).items() if found}


# ---- a configuration: ten steps ------------------------------------------------------------------------------------


def _check_configuration(info, config) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for dtype in DTYPES_OF.get(info.name, DTYPES):
        if dtype.is_complex and not info.supports_complex:
            continue
        name = str(dtype).removeprefix("torch.")
        if dtype is torch.bfloat16:
            found["values[bfloat16]"] = _half_difference(info, config.kwargs)
            continue
        theirs, ours = (_run(library, info, config.kwargs, dtype) for library in (torch, course_lib))
        found[f"values[{name}]"] = _difference(info, _values(theirs), _values(ours))
        found[f"state[{name}]"] = _state_difference(info, theirs.state_dict(), ours.state_dict())
    for flag in info.supported_impls:
        found[flag] = _differentiable(info, config) if flag == "differentiable" else _with_flag(info, config, flag)
    found["state dict"] = _exchange(info, config, _values(_run(torch, info, config.kwargs, torch.float32)))
    return found


def _parameters(library, info, dtype) -> tuple[list, list]:
    """Parameters, the last of which gets no gradient, and where their loss is lowest: the same in both libraries."""
    generator = torch.Generator().manual_seed(0)
    shapes = SHAPES_OF.get(info.name, SHAPES)
    values = [torch.randn(shape, dtype=dtype, generator=generator) for shape in (*shapes, (2, 2))]
    goals = [torch.randn(shape, dtype=dtype, generator=generator) for shape in shapes]
    if info.name != "LBFGS":  # which cannot flatten a gradient that is not row-major
        values[0] = values[0].t().contiguous().t()
    if library is torch:
        return [v.requires_grad_() for v in values], goals
    return [convert(v).requires_grad_() for v in values], [convert(g) for g in goals]


def _optimizer(library, info, kwargs, params):
    settings = {name: convert(value) if library is course_lib else value for name, value in kwargs.items()}
    groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.02}] if info.supports_param_groups else params
    return getattr(library.optim, info.name)(groups, **copy.deepcopy(settings))


def _steps(library, info, optimizer, params, goals, count: int) -> None:
    def loss():
        optimizer.zero_grad()
        total = sum(((p - goal).abs() ** 2).sum() for p, goal in zip(params, goals, strict=False))
        total.backward()
        if info.only_supports_sparse_grads:
            _make_sparse(library, params)
        return total

    for _ in range(count):
        optimizer.step(loss)


def _half_difference(info, kwargs) -> str | None:
    """Ten steps in bfloat16 with given gradients: no farther from float32's result than PyTorch is, or equal to it."""
    results = []
    for library, dtype in ((torch, torch.float32), (torch, torch.bfloat16), (course_lib, course_lib.bfloat16)):
        params, goals = _parameters(library, info, torch.bfloat16)
        params = [p.detach().to(dtype).requires_grad_() for p in params]
        optimizer = _optimizer(library, info, kwargs, params)
        for call in range(STEPS):
            for p, goal in zip(params, goals, strict=False):
                p.grad = (goal * (1 + (0.37 * call) % 1)).to(dtype)
            if info.only_supports_sparse_grads:
                _make_sparse(library, params)
            optimizer.step()
        results.append(np.concatenate([numbers(p).ravel() for p in _values(optimizer)]))
    exact, theirs, ours = results
    if np.abs(ours - exact).mean() <= 1.1 * np.abs(theirs - exact).mean() or np.allclose(ours, theirs, 3e-2, 3e-2):
        return None
    return "values"


def _make_sparse(library, params) -> None:
    """Every other row of the gradients is zero; PyTorch's SparseAdam wants them as sparse tensors."""
    for p in params:
        if p.grad is not None and p.dim():
            p.grad[::2] = 0
            p.grad = p.grad.to_sparse(1) if library is torch else p.grad
        elif p.grad is not None:
            p.grad = None


def _run(library, info, kwargs, dtype, steps: int = STEPS):
    params, goals = _parameters(library, info, dtype)
    optimizer = _optimizer(library, info, kwargs, params)
    _steps(library, info, optimizer, params, goals, steps)
    return optimizer


def _values(optimizer) -> list:
    return [p.detach() for group in optimizer.param_groups for p in group["params"]]


def _difference(info, theirs, ours) -> str | None:
    """`difference`, with numbers equal to rounding."""
    theirs, ours = flat(theirs), flat(ours)
    if len(theirs) != len(ours):
        return f"{len(ours)} values instead of {len(theirs)}"
    for a, b in zip(theirs, ours, strict=True):
        if isinstance(a, float):
            if not math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9):
                return f"{b} instead of {a}"
        elif found := difference(a, b, lambda position, tensor: False):
            return found
        elif isinstance(a, torch.Tensor):
            relative, absolute = MUON if info.name == "Muon" else TOLERANCE[str(a.dtype).removeprefix("torch.")]
            if not np.allclose(numbers(b), numbers(a), relative, absolute):
                return "values"
    return None


def _state_difference(info, theirs: dict, ours: dict) -> str | None:
    """Whether two state dicts have the same keys, in the same order, types and values."""
    if list(theirs["state"]) != list(ours["state"]):
        return f"state of {list(ours['state'])}"
    for number, state in theirs["state"].items():
        if set(state) != set(ours["state"][number]):
            return f"keys {list(ours['state'][number])}"
        for name, value in state.items():
            if found := _difference(info, value, ours["state"][number][name]):
                return f"{name}: {found}"
    if [list(group) for group in theirs["param_groups"]] != [list(group) for group in ours["param_groups"]]:
        return "settings of the parameter groups"
    return _difference(info, theirs["param_groups"], ours["param_groups"])


def _with_flag(info, config, flag: str) -> str | None:
    """`foreach=True` or `fused=True`."""
    kwargs = {**config.kwargs, flag: True}
    try:
        theirs = _run(torch, info, kwargs, torch.float32)
    except (ValueError, RuntimeError):  # PyTorch has no such way to compute this configuration
        return None
    ours = _run(course_lib, info, kwargs, torch.float32)
    return _difference(info, _values(theirs), _values(ours)) or _state_difference(
        info, theirs.state_dict(), ours.state_dict()
    )


def _differentiable(info, config) -> str | None:
    """The gradient of the new parameters with respect to the old ones and to their gradients."""
    results = []
    for library in (torch, course_lib):
        start, slope = (library.tensor(v, dtype=library.float64, requires_grad=True) for v in ([1.0, -2.0], [0.5, 3.0]))
        p = start.clone()
        p.grad = slope * slope.detach()
        settings = {name: convert(v) if library is course_lib else v for name, v in config.kwargs.items()}
        getattr(library.optim, info.name)([p], differentiable=True, **settings).step()
        results.append(library.autograd.grad((p * p).sum(), (start, slope), allow_unused=True))
    return difference([g for g in results[0] if g is not None], [g for g in results[1] if g is not None])


def _exchange(info, config, expected: list) -> str | None:
    """Five steps with one library, its state dict loaded into the other, five more steps there; and back."""
    for first, second in ((torch, course_lib), (course_lib, torch)):
        halves = {library: _run(library, info, config.kwargs, torch.float32, 5) for library in (first, second)}
        translate = convert if second is course_lib else _to_torch
        halves[second].load_state_dict(translate(copy.deepcopy(halves[first].state_dict())))
        params = [p for group in halves[second].param_groups for p in group["params"]]
        _steps(second, info, halves[second], params, _parameters(second, info, torch.float32)[1], 5)
        got = _values(halves[second])
        if found := _difference(info, expected, convert(got) if second is torch else got):
            return f"{found} after loading into {second.__name__}"
    return None


def _to_torch(value):
    if isinstance(value, course_lib.Tensor):
        return torch.from_numpy(value.numpy().copy())
    if isinstance(value, (list, tuple)):
        return type(value)(_to_torch(part) for part in value)
    return {key: _to_torch(part) for key, part in value.items()} if isinstance(value, dict) else value


# ---- an optimizer as a whole ---------------------------------------------------------------------------------------


def _check_class(info) -> dict[str, str | None]:
    if not hasattr(course_lib.optim, info.name):
        return {"missing": "not implemented"}
    return {
        "signature": _signature_difference(info),
        "repr": None if _repr(torch, info) == _repr(course_lib, info) else _repr(course_lib, info),
        "errors": _error_differences(info),
        "schedules": _schedule_differences(info),
    }


def _signature_difference(info) -> str | None:
    signatures = [inspect.signature(getattr(library.optim, info.name)) for library in (torch, course_lib)]
    theirs, ours = ([(name, p.kind, p.default) for name, p in s.parameters.items()] for s in signatures)
    return None if theirs == ours else f"{ours}"


def _repr(library, info) -> str:
    params, _ = _parameters(library, info, torch.float32)
    return repr(_optimizer(library, info, {}, params))


def _error_differences(info) -> str | None:
    """How many of the inputs that must raise do so otherwise."""
    inputs = [i for i in info.optim_error_inputs_func("cpu", torch.float32) if not _is_sparse(i)]
    wrong = []
    for given in inputs:
        theirs, ours = (_error(library, info, given) for library in (torch, course_lib))
        if theirs != ours:
            wrong.append(f"{ours} instead of {theirs}")
    return f"{len(wrong)} of {len(inputs)}: {wrong[0]}" if wrong else None


def _is_sparse(given) -> bool:
    return any(isinstance(p, torch.Tensor) and p.is_sparse for p in flat(given.optimizer_error_input.params))


def _error(library, info, given) -> tuple[str, str] | None:
    """(type, text) of the error, or of the warning, that an input causes."""
    params, kwargs = given.optimizer_error_input.params, given.optimizer_error_input.kwargs
    if params is None:
        params = [torch.nn.Parameter(torch.ones(2, 2))]
    if library is course_lib:
        twins: dict[int, object] = {}
        params, kwargs = _twins(params, twins), convert(kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            optimizer = getattr(library.optim, info.name)(params, **kwargs)
            if given.error_on is OptimizerErrorEnum.STEP_ERROR:
                optimizer.step()
        except Exception as error:
            return type(error).__name__, str(error)
    return None


def _twins(value, made: dict):
    """`convert`, with one twin for a tensor that occurs twice, and the gradients."""
    if isinstance(value, torch.Tensor):
        if id(value) not in made:
            made[id(value)] = convert(value)
            if value.grad is not None:
                made[id(value)].grad = convert(value.grad)
        return made[id(value)]
    if isinstance(value, (list, tuple)):
        return type(value)(_twins(part, made) for part in value)
    return {key: _twins(part, made) for key, part in value.items()} if isinstance(value, dict) else value


def _schedule_differences(info) -> str | None:
    """The database's own schedules for this optimizer, 40 epochs."""
    for makers in info.scheduler_inputs:
        rates = [schedules.rates(library, info.name, [_on(library, maker) for maker in makers])
                 for library in (torch, course_lib)]  # fmt: skip
        if rates[0] != rates[1]:
            return f"{rates[1]} instead of {rates[0]}"
    return None


def _on(library, maker):
    """A function of the database, `lambda opt: StepLR(opt, …)`, with the schedules of a library."""
    return types.FunctionType(maker.__code__, vars(library.optim.lr_scheduler), closure=maker.__closure__)
