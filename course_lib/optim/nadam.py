"""NAdam: Adam with Nesterov's look ahead."""

from __future__ import annotations

from ._elementwise import ElementwiseOptimizer, kept_number
from .adam import decay_and_shrink, decayed
from .optimizer import check_settings


class NAdam(ElementwiseOptimizer):
    r"""Adam whose average gradient looks one step ahead, with a momentum μ that grows over time.

        μₜ = β₁ (1 − ½ · 0.96^(t · momentum_decay)),  Πₜ = μ₁ μ₂ … μₜ            (`mu_product`)
        m, v as in Adam
        p ← p − lr · ((1 − μₜ) / (1 − Πₜ) · g + μₜ₊₁ / (1 − Πₜ μₜ₊₁) · m) / (√(v / (1 − β₂ᵗ)) + eps)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.NAdam.html (Dozat 2016)
    """

    added_later = {"maximize": False, "foreach": None, "capturable": False, "differentiable": False,
                   "decoupled_weight_decay": False}  # fmt: skip
    constants_change = True
    capturable_needs = "params, mu_products and state_steps"

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
                 momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
                 maximize: bool = False, capturable: bool = False, differentiable: bool = False):  # fmt: skip
        check_settings(betas, lr=lr, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                                  "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay,
                                  "maximize": maximize, "foreach": foreach, "capturable": capturable,
                                  "differentiable": differentiable})  # fmt: skip

    def arrays(self, group):
        return ("exp_avg", "exp_avg_sq")

    def start(self, group, p, state):
        state["step"], state["mu_product"] = kept_number(0.0), kept_number(1.0)
        super().start(group, p, state)

    def advance(self, group, p):
        state, (step,) = super().advance(group, p)
        state["mu_product"] *= _mu(group, step)
        return state, (step, state["mu_product"].item())

    def together(self, group, numbers, like, counts, found_inf):
        (step, mu_product), lr, (beta1, beta2) = numbers, float(group["lr"]), group["betas"]
        mu, mu_next = _mu(group, step), _mu(group, step + 1)
        decay, shrink = decay_and_shrink(group, lr)
        return "nadam", decay, (lr * (1 - mu) / (1 - mu_product), lr * mu_next / (1 - mu_product * mu_next),
                                1 - beta2**step, shrink, 1 - beta1, beta2, 1 - beta2, group["eps"])  # fmt: skip

    def update(self, xp, group, numbers, p, g, exp_avg, exp_avg_sq):
        step, mu_product = numbers
        lr, (beta1, beta2) = group["lr"], group["betas"]
        mu, mu_next = _mu(group, step), _mu(group, step + 1)
        g = decayed(group, p, g)
        exp_avg += (g - exp_avg) * (1 - beta1)
        exp_avg_sq *= beta2
        exp_avg_sq += (1 - beta2) * g * g
        scale = xp.sqrt(exp_avg_sq / (1 - beta2**step)) + group["eps"]
        p -= lr * (1 - mu) / (1 - mu_product) * g / scale
        p -= lr * mu_next / (1 - mu_product * mu_next) * exp_avg / scale


def _mu(group: dict, step: float) -> float:
    """The momentum at a step."""
    return group["betas"][0] * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"]))


__all__ = ["NAdam"]
