"""SGD: steps against the gradient, with momentum if wanted."""

from __future__ import annotations

import numpy as np

from ..ops.creation import zeros_like
from ..tensor import Tensor
from ._elementwise import ElementwiseOptimizer, descent, kernel_for
from .optimizer import check_fused, check_settings


class SGD(ElementwiseOptimizer):
    r"""Stochastic gradient descent.

        g ← ∇f(p) + weight_decay · p
        b ← g                                       at the first step with momentum
        b ← momentum · b + (1 − dampening) · g      at later ones
        p ← p − lr · b                              or − lr · (g + momentum · b) with `nesterov`

    Without momentum, p ← p − lr · g. ValueError for settings outside their range.

    >>> import course_lib as torch
    >>> w = torch.tensor([4.], requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=0.25)
    >>> w.square().sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([2.], requires_grad=True)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html (Sutskever et al. 2013)
    """

    added_later = {"nesterov": False, "maximize": False, "foreach": None, "differentiable": False, "fused": False}

    def __init__(self, params, lr=1e-3, momentum: float = 0, dampening: float = 0, weight_decay=0,
                 nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None,
                 differentiable: bool = False, fused: bool | None = None):  # fmt: skip
        check_settings(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening,
                                  "weight_decay": weight_decay, "nesterov": nesterov, "maximize": maximize,
                                  "foreach": foreach, "differentiable": differentiable, "fused": fused})  # fmt: skip
        check_fused(fused, foreach, differentiable)

    def arrays(self, group):
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    def advance(self, group, p):
        if group["momentum"] == 0:
            return {}, (True,)
        state = self.state[p]
        first = state.get("momentum_buffer") is None
        if first:
            state["momentum_buffer"] = zeros_like(p)
        return state, (first,)

    @property
    def leaves_out_steps(self):
        return all(group["fused"] for group in self.param_groups)

    def together(self, group, numbers, like, counts, found_inf):
        momentum, lr = group["momentum"], float(group["lr"])
        if momentum == 0:
            return "sgd", group["weight_decay"], (lr,)
        share = 1.0 if numbers[0] else 1 - group["dampening"]
        return "sgd_momentum", group["weight_decay"], (lr, momentum, share, bool(group["nesterov"]))

    def compiled(self, group, numbers, p):
        momentum = group["momentum"]
        run = kernel_for("sgd_momentum" if momentum else "sgd", p, 1e-6, 2e-10)
        if run is None:
            return None
        constants = [np.float32(group["lr"]), np.float32(group["weight_decay"]), group["maximize"]]
        if momentum:
            share = 1 if numbers[0] else 1 - group["dampening"]
            constants += [np.float32(momentum), np.float32(share), group["nesterov"]]
        return lambda *arrays: run(*arrays, *constants)

    def update(self, xp, group, numbers, p, g, buffer=None):
        (first,) = numbers
        g = descent(group, p, g)
        momentum, dampening = group["momentum"], group["dampening"]
        if momentum != 0:
            buffer *= momentum  # it is zero at first
            if first:
                buffer += g.detach() if isinstance(g, Tensor) else g  # PyTorch's first momentum carries no gradient
            else:
                buffer += g if dampening == 0 else (1 - dampening) * g
            g = g + momentum * buffer if group["nesterov"] else buffer
        p -= group["lr"] * g


__all__ = ["SGD"]
