"""Images cut into windows and put together again (unfold, fold), and channels exchanged with places (pixel_shuffle)."""

from __future__ import annotations

import math

from ..backends.sliding import Sliding
from ..tensor import Tensor
from ._device import by_kernel
from ._numeric import require_kind, tuple_of
from ._op import function, op
from .conv import add_windows, padded, windows

# ---- windows as columns ------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="Im2Col")
class image_to_columns:
    """(N, C, H, W) -> (N, C * kernel, places): every window as a column."""

    def forward(xp, a, *, kernel, dilation, padding, stride, size):
        made = by_kernel(xp, "im2col", a, size=size, sliding=Sliding(kernel, stride, padding, dilation))
        if made is not None:
            return made
        room = padded(xp, a, [(p, p) for p in padding])
        seen = windows(xp, room, kernel, stride, dilation, size)
        made = seen.reshape(a.shape[0], a.shape[1] * math.prod(kernel), math.prod(size))
        return made.copy() if xp.may_share_memory(made, a) else xp.ascontiguousarray(made)

    def save(ctx, out, a, *, size, **setting):
        ctx.setting, ctx.shape, ctx.size = setting, tuple(a.shape[2:]), size

    def backward(ctx, g):
        return columns_to_image(g, shape=ctx.shape, size=ctx.size, **ctx.setting)


@op(method=False, namespace=None, node="Col2Im")
class columns_to_image:
    """(N, C * kernel, places) -> (N, C, H, W): every column added where its window lies."""

    def forward(xp, a, *, kernel, dilation, padding, stride, shape, size):
        channels = a.shape[1] // math.prod(kernel)
        made = by_kernel(xp, "col2im", a, shape=(a.shape[0], channels, *shape), size=size,
                         sliding=Sliding(kernel, stride, padding, dilation))  # fmt: skip
        if made is not None:
            return made
        room = xp.zeros((a.shape[0], channels, *[n + 2 * p for n, p in zip(shape, padding, strict=True)]), a.dtype)
        add_windows(xp, a.reshape(a.shape[0], channels, *kernel, *size), room, kernel, stride, dilation, size)
        return xp.ascontiguousarray(room[(..., *[slice(p, p + n) for p, n in zip(padding, shape, strict=True)])])

    def save(ctx, out, a, *, shape, size, **setting):
        ctx.setting, ctx.size = setting, size

    def backward(ctx, g):
        return image_to_columns(g, size=ctx.size, **ctx.setting)


def _places(shape, kernel, dilation, padding, stride) -> tuple[int, ...]:
    return tuple([
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(shape, padding, dilation, kernel, stride, strict=True)
    ])  # fmt: skip


def _setting(kernel_size, dilation, padding, stride) -> dict:
    found = {"kernel": kernel_size, "dilation": dilation, "padding": padding, "stride": stride}
    found = {name: tuple_of(value, 2) for name, value in found.items()}
    words = {"kernel": "kernel size should be greater than zero, but got kernel_height: {} kernel_width: {}",
             "dilation": "dilation should be greater than zero, but got dilation_height: {} dilation_width: {}",
             "stride": "stride should be greater than zero, but got stride_height: {} stride_width: {}"}  # fmt: skip
    for name, text in words.items():
        if min(found[name]) <= 0:
            raise RuntimeError(text.format(*found[name]))
    if min(found["padding"]) < 0:
        height, width = found["padding"]
        raise RuntimeError(f"padding should be non-negative, but got pad_height: {height} pad_width: {width}")
    return found


@function(namespace="nn.functional")
def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """unfold(input, kernel_size, dilation=1, padding=0, stride=1) -> Tensor

    Every window of (N, C, H, W) as a column: (N, C * kernel_height * kernel_width, number of windows).

    >>> import course_lib as torch
    >>> torch.nn.functional.unfold(torch.arange(4.).view(1, 1, 2, 2), 2)
    tensor([[[0.],
             [1.],
             [2.],
             [3.]]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.unfold.html
    """
    setting = _setting(kernel_size, dilation, padding, stride)
    if not (input.ndim in (3, 4) and 0 not in input.shape[-3:]):
        input.size(2)
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    shape = tuple(input.shape[-2:])
    size = _places(shape, **setting)
    if min(size) < 1:
        raise RuntimeError(
            f"Given input with spatial size {shape}, kernel_size={setting['kernel']}, dilation={setting['dilation']}, "
            f"padding={setting['padding']}, calculated shape of the array of sliding blocks as {size}, but its "
            "components must be at least one."
        )
    require_kind("im2col_out_cpu", input._array, "fVcb")
    batch = input if input.ndim == 4 else input.unsqueeze(0)
    made = image_to_columns(batch, size=size, **setting)
    return made if input.ndim == 4 else made.squeeze(0)


@function(namespace="nn.functional")
def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1) -> Tensor

    The columns of `unfold` added up to an image of `output_size`: (N, C * kernel, number of windows) -> (N, C, H, W).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.fold.html
    """
    setting, shape = _setting(kernel_size, dilation, padding, stride), tuple_of(output_size, 2)
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    kernel, size = setting["kernel"], _places(shape, **setting)
    rows = input.ndim - 2
    if input.shape[rows] % math.prod(kernel):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={input.shape[rows]} and kernel_size={kernel}."
        )
    given = (
        f"Given output_size={shape}, kernel_size={kernel}, dilation={setting['dilation']}, "
        f"padding={setting['padding']}, stride={setting['stride']}, "
    )
    if input.shape[-1] != math.prod(size):
        raise RuntimeError(
            f"{given}expected size of input's dimension 2 to match the calculated number of sliding blocks {size[0]} * "
            f"{size[1]} = {math.prod(size)}, but got input.size(2)={input.shape[-1]}."
        )
    if min(size) < 1:
        raise RuntimeError(
            f"{given}calculated shape of the array of sliding blocks as {size}, which is too small (non-positive)"
        )
    require_kind("col2im_out_cpu", input._array, "fVcb")
    batch = input if input.ndim == 3 else input.unsqueeze(0)
    made = columns_to_image(batch, shape=shape, size=size, **setting)
    return made if input.ndim == 3 else made.squeeze(0)


# ---- channels and places -----------------------------------------------------------------------------------------


@function()
@function(namespace="nn.functional")
def pixel_shuffle(input, upscale_factor):
    """pixel_shuffle(input, upscale_factor) -> Tensor: (…, C r², H, W) -> (…, C, H r, W r), channels become places.

    Source: Shi et al. (2016), arXiv:1609.05158
    """
    r = upscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    if r == 1:
        return input.clone()
    *lead, channels, height, width = input.shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {r * r}"
        )
    parts = input.reshape(*lead, channels // (r * r), r, r, height, width)
    n = len(lead)
    moved = parts.permute(*range(n + 1), n + 3, n + 1, n + 4, n + 2)
    return moved.reshape(*lead, channels // (r * r), height * r, width * r)


@function()
@function(namespace="nn.functional")
def pixel_unshuffle(input, downscale_factor):
    """pixel_unshuffle(input, downscale_factor) -> Tensor: (…, C, H r, W r) -> (…, C r², H, W), places become channels.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pixel_unshuffle.html
    """
    r = downscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    if r == 1:
        return input.clone()
    *lead, channels, height, width = input.shape
    for name, at, n in (("height", -2, height), ("width", -1, width)):
        if n % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({at})={n} is not "
                f"divisible by {r}"
            )
    parts = input.reshape(*lead, channels, height // r, r, width // r, r)
    n = len(lead)
    moved = parts.permute(*range(n + 1), n + 2, n + 4, n + 1, n + 3)
    return moved.reshape(*lead, channels * r * r, height // r, width // r)


@function(namespace="nn.functional", alias="native_channel_shuffle")
def channel_shuffle(input, groups) -> Tensor:
    """channel_shuffle(input, groups) -> Tensor: the channels of (N, C, …) dealt out from `groups` groups in turn.

    Source: Zhang et al. (2017), arXiv:1707.01083
    """
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    samples, channels = input.shape[:2]
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    parts = input.reshape(samples, groups, channels // groups, *input.shape[2:])
    return parts.transpose(1, 2).reshape(input.shape)


function()(channel_shuffle)
