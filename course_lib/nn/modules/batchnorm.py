"""Batch normalisation: every channel brought to mean 0 and variance 1 over the whole batch.

While training, the batch's own mean and variance count, and running averages of them are kept in buffers; eval() uses
those. `_NormBase` holds parameters and buffers, and is instance normalisation's base, too.
"""

from __future__ import annotations

from ...ops.creation import empty
from ...ops.from_data import tensor
from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import UninitializedBuffer
from .lazy import LazyModuleMixin
from .module import Module
from .utils import new_parameter


class _NormBase(Module):
    """Weight, bias and running statistics of `num_features` channels; each of them None where it is not wanted."""

    _version = 2  # version 1 of the state had no num_batches_tracked
    __constants__ = ["track_running_stats", "momentum", "eps", "num_features", "affine"]

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device=None, dtype=None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._make_parameters(affine, affine and bias, device, dtype)
        self.reset_parameters()

    def _make_parameters(self, weight: bool, bias: bool, device, dtype) -> None:
        self.register_parameter("weight", new_parameter(self.num_features, device, dtype, weight))
        self.register_parameter("bias", new_parameter(self.num_features, device, dtype, bias))
        for name in ("running_mean", "running_var"):
            made = empty(self.num_features, device=device, dtype=dtype) if self.track_running_stats else None
            self.register_buffer(name, made)
        self._make_counter(device)

    def _make_counter(self, device) -> None:
        counter = tensor(0, device=device) if self.track_running_stats else None
        self.register_buffer("num_batches_tracked", counter)

    def reset_running_stats(self) -> None:
        """Make the running mean 0, the running variance 1 and the count of batches 0 again."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Begin anew: running statistics, weight 1 and bias 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *args) -> None:
        key, version = prefix + "num_batches_tracked", local_metadata.get("version")
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            state_dict[key] = tensor(0) if self.num_batches_tracked is None else self.num_batches_tracked
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


class _BatchNorm(_NormBase):
    """The forward of batch normalisation; a subclass says in `dims` how many dimensions its input may have."""

    dims: tuple[int, ...]

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim not in self.dims:
            wanted = " or ".join([f"{n}D" for n in self.dims])
            raise ValueError(f"expected {wanted} input (got {input.ndim}D input)")

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the running statistics are the plain average of all batches
                momentum = 1.0 / float(self.num_batches_tracked)
        of_batch = self.training or (self.running_mean is None and self.running_var is None)
        keeps = not self.training or self.track_running_stats
        mean, var = (self.running_mean, self.running_var) if keeps else (None, None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, of_batch, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """BatchNorm1d(num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, *, bias=True):
    `BatchNorm2d` for (N, C) or (N, C, L).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
    """

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """BatchNorm2d(num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, *, bias=True)

    `(x - mean) / sqrt(variance + eps) * weight + bias` for every channel of (N, C, H, W), over all samples and places.
    While training, `running = (1 - momentum) * running + momentum * batch` is kept (the plain average for
    momentum=None), with the unbiased variance; after eval() these running values are used. Without
    `track_running_stats` the batch's own always are. ValueError for another number of dimensions.

    >>> import course_lib as torch
    >>> layer = torch.nn.BatchNorm2d(3)
    >>> y = layer(torch.ones(2, 3, 4, 4))
    >>> layer.running_mean, layer.num_batches_tracked
    (tensor([0.1000, 0.1000, 0.1000]), tensor(1))

    Source: Ioffe and Szegedy (2015), "Batch normalization"
    """

    dims = (4,)


class BatchNorm3d(_BatchNorm):
    """BatchNorm3d(num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, *, bias=True):
    `BatchNorm2d` for (N, C, D, H, W).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm3d.html
    """

    dims = (5,)


class SyncBatchNorm(_BatchNorm):
    """SyncBatchNorm(num_features, …, process_group=None): batch normalisation over the processes of a group.

    Here there is one process, so that it is batch normalisation of any number of dimensions from 2 on.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.SyncBatchNorm.html
    """

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, process_group=None, device=None, dtype=None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"expected at least 2D input (got {input.ndim}D input)")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group=None) -> Module:
        """The module with every batch normalisation in it replaced by a SyncBatchNorm of the same parameters."""
        made = module
        if isinstance(module, _BatchNorm):
            made = cls(
                module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats,
                process_group, bias=module.bias is not None,
            )  # fmt: skip
            made.weight, made.bias = module.weight, module.bias
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                setattr(made, name, getattr(module, name))
            made.training = module.training
            if hasattr(module, "qconfig"):
                made.qconfig = module.qconfig
        for name, child in module.named_children():
            made.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return made


# ---- lazy --------------------------------------------------------------------------------------------------------


class _LazyNormBase(LazyModuleMixin, _NormBase):
    """Stands in front of a normalisation: `num_features` comes from the first input's dimension 1."""

    def __init__(
        self, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None, *, bias=True
    ) -> None:
        super().__init__(0, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _make_parameters(self, weight: bool, bias: bool, device, dtype) -> None:
        self.register_parameter("weight", new_parameter(None, device, dtype, weight))
        self.register_parameter("bias", new_parameter(None, device, dtype, bias))
        for name in ("running_mean", "running_var"):
            made = UninitializedBuffer(device=device, dtype=dtype) if self.track_running_stats else None
            self.register_buffer(name, made)
        self._make_counter(device)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Give parameters and buffers the number of channels of this input."""
        if not self.has_uninitialized_params():
            return
        self.num_features = input.shape[1]
        for waiting in (self.weight, self.bias, self.running_mean, self.running_var):
            if waiting is not None:
                waiting.materialize((self.num_features,))
        self.reset_parameters()


def lazy_norm(norm: type) -> type:
    """The lazy twin of a normalisation."""
    name = f"Lazy{norm.__name__}"
    document = f"""{name}(…): a {norm.__name__} that learns num_features from its first input.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.{name}.html
    """
    return type(
        name, (_LazyNormBase, norm), {"cls_to_become": norm, "__doc__": document, "__module__": norm.__module__}
    )


LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d = map(lazy_norm, (BatchNorm1d, BatchNorm2d, BatchNorm3d))
