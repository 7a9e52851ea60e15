"""Losses with a margin, of scores and of distances: hinge, ranking, triplet, cosine embedding, multi-label."""

from __future__ import annotations

from ..tensor import Tensor
from ._numeric import kind_name, require_kind
from ._op import function
from .distance import pairwise_distance
from .loss import reduced, reduction_of
from .masks import where
from .rounding import minimum
from .smooth_activation import logsigmoid

# ---- pairs and triples -------------------------------------------------------------------------------------------


@function(namespace="nn.functional")
def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """hinge_embedding_loss(input, target, margin=1.0, reduction='mean') -> Tensor

    The distance itself where the target is 1, `max(0, margin - distance)` where it is -1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hinge_embedding_loss.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    apart = (margin - input).clamp_min(0)
    loss = apart.masked_fill(target == 1, 0) + input.masked_fill(target == -1, 0)
    return reduced(loss, reduction)


@function(namespace="nn.functional")
def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """margin_ranking_loss(input1, input2, target, margin=0, reduction='mean') -> Tensor

    `max(0, -target * (input1 - input2) + margin)`: target 1 wants the first to be larger, -1 the second.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.margin_ranking_loss.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


@function(namespace="nn.functional")
def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """cosine_embedding_loss(input1, input2, target, margin=0, reduction='mean') -> Tensor

    `1 - cos` where the target is 1, `max(0, cos - margin)` where it is -1; inputs (N, D) or (D,).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cosine_embedding_loss.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if target.ndim not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input1.ndim != target.ndim + 1 or input2.ndim != target.ndim + 1:
        expected = "1D" if target.ndim == 0 else "2D"
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {expected} input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    dim, eps = target.ndim, 1e-12
    product = (input1 * input2).sum(dim)
    lengths = ((input1 * input1).sum(dim) + eps) * ((input2 * input2).sum(dim) + eps)
    cosine = product / lengths.sqrt()
    zeros = cosine.new_zeros(())
    loss = where(target == 1, 1 - cosine, zeros) + where(target == -1, (cosine - margin).clamp_min(0), zeros)
    return reduced(loss, reduction)


def _check_triplet(margin, anchor, positive, negative) -> None:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )


def _triplet(near: Tensor, far: Tensor, margin: float, reduction: str) -> Tensor:
    return reduced((near - far + margin).clamp_min(0), reduction)


@function(namespace="nn.functional")
def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None, reduce=None, reduction="mean"
):
    """triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, reduction='mean') ->
    Tensor

    `max(0, |a - p| - |a - n| + margin)`; with `swap` the smaller of |a - n| and |p - n|.

    Source: Balntas et al. (2016), "Learning local feature descriptors with triplets and shallow CNNs"
    """
    reduction = reduction_of(reduction, size_average, reduce)
    _check_triplet(margin, anchor, positive, negative)
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return _triplet(near, far, margin, reduction)


@function(namespace="nn.functional")
def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    """triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False,
    reduction='mean') -> Tensor: `triplet_margin_loss` with another distance than `pairwise_distance`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.triplet_margin_with_distance_loss.html
    """
    reduction = reduction_of(reduction)
    _check_triplet(margin, anchor, positive, negative)
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return _triplet(near, far, margin, reduction)


# ---- many classes ------------------------------------------------------------------------------------------------


@function(namespace="nn.functional")
def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
    """multi_margin_loss(input, target, p=1, margin=1.0, weight=None, reduction='mean') -> Tensor

    For scores (N, C) and class numbers y: the mean over the other classes i of `max(0, margin - x[y] + x[i]) ** p`,
    divided by C; `weight` multiplies by the weight of the true class. p is 1 or 2.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multi_margin_loss.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    require_kind("multi_margin_loss", input._array)
    classes = input.shape[-1] if input.ndim else 1
    if input.ndim > 2 or classes == 0:
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: " + str(list(input.shape))
        )
    rows, truth = input.reshape(-1, classes) if input.numel() else input, target.reshape(-1)
    if target.ndim > 1 or truth.shape[0] != rows.shape[0]:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            f"size). Expected target size [{rows.shape[0]}], but got {list(target.shape)}. Input has shape "
            f"{list(input.shape)}."
        )
    if weight is not None and weight.shape[0] != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    if target._array.dtype.name != "int64":
        raise RuntimeError(f"expected scalar type Long but found {kind_name(target)}")
    if truth.numel() and not bool(((truth >= 0) & (truth < classes)).all()):
        raise RuntimeError("target out of range")
    at = truth.unsqueeze(1)
    hinge = (margin - rows.gather(1, at) + rows).clamp_min(0)
    hinge = (hinge if p == 1 else hinge * hinge).scatter(1, at, 0.0)
    if weight is not None:
        hinge = hinge * weight[truth].unsqueeze(1)
    loss = hinge.sum(1) / classes
    if reduction == "none" and target.ndim == 0:
        return loss.reshape(())
    return reduced(loss, reduction)


@function(namespace="nn.functional")
def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """multilabel_margin_loss(input, target, reduction='mean') -> Tensor

    For scores (N, C) and targets (N, C) that list class numbers up to the first -1: the sum over listed classes y and
    other classes i of `max(0, 1 - (x[y] - x[i]))`, divided by C.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_margin_loss.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if input.ndim > 2 or (input.ndim and input.shape[-1] == 0):
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: " + str(list(input.shape))
        )
    if target.shape != input.shape and not (input.ndim == 0 and target.numel() == 1):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    classes = input.shape[-1] if input.ndim else 1
    rows, truth = input.reshape(-1, classes), target.reshape(-1, classes)
    listed = (truth < 0).long().cumsum(1) == 0
    truth = truth.masked_fill(~listed, 0)
    is_target = truth.new_zeros(truth.shape).scatter_add(1, truth, listed.long()) > 0
    hinge = (1 - rows.gather(1, truth).unsqueeze(2) + rows.unsqueeze(1)).clamp_min(0)
    counted = listed.unsqueeze(2) & ~is_target.unsqueeze(1)
    loss = hinge.masked_fill(~counted, 0).sum((1, 2)) / classes
    if reduction == "none" and input.ndim < 2:
        return loss.reshape(())
    return reduced(loss, reduction)


@function(namespace="nn.functional")
def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """multilabel_soft_margin_loss(input, target, weight=None, reduction='mean') -> Tensor

    The mean over the classes of the binary cross entropy of sigmoid(input), for targets 0 or 1 (N, C).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_soft_margin_loss.html
    """
    reduction = reduction_of(reduction, size_average, reduce)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(loss.sum(input.ndim - 1) / input.shape[input.ndim - 1], reduction)
