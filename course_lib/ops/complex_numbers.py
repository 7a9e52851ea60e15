"""Complex tensors: their parts, conjugates, and how they are put together."""

from __future__ import annotations

import math

from .. import dtypes
from ..backends import backend_of
from ..dtypes import legacy_name
from ..tensor import Tensor
from ._arguments import argument_error, to_float
from ._numeric import narrow, wide
from ._op import function, op, write_out
from .creation import ones_like


@op(view=True, method=False, namespace=None, node="Real")
class real_part:
    """The real part of a complex tensor."""

    def forward(xp, a):
        return a.real

    def save(ctx, out, a):
        ctx.dtype = a.dtype

    def backward(ctx, g):
        return g.to(ctx.dtype)


@op(view=True, method=False, namespace=None, node="Imag")
class imaginary_part:
    """The imaginary part of a complex tensor."""

    def forward(xp, a):
        return a.imag

    def backward(ctx, g):
        return g * 1j


@function()
def real(input):
    """real(input) -> Tensor: the real part, a view; a real tensor itself.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.real.html
    """
    return real_part(input) if input.is_complex() else input


@function()
def imag(input):
    """imag(input) -> Tensor: the imaginary part, a view; RuntimeError for a real tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.imag.html
    """
    if not input.is_complex():
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return imaginary_part(input)


Tensor.real = property(real)
Tensor.imag = property(imag)


@op(method=False, namespace=None, node="Conj")
class conjugate:
    """The complex conjugate."""

    elementwise = True

    def forward(xp, a):
        return xp.conj(a)

    def backward(ctx, g):
        return g.conj()


@function(method=True)
def is_conj(input) -> bool:
    """is_conj(input) -> bool: False; a conjugate is computed at once here, never remembered for later."""
    return False


@function(method=True)
def is_neg(input) -> bool:
    """is_neg(input) -> bool: False; a negative is computed at once here, never remembered for later."""
    return False


@function(method=True)
def resolve_neg(input):
    """resolve_neg(input) -> Tensor: itself; negatives are computed at once here."""
    return input


@function(method=True)
def resolve_conj(input):
    """resolve_conj(input) -> Tensor: itself; conjugates are computed at once here."""
    return input


@function(method=True)
def conj(input):
    """conj(input) -> Tensor: the complex conjugate; a real tensor itself.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.conj.html
    """
    return conjugate(input) if input._array.dtype.kind == "c" else input


@function(method=True, inplace=True, out=True)
def conj_physical(input):
    """conj_physical(input, *, out=None) -> Tensor: the complex conjugate; a real tensor itself.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.conj_physical.html
    """
    return conj(input)


@function(method=True)
def adjoint(input):
    """adjoint(input) -> Tensor: the last two dimensions swapped, and conjugated.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.adjoint.html
    """
    return input.mH


def _joined(xp, real, imag):
    """Both parts side by side; `real + imag * 1j` would lose signs of zeros and make NaN of 0 · ∞."""
    kind = "c16" if real.dtype.itemsize == 8 else "c8"
    same = real.shape == imag.shape
    made = xp.empty_like(real, kind) if same else xp.empty(xp.broadcast_shapes(real.shape, imag.shape), kind)
    made.real, made.imag = real, imag
    return made


@op(method=False, namespace=None, node="Complex")
class from_parts:
    """Complex numbers from real and imaginary parts."""

    def forward(xp, real, imag):
        return _joined(xp, real, imag)

    def save(ctx, out, real, imag):
        ctx.inputs = tuple([(t._array.shape, t._array.dtype) for t in (real, imag)])

    def backward(ctx, g):
        return g.real, g.imag


@function()
def complex(real, imag, *, out=None):
    """complex(real, imag, *, out=None) -> Tensor: complex numbers from their two parts.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.complex.html
    """
    _require_parts("complex", real=real, imag=imag)
    made = from_parts(real, imag)
    if out is not None and out.dtype is not made.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {_name(made)} but got scalar type {_name(out)} for argument 'out'"
        )
    return made if out is None else write_out("complex", out, (real, imag), made)


def _name(tensor) -> str:
    return legacy_name(tensor.dtype)


# ---- complex numbers as pairs of real ones -----------------------------------------------------------------------


@op(view=True, method=False)
class view_as_real:
    """view_as_real(input) -> Tensor: real and imaginary parts as a last dimension of size 2; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.view_as_real.html
    """

    def arguments(input):
        if not input.is_complex():
            raise RuntimeError("view_as_real is only supported for complex tensors")
        return (input,), {}

    def forward(xp, a):
        real = a.real
        return backend_of(xp).strided(real, (*a.shape, 2), (*a.strides, real.itemsize))

    def backward(ctx, g):
        return view_as_complex(g.contiguous())


@op(view=True, method=False)
class view_as_complex:
    """view_as_complex(input) -> Tensor: a last dimension of size 2 as complex numbers; a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.view_as_complex.html
    """

    def arguments(input):
        if input.dtype not in (dtypes.float16, dtypes.float32, dtypes.float64):
            raise RuntimeError(
                "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar "
                "type: "
                f"{_name(input)}"
            )
        if input.dtype is dtypes.float16:
            raise RuntimeError(
                "view_as_complex: pairs of float16 would be complex32, which does not exist here; use .float()"
            )
        if input.ndim == 0:
            raise RuntimeError("Input tensor must have one or more dimensions")
        if input.shape[-1] != 2:
            raise RuntimeError("Tensor must have a last dimension of size 2")
        if input.stride(-1) != 1:
            raise RuntimeError("Tensor must have a last dimension with stride 1")
        for dim, step in enumerate(input.stride()[:-1]):
            if step % 2:
                raise RuntimeError(f"Tensor must have a stride divisible by 2 for all but last dimension (dim {dim})")
        if input.storage_offset() % 2:
            raise RuntimeError("Tensor must have a storage_offset divisible by 2")
        return (input,), {}

    def forward(xp, a):
        return a.view("c8" if a.dtype.itemsize == 4 else "c16")[..., 0]

    def backward(ctx, g):
        return view_as_real(g)


# ---- size and direction ------------------------------------------------------------------------------------------


@op()
class angle:
    """angle(input, *, out=None) -> Tensor: the angle of each complex number, in radians; of a real one 0 or π.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.angle.html
    """

    def forward(xp, a):
        if a.dtype.kind == "c":
            return xp.angle(a)
        x = to_float(a)
        turned = xp.where(x < 0, wide(x).dtype.type(math.pi), wide(x).dtype.type(0))
        return narrow(xp.where(x != x, wide(x), turned), x.dtype)

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (z,) = ctx.saved_tensors
        if not z.is_complex():
            return g * 0
        size = z.abs()
        return (g * (z * 1j) / (size * size)).masked_fill(size == 0, 0)


@op(method=False)
class polar:
    """polar(abs, angle, *, out=None) -> Tensor: complex numbers of the given sizes and angles.

    >>> import course_lib as torch
    >>> torch.polar(torch.tensor([2.]), torch.tensor([0.]))
    tensor([2.+0.j])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.polar.html
    """

    def arguments(abs, angle):
        _require_parts("polar", abs=abs, angle=angle)
        return (abs, angle), {}

    def forward(xp, size, angle):
        return _joined(xp, size * xp.cos(angle), size * xp.sin(angle))

    def save(ctx, out, size, angle):
        ctx.save_output(out)
        ctx.inputs = tuple([(t._array.shape, t._array.dtype) for t in (size, angle)])

    def backward(ctx, g):
        (z,) = ctx.saved_tensors
        back = g.conj()
        return (back * z.sgn()).real, (back * (z * 1j)).real


def _require_parts(name: str, **parts) -> None:
    for position, (parameter, value) in enumerate(parts.items(), 1):
        if not isinstance(value, Tensor):
            raise argument_error(name, parameter, position, value)
    first, second = parts.values()
    floats = (dtypes.float16, dtypes.float32, dtypes.float64)
    if first.dtype not in floats or second.dtype not in floats:
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {_name(first)} and {_name(second)}"
        )
    if first.dtype is not second.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {_name(first)} but got scalar type {_name(second)} for second argument"
        )


@function(method=True)
def isreal(input):
    """isreal(input) -> Tensor: bool, whether the imaginary part is 0.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.isreal.html
    """
    return input.imag == 0 if input.is_complex() else ones_like(input, dtype=dtypes.bool)
