"""Activations with curves: the elu family, silu, mish, softplus, logsigmoid and gelu."""

from __future__ import annotations

import math

import numpy as np

from ..autograd.grad_mode import GRAD
from ..backends import GPU, error_function
from ..backends.selection import select
from ..tensor import Tensor, normalize_dim, wrap
from ._by_kernel import activated, activation_gradient, combined
from ._numeric import narrow, require_kind, special, wide
from ._op import function, op
from .activation import activation, twin
from .joining import cat
from .masks import where

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

# ---- exponential pieces ------------------------------------------------------------------------------------------


def _exponential_unit(name: str, node: str):
    """The family of elu: `scale * x` where x > 0, else `scale * alpha * (exp(input_scale * x) - 1)`."""

    def arguments(input, alpha=1.0, scale=1.0, input_scale=1.0):
        return (input,), {"below": alpha * scale, "above": scale, "rate": input_scale}

    def forward(xp, a, *, below, above, rate):
        number = a.dtype.type
        return select(xp, a > 0, a * number(above), xp.expm1(xp.minimum(a, 0) * number(rate)) * number(below))

    def save(ctx, out, a, *, below, above, rate):
        ctx.save_for_backward(a)
        ctx.factors = below, above, rate

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        below, above, rate = ctx.factors
        return where(a > 0, g * above, g * ((a.clamp(max=0) * rate).exp() * (below * rate)))

    members = {
        "arguments": arguments,
        "forward": forward,
        "save": save,
        "backward": backward,
        "__module__": __name__,
        "__doc__": f"The function behind `{name}`.",
    }
    return activation(kernel="elu_cpu", node=node, public=False, formula="elu")(type(f"{name}_unit", (), members))


_elu, _celu = _exponential_unit("elu", "Elu"), _exponential_unit("celu", "Celu")


@function(namespace="nn.functional")
def elu(input, alpha=1.0, inplace=False):
    """elu(input, alpha=1.0, inplace=False) -> Tensor: x where x > 0, else `alpha * (exp(x) - 1)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.elu.html
    """
    return _elu(input, alpha, inplace=inplace)


@function()
@function(namespace="nn.functional")
def selu(input, inplace=False):
    """selu(input, inplace=False) -> Tensor: `elu` scaled so that means and variances settle at 0 and 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.selu.html
    """
    return _elu(input, _SELU_ALPHA, _SELU_SCALE, inplace=inplace)


@function()
@function(namespace="nn.functional")
def celu(input, alpha=1.0, inplace=False):
    """celu(input, alpha=1.0, inplace=False) -> Tensor: x where x > 0, else `alpha * (exp(x / alpha) - 1)`.

    RuntimeError for alpha = 0.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.celu.html
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _celu(input, alpha, 1.0, 1.0 / alpha, inplace=inplace)


@activation(kernel="silu_cpu", kinds="fVc", node="Silu")
class silu:
    """silu(input, inplace=False) -> Tensor: `x * sigmoid(x)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.silu.html
    """

    def forward(xp, a):
        return a / (a.dtype.type(1) + xp.exp(-a))

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        share = a.sigmoid()
        slope = share * (1 + a * (1 - share))
        return g * (slope.conj() if a.is_complex() else slope)


@activation(kernel="mish_cpu", node="Mish")
class mish:
    """mish(input, inplace=False) -> Tensor: `x * tanh(softplus(x))`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mish.html
    """

    def forward(xp, a):
        return a * xp.tanh(xp.logaddexp(a, a.dtype.type(0)))

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        gate = softplus(a).tanh()
        return g * (gate + a * a.sigmoid() * (1 - gate * gate))


@activation(kernel="softplus_cpu", node="Softplus")
class softplus:
    """softplus(input, beta=1.0, threshold=20.0) -> Tensor: `log(1 + exp(beta * x)) / beta`, x itself for large x.

    "Large" is `beta * x > threshold`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softplus.html
    """

    def arguments(input, beta=1.0, threshold=20.0):
        return (input,), {"beta": beta, "limit": threshold}

    def forward(xp, a, *, beta, limit):
        z = a * a.dtype.type(beta)
        return select(xp, z > limit, a, xp.logaddexp(z, a.dtype.type(0)) / a.dtype.type(beta))

    def save(ctx, out, a, *, beta, limit):
        ctx.save_for_backward(a)
        ctx.curve = beta, limit

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        beta, limit = ctx.curve
        z = a * beta
        return where(z > limit, g, g * z.sigmoid())


@activation(kernel="log_sigmoid_cpu", node="LogSigmoid")
class logsigmoid:
    """logsigmoid(input) -> Tensor: `log(sigmoid(x))` without overflow.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.logsigmoid.html
    """

    def forward(xp, a):
        return xp.minimum(a, 0) - xp.log1p(xp.exp(-xp.abs(a)))

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g * (-a).sigmoid()


# ---- the normal distribution -------------------------------------------------------------------------------------


def _error_function(xp, x):
    if x.dtype.itemsize == 4 and x.size > error_function.SMALL and xp.__name__ == "numpy":
        return error_function.erf(x)
    return special(xp).erf(x)


def _share_below(xp, x):
    """The share of a standard normal distribution that lies below each element of an array."""
    number = x.dtype.type
    share = _error_function(xp, x * number(math.sqrt(0.5)))
    share += number(1)
    share *= number(0.5)
    return share


@op(method=False, namespace=None, node="NormalCdf")
class normal_cdf:
    """The share of a standard normal distribution that lies below each element."""

    def forward(xp, a):
        return narrow(_share_below(xp, wide(a)), a.dtype)

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g * _normal_density(a)


def _normal_density(a: Tensor) -> Tensor:
    return (a * a * -0.5).exp() * (1 / math.sqrt(2 * math.pi))


@function(namespace="nn.functional")
@op(method=False, namespace=None)
class gelu:
    """gelu(input, approximate='none') -> Tensor

    x times the share of a standard normal distribution below x; approximate='tanh' gives
    `x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x**3)))`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gelu.html
    """

    def arguments(input, approximate="none"):
        if approximate not in ("none", "tanh"):
            raise RuntimeError("approximate argument must be either none or tanh.")
        return (input,), {"tangent": approximate == "tanh"}

    def forward(xp, a, *, tangent):
        require_kind("GeluKernelImpl", a)
        made = None if xp is np else activated("gelu_tanh" if tangent else "gelu", a)
        if made is not None:
            return made
        x = wide(a)
        number = x.dtype.type
        if tangent:
            inner = (x * x * number(0.044715) + number(1)) * x * number(math.sqrt(2 / math.pi))
            return narrow(x * number(0.5) * (xp.tanh(inner) + number(1)), a.dtype)
        return narrow(x * _share_below(xp, x), a.dtype)

    def save(ctx, out, a, *, tangent):
        ctx.save_for_backward(a)
        ctx.tangent = tangent

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        made = activation_gradient("gelu_tanh" if ctx.tangent else "gelu", g, a)
        if made is not None:
            return made
        if not ctx.tangent:
            return g * (normal_cdf(a) + a * _normal_density(a))
        square, rate = a * a, math.sqrt(2 / math.pi)
        bend = ((square * 0.044715 + 1) * a * rate).tanh()
        return g * (0.5 * (1 + bend) + 0.5 * a * (1 - bend * bend) * (rate * (1 + 3 * 0.044715 * square)))


# ---- gates -------------------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="Glu")
class gated:
    """The first half of a dimension times the sigmoid of the second half."""

    def forward(xp, a, *, dim):
        require_kind("glu_cpu", a)
        made = None if xp is np else combined("gated", xp.split(a, 2, dim))
        if made is not None:
            return made
        first, second = xp.split(wide(a), 2, dim)
        return narrow(first / (xp.exp(-second) + first.dtype.type(1)), a.dtype)

    def save(ctx, out, a, *, dim):
        ctx.save_for_backward(a)
        ctx.dim = dim

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        x = a._array
        if not GRAD.enabled and type(x) is GPU.array:
            run = GPU.backend.kernel("gated_backward", g._array, x)
            if run is not None:
                return wrap(run(g._array, x, math.prod(x.shape[ctx.dim :]) // 2))
        first, second = a.chunk(2, ctx.dim)
        gate = second.sigmoid()
        return cat([g * gate, g * first * gate * (1 - gate)], ctx.dim)


@function(namespace="nn.functional")
def glu(input, dim=-1):
    """glu(input, dim=-1) -> Tensor: `a * sigmoid(b)` where a and b are the halves of `input` along `dim`.

    RuntimeError where the dimension has an odd size.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.glu.html
    """
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    dim = normalize_dim(dim, input.ndim)
    if input.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}")
    return gated(input, dim=dim)


twin("elu")
twin("selu", in_torch=True)
twin("celu", in_torch=True)
