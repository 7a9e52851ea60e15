"""Muon: momentum steps of matrices, made orthogonal."""

from __future__ import annotations

from .. import dtypes
from ..ops.addmm import addmm
from ..ops.creation import zeros_like
from ..tensor import Tensor
from .optimizer import Optimizer, evaluate, without_grad


class Muon(Optimizer):
    r"""Momentum whose step has all its singular values near 1, for the weight matrices of hidden layers.

        B ← momentum · B + (1 − momentum) · g       `momentum_buffer`
        O = orthogonalize(B)                        with `nesterov`, of g + momentum · (B − g)
        p ← (1 − lr · weight_decay) · p − lr · √max(1, rows / columns) · O

    `adjust_lr_fn`: "original" for that factor, "match_rms_adamw" for 0.2 · √max(rows, columns), with which the learning
    rate of AdamW fits. ValueError for parameters that are not matrices; RuntimeError for complex ones.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Muon.html (Jordan 2024)
    """

    def __init__(self, params, lr=1e-3, weight_decay: float = 0.1, momentum: float = 0.95, nesterov: bool = True,
                 ns_coefficients=(3.4445, -4.775, 2.0315), eps: float = 1e-7, ns_steps: int = 5,
                 adjust_lr_fn: str | None = None):  # fmt: skip
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for name, value in (("Learning rate", lr), ("momentum", momentum), ("weight decay", weight_decay)):
            if not value >= 0.0:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
                                  "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
                                  "adjust_lr_fn": adjust_lr_fn})  # fmt: skip
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}"
                    )

    @without_grad
    def step(self, closure=None):
        """Update the parameters that have a gradient; returns the loss of `closure`, if one is given."""
        loss = evaluate(closure)
        for group in self.param_groups:
            lr, momentum = float(group["lr"]), group["momentum"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                if p.is_complex():
                    raise RuntimeError("Muon does not support complex parameters")
                state = self.state[p]
                if not state:
                    state["momentum_buffer"] = zeros_like(p.grad)
                buffer = state["momentum_buffer"].lerp_(p.grad, 1 - momentum)
                step = p.grad.lerp(buffer, momentum) if group["nesterov"] else buffer
                step = _orthogonalize(step, group["ns_coefficients"], group["ns_steps"], group["eps"])
                p.mul_(1 - lr * group["weight_decay"])
                p.add_(step, alpha=-lr * _size(p, group["adjust_lr_fn"]))
        return loss


def _orthogonalize(matrix: Tensor, coefficients, steps: int, eps: float) -> Tensor:
    """U Vᵀ, roughly, for the matrix U S Vᵀ: X ← (a + b X Xᵀ + c (X Xᵀ)²) X brings each singular value near 1."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values.")
    a, b, c = coefficients
    x = matrix.to(dtypes.bfloat16)
    upright = x.size(0) > x.size(1)
    x = x.mT if upright else x
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = addmm(x, addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if upright else x


def _size(p: Tensor, rule: str | None) -> float:
    rows, columns = p.shape
    return 0.2 * max(rows, columns) ** 0.5 if rule == "match_rms_adamw" else max(1, rows / columns) ** 0.5


__all__ = ["Muon"]
