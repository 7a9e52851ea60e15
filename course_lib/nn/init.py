"""torch.nn.init: initial values of weights, written into a tensor in place and without history.

Every function returns the tensor it filled. Random ones draw PyTorch's numbers from PyTorch's streams. `fan_in` is the
number of inputs that one output of a layer sums over, `fan_out` the number of outputs that one input reaches.
"""

from __future__ import annotations

import math
import warnings

from ..autograd.grad_mode import no_grad
from ..dtypes import bool as bool_
from ..ops import FUNCTIONS

_empty_like, _ones_like, _randperm, _where = (
    FUNCTIONS["torch"][name] for name in ("empty_like", "ones_like", "randperm", "where")
)

_GAINS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
                     "conv_transpose3d", "sigmoid"), 1),
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much to scale weights before this nonlinearity; `param` is the slope of "leaky_relu".

    >>> import course_lib as torch
    >>> torch.nn.init.calculate_gain("leaky_relu", 0.2)
    1.3867504905630728

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.calculate_gain
    """
    if nonlinearity in _GAINS:
        return _GAINS[nonlinearity]
    if nonlinearity != "leaky_relu":
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    slope = 0.01 if param is None else param
    if isinstance(slope, bool) or not isinstance(slope, (int, float)):
        raise ValueError(f"negative_slope {param} not a valid number")
    return math.sqrt(2.0 / (1 + slope**2))


def _calculate_fan_in_and_fan_out(tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (outputs, inputs, *kernel)."""
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    outputs, inputs, *kernel = tensor.shape
    places = math.prod(kernel)
    return inputs * places, outputs * places


def _calculate_correct_fan(tensor, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return fan_in if mode == "fan_in" else fan_out


# ---- one distribution --------------------------------------------------------------------------------------------


def uniform_(tensor, a: float = 0.0, b: float = 1.0, generator=None):
    """Uniform in [a, b).

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.uniform_
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean: float = 0.0, std: float = 1.0, generator=None):
    """Normal with this mean and standard deviation.

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.normal_
    """
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator=None):
    """Normal numbers of which only those in [a, b] are kept; the others are drawn again.

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.trunc_normal_
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be "
            "incorrect.",
            stacklevel=2,
        )
    low, high = (a - mean) / std, (b - mean) / std
    with no_grad():
        if _probability(high) - _probability(low) > 0.3:
            _draw_until_inside(tensor, mean, std, a, b, generator)
        else:
            _draw_until_accepted(tensor, mean, std, a, b, generator)
    return tensor


def _draw_until_inside(tensor, mean: float, std: float, a: float, b: float, generator) -> None:
    """For a likely interval: normal numbers, where they lie outside again and again."""
    tensor.normal_(mean, std, generator=generator)
    while (outside := (tensor < a) | (tensor > b)).any():
        again = _empty_like(tensor).normal_(mean, std, generator=generator)
        tensor.copy_(_where(outside, again, tensor))


def _draw_until_accepted(tensor, mean: float, std: float, a: float, b: float, generator) -> None:
    """For an unlikely interval: uniform numbers, each accepted in proportion to the normal density there."""
    low, high = (a - mean) / std, (b - mean) / std
    nearest = min(max(0.0, low), high)  # to the mean: where the density is largest
    tensor.uniform_(a, b, generator=generator)
    refused = _ones_like(tensor, dtype=bool_)
    while True:
        z = (tensor - mean) / std
        refused &= _empty_like(tensor).uniform_(generator=generator).log() > (nearest * nearest - z * z) / 2
        if not refused.any():
            return
        tensor.copy_(_where(refused, _empty_like(tensor).uniform_(a, b, generator=generator), tensor))


def _probability(x: float) -> float:
    """The probability that a standard normal number is below x."""
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


# ---- scaled by the layer's size ----------------------------------------------------------------------------------


def xavier_uniform_(tensor, gain: float = 1.0, generator=None):
    """Uniform in ±gain · √(6 / (fan_in + fan_out)), after Glorot & Bengio (2010).

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.init.xavier_uniform_(torch.empty(2, 2))
    tensor([[-0.0092,  0.6570],
            [-1.0080, -0.9013]])

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.xavier_uniform_
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(fan_in + fan_out)))  # rounded in this order
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain: float = 1.0, generator=None):
    """Normal with standard deviation gain · √(2 / (fan_in + fan_out)), after Glorot & Bengio (2010).

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.xavier_normal_
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)), generator)


def kaiming_uniform_(tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator=None):
    """Uniform in ±gain · √(3 / fan), after He et al. (2015); `a` is the slope of "leaky_relu".

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.kaiming_uniform_
    """
    if _is_empty(tensor):
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    bound = math.sqrt(3.0) * (calculate_gain(nonlinearity, a) / math.sqrt(fan))  # rounded in this order
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator=None):
    """Normal with standard deviation gain / √fan, after He et al. (2015); `a` is the slope of "leaky_relu".

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.kaiming_normal_
    """
    if _is_empty(tensor):
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    return normal_(tensor, 0, calculate_gain(nonlinearity, a) / math.sqrt(fan), generator)


def _is_empty(tensor) -> bool:
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return True
    return False


# ---- matrices ----------------------------------------------------------------------------------------------------


def orthogonal_(tensor, gain: float = 1, generator=None):
    """gain times a random matrix with orthonormal rows or columns, after Saxe et al. (2013).

    Of more than two dimensions all but the first count as one.

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.orthogonal_
    """
    if tensor.ndimension() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.size(0)
    columns = tensor.numel() // rows
    with no_grad():
        tall = tensor.new_empty((rows, columns)).normal_(0, 1, generator=generator)
        if rows < columns:
            tall.t_()
        q, r = FUNCTIONS["linalg"]["qr"](tall)
        q *= r.diag(0).sign()  # makes the distribution uniform (Mezzadri, 2007)
        if rows < columns:
            q.t_()
        tensor.view_as(q).copy_(q)
        return tensor.mul_(gain)


def sparse_(tensor, sparsity: float, std: float = 0.01, generator=None):
    """Normal numbers of which the fraction `sparsity` of each column is 0, after Martens (2010).

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.sparse_
    """
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[_randperm(rows)[:zeros], column] = 0
    return tensor


def eye_(tensor):
    """The identity matrix.

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.eye_
    """
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with no_grad():
        tensor.zero_().fill_diagonal_(1)
    return tensor


def dirac_(tensor, groups: int = 1):
    """The kernel of a convolution that passes its channels on: 1 in the middle of each, 0 elsewhere.

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.dirac_
    """
    if tensor.ndimension() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.size(0) % groups:
        raise ValueError("dim 0 must be divisible by groups")
    per_group = tensor.size(0) // groups
    middle = tuple(n // 2 for n in tensor.shape[2:])
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(per_group, tensor.size(1))):
                tensor[(group * per_group + channel, channel, *middle)] = 1
    return tensor


# ---- constants ---------------------------------------------------------------------------------------------------


def constant_(tensor, val: float):
    """The same number everywhere.

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.constant_
    """
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """1 everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """0 everywhere."""
    with no_grad():
        return tensor.zero_()


# ---- names without the underscore --------------------------------------------------------------------------------


def _deprecated(function):
    """The older spelling of a function, which warns."""
    old, new = function.__name__[:-1], function.__name__

    def spelled(*args, **kwargs):
        warnings.warn(f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    spelled.__name__ = spelled.__qualname__ = old
    spelled.__doc__ = f"`{new}` by its older, deprecated name."
    return spelled


uniform, normal, constant = _deprecated(uniform_), _deprecated(normal_), _deprecated(constant_)
eye, dirac, sparse, orthogonal = (_deprecated(f) for f in (eye_, dirac_, sparse_, orthogonal_))
xavier_uniform, xavier_normal = _deprecated(xavier_uniform_), _deprecated(xavier_normal_)
kaiming_uniform, kaiming_normal = _deprecated(kaiming_uniform_), _deprecated(kaiming_normal_)

__all__ = ["calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal",
           "kaiming_normal_", "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_", "orthogonal",
           "orthogonal_", "sparse", "sparse_", "trunc_normal_", "uniform", "uniform_", "xavier_normal",
           "xavier_normal_", "xavier_uniform", "xavier_uniform_", "zeros_"]  # fmt: skip
