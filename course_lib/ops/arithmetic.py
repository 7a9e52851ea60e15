"""Elementwise arithmetic: sums, products, quotients, powers, signs; the operators `+ - * / // % **` of tensors.

Operands broadcast and are brought to a common dtype before `forward` sees them; gradients are summed back afterwards.
"""

from __future__ import annotations

import numpy as np

from ..autograd.node import NOTHING, kept
from ..backends.selection import select
from ..dtypes import BOOL, INT
from ..dtypes import FLOAT as FLOAT_CATEGORY
from ..tensor import Tensor
from ._arguments import OPERAND, result_dtype
from ._numeric import conjugate, require_kind
from ._op import FLOAT, OPS, PROMOTE, function, op, write_out
from .creation import zeros_like
from .masks import where


def _scaled_other(input, other, *, alpha=1):
    """The signature of add and sub: `alpha` multiplies the second operand."""
    if alpha == 1 and alpha is not True:
        return (input, other), {}
    dtype = result_dtype(input, other)
    _check_alpha(dtype, alpha)
    if dtype.category == BOOL:
        return (input, other if alpha else False), {}
    return (input, other * alpha), {}


def _check_alpha(dtype, alpha) -> None:
    """RuntimeError for a factor of a higher kind than the result."""
    if isinstance(alpha, bool) and dtype.category != BOOL:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float) and dtype.category < FLOAT_CATEGORY:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, complex) and not dtype.is_complex:
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")


@op(inplace=True, dtype=PROMOTE, operator="add")
class add:
    """add(input, other, *, alpha=1, out=None) -> Tensor

    `input + alpha * other`, elementwise with broadcasting.

    >>> import course_lib as torch
    >>> torch.add(torch.tensor([1, 2]), 10)
    tensor([11, 12])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.add.html
    """

    arguments, large = _scaled_other, ("plus", "plus_number")

    def forward(xp, a, b, out=...):
        return xp.add(a, b, out=out)

    def backward(ctx, g):
        return g, g


def _is_bool(value) -> bool:
    return value._array.dtype.kind == "b" if isinstance(value, Tensor) else isinstance(value, bool)


@op(inplace=True, dtype=PROMOTE, operator="sub", alias="subtract", on_arrays=True)
class sub:
    """sub(input, other, *, alpha=1, out=None) -> Tensor

    `input - alpha * other`, elementwise with broadcasting. RuntimeError for two bool tensors.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sub.html
    """

    arguments, large = _scaled_other, ("minus", "minus_number")

    def check(input, other=None):
        bools = [_is_bool(value) for value in (input, other)]
        if all(bools):
            raise RuntimeError(
                "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
                "operator instead."
            )
        if any(bools):
            raise RuntimeError(
                "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a "
                "mask, use the `~` or `logical_not()` operator instead."
            )

    def forward(xp, a, b, out=...):
        return xp.subtract(a, b, out=out)

    def backward(ctx, g):
        return g, (-g if ctx.needs_input_grad[1] else None)


@op(inplace=True, dtype=PROMOTE, operator="mul", alias="multiply", on_arrays=True)
class mul:
    """mul(input, other, *, out=None) -> Tensor

    `input * other`, elementwise with broadcasting.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.mul.html
    """

    wide_numbers, large = True, ("product_of", "times")

    def forward(xp, a, b, out=...):
        return xp.multiply(a, b, out=out)

    forward.by_number = "times"  # the CUDA kernel for half precision and a number

    def save(ctx, out, a, b):  # an operand is kept only if the other one needs a gradient
        edge_a, edge_b = ctx.edges
        ctx.saved = [NOTHING if edge_b is None else kept(a), NOTHING if edge_a is None else kept(b)]

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return (None if b is None else g * conjugate(b)), (None if a is None else g * conjugate(a))


@op(inplace=True, dtype=FLOAT, operator="truediv", node="Div", method=False, namespace=None, on_arrays=True)
class true_divide_:
    """The quotient `input / other`; integers are divided as floats."""

    wide_numbers, large = True, ("quotient_of", "divided")

    def forward(xp, a, b, out=...):
        return xp.true_divide(a, b, out=out)

    forward.by_number = "divided"

    def save(ctx, out, a, b):
        ctx.save_for_backward(a if ctx.needs_input_grad[1] else None, b)

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        grad_a = g / conjugate(b) if ctx.needs_input_grad[0] else None
        return grad_a, (None if a is None else -g * conjugate((a / b) / b))


def _divide(input, other, rounding_mode, divide, truncate, floor):
    if rounding_mode is None:
        return divide(input, other)
    if rounding_mode == "trunc":
        return truncate(input, other)
    if rounding_mode == "floor":
        return floor(input, other)
    raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")


@op(inplace=True, dtype=PROMOTE, operator="floordiv")
class floor_divide:
    """floor_divide(input, other, *, out=None) -> Tensor

    `input // other`: the quotient rounded down. ZeroDivisionError-like RuntimeError for integers divided by zero.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.floor_divide.html
    """

    wide_numbers = True

    def forward(xp, a, b, out=...):
        _refuse_zero(xp, "div_floor_cpu", a, b)
        return xp.floor_divide(a, b, out=out)

    def backward(ctx, g):
        return g * 0, g * 0


@op(inplace=True, dtype=PROMOTE, method=False, namespace=None)
class trunc_divide:
    """The quotient rounded toward zero."""

    wide_numbers = True

    def forward(xp, a, b):
        _refuse_zero(xp, "div_trunc_cpu", a, b)
        if a.dtype.kind in "fV":
            return xp.trunc(xp.true_divide(a, b))
        quotient, rest = xp.divmod(a, b)
        return quotient + ((quotient < 0) & (rest != 0)).astype(quotient.dtype)

    def backward(ctx, g):
        return g * 0, g * 0


def _refuse_zero(xp, kernel: str, a, b) -> None:
    """Whole division takes real numbers only, and no integer zero to divide by; a GPU is not waited for to see one."""
    require_kind(kernel, a, "iufV")
    if xp is np and a.dtype.kind in "iu" and a.size and not xp.all(b):
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
    return made if out is None else write_out("div", out, (input, other), made)


@function(method=True, inplace=True)
def true_divide(input, other, *, out=None):
    """true_divide(input, other, *, out=None) -> Tensor: `div` without rounding.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.true_divide.html
    """
    return div(input, other, out=out)


def _div_(self, other, *, rounding_mode=None):
    """In-place version of `div`."""
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
        _refuse_zero(xp, "remainder_cpu", a, b)
        if a.dtype.kind not in "fV":
            return xp.remainder(a, b, out=out)
        made = xp.remainder(a, b)
        zero = made == 0
        if xp is not np or zero.any():  # a remainder of zero has the sign of what was divided
            made = select(xp, zero, xp.copysign(made, a), made)
        if out is ... or out is None:
            return made
        out[...] = made
        return out

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
        _refuse_zero(xp, "fmod_cpu", a, b)
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
        if isinstance(exponent, Tensor) and _is_bool(input) and _is_bool(exponent):
            raise NotImplementedError("\"pow\" not implemented for 'Bool'")
        return (input, exponent), {}

    def forward(xp, a, b, out=...):
        if a.dtype.kind == "b":
            return xp.logical_or(a, ~b, out=out)
        if a.dtype.kind in "iu" and b.dtype.kind == "i" and (b < 0).any():  # b may be a number
            whole = xp.power(a, xp.maximum(b, 0))  # 1 and -1 have integer powers, anything else rounds to 0
            odd = xp.where(b % 2 == 0, xp.abs(a), a)
            return xp.where(b < 0, xp.where(xp.abs(a) == 1, odd, 0), whole).astype(a.dtype)
        known = xp is np or not hasattr(b, "get")  # to look at a number of a GPU would mean to wait for it
        if known and b.ndim == 0 and a.dtype.kind in "fc":
            if b == 2:
                return xp.multiply(a, a, out=out)
            if b == 0.5:
                return xp.sqrt(a, out=out)
        if known and b.ndim == 0 and (a.dtype.kind == "V" or (a.dtype.kind == "f" and a.dtype.itemsize > 2)):
            # products, rounded one by one; float16 takes the general way in PyTorch, too
            if b == 3:
                return xp.multiply(a * a, a, out=out)
            if b == -2:
                return xp.reciprocal(a * a, out=out)
        return xp.power(a, b, out=out)

    def save(ctx, out, a, b):
        ctx.save_for_backward(a, b)
        if isinstance(b, Tensor):
            ctx.overload = 1 if isinstance(a, Tensor) else 2

    def backward(ctx, g):
        base, exponent = ctx.saved_tensors
        grad_base = grad_exponent = None
        if ctx.needs_input_grad[0]:
            if isinstance(exponent, Tensor):
                slope = exponent * base ** (exponent - 1)
                grad_base = g * conjugate(slope.masked_fill(exponent == 0, 0))
            else:
                power = base if exponent == 2 else base ** (exponent - 1)
                grad_base = g * conjugate(exponent * power) if exponent != 0 else g * 0
        if ctx.needs_input_grad[1]:
            slope = (base**exponent) * base.log()
            if isinstance(exponent, Tensor) and exponent.is_complex():
                zero = (base == 0) & (exponent.imag == 0) & (exponent.real >= 0)
            else:
                zero = (base == 0) & (exponent >= 0)
            grad_exponent = g * conjugate(where(zero, zeros_like(slope), slope))
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

    elementwise = True

    def forward(xp, a, out=...):
        if a.dtype.kind == "b":
            raise RuntimeError(
                "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
                "use the `~` or `logical_not()` operator instead."
            )
        return xp.negative(a, out=out)

    def backward(ctx, g):
        return -g


@op(operator="pos")
class positive:
    """positive(input) -> Tensor: the input itself; RuntimeError for bool.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.positive.html
    """

    elementwise = True

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

    elementwise = True

    def forward(xp, a):
        require_kind("abs_cpu", a, "iufVc")
        return xp.abs(a)

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

    elementwise = True

    def forward(xp, a):
        if a.dtype.kind == "c":
            raise NotImplementedError(
                "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
            )
        return xp.sign(a) if a.dtype.kind != "b" else a.copy()

    def backward(ctx, g):
        return g * 0


@op(inplace=True)
class sgn:
    """sgn(input, *, out=None) -> Tensor: `sign`, and for complex numbers the direction `z / |z|`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sgn.html
    """

    elementwise = True

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
        half = (g / size - (conjugate(g) / size) * direction * direction) / 2
        return half.masked_fill(size == 0, 0)
