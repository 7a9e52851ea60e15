"""Schedules that follow half a cosine from the first rate down to the lowest."""

from __future__ import annotations

import math

from .base import LRScheduler, settings_of


def _along_cosine(part: float, high, low):
    """From `high` (part 0) to `low` (part 1) on half a cosine."""
    return low + (high - low) * (1 + math.cos(math.pi * part)) / 2


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (lr₀ − eta_min) · (1 + cos(π t / T_max)) / 2.

    Each step goes on from the present rate, so that other schedules may act on it, too.

    >>> import course_lib as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    >>> scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    >>> for epoch in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 3))
    0.854
    0.5
    0.146
    0.0

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html
    (Loshchilov and Hutter 2016)
    """

    def __init__(self, optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self._warn_outside_step()
        rates = settings_of(self.optimizer, "lr")
        if self._is_initial:
            return rates
        if self._step_count == 1 and self.last_epoch > 0:
            return self._get_closed_form_lr()
        t, most, low = self.last_epoch, self.T_max, self.eta_min
        if (t - 1 - most) % (2 * most) == 0:  # one past the lowest point, where the ratio below is 0 / 0
            rise = (1 - math.cos(math.pi / most)) / 2
            return [rate + (base - low) * rise for base, rate in zip(self.base_lrs, rates, strict=True)]
        ratio = (1 + math.cos(math.pi * t / most)) / (1 + math.cos(math.pi * (t - 1) / most))
        return [ratio * (rate - low) + low for rate in rates]

    def _get_closed_form_lr(self):
        return [_along_cosine(self.last_epoch / self.T_max, base, self.eta_min) for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from lr₀ to eta_min over T_0 epochs, again and again, each `T_mult` times as long as the last.

    `step` also takes the epoch, whole or not: `step(epoch + batch / batches)`. ValueError for a T_0 or T_mult that is
    no positive whole number.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html
    (Loshchilov and Hutter 2016)
    """

    def __init__(self, optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1):
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = self.T_i = T_0  # T_i: how long the present cosine is; T_cur: how far it is gone
        self.T_mult, self.eta_min, self.T_cur = T_mult, eta_min, last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self._warn_outside_step()
        return [_along_cosine(self.T_cur / self.T_i, base, self.eta_min) for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to `epoch`, and set the rates."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        else:
            self.T_cur, self.T_i = self._place(epoch)
        self.last_epoch = math.floor(epoch)
        self._get_lr_called_within_step = True
        rates = self.get_lr()
        self._get_lr_called_within_step = False
        self._set(rates)

    def _place(self, epoch: float) -> tuple[float, int]:
        """(T_cur, T_i) at an epoch: the lengths T_0, T_0 · T_mult, … are a geometric series."""
        if epoch < self.T_0:
            return epoch, self.T_0
        if self.T_mult == 1:
            return epoch % self.T_0, self.T_i
        restarts = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
        begun = self.T_0 * (self.T_mult**restarts - 1) / (self.T_mult - 1)
        return epoch - begun, self.T_0 * self.T_mult**restarts


__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]
