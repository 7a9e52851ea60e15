"""ctc_loss: how improbable a sequence of labels is when each of its labels, and blanks between them, may be repeated.

The labels with a blank before, between and after them are the states of a chain; `alpha` sums the probability of all
ways from the start, `beta` of all ways to the end (Graves et al. 2006). All samples move through time together.
"""

from __future__ import annotations

import math

from ..tensor import Tensor
from ._numeric import require_kind
from ._op import function, op
from .from_data import tensor as new_tensor
from .loss import reduction_of
from .masks import where


def _log_add(xp, *parts):
    """log of the sum of exponentials, also where all are -inf."""
    top = parts[0]
    for part in parts[1:]:
        top = xp.maximum(top, part)
    safe = xp.where(top == -math.inf, 0, top)
    total = 0
    for part in parts:
        total = total + xp.exp(part - safe)
    return xp.where(top == -math.inf, -math.inf, xp.log(xp.where(total > 0, total, 1)) + safe)


def _shifted(xp, a, by: int):
    """The states moved by `by` to the right (left if negative), -inf coming in."""
    made = xp.full_like(a, -math.inf)
    if by > 0:
        made[:, by:] = a[:, :-by]
    else:
        made[:, :by] = a[:, -by:]
    return made


def _forward_sums(xp, scores, skip, lengths):
    """alpha (T, N, states), frozen at each sample's last step."""
    steps, samples, states = scores.shape
    alpha = xp.full_like(scores, -math.inf)
    if steps:
        alpha[0, :, : min(2, states)] = scores[0, :, : min(2, states)]
    for t in range(1, steps):
        before = alpha[t - 1]
        jump = xp.where(skip, _shifted(xp, before, 2) if states > 2 else -math.inf, -math.inf)
        moved = _log_add(xp, before, _shifted(xp, before, 1) if states > 1 else before * 0 - math.inf, jump) + scores[t]
        alpha[t] = xp.where((t < lengths)[:, None], moved, before)
    return alpha


@op(method=False, namespace=None, node="CtcLoss")
class ctc_of_batch:
    """The loss of each sample and its gradient by the log-probabilities (T, N, C)."""

    def forward(xp, log_probs, targets, *, blank, input_lengths, target_lengths, zero_infinity):
        require_kind("ctc_loss_cpu", log_probs)
        steps, samples, classes = log_probs.shape
        states = 2 * targets.shape[1] + 1
        labels = xp.full((samples, states), blank, "int64")
        labels[:, 1::2] = targets
        ends, lengths = xp.asarray(target_lengths) * 2, xp.asarray(input_lengths)
        valid = xp.arange(states) <= ends[:, None]
        labels = xp.where(valid, labels, blank)
        skip = xp.zeros((samples, states), bool)
        skip[:, 2:] = (labels[:, 2:] != blank) & (labels[:, 2:] != labels[:, :-2])
        scores = xp.take_along_axis(log_probs, xp.broadcast_to(labels, (steps, samples, states)), axis=2)
        scores = xp.where(valid, scores, -math.inf)
        alpha = _forward_sums(xp, scores, skip, lengths)
        each = xp.arange(samples)
        last = alpha[-1] if steps else xp.full((samples, states), -math.inf, log_probs.dtype)
        before_end = xp.where(ends > 0, last[each, xp.maximum(ends - 1, 0)], -math.inf)
        loss = -_log_add(xp, last[each, ends], before_end)
        loss = xp.where(lengths == 0, xp.where(ends == 0, 0, math.inf), loss).astype(log_probs.dtype)
        gradient = _gradient(xp, log_probs, scores, alpha, skip, labels, valid, ends, lengths, loss, zero_infinity)
        return loss, gradient

    def save(ctx, outs, log_probs, targets, **_):
        ctx.save_for_backward(outs[1].detach(), log_probs)

    def backward(ctx, g, _):
        gradient, log_probs = ctx.saved_tensors
        return ctc_gradient(gradient, g, log_probs), None


@op(method=False, namespace=None, node="CtcLossBackward")
class ctc_gradient:
    """The gradient that the forward pass found, times what arrives. It depends on the log-probabilities, too: an own
    node says so and refuses, where a product alone would give a wrong second gradient."""

    def forward(xp, gradient, g, log_probs):
        return gradient * g.reshape(1, -1, 1)

    def backward(ctx, g):
        raise RuntimeError("derivative for aten::_ctc_loss_backward is not implemented")


def _gradient(xp, log_probs, scores, alpha, skip, labels, valid, ends, lengths, loss, zero_infinity: bool):
    """exp(log_probs) minus the probability of being in each label at each step, as if a softmax stood before."""
    steps, samples, states = scores.shape
    start = xp.full((samples, states), -math.inf, scores.dtype)
    start[xp.arange(samples), ends] = 0
    start[xp.arange(samples), xp.maximum(ends - 1, 0)] = 0
    made = xp.zeros_like(log_probs)
    jump_from = xp.zeros_like(skip)
    jump_from[:, :-2] = skip[:, 2:]
    beta, each = start, xp.arange(samples)[:, None]
    for t in range(steps - 1, -1, -1):
        onward = beta + (scores[t + 1] if t + 1 < steps else 0)
        jump = xp.where(jump_from, _shifted(xp, onward, -2) if states > 2 else -math.inf, -math.inf)
        moved = _log_add(xp, onward, _shifted(xp, onward, -1) if states > 1 else onward * 0 - math.inf, jump)
        beta = xp.where((t >= lengths - 1)[:, None], start, moved)
        occupied = xp.where(valid, xp.exp(alpha[t] + beta + loss[:, None]), 0)
        share = xp.zeros_like(log_probs[t])
        xp.add.at(share, (xp.broadcast_to(each, labels.shape), labels), occupied)
        made[t] = xp.where((t < lengths)[:, None], xp.exp(log_probs[t]) - share, 0)
    unreachable = xp.isinf(loss) & (xp.arange(steps)[:, None] < lengths)
    return xp.where(unreachable[:, :, None], 0 if zero_infinity else math.nan, made).astype(log_probs.dtype)


def _padded_targets(targets, lengths) -> Tensor:
    """Targets (N, S); from one row of all targets one after the other, or already so."""
    if targets.ndim == 2:
        return targets
    longest = max(lengths, default=0)
    made, start = targets.new_zeros((len(lengths), longest)), 0
    for i, n in enumerate(lengths):
        made[i, :n] = targets[start : start + n]
        start += n
    return made


def _lengths(value) -> list[int]:
    if isinstance(value, Tensor):
        if value._array.dtype.kind not in "iu":
            raise RuntimeError("input_lengths and target_lengths must be integral")
        return [int(n) for n in value.reshape(-1).tolist()]
    return [int(n) for n in value]


@function()
@function(namespace="nn.functional")
def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction='mean', zero_infinity=False) ->
    Tensor

    Minus the logarithm of the probability of `targets` (N, S), or all targets one after the other in one dimension,
    when `log_probs` (T, N, C) are the log-probabilities of the classes at each step. 'mean' divides each loss by the
    length of its target first; zero_infinity makes impossible targets (and their gradients) zero.

    Source: Graves et al. (2006), "Connectionist temporal classification"
    """
    reduction = reduction_of(reduction if isinstance(reduction, str) else ("none", "mean", "sum")[reduction])
    batched = log_probs.ndim == 3
    if not batched:
        log_probs, targets = log_probs.unsqueeze(1), targets.reshape(1, -1)
    wanted, given = _lengths(target_lengths), _lengths(input_lengths)
    _check_ctc(log_probs, targets, given, wanted, blank)
    table = _padded_targets(targets, wanted)
    losses, _ = ctc_of_batch(
        log_probs, table, blank=blank, input_lengths=given, target_lengths=wanted, zero_infinity=zero_infinity
    )
    if zero_infinity:
        losses = where(losses == math.inf, losses.new_zeros(()), losses)
    if reduction == "mean":
        return (losses / new_tensor(wanted, dtype=losses.dtype, device=losses.device).clamp_min(1)).mean()
    if reduction == "sum":
        return losses.sum()
    return losses if batched else losses.squeeze(0)


def _check_ctc(log_probs, targets, given, wanted, blank: int) -> None:
    steps, samples, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    if len(given) != samples:
        raise RuntimeError("input_lengths must be of size batch_size")
    if len(wanted) != samples:
        raise RuntimeError("target_lengths must be of size batch_size")
    where = "(while checking arguments for ctc_loss_allocate_outputs)"
    for name, lengths, most in (("input_lengths", given, steps), ("target_lengths", wanted, math.inf)):
        for n in lengths:
            if not 0 <= n <= most:
                bound = "at least 0" if n < 0 else f"at most {most}"
                raise RuntimeError(f"Expected {name} to have value {bound}, but got value {n} {where}")
    size, needed = (targets.shape[1], max(wanted, default=0)) if targets.ndim == 2 else (targets.shape[0], sum(wanted))
    if targets.ndim == 2 and size < needed:
        raise RuntimeError(
            f"Expected tensor to have size at least {needed} at dimension 1, but got size {size} for argument #2 "
            f"'targets' {where}"
        )
    if targets.ndim == 1 and size != needed:
        raise RuntimeError(
            f"Expected tensor to have size {needed} at dimension 0, but got size {size} for argument #2 'targets' "
            f"{where}"
        )
