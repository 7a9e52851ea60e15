"""Normalisation within one sample: over its features (layer, rms), groups of channels, or neighbouring channels.

Unlike batch normalisation (batchnorm.py) these look at no other sample, so that training and eval do the same.
"""

from __future__ import annotations

from ...ops.joining import cat
from ...tensor import Tensor
from .. import functional as F
from .. import init
from .module import Module
from .utils import new_parameter


class _Affine(Module):
    """A normalisation with a weight that begins as ones and, where it has one, a bias that begins as zeros."""

    def _make_parameters(self, shape, weight: bool, bias: bool, device, dtype) -> None:
        self.register_parameter("weight", new_parameter(shape, device, dtype, weight))
        self.register_parameter("bias", new_parameter(shape, device, dtype, bias))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Make the weight ones and the bias zeros again."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self._parameters.get("bias") is not None:
            init.zeros_(self.bias)


def _shape(normalized_shape) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class LayerNorm(_Affine):
    """LayerNorm(normalized_shape, eps=1e-5, elementwise_affine=True, bias=True)

    `(x - mean) / sqrt(variance + eps) * weight + bias`, mean and variance taken over the last dimensions, whose sizes
    are `normalized_shape` (a number: the last one). Weight and bias have that shape, or are None.

    >>> import course_lib as torch
    >>> layer = torch.nn.LayerNorm(4)
    >>> layer(torch.tensor([1., 1., 3., 3.]))
    tensor([-1.0000, -1.0000,  1.0000,  1.0000],
           grad_fn=<NativeLayerNormBackward0>)

    Source: Ba, Kiros and Hinton (2016), "Layer normalization"
    """

    __constants__ = ["normalized_shape", "eps", "elementwise_affine"]

    def __init__(
        self, normalized_shape, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True, device=None,
        dtype=None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape, self.eps, self.elementwise_affine = _shape(normalized_shape), eps, elementwise_affine
        self._make_parameters(
            self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype
        )

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(_Affine):
    """RMSNorm(normalized_shape, eps=None, elementwise_affine=True): `x / sqrt(mean(x²) + eps) * weight`.

    The mean is taken over the last dimensions, whose sizes are `normalized_shape`. eps=None is the dtype's own epsilon.

    Source: Zhang and Sennrich (2019), "Root mean square layer normalization"
    """

    __constants__ = ["normalized_shape", "eps", "elementwise_affine"]

    def __init__(
        self, normalized_shape, eps: float | None = None, elementwise_affine: bool = True, device=None, dtype=None
    ) -> None:
        super().__init__()
        self.normalized_shape, self.eps, self.elementwise_affine = _shape(normalized_shape), eps, elementwise_affine
        self.register_parameter("weight", new_parameter(self.normalized_shape, device, dtype, elementwise_affine))
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """GroupNorm(num_groups, num_channels, eps=1e-5, affine=True, *, bias=True)

    The channels of (N, C, …) in `num_groups` groups, each normalised to mean 0 and variance 1, then times a weight and
    plus a bias for each channel. ValueError where the groups do not divide the channels.

    Source: Wu and He (2018), "Group normalization"
    """

    __constants__ = ["num_groups", "num_channels", "eps", "affine"]

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, device=None, dtype=None, *,
        bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._make_parameters(num_channels, affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class _AcrossChannels(Module):
    __constants__ = ["size", "alpha", "beta", "k"]

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class LocalResponseNorm(_AcrossChannels):
    """LocalResponseNorm(size, alpha=1e-4, beta=0.75, k=1.): `x / (k + alpha * mean(x²))^beta`, the mean taken over
    `size` neighbouring channels.

    Source: Krizhevsky, Sutskever and Hinton (2012), "ImageNet classification with deep convolutional neural networks"
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)


class CrossMapLRN2d(_AcrossChannels):
    """CrossMapLRN2d(size, alpha=1e-4, beta=0.75, k=1): the older `LocalResponseNorm`, for (N, C, H, W) only.

    It keeps the running sum of its model: the square of channel 0 never leaves it.

    Source: https://docs.pytorch.org/docs/stable/nn.html#normalization-layers
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.ndim}D instead.")
        channels, reach = input.shape[1], (self.size - 1) // 2
        entered = input.square().cumsum(1)  # of channel c's window, reach channels lie on each side
        last = entered[:, -1:]
        inside = cat([entered[:, reach:], *[last] * min(reach, channels)], 1)[:, :channels]
        left = (entered - entered[:, :1])[:, : max(channels - reach - 1, 0)]
        sums = cat([inside[:, : reach + 1], inside[:, reach + 1 :] - left], 1) if left.shape[1] else inside
        return input * (sums * (self.alpha / self.size) + self.k).pow(-self.beta)
