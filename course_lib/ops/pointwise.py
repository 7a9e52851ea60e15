"""Elementwise arithmetic and mathematics: each output element depends on the same element of each operand."""

from __future__ import annotations

import builtins
import math

from ..dtypes import INT
from ..tensor import Tensor
from ._arguments import OPERAND, result_dtype
from ._op import FLOAT, PROMOTE, function, op

# ---- arithmetic --------------------------------------------------------------------------------------------------


def _scaled_other(name: str):
    """The signature of add and sub: `alpha` multiplies the second operand."""

    def arguments(input, other, *, alpha=1):
        return (input, other if alpha == 1 else other * alpha), {}

    return arguments


@op(inplace=True, dtype=PROMOTE, operator="add")
class add:
    """add(input, other, *, alpha=1, out=None) -> Tensor

    `input + alpha * other`, elementwise with broadcasting.

    >>> import course_lib as torch
    >>> torch.add(torch.tensor([1, 2]), 10)
    tensor([11, 12])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.add.html
    """

    arguments = _scaled_other("add")

    def forward(xp, a, b, out=...):
        return xp.add(a, b, out=out)

    def backward(ctx, g):
        return g, g


@op(inplace=True, dtype=PROMOTE, operator="sub", alias="subtract", on_arrays=True)
class sub:
    """sub(input, other, *, alpha=1, out=None) -> Tensor

    `input - alpha * other`, elementwise with broadcasting. RuntimeError for two bool tensors.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sub.html
    """

    arguments = _scaled_other("sub")

    def forward(xp, a, b, out=...):
        if a.dtype.kind == "b":
            raise RuntimeError(
                "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
                "operator instead."
            )
        return xp.subtract(a, b, out=out)

    def backward(ctx, g):
        return g, (-g if ctx.needs_input_grad[1] else None)


@op(inplace=True, dtype=PROMOTE, operator="mul", alias="multiply", on_arrays=True)
class mul:
    """mul(input, other, *, out=None) -> Tensor

    `input * other`, elementwise with broadcasting.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.mul.html
    """

    def forward(xp, a, b, out=...):
        return xp.multiply(a, b, out=out)

    def save(ctx, out, a, b):  # an operand is kept only if the other one needs a gradient
        edge_a, edge_b = ctx.edges
        ctx.save_for_backward(None if edge_b is None else a, None if edge_a is None else b)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return (None if b is None else g * _conj(b)), (None if a is None else g * _conj(a))


@op(inplace=True, dtype=FLOAT, operator="truediv", node="Div", method=False, namespace=None, on_arrays=True)
class true_divide_:
    """The quotient `input / other`; integers are divided as floats."""

    def forward(xp, a, b, out=...):
        return xp.true_divide(a, b, out=out)

    def save(ctx, out, a, b):
        ctx.save_for_backward(a if ctx.needs_input_grad[1] else None, b)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        grad_a = g / _conj(b) if ctx.needs_input_grad[0] else None
        return grad_a, (None if a is None else -g * _conj((a / b) / b))


def _divide(input, other, rounding_mode, divide, truncate, floor):
    if rounding_mode is None:
        return divide(input, other)
    if rounding_mode == "trunc":
        return truncate(input, other)
    if rounding_mode == "floor":
        return floor(input, other)
    raise RuntimeError(
        f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
    )


@op(inplace=True, dtype=PROMOTE, operator="floordiv")
class floor_divide:
    """floor_divide(input, other, *, out=None) -> Tensor

    `input // other`: the quotient rounded down. ZeroDivisionError-like RuntimeError for integers divided by zero.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.floor_divide.html
    """

    def forward(xp, a, b, out=...):
        _refuse_integer_zero(xp, a, b)
        return xp.floor_divide(a, b, out=out)

    def backward(ctx, g):
        return g * 0, g * 0


@op(inplace=True, dtype=PROMOTE, method=False, namespace=None)
class trunc_divide:
    """The quotient rounded toward zero."""

    def forward(xp, a, b):
        _refuse_integer_zero(xp, a, b)
        if a.dtype.kind in "fV":
            return xp.trunc(xp.true_divide(a, b))
        quotient, rest = xp.divmod(a, b)
        return quotient + ((quotient < 0) & (rest != 0)).astype(quotient.dtype)

    def backward(ctx, g):
        return g * 0, g * 0


def _refuse_integer_zero(xp, a, b) -> None:
    if a.dtype.kind in "iu" and not xp.all(b):
        raise RuntimeError("ZeroDivisionError")


@function(method=True, alias=("divide",))
def div(input, other, *, rounding_mode=None, out=None):
    """div(input, other, *, rounding_mode=None, out=None) -> Tensor

    `input / other`, elementwise with broadcasting; integers give floats. `rounding_mode` "trunc" rounds the quotient
    toward zero, "floor" down.

    >>> import course_lib as torch
    >>> torch.div(torch.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.div.html
    """
    made = _divide(input, other, rounding_mode, true_divide_, trunc_divide, floor_divide)
    return made if out is None else _write("div", out, (input, other), made)


@function(method=True, inplace=True)
def true_divide(input, other, *, out=None):
    """true_divide(input, other, *, out=None) -> Tensor: `div` without rounding.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.true_divide.html
    """
    return div(input, other, out=out)


def _div_(self, other, *, rounding_mode=None):
    """In-place version of `div`."""
    from ._op import OPS  # the in-place twins of the three quotients

    twins = (OPS["true_divide_"], OPS["trunc_divide"], OPS["floor_divide"])
    return _divide(self, other, rounding_mode, *[t.change for t in twins])


Tensor.div_ = Tensor.divide_ = _div_


@op(inplace=True, dtype=PROMOTE, operator="mod")
class remainder:
    """remainder(input, other, *, out=None) -> Tensor

    `input % other`, with the sign of the divisor, as Python's `%`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.remainder.html
    """

    def forward(xp, a, b, out=...):
        _refuse_integer_zero(xp, a, b)
        return xp.remainder(a, b, out=out)

    def save(ctx, out, a, b):
        if ctx.needs_input_grad[1]:
            ctx.save_for_backward(a, b)

    def backward(ctx, g):
        if not ctx.needs_input_grad[1]:
            return g, None
        a, b = ctx.saved_tensors
        return g, -g * div(a, b, rounding_mode="floor")


@op(inplace=True, dtype=PROMOTE)
class fmod:
    """fmod(input, other, *, out=None) -> Tensor

    The remainder of the division, with the sign of `input`, as C's fmod.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fmod.html
    """

    def forward(xp, a, b, out=...):
        _refuse_integer_zero(xp, a, b)
        return xp.fmod(a, b, out=out)

    def save(ctx, out, a, b):
        if ctx.needs_input_grad[1]:
            ctx.save_for_backward(a, b)

    def backward(ctx, g):
        if not ctx.needs_input_grad[1]:
            return g, None
        a, b = ctx.saved_tensors
        return g, -g * div(a, b, rounding_mode="trunc")


@op(inplace=True, dtype=PROMOTE)
class pow:
    """pow(input, exponent, *, out=None) -> Tensor

    `input ** exponent`, elementwise with broadcasting. RuntimeError for an integer to a negative integer number.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.pow.html
    """

    def arguments(input, exponent):
        if isinstance(exponent, int) and exponent < 0 and isinstance(input, Tensor) and input.dtype.category == INT:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        return (input, exponent), {}

    def forward(xp, a, b, out=...):
        if a.dtype.kind in "iu":
            if b.dtype.kind == "i" and xp.any(b < 0):  # 1 and -1 have integer powers, anything else rounds to 0
                whole = xp.power(a, xp.maximum(b, 0))
                odd = xp.where(b % 2 == 0, xp.abs(a), a)
                return xp.where(b < 0, xp.where(xp.abs(a) == 1, odd, 0), whole).astype(a.dtype)
        if b.ndim == 0 and a.dtype.kind in "fc":
            if b == 2:
                return xp.multiply(a, a, out=out)
            if b == 0.5:
                return xp.sqrt(a, out=out)
        return xp.power(a, b, out=out)

    def save(ctx, out, a, b):
        ctx.save_for_backward(a, b)

    def backward(ctx, g):
        base, exponent = ctx.saved_tensors
        grad_base = grad_exponent = None
        if ctx.needs_input_grad[0]:
            if isinstance(exponent, Tensor):
                slope = exponent * base ** (exponent - 1)
                grad_base = g * _conj(slope.masked_fill(exponent == 0, 0))
            else:
                grad_base = g * _conj(exponent * base ** (exponent - 1)) if exponent != 0 else g * 0
        if ctx.needs_input_grad[1]:
            from .creation import zeros_like
            from .masks import where

            slope = (base**exponent) * base.log()
            zero = (base == 0) & (exponent >= 0)
            grad_exponent = g * _conj(where(zero, zeros_like(slope), slope))
        return grad_base, grad_exponent


def _power_of(self, exponent):
    return pow(self, exponent) if isinstance(exponent, OPERAND) else NotImplemented


Tensor.__pow__ = _power_of
Tensor.__rpow__ = lambda self, base: pow(base, self) if isinstance(base, OPERAND) else NotImplemented
Tensor.__ipow__ = lambda self, exponent: self.pow_(exponent)


@op(inplace=True, operator="neg", alias="negative", on_arrays=True)
class neg:
    """neg(input, *, out=None) -> Tensor: `-input`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.neg.html
    """

    def forward(xp, a, out=...):
        if a.dtype.kind == "b":
            raise RuntimeError(
                "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use "
                "the `~` or `logical_not()` operator instead."
            )
        return xp.negative(a, out=out)

    def backward(ctx, g):
        return -g


@op(operator="pos")
class positive:
    """positive(input) -> Tensor: the input itself; RuntimeError for bool.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.positive.html
    """

    def forward(xp, a):
        if a.dtype.kind == "b":
            raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
        return a

    def backward(ctx, g):
        return g


@op(inplace=True, operator="abs", alias="absolute")
class abs:
    """abs(input, *, out=None) -> Tensor: the absolute value (the magnitude of a complex number).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.abs.html
    """

    def forward(xp, a):
        return xp.abs(a) if a.dtype.kind != "b" else a.copy()

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g * a.sgn()


@op(inplace=True)
class sign:
    """sign(input, *, out=None) -> Tensor: -1, 0 or 1 by the sign of each element.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sign.html
    """

    def forward(xp, a):
        return xp.sign(a) if a.dtype.kind != "b" else a.copy()

    def backward(ctx, g):
        return g * 0


@op(inplace=True)
class sgn:
    """sgn(input, *, out=None) -> Tensor: `sign`, and for complex numbers the direction `z / |z|`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sgn.html
    """

    def forward(xp, a):
        return xp.sign(a) if a.dtype.kind != "b" else a.copy()

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        if not a.is_complex():
            return g * 0
        size = a.abs()
        direction = a.sgn()
        half = (g / size - (_conj(g) / size) * direction * direction) / 2
        return half.masked_fill(size == 0, 0)


def _conj(value):
    """The conjugate that a complex derivative needs, of a tensor, an array or a number; what is real comes back as it is."""
    try:
        kind = (value._array if isinstance(value, Tensor) else value).dtype.kind
    except AttributeError:
        return value.conjugate()  # a Python number
    return value.conj() if kind == "c" else value


# ---- exponentials, roots, trigonometry ---------------------------------------------------------------------------


def _mathematics(name: str, ufunc: str, slope, uses: str, text: str, alias=()):
    """Declare a smooth function of one variable: its array function and its derivative.

    slope(v) is the derivative, written in terms of the input (uses="input") or of the result (uses="output").
    """

    def forward(xp, a, out=...):
        return getattr(xp, ufunc)(a, out=out)

    def save(ctx, out, a):
        ctx.save_for_backward(a) if uses == "input" else ctx.save_output(out)

    def backward(ctx, g):
        (value,) = ctx.saved_tensors
        return g * _conj(slope(value))

    document = f"""{name}(input, *, out=None) -> Tensor

    {text}, elementwise; integers become the default float.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"forward": forward, "save": save, "backward": backward, "__doc__": document, "__module__": __name__}
    on_arrays = set(slope.__code__.co_names) <= {"math", "log"}  # operators only
    return op(inplace=True, dtype=FLOAT, alias=alias, on_arrays=on_arrays)(type(name, (), members))


exp = _mathematics("exp", "exp", lambda y: y, "output", "e to the power of each element")
exp2 = _mathematics("exp2", "exp2", lambda y: y * math.log(2), "output", "2 to the power of each element")
expm1 = _mathematics("expm1", "expm1", lambda y: y + 1, "output", "`exp(x) - 1`, exact near 0")
log = _mathematics("log", "log", lambda x: 1 / x, "input", "The natural logarithm")
log2 = _mathematics("log2", "log2", lambda x: 1 / (x * math.log(2)), "input", "The logarithm to base 2")
log10 = _mathematics("log10", "log10", lambda x: 1 / (x * math.log(10)), "input", "The logarithm to base 10")
log1p = _mathematics("log1p", "log1p", lambda x: 1 / (x + 1), "input", "`log(1 + x)`, exact near 0")
sqrt = _mathematics("sqrt", "sqrt", lambda y: 1 / (2 * y), "output", "The square root")
sin = _mathematics("sin", "sin", lambda x: x.cos(), "input", "The sine, in radians")
cos = _mathematics("cos", "cos", lambda x: -x.sin(), "input", "The cosine, in radians")
tan = _mathematics("tan", "tan", lambda y: 1 + y * y, "output", "The tangent, in radians")
asin = _mathematics("asin", "arcsin", lambda x: (1 - x * x).rsqrt(), "input", "The inverse sine", "arcsin")
acos = _mathematics("acos", "arccos", lambda x: -(1 - x * x).rsqrt(), "input", "The inverse cosine", "arccos")
atan = _mathematics("atan", "arctan", lambda x: 1 / (x * x + 1), "input", "The inverse tangent", "arctan")
sinh = _mathematics("sinh", "sinh", lambda x: x.cosh(), "input", "The hyperbolic sine")
cosh = _mathematics("cosh", "cosh", lambda x: x.sinh(), "input", "The hyperbolic cosine")
tanh = _mathematics("tanh", "tanh", lambda y: 1 - y * y, "output", "The hyperbolic tangent")
asinh = _mathematics("asinh", "arcsinh", lambda x: (x * x + 1).rsqrt(), "input", "The inverse hyperbolic sine", "arcsinh")
acosh = _mathematics("acosh", "arccosh", lambda x: (x * x - 1).rsqrt(), "input", "The inverse hyperbolic cosine", "arccosh")
atanh = _mathematics("atanh", "arctanh", lambda x: 1 / (1 - x * x), "input", "The inverse hyperbolic tangent", "arctanh")


@op(inplace=True, dtype=FLOAT, on_arrays=True)
class rsqrt:
    """rsqrt(input, *, out=None) -> Tensor: `1 / sqrt(input)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.rsqrt.html
    """

    def forward(xp, a):
        return xp.reciprocal(xp.sqrt(a))

    def save(ctx, out, a):
        ctx.save_output(out)

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * _conj(-0.5 * y * y * y)


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
        return -g * _conj(y * y)


@op(inplace=True, dtype=FLOAT, on_arrays=True)
class sigmoid:
    """sigmoid(input, *, out=None) -> Tensor: `1 / (1 + exp(-input))`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sigmoid.html
    """

    def forward(xp, a):
        one = a.dtype.type(1)
        return one / (one + xp.exp(-a))

    def save(ctx, out, a):
        ctx.save_output(out)

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * _conj((1 - y) * y)


@op(inplace=True)
class relu:
    """relu(input) -> Tensor: `max(input, 0)`, elementwise.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.relu.html
    """

    def forward(xp, a, out=...):
        if a.dtype.kind == "b":
            raise RuntimeError("Boolean inputs not supported for relu")
        return xp.maximum(a, a.dtype.type(0), out=out)

    def save(ctx, out, a):
        ctx.save_output(out)

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * (y > 0)


@op(inplace=True)
class square:
    """square(input, *, out=None) -> Tensor: `input ** 2`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.square.html
    """

    def forward(xp, a):
        return xp.multiply(a, a) if a.dtype.kind != "b" else a.astype("int64")

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g * _conj(a * 2)


# ---- rounding ----------------------------------------------------------------------------------------------------


def _rounding(name: str, ufunc: str, text: str, alias=()):
    """Declare a step function: integers stay as they are, the gradient is zero."""

    def forward(xp, a):
        if a.dtype.kind == "b" or a.dtype.kind == "c":
            kind = "Bool" if a.dtype.kind == "b" else "ComplexFloat"
            raise RuntimeError(f"\"{name}_vml_cpu\" not implemented for '{kind}'")
        return a.copy() if a.dtype.kind in "iu" else getattr(xp, ufunc)(a)

    def backward(ctx, g):
        return g * 0

    document = f"""{name}(input, *, out=None) -> Tensor: {text}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"forward": forward, "backward": backward, "__doc__": document, "__module__": __name__}
    return op(inplace=True, alias=alias)(type(name, (), members))


floor = _rounding("floor", "floor", "the largest whole number not above each element")
ceil = _rounding("ceil", "ceil", "the smallest whole number not below each element")
trunc = _rounding("trunc", "trunc", "each element without its fraction", "fix")


@op(inplace=True)
class round:
    """round(input, *, decimals=0, out=None) -> Tensor: to the nearest whole number, halves to the even one.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.round.html
    """

    def arguments(input, *, decimals=0):
        return (input,), {"decimals": decimals}

    def forward(xp, a, *, decimals):
        if a.dtype.kind in "iu":
            if decimals:
                raise RuntimeError('"round_cpu" not implemented for integers with decimals')
            return a.copy()
        if not decimals:
            return xp.rint(a)
        scale = a.dtype.type(10.0 ** builtins.abs(decimals))
        return xp.rint(a * scale) / scale if decimals > 0 else xp.rint(a / scale) * scale

    def backward(ctx, g):
        return g * 0


@function(method=True, inplace=True)
def frac(input, *, out=None):
    """frac(input, *, out=None) -> Tensor: the fraction of each element, with its sign.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.frac.html
    """
    made = input - input.trunc()
    return made if out is None else _write("frac", out, (input,), made)


# ---- minimum, maximum, clamp -------------------------------------------------------------------------------------


def _extremum(name: str, ufunc: str, text: str):
    """Declare the larger or smaller of two tensors; equal elements share the gradient."""

    def forward(xp, a, b, out=...):
        return getattr(xp, ufunc)(a, b, out=out)

    def save(ctx, out, a, b):
        ctx.save_for_backward(a, b)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        first = a >= b if name == "maximum" else a <= b
        tie = (a == b) * 0.5
        return g.masked_fill(~first, 0) * (1 - tie), g.masked_fill(first & (a != b), 0) * (1 - tie)

    document = f"""{name}(input, other, *, out=None) -> Tensor: {text}, elementwise; NaN wins.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"forward": forward, "save": save, "backward": backward, "__doc__": document, "__module__": __name__}
    return op(dtype=PROMOTE)(type(name, (), members))


maximum = _extremum("maximum", "maximum", "the larger of two elements")
minimum = _extremum("minimum", "minimum", "the smaller of two elements")


@op(inplace=True, alias="clip", node="ClampBackward1")
class clamp:
    """clamp(input, min=None, max=None, *, out=None) -> Tensor

    Each element limited to [min, max]; the limits are numbers or tensors that broadcast. RuntimeError without a limit.

    >>> import course_lib as torch
    >>> torch.tensor([-2, 0, 5]).clamp(0, 3)
    tensor([0, 0, 3])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.clamp.html
    """

    def arguments(input, min=None, max=None):
        if min is None and max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        dtype = result_dtype(input, min, max)
        lifted = input if input.dtype is dtype else input.to(dtype)
        limits = [v.to(dtype) if isinstance(v, Tensor) else v for v in (min, max)]
        return (lifted, *limits), {}

    def forward(xp, a, low, high):
        as_array = lambda v: v if hasattr(v, "strides") else a.dtype.type(v)
        if low is not None:
            a = xp.maximum(a, as_array(low))
        return a if high is None else xp.minimum(a, as_array(high))

    def save(ctx, out, a, low, high):
        ctx.save_for_backward(a, low, high)
        ctx.inputs = tuple([(t._array.shape, t._array.dtype) if isinstance(t, Tensor) else None for t in (a, low, high)])

    def backward(ctx, g):
        a, low, high = ctx.saved_tensors
        inside = None
        if low is not None:
            inside = a >= low
        if high is not None:
            inside = a <= high if inside is None else inside & (a <= high)
        grad_low = g * ((a < low) & (low < high if high is not None else True)) if isinstance(low, Tensor) else None
        grad_high = g * ((a > high) | (low > high if low is not None else False)) if isinstance(high, Tensor) else None
        return g * inside, grad_low, grad_high


@function(method=True, inplace=True)
def clamp_min(input, min, *, out=None):
    """clamp_min(input, min) -> Tensor: `clamp` with a lower limit only."""
    return clamp(input, min=min, out=out)


@function(method=True, inplace=True)
def clamp_max(input, max, *, out=None):
    """clamp_max(input, max) -> Tensor: `clamp` with an upper limit only."""
    return clamp(input, max=max, out=out)


# ---- logic on bits and bools -------------------------------------------------------------------------------------


def _bits(name: str, ufunc: str, operator: str, text: str):
    def forward(xp, a, b, out=...):
        if a.dtype.kind in "fcV":
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{_kind_name(a)}'")
        return getattr(xp, ufunc)(a, b, out=out)

    document = f"""{name}(input, other, *, out=None) -> Tensor: {text}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"forward": forward, "__doc__": document, "__module__": __name__}
    return op(inplace=True, dtype=PROMOTE, operator=operator)(type(name, (), members))


def _kind_name(array) -> str:
    from ..dtypes import from_numpy, legacy_name

    return legacy_name(from_numpy(array.dtype))


bitwise_and = _bits("bitwise_and", "bitwise_and", "and", "the bits that are set in both (logical AND of bools)")
bitwise_or = _bits("bitwise_or", "bitwise_or", "or", "the bits that are set in either (logical OR of bools)")
bitwise_xor = _bits("bitwise_xor", "bitwise_xor", "xor", "the bits that are set in one only (logical XOR of bools)")
bitwise_left_shift = _bits("bitwise_left_shift", "left_shift", "lshift", "the bits moved to the left")
bitwise_right_shift = _bits("bitwise_right_shift", "right_shift", "rshift", "the bits moved to the right")


@op(inplace=True, operator="invert")
class bitwise_not:
    """bitwise_not(input, *, out=None) -> Tensor: every bit flipped (logical NOT of bools); `~input`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bitwise_not.html
    """

    def forward(xp, a, out=...):
        if a.dtype.kind in "fcV":
            raise NotImplementedError(f"\"bitwise_not_cpu\" not implemented for '{_kind_name(a)}'")
        return xp.invert(a, out=out)


def _write(name, out, operands, made):
    from ._op import write_out

    return write_out(name, out, operands, made)

