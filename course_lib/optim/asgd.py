"""ASGD: gradient descent that also keeps the average of where it has been."""

from __future__ import annotations

from ._elementwise import ElementwiseOptimizer, descent, kept_number
from .optimizer import check_settings


class ASGD(ElementwiseOptimizer):
    r"""Averaged stochastic gradient descent.

        g ← ∇f(p) + weight_decay · p
        p ← (1 − lambd · η) p − η g
        a ← a + μ (p − a)                           `ax`, the average; a = p while μ = 1
        η = lr / (1 + lambd · lr · t)^alpha,  μ = 1 / max(1, t − t0)      for the next step

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.ASGD.html (Polyak and Juditsky 1992)
    """

    added_later = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}
    constants_change = True
    capturable_needs = "params, mus, etas, and state_steps"

    def __init__(self, params, lr=1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
                 weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False,
                 differentiable: bool = False, capturable: bool = False):  # fmt: skip
        check_settings(lr=lr, weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay,
                                  "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
                                  "capturable": capturable})  # fmt: skip

    def arrays(self, group):
        return ("ax",)

    def start(self, group, p, state):
        for name, value in (("step", 0.0), ("eta", float(group["lr"])), ("mu", 1.0)):
            state[name] = kept_number(value)
        super().start(group, p, state)

    def advance(self, group, p):
        state, (step,) = super().advance(group, p)
        eta, mu = state["eta"].item(), state["mu"].item()
        lr = float(group["lr"])
        state["eta"].fill_(lr / (1 + group["lambd"] * lr * step) ** group["alpha"])
        state["mu"].fill_(1 / max(1, step - group["t0"]))
        return state, (eta, mu)

    def together(self, group, numbers, like, counts, found_inf):
        eta, mu = numbers
        return "asgd", group["weight_decay"], (1 - group["lambd"] * eta, eta, mu)

    def update(self, xp, group, numbers, p, g, ax):
        eta, mu = numbers
        g = descent(group, p, g)
        p *= 1 - group["lambd"] * eta
        p -= eta * g
        if mu == 1:
            ax[...] = p
        else:
            ax += (p - ax) * mu


__all__ = ["ASGD"]
