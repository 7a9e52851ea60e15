"""Mixed precision in the ops: which of them compute in a lower precision under `torch.autocast`, and which in float32.

`AUTOCAST.on` is False outside `autocast` regions, and one look at it is all that the ops below pay. Products of
matrices gain most from half precision: `linear`, `matmul`, `mm` and `bmm` lower their operands themselves (`lowered`);
the other ops of the CPU's lists are wrapped where they are declared (`with_autocast`), those of the GPU's when autocast
is first entered there (`for_gpu`). What is on no list runs in whatever dtype it is given. The lists are PyTorch's.
"""

from __future__ import annotations

import contextlib
import functools

import numpy as np

from ..tensor import Tensor


class _Autocast:
    """The mode: `lower` maps the kinds of device where autocast is on to the dtype of their lowered ops."""

    __slots__ = ("on", "lower")

    def __init__(self):
        self.on, self.lower = False, {}

    def state(self) -> tuple[bool, dict]:
        return self.on, self.lower


AUTOCAST = _Autocast()


@contextlib.contextmanager
def autocast_as(state: tuple):
    """Autocast inside the block as it was when `AUTOCAST.state()` gave this state: for what is computed once more."""
    before = AUTOCAST.state()
    AUTOCAST.on, AUTOCAST.lower = state
    try:
        yield
    finally:
        AUTOCAST.on, AUTOCAST.lower = before


LOWER = {"addbmm", "addmm", "baddbmm", "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d",
         "conv_transpose3d", "linalg.multi_dot", "linalg.vecdot", "lstm", "prelu",
         "scaled_dot_product_attention"}  # fmt: skip
WIDEST = {"index_copy"}  # operands of several float dtypes are brought to float32 (cat and stack do so anyway)
FLOAT32 = {
    "adaptive_avg_pool3d", "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "avg_pool3d",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cdist", "cholesky", "cholesky_inverse",
    "cholesky_solve", "cosine_embedding_loss", "cross_entropy", "ctc_loss", "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices", "fractional_max_pool3d", "fractional_max_pool3d_with_indices", "geqrf",
    "grid_sample", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d", "hinge_embedding_loss", "huber_loss",
    "inverse", "kl_div", "l1_loss", "torch.lu", "torch.lu_solve", "margin_ranking_loss", "max_pool3d",
    "max_unpool1d", "max_unpool2d", "max_unpool3d", "mse_loss", "multi_margin_loss", "multilabel_margin_loss",
    "nanquantile", "nll_loss", "orgqr", "ormqr", "pinverse", "poisson_nll_loss", "polar", "prod", "quantile",
    "smooth_l1_loss", "soft_margin_loss", "stft", "torch.svd", "trace", "triangular_solve", "triplet_margin_loss",
    "view_as_complex",
    *[f"fft.{name}" for name in ("fft", "fft2", "fftn", "ifft", "ifft2", "ifftn", "rfft", "rfft2", "rfftn", "irfft",
                                 "irfft2", "irfftn", "hfft", "ihfft")],
    *[f"linalg.{name}" for name in ("cholesky", "cholesky_ex", "cond", "eig", "eigh", "eigvals", "eigvalsh",
                                    "householder_product", "inv", "inv_ex", "lstsq", "matrix_rank", "qr", "solve",
                                    "svd", "svdvals", "tensorinv", "tensorsolve")],
}  # fmt: skip
GPU_LOWER = {"addbmm", "addmm", "addmv", "addr", "baddbmm", "chain_matmul", "conv1d", "conv2d", "conv3d", "conv_tbc",
             "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "einsum", "gru_cell", "linalg.multi_dot",
             "linalg.vecdot", "lstm_cell", "mv", "prelu", "rnn_relu_cell", "rnn_tanh_cell",
             "scaled_dot_product_attention"}  # fmt: skip
GPU_WIDEST = {"addcdiv", "addcmul", "atan2", "bilinear", "cross", "dot", "grid_sample", "index_put", "scatter_add",
              "tensordot", "vdot"}  # fmt: skip
GPU_FLOAT32 = {
    "acos", "arccos", "asin", "arcsin", "binary_cross_entropy_with_logits", "cdist", "cosh", "cosine_embedding_loss",
    "cosine_similarity", "cross_entropy", "cumprod", "cumsum", "dist", "erfinv", "exp", "expm1", "group_norm",
    "hinge_embedding_loss", "huber_loss", "interpolate", "kl_div", "l1_loss", "layer_norm", "log", "log10", "log1p",
    "log2", "log_softmax", "logsumexp", "margin_ranking_loss", "mse_loss", "multi_margin_loss",
    "multilabel_margin_loss", "nll_loss", "torch.norm", "nuclear_norm", "pdist", "poisson_nll_loss", "pow", "prod",
    "reciprocal", "renorm", "rms_norm", "rsqrt", "sinh", "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin",
    "softplus", "sum", "tan", "triplet_margin_loss", "upsample",
    *[f"linalg.{name}" for name in ("matrix_norm", "norm", "vector_norm")],
}  # fmt: skip
REFUSED = {"binary_cross_entropy"}  # on a GPU: its logarithm of a half precision probability loses everything
_LISTS = {"cpu": (LOWER, FLOAT32, WIDEST), "cuda": (GPU_LOWER, GPU_FLOAT32, GPU_WIDEST, REFUSED)}
_OPERATORS = {"__pow__": "pow", "__rpow__": "pow", "__rtruediv__": "reciprocal"}
_FLOAT32 = np.dtype("float32")


def lowered(*values):
    """The float tensors among the operands in the lower dtype of their device; float64 and all else as they are."""
    return [_cast(value, AUTOCAST.lower) for value in values]


_IN_FLOAT32 = {"cpu": _FLOAT32, "cuda": _FLOAT32}


def in_float32(value):
    """A tensor of half precision in float32, where autocast is on for its device."""
    return _cast(value, _IN_FLOAT32)


def _cast(value, wanted: dict):
    """`value` with its float tensors in the dtype wanted on their device, inside lists and tuples too."""
    if isinstance(value, Tensor):
        dtype = value._array.dtype
        if dtype.itemsize > 4 or dtype.kind not in "fV":
            return value
        place = value.device.type
        target = wanted.get(place) if place in AUTOCAST.lower else None
        return value if target is None or target == dtype else value.to(_public(target))
    if type(value) in (list, tuple):
        return type(value)([_cast(part, wanted) for part in value])
    return value


def _public(dtype):
    from .. import dtypes

    return dtypes.from_numpy(dtype)


def with_autocast(made, name: str, namespace: str | None, place: str = "cpu"):
    """The function with its operands cast first, if it is on one of the lists of this kind of device; what it calls is
    not cast again."""
    names = {name, f"{namespace}.{name}"}
    by_place = {kind: _listed(names, kind) for kind in _LISTS}
    if by_place[place] is None:
        return made

    @functools.wraps(made)
    def public(*args, **named):
        if not AUTOCAST.on:
            return made(*args, **named)
        found = by_place.get(_place_of(args, named))
        if found is None or (found in (WIDEST, GPU_WIDEST) and not any(map(_is_float32, args))):
            return made(*args, **named)
        if found is REFUSED:
            raise RuntimeError(_UNSAFE)
        wanted = AUTOCAST.lower if found in (LOWER, GPU_LOWER) else _IN_FLOAT32
        args = [_cast(value, wanted) for value in args]
        named = {name: value if name == "out" else _cast(value, wanted) for name, value in named.items()}
        AUTOCAST.on = False
        try:
            return made(*args, **named)
        finally:
            AUTOCAST.on = True

    return public


_UNSAFE = (
    "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to autocast.\nMany models use a sigmoid "
    "layer right before the binary cross entropy layer.\nIn this case, combine the two layers using "
    "torch.nn.functional.binary_cross_entropy_with_logits\nor torch.nn.BCEWithLogitsLoss.  "
    "binary_cross_entropy_with_logits and BCEWithLogits are\nsafe to autocast."
)


def _listed(names: set, place: str):
    return next((listed for listed in _LISTS[place] if not names.isdisjoint(listed)), None)


def _is_float32(value) -> bool:
    return isinstance(value, Tensor) and value._array.dtype == _FLOAT32


def _place_of(args, named) -> str | None:
    """The kind of device where the first tensor among the arguments lies, if autocast is on there."""
    for value in (*args, *named.values()):
        value = value[0] if type(value) in (list, tuple) and value else value
        if isinstance(value, Tensor):
            place = value.device.type
            return place if place in AUTOCAST.lower else None
    return None


@functools.cache
def for_gpu() -> None:
    """Let the functions on the GPU's lists look at autocast, too; from the second call on, do nothing."""
    from ._op import FUNCTIONS, republish

    listed = set().union(*_LISTS["cuda"])
    for namespace, functions in FUNCTIONS.items():
        for name, made in list(functions.items()):
            if not {name, f"{namespace}.{name}"}.isdisjoint(listed):
                republish(namespace, name, with_autocast(made, name, namespace, "cuda"))
    methods = {name.removeprefix("torch.") for name in listed} & vars(Tensor).keys()
    for name in methods | _OPERATORS.keys():
        setattr(Tensor, name, with_autocast(vars(Tensor)[name], _OPERATORS.get(name, name), "torch", "cuda"))


__all__ = ["AUTOCAST", "autocast_as", "for_gpu", "in_float32", "lowered", "with_autocast"]
