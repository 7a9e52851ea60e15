"""Instance normalisation: every channel of every sample by itself brought to mean 0 and variance 1."""

from __future__ import annotations

import warnings

from ...tensor import Tensor
from .. import functional as F
from .batchnorm import _NormBase, lazy_norm


class _InstanceNorm(_NormBase):
    """The forward of instance normalisation over `dims` dimensions, with or without a dimension of samples."""

    dims: int

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
        track_running_stats: bool = False, device=None, dtype=None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing, unexpected, errors) -> None:
        if local_metadata.get("version") is None and not self.track_running_stats:
            found = [name for name in ("running_mean", "running_var") if prefix + name in state_dict]
            if found:
                errors.append(_running_stats_error(type(self).__name__, " and ".join([f'"{name}"' for name in found])))
            for name in found:
                state_dict.pop(prefix + name)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing, unexpected, errors)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise ValueError(f"expected {self.dims + 1}D or {self.dims + 2}D input (got {input.ndim}D input)")
        self._check_channels(input)
        batched = input.ndim == self.dims + 2
        made = F.instance_norm(
            input if batched else input.unsqueeze(0), self.running_mean, self.running_var, self.weight, self.bias,
            self.training or not self.track_running_stats, 0.0 if self.momentum is None else self.momentum, self.eps,
        )  # fmt: skip
        return made if batched else made.squeeze(0)

    def _check_channels(self, input: Tensor) -> None:
        dim = input.ndim - self.dims - 1
        if input.shape[dim] == self.num_features:
            return
        if self.affine:
            raise ValueError(
                f"expected input's size at dim={dim} to match num_features ({self.num_features}), but got: "
                f"{input.shape[dim]}."
            )
        warnings.warn(
            f"input's size at dim={dim} does not match num_features. You can silence this warning by not passing in "
            "num_features, which is not used because affine=False",
            stacklevel=2,
        )


def _running_stats_error(name: str, found: str) -> str:
    return (
        f"Unexpected running stats buffer(s) {found} for {name} with track_running_stats=False. If state_dict is a "
        f"checkpoint saved before 0.4.0, this may be expected because {name} does not track running stats by default "
        "since 0.4.0. Please remove these keys from state_dict. If the running stats are actually needed, instead set "
        f"track_running_stats=True in {name} to enable them. See the documentation of {name} for details."
    )


class InstanceNorm1d(_InstanceNorm):
    """InstanceNorm1d(num_features, …): `InstanceNorm2d` for (N, C, L) or (C, L).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm1d.html
    """

    dims = 1


class InstanceNorm2d(_InstanceNorm):
    """InstanceNorm2d(num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False)

    `(x - mean) / sqrt(variance + eps)` for every channel of every sample of (N, C, H, W) or (C, H, W), with `affine`
    then times a weight and plus a bias. It uses a sample's own mean and variance in eval(), too, unless
    `track_running_stats`. ValueError for another number of dimensions.

    Source: Ulyanov, Vedaldi and Lempitsky (2016), "Instance normalization"
    """

    dims = 2


class InstanceNorm3d(_InstanceNorm):
    """InstanceNorm3d(num_features, …): `InstanceNorm2d` for (N, C, D, H, W) or (C, D, H, W).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm3d.html
    """

    dims = 3


LazyInstanceNorm1d, LazyInstanceNorm2d, LazyInstanceNorm3d = map(
    lazy_norm, (InstanceNorm1d, InstanceNorm2d, InstanceNorm3d)
)
