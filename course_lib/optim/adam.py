"""Adam: steps that are scaled by running averages of the gradient and of its square."""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..backends import is_numpy
from ..tensor import Tensor
from ._elementwise import ElementwiseOptimizer, count, descent, kernel_for, on_device
from ._together import ON_DEVICE, adam_moments
from .optimizer import check_fused, check_settings


class Adam(ElementwiseOptimizer):
    r"""Adaptive moment estimation.

        g ← ∇f(p) + weight_decay · p
        m ← β₁ m + (1 − β₁) g                       the average gradient (`exp_avg`)
        v ← β₂ v + (1 − β₂) g²                      the average square (`exp_avg_sq`)
        p ← p − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + eps)

    The divisions by 1 − βᵗ, t being the number of steps, make up for m and v starting at zero. With `amsgrad` the
    largest v so far is used. With `decoupled_weight_decay` the decay is not part of g; p is shrunk by
    1 − lr · weight_decay first (see AdamW). ValueError for settings outside their range.

    >>> import course_lib as torch
    >>> w = torch.tensor([1., -1.], requires_grad=True)
    >>> optimizer = torch.optim.Adam([w], lr=0.1)
    >>> (w * torch.tensor([1., 100.])).sum().backward()
    >>> optimizer.step()                            # the first step is lr long, whatever the gradient
    >>> w
    tensor([ 0.9000, -1.1000], requires_grad=True)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html (Kingma and Ba 2014)
    """

    added_later = {"amsgrad": False, "maximize": False, "foreach": None, "capturable": False, "differentiable": False,
                   "fused": None, "decoupled_weight_decay": False}  # fmt: skip

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
                 amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
                 capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
                 decoupled_weight_decay: bool = False):  # fmt: skip
        if not capturable and foreach:
            for name, value in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
                if isinstance(value, Tensor):
                    raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
        check_settings(betas, lr=lr, eps=eps, weight_decay=weight_decay)
        if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
            raise ValueError("betas must be either both floats or both Tensors")
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                                  "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach,
                                  "capturable": capturable, "differentiable": differentiable, "fused": fused,
                                  "decoupled_weight_decay": decoupled_weight_decay})  # fmt: skip
        check_fused(fused, foreach, differentiable)

    def arrays(self, group):
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def start(self, group, p, state):
        super().start(group, p, state)
        if p.is_cuda and on_device(group):
            state["step"] = state["step"].to(p.device, dtypes.float32)

    def advance(self, group, p):
        state = self.state[p]
        if not state:
            self.start(group, p, state)
        steps = state["step"]._array
        stays = not is_numpy(steps) and not is_numpy(p._array) and steps.dtype.char == "f"  # as the kernel counts
        return state, ON_DEVICE if stays else (count(state["step"]),)

    @property
    def leaves_out_steps(self):
        return all(group["fused"] for group in self.param_groups)

    def together(self, group, numbers, like, counts, found_inf):
        (step,), lr, (beta1, beta2), decay = numbers, group["lr"], group["betas"], group["weight_decay"]
        decoupled = group["decoupled_weight_decay"]
        moments, now = None, (0.0, 0.0, 0.0)
        if step is None:
            lr = lr._array if isinstance(lr, Tensor) else lr
            moments = adam_moments(counts, like, found_inf, lr, beta1, beta2, decay if decoupled else 0)
        else:
            now = _moments(float(lr), beta1, beta2, decay if decoupled else 0, step)
        return ("adam_amsgrad" if group["amsgrad"] else "adam", 0 if decoupled else decay,
                (moments, *now, 1 - beta1, beta2, 1 - beta2, group["eps"]))  # fmt: skip

    def compiled(self, group, numbers, p):
        run = None if group["amsgrad"] else kernel_for("adam", p, 5e-6, 1e-9)
        if run is None:
            return None
        (step,), lr, (beta1, beta2), decay = numbers, group["lr"], group["betas"], group["weight_decay"]
        decoupled = group["decoupled_weight_decay"]
        size, root, shrink = _moments(lr, beta1, beta2, decay if decoupled else 0, step)
        constants = (size, 1 - beta1, beta2, 1 - beta2, root, group["eps"], shrink, 0 if decoupled else decay)
        constants = [np.float32(c) for c in constants]
        return lambda *arrays: run(*arrays, *constants, group["maximize"])

    def update(self, xp, group, numbers, p, g, exp_avg, exp_avg_sq, max_exp_avg_sq=None):
        (step,) = numbers
        lr, (beta1, beta2) = group["lr"], group["betas"]
        g = decayed(group, p, g)
        exp_avg += (g - exp_avg) * (1 - beta1)
        exp_avg_sq *= beta2
        exp_avg_sq += (1 - beta2) * g * g
        largest = exp_avg_sq
        if max_exp_avg_sq is not None:
            before = max_exp_avg_sq * 1.0  # a copy: what autograd saves in maximum must not change
            max_exp_avg_sq[...] = largest = xp.maximum(before, exp_avg_sq)
        scale = xp.sqrt(largest) / (1 - beta2**step) ** 0.5 + group["eps"]
        p -= lr / (1 - beta1**step) * exp_avg / scale


def _moments(lr: float, beta1: float, beta2: float, decoupled: float, step: float) -> tuple[float, float, float]:
    """What changes with the step: its size, the root that √v is divided by, what weight decay leaves of p."""
    return lr / (1 - beta1**step), (1 - beta2**step) ** 0.5, 1 - lr * decoupled


def decayed(group: dict, p, g):
    """`descent`, or with decoupled weight decay: shrink p in place, and leave the decay out of the gradient."""
    if not group["decoupled_weight_decay"] or group["weight_decay"] == 0:
        return descent(group, p, g)
    p *= 1 - group["lr"] * group["weight_decay"]
    return -g if group["maximize"] else g


def decay_and_shrink(group: dict, lr: float) -> tuple[float, float]:
    """The weight decay that is part of the gradient, and what p is multiplied with where it is not."""
    decay = group["weight_decay"]
    return (0.0, 1 - lr * decay) if group["decoupled_weight_decay"] else (decay, 1.0)


__all__ = ["Adam", "decay_and_shrink", "decayed"]
