"""Folding a batch norm in evaluation mode into the layer before it: the two become one layer with other weights.

In evaluation mode a batch norm is y = (x - mean) · weight / √(var + eps) + bias: a scale and a shift of each channel,
which the layer before can do with its own weight and bias.
"""

from __future__ import annotations

import copy

from ...ops import FUNCTIONS
from ..parameter import Parameter

_ones_like, _zeros_like, _rsqrt = (FUNCTIONS["torch"][name] for name in ("ones_like", "zeros_like", "rsqrt"))


def fuse_conv_bn_eval(conv, bn, transpose: bool = False):
    """A copy of the convolution that also does what the batch norm after it does.

    Both must be in evaluation mode. `transpose`: for a transposed convolution.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.fuse_conv_bn_eval.html
    """
    _check_mode(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose: bool = False) -> tuple:
    """(weight, bias) of the convolution that also does what the batch norm does.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.fuse_conv_bn_weights.html
    """
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, channels_at=1 if transpose else 0)


def fuse_linear_bn_eval(linear, bn):
    """A copy of the linear layer that also does what the batch norm after it does; both in evaluation mode.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.fuse_linear_bn_eval.html
    """
    _check_mode(linear, bn)
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b) -> tuple:
    """(weight, bias) of the linear layer that also does what the batch norm does.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.fuse_linear_bn_weights.html
    """
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, channels_at=0)


def _check_mode(layer, bn) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")


def _fused(weight, bias, mean, var, eps: float, bn_weight, bn_bias, channels_at: int) -> tuple:
    """The weight with each output channel scaled, and the bias scaled and shifted, in the layer's dtype."""
    bias_before = _zeros_like(mean) if bias is None else bias
    bn_weight = _ones_like(mean) if bn_weight is None else bn_weight
    bn_bias = _zeros_like(mean) if bn_bias is None else bn_bias
    scale = bn_weight * _rsqrt(var + eps)
    shape = [1] * weight.dim()
    shape[channels_at] = -1
    made = (weight * scale.reshape(shape)).to(weight.dtype)
    shift = ((bias_before - mean) * scale + bn_bias).to(bias_before.dtype)
    return Parameter(made, weight.requires_grad), Parameter(shift, bias_before.requires_grad)


__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]
