"""SparseAdam: Adam that touches only the rows of a table that were looked up."""

from __future__ import annotations

from ..ops.creation import zeros_like
from ..tensor import Tensor
from .optimizer import Optimizer, check_settings, evaluate


class SparseAdam(Optimizer):
    r"""Adam for embeddings: rows whose gradient is zero throughout keep their numbers and their averages.

        p, m, v change as in Adam, but only in the rows that the batch looked up

    PyTorch takes sparse gradients here and refuses others. In this library `nn.Embedding` with `sparse=True` gives
    dense gradients with zero rows, and these are what is left out.
    ValueError for complex parameters.

    >>> import course_lib as torch
    >>> table = torch.zeros(3, 2, requires_grad=True)
    >>> optimizer = torch.optim.SparseAdam([table], lr=0.1)
    >>> torch.nn.functional.embedding(torch.tensor([1]), table, sparse=True).sum().backward()
    >>> optimizer.step()
    >>> table
    tensor([[ 0.0000,  0.0000],
            [-0.1000, -0.1000],
            [ 0.0000,  0.0000]], requires_grad=True)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.SparseAdam.html
    """

    added_later = {"maximize": False}

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps: float = 1e-8, maximize: bool = False):
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_settings(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        places = [[i, j] for i, group in enumerate(self.param_groups) for j, p in enumerate(group["params"])
                  if p.is_complex()]  # fmt: skip
        if places:
            raise ValueError(f"Complex params at indices {places}: SparseAdam does not support complex parameters")

    def step(self, closure=None):
        """Update the looked-up rows; returns the loss of `closure`, if one is given."""
        loss = evaluate(closure)
        for group in self.param_groups:
            for p in group["params"]:
                if p._grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, exp_avg=zeros_like(p), exp_avg_sq=zeros_like(p))
                state["step"] += 1
                _update(group, p, state)
        return loss


def _update(group: dict, p: Tensor, state: dict) -> None:
    step = state["step"]
    beta1, beta2 = group["betas"]
    grad = -p._grad._array if group["maximize"] else p._grad._array
    rows = (grad != 0).reshape(grad.shape[0], -1).any(1) if grad.ndim else ...
    m, v = state["exp_avg"], state["exp_avg_sq"]
    g = grad[rows]
    m._array[rows] += (1 - beta1) * (g - m._array[rows])
    v._array[rows] += (1 - beta2) * (g * g - v._array[rows])
    size = float(group["lr"]) * (1 - beta2**step) ** 0.5 / (1 - beta1**step)
    p._array[rows] -= size * m._array[rows] / (v._array[rows] ** 0.5 + group["eps"])
    for changed in (p, m, v):
        changed._storage.version += 1


__all__ = ["SparseAdam"]
