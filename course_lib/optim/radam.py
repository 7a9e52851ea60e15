"""RAdam: Adam that trusts its average square only once that rests on enough steps."""

from __future__ import annotations

from ._elementwise import ElementwiseOptimizer
from .adam import decay_and_shrink, decayed
from .optimizer import check_settings


class RAdam(ElementwiseOptimizer):
    r"""Rectified Adam: in the first steps v is too uncertain to divide by, so they are steps of plain momentum.

        m, v as in Adam;  m̂ = m / (1 − β₁ᵗ)
        ρ∞ = 2 / (1 − β₂) − 1,  ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)          how many gradients v averages over
        p ← p − lr · m̂ · r · √(1 − β₂ᵗ) / (√v + eps)     if ρ > 5,  r² = (ρ−4)(ρ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρ)
        p ← p − lr · m̂                                   else

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.RAdam.html (Liu et al. 2019)
    """

    added_later = {"maximize": False, "foreach": None, "capturable": False, "differentiable": False,
                   "decoupled_weight_decay": False}  # fmt: skip
    constants_change = True

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
                 decoupled_weight_decay: bool = False, *, foreach: bool | None = None, maximize: bool = False,
                 capturable: bool = False, differentiable: bool = False):  # fmt: skip
        check_settings(betas, lr=lr, eps=eps, weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                                  "maximize": maximize, "foreach": foreach, "capturable": capturable,
                                  "decoupled_weight_decay": decoupled_weight_decay,
                                  "differentiable": differentiable})  # fmt: skip

    def arrays(self, group):
        return ("exp_avg", "exp_avg_sq")

    def together(self, group, numbers, like, counts, found_inf):
        (step,), lr, (beta1, beta2) = numbers, float(group["lr"]), group["betas"]
        decay, shrink = decay_and_shrink(group, lr)
        rectified = _rectified(beta2, step) * (1 - beta2**step) ** 0.5
        return "radam", decay, (lr / (1 - beta1**step), rectified, shrink, 1 - beta1, beta2, 1 - beta2, group["eps"])

    def update(self, xp, group, numbers, p, g, exp_avg, exp_avg_sq):
        (step,) = numbers
        lr, (beta1, beta2) = group["lr"], group["betas"]
        g = decayed(group, p, g)
        exp_avg += (g - exp_avg) * (1 - beta1)
        exp_avg_sq *= beta2
        exp_avg_sq += (1 - beta2) * g * g
        change = exp_avg / (1 - beta1**step) * lr
        rectified = _rectified(beta2, step)
        if rectified:
            change = change * ((1 - beta2**step) ** 0.5 / (xp.sqrt(exp_avg_sq) + group["eps"])) * rectified
        p -= change


def _rectified(beta2: float, step: float) -> float:
    """How far the average square can be trusted: r, or 0 for not yet."""
    most = 2 / (1 - beta2) - 1
    length = most - 2 * step * beta2**step / (1 - beta2**step)
    if length <= 5:
        return 0.0
    return ((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)) ** 0.5


__all__ = ["RAdam"]
