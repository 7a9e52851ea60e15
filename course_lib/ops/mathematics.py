"""Functions of one variable: exponentials, logarithms, roots, trigonometry, and the smooth steps of neural networks.

Each output element depends on the same element of the input. `_mathematics` declares most of them from two things: the
array function, and the slope in terms of the input or of the result, whichever is cheaper to keep.
"""

from __future__ import annotations

import math

import numpy as np

from ..tensor import Tensor
from ._arguments import OPERAND
from ._by_kernel import activated, activation_gradient
from ._numeric import conjugate
from ._op import FLOAT, op


def _mathematics(name: str, ufunc: str, slope, uses: str, text: str, alias=(), formula="", large=""):
    """Declare a smooth function of one variable: its array function and its derivative.

    slope(v) is the derivative, written in terms of the input (uses="input") or of the result (uses="output"). On a GPU
    the CUDA kernel `formula` multiplies with it, if there is one; `large` computes the function of large arrays.
    """

    def forward(xp, a, out=...):
        return getattr(xp, ufunc)(a, out=out)

    def save(ctx, out, a):
        ctx.save_for_backward(a) if uses == "input" else ctx.save_output(out)

    def backward(ctx, g):
        (value,) = ctx.saved_tensors
        made = activation_gradient(formula, g, value) if formula else None
        return g * conjugate(slope(value)) if made is None else made

    document = f"""{name}(input, *, out=None) -> Tensor

    {text}, elementwise; integers become the default float.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"forward": forward, "save": save, "backward": backward, "__doc__": document, "__module__": __name__}
    if large:
        members["large"] = (large,)
    on_arrays = set(slope.__code__.co_names) <= {"math", "log"}  # operators only
    return op(inplace=True, dtype=FLOAT, alias=alias, on_arrays=on_arrays)(type(name, (), members))


exp = _mathematics("exp", "exp", lambda y: y, "output", "e to the power of each element", large="exponential")
exp2 = _mathematics("exp2", "exp2", lambda y: y * math.log(2), "output", "2 to the power of each element")
expm1 = _mathematics("expm1", "expm1", lambda y: y + 1, "output", "`exp(x) - 1`, exact near 0")
log = _mathematics("log", "log", lambda x: 1 / x, "input", "The natural logarithm", formula="logarithm")
log2 = _mathematics("log2", "log2", lambda x: 1 / (x * math.log(2)), "input", "The logarithm to base 2")
log10 = _mathematics("log10", "log10", lambda x: 1 / (x * math.log(10)), "input", "The logarithm to base 10")
log1p = _mathematics("log1p", "log1p", lambda x: 1 / (x + 1), "input", "`log(1 + x)`, exact near 0")
sqrt = _mathematics("sqrt", "sqrt", lambda y: 1 / (2 * y), "output", "The square root", formula="root")
sin = _mathematics("sin", "sin", lambda x: x.cos(), "input", "The sine, in radians")
cos = _mathematics("cos", "cos", lambda x: -x.sin(), "input", "The cosine, in radians")
tan = _mathematics("tan", "tan", lambda y: 1 + y * y, "output", "The tangent, in radians")
asin = _mathematics("asin", "arcsin", lambda x: (1 - x * x).rsqrt(), "input", "The inverse sine", "arcsin")
acos = _mathematics("acos", "arccos", lambda x: -(1 - x * x).rsqrt(), "input", "The inverse cosine", "arccos")
atan = _mathematics("atan", "arctan", lambda x: 1 / (x * x + 1), "input", "The inverse tangent", "arctan")
sinh = _mathematics("sinh", "sinh", lambda x: x.cosh(), "input", "The hyperbolic sine")
cosh = _mathematics("cosh", "cosh", lambda x: x.sinh(), "input", "The hyperbolic cosine")
tanh = _mathematics(
    "tanh", "tanh", lambda y: 1 - y * y, "output", "The hyperbolic tangent", formula="hyperbolic", large="hyperbolic"
)
asinh = _mathematics(
    "asinh", "arcsinh", lambda x: (x * x + 1).rsqrt(), "input", "The inverse hyperbolic sine", "arcsinh"
)
acosh = _mathematics(
    "acosh", "arccosh", lambda x: (x * x - 1).rsqrt(), "input", "The inverse hyperbolic cosine", "arccosh"
)
atanh = _mathematics(
    "atanh", "arctanh", lambda x: 1 / (1 - x * x), "input", "The inverse hyperbolic tangent", "arctanh"
)


@op(inplace=True, dtype=FLOAT, on_arrays=True)
class rsqrt:
    """rsqrt(input, *, out=None) -> Tensor: `1 / sqrt(input)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.rsqrt.html
    """

    def forward(xp, a):
        made = None if xp is np else activated("inverse_root", a)
        return xp.reciprocal(xp.sqrt(a)) if made is None else made

    def save(ctx, out, a):
        ctx.save_output(out)

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        made = activation_gradient("inverse_root", g, y)
        return g * conjugate(-0.5 * y * y * y) if made is None else made


@op(inplace=True, dtype=FLOAT, on_arrays=True)
class reciprocal:
    """reciprocal(input, *, out=None) -> Tensor: `1 / input`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.reciprocal.html
    """

    def forward(xp, a, out=...):
        return xp.reciprocal(a, out=out)

    def save(ctx, out, a):
        ctx.save_output(out)

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        made = activation_gradient("inverse", g, y)
        return -g * conjugate(y * y) if made is None else made


def _divided_by(self, number):
    """`number / tensor`: the number times the reciprocal, which rounds as PyTorch does."""
    return reciprocal(self) * number if isinstance(number, OPERAND) else NotImplemented


Tensor.__rtruediv__ = _divided_by


@op(inplace=True, dtype=FLOAT, on_arrays=True)
class sigmoid:
    """sigmoid(input, *, out=None) -> Tensor: `1 / (1 + exp(-input))`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sigmoid.html
    """

    def forward(xp, a):
        made = None if xp is np else activated("sigmoid", a)
        if made is not None:
            return made
        one = a.dtype.type(1)
        return one / (one + xp.exp(-a))

    def save(ctx, out, a):
        ctx.save_output(out)

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        made = activation_gradient("sigmoid", g, y)
        return g * conjugate((1 - y) * y) if made is None else made


@op(inplace=True)
class relu:
    """relu(input) -> Tensor: `max(input, 0)`, elementwise.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.relu.html
    """

    large = ("relu",)

    def forward(xp, a, out=...):
        if a.dtype.kind == "b":
            raise RuntimeError("Boolean inputs not supported for relu")
        return xp.maximum(a, a.dtype.type(0), out=out)

    def save(ctx, out, a):
        ctx.save_output(out)

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        made = activation_gradient("relu", g, y)
        return g * (y > 0) if made is None else made


@op(inplace=True)
class square:
    """square(input, *, out=None) -> Tensor: `input ** 2`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.square.html
    """

    elementwise = True

    def forward(xp, a):
        return xp.multiply(a, a) if a.dtype.kind != "b" else a.astype("int64")

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g * conjugate(a * 2)
