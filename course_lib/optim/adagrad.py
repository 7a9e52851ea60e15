"""Adagrad: each number's step shrinks with the gradients it has seen."""

from __future__ import annotations

import numpy as np

from ..ops.creation import full_like
from ._elementwise import ElementwiseOptimizer, descent, kept_number, kernel_for
from .optimizer import check_fused, check_settings


class Adagrad(ElementwiseOptimizer):
    r"""Divide each gradient by the root of the sum of all its squares so far.

        g ← ∇f(p) + weight_decay · p
        s ← s + g²                                  `sum`, which starts at initial_accumulator_value
        p ← p − lr / (1 + (t − 1) · lr_decay) · g / (√s + eps)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html (Duchi, Hazan and Singer 2011)
    """

    added_later = {"foreach": None, "maximize": False, "differentiable": False, "fused": None}

    def __init__(self, params, lr=1e-2, lr_decay: float = 0, weight_decay: float = 0,
                 initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
                 maximize: bool = False, differentiable: bool = False, fused: bool | None = None):  # fmt: skip
        check_settings(lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
                       initial_accumulator_value=initial_accumulator_value, eps=eps)  # fmt: skip
        super().__init__(params, {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
                                  "initial_accumulator_value": initial_accumulator_value, "foreach": foreach,
                                  "maximize": maximize, "differentiable": differentiable, "fused": fused})  # fmt: skip
        check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for p in group["params"]:
                self.start(group, p, self.state[p])

    def arrays(self, group):
        return ("sum",)

    def start(self, group, p, state):
        first = group["initial_accumulator_value"]
        state["step"] = kept_number(0.0)
        state["sum"] = full_like(p, complex(first, first) if p.is_complex() else first)

    def share_memory(self) -> None:
        """Put the state into memory that other processes share."""
        for state in self.state.values():
            state["sum"].share_memory_()
            state["step"].share_memory_()

    def together(self, group, numbers, like, counts, found_inf):
        size = float(group["lr"]) / (1 + (numbers[0] - 1) * group["lr_decay"])
        return "adagrad", group["weight_decay"], (size, group["eps"])

    def compiled(self, group, numbers, p):
        run = kernel_for("adagrad", p, 3e-6, 7e-10)
        if run is None:
            return None
        size = group["lr"] / (1 + (numbers[0] - 1) * group["lr_decay"])
        constants = [np.float32(c) for c in (size, group["eps"], group["weight_decay"])]
        return lambda *arrays: run(*arrays, *constants, group["maximize"])

    def update(self, xp, group, numbers, p, g, total):
        (step,) = numbers
        g = descent(group, p, g)
        total += g * g
        p -= group["lr"] / (1 + (step - 1) * group["lr_decay"]) * g / (xp.sqrt(total) + group["eps"])


__all__ = ["Adagrad"]
