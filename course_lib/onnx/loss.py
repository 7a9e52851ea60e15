"""ONNX for the losses that classifiers end with; other losses are taken apart into arithmetic."""

from __future__ import annotations

from .. import dtypes
from .builder import Builder, Ref, handles


def _reduced(g: Builder, x: str, reduction: str) -> str:
    if reduction == "none":
        return x
    return g.reduce({"mean": "ReduceMean", "sum": "ReduceSum"}[reduction], x, None)


@handles("mse_loss")
def _mse_loss(g, input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    away = g.op("Sub", input, target)
    return _reduced(g, g.op("Mul", away, away), reduction)


@handles("l1_loss")
def _l1_loss(g, input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    return _reduced(g, g.op("Abs", g.op("Sub", input, target)), reduction)


@handles("smooth_l1_loss")
def _smooth_l1_loss(g, input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    size = g.op("Abs", g.op("Sub", input, target))
    return _reduced(g, _bent(g, size, beta, input, 1 / beta), reduction)


@handles("huber_loss")
def _huber_loss(g, input, target, reduction="mean", delta=1.0, weight=None):
    return _reduced(g, _bent(g, g.op("Abs", g.op("Sub", input, target)), delta, input, 1.0), reduction)


def _bent(g: Builder, size: str, knee: float, like: Ref, scale: float) -> str:
    """A parabola up to the knee, then a line: `size²/2`, `knee (size - knee/2)`, times the scale."""
    low = g.op("Mul", g.op("Mul", size, size), g.cast(0.5 * scale, like.dtype))
    high = g.op("Mul", g.op("Sub", size, g.cast(0.5 * knee, like.dtype)), g.cast(knee * scale, like.dtype))
    return g.op("Where", g.op("Less", size, g.cast(knee, like.dtype)), low, high)


@handles("binary_cross_entropy_with_logits")
def _bce_with_logits(g, input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
    one = g.cast(1.0, input.dtype)
    yes = g.op("Mul", target, g.op("Softplus", g.op("Neg", input)))
    yes = yes if pos_weight is None else g.op("Mul", yes, pos_weight)
    loss = g.op("Add", yes, g.op("Mul", g.op("Sub", one, target), g.op("Softplus", input)))
    return _reduced(g, loss if weight is None else g.op("Mul", loss, weight), reduction)


@handles("binary_cross_entropy")
def _bce(g, input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    one, lowest = g.cast(1.0, input.dtype), g.cast(-100.0, input.dtype)
    yes, no = [g.op("Max", g.op("Log", p), lowest) for p in (input, g.op("Sub", one, input))]
    surprise = g.op("Add", g.op("Mul", target, yes), g.op("Mul", g.op("Sub", one, target), no))
    loss = g.op("Neg", surprise)
    return _reduced(g, loss if weight is None else g.op("Mul", loss, weight), reduction)


@handles("soft_margin_loss")
def _soft_margin_loss(g, input, target, size_average=None, reduce=None, reduction="mean"):
    return _reduced(g, g.op("Softplus", g.op("Neg", g.op("Mul", input, target))), reduction)


@handles("nll_loss")
def _nll_loss(g, input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    return g.op("NegativeLogLikelihoodLoss", input, target, weight, ignore_index=ignore_index, reduction=reduction)


@handles("cross_entropy")
def _cross_entropy(g, input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean",
                   label_smoothing=0.0):  # fmt: skip
    if label_smoothing or not (target.dtype is dtypes.int64 or input.ndim > 1 and weight is None):
        g.refuse("cross_entropy is exported without label smoothing, and for probabilities without weights")
    if target.dtype is not dtypes.int64:
        surprise = g.op("Neg", g.op("Mul", target, g.op("LogSoftmax", input, axis=1)))
        total = g.reduce("ReduceSum", surprise, [1])
        if reduction != "mean":
            return _reduced(g, total, reduction)
        count = g.op("Cast", g.op("Size", total), to=g.type_of(input.dtype))
        return g.op("Div", g.reduce("ReduceSum", total, None), count)
    if input.ndim == 1:
        input, target = g.unsqueeze(input, 0), g.unsqueeze(target, 0)
        made = g.op("SoftmaxCrossEntropyLoss", input, target, weight, ignore_index=ignore_index, reduction=reduction)
        return g.squeeze(made, 0) if reduction == "none" else made
    return g.op("SoftmaxCrossEntropyLoss", input, target, weight, ignore_index=ignore_index, reduction=reduction)
