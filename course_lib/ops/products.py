"""Products over chosen dimensions (tensordot, kron, cross, …), of chains of matrices, and of sets.

All are compositions of mm and pointwise ops, so that gradients come by themselves.
"""

from __future__ import annotations

import math
from itertools import combinations as choose
from itertools import combinations_with_replacement

from ..dtypes import int64, legacy_name
from ..errors import warn
from ..tensor import Tensor, normalize_dim
from ._arguments import result_dtype
from ._linalg import require_float
from ._op import function
from ._public import public
from .creation import empty
from .from_data import tensor
from .joining import cat, meshgrid, stack
from .matmul import matmul, mm

# ---- products over chosen dimensions -----------------------------------------------------------------------------


@public(tensors=2, method=True)
def inner(input, other):
    """inner(input, other, *, out=None) -> Tensor: sums of products over the last dimension of both tensors.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.inner.html
    """
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


@public(tensors=2)
def tensordot(a, b, dims=2):
    """tensordot(a, b, dims=2, out=None) -> Tensor

    Sums of products over several dimensions: the last `dims` of `a` with the first of `b`, or two lists of dimensions.

    >>> import course_lib as torch
    >>> torch.tensordot(torch.ones(2, 3, 4), torch.ones(3, 4, 5)).shape
    torch.Size([2, 5])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.tensordot.html
    """
    dims_a, dims_b = _contracted(dims)
    if len(dims_a) != len(dims_b):
        raise RuntimeError("both dimension lists should have same length")
    for i, j in zip(dims_a, dims_b, strict=True):
        i_size, j_size = a.shape[normalize_dim(i, a.ndim)], b.shape[normalize_dim(j, b.ndim)]
        if i_size == j_size:
            continue
        if j_size == 1:
            a = a.sum(i, keepdim=True)
        elif i_size == 1:
            b = b.sum(j, keepdim=True)
        else:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {i_size} in dim {i} and second has size "
                f"{j_size} in dim {j}"
            )
    dims_a, dims_b = [normalize_dim(d, a.ndim) for d in dims_a], [normalize_dim(d, b.ndim) for d in dims_b]
    rest_a, rest_b = [d for d in range(a.ndim) if d not in dims_a], [d for d in range(b.ndim) if d not in dims_b]
    length = math.prod([a.shape[d] for d in dims_a])
    shape_a, shape_b = [a.shape[d] for d in rest_a], [b.shape[d] for d in rest_b]
    rows = a.permute(*rest_a, *dims_a).reshape(math.prod(shape_a), length)
    columns = b.permute(*dims_b, *rest_b).reshape(length, math.prod(shape_b))
    return mm(rows, columns).reshape(*shape_a, *shape_b)


def _contracted(dims) -> tuple[list[int], list[int]]:
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, (tuple, list)):
        first, second = [[d] if isinstance(d, int) else list(d) for d in dims]
        return first, second
    if dims < 0:
        raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
    return list(range(-dims, 0)), list(range(dims))


@public(tensors=2, method=True)
def kron(input, other):
    """kron(input, other, *, out=None) -> Tensor: the Kronecker product, a block `input[i, j] * other` each.

    >>> import course_lib as torch
    >>> torch.kron(torch.tensor([1, 10]), torch.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.kron.html
    """
    ndim = max(input.ndim, other.ndim)
    shape_a, shape_b = [(1,) * (ndim - t.ndim) + tuple(t.shape) for t in (input, other)]
    a = input.reshape([n for size in shape_a for n in (size, 1)])
    b = other.reshape([n for size in shape_b for n in (1, size)])
    return (a * b).reshape([m * n for m, n in zip(shape_a, shape_b, strict=True)])


@public(tensors=2, namespace="linalg")
def vecdot(x, y, *, dim=-1):
    """linalg.vecdot(x, y, *, dim=-1, out=None) -> Tensor: dot products along one dimension; `x` is conjugated.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.vecdot.html
    """
    if x.dtype is not y.dtype:
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {legacy_name(x.dtype)} and "
            "y of "
            f"type {legacy_name(y.dtype)} instead"
        )
    require_float("linalg.vecdot", x)
    return (x.conj() * y).sum(dim)


@public(tensors=2, method=True)
def cross(input, other, dim=None):
    """cross(input, other, dim=None, *, out=None) -> Tensor

    Cross products of 3-vectors along `dim`; without `dim`, the first dimension of size 3.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cross.html
    """
    if dim is None:
        dim = next((d for d, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
        warn(
            "Using torch.cross without specifying the dim arg is deprecated.\n"
            "Please either pass the dim explicitly or simply use torch.linalg.cross.\n"
            "The default value of dim will change to agree with that of linalg.cross in a future release."
        )
    return _cross(input, other, dim)


@public(tensors=2, namespace="linalg", name="cross")
def cross_along_last(input, other, *, dim=-1):
    """linalg.cross(input, other, *, dim=-1, out=None) -> Tensor: cross products of 3-vectors along `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.cross.html
    """
    return _cross(input, other, dim)


def _cross(a: Tensor, b: Tensor, dim: int) -> Tensor:
    if a.ndim != b.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    where = normalize_dim(dim, a.ndim)
    if a.shape[where] != 3 or b.shape[where] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {a.shape[where]} and {b.shape[where]}"
        )
    return a.roll(-1, where) * b.roll(1, where) - a.roll(1, where) * b.roll(-1, where)


# ---- chains of matrices ------------------------------------------------------------------------------------------


@function()
def chain_matmul(*matrices, out=None):
    """chain_matmul(*matrices, out=None) -> Tensor: the product of 2-D tensors in the order that needs least work.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.chain_matmul.html
    """
    warn(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot "
        "instead, which accepts a list of two or more tensors rather than multiple parameters."
    )
    if len(matrices) == 1 and isinstance(matrices[0], (tuple, list)):
        matrices = matrices[0]
    for i, matrix in enumerate(matrices):
        if matrix.ndim != 2:
            raise RuntimeError(f"Tensor {i} must be 2-dimensional, but has {matrix.ndim} dimensions")
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices, out=out)


@public(tensors=0, namespace="linalg")
def multi_dot(tensors):
    """linalg.multi_dot(tensors, *, out=None) -> Tensor

    The product of at least two matrices, multiplied in the order that needs least work; the first and the last may be
    vectors.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.multi_dot.html
    """
    tensors = list(tensors)
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    for which, i in (("first", 0), ("last", -1)):
        if tensors[i].ndim not in (1, 2):
            raise RuntimeError(f"multi_dot(): the {which} tensor must be 1D or 2D but got {tensors[i].ndim}D")
    vector_first, vector_last = tensors[0].ndim == 1, tensors[-1].ndim == 1
    shapes = [list(t.shape) for t in tensors]
    tensors[0] = tensors[0].unsqueeze(0) if vector_first else tensors[0]
    tensors[-1] = tensors[-1].unsqueeze(-1) if vector_last else tensors[-1]
    for i, t in enumerate(tensors):
        if t.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {t.ndim}D")
        if t.dtype is not tensors[0].dtype:
            kinds = [legacy_name(k.dtype).lower() for k in (tensors[0], t)]
            raise RuntimeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {kinds[0]} and tensor {i} "
                f"{kinds[1]}"
            )
        if i and t.shape[0] != tensors[i - 1].shape[1]:
            raise RuntimeError(
                f"multi_dot(): tensors {i - 1} and {i} with shapes {shapes[i - 1]} and {shapes[i]} cannot be multiplied"
            )
    product = _product_in_order(tensors, _cheapest_splits([t.shape[0] for t in tensors] + [tensors[-1].shape[1]]))
    product = product.squeeze(0) if vector_first else product
    return product.squeeze(-1) if vector_last else product


def _cheapest_splits(sizes: list[int]) -> dict:
    """For every stretch (i, j) of a chain of matrices, where to split it (dynamic programming over lengths)."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    split = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            split[i, j] = min(costs, key=costs.get)
            cost[i, j] = costs[split[i, j]]
    return split


def _product_in_order(tensors: list[Tensor], split: dict) -> Tensor:
    def product(i: int, j: int) -> Tensor:
        return tensors[i] if i == j else mm(product(i, split[i, j]), product(split[i, j] + 1, j))

    return product(0, len(tensors) - 1)


# ---- combinations of vectors and blocks --------------------------------------------------------------------------


def _require_vector(t: Tensor) -> None:
    if t.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(t.shape)}")


@function()
def cartesian_prod(*tensors):
    """cartesian_prod(*tensors) -> Tensor: every way to choose one element from each vector, a row each.

    >>> import course_lib as torch
    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cartesian_prod.html
    """
    for t in tensors:
        _require_vector(t)
    if len(tensors) == 1:
        return tensors[0]
    return stack([grid.flatten() for grid in meshgrid(*tensors, indexing="ij")], 1)


@public()
def combinations(input, r=2, with_replacement=False):
    """combinations(input, r=2, with_replacement=False) -> Tensor: every choice of `r` elements in order, a row each.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.combinations.html
    """
    _require_vector(input)
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    chosen = list((combinations_with_replacement if with_replacement else choose)(range(input.numel()), r))
    index = tensor(chosen, dtype=int64, device=input.device)
    return input.index_select(0, index.flatten()).reshape(len(chosen), r)


@function()
def block_diag(*tensors):
    """block_diag(*tensors) -> Tensor: a matrix with the given matrices along its diagonal and zeros elsewhere.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.block_diag.html
    """
    for i, t in enumerate(tensors):
        if t.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {t.ndim} dimensions"
            )
    if not tensors:
        return empty(1, 0)
    dtype = result_dtype(*tensors)
    blocks = [t.to(dtype) if t.ndim == 2 else t.to(dtype).reshape(1, t.numel()) for t in tensors]
    width = sum(block.shape[1] for block in blocks)
    rows, left = [], 0
    for block in blocks:
        height, columns = block.shape
        rows.append(cat([block.new_zeros(height, left), block, block.new_zeros(height, width - left - columns)], 1))
        left += columns
    return cat(rows, 0)


public(tensors=2, namespace="linalg")(matmul)
