"""Adadelta: steps as large as earlier steps were, compared with the gradients that caused them."""

from __future__ import annotations

from ._elementwise import ElementwiseOptimizer, descent
from .optimizer import check_settings


class Adadelta(ElementwiseOptimizer):
    r"""Scale each gradient by the ratio of the running sizes of steps and of gradients.

        g ← ∇f(p) + weight_decay · p
        v ← ρ v + (1 − ρ) g²                        `square_avg`
        Δ = √(u + eps) / √(v + eps) · g
        u ← ρ u + (1 − ρ) Δ²                        `acc_delta`
        p ← p − lr · Δ

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adadelta.html (Zeiler 2012)
    """

    added_later = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}
    capturable_devices = ["cuda", "xpu", "hpu", "privateuseone"]

    def __init__(self, params, lr=1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
                 foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False,
                 differentiable: bool = False):  # fmt: skip
        check_settings(lr=lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_settings(eps=eps, weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay,
                                  "maximize": maximize, "capturable": capturable, "foreach": foreach,
                                  "differentiable": differentiable})  # fmt: skip

    def arrays(self, group):
        return ("square_avg", "acc_delta")

    def together(self, group, numbers, like, counts, found_inf):
        rho = group["rho"]
        return "adadelta", group["weight_decay"], (float(group["lr"]), rho, 1 - rho, group["eps"])

    def update(self, xp, group, numbers, p, g, square_avg, acc_delta):
        rho, eps = group["rho"], group["eps"]
        g = descent(group, p, g)
        square_avg *= rho
        square_avg += (1 - rho) * g * g
        change = xp.sqrt(acc_delta + eps) / xp.sqrt(square_avg + eps) * g
        acc_delta *= rho
        acc_delta += (1 - rho) * change * change
        p -= group["lr"] * change


__all__ = ["Adadelta"]
