"""Losses that compare two tensors of one shape element by element: mse, l1, huber, cross entropies of yes/no, …

`pointwise_loss` declares one from its value and its two slopes; averaging or summing, and its gradient, stand there
once. The others are compositions. Losses of class numbers are in cross_entropy.py and margin_loss.py.
"""

from __future__ import annotations

import numpy as np

from ..backends.selection import select
from ..errors import warn
from ..tensor import Tensor
from ._arguments import result_dtype
from ._by_kernel import compared, loss_gradients
from ._numeric import kind_name, narrow, require_kind, wide
from ._op import function, op
from .broadcasting import broadcast_tensors
from .smooth_activation import logsigmoid


def reduction_of(reduction, size_average=None, reduce=None) -> str:
    """One of "none", "mean" and "sum", also from the two old arguments; ValueError for anything else."""
    if size_average is not None or reduce is not None:
        reduction = old_reduction(size_average, reduce)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def old_reduction(size_average, reduce) -> str:
    """What the two old arguments say, with a warning about them."""
    average, reduces = size_average is None or size_average, reduce is None or reduce
    reduction = "mean" if average and reduces else "sum" if reduces else "none"
    warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead."
    )
    return reduction


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """The loss of each element, their mean, or their sum."""
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def same_shapes(input, target):
    """Both broadcast to one shape, with a warning where they were not of one shape."""
    if input.shape != target.shape:
        warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        )
        input, target = broadcast_tensors(input, target)
    return input, target


# ---- one element against one element -----------------------------------------------------------------------------


def pointwise_loss(*, kernel: str, node: str, stepwise: bool = False):
    """Declare a loss from a class with `value(xp, a, b, …)` on arrays and `slope(a, b, …)` in Tensor ops.

    `slope` gives the derivatives by `input` and by `target` (None: minus the first). stepwise: half precision is
    rounded after every step, as PyTorch does where its loss is a composition.
    """

    def declare(cls):
        value, slope = cls.value, cls.slope

        def forward(xp, a, b, *, reduction, setting):
            require_kind(kernel, a)
            made = None if xp is np or stepwise else compared(cls.__name__, a, b, reduction, setting or 0.0)
            if made is not None:
                return made
            loss = wide(value(xp, a, b, setting)) if stepwise else value(xp, wide(a), wide(b), setting)
            if reduction == "sum":
                loss = xp.add.reduce(loss, axis=None)
            elif reduction == "mean":
                loss = xp.add.reduce(loss, axis=None) / loss.dtype.type(loss.size)
            return narrow(loss, a.dtype)

        def save(ctx, out, a, b, *, reduction, setting):
            ctx.save_for_backward(a, b)
            ctx.setting = setting
            ctx.share = 1 / max(a.numel(), 1) if reduction == "mean" else 1

        def backward(ctx, g):
            a, b = ctx.saved_tensors
            if not stepwise:
                made = loss_gradients(cls.__name__, g, a, b, ctx.share, ctx.needs_input_grad, ctx.setting or 0.0)
                if made is not None:
                    return made
            by_input, by_target = slope(a, b, ctx.setting)
            if ctx.share != 1:
                g = g * ctx.share
            grad = g * by_input
            if not ctx.needs_input_grad[1]:
                return grad, None
            return grad, -grad if by_target is None else g * by_target

        cls.forward, cls.save, cls.backward = forward, save, backward
        return op(method=False, namespace=None, node=node)(cls)

    return declare


def _compare(loss, input, target, reduction: str, setting=None) -> Tensor:
    """Bring both to one dtype and shape, and compare."""
    input, target = same_shapes(input, target)
    dtype = result_dtype(input, target)
    return loss(input.to(dtype), target.to(dtype), reduction=reduction, setting=setting)


@pointwise_loss(kernel="mse_cpu", node="MseLoss")
class squared_error:
    """(a - b)²"""

    def value(xp, a, b, _):
        difference = a - b
        return difference * difference

    def slope(a, b, _):
        return (a - b) * 2, None


@pointwise_loss(kernel="huber_cpu", node="HuberLoss")
class huber_error:
    """(a - b)²/2 up to a distance δ, then δ (|a - b| - δ/2)."""

    def value(xp, a, b, delta):
        distance, delta = xp.abs(a - b), a.dtype.type(delta)
        half = a.dtype.type(0.5)
        return select(xp, distance < delta, half * distance * distance, delta * (distance - half * delta))

    def slope(a, b, delta):
        return (a - b).clamp(-delta, delta), None


@pointwise_loss(kernel="smooth_l1_cpu", node="SmoothL1Loss")
class smooth_absolute_error:
    """(a - b)²/2β up to a distance β, then |a - b| - β/2."""

    def value(xp, a, b, beta):
        distance, beta = xp.abs(a - b), a.dtype.type(beta)
        half = a.dtype.type(0.5)
        return select(xp, distance < beta, half * distance * distance / beta, distance - half * beta)

    def slope(a, b, beta):
        return ((a - b) / beta).clamp(-1, 1), None


@pointwise_loss(kernel="soft_margin_cpu", node="SoftMarginLoss", stepwise=True)
class soft_margin_error:
    """log(1 + exp(-a b))"""

    def value(xp, a, b, _):
        return xp.log1p(xp.exp(-b * a))

    def slope(a, b, _):
        share = (-b * a).sigmoid()
        return -b * share, -a * share


@function(namespace="nn.functional")
def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """mse_loss(input, target, reduction='mean', weight=None) -> Tensor: the squared difference.

    reduction: 'none' keeps one loss for each element, 'mean' and 'sum' combine them. `weight` multiplies each element's
    loss; the mean is then divided by the sum of the weights.

    >>> import course_lib as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1., 2.]), torch.tensor([1., 4.]))
    tensor(2.)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if weight is None:
        return _compare(squared_error, input, target, reduction)
    return _weighted(_compare(squared_error, input, target, "none"), weight, input, reduction)


def _weighted(loss, weight, input, reduction: str) -> Tensor:
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    return loss.sum() / weight.sum() if reduction == "mean" else reduced(loss, reduction)


@function(namespace="nn.functional")
def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """l1_loss(input, target, reduction='mean', weight=None) -> Tensor: the absolute difference.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.l1_loss.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    a, b = same_shapes(input, target)
    loss = (a - b).abs()
    return reduced(loss, reduction) if weight is None else _weighted(loss, weight, input, reduction)


@function(namespace="nn.functional")
def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """smooth_l1_loss(input, target, reduction='mean', beta=1.0) -> Tensor

    `(a - b)² / (2 beta)` where the difference is below beta, else `|a - b| - beta / 2`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.smooth_l1_loss.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return _compare(smooth_absolute_error, input, target, reduction, beta)


@function(namespace="nn.functional")
def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """huber_loss(input, target, reduction='mean', delta=1.0, weight=None) -> Tensor

    `(a - b)² / 2` where the difference is at most delta, else `delta * (|a - b| - delta / 2)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.huber_loss.html
    """
    reduction = reduction_of(reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    if weight is None:
        return _compare(huber_error, input, target, reduction, delta)
    return _weighted(_compare(huber_error, input, target, "none", delta), weight, input, reduction)


@function(namespace="nn.functional")
def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """soft_margin_loss(input, target, reduction='mean') -> Tensor: `log(1 + exp(-target * input))`, targets are 1 or
    -1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.soft_margin_loss.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    a, b = broadcast_tensors(input, target)
    return soft_margin_error(a, b.to(a.dtype), reduction=reduction, setting=None)


# ---- yes or no ---------------------------------------------------------------------------------------------------


@pointwise_loss(kernel="binary_cross_entropy", node="BinaryCrossEntropy")
class bernoulli_surprise:
    """-b log a - (1 - b) log(1 - a), each logarithm at least -100. A GPU is not waited for to see probabilities."""

    def value(xp, a, b, _):
        if xp is np and a.size and not ((a >= 0) & (a <= 1)).all():
            raise RuntimeError("all elements of input should be between 0 and 1")
        floor, one = a.dtype.type(-100), a.dtype.type(1)
        return (b - one) * xp.maximum(xp.log1p(-a), floor) - b * xp.maximum(xp.log(a), floor)

    def slope(a, b, _):
        return (a - b) / ((1 - a) * a).clamp(min=1e-12), (1 - a).log().clamp(min=-100) - a.log().clamp(min=-100)


@function(namespace="nn.functional")
def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """binary_cross_entropy(input, target, weight=None, reduction='mean') -> Tensor

    `-(t * log(p) + (1 - t) * log(1 - p))` for probabilities p and targets t in [0, 1]; logarithms are at least -100.
    RuntimeError for probabilities outside [0, 1], ValueError for two shapes.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if input.shape != target.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    require_kind("binary_cross_entropy", input._array)
    if target.dtype is not input.dtype:
        raise RuntimeError(f"Found dtype {kind_name(target)} but expected {kind_name(input)}")
    if weight is None:
        return bernoulli_surprise(input, target, reduction=reduction, setting=None)
    return reduced(bernoulli_surprise(input, target, reduction="none", setting=None) * weight, reduction)


@op(method=False, namespace=None, node="BinaryCrossEntropyWithLogits")
class logit_surprise:
    """(1 - t) x - (1 + (pos_weight - 1) t) log(sigmoid(x)), times weight; each step is rounded to x's dtype."""

    def forward(xp, x, t, weight, pos_weight, *, reduction):
        require_kind("log_sigmoid_cpu", x)
        if xp is not np and weight is None and pos_weight is None:
            made = compared("logit_surprise", x, t, reduction)
            if made is not None:
                return made
        a, one = wide(x), x.dtype.type(1)
        log_share = narrow(xp.minimum(a, 0) - xp.log1p(xp.exp(-xp.abs(a))), x.dtype)
        loss = (one - t) * x - (log_share if pos_weight is None else ((pos_weight - one) * t + one) * log_share)
        if weight is not None:
            loss = loss * weight
        if reduction != "none":
            total = xp.add.reduce(wide(loss), axis=None)
            loss = total / total.dtype.type(loss.size) if reduction == "mean" else total
        return narrow(loss, x.dtype)

    def save(ctx, out, x, t, weight, pos_weight, *, reduction):
        ctx.save_for_backward(x, t, weight, pos_weight)
        ctx.share = 1 / max(x.numel(), 1) if reduction == "mean" else 1

    def backward(ctx, g):
        x, t, weight, pos_weight = ctx.saved_tensors
        if weight is None and pos_weight is None:
            made = loss_gradients("logit_surprise", g, x, t, ctx.share, ctx.needs_input_grad)
            if made is not None:
                return *made, None, None
        g = g if ctx.share == 1 else g * ctx.share
        g = g if weight is None else g * weight
        if pos_weight is None:
            by_logit, by_target = x.sigmoid() - t, -x
        else:
            yes = pos_weight * t
            by_logit = (yes + 1 - t) * x.sigmoid() - yes
            by_target = logsigmoid(-x) - pos_weight * logsigmoid(x)
        return g * by_logit, (g * by_target if ctx.needs_input_grad[1] else None), None, None


@function(namespace="nn.functional")
def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """binary_cross_entropy_with_logits(input, target, weight=None, reduction='mean', pos_weight=None) -> Tensor

    `binary_cross_entropy` of sigmoid(input), without overflow. `pos_weight` multiplies the loss of positive targets.
    ValueError for two shapes.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if target.shape != input.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    require_kind("log_sigmoid_cpu", input._array)
    if target._array.dtype.kind in "biu":
        raise RuntimeError(f"result type Float can't be cast to the desired output type {kind_name(target)}")
    return logit_surprise(input, target, weight, pos_weight, reduction=reduction)
