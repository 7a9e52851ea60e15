"""Losses of class numbers: nll_loss and cross_entropy (ctc_loss is in ctc.py).

Scores have the classes in dimension 1, (N, C, d1, …); targets are class numbers (N, d1, …) or, for cross_entropy, class
probabilities in the shape of the scores.
"""

from __future__ import annotations

import numpy as np

from ..autograd.grad_mode import GRAD
from ..backends import GPU, backend_of
from ..tensor import Tensor, wrap
from ._arguments import require_tensors
from ._fused import Fused, recorded
from ._numeric import kind_name, narrow, wide
from ._op import function, op
from .gather_scatter import places
from .linear import linear
from .loss import reduced, reduction_of
from .softmax import log_softmax

_OF_CLASSES = frozenset([np.dtype("int64"), np.dtype("uint8")])


def _nll(node: str):
    """Declare -log_probs[target] with weights, for scores of two dimensions or of more."""

    def forward(xp, a, target, weight, *, ignore_index, reduction, kept):
        run = backend_of(xp).kernel("nll_loss", a)
        if run is not None:
            loss, divisor = run(a, *_operands(xp, target, weight), ignore_index, reduction)
            kept.append(divisor)
            return loss
        chosen, kept = _clipped(xp, target, ignore_index, a.shape[1])
        at = xp.expand_dims(chosen, 1)
        w = kept if weight is None else xp.where(kept, wide(weight)[chosen], 0)
        losses = xp.where(kept, -xp.take_along_axis(wide(a), at, axis=1).squeeze(1), 0)
        losses = losses.astype(wide(a).dtype) if weight is None else losses * w
        if reduction == "none":
            return narrow(losses, a.dtype)
        total = xp.add.reduce(losses, axis=None)
        if reduction == "mean":
            total = total / xp.add.reduce(w, axis=None, dtype=losses.dtype)
        return narrow(total, a.dtype)

    def save(ctx, out, a, target, weight, *, kept, **rule):
        ctx.save_for_backward(target, weight)
        ctx.shape, ctx.rule, ctx.kept = tuple(a.shape), rule, kept

    def backward(ctx, g):
        target, weight = ctx.saved_tensors
        return spread_loss(g, target, weight, shape=ctx.shape, kept=ctx.kept, **ctx.rule), None, None

    members = {
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": "Minus the log-probability of each target, weighted.",
    }
    return op(method=False, namespace=None, node=node)(type(f"picked_{node}", (), members))


_nll_rows, _nll_maps = _nll("NllLoss"), _nll("NllLoss2D")


@op(method=False, namespace=None, node="NllLossBackward")
class spread_loss:
    """The gradient by the scores: minus g times its weight at every target, zero elsewhere. Its own gradient is the
    loss again: both are linear."""

    def forward(xp, g, target, weight, *, shape, ignore_index, reduction, kept):
        if kept:  # forward was a kernel
            g = xp.ascontiguousarray(g)
            run = backend_of(xp).kernel("nll_loss_backward", g)
            return run(g, *_operands(xp, target, weight), *kept, shape, ignore_index)
        chosen, kept = _clipped(xp, target, ignore_index, shape[1])
        share = -wide(g) if weight is None else -wide(g) * wide(weight)[chosen]
        if reduction == "mean":
            w = kept if weight is None else wide(weight)[chosen] * kept
            share = share / xp.add.reduce(w, axis=None, dtype=share.dtype)
        share = xp.where(kept, share, share.dtype.type(0))  # what is ignored gets nothing, not even a NaN
        made = xp.zeros(shape, g.dtype)
        first, *rest = places(xp, target.shape)
        made[(first, chosen, *rest)] = share
        return made

    def save(ctx, out, g, target, weight, *, shape, kept, **rule):
        ctx.save_for_backward(target, weight)
        ctx.rule = rule

    def backward(ctx, gg):
        target, weight = ctx.saved_tensors
        return (_nll_rows if gg.ndim == 2 else _nll_maps)(gg, target, weight, kept=[], **ctx.rule), None, None


def _operands(xp, target, weight) -> tuple:
    """Targets and weights as the kernels take them."""
    target = xp.ascontiguousarray(target, "int64")
    return target, None if weight is None else xp.ascontiguousarray(weight)


def _clipped(xp, target, ignore_index: int, classes: int):
    """The class numbers with ignored ones as 0, and which are not ignored; IndexError outside the classes."""
    kept = target != ignore_index
    chosen = xp.where(kept, target, 0).astype("int64")
    outside = (chosen < 0) | (chosen >= classes)
    if outside.any():
        raise IndexError(f"Target {int(chosen[outside].reshape(-1)[0])} is out of bounds.")
    return chosen, kept


# ---- log_softmax and nll_loss in one, on a GPU -------------------------------------------------------------------


@op(method=False, namespace=None, node="NllLoss")
class cross_entropy_at_once(Fused):
    """The loss by a kernel that never stores the log-softmax."""

    def forward(xp, a, target, weight, *, kept, ignore_index, reduction, smoothing):
        a = xp.ascontiguousarray(a)
        run = backend_of(xp).kernel("cross_entropy", a)
        loss, log_sum, divisor = run(a, *_operands(xp, target, weight), ignore_index, reduction, smoothing)
        kept += [log_sum] if divisor is None else [log_sum, divisor]
        return loss

    def backward(ctx, g):
        (scores, target, weight, *kept), (_, rule) = ctx.saved_tensors, ctx.setting
        if GRAD.enabled:
            return recorded(_step_by_step, (scores, target, weight), ctx.needs_input_grad, (g,), rule)
        xp = GPU.module
        g, scores = xp.ascontiguousarray(g._array), xp.ascontiguousarray(scores._array)
        run = GPU.backend.kernel("cross_entropy_backward", g, scores)
        log_sum, divisor = [t._array for t in kept] + [None] * (2 - len(kept))
        operands = _operands(xp, target._array, None if weight is None else weight._array)
        by_scores = run(g, scores, *operands, log_sum, divisor, rule["ignore_index"], rule["smoothing"])
        return wrap(by_scores), None, None


def _at_once(input, weight, smoothing: float) -> bool:
    """Whether a kernel computes this loss."""
    if type(input._array) is not GPU.array or (smoothing and weight is not None):
        return False
    return GPU.backend.kernel("cross_entropy", input._array) is not None


def _step_by_step(input, target, weight, *, ignore_index, reduction, smoothing):
    """The loss of class numbers from the log-softmax."""
    class_dim = 0 if input.ndim == 1 else 1
    logs = log_softmax(input, class_dim)
    if smoothing > 0:
        return _smoothed(logs, target, weight, class_dim, ignore_index, reduction, smoothing)
    return _nll_loss(logs, target, weight, ignore_index, reduction)


@function(namespace="nn.functional")
def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """nll_loss(input, target, weight=None, ignore_index=-100, reduction='mean') -> Tensor

    `-weight[t] * input[t]` for log-probabilities (C,), (N, C) or (N, C, d1, …) and class numbers t. The mean is divided
    by the sum of the weights; targets equal to `ignore_index` count nothing.

    IndexError for a class outside [0, C) (on a GPU nan, because the host does not wait to look), ValueError or
    RuntimeError for shapes that do not fit.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html
    """
    require_tensors("nll_loss_nd", input=input, target=target)
    return _nll_loss(input, target, weight, ignore_index, reduction_of(reduction, size_average, reduce))


def _nll_loss(input, target, weight, ignore_index: int, reduction: str) -> Tensor:
    _check_targets(input, target, weight)
    settings = {"ignore_index": ignore_index, "reduction": reduction}
    if input.ndim == 1:
        made = _nll_rows(input.unsqueeze(0), target.reshape(1), weight, kept=[], **settings)
        return made.reshape(target.shape) if reduction == "none" else made
    return (_nll_rows if input.ndim == 2 else _nll_maps)(input, target, weight, kept=[], **settings)


def _check_targets(input, target, weight) -> None:
    if input.ndim == 0:
        raise ValueError(f"Expected 1 or more dimensions (got {input.ndim})")
    if input.ndim == 1:
        if target.ndim > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if target.ndim == 1 and target.shape[0] != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {target.shape[0]}")
    elif target.ndim == 0 or input.shape[0] != target.shape[0]:
        given = target.shape[0] if target.ndim else 1
        raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({given}).")
    elif input.ndim == 2 and target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    elif target.shape != (input.shape[0], *input.shape[2:]):
        wanted = [input.shape[0], *input.shape[2:]]
        raise RuntimeError(f"Expected target size {wanted}, got {list(target.shape)}")
    if target._array.dtype not in _OF_CLASSES:
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {kind_name(target)}")
    classes = input.shape[1] if input.ndim > 1 else input.shape[0]
    if weight is not None and (weight.ndim != 1 or weight.shape[0] != classes):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {kind_name(input)} but found {kind_name(weight)}")


@function(namespace="nn.functional")
def cross_entropy(
    input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0
):
    """cross_entropy(input, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0) -> Tensor

    `nll_loss` of `log_softmax(input)`: scores (C,), (N, C) or (N, C, d1, …) and class numbers, or class probabilities
    in the shape of the scores. label_smoothing ε mixes the targets with ε of the uniform distribution.

    IndexError for a class outside [0, C) (on a GPU nan, because the host does not wait to look); ValueError or
    RuntimeError for shapes or dtypes that do not fit.

    >>> import course_lib as torch
    >>> torch.nn.functional.cross_entropy(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
    """
    require_tensors("cross_entropy_loss", input=input, target=target)
    reduction = reduction_of(reduction, size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    by_probability = input.shape == target.shape
    if by_probability and target._array.dtype.kind not in "fV":
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {kind_name(target)}")
    if by_probability:
        class_dim = 0 if input.ndim == 1 else 1
        logs = log_softmax(input, class_dim)
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        return _soft_targets(logs, target, weight, class_dim, reduction, label_smoothing)
    rule = {"ignore_index": ignore_index, "reduction": reduction, "smoothing": label_smoothing}
    if not _at_once(input, weight, label_smoothing):
        return _step_by_step(input, target, weight, **rule)
    _check_targets(input, target, weight)
    if input.ndim > 1:
        return cross_entropy_at_once(input, target, weight, kept=[], **rule)
    made = cross_entropy_at_once(input.unsqueeze(0), target.reshape(1), weight, kept=[], **rule)
    return made.reshape(target.shape) if reduction == "none" else made


@function(namespace="nn.functional")
def linear_cross_entropy(
    input, linear_weight, target, *, linear_bias=None, weight=None, reduction="mean", ignore_index=None,
    label_smoothing=0.0, options=None,
):  # fmt: skip
    """linear_cross_entropy(input, linear_weight, target, *, linear_bias=None, weight=None, reduction='mean',
    ignore_index=None, label_smoothing=0.0, options=None) -> Tensor

    `cross_entropy` of the scores `linear(input, linear_weight, linear_bias)`: input (n,) or (N, n), linear_weight
    (C, n), or (C, d1, …, n) for scores (N, C, d1, …). `options` say how PyTorch saves memory; the result does not
    depend on them, and they are accepted. RuntimeError where the shapes do not fit.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear_cross_entropy.html
    """
    _check_scoring(input, linear_weight, linear_bias)
    if ignore_index is not None and target._array.dtype.kind in "fV":
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    rows = linear_weight.reshape(-1, linear_weight.shape[-1])
    scores = linear(input, rows, None if linear_bias is None else linear_bias.reshape(-1))
    return cross_entropy(
        scores.view(*input.shape[:-1], *linear_weight.shape[:-1]), target, weight,
        ignore_index=-100 if ignore_index is None else ignore_index, reduction=reduction,
        label_smoothing=label_smoothing,
    )  # fmt: skip


def _check_scoring(input, weight, bias) -> None:
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if weight.ndim < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {weight.ndim}")
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            f"expected equal input and linear_weight last dimensions (in_features), got {input.shape[-1]} and "
            f"{weight.shape[-1]}, respectively"
        )
    if input.ndim == 1 and weight.ndim > 2:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires batched input, (N, "
            f"{input.shape[0]}), got unbatched input with shape {tuple(input.shape)}"
        )
    if bias is not None and bias.shape != weight.shape[:-1]:
        raise RuntimeError(f"expected linear_bias shape {tuple(weight.shape[:-1])}, got {tuple(bias.shape)}")


def _per_class(weight, like, class_dim: int) -> Tensor:
    """The class weights in a shape that broadcasts against the scores."""
    return weight.view([-1 if d == class_dim else 1 for d in range(like.ndim)])


def _soft_targets(logs, target, weight, class_dim: int, reduction: str, smoothing: float) -> Tensor:
    classes = logs.shape[class_dim]
    if weight is not None and (weight.ndim != 1 or weight.numel() != classes):
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or no classes but got "
            f"weight tensor of shape: {list(weight.shape)}"
        )
    if smoothing > 0:
        target = target * (1 - smoothing) + smoothing / classes
    weighted = logs * target if weight is None else logs * target * _per_class(weight, logs, class_dim)
    if reduction == "mean":
        return -weighted.sum() / (logs.numel() // classes if logs.numel() else 0)
    return -weighted.sum() if reduction == "sum" else -weighted.sum(class_dim)


def _smoothed(logs, target, weight, class_dim: int, ignore_index: int, reduction: str, smoothing: float) -> Tensor:
    """(1 - ε) of the loss of the target plus ε of the mean loss of all classes."""
    hard = _nll_loss(logs, target, weight, ignore_index, reduction)
    ignored = target == ignore_index
    spread = -(logs if weight is None else logs * _per_class(weight, logs, class_dim)).sum(class_dim)
    spread = spread.masked_fill(ignored, 0)
    if reduction == "mean":
        if weight is None:
            spread = spread.sum() / (~ignored).sum()
        else:
            used = weight[target.masked_fill(ignored, 0).long()].masked_fill(ignored, 0)
            spread = spread.sum() / used.sum()
    else:
        spread = reduced(spread, reduction)
    return (1 - smoothing) * hard + spread * (smoothing / logs.shape[class_dim])
