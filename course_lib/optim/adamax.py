"""Adamax: Adam with the largest gradient in place of the average square."""

from __future__ import annotations

from ._elementwise import ElementwiseOptimizer, descent
from .optimizer import check_settings


class Adamax(ElementwiseOptimizer):
    r"""Adam in the infinity norm.

        g ← ∇f(p) + weight_decay · p
        m ← β₁ m + (1 − β₁) g                       `exp_avg`
        u ← max(β₂ u, |g| + eps)                    `exp_inf`
        p ← p − lr / (1 − β₁ᵗ) · m / u

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adamax.html (Kingma and Ba 2014)
    """

    added_later = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}
    constants_change = True

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
                 foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False,
                 capturable: bool = False):  # fmt: skip
        check_settings(betas, lr=lr, eps=eps, weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                                  "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
                                  "capturable": capturable})  # fmt: skip

    def arrays(self, group):
        return ("exp_avg", "exp_inf")

    def together(self, group, numbers, like, counts, found_inf):
        (step,), (beta1, beta2) = numbers, group["betas"]
        return "adamax", group["weight_decay"], (float(group["lr"]) / (1 - beta1**step), 1 - beta1, beta2, group["eps"])

    def update(self, xp, group, numbers, p, g, exp_avg, exp_inf):
        (step,) = numbers
        beta1, beta2 = group["betas"]
        g = descent(group, p, g)
        exp_avg += (g - exp_avg) * (1 - beta1)
        exp_inf[...] = xp.maximum(beta2 * exp_inf, xp.abs(g) + group["eps"])
        p -= group["lr"] / (1 - beta1**step) * exp_avg / exp_inf


__all__ = ["Adamax"]
