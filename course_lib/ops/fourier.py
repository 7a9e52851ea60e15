"""torch.fft: discrete Fourier transforms.

Three ops compute: complex to complex over any dimensions, real to half-spectrum and back along one. The adjoint of each
is the transform in the other direction with the other normalisation, which is their gradient. All else is composed.
"""

from __future__ import annotations

import numpy as np

from ..dtypes import FLOAT, get_default_dtype, legacy_name
from ..tensor import Tensor, normalize_dim
from ._numeric import is_half
from ._op import op
from ._public import public
from .from_data import tensor
from .joining import cat

_ADJOINT = {"backward": "forward", "forward": "backward", "ortho": "ortho"}  # which direction divides by n


# ---- the three ops -----------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="FftC2C")
class complex_transform:
    """The transform over `dims`, or its inverse."""

    def forward(xp, a, *, dims, norm, inverse):
        if len(dims) == 1:
            made = (xp.fft.ifft if inverse else xp.fft.fft)(a, axis=dims[0], norm=norm)
        else:
            made = (xp.fft.ifftn if inverse else xp.fft.fftn)(a, axes=dims, norm=norm) if dims else a
        return made.astype(np.result_type(a.dtype, np.complex64), copy=not dims)

    def save(ctx, out, a, *, dims, norm, inverse):
        ctx.dims, ctx.norm, ctx.inverse, ctx.real = dims, norm, inverse, not a.is_complex()

    def backward(ctx, g):
        made = complex_transform(g, dims=ctx.dims, norm=_ADJOINT[ctx.norm], inverse=not ctx.inverse)
        return made.real if ctx.real else made


@op(method=False, namespace=None, node="FftR2C")
class half_spectrum:
    """The first n // 2 + 1 frequencies of a real signal; the others are their conjugates."""

    def forward(xp, a, *, dim, norm):
        return xp.fft.rfft(a, axis=dim, norm=norm)

    def save(ctx, out, a, *, dim, norm):
        ctx.n, ctx.dim, ctx.norm = a.shape[dim], dim, norm

    def backward(ctx, g):
        return real_signal(g / _counts(g, ctx.dim, ctx.n), n=ctx.n, dim=ctx.dim, norm=_ADJOINT[ctx.norm])


@op(method=False, namespace=None, node="FftC2R")
class real_signal:
    """The real signal of `n` samples that has the given half-spectrum."""

    def forward(xp, a, *, n, dim, norm):
        return xp.fft.irfft(a, n, axis=dim, norm=norm)

    def save(ctx, out, a, *, n, dim, norm):
        ctx.n, ctx.dim, ctx.norm = n, dim, norm

    def backward(ctx, g):
        made = half_spectrum(g, dim=ctx.dim, norm=_ADJOINT[ctx.norm])
        return made * _counts(made, ctx.dim, ctx.n)


def _counts(spectrum: Tensor, dim: int, n: int) -> Tensor:
    """How often each frequency of a half-spectrum occurs in the whole: 2, but 1 for the first and the middle one."""
    counts = spectrum.real.new_full((spectrum.shape[dim],), 2.0)
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    return counts.reshape([-1 if d == dim else 1 for d in range(spectrum.ndim)])


# ---- arguments ---------------------------------------------------------------------------------------------------


def _mode(norm) -> str:
    if norm not in (None, "backward", "forward", "ortho"):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    return norm or "backward"


def _as_signal(input: Tensor) -> Tensor:
    """Integers as floats; half precision is refused."""
    if is_half(input._array.dtype):
        raise RuntimeError(f"Unsupported dtype {legacy_name(input.dtype)}")
    return input.to(get_default_dtype()) if input.dtype.category < FLOAT else input


def _as_complex(input: Tensor) -> Tensor:
    input = _as_signal(input)
    return input if input.is_complex() else input.to(input.dtype.to_complex())


def _one_dim(input: Tensor, dim: int) -> int:
    if input.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return normalize_dim(dim, input.ndim)


def _dims_and_sizes(input: Tensor, s, dim) -> tuple[list[int], list[int]]:
    """The dimensions to transform and their sizes; -1 in `s` keeps a size."""
    ndim = input.ndim
    s = [s] if isinstance(s, int) else None if s is None else list(s)
    dims = [dim] if isinstance(dim, int) else None if dim is None else list(dim)
    if dims is not None:
        dims = [_one_dim(input, d) for d in dims]
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
        if s is not None and len(s) != len(dims):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
    elif s is not None:
        if len(s) > ndim:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {ndim} dimensions.")
        dims = list(range(ndim - len(s), ndim))
    else:
        dims = list(range(ndim))
    sizes = [input.shape[d] if s is None or s[i] == -1 else s[i] for i, d in enumerate(dims)]
    for n in sizes:
        _require_points(n)
    return dims, sizes


def _require_points(n: int) -> None:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")


def _resized(input: Tensor, dims, sizes) -> Tensor:
    """Cut or filled up with zeros at the end of each dimension."""
    for dim, n in zip(dims, sizes, strict=True):
        have = input.shape[dim]
        if n < have:
            input = input.narrow(dim, 0, n)
        elif n > have:
            shape = list(input.shape)
            shape[dim] = n - have
            input = cat([input, input.new_zeros(shape)], dim)
    return input


# ---- complex transforms ------------------------------------------------------------------------------------------


def _transform(input, s, dim, norm, inverse: bool) -> Tensor:
    input = _as_signal(input)
    dims, sizes = _dims_and_sizes(input, s, dim)
    return complex_transform(_resized(input, dims, sizes), dims=tuple(dims), norm=_mode(norm), inverse=inverse)


def _line(input, n, dim, norm, inverse: bool) -> Tensor:
    dim = _one_dim(input, dim)
    if n is not None:
        _require_points(n)
    return _transform(input, None if n is None else [n], [dim], norm, inverse)


@public(namespace="fft")
def fft(input, n=None, dim=-1, norm=None):
    """fft.fft(input, n=None, dim=-1, norm=None, *, out=None) -> Tensor

    The discrete Fourier transform along `dim`, of `n` points (the input is cut or filled up with zeros). norm:
    "backward" (no factor), "forward" (1 / n) or "ortho" (1 / sqrt n). float32 gives complex64.

    >>> import course_lib as torch
    >>> torch.fft.fft(torch.tensor([1., 0., 0., 0.]))
    tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.fft.html
    """
    return _line(input, n, dim, norm, False)


@public(namespace="fft")
def ifft(input, n=None, dim=-1, norm=None):
    """fft.ifft(input, n=None, dim=-1, norm=None, *, out=None) -> Tensor: the inverse of `fft`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.ifft.html
    """
    return _line(input, n, dim, norm, True)


@public(namespace="fft")
def fftn(input, s=None, dim=None, norm=None):
    """fft.fftn(input, s=None, dim=None, norm=None, *, out=None) -> Tensor: `fft` over several dimensions, or all.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.fftn.html
    """
    return _transform(input, s, dim, norm, False)


@public(namespace="fft")
def ifftn(input, s=None, dim=None, norm=None):
    """fft.ifftn(input, s=None, dim=None, norm=None, *, out=None) -> Tensor: the inverse of `fftn`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.ifftn.html
    """
    return _transform(input, s, dim, norm, True)


@public(namespace="fft")
def fft2(input, s=None, dim=(-2, -1), norm=None):
    """fft.fft2(input, s=None, dim=(-2, -1), norm=None, *, out=None) -> Tensor: `fft` over two dimensions.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.fft2.html
    """
    return _transform(input, s, dim, norm, False)


@public(namespace="fft")
def ifft2(input, s=None, dim=(-2, -1), norm=None):
    """fft.ifft2(input, s=None, dim=(-2, -1), norm=None, *, out=None) -> Tensor: the inverse of `fft2`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.ifft2.html
    """
    return _transform(input, s, dim, norm, True)


# ---- real signals ------------------------------------------------------------------------------------------------


def _spectrum(input, dims, sizes, norm: str) -> Tensor:
    """Real signals: the half-spectrum of the last dimension, then the whole of the others."""
    made = half_spectrum(_resized(input, dims, sizes), dim=dims[-1], norm=norm)
    return complex_transform(made, dims=tuple(dims[:-1]), norm=norm, inverse=False) if dims[1:] else made


def _signal(input, dims, sizes, norm: str) -> Tensor:
    """Back from it: `sizes` are those of the signal."""
    kept = [*sizes[:-1], sizes[-1] // 2 + 1]
    made = _resized(input, dims, kept)
    if dims[1:]:
        made = complex_transform(made, dims=tuple(dims[:-1]), norm=norm, inverse=True)
    return real_signal(made, n=sizes[-1], dim=dims[-1], norm=norm)


def _require_real(sentence: str, input: Tensor) -> Tensor:
    if input.is_complex():
        raise RuntimeError(sentence.format(legacy_name(input.dtype)))
    return _as_signal(input)


def _last_is_signal(name: str, input: Tensor, s, dim) -> tuple[list[int], list[int]]:
    """Dimensions and sizes of a real result; without `s` the last has 2 (m - 1) samples."""
    given = s is not None and (isinstance(s, int) or len(s) > 0) and (s if isinstance(s, int) else s[-1]) != -1
    dims, sizes = _dims_and_sizes(input, s, dim)
    _require_some(name, dims)
    if not given:
        sizes[-1] = 2 * (input.shape[dims[-1]] - 1)
    _require_points(sizes[-1])
    return dims, sizes


def _require_some(name: str, dims) -> None:
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")


@public(namespace="fft")
def rfft(input, n=None, dim=-1, norm=None):
    """fft.rfft(input, n=None, dim=-1, norm=None, *, out=None) -> Tensor

    The transform of a real signal: only the first n // 2 + 1 frequencies, as the others are their conjugates.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.rfft.html
    """
    input = _require_real("rfft expects a real input tensor, but got {}", input)
    dims, sizes = _dims_and_sizes(input, None if n is None else [n], [_one_dim(input, dim)])
    return _spectrum(input, dims, sizes, _mode(norm))


@public(namespace="fft")
def irfft(input, n=None, dim=-1, norm=None):
    """fft.irfft(input, n=None, dim=-1, norm=None, *, out=None) -> Tensor: the inverse of `rfft`; n is 2 (m - 1).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.irfft.html
    """
    input = _as_complex(input)
    dims, sizes = _last_is_signal("irfft", input, None if n is None else [n], [_one_dim(input, dim)])
    return _signal(input, dims, sizes, _mode(norm))


@public(namespace="fft")
def hfft(input, n=None, dim=-1, norm=None):
    """fft.hfft(input, n=None, dim=-1, norm=None, *, out=None) -> Tensor

    The real spectrum of a signal of which the first half is given, the other half being its conjugate.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.hfft.html
    """
    input = _as_complex(input).conj()
    dims, sizes = _last_is_signal("hfft", input, None if n is None else [n], [_one_dim(input, dim)])
    return _signal(input, dims, sizes, _ADJOINT[_mode(norm)])


@public(namespace="fft")
def ihfft(input, n=None, dim=-1, norm=None):
    """fft.ihfft(input, n=None, dim=-1, norm=None, *, out=None) -> Tensor: the inverse of `hfft`, half a signal.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.ihfft.html
    """
    input = _require_real("ihfft expects a real input tensor, but got {}", input)
    dims, sizes = _dims_and_sizes(input, None if n is None else [n], [_one_dim(input, dim)])
    return _spectrum(input, dims, sizes, _ADJOINT[_mode(norm)]).conj()


@public(namespace="fft")
def rfftn(input, s=None, dim=None, norm=None):
    """fft.rfftn(input, s=None, dim=None, norm=None, *, out=None) -> Tensor

    `rfft` along the last of the dimensions, `fft` along the others.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.rfftn.html
    """
    input = _require_real("rfftn expects a real-valued input tensor, but got {}", input)
    dims, sizes = _dims_and_sizes(input, s, dim)
    _require_some("rfftn", dims)
    return _spectrum(input, dims, sizes, _mode(norm))


@public(namespace="fft")
def irfftn(input, s=None, dim=None, norm=None):
    """fft.irfftn(input, s=None, dim=None, norm=None, *, out=None) -> Tensor: the inverse of `rfftn`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.irfftn.html
    """
    input = _as_complex(input)
    dims, sizes = _last_is_signal("irfftn", input, s, dim)
    return _signal(input, dims, sizes, _mode(norm))


@public(namespace="fft")
def rfft2(input, s=None, dim=(-2, -1), norm=None):
    """fft.rfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None) -> Tensor: `rfftn` over two dimensions.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.rfft2.html
    """
    return rfftn(input, s, dim, norm)


@public(namespace="fft")
def irfft2(input, s=None, dim=(-2, -1), norm=None):
    """fft.irfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None) -> Tensor: the inverse of `rfft2`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.irfft2.html
    """
    return irfftn(input, s, dim, norm)


@public(namespace="fft")
def hfftn(input, s=None, dim=None, norm=None):
    """fft.hfftn(input, s=None, dim=None, norm=None, *, out=None) -> Tensor

    `hfft` along the last of the dimensions, `fft` along the others.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.hfftn.html
    """
    input = _as_complex(input).conj()
    dims, sizes = _last_is_signal("hfftn", input, s, dim)
    return _signal(input, dims, sizes, _ADJOINT[_mode(norm)])


@public(namespace="fft")
def ihfftn(input, s=None, dim=None, norm=None):
    """fft.ihfftn(input, s=None, dim=None, norm=None, *, out=None) -> Tensor: the inverse of `hfftn`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.ihfftn.html
    """
    input = _require_real("Only supports floating-point dtypes, but found: {}", input)
    dims, sizes = _dims_and_sizes(input, s, dim)
    _require_some("ihfftn", dims)
    return _spectrum(input, dims, sizes, _ADJOINT[_mode(norm)]).conj()


@public(namespace="fft")
def hfft2(input, s=None, dim=(-2, -1), norm=None):
    """fft.hfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None) -> Tensor: `hfftn` over two dimensions.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.hfft2.html
    """
    return hfftn(input, s, dim, norm)


@public(namespace="fft")
def ihfft2(input, s=None, dim=(-2, -1), norm=None):
    """fft.ihfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None) -> Tensor: the inverse of `hfft2`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.ihfft2.html
    """
    return ihfftn(input, s, dim, norm)


# ---- frequencies -------------------------------------------------------------------------------------------------


def _frequencies(name: str, numbers, n: int, d: float, dtype, device, requires_grad: bool) -> Tensor:
    dtype = dtype or get_default_dtype()
    if dtype.category < FLOAT:
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    made = tensor(numbers, dtype=dtype, device=device) * (1.0 / (n * d) if n else 1.0)
    return made.requires_grad_(requires_grad)


@public(tensors=0, namespace="fft")
def fftfreq(n, d=1.0, *, dtype=None, layout=None, device=None, requires_grad=False):
    """fft.fftfreq(n, d=1.0, *, out=None, dtype=None, device=None, requires_grad=False) -> Tensor

    The frequencies that `fft` of `n` points, `d` apart, gives: 0, 1, …, and then the negative ones, over n d.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.fftfreq.html
    """
    numbers = [*range((n + 1) // 2), *range(-(n // 2), 0)]
    return _frequencies("fftfreq", numbers, n, d, dtype, device, requires_grad)


@public(tensors=0, namespace="fft")
def rfftfreq(n, d=1.0, *, dtype=None, layout=None, device=None, requires_grad=False):
    """fft.rfftfreq(n, d=1.0, *, out=None, dtype=None, device=None, requires_grad=False) -> Tensor: those of `rfft`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.rfftfreq.html
    """
    return _frequencies("rfftfreq", list(range(n // 2 + 1)), n, d, dtype, device, requires_grad)


def _rolled(input, dim, back: bool) -> Tensor:
    dims = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    dims = [normalize_dim(d, input.ndim) for d in dims]
    if not dims:
        return input.clone()
    shifts = [(input.shape[d] + 1) // 2 if back else input.shape[d] // 2 for d in dims]
    return input.roll(shifts, dims)


@public(namespace="fft")
def fftshift(input, dim=None):
    """fft.fftshift(input, dim=None) -> Tensor: the spectrum with frequency 0 moved to the middle.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.fftshift.html
    """
    return _rolled(input, dim, False)


@public(namespace="fft")
def ifftshift(input, dim=None):
    """fft.ifftshift(input, dim=None) -> Tensor: the inverse of `fftshift`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.fft.ifftshift.html
    """
    return _rolled(input, dim, True)
