"""Optimizer: what all optimizers share. Parameter groups, state, hooks, and the dictionaries that checkpoints hold.

`param_groups` is a list of dictionaries: the parameters under "params", beside them the settings of that group. `state`
maps each parameter to what the rule remembers of it. `state_dict()` puts numbers in the parameters' place, in the
format of PyTorch, so that a checkpoint can be read by both libraries. The rules are in sgd.py, adam.py, …
"""

from __future__ import annotations

import copy
import functools
import itertools
import warnings
from collections import OrderedDict, defaultdict

from ..autograd.grad_mode import enable_grad, set_grad_enabled
from ..autograd.node import RemovableHandle
from ..ops._many import in_one_launch
from ..settings import typename
from ..tensor import Tensor

_GLOBAL_STEP_HOOKS = {"pre": OrderedDict(), "post": OrderedDict()}  # called around the step of every optimizer
_OWN_HOOKS = [
    f"_optimizer_{event}_{when}_hooks"
    for event in ("step", "state_dict", "load_state_dict")
    for when in ("pre", "post")
]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()  # a default that every parameter group has to replace


class Optimizer:
    """The base of all optimizers. A subclass passes its settings as `defaults` and writes `step`.

    params: tensors, pairs (name, tensor) as `named_parameters()` gives them, or dictionaries, one a group, with the
    tensors under "params" and that group's own settings. TypeError or ValueError for what cannot be optimized.

    >>> import course_lib as torch
    >>> class SignDescent(torch.optim.Optimizer):
    ...     def __init__(self, params, lr=0.5):
    ...         super().__init__(params, {"lr": lr})
    ...     @torch.no_grad
    ...     def step(self):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 p -= group["lr"] * p.grad.sign()
    >>> w = torch.tensor([3., -2.], requires_grad=True)
    >>> optimizer = SignDescent([w])
    >>> w.square().sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 2.5000, -1.5000], requires_grad=True)

    Source: https://docs.pytorch.org/docs/stable/optim.html#torch.optim.Optimizer
    """

    added_later: dict = {}  # settings that checkpoints of early versions lack, with the value they stand for

    def __init__(self, params, defaults: dict):
        self.defaults = defaults
        self._prepare()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                + params.type()
            )
        self.state = defaultdict(dict)
        self.param_groups: list[dict] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def _prepare(self) -> None:
        """The attributes that no checkpoint holds, and `step` with its hooks around it."""
        for name in _OWN_HOOKS:
            self.__dict__.setdefault(name, OrderedDict())
        cls = type(self)
        if not getattr(cls.step, "hooked", False):
            cls.step = _with_hooks(cls.step)

    # ---- parameters ----------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict) -> None:
        """Optimize more parameters, with settings of their own; those not given are the defaults.

        Useful for fine-tuning: a layer that was frozen joins in later.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        _take_parameters(param_group)
        for param in param_group["params"]:
            if not isinstance(param, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {typename(param)}"
                )
            if not self.defaults.get("differentiable") and not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        if len(param_group["params"]) != len({id(p) for p in param_group["params"]}):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=4,
            )
        self._compare_with_other_groups(param_group)
        self.param_groups.append(param_group)

    def _compare_with_other_groups(self, param_group: dict) -> None:
        named = "param_names" in param_group
        seen = set()
        for group in self.param_groups:
            seen.update(map(id, group["params"]))
            if named != ("param_names" in group):
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param group "
                    f"{'with' if named else 'without'} names to the optimizer"
                )
        if not seen.isdisjoint(map(id, param_group["params"])):
            raise ValueError("some parameters appear in more than one parameter group")

    @property
    def leaves_out_steps(self) -> bool:
        """Whether `step` does nothing where the tensor `self.found_inf`, on the parameters' GPU, is 1 (GradScaler)."""
        return False

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters; with `set_to_none=False` fill them with zeros."""
        kept = []
        for group in self.param_groups:
            if set_to_none:
                for p in group["params"]:
                    p._grad = None
                continue
            for p in group["params"]:
                if p._grad is not None:
                    if p._grad.grad_fn is not None:
                        p._grad.detach_()
                    else:
                        p._grad.requires_grad_(False)
                    kept.append(p._grad)
        run = in_one_launch("fill_with_zeros", kept)
        if run:
            run()
        else:
            for grad in kept:
                grad.zero_()

    def step(self, closure=None):
        """Update the parameters. closure: computes the loss anew and returns it; most optimizers do without."""
        raise NotImplementedError

    # ---- hooks ---------------------------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return new (args, kwargs)."""
        return RemovableHandle(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return RemovableHandle(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict` reads the optimizer."""
        return _register(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` with what `state_dict` made; it may return another dictionary."""
        return _register(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before loading; it may return another dictionary to load."""
        return _register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after loading."""
        return _register(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # ---- checkpoints ---------------------------------------------------------------------------------------------

    def state_dict(self) -> dict:
        """{"state": {number: …}, "param_groups": […]}: parameters are counted through, group by group.

        The tensors are the optimizer's own, not copies.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        number: dict[int, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                number.setdefault(id(p), len(number))
        packed = {
            "state": {number[id(k)] if isinstance(k, Tensor) else k: v for k, v in self.state.items()},
            "param_groups": [
                {**{name: value for name, value in group.items() if name != "params"},
                 "params": [number[id(p)] for p in group["params"]]}
                for group in self.param_groups
            ],
        }  # fmt: skip
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, packed)
            packed = packed if changed is None else changed
        return packed

    def load_state_dict(self, state_dict: dict) -> None:
        """Take over settings and state from another optimizer's `state_dict()`.

        The state is brought to the dtype and device of the parameters. ValueError if the groups do not match.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        loaded = copy.deepcopy(state_dict["param_groups"])
        if len(loaded) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        by_number = {}
        for ours, theirs in zip(self.param_groups, loaded, strict=True):
            if len(ours["params"]) != len(theirs["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
                )
            by_number |= {n: (p, theirs) for n, p in zip(theirs["params"], ours["params"], strict=True)}
            theirs["params"] = ours["params"]
            if "param_names" in ours:
                theirs.setdefault("param_names", ours["param_names"])
        state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in by_number:
                param, group = by_number[key]
                state[param] = _fitted(value, param, group)
            else:
                state[key] = value
        self.__setstate__({"state": state, "param_groups": loaded})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def __getstate__(self) -> dict:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._prepare()
        self.defaults.setdefault("differentiable", False)
        for group in self.param_groups:
            for name, value in self.added_later.items():
                group.setdefault(name, value)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines += [""] * (number > 0) + [f"Parameter Group {number}"]
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


# ---- parts of the above --------------------------------------------------------------------------------------------


def _take_parameters(param_group: dict) -> None:
    """Put a list of tensors under "params", and their names, if they came with them, under "param_names"."""
    params = param_group["params"]
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            "will change between runs. Please use a list instead."
        )
    params = [params] if isinstance(params, Tensor) else list(params)
    names = [pair[0] for pair in params if isinstance(pair, tuple)]
    param_group["params"] = [pair[1] if isinstance(pair, tuple) else pair for pair in params]
    if names:
        if len(names) != len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        param_group["param_names"] = names


def _fitted(value, param: Tensor, group: dict, key=None):
    """A loaded piece of state with its tensors in the dtype and on the device of the parameter.

    The number of steps stays as it is: a half precision parameter counts beyond 2048, too.
    """
    if isinstance(value, Tensor):
        if key == "step":
            on_device = group.get("capturable") or group.get("fused")
            return value.to(dtype=_float32(), device=param.device) if on_device else value
        return value.to(dtype=param.dtype if param.is_floating_point() else None, device=param.device)
    if isinstance(value, dict):
        return {name: _fitted(part, param, group, name) for name, part in value.items()}
    if isinstance(value, (list, tuple, set)):
        return type(value)(_fitted(part, param, group) for part in value)
    return value


def _float32():
    from .. import dtypes

    return dtypes.float32


def _register(hooks: OrderedDict, hook, prepend: bool) -> RemovableHandle:
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(next(reversed(hooks)), last=False)
    return handle


def _with_hooks(step):
    """`step` with the hooks around it that were registered for this optimizer or for all."""

    @functools.wraps(step)
    def hooked(self, *args, **kwargs):
        if "_opt_called" in self.__dict__:  # put there by a learning rate scheduler, which warns when it is first
            self._opt_called = True
        args = (self, *args)
        for hook in itertools.chain(_GLOBAL_STEP_HOOKS["pre"].values(), self._optimizer_step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
            args, kwargs = changed
        result = step(*args, **kwargs)
        for hook in itertools.chain(self._optimizer_step_post_hooks.values(), _GLOBAL_STEP_HOOKS["post"].values()):
            hook(self, args, kwargs)
        return result

    hooked.hooked = True
    return hooked


def register_optimizer_step_pre_hook(hook) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before each step of every optimizer; it may return new (args, kwargs).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.register_step_pre_hook.html
    """
    return RemovableHandle(_GLOBAL_STEP_HOOKS["pre"], hook)


def register_optimizer_step_post_hook(hook) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after each step of every optimizer.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.register_step_post_hook.html
    """
    return RemovableHandle(_GLOBAL_STEP_HOOKS["post"], hook)


# ---- for the rules -------------------------------------------------------------------------------------------------


def evaluate(closure):
    """The loss that `step(closure)` was given to compute, None without a closure."""
    if closure is None:
        return None
    with enable_grad():
        return closure()


def without_grad(step):
    """A `step` made of Tensor operations: autograd records them only where the optimizer is `differentiable`."""

    @functools.wraps(step)
    def quiet(self, *args, **kwargs):
        with set_grad_enabled(self.defaults.get("differentiable", False)):
            return step(self, *args, **kwargs)

    return quiet


_WORDS = {"lr": "learning rate", "eps": "epsilon value"}  # other settings are called "momentum value", …


def check_settings(betas=(), **settings) -> None:
    """ValueError for a negative setting, for a beta outside [0, 1), for a learning rate that is not one number."""
    lr = settings.get("lr")
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    for name, value in settings.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {_WORDS.get(name, f'{name} value')}: {value}")
    for index, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")


def check_fused(fused, foreach, differentiable) -> None:
    """RuntimeError for two ways to compute that exclude each other."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]
