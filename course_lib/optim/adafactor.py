"""Adafactor: Adam's average square, kept as its row and column averages."""

from __future__ import annotations

from .. import dtypes
from ..ops.creation import zeros
from ..tensor import Tensor
from ._elementwise import count, kept_number
from .optimizer import Optimizer, evaluate, without_grad


class Adafactor(Optimizer):
    r"""Divide gradients by an estimate of their size that needs memory for one row and one column a matrix.

        β = 1 − t^beta2_decay,  ρ = min(lr, 1 / √t)
        R ← β R + (1 − β) · mean of g² over each row,  C ← … over each column
        V = R C / mean(R)                           for a vector: V ← β V + (1 − β) g²
        u = g / √max(V, ε₁²),  u ← u / max(1, rms(u) / d)
        p ← (1 − lr · weight_decay) · p − max(ε₂, rms(p)) · ρ · u

    rms is the root of the mean square; eps = (ε₁, ε₂), where None stands for the dtype's machine epsilon.
    RuntimeError for complex parameters.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adafactor.html (Shazeer and Stern 2018)
    """

    added_later = {"foreach": None}

    def __init__(self, params, lr=1e-2, beta2_decay: float = -0.8, eps=(None, 1e-3), d: float = 1.0,
                 weight_decay: float = 0.0, *, foreach: bool | None = None, maximize: bool = False):  # fmt: skip
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        for number, value in enumerate(eps, 1):
            if value is not None and not value >= 0.0:
                raise ValueError(f"epsilon{number} should be >= 0 but is: {value}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(params, {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d,
                                  "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize})  # fmt: skip

    @without_grad
    def step(self, closure=None):
        """Update the parameters that have a gradient; returns the loss of `closure`, if one is given."""
        loss = evaluate(closure)
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if p.is_complex():
                    raise RuntimeError("Adafactor does not support complex parameters")
                state = self.state[p]
                if not state:
                    _start(p.grad, state)
                _update(group, count(state["step"]), p, p.grad, state)
        return loss


def _start(grad: Tensor, state: dict) -> None:
    state["step"] = kept_number(0.0)
    if grad.dim() > 1:
        state["row_var"] = zeros(*grad.shape[:-1], 1, dtype=grad.dtype, device=grad.device)
        state["col_var"] = zeros(*grad.shape[:-2], 1, grad.shape[-1], dtype=grad.dtype, device=grad.device)
    else:
        state["variance"] = grad.new_zeros(grad.shape)


def _update(group: dict, step: float, p: Tensor, g: Tensor, state: dict) -> None:
    lr, (smallest, floor) = float(group["lr"]), group["eps"]
    if smallest is None:
        smallest = dtypes.finfo(p.dtype).eps
    g = -g if group["maximize"] else g
    weight = step ** group["beta2_decay"]
    size = max(floor, p.norm().item() / p.numel() ** 0.5) * min(lr, 1 / step**0.5)
    if group["weight_decay"] != 0:
        p.add_(p, alpha=-lr * group["weight_decay"])  # bfloat16 has no number between 0.996 and 1
    if g.dim() > 1:
        rows, columns = state["row_var"], state["col_var"]
        rows.lerp_(g.norm(dim=-1, keepdim=True).square() / g.size(-1), weight)
        columns.lerp_(g.norm(dim=-2, keepdim=True).square() / g.size(-2), weight)
        variance = rows @ columns / rows.mean(dim=-2, keepdim=True).clamp(min=smallest)
    else:
        variance = state["variance"].lerp_(g.square(), weight)
    change = variance.clamp(min=smallest * smallest).rsqrt() * g
    too_large = max(1.0, change.norm().item() / (change.numel() ** 0.5 * group["d"]))
    p.add_(change, alpha=-size / too_large)


__all__ = ["Adafactor"]
