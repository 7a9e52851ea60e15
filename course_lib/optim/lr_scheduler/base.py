"""LRScheduler: what all learning rate schedules share.

A scheduler writes `group["lr"]` of its optimizer, once when it is made and once at each `step()`. A schedule says in
`get_lr` what the rates of the epoch `last_epoch` are. Most go from rate to rate by a factor (`Factors`), so that
several schedules can act on one optimizer. A rate that was given as a tensor stays that tensor, changed in place.
"""

from __future__ import annotations

import warnings

from ...tensor import Tensor
from ..optimizer import Optimizer

EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use "
    "`scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the closed "
    "form is used instead of the new chainable form, where available. Please open an issue if you are unable to "
    "replicate your use case: https://github.com/pytorch/pytorch/issues/new/choose."
)
_ORDER = "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"


class LRScheduler:
    """The base of learning rate schedules. A subclass writes `get_lr`, a list with one rate a parameter group.

    optimizer: whose rates are set. last_epoch: −1 to begin; else the last epoch of the training that is resumed, and
    the parameter groups must have an "initial_lr". Call `step()` after the optimizer's.

    >>> import course_lib as torch
    >>> class Halving(torch.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / 2**self.last_epoch for lr in self.base_lrs]
    >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.8)
    >>> scheduler = Halving(optimizer)
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.4]

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LRScheduler.html
    """

    _get_lr_called_within_step: bool = False
    _is_initial: bool = False  # while the first step, that of the constructor, is made

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1):
        self.optimizer = check_optimizer(optimizer)
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{index}] when resuming scheduler with "
                    "last_epoch >= 0.\nThis typically happens when:\n1. You're trying to resume training from a "
                    "checkpoint but haven't properly loaded the optimizer state\n2. You're using last_epoch >= 0 for "
                    "a fresh training run (not recommended)"
                )
        self.base_lrs = settings_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        optimizer.__dict__.setdefault("_opt_called", False)
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list:
        """The rates at `last_epoch`, one a parameter group."""
        raise NotImplementedError

    def get_last_lr(self) -> list:
        """The rates that this scheduler set last, one a parameter group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch (or, deprecated, to `epoch`) and set the rates."""
        if self._step_count == 1:
            self._check_order()
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr() if closed is None else closed()
        finally:
            self._get_lr_called_within_step = False
        self._set(rates)

    def _set(self, rates) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_setting(group, "lr", rate)
        self._last_lr = settings_of(self.optimizer, "lr")

    def _check_order(self) -> None:
        """Warn where the optimizer has not made its first step yet, or hides its steps."""
        if not hasattr(self.optimizer.step, "hooked"):
            warnings.warn(
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. "
                "Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`. See more details at "
                + _ORDER,
                UserWarning,
                stacklevel=3,
            )
        elif not self.optimizer.__dict__.get("_opt_called", False):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you "
                "should call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to "
                "do this will result in PyTorch skipping the first value of the learning rate schedule. See more "
                "details at " + _ORDER,
                UserWarning,
                stacklevel=3,
            )

    def _warn_outside_step(self) -> None:
        """What `get_lr` says when it is called by anybody but `step`."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )

    def state_dict(self) -> dict:
        """All attributes but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on where another scheduler was when `state_dict` was called on it."""
        self.__dict__.update(state_dict)


class _LRScheduler(LRScheduler):
    """An older name of LRScheduler."""


class Factors(LRScheduler):
    """A schedule that multiplies the present rates at each step by `_factor()`, or leaves them where that is None.

    `_factor_since_start()` is the product of the factors up to `last_epoch`.
    """

    def _factor(self) -> float | None:
        raise NotImplementedError

    def _factor_since_start(self) -> float:
        raise NotImplementedError

    def get_lr(self) -> list:
        self._warn_outside_step()
        factor = self._factor()
        rates = settings_of(self.optimizer, "lr")
        return rates if factor is None else [rate * factor for rate in rates]

    def _get_closed_form_lr(self) -> list:
        factor = self._factor_since_start()
        return [rate * factor for rate in self.base_lrs]


# ---- settings of parameter groups ----------------------------------------------------------------------------------


def check_optimizer(optimizer) -> Optimizer:
    """TypeError for what is no optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def _copied(value):
    return value.clone() if isinstance(value, Tensor) else value


def settings_of(optimizer: Optimizer, name: str) -> list:
    """The setting of each parameter group; tensors as copies."""
    return [_copied(group[name]) for group in optimizer.param_groups]


def set_setting(group: dict, name: str, value) -> None:
    """Change a setting of a parameter group: a tensor in place, so that whoever holds it sees it, too."""
    if isinstance(group[name], Tensor):
        group[name].fill_(value)
    else:
        group[name] = value


def one_a_group(name: str, optimizer: Optimizer, value) -> list:
    """A list with a value for each parameter group, from such a list or from one value for all."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [_copied(value) for _ in range(count)]
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, param_groups "
            f"has {count}."
        )
    return [_copied(v) for v in value]


__all__ = ["EPOCH_DEPRECATION_WARNING", "Factors", "LRScheduler", "_LRScheduler", "check_optimizer", "one_a_group",
           "set_setting", "settings_of"]  # fmt: skip
