"""stft and istft: the spectra of short, overlapping, windowed frames of a signal, and the signal back from them."""

from __future__ import annotations

import math

import numpy as np

from ..dtypes import legacy_name
from ..tensor import Tensor
from ._public import public
from .creation import ones
from .fourier import fft, ifft, irfft, rfft
from .from_data import from_numpy
from .joining import cat, stack

_PADDING = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # the names that NumPy has for them


def _call(name: str, input: Tensor, prefix: str, settings: dict) -> str:
    """The call, as PyTorch's errors begin."""
    shown = {True: 1, False: 0}
    listed = ", ".join(f"{key}={shown[value] if isinstance(value, bool) else value}" for key, value in settings.items())
    return f"{name}({prefix.format(legacy_name(input.dtype))}{list(input.shape)}, {listed})"


def _shown_window(window) -> str:
    return "None" if window is None else f"torch.{legacy_name(window.dtype)}Tensor{{{list(window.shape)}}}"


def _padded(input: Tensor, amount: int, mode: str) -> Tensor:
    """`amount` more samples at both ends of the last dimension."""
    if mode == "constant":
        zeros = input.new_zeros(*input.shape[:-1], amount)
        return cat([zeros, input, zeros], -1)
    if mode not in _PADDING:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    length = input.shape[-1]
    if mode == "reflect" and amount >= length:
        shape = [1] * (3 - input.ndim) + list(input.shape)
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
            f"({amount}, {amount}) at dimension 2 of input {shape}"
        )
    order = np.pad(np.arange(length), amount, mode=_PADDING[mode])
    return input.index_select(-1, from_numpy(order).to(input.device))


def _whole_window(window, win_length: int, n_fft: int, like: Tensor) -> Tensor:
    """The window with zeros around it, of n_fft samples."""
    if window is None:
        window = ones(win_length, dtype=like.dtype.to_real() if like.is_complex() else like.dtype, device=like.device)
    left = (n_fft - win_length) // 2
    if win_length == n_fft:
        return window
    return cat([window.new_zeros(left), window, window.new_zeros(n_fft - win_length - left)])


@public(method=True)
def stft(
    input,
    n_fft,
    hop_length=None,
    win_length=None,
    window=None,
    center=True,
    pad_mode="reflect",
    normalized=False,
    onesided=None,
    return_complex=None,
    align_to_window=None,
):
    """stft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode='reflect',
    normalized=False, onesided=None, return_complex=None) -> Tensor

    The short-time Fourier transform of signals (length,) or (batch, length): (…, frequencies, frames). Frame t starts
    at sample `t * hop_length` (is centred there if `center`). onesided (the default for real signals) keeps the first
    n_fft // 2 + 1 frequencies; normalized divides by sqrt(n_fft).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.stft.html
    """
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    if center:
        input = _padded(input, n_fft // 2, pad_mode)
    settings = {"n_fft": n_fft, "hop_length": hop_length, "win_length": win_length, "window": _shown_window(window),
                "normalized": normalized, "onesided": onesided, "return_complex": return_complex,
                "align_to_window": align_to_window}  # fmt: skip

    def refuse(why: str):
        raise RuntimeError(f"{_call('stft', input, 'torch.{}Tensor', settings)} : {why}")

    complex_input = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None and not complex_input:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release."
        )
    if input.dtype.category < 2:
        refuse("expected a tensor of floating point or complex values")
    if input.ndim not in (1, 2):
        refuse("expected a 1D or 2D tensor")
    if not 0 < n_fft <= input.shape[-1]:
        refuse(f"expected 0 < n_fft < {input.shape[-1]}, but got n_fft={n_fft}")
    if hop_length <= 0:
        refuse(f"expected hop_length > 0, but got hop_length={hop_length}")
    if not 0 < win_length <= n_fft:
        refuse(f"expected 0 < win_length <= n_fft, but got win_length={win_length}")
    if window is not None and window.shape != (win_length,):
        refuse(
            f"expected a 1D window tensor of size equal to win_length={win_length}, but got window with size "
            f"{list(window.shape)}"
        )
    if onesided and complex_input:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    onesided = not complex_input if onesided is None else onesided
    frames = input.unfold(-1, n_fft, hop_length) * _whole_window(window, win_length, n_fft, input)
    made = (rfft if onesided else fft)(frames, norm="ortho" if normalized else None).transpose(-2, -1)
    if return_complex or (return_complex is None and complex_input):
        return made
    return stack([made.real, made.imag], -1)


@public(method=True)
def istft(
    input,
    n_fft,
    hop_length=None,
    win_length=None,
    window=None,
    center=True,
    normalized=False,
    onesided=None,
    length=None,
    return_complex=False,
):
    """istft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, normalized=False, onesided=None,
    length=None, return_complex=False) -> Tensor

    The inverse of `stft`: each frame is transformed back, windowed again, and added where it was; the sum is divided by
    that of the squared windows. RuntimeError where the windows leave a sample without weight.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.istft.html
    """
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    settings = {"n_fft": n_fft, "hop_length": hop_length, "win_length": win_length, "window": _shown_window(window),
                "center": center, "normalized": normalized, "onesided": onesided, "length": length,
                "return_complex": return_complex}  # fmt: skip

    def refuse(why: str):
        raise RuntimeError(f"{_call('istft', input, 'CPU{}Type', settings)} : {why}")

    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    if input.numel() == 0:
        refuse("input tensor cannot be empty.")
    if input.ndim not in (2, 3):
        refuse(f"expected a tensor with 2 or 3 dimensions, but got {input.ndim}")
    frequencies, count = input.shape[-2:]
    complex_window = window is not None and window.is_complex()
    onesided = frequencies != n_fft and not complex_window if onesided is None else onesided
    expected = n_fft // 2 + 1 if onesided else n_fft
    if frequencies != expected:
        refuse(
            f"expected the frequency dimension (3rd to the last) of the input tensor to match n_fft "
            f"{'/ 2 + 1 ' if onesided else ''}when onesided={'True' if onesided else 'False'}, but got {frequencies}"
        )
    if not 0 < hop_length <= win_length:
        refuse("expected 0 < hop_length <= win_length")
    if not 0 < win_length <= n_fft:
        refuse("expected 0 < win_length <= n_fft")
    if window is not None and window.shape != (win_length,):
        refuse("Invalid window shape. window has to be 1D and length of `win_length`")
    if return_complex and onesided:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    window = _whole_window(window, win_length, n_fft, input)
    norm = "ortho" if normalized else None
    frames = input.transpose(-2, -1)
    if return_complex:
        frames = ifft(frames, norm=norm)
    else:
        frames = irfft(frames if onesided else frames[..., : n_fft // 2 + 1], n=n_fft, norm=norm)
    total = n_fft + hop_length * (count - 1)
    signal = _overlapped(frames * window, hop_length, total)
    weight = _overlapped((window * window).expand(count, n_fft), hop_length, total)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - n_fft // 2 if center else total
    signal, weight = signal[..., start : min(end, total)], weight[..., start : min(end, total)]
    if weight.numel() and float(weight.detach().abs().min()) <= 1e-11:
        called = _call("istft", input, "CPU{}Type", settings)
        raise RuntimeError(f"{called} window overlap add min: 1\n[ CPUBoolType{{}} ]")
    signal = signal / weight
    if end > total:
        signal = cat([signal, signal.new_zeros(*signal.shape[:-1], end - total)], -1)
    return signal


def _overlapped(frames: Tensor, hop: int, total: int) -> Tensor:
    """Frames (…, count, n) added up in a signal (…, total), each `hop` samples after the one before."""
    count, n = frames.shape[-2:]
    where = np.arange(count)[:, None] * hop + np.arange(n)
    index = from_numpy(where.reshape(-1)).to(frames.device)
    lead = tuple(frames.shape[:-2])
    flat = frames.reshape(math.prod(lead), count * n)
    return flat.new_zeros(flat.shape[0], total).index_add(1, index, flat).reshape(*lead, total)
