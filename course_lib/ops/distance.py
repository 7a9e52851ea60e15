"""Lengths of and distances between vectors: normalize, cosine_similarity, pairwise_distance, pdist, cdist."""

from __future__ import annotations

from ..dtypes import FLOAT, legacy_name
from ..tensor import Tensor
from ._arguments import result_dtype
from ._numeric import kind_name
from ._op import function, write_out
from .broadcasting import broadcast_tensors
from .norms import vector_norm


@function(namespace="nn.functional")
def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """normalize(input, p=2.0, dim=1, eps=1e-12, out=None) -> Tensor: each vector along `dim` divided by its p-norm.

    Norms below eps count as eps.

    >>> import course_lib as torch
    >>> torch.nn.functional.normalize(torch.tensor([[3., 4.]]))
    tensor([[0.6000, 0.8000]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html
    """
    length = vector_norm(input, p, dim, True).clamp_min(eps).expand_as(input)
    made = input / length
    return made if out is None else write_out("normalize", out, (input,), made)


@function()
@function(namespace="nn.functional")
def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """cosine_similarity(x1, x2, dim=1, eps=1e-8) -> Tensor

    The cosine of the angle between the vectors along `dim`: `x1 · x2 / (|x1| |x2|)`, norms being at least eps.
    RuntimeError for integers.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cosine_similarity.html
    """
    dtype = result_dtype(x1, x2)
    if dtype.category < FLOAT:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {legacy_name(dtype)}")
    x1, x2 = _together(x1.to(dtype), x2.to(dtype))
    units = []
    for x in (x1, x2):
        length = vector_norm(x, 2, dim, True)
        limited = length + (length.detach().clamp_min(eps) - length.detach())  # the limit is not seen by the gradient
        units.append(x / limited)
    return (units[0] * units[1]).sum(dim)


def _together(x1, x2):
    """Both broadcast; RuntimeError with the sizes that do not fit."""
    return broadcast_tensors(x1, x2)


@function()
@function(namespace="nn.functional")
def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False) -> Tensor: the p-norm of `x1 - x2 + eps`, along the
    last dim.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pairwise_distance.html
    """
    difference = x1 - x2 + eps
    return vector_norm(difference, p, -1 if difference.ndim else None, keepdim)


@function()
@function(namespace="nn.functional")
def pdist(input, p=2.0):
    """pdist(input, p=2.0) -> Tensor: the p-norm distances of all pairs of rows of (N, M): (N (N - 1) / 2,).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pdist.html
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if input._array.dtype.name not in ("float32", "float64"):
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    count = input.shape[0]
    if count < 2:
        return input.reshape(-1)[:0]
    first, second = input.new_ones((count, count)).triu(1).nonzero(as_tuple=True)
    return _length(input.index_select(0, first) - input.index_select(0, second), p)


def _length(difference: Tensor, p: float) -> Tensor:
    """The p-norm of the last dimension; of no elements it is 0."""
    if difference.shape[-1] == 0:
        return difference.sum(-1)
    return vector_norm(difference, p, -1)


@function()
def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    """cdist(x1, x2, p=2.0, compute_mode=…) -> Tensor

    The p-norm distances between all rows of x1 (…, P, M) and x2 (…, R, M): (…, P, R). For p = 2 and more than 25 rows
    they come from one matrix product, which is faster and less exact; compute_mode 'donot_use_mm_for_euclid_dist'
    refuses it.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cdist.html
    """
    for name, x in (("X1", x1), ("X2", x2)):
        if x._array.dtype.kind not in "fV":
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {kind_name(x)}")
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    many = x1.shape[-2] > 25 or x2.shape[-2] > 25
    if p == 2 and x1.shape[-1] and (compute_mode == modes[1] or compute_mode == modes[0] and many):
        return _euclidean_by_product(x1, x2)
    return _length(x1.unsqueeze(-2) - x2.unsqueeze(-3), p)


def _euclidean_by_product(x1: Tensor, x2: Tensor) -> Tensor:
    """√(|a|² - 2 a·b + |b|²), without a gradient where it is 0."""
    squares = x1.square().sum(-1, True) - 2 * x1.matmul(x2.transpose(-2, -1)) + x2.square().sum(-1).unsqueeze(-2)
    zero = squares.detach() <= 0
    return squares.masked_fill(zero, 1).sqrt().masked_fill(zero, 0)
