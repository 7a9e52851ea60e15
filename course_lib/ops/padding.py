"""pad: elements added around the last dimensions (or cut off, where a number is negative)."""

from __future__ import annotations

from ..dtypes import int64
from ..tensor import Tensor
from ._arguments import argument_error
from ._autocast import AUTOCAST, in_float32
from ._numeric import in_layout_of
from ._op import function, op
from .from_data import tensor as new_tensor

MODES = ("constant", "reflect", "replicate", "circular")


@op(method=False, namespace=None, node="ConstantPadNd")
class pad_constant:
    """A frame of one value; negative widths cut off."""

    def forward(xp, a, *, widths, value):
        made = xp.full([n + before + after for n, (before, after) in zip(a.shape, widths, strict=True)], value, a.dtype)
        inside, kept = [], []
        for n, (before, after) in zip(a.shape, widths, strict=True):
            inside.append(slice(max(before, 0), max(before, 0) + n + min(before, 0) + min(after, 0)))
            kept.append(slice(max(-before, 0), n + min(after, 0)))
        made[tuple(inside)] = a[tuple(kept)]
        return in_layout_of(xp, made, a)

    def save(ctx, out, a, *, widths, value):
        ctx.widths = widths

    def backward(ctx, g):
        return pad_constant(g, widths=tuple([(-before, -after) for before, after in ctx.widths]), value=0)


def _pairs(pad) -> list[tuple[int, int]]:
    """(before, after) of each padded dimension, the last dimension first, as `pad` lists them."""
    return [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)]


def _check_length(input, pad) -> None:
    if len(pad) > 2 * input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.ndim}"
        )


def _constant(input, pad, value) -> Tensor:
    _check_length(input, pad)
    pairs = _pairs(pad)
    widths = [(0, 0)] * (input.ndim - len(pairs)) + pairs[::-1]
    for dim, (n, (before, after)) in enumerate(zip(input.shape, widths, strict=True)):
        if n + before + after < 0:
            raise RuntimeError(
                f"The input size {n}, plus negative padding {before} and {after} resulted in a negative output size, "
                f"which is invalid. Check dimension {dim} of your input."
                if before >= 0 or after >= 0 or n + before >= 0 and n + after >= 0 and before * after == 0
                else "narrow(): length must be non-negative."
            )
    return pad_constant(input, widths=tuple(widths), value=0 if value is None else value)


def _positions(mode: str, n: int, before: int, after: int) -> list[int]:
    """For each element of the padded dimension the element of the input that stands there."""
    if mode == "circular":  # what a negative number cuts off does not come back on the other side
        start, kept = max(-before, 0), n + min(before, 0) + min(after, 0)
        return [start + i % kept for i in range(-max(before, 0), kept + max(after, 0))]
    places = range(-before, n + after)
    if mode == "replicate":
        return [min(max(i, 0), n - 1) for i in places]
    period = max(2 * (n - 1), 1)
    return [(n - 1) - abs((n - 1) - i % period) for i in places]


def _check_copied(input, pad, mode: str) -> None:
    """Refuse what cannot be reflected, repeated or wrapped around."""
    _check_length(input, pad)
    dims = len(pad) // 2
    if input.ndim not in (dims + 1, dims + 2) or dims > 3:
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor.\nSupported combinations for "
            "non-constant padding:\n  - 2D or 3D input: padding size = 2 (pads last dimension)\n  - 3D or 4D input: "
            "padding size = 4 (pads last 2 dimensions)\n  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    for i, (before, after) in enumerate(_pairs(pad)):
        n = input.shape[-1 - i]
        if mode == "reflect" and (before >= n or after >= n):
            raise RuntimeError(
                f"Argument #{4 + 2 * i}: Padding size should be less than the corresponding input dimension, but got: "
                f"padding ({before}, {after}) at dimension {input.ndim - 1 - i} of input {list(input.shape)}"
            )
        if mode == "circular" and (before > n or after > n):
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if mode == "circular" and n + before + after < 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
    if mode != "circular":
        _check_room(input, pad, mode)


def _check_room(input, pad, mode: str) -> None:
    """RuntimeError where nothing would be left, or less than nothing."""
    dims = len(pad) // 2
    given = input.shape[-dims:]
    made = [n + sum(pair) for n, pair in zip(given, _pairs(pad)[::-1], strict=True)]
    if max(made) < 1:
        names = ("D", "H", "W")[-dims:]
        shown, left = [[f"{name}: {n}" for name, n in zip(names, part, strict=True)] for part in (given, made)]
        listed = ", ".join([part for part in (" ".join(shown[:-1]), shown[-1]) if part])
        space = " " if dims == 2 and mode == "replicate" else ""
        raise RuntimeError(f"input ({listed}{space}) is too small. Calculated output {' '.join(left)}")
    if min(made) < 0:
        shape = [*input.shape[:-dims], *made]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(made)}: {shape}")


@function(namespace="nn.functional")
def pad(input, pad, mode="constant", value=None):
    """pad(input, pad, mode='constant', value=None) -> Tensor

    `pad` holds (before, after) for the last dimension, then for the one before it, and so on. mode: 'constant' fills
    with `value` (0), 'reflect' mirrors without repeating the edge, 'replicate' repeats the edge, 'circular' wraps
    around; the last three pad up to three dimensions behind batch and channel. Negative numbers cut off.

    >>> import course_lib as torch
    >>> torch.nn.functional.pad(torch.tensor([1, 2]), (1, 2))
    tensor([0, 1, 2, 0, 0])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
    """
    if not isinstance(input, Tensor):
        raise argument_error("pad", "input", 1, input)
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if mode == "constant":
        return _constant(input, pad, value)
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in MODES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if AUTOCAST.on and mode != "circular":
        input = in_float32(input)
    _check_copied(input, pad, mode)
    made = input
    for i, (before, after) in enumerate(_pairs(pad)):
        if before or after:
            dim = input.ndim - 1 - i
            positions = _positions(mode, input.shape[dim], before, after)
            made = made.index_select(dim, new_tensor(positions, dtype=int64, device=input.device))
    return made if made is not input else input.clone()


def _torch_constant_pad(input, pad, value=0):
    """constant_pad_nd(input, pad, value=0) -> Tensor: torch.nn.functional.pad with mode 'constant'."""
    return _constant(input, pad, value)


_torch_constant_pad.__name__ = _torch_constant_pad.__qualname__ = "constant_pad_nd"
function()(_torch_constant_pad)
