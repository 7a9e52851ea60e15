"""LBFGS: quasi-Newton steps, with a line search if wanted (`_line_search.py`)."""

from __future__ import annotations

from ..ops.complex_numbers import view_as_real
from ..ops.creation import zeros_like
from ..ops.joining import cat
from ..tensor import Tensor
from ._line_search import Point, strong_wolfe
from .optimizer import Optimizer, check_settings, evaluate, without_grad


class LBFGS(Optimizer):
    r"""The method of Broyden, Fletcher, Goldfarb and Shanno, with limited memory.

    The last `history_size` changes of the parameters (s) and of the gradient (y) stand for the curvature of the loss:
    with them d = −H g, H being about the inverse of the matrix of second derivatives, takes 4 · history_size scalar
    products (the two-loop recursion). Each `step(closure)` makes up to `max_iter` moves p ← p + lr · d, and computes
    the closure up to `max_eval` times (1.25 · max_iter, if None). It ends early where no gradient is larger than
    `tolerance_grad`, or parameters or loss change by less than `tolerance_change`. With
    `line_search_fn="strong_wolfe"` the length of each move is searched for. All parameters are in one group.

    >>> import course_lib as torch
    >>> w = torch.tensor([5., -3.], requires_grad=True)
    >>> optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - torch.tensor([1., 2.])) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure)                     # the loss before the step
    tensor(41., grad_fn=<SumBackward0>)
    >>> w.detach().round(decimals=3)
    tensor([1., 2.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html (Liu and Nocedal 1989)
    """

    def __init__(self, params, lr=1, max_iter: int = 20, max_eval: int | None = None, tolerance_grad: float = 1e-7,
                 tolerance_change: float = 1e-9, history_size: int = 100,
                 line_search_fn: str | None = None):  # fmt: skip
        check_settings(lr=lr)
        max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        super().__init__(params, {"lr": lr, "max_iter": max_iter, "max_eval": max_eval,
                                  "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
                                  "history_size": history_size, "line_search_fn": line_search_fn})  # fmt: skip
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @without_grad
    def step(self, closure):
        """Minimize the closure's loss by up to `max_iter` moves; returns the loss before the first."""
        group = self.param_groups[0]
        params = group["params"]
        state = self.state[params[0]]
        first_loss = evaluate(closure)
        state["func_evals"] = state.get("func_evals", 0) + 1
        state.setdefault("n_iter", 0)
        gradient = _flat_gradient(params)
        if gradient.abs().max() <= group["tolerance_grad"]:
            return first_loss
        loss, evaluations = float(first_loss), 1
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            self._turn(state, gradient)
            t, direction = group["lr"], state["d"]
            if state["n_iter"] == 1:
                t = min(1.0, 1.0 / gradient.abs().sum()) * t
            state["t"], state["prev_loss"], before = t, loss, loss
            slope = gradient.dot(direction)
            if slope > -group["tolerance_change"]:
                break
            last, budget = iteration == group["max_iter"], group["max_eval"] - evaluations
            moved, tries = self._move(closure, Point(0, loss, gradient, slope), t, direction, last, budget)
            state["t"], loss, gradient = moved.t, moved.loss, moved.gradient
            evaluations += tries
            state["func_evals"] += tries
            if last or evaluations >= group["max_eval"]:
                break
            if gradient.abs().max() <= group["tolerance_grad"]:
                break
            if (direction * moved.t).abs().max() <= group["tolerance_change"]:
                break
            if abs(loss - before) < group["tolerance_change"]:
                break
        return first_loss

    def _turn(self, state: dict, gradient: Tensor) -> None:
        """The direction of the next move, from the gradient and the history."""
        if state["n_iter"] == 1:
            state.update(d=-gradient, t=None, old_dirs=[], old_stps=[], ro=[], H_diag=1, prev_flat_grad=None)
        else:
            size = self.param_groups[0]["history_size"]
            _remember(state, gradient, size)
            state.setdefault("al", [None] * size)
            state["d"] = _newton_direction(state, gradient)
        state["prev_flat_grad"] = gradient.clone()

    def _move(self, closure, start: Point, t, direction: Tensor, last: bool, budget: int):
        """Go along the direction; where that led, and how often the closure was computed for it."""
        search = self.param_groups[0]["line_search_fn"]
        params = self.param_groups[0]["params"]
        if search is None:
            _add(params, direction, t)
            if last:  # nobody will ask for the loss
                return start._replace(t=t), 0
            return Point(t, float(evaluate(closure)), _flat_gradient(params), None), 1
        if search != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        places = [p.clone() for p in params]

        def loss_at(t):
            _add(params, direction, t)
            loss = float(evaluate(closure))
            gradient = _flat_gradient(params)
            for p, place in zip(params, places, strict=True):
                p.copy_(place)
            return loss, gradient

        found, tries = strong_wolfe(loss_at, start, t, direction, budget)
        _add(params, direction, found.t)
        return found, tries


def _flat_gradient(params: list[Tensor]) -> Tensor:
    """The gradients of all parameters as one vector, complex ones as pairs of real numbers."""
    grads = [zeros_like(p) if p.grad is None else p.grad for p in params]
    return cat([_as_real(g).reshape(-1) for g in grads])


def _add(params: list[Tensor], direction: Tensor, t) -> None:
    """Add t times the direction to the parameters."""
    start = 0
    for p in map(_as_real, params):
        p.add_(direction[start : start + p.numel()].view_as(p), alpha=float(t))
        start += p.numel()


def _as_real(t: Tensor) -> Tensor:
    return view_as_real(t) if t.is_complex() else t


def _remember(state: dict, gradient: Tensor, most: int) -> None:
    """Add the last move to the history, if the loss curves upward along it; keep the `most` latest ones."""
    change = gradient - state["prev_flat_grad"]
    move = state["d"] * state["t"]
    curvature = change.dot(move)
    if curvature <= 1e-10:
        return
    for name, value in (("old_dirs", change), ("old_stps", move), ("ro", 1.0 / curvature)):
        if len(state[name]) == most:
            state[name].pop(0)
        state[name].append(value)
    state["H_diag"] = curvature / change.dot(change)


def _newton_direction(state: dict, gradient: Tensor) -> Tensor:
    """−H g by the two-loop recursion: through the history backwards, times the estimate of H, and forwards again."""
    history = list(zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True))
    shares = state["al"]
    direction = -gradient
    for i in range(len(history) - 1, -1, -1):
        change, move, inverse = history[i]
        shares[i] = move.dot(direction) * inverse
        direction.add_(change, alpha=-shares[i].item())
    direction = direction * state["H_diag"]
    for i, (change, move, inverse) in enumerate(history):
        direction.add_(move, alpha=(shares[i] - change.dot(direction) * inverse).item())
    return direction


__all__ = ["LBFGS"]
