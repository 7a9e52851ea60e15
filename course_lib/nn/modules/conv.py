"""Convolutions over one, two or three dimensions, and transposed convolutions, which go the other way.

`_ConvNd` holds the settings (as tuples), makes weight and bias and shows them; a class of a number of dimensions only
says which function of nn.functional it calls. The Lazy twins learn `in_channels` from their first input.
"""

from __future__ import annotations

import math

from ...tensor import Tensor
from .. import functional as F
from .. import init
from .lazy import LazyModuleMixin
from .linear import draw_bias
from .module import Module
from .utils import _ntuple, new_parameter

_PADDINGS = ("same", "valid")
_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolutions share. `dims` is the number of dimensions, `transposed` the direction."""

    __constants__ = ["stride", "padding", "dilation", "groups", "padding_mode", "output_padding", "in_channels",
                     "out_channels", "kernel_size"]  # fmt: skip
    dims: int
    transposed = False

    def _set(
        self, in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, padding_mode
    ) -> None:
        """Check the settings and keep them."""
        every = _ntuple(self.dims)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = every(kernel_size), every(stride), every(dilation)
        self.padding = padding if isinstance(padding, str) else every(padding)
        self.output_padding, self.padding_mode = every(output_padding), padding_mode
        self._check()

    def _check(self) -> None:
        if self.groups <= 0:
            raise ValueError("groups must be a positive integer")
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if self.out_channels % self.groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(self.padding, str):
            if self.padding not in _PADDINGS:
                raise ValueError(f"Invalid padding string {self.padding!r}, should be one of {set(_PADDINGS)}")
            if self.padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {set(_PADDING_MODES)}, but got padding_mode='{self.padding_mode}'"
            )

    def _make_parameters(self, bias: bool, device, dtype) -> None:
        self.weight = new_parameter(self._weight_shape(), device, dtype)
        self.register_parameter("bias", new_parameter(self.out_channels, device, dtype, bias))
        self.reset_parameters()

    def _weight_shape(self) -> tuple[int, ...]:
        ends = (self.in_channels, self.out_channels) if self.transposed else (self.out_channels, self.in_channels)
        return (ends[0], ends[1] // self.groups, *self.kernel_size)

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, from U(-1/sqrt(n), 1/sqrt(n)) for windows of n numbers."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            draw_bias(self.bias, self.weight)

    def extra_repr(self) -> str:
        shown = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (usual,) * len(value):
                shown.append(f"{name}={value}")
        if self.groups != 1:
            shown.append(f"groups={self.groups}")
        if self.bias is None:
            shown.append("bias=False")
        if self.padding_mode != "zeros":
            shown.append(f"padding_mode={self.padding_mode}")
        return ", ".join(shown)

    def _sides(self) -> list[int]:
        """The padding as F.pad takes it: (before, after) from the last dimension to the first."""
        if self.padding == "valid":
            return [0, 0] * self.dims
        if self.padding == "same":
            missing = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            pairs = [(n // 2, n - n // 2) for n in missing]
        else:
            pairs = [(n, n) for n in self.padding]
        return [side for pair in reversed(pairs) for side in pair]

    def __getstate__(self) -> dict:
        """What a file keeps: PyTorch's convolutions have two values more, which follow from the others."""
        return {**self.__dict__, "transposed": self.transposed, "_reversed_padding_repeated_twice": self._sides()}


class _Conv(_ConvNd):
    """A convolution: every window of the input times the weight."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size, stride=1, padding=0, dilation=1, groups: int = 1,
        bias: bool = True, padding_mode: str = "zeros", device=None, dtype=None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._set(in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, padding_mode)
        self._make_parameters(bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._sides(), mode=self.padding_mode), 0
        return self._function(input, weight, bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Conv):
    """Conv1d(in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
    padding_mode='zeros'): every window of (N, C, L) or (C, L) times the weight, plus the bias.

    Result (N, out_channels, L'), `L' = (L + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1`, rounded down.
    See `Conv2d` for the settings.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
    """

    dims, _function = 1, staticmethod(F.conv1d)


class Conv2d(_Conv):
    """Conv2d(in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
    padding_mode='zeros'): `out[n, o] = bias[o] + Σ_c weight[o, c] ⋆ input[n, c]`, ⋆ being cross-correlation.

    Input (N, C, H, W) or (C, H, W), weight (out_channels, in_channels / groups, *kernel_size). Settings are one number
    or one for each dimension; padding may be 'valid' (none) or 'same' (the result has the input's size).
    `padding_mode` says what stands in the padding: 'zeros', 'reflect', 'replicate' or 'circular'. With `groups` the
    channels are convolved in that many separate parts. ValueError where the channels cannot be divided so.

    >>> import course_lib as torch
    >>> layer = torch.nn.Conv2d(3, 8, kernel_size=3, padding=1)
    >>> layer
    Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    >>> layer(torch.zeros(2, 3, 28, 28)).shape
    torch.Size([2, 8, 28, 28])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
    """

    dims, _function = 2, staticmethod(F.conv2d)


class Conv3d(_Conv):
    """Conv3d(in_channels, out_channels, kernel_size, …): `Conv2d` for (N, C, D, H, W) or (C, D, H, W).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv3d.html
    """

    dims, _function = 3, staticmethod(F.conv3d)


# ---- transposed --------------------------------------------------------------------------------------------------


class _ConvTransposeNd(_ConvNd):
    """A transposed convolution: every element of the input spread over a window of the result."""

    transposed = True

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size, stride=1, padding=0, output_padding=0,
        groups: int = 1, bias: bool = True, dilation=1, padding_mode: str = "zeros", device=None, dtype=None,
    ) -> None:  # fmt: skip
        super().__init__()
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        self._set(
            in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, padding_mode
        )
        self._make_parameters(bias, device, dtype)

    def forward(self, input: Tensor, output_size=None) -> Tensor:
        extra = self.output_padding if output_size is None else self._output_padding(input, list(output_size))
        return self._function(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _output_padding(self, input: Tensor, output_size: list[int]) -> list[int]:
        """How much larger than the smallest result a result of this size is; ValueError where it cannot have it."""
        dims = self.dims
        if len(output_size) == input.ndim:
            output_size = output_size[-dims:]
        if len(output_size) != dims:
            raise ValueError(
                f"ConvTranspose{dims}D: for {input.ndim}D input, output_size must have {dims} or {input.ndim} elements "
                f"(got {len(output_size)})"
            )
        smallest = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, k, d in zip(
                input.shape[-dims:], self.stride, self.padding, self.kernel_size, self.dilation, strict=True
            )
        ]
        largest = [n + s - 1 for n, s in zip(smallest, self.stride, strict=True)]
        if any(not low <= n <= high for low, n, high in zip(smallest, output_size, largest, strict=True)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {smallest} to {largest} (for "
                f"an input of {input.shape[-dims:]})"
            )
        return [n - low for n, low in zip(output_size, smallest, strict=True)]


class ConvTranspose1d(_ConvTransposeNd):
    """ConvTranspose1d(in_channels, out_channels, kernel_size, …): `ConvTranspose2d` for (N, C, L) or (C, L).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html
    """

    dims, _function = 1, staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTransposeNd):
    """ConvTranspose2d(in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1,
    bias=True, dilation=1): the gradient of `Conv2d` by its input, as a layer that enlarges.

    Result size `(H - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1`. Several sizes shrink to
    one under a stride: `output_padding`, or `output_size` at the call, says which of them is meant.

    >>> import course_lib as torch
    >>> layer = torch.nn.ConvTranspose2d(8, 3, kernel_size=2, stride=2)
    >>> layer(torch.zeros(1, 8, 14, 14)).shape
    torch.Size([1, 3, 28, 28])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
    """

    dims, _function = 2, staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTransposeNd):
    """ConvTranspose3d(in_channels, out_channels, kernel_size, …): `ConvTranspose2d` for (N, C, D, H, W).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose3d.html
    """

    dims, _function = 3, staticmethod(F.conv_transpose3d)


# ---- lazy --------------------------------------------------------------------------------------------------------


class _LazyConv(LazyModuleMixin):
    """Stands in front of a convolution: takes no `in_channels`, and makes the parameters at the first call."""

    def __init__(self, out_channels: int, kernel_size, *args, **named) -> None:
        super().__init__(0, 0, kernel_size, *args, **named)
        self.out_channels = out_channels

    def _make_parameters(self, bias: bool, device, dtype) -> None:
        self.weight = new_parameter(None, device, dtype)
        self.register_parameter("bias", new_parameter(None, device, dtype, bias))

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args, **named) -> None:
        """Give the parameters the shapes that fit this input, and draw them."""
        if not self.has_uninitialized_params():
            return
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise RuntimeError(
                f"Expected {self.dims + 1}D (unbatched) or {self.dims + 2}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {input.shape}"
            )
        self.in_channels = input.shape[-self.dims - 1]
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        self.weight.materialize(self._weight_shape())
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


def _lazy(convolution: type) -> type:
    name = f"Lazy{convolution.__name__}"
    document = f"""{name}(out_channels, kernel_size, …): learns in_channels from its first input.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.{name}.html
    """
    members = {"cls_to_become": convolution, "__doc__": document, "__module__": __name__}
    return type(name, (_LazyConv, convolution), members)


LazyConv1d, LazyConv2d, LazyConv3d = map(_lazy, (Conv1d, Conv2d, Conv3d))
LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d = map(
    _lazy, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
)
