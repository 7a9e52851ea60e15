"""Activations: elementwise functions between the layers of a network.

Each is one class: what it computes on arrays, and its slope in Tensor ops. `activation` makes of it the function in
nn.functional, whose last parameter `inplace` chooses the twin that overwrites its input.
"""

from __future__ import annotations

import functools
import inspect

import numpy as np

from ..backends import array_module
from ..backends.selection import select
from ..dtypes import finfo
from ..tensor import Tensor
from ._arguments import argument_error
from ._by_kernel import activated, activation_gradient, combined, combined_gradient
from ._numeric import kind_name, narrow, require_kind, wide
from ._op import FUNCTIONS, OPS, function, op
from .masks import where
from .mathematics import relu, sigmoid, tanh
from .random_arguments import stream_beside


def activation(*, kernel: str, kinds: str = "fV", node: str | None = None, public: bool = True, formula: str = ""):
    """Declare an activation. `kernel` names it in the error for a dtype that is not of one of the NumPy `kinds`.

    On a GPU value and gradient are a launch each, of the CUDA kernel called `formula` or as the class is; its constants
    are the settings, in their order.
    """

    def declare(cls):
        compute, save, in_tensors = cls.forward, cls.save, cls.backward
        name = formula or cls.__name__

        @functools.wraps(compute)
        def forward(xp, a, *, out=None, **settings):
            require_kind(kernel, a, kinds)
            if xp is not np:
                made = activated(name, a, settings.values(), out)
                if made is not None:
                    return made
            made = narrow(compute(xp, wide(a), **settings), a.dtype)
            if out is None:
                return made
            out[...] = made
            return out

        def save_with_constants(ctx, out, a, **settings):
            save(ctx, out, a, **settings)
            ctx.constants = tuple(settings.values())

        def backward(ctx, g):
            made = activation_gradient(name, g, ctx.saved_tensors[0], *ctx.constants)
            return in_tensors(ctx, g) if made is None else made

        cls.forward, cls.save, cls.backward = forward, save_with_constants, backward
        made = op(inplace=True, method=False, namespace=None, node=node)(cls)
        chosen = _with_inplace(cls, made, cls.change)
        return function(namespace="nn.functional")(chosen) if public else chosen

    return declare


def _with_inplace(cls, made, changed):
    """The public function: the settings of `cls.arguments`, then `inplace`."""
    count = cls.arguments.__code__.co_argcount if hasattr(cls, "arguments") else 1

    def chosen(*args, inplace=False, **named):
        if len(args) > count:
            *args, inplace = args
        return changed(*args, **named) if inplace else made(*args, **named)

    chosen.__name__ = chosen.__qualname__ = cls.__name__
    chosen.__doc__ = cls.__doc__
    settings = inspect.signature(cls.arguments if hasattr(cls, "arguments") else lambda input: None).parameters.values()
    inplace = inspect.Parameter("inplace", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=False)
    chosen.__signature__ = inspect.Signature([*settings, inplace])
    return chosen


def twin(name: str, *, in_torch: bool = False) -> None:
    """Publish `name_`: the function called with inplace=True."""
    base = FUNCTIONS["nn.functional"][name]

    def changed(input, *args, **named):
        return base(input, *args, **named, inplace=True)

    changed.__name__ = changed.__qualname__ = name + "_"
    changed.__doc__ = f"In-place version of `{name}`: writes the result into the input and returns it."
    function(namespace="nn.functional")(changed)
    if in_torch:
        function()(changed)


# ---- straight pieces ---------------------------------------------------------------------------------------------


@activation(kernel="leaky_relu_cpu", node="LeakyRelu")
class leaky_relu:
    """leaky_relu(input, negative_slope=0.01, inplace=False) -> Tensor: x where x > 0, else `negative_slope * x`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.leaky_relu.html
    """

    def arguments(input, negative_slope=0.01):
        return (input,), {"slope": float(negative_slope)}

    def forward(xp, a, *, slope):
        return select(xp, a > 0, a, a * a.dtype.type(slope))

    def save(ctx, out, a, *, slope):
        ctx.save_for_backward(a)
        ctx.slope = slope

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return where(a > 0, g, g * ctx.slope)


@activation(kernel="clamp_scalar_cpu", kinds="fViu", node="Hardtanh")
class hardtanh:
    """hardtanh(input, min_val=-1., max_val=1., inplace=False) -> Tensor: x limited to [min_val, max_val].

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hardtanh.html
    """

    def arguments(input, min_val=-1.0, max_val=1.0):
        kind = input._array.dtype.kind
        if kind == "b":
            raise RuntimeError("Bool inputs not supported for hardtanh")
        if kind == "c":
            raise NotImplementedError("clamp is not supported for complex types")
        if min_val > max_val:
            raise ValueError("min_val cannot be greater than max_val")
        if kind == "u" and min_val < 0:
            raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
        return (input,), {"low": min_val, "high": max_val}

    def forward(xp, a, *, low, high):
        return xp.minimum(xp.maximum(a, a.dtype.type(low)), a.dtype.type(high))

    def save(ctx, out, a, *, low, high):
        ctx.save_for_backward(a)
        ctx.limits = low, high

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        low, high = ctx.limits
        return g.masked_fill((a <= low) | (a >= high), 0)


@function(namespace="nn.functional")
def relu6(input, inplace=False):
    """relu6(input, inplace=False) -> Tensor: x limited to [0, 6].

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.relu6.html
    """
    return hardtanh(input, 0.0, 6.0, inplace)


@activation(kernel="threshold_cpu", kinds="fViu", node="Threshold")
class threshold:
    """threshold(input, threshold, value, inplace=False) -> Tensor: x where x > threshold, else `value`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.threshold.html
    """

    def arguments(input, threshold, value):
        return (input,), {"limit": threshold, "value": value}

    def forward(xp, a, *, limit, value):
        return select(xp, a <= a.dtype.type(limit), a.dtype.type(value), a)

    def save(ctx, out, a, *, limit, value):
        ctx.save_for_backward(a)
        ctx.limit = limit

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g.masked_fill(a <= ctx.limit, 0)


@activation(kernel="hardsigmoid_cpu", node="Hardsigmoid")
class hardsigmoid:
    """hardsigmoid(input, inplace=False) -> Tensor: `x / 6 + 1/2`, limited to [0, 1].

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hardsigmoid.html
    """

    def forward(xp, a):
        number = a.dtype.type
        return xp.minimum(xp.maximum(a + number(3), number(0)), number(6)) / number(6)

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return (g / 6).masked_fill((a <= -3) | (a >= 3), 0)


@activation(kernel="hardswish_cpu", node="Hardswish")
class hardswish:
    """hardswish(input, inplace=False) -> Tensor: `x * hardsigmoid(x)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hardswish.html
    """

    def forward(xp, a):
        number = a.dtype.type
        return a * xp.minimum(xp.maximum(a + number(3), number(0)), number(6)) / number(6)

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return (g * where(a < 3, a / 3 + 0.5, 1.0)).masked_fill(a <= -3, 0)


@activation(kernel="hardshrink_cpu", node="Hardshrink")
class hardshrink:
    """hardshrink(input, lambd=0.5) -> Tensor: x where |x| > lambd, else 0.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hardshrink.html
    """

    def arguments(input, lambd=0.5):
        return (input,), {"limit": lambd}

    def forward(xp, a, *, limit):
        return select(xp, xp.abs(a) <= a.dtype.type(limit), a.dtype.type(0), a)

    def save(ctx, out, a, *, limit):
        ctx.save_for_backward(a)
        ctx.limit = limit

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g.masked_fill((a >= -ctx.limit) & (a <= ctx.limit), 0)


@activation(kernel="softshrink_check", node="Softshrink")
class softshrink:
    """softshrink(input, lambd=0.5) -> Tensor: x moved by `lambd` toward 0, and 0 where |x| <= lambd.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softshrink.html
    """

    def arguments(input, lambd=0.5):
        require_kind("softshrink_check", input._array)
        largest = finfo(input.dtype).max
        if not 0 <= lambd <= largest:
            raise RuntimeError(
                f"lambda must be in range [0, {largest:g}] for input dtype {kind_name(input)}, but found {lambd:g}"
            )
        return (input,), {"limit": lambd}

    def forward(xp, a, *, limit):
        limit = a.dtype.type(limit)
        return select(xp, a > limit, a - limit, select(xp, a < -limit, a + limit, a * a.dtype.type(0)))

    def save(ctx, out, a, *, limit):
        ctx.save_for_backward(a)
        ctx.limit = limit

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g.masked_fill((a >= -ctx.limit) & (a <= ctx.limit), 0)


# ---- made of others ----------------------------------------------------------------------------------------------


@function(namespace="nn.functional")
def softsign(input):
    """softsign(input) -> Tensor: `x / (1 + |x|)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softsign.html
    """
    require_kind("abs_cpu", input._array, "fVciu")
    return input / (input.abs() + 1)


@function(namespace="nn.functional")
def tanhshrink(input):
    """tanhshrink(input) -> Tensor: `x - tanh(x)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.tanhshrink.html
    """
    if input._array.dtype.kind == "b":
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )
    return input - input.tanh()


@op(method=False, namespace=None, node="PreluKernel")
class sloped:
    """x where x > 0, else `weight * x`; the weight broadcasts."""

    def forward(xp, a, weight):
        made = None if xp is np else combined("sloped", (a, weight))
        return select(xp, a > 0, a, a * weight) if made is None else made

    def save(ctx, out, a, weight):
        ctx.save_for_backward(a, weight)
        ctx.inputs = tuple([(t._array.shape, t._array.dtype) for t in (a, weight)])

    def backward(ctx, g):
        a, weight = ctx.saved_tensors
        by_a = combined_gradient("sloped_by_x", g, a, weight)
        if by_a is not None:
            return by_a, combined_gradient("sloped_by_weight", g, a)
        return where(a > 0, g, g * weight), where(a > 0, 0.0, g * a)


@function(method=True)
@function(namespace="nn.functional")
def prelu(input, weight):
    """prelu(input, weight) -> Tensor: x where x > 0, else `weight * x`, with one weight, or one for each channel.

    RuntimeError where the number of weights is neither 1 nor the size of dimension 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.prelu.html
    """
    if not isinstance(weight, Tensor):
        raise argument_error("prelu", "weight", 2, weight)
    if input.dtype is not weight.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {kind_name(input)} and {kind_name(weight)}")
    if weight.numel() != 1:
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if channels != weight.numel():
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight.numel()} and "
                f"channel size = {channels}."
            )
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    if weight.ndim == 1 and input.ndim != 1:
        weight = weight.view([-1 if d == 1 else 1 for d in range(input.ndim)])
    return sloped(input, weight)


@op(inplace=True, method=False, namespace=None, node="RreluWithNoise")
class scaled_below_zero:
    """x times a noise that is 1 where x > 0."""

    def arguments(input, noise):
        return (input, noise), {}

    def forward(xp, a, noise):
        return narrow(wide(a) * wide(noise), a.dtype)

    def save(ctx, out, a, noise):
        ctx.save_for_backward(noise)

    def backward(ctx, g):
        (noise,) = ctx.saved_tensors
        return g * noise, None


@function()
@function(namespace="nn.functional")
def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """rrelu(input, lower=1/8, upper=1/3, training=False, inplace=False) -> Tensor

    x where x > 0, else x times a slope: drawn from [lower, upper) for each element while training, their mean
    otherwise.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.rrelu.html
    """
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    require_kind("rrelu_with_noise_out_cpu", input._array)
    noise = _slopes(input.detach(), lower, upper)
    return (OPS["scaled_below_zero"].change if inplace else scaled_below_zero)(input, noise)


def _slopes(input: Tensor, lower: float, upper: float) -> Tensor:
    """One slope is drawn for each element that is not positive, in their order; the others get 1."""
    noise = input.new_ones(input.shape)
    below = input._array <= 0
    count = int(below.sum())
    slopes = stream_beside("rrelu", None, input).uniform((count,), "f8", lower, upper)
    noise._array[below] = array_module(noise._array).asarray(slopes)
    return noise


# ---- also reachable in nn.functional -----------------------------------------------------------------------------


def _relu(input, inplace=False):
    return input.relu_() if inplace else relu(input)


_relu.__name__ = _relu.__qualname__ = "relu"
_relu.__doc__ = relu.__doc__
for _made in (_relu, sigmoid, tanh):
    function(namespace="nn.functional")(_made)


for _name in ("relu", "rrelu", "threshold"):
    twin(_name, in_torch=True)
for _name in ("hardtanh", "leaky_relu"):
    twin(_name)
function()(threshold)
function(method=True)(hardshrink)
