"""RMSprop: gradients divided by a running average of their size."""

from __future__ import annotations

import numpy as np

from ._elementwise import ElementwiseOptimizer, descent, kernel_for
from .optimizer import check_settings


class RMSprop(ElementwiseOptimizer):
    r"""Divide each gradient by the root of the running average of its square.

        g ← ∇f(p) + weight_decay · p
        v ← α v + (1 − α) g²                        `square_avg`
        a ← a + (1 − α) (g − a),  σ = √(v − a²)     with `centered` (`grad_avg`), else σ = √v
        p ← p − lr · g / (σ + eps)
        b ← momentum · b + g / (σ + eps),  p ← p − lr · b      with momentum instead

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html (Hinton's lecture 6, 2012)
    """

    added_later = {"momentum": 0, "centered": False, "foreach": None, "maximize": False, "differentiable": False,
                   "capturable": False}  # fmt: skip

    def __init__(self, params, lr=1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
                 momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
                 maximize: bool = False, differentiable: bool = False):  # fmt: skip
        check_settings(lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(params, {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
                                  "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach,
                                  "maximize": maximize, "differentiable": differentiable})  # fmt: skip

    def arrays(self, group):
        names = ("square_avg",)
        names += ("momentum_buffer",) if group["momentum"] > 0 else ()
        return names + (("grad_avg",) if group["centered"] else ())

    def together(self, group, numbers, like, counts, found_inf):
        alpha, momentum, centered = group["alpha"], group["momentum"], group["centered"]
        name = "rmsprop" + "_momentum" * (momentum > 0) + "_centered" * bool(centered)
        return name, group["weight_decay"], (float(group["lr"]), alpha, 1 - alpha, group["eps"], momentum)

    def compiled(self, group, numbers, p):
        run = None if group["centered"] or group["momentum"] > 0 else kernel_for("rmsprop", p, 3e-6, 7e-10)
        if run is None:
            return None
        constants = (group["lr"], group["alpha"], 1 - group["alpha"], group["eps"], group["weight_decay"])
        constants = [np.float32(c) for c in constants]
        return lambda *arrays: run(*arrays, *constants, group["maximize"])

    def update(self, xp, group, numbers, p, g, square_avg, *more):
        alpha, momentum = group["alpha"], group["momentum"]
        g = descent(group, p, g)
        square_avg *= alpha
        square_avg += (1 - alpha) * g * g
        square = square_avg
        if group["centered"]:
            grad_avg = more[-1]
            grad_avg += (g - grad_avg) * (1 - alpha)
            square = square - grad_avg * grad_avg
        change = g / (xp.sqrt(square) + group["eps"])
        if momentum > 0:
            buffer = more[0]
            buffer *= momentum
            buffer += change
            change = buffer
        p -= group["lr"] * change


__all__ = ["RMSprop"]
