"""Dropout: random elements (or whole channels) are set to zero while a network is trained.

The noise is drawn as PyTorch draws it, so that a seed gives the same zeros. With `inplace` the input is overwritten.
"""

from __future__ import annotations

import math

from ..autograd.grad_mode import GRAD
from ..backends import array_module, backend_of
from ..errors import warn
from ..tensor import Tensor, wrap
from ._arguments import argument_error
from ._numeric import narrow, wide
from ._op import function, op
from .creation import empty_like
from .random_arguments import stream_beside

_ALPHA = 1.7580993408473766  # minus the limit of selu for x → -∞: what a dropped element becomes


def _check(p) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _drop(input: Tensor, p: float, training: bool, inplace: bool, *, feature: bool, alpha: bool) -> Tensor:
    """feature: one draw for each channel of each sample; alpha: keep the mean and variance of selu's output."""
    _check(p)
    if not isinstance(input, Tensor):
        raise argument_error("dropout", "input", 1, input)
    if feature and input.ndim < 2 and training and p:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    if p == 0 or not training or input.numel() == 0:
        return input
    if p == 1:
        return input.mul_(0) if inplace else input * input.new_zeros(())
    if input.is_cuda and not (feature or alpha or inplace):
        return fused_dropout(input, p=float(p), stream=stream_beside("dropout", None, input))[0]
    if feature:
        noise = input.new_empty((*input.shape[:2], *[1] * (input.ndim - 2)))
    else:
        noise = empty_like(input.detach())
    noise.bernoulli_(1 - p)
    if not alpha:
        noise.div_(1 - p)
        return input.mul_(noise) if inplace else input * noise
    scale = 1.0 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
    shift = noise.add(-1).mul_(_ALPHA * scale).add_(_ALPHA * scale * p)
    noise.mul_(scale)
    return input.mul_(noise).add_(shift) if inplace else input * noise + shift


@op(method=False, namespace=None, node="NativeDropout")
class fused_dropout:
    """Dropout on a GPU in one launch: the result, and which elements were kept, which is all that backward needs."""

    def forward(xp, a, *, p, stream):
        if not a.flags.c_contiguous:
            a = xp.ascontiguousarray(a)
        kernel = backend_of(xp).kernel("dropout", a)
        if kernel is None:
            kept = xp.asarray(stream.dropout_kept(a.shape, a.dtype.itemsize, p))
            return narrow(wide(a) * kept * wide(a).dtype.type(1 / (1 - p)), a.dtype), kept
        made = []

        def draw(seed: int, offset: int) -> int:
            *made[:], used = kernel(a, p, seed, offset)
            return used

        stream.drawn_elsewhere(draw)
        return tuple(made)

    def save(ctx, outs, a, *, p, stream):
        ctx.save_for_backward(outs[1])
        ctx.p = p

    def backward(ctx, g, _):
        (kept,) = ctx.saved_tensors
        kernel = None if GRAD.enabled else backend_of(array_module(g._array)).kernel("dropout_backward", g._array,
                                                                                    kept._array)  # fmt: skip
        return g * kept * (1 / (1 - ctx.p)) if kernel is None else wrap(kernel(g._array, kept._array, ctx.p))


@function(namespace="nn.functional")
def dropout(input, p=0.5, training=True, inplace=False):
    """dropout(input, p=0.5, training=True, inplace=False) -> Tensor

    Each element is zero with probability p, else multiplied by `1 / (1 - p)`. Without `training` the input itself.
    ValueError where p is not a probability.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html
    """
    return _drop(input, p, training, inplace, feature=False, alpha=False)


@function(namespace="nn.functional")
def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """alpha_dropout(input, p=0.5, training=False, inplace=False) -> Tensor: dropout that keeps `selu`'s mean and
    variance.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.alpha_dropout.html
    """
    return _drop(input, p, training, inplace, feature=False, alpha=True)


@function(namespace="nn.functional")
def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """feature_alpha_dropout(input, p=0.5, training=False, inplace=False) -> Tensor: `alpha_dropout` of whole channels.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.feature_alpha_dropout.html
    """
    return _drop(input, p, training, inplace, feature=True, alpha=True)


@function(namespace="nn.functional")
def dropout1d(input, p=0.5, training=True, inplace=False):
    """dropout1d(input, p=0.5, training=True, inplace=False) -> Tensor: whole channels of (N, C, L) or (C, L) dropped.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout1d.html
    """
    _check(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Note that dropout1d exists to "
            "provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional "
            "batch dimension (i.e. 2D or 3D inputs)."
        )
    return _drop_channels(input, p, training, inplace, batched=input.ndim == 3)


@function(namespace="nn.functional")
def dropout2d(input, p=0.5, training=True, inplace=False):
    """dropout2d(input, p=0.5, training=True, inplace=False) -> Tensor: whole channels of (N, C, H, W) dropped.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout2d.html
    """
    _check(p)
    if input.ndim not in (3, 4):
        warn(
            f"dropout2d: Received a {input.ndim}-D input to dropout2d, which is deprecated and will result in an "
            "error in a future release. To retain the behavior and silence this warning, please use dropout instead. "
            "Note that dropout2d exists to provide channel-wise dropout on inputs with 2 spatial dimensions, a "
            "channel dimension, and an optional batch dimension (i.e. 3D or 4D inputs)."
        )
    if input.ndim == 3:
        warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is "
            "desired - input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will "
            "change in a future release to interpret the input as one without a batch dimension, i.e. shape (C, H, "
            "W). To maintain the 1D channel-wise dropout behavior, please switch to using dropout1d instead."
        )
    return _drop(input, p, training, inplace, feature=True, alpha=False)


@function(namespace="nn.functional")
def dropout3d(input, p=0.5, training=True, inplace=False):
    """dropout3d(input, p=0.5, training=True, inplace=False) -> Tensor: whole channels of (N, C, D, H, W) dropped.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout3d.html
    """
    _check(p)
    if input.ndim not in (4, 5):
        warn(
            f"dropout3d: Received a {input.ndim}-D input to dropout3d, which is deprecated and will result in an "
            "error in a future release. To retain the behavior and silence this warning, please use dropout instead. "
            "Note that dropout3d exists to provide channel-wise dropout on inputs with 3 spatial dimensions, a "
            "channel dimension, and an optional batch dimension (i.e. 4D or 5D inputs)."
        )
    return _drop_channels(input, p, training, inplace, batched=input.ndim == 5)


def _drop_channels(input, p, training, inplace, *, batched: bool) -> Tensor:
    if batched:
        return _drop(input, p, training, inplace, feature=True, alpha=False)
    batch = input.unsqueeze_(0) if inplace else input.unsqueeze(0)
    made = _drop(batch, p, training, inplace, feature=True, alpha=False)
    return made.squeeze_(0) if inplace else made.squeeze(0)


def _in_torch(name: str, **kind) -> None:
    """torch.dropout(input, p, train), torch.dropout_(…) and their relatives."""

    def drop(input, p, train):
        return _drop(input, p, train, False, **kind)

    def drop_(input, p, train):
        return _drop(input, p, train, True, **kind)

    for made, public in ((drop, name), (drop_, name + "_")):
        made.__name__ = made.__qualname__ = public
        made.__doc__ = f"{public}(input, p, train) -> Tensor: see torch.nn.functional.{name}."
        function()(made)


_in_torch("dropout", feature=False, alpha=False)
_in_torch("alpha_dropout", feature=False, alpha=True)
_in_torch("feature_dropout", feature=True, alpha=False)
_in_torch("feature_alpha_dropout", feature=True, alpha=True)
