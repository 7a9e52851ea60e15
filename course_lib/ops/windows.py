"""Windows: weights that fade a stretch of a signal out at both ends. torch.hann_window … and torch.signal.windows.

Each is a formula in the position x, which runs from 0 to 1 over the window; computed in float64 and rounded once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable

import numpy as np

from ..dtypes import c_name, float32, float64, get_default_dtype
from ..layouts import strided
from ..tensor import Tensor
from ._op import function
from .from_data import from_numpy

# ---- formulas ----------------------------------------------------------------------------------------------------


def _positions(length: int, whole: bool):
    """0, …, 1 (whole) or up to one step before 1: then the window fits to its own repetition."""
    return np.arange(length) / max(length - 1 if whole else length, 1)


def _cosines(x, coefficients):
    """a0 - a1 cos(2 pi x) + a2 cos(4 pi x) - …"""
    return sum((-1) ** k * a * np.cos(2 * math.pi * k * x) for k, a in enumerate(coefficients))


def _triangle(x):
    return 1 - np.abs(2 * x - 1)


def _kaiser(x, beta: float):
    return np.i0(beta * np.sqrt(np.clip(1 - (2 * x - 1) ** 2, 0, None))) / np.i0(beta)


def _finished(values, dtype, device, requires_grad: bool) -> Tensor:
    made = from_numpy(np.asarray(values, np.float64).astype(dtype.numpy))
    made = made if device is None else made.to(device)
    return made.requires_grad_(requires_grad)


# ---- torch.*_window ----------------------------------------------------------------------------------------------


def _window(name: str, length, periodic: bool, formula, dtype, device, requires_grad: bool) -> Tensor:
    if not isinstance(length, (int, np.integer)):
        raise TypeError(f"{name}(): argument 'window_length' (position 1) must be int, not {type(length).__name__}")
    dtype = dtype or get_default_dtype()
    if not dtype.is_floating_point:
        raise RuntimeError(
            f"{name} expects floating point dtypes, got: TensorOptions(dtype={c_name(dtype)}, device=cpu, "
            "layout=Strided "
            "(default), requires_grad=false (default), pinned_memory=false, memory_format=(nullopt))"
        )
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    values = np.ones(1) if length == 1 else formula(_positions(length, not periodic))
    return _finished(values, dtype, device, requires_grad)


@function()
def hann_window(
    window_length, periodic=True, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):
    """hann_window(window_length, periodic=True, *, dtype=None, device=None, requires_grad=False) -> Tensor

    `(1 - cos(2 pi x)) / 2`; periodic: made to be repeated, else symmetric.

    >>> import course_lib as torch
    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.hann_window.html
    """
    formula = lambda x: _cosines(x, (0.5, 0.5))
    return _window("hann_window", window_length, periodic, formula, dtype, device, requires_grad)


@function()
def hamming_window(
    window_length,
    periodic=True,
    alpha=0.54,
    beta=0.46,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """hamming_window(window_length, periodic=True, alpha=0.54, beta=0.46, *, dtype=None, …) -> Tensor

    `alpha - beta cos(2 pi x)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.hamming_window.html
    """
    formula = lambda x: _cosines(x, (alpha, beta))
    return _window("hamming_window", window_length, periodic, formula, dtype, device, requires_grad)


@function()
def blackman_window(
    window_length, periodic=True, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):
    """blackman_window(window_length, periodic=True, *, dtype=None, …) -> Tensor

    `0.42 - 0.5 cos(2 pi x) + 0.08 cos(4 pi x)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.blackman_window.html
    """
    formula = lambda x: _cosines(x, (0.42, 0.5, 0.08))
    return _window("blackman_window", window_length, periodic, formula, dtype, device, requires_grad)


@function()
def bartlett_window(
    window_length, periodic=True, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):
    """bartlett_window(window_length, periodic=True, *, dtype=None, …) -> Tensor: a triangle, `1 - |2 x - 1|`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bartlett_window.html
    """
    return _window("bartlett_window", window_length, periodic, _triangle, dtype, device, requires_grad)


@function()
def kaiser_window(
    window_length,
    periodic=True,
    beta=12.0,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """kaiser_window(window_length, periodic=True, beta=12.0, *, dtype=None, …) -> Tensor

    `I0(beta sqrt(1 - (2 x - 1)^2)) / I0(beta)` with the modified Bessel function I0.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.kaiser_window.html
    """
    formula = lambda x: _kaiser(x, beta)
    return _window("kaiser_window", window_length, periodic, formula, dtype, device, requires_grad)


# ---- torch.signal.windows ----------------------------------------------------------------------------------------


def _made(name: str, M: int, sym: bool, formula, dtype, device, requires_grad: bool) -> Tensor:
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    dtype = dtype or get_default_dtype()
    if dtype not in (float32, float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    values = np.ones(M) if M <= 1 else formula(_positions(M, sym))
    return _finished(values, dtype, device, requires_grad)


def _declared(made):
    """Register a window function that makes strided tensors only."""

    @functools.wraps(made)
    def public(*args, layout=None, **named):
        if layout not in (None, strided):
            raise ValueError(f"{made.__name__} is implemented for strided tensors only, got: {layout}")
        return made(*args, **named)

    return function(namespace="signal.windows")(public)


@_declared
def general_cosine(M, *, a: Iterable, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """signal.windows.general_cosine(M, *, a, sym=True, dtype=None, …) -> Tensor

    `a0 - a1 cos(2 pi x) + a2 cos(4 pi x) - …`

    Source: https://docs.pytorch.org/docs/stable/generated/torch.signal.windows.general_cosine.html
    """
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    return _made("general_cosine", M, sym, lambda x: _cosines(x, a) + 0 * x, dtype, device, requires_grad)


@_declared
def general_hamming(M, *, alpha=0.54, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """signal.windows.general_hamming(M, *, alpha=0.54, sym=True, dtype=None, …) -> Tensor

    `alpha - (1 - alpha) cos(2 pi x)`

    Source: https://docs.pytorch.org/docs/stable/generated/torch.signal.windows.general_hamming.html
    """
    return general_cosine(M, a=[alpha, 1 - alpha], sym=sym, dtype=dtype, device=device, requires_grad=requires_grad)


@_declared
def hamming(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """signal.windows.hamming(M, *, sym=True, dtype=None, …) -> Tensor: `0.54 - 0.46 cos(2 pi x)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.signal.windows.hamming.html
    """
    return general_hamming(M, sym=sym, dtype=dtype, device=device, requires_grad=requires_grad)


@_declared
def hann(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """signal.windows.hann(M, *, sym=True, dtype=None, …) -> Tensor: `(1 - cos(2 pi x)) / 2`.

    >>> import course_lib as torch
    >>> torch.signal.windows.hann(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.signal.windows.hann.html
    """
    return general_hamming(M, alpha=0.5, sym=sym, dtype=dtype, device=device, requires_grad=requires_grad)


@_declared
def blackman(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """signal.windows.blackman(M, *, sym=True, dtype=None, …) -> Tensor: `0.42 - 0.5 cos(2 pi x) + 0.08 cos(4 pi x)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.signal.windows.blackman.html
    """
    return _made("blackman", M, sym, lambda x: _cosines(x, (0.42, 0.5, 0.08)), dtype, device, requires_grad)


@_declared
def nuttall(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """signal.windows.nuttall(M, *, sym=True, dtype=None, …) -> Tensor: four cosine terms with very low side lobes.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.signal.windows.nuttall.html
    """
    a = [0.3635819, 0.4891775, 0.1365995, 0.0106411]
    return general_cosine(M, a=a, sym=sym, dtype=dtype, device=device, requires_grad=requires_grad)


@_declared
def bartlett(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """signal.windows.bartlett(M, *, sym=True, dtype=None, …) -> Tensor: a triangle, `1 - |2 x - 1|`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.signal.windows.bartlett.html
    """
    return _made("bartlett", M, sym, _triangle, dtype, device, requires_grad)


@_declared
def cosine(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """signal.windows.cosine(M, *, sym=True, dtype=None, …) -> Tensor: half a wave, `sin(pi (n + 1/2) / M)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.signal.windows.cosine.html
    """
    count = M if sym else M + 1
    formula = lambda x: np.sin(math.pi * (np.arange(M) + 0.5) / count)
    return _made("cosine", M, sym, formula, dtype, device, requires_grad)


@_declared
def exponential(M, *, center=None, tau=1.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """signal.windows.exponential(M, *, center=None, tau=1.0, sym=True, dtype=None, …) -> Tensor

    `exp(-|n - center| / tau)`

    Source: https://docs.pytorch.org/docs/stable/generated/torch.signal.windows.exponential.html
    """
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    middle = (M - 1 if sym else M) / 2 if center is None else center
    formula = lambda x: np.exp(-np.abs(np.arange(M) - middle) / tau)
    return _made("exponential", M, sym, formula, dtype, device, requires_grad)


@_declared
def gaussian(M, *, std=1.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """signal.windows.gaussian(M, *, std=1.0, sym=True, dtype=None, …) -> Tensor: `exp(-((n - middle) / std)^2 / 2)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.signal.windows.gaussian.html
    """
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    middle = (M - 1 if sym else M) / 2
    formula = lambda x: np.exp(-(((np.arange(M) - middle) / std) ** 2) / 2)
    return _made("gaussian", M, sym, formula, dtype, device, requires_grad)


@_declared
def kaiser(M, *, beta=12.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """signal.windows.kaiser(M, *, beta=12.0, sym=True, dtype=None, …) -> Tensor; see `torch.kaiser_window`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.signal.windows.kaiser.html
    """
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return _made("kaiser", M, sym, lambda x: _kaiser(x, beta), dtype, device, requires_grad)
