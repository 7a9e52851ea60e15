"""Rprop: only the signs of the gradients count."""

from __future__ import annotations

from ..ops.creation import full_like
from ._elementwise import ElementwiseOptimizer
from .optimizer import check_settings


class Rprop(ElementwiseOptimizer):
    r"""Resilient backpropagation, for whole batches: each number has a step size of its own.

        s ← clip(η₊ s)     where g has kept its sign since the last step,
        s ← clip(η₋ s)     where it has changed; there g ← 0, so that nothing moves
        p ← p − sign(g) · s

    s is `step_size`, which starts at lr; `prev` is the last g; etas = (η₋, η₊); step_sizes are the bounds of s.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Rprop.html (Riedmiller and Braun 1993)
    """

    added_later = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, capturable: bool = False,
                 foreach: bool | None = None, maximize: bool = False, differentiable: bool = False):  # fmt: skip
        check_settings(lr=lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach,
                                  "maximize": maximize, "differentiable": differentiable,
                                  "capturable": capturable})  # fmt: skip

    def arrays(self, group):
        return ("prev", "step_size")

    def start(self, group, p, state):
        super().start(group, p, state)
        lr = float(group["lr"])
        state["step_size"] = full_like(p, complex(lr, lr) if p.is_complex() else lr)

    def together(self, group, numbers, like, counts, found_inf):
        return "rprop", 0, (*group["etas"], *group["step_sizes"])

    def update(self, xp, group, numbers, p, g, prev, step_size):
        (slower, faster), (smallest, largest) = group["etas"], group["step_sizes"]
        g = -g if group["maximize"] else g
        turned = prev * g
        factor = xp.where(turned > 0, faster, xp.where(turned < 0, slower, 1.0))
        step_size[...] = (step_size * factor).clip(smallest, largest)
        g = xp.where(turned < 0, 0.0, g)
        p -= xp.sign(g) * step_size
        prev[...] = g


__all__ = ["Rprop"]
