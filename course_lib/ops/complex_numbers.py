"""Complex tensors: their parts, conjugates, and how they are put together."""

from __future__ import annotations

from ..tensor import Tensor
from ._op import function, op


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

    def forward(xp, a):
        return xp.conj(a)

    def backward(ctx, g):
        return g.conj()


@function(method=True)
def resolve_conj(input):
    """resolve_conj(input) -> Tensor: itself; conjugates are computed at once here."""
    return input


@function(method=True, alias="conj_physical")
def conj(input):
    """conj(input) -> Tensor: the complex conjugate; a real tensor itself.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.conj.html
    """
    return conjugate(input) if input._array.dtype.kind == "c" else input


@function()
def complex(real, imag, *, out=None):
    """complex(real, imag) -> Tensor: complex numbers from their two parts.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.complex.html
    """
    if real.dtype is not imag.dtype:
        raise RuntimeError(f"Expected object of scalar type {_name(real)} but got scalar type {_name(imag)} for second argument")
    return real.to(real.dtype.to_complex()) + imag.to(imag.dtype.to_complex()) * 1j


def _name(tensor) -> str:
    from ..dtypes import legacy_name

    return legacy_name(tensor.dtype)
