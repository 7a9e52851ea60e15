"""Normalisation: numbers brought to mean 0 and variance 1, over features (layer), samples (batch) or channels (group).

layer_norm, batch_norm while training and group_norm are one op with other axes: view the input as `shape`, normalise
over `dims`, then scale and shift with weights viewed as `affine`.
"""

from __future__ import annotations

import math

from ..autograd.grad_mode import GRAD
from ..backends import GPU, array_module
from ..dtypes import finfo, float32
from ..tensor import Tensor, wrap
from . import _norm_by_kernel
from ._arguments import argument_error, type_name
from ._fused import all_wide
from ._norm_by_kernel import has_rms_kernel, rms_norm_at_once, rms_norm_step_by_step
from ._numeric import in_layout_of, is_half, narrow, require_kind, wide
from ._op import function, op
from .padding import pad
from .pool import avg_pool2d, avg_pool3d

# ---- the one op --------------------------------------------------------------------------------------------------


def _normalization(name: str, node: str, kernel: str):
    """Declare (a - mean) / sqrt(variance + eps) * weight + bias; also returns mean and 1 / sqrt(variance + eps)."""

    def forward(xp, a, weight, bias, *, shape, dims, affine, eps, running=()):
        require_kind(kernel, a)
        if type(a) is GPU.array:
            made = _norm_by_kernel.normalized(name, a, weight, bias, shape, dims, eps, running)
            if made is not None:
                return made
        x = (xp.ascontiguousarray(wide(a)) if name == "layer_norm" else wide(a)).reshape(shape)
        count = x.dtype.type(math.prod([shape[d] for d in dims]))
        mean = xp.add.reduce(x, axis=dims, keepdims=True) / count
        x = x - mean
        rate = xp.add.reduce(x * x, axis=dims, keepdims=True) / count
        if running:
            _move(running, mean.reshape(-1), rate.reshape(-1), int(count))
        rate = 1 / xp.sqrt(rate + x.dtype.type(eps))
        x *= rate
        x = x.reshape(a.shape)
        if weight is not None:
            x *= wide(weight).reshape(affine)
        if bias is not None:
            x += wide(bias).reshape(affine)
        return in_layout_of(xp, narrow(x, a.dtype), a) if name == "group_norm" else narrow(x, a.dtype), mean, rate

    def save(ctx, outs, a, weight, bias, *, shape, dims, affine, eps, running=()):
        ctx.save_for_backward(a, weight, outs[1].detach(), outs[2].detach())
        ctx.setting = shape, dims, affine, eps
        ctx.inputs = tuple([t if t is None else (t._array.shape, t._array.dtype) for t in (a, weight, bias)])

    def backward(ctx, g, *_):
        a, weight, mean, rate = ctx.saved_tensors
        shape, dims, affine, eps = ctx.setting
        rest = tuple([d for d, n in enumerate(_aligned(affine, a.ndim)) if n == 1])
        if not GRAD.enabled:
            arrays = [None if t is None else t._array for t in (g, a, weight, mean, rate)]
            found = _norm_by_kernel.slopes(name, *arrays, shape, affine, ctx) if type(arrays[0]) is GPU.array else None
            if found is None:
                found = _slopes(array_module(arrays[0]), *all_wide(*arrays), shape, dims, affine, rest, ctx)
            return tuple([None if array is None else wrap(array) for array in found])
        return _recorded_slopes(g, a, weight, shape, dims, affine, rest, eps, ctx)

    members = {
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": f"The op behind `{name}`.",
    }
    return op(method=False, namespace=None, node=node)(type(f"{name}_op", (), members))


def _slopes(xp, g, a, weight, mean, rate, shape, dims, affine, rest, ctx):
    """The gradients by input, weight and bias, on arrays."""
    needs = ctx.needs_input_grad
    normal = a.reshape(shape) - mean
    normal *= rate
    by_a = by_weight = by_bias = None
    if needs[1]:
        by_weight = g * normal.reshape(a.shape)
        by_weight = (xp.add.reduce(by_weight, axis=rest) if rest else by_weight).reshape(weight.shape)
    if needs[2]:
        by_bias = (xp.add.reduce(g, axis=rest) if rest else g.copy()).reshape(ctx.inputs[2][0])
    if needs[0]:
        count = g.dtype.type(math.prod([shape[d] for d in dims]))
        slope = (g if weight is None else g * weight.reshape(affine)).reshape(shape)
        by_a = slope - xp.add.reduce(slope, axis=dims, keepdims=True) / count
        normal *= xp.add.reduce(slope * normal, axis=dims, keepdims=True) / count
        by_a -= normal
        by_a *= rate
        by_a = by_a.reshape(a.shape)
    return by_a, by_weight, by_bias


def _recorded_slopes(g, a, weight, shape, dims, affine, rest, eps, ctx):
    """The same in Tensor ops, where the gradients shall be differentiated again."""
    needs_a, needs_weight, needs_bias = ctx.needs_input_grad
    x, g = _widened(a).reshape(shape), _widened(g)
    rate = ((x - x.mean(dims, True)).square().mean(dims, True) + eps).rsqrt()
    normal = (x - x.mean(dims, True)) * rate
    by_a = by_weight = by_bias = None
    if needs_a:
        slope = (g if weight is None else g * _widened(weight).reshape(affine)).reshape(shape)
        by_a = rate * (slope - slope.mean(dims, True) - normal * (slope * normal).mean(dims, True))
        by_a = by_a.reshape(a.shape)
    if needs_weight:
        by_weight = _over(g * normal.reshape(a.shape), rest).reshape(weight.shape)
    if needs_bias:
        by_bias = _over(g, rest).reshape(ctx.inputs[2][0])
    return by_a, by_weight, by_bias


def _widened(t: Tensor) -> Tensor:
    return t.float() if is_half(t._array.dtype) else t


def _aligned(affine, ndim: int) -> tuple[int, ...]:
    return (1,) * (ndim - len(affine)) + tuple(affine)


def _over(t: Tensor, dims) -> Tensor:
    return t.sum(dims) if dims else t


_layer_norm = _normalization("layer_norm", "NativeLayerNorm", "LayerNormKernelImpl")
_batch_norm = _normalization("batch_norm", "NativeBatchNorm", "batch_norm")
_group_norm = _normalization("group_norm", "NativeGroupNorm", "GroupNormKernelImpl")


# ---- layer and rms -----------------------------------------------------------------------------------------------


def _normalized_dims(name: str, input, normalized_shape, weight, bias=None) -> tuple[int, ...]:
    """The dimensions that `normalized_shape` names; RuntimeError where it is not the end of the input's shape."""
    if not isinstance(input, Tensor):
        raise argument_error(name, "input", 1, input)
    if not isinstance(normalized_shape, (tuple, list)):
        raise TypeError(
            f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, not "
            f"{type_name(normalized_shape)}"
        )
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for part, what in ((weight, "weight"), (bias, "bias")):
        if part is not None and part.shape != shape:
            raise RuntimeError(
                f"Expected {what} to be of same shape as normalized_shape, but got {what} of shape {list(part.shape)} "
                f"and normalized_shape = {list(shape)}"
            )
    if input.ndim < len(shape) or tuple(input.shape[-len(shape) :]) != shape:
        star = "*, " if name == "layer_norm" else "*"
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [{star}{', '.join(map(str, shape))}], "
            f"but got input of size{list(input.shape)}"
        )
    return tuple(range(input.ndim - len(shape), input.ndim))


@function()
@function(namespace="nn.functional")
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    """layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5) -> Tensor

    `(x - mean) / sqrt(variance + eps) * weight + bias`, with mean and variance over the last dimensions, whose sizes
    are `normalized_shape`. RuntimeError where shapes do not fit.

    Source: Ba, Kiros & Hinton (2016), arXiv:1607.06450
    """
    dims = _normalized_dims("layer_norm", input, normalized_shape, weight, bias)
    settings = {"shape": input._array.shape, "dims": dims, "affine": tuple(normalized_shape), "eps": eps}
    return _layer_norm(input, weight, bias, **settings)[0]


@function()
def native_layer_norm(input, normalized_shape, weight, bias, eps):
    """native_layer_norm(input, normalized_shape, weight, bias, eps) -> (Tensor, Tensor, Tensor)

    `layer_norm`, the mean and `1 / sqrt(variance + eps)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.layer_norm.html
    """
    dims = _normalized_dims("layer_norm", input, normalized_shape, weight, bias)
    settings = {"shape": input._array.shape, "dims": dims, "affine": tuple(normalized_shape), "eps": eps}
    made, mean, rate = _layer_norm(input, weight, bias, **settings)
    dtype = input.dtype if weight is None else weight.dtype
    return made, mean.to(dtype), rate.to(dtype)


@function()
@function(namespace="nn.functional")
def rms_norm(input, normalized_shape, weight=None, eps=None):
    """rms_norm(input, normalized_shape, weight=None, eps=None) -> Tensor

    `x / sqrt(mean(x²) + eps) * weight` over the last dimensions; eps is the dtype's machine epsilon if not given.

    Source: Zhang & Sennrich (2019), arXiv:1910.07467
    """
    dims = _normalized_dims("rms_norm", input, normalized_shape, weight)
    if eps is None:
        eps = finfo(float32 if is_half(input._array.dtype) else input.dtype).eps
    rule = {"dims": dims, "eps": eps}
    if has_rms_kernel(input, weight):
        return rms_norm_at_once(input, weight, kept=[], **rule)
    return rms_norm_step_by_step(input, weight, **rule)


# ---- batch, instance, group --------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="NativeBatchNorm")
class normalize_with_known:
    """(a - mean) / sqrt(variance + eps) * weight + bias for each channel, mean and variance being given."""

    def forward(xp, a, weight, bias, mean, variance, *, eps):
        require_kind("batch_norm", a)
        if type(a) is GPU.array:
            made = _norm_by_kernel.normalized_with_known(a, weight, bias, mean, variance, eps)
            if made is not None:
                return made
        x, affine = wide(a), (-1, *[1] * (a.ndim - 2))
        rate = 1 / xp.sqrt(wide(variance) + x.dtype.type(eps))
        scale = rate if weight is None else rate * wide(weight)
        shift = -wide(mean) * scale if bias is None else wide(bias) - wide(mean) * scale
        return narrow(x * scale.reshape(affine) + shift.reshape(affine), a.dtype)

    def save(ctx, out, a, weight, bias, mean, variance, *, eps):
        ctx.save_for_backward(a, weight, mean, variance)
        ctx.eps, ctx.bias_dtype = eps, None if bias is None else bias.dtype

    def backward(ctx, g):
        a, weight, mean, variance = ctx.saved_tensors
        needs_a, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        affine, rest = [-1, *[1] * (a.ndim - 2)], [0, *range(2, a.ndim)]
        if type(g._array) is GPU.array and not GRAD.enabled:
            arrays = [None if t is None else t._array for t in (g, a, weight, mean, variance)]
            found = _norm_by_kernel.slopes_with_known(*arrays, ctx)
            if found is not None:
                return (*[None if array is None else wrap(array) for array in found], None, None)
        wide_g, rate = _widened(g), (_widened(variance) + ctx.eps).rsqrt()
        by_a = by_weight = by_bias = None
        if needs_a:
            by_a = (wide_g * (rate if weight is None else rate * _widened(weight)).view(affine)).to(a.dtype)
        if needs_weight:
            normal = (_widened(a) - _widened(mean).view(affine)) * rate.view(affine)
            by_weight = (wide_g * normal).sum(rest).to(weight.dtype)
        if needs_bias:
            by_bias = wide_g.sum(rest).to(ctx.bias_dtype)
        return by_a, by_weight, by_bias, None, None


def _check_channels(input, **parts) -> None:
    for what, part in parts.items():
        if part is not None and part.numel() != input.shape[1]:
            raise RuntimeError(f"{what} should contain {input.shape[1]} elements not {part.numel()}")


def _normalize_batch(input, running_mean, running_var, weight, bias, training: bool, momentum: float, eps: float):
    """The normalised batch, and the mean and 1/sqrt(variance + eps) that were used."""
    if input.numel() == 0:
        made = input.clone() if weight is None else input * weight[0]
        empty = input.detach().new_zeros((0,))
        return made if bias is None else made + bias[0], empty, empty
    _check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        for what, part in (("running_mean", running_mean), ("running_var", running_var)):
            if part is None:
                raise RuntimeError(f"{what} must be defined in evaluation mode")
        return normalize_with_known(input, weight, bias, running_mean, running_var, eps=eps), None, None
    rest = (0, *range(2, input.ndim))
    affine = (input.shape[1], *[1] * (input.ndim - 2))
    running = [None if part is None else part._array for part in (running_mean, running_var)]
    made, mean, rate = _batch_norm(input, weight, bias, shape=input._array.shape, dims=rest, affine=affine, eps=eps,
                                   running=(*running, momentum))  # fmt: skip
    for part in (running_mean, running_var):
        if part is not None:
            part._storage.version += 1
    return made, mean.detach().view(-1), rate.detach().view(-1)


def _move(running, mean, variance, count: int) -> None:
    """Move running statistics towards a batch's, in place; the variance is the unbiased one."""
    *parts, momentum = running
    for part, batch in zip(parts, (mean, variance * (count / max(count - 1, 1)))):
        if part is not None:
            part[...] = wide(part) * (1 - momentum) + batch * momentum


@function(namespace="nn.functional")
def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5)

    Each channel of (N, C, …) normalised over all samples and places. Training uses the batch's own mean and variance
    and moves the running ones towards them by `momentum`, in place; otherwise the running ones are used.

    ValueError while training with one value a channel, and for an eps that is not positive (in evaluation: negative);
    RuntimeError where sizes do not fit.

    Source: Ioffe & Szegedy (2015), arXiv:1502.03167
    """
    if training:
        _need_values(input.shape, input.shape)
        if eps <= 0.0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    elif eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return _normalize_batch(input, running_mean, running_var, weight, bias, training, momentum, eps)[0]


def _need_values(shape, shown) -> None:
    """ValueError where a channel has one value only."""
    if shape[0] * math.prod(shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {shown}")


def _torch_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled=True):
    """batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled) -> Tensor

    torch.nn.functional.batch_norm with the arguments in another order.
    """
    return _normalize_batch(input, running_mean, running_var, weight, bias, training, momentum, eps)[0]


_torch_batch_norm.__name__ = _torch_batch_norm.__qualname__ = "batch_norm"
function()(_torch_batch_norm)


@function()
def native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps):
    """native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps) -> three Tensors

    `batch_norm`, and the mean and `1 / sqrt(variance + eps)` of the batch (empty when not training).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html
    """
    made, mean, rate = _normalize_batch(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if mean is None:
        return made, input.detach().new_zeros((0,)), input.detach().new_zeros((0,))
    dtype = input.dtype if weight is None else weight.dtype
    return made, mean.to(dtype), rate.to(dtype)


@function(namespace="nn.functional")
def instance_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
):
    """instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True,
    momentum=0.1, eps=1e-5) -> Tensor

    Each channel of each sample of (N, C, …) normalised over its places. ValueError with one place only.

    Source: Ulyanov, Vedaldi & Lempitsky (2016), arXiv:1607.08022
    """
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    samples, channels = input.shape[:2]
    repeated = [None if t is None else t.repeat(samples) for t in (running_mean, running_var, weight, bias)]
    batch = input.reshape(1, samples * channels, *input.shape[2:])
    made = _normalize_batch(batch, *repeated, use_input_stats, momentum, eps)[0].view(input.shape)
    for running, copies in ((running_mean, repeated[0]), (running_var, repeated[1])):
        if running is not None:
            running.detach().copy_(copies.detach().view(samples, channels).mean(0))
    return made


@function()
@function(namespace="nn.functional")
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
    """group_norm(input, num_groups, weight=None, bias=None, eps=1e-5) -> Tensor

    The channels of (N, C, …) in groups, each group of each sample normalised over its channels and places; one weight
    and bias a channel. RuntimeError where `num_groups` does not divide C.

    Source: Wu & He (2018), arXiv:1803.08494
    """
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    samples, channels = input.shape[:2]
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    _need_values([samples * channels // num_groups, num_groups, *input.shape[2:]], list(input.shape))
    if channels % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    for part, what in ((weight, "weight"), (bias, "bias")):
        if part is not None and (part.ndim != 1 or part.shape[0] != channels):
            raise RuntimeError(
                f"Expected {what} to be a vector of size equal to the number of channels in input, but got {what} of "
                f"shape {list(part.shape)} and input of shape {list(input.shape)}"
            )
    shape = (samples, num_groups, math.prod(input.shape[1:]) // num_groups)
    affine = (channels, *[1] * (input.ndim - 2))
    return _group_norm(input, weight, bias, shape=shape, dims=(2,), affine=affine, eps=eps)[0]


@function(namespace="nn.functional")
def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0) -> Tensor

    `x / (k + alpha * mean of x² over the size channels around it) ** beta`, for (N, C, …).

    Source: Krizhevsky, Sutskever & Hinton (2012), "ImageNet classification with deep convolutional neural networks"
    """
    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input (got {input.ndim} dimensions)"
        )
    if input.numel() == 0:
        return input
    squares = input.mul(input).unsqueeze(1)
    if input.ndim == 3:
        around = avg_pool2d(pad(squares, (0, 0, size // 2, (size - 1) // 2)), (size, 1), stride=1).squeeze(1)
    else:
        shape = input.shape
        squares = squares.view(shape[0], 1, shape[1], shape[2], -1)
        squares = pad(squares, (0, 0, 0, 0, size // 2, (size - 1) // 2))
        around = avg_pool3d(squares, (size, 1, 1), stride=1).squeeze(1).view(shape)
    return input / around.mul(alpha).add(k).pow(beta)
