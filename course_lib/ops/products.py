"""Products with something added (addmm and its kin), and products over chosen dimensions (tensordot, kron, cross, …).

All are compositions of mm, bmm, mv and pointwise ops, so that gradients come by themselves; only on a GPU is
`beta * input + alpha * product` an op of its own, because cuBLAS computes just that in one call.
"""

from __future__ import annotations

import math
from itertools import combinations as choose
from itertools import combinations_with_replacement

from ..backends import backend_of
from ..dtypes import FLOAT, int64, legacy_name
from ..errors import warn
from ..tensor import Tensor, normalize_dim
from ._arguments import result_dtype
from ._linalg import require_float
from ._numeric import conjugate, is_half
from ._op import OPS, function, op
from ._public import public
from .creation import empty
from .from_data import tensor
from .joining import cat, meshgrid, stack
from .matmul import bmm, gradients_of_factors, matmul, mm, mv

# ---- beta * input + alpha * product ------------------------------------------------------------------------------


def _combined(input: Tensor, product: Tensor, beta, alpha) -> Tensor:
    """`beta * input + alpha * product`; with beta=0 the input does not count, not even its NaN."""
    if input.dtype.category < FLOAT:
        beta, alpha = int(beta), int(alpha)
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    if not _broadcasts(input._array.shape, product._array.shape):
        input = input.expand(product._array.shape)  # raises PyTorch's sentence about the sizes
    return product + (input if beta == 1 else input * beta)


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return len(shape) <= len(to) and all(n in (1, m) for n, m in zip(reversed(shape), reversed(to), strict=False))


def _wide(*tensors: Tensor):
    """Half precision is multiplied and added in float32 and rounded once."""
    return [t.float() for t in tensors] if is_half(tensors[0]._array.dtype) else tensors


@op(method=False, namespace=None, node="Addmm", on_arrays=True)
class plus_product:
    """`beta * input + alpha * a @ b` on a GPU, for matrices or batches of them; the input broadcasts to the product."""

    def forward(xp, input, a, b, *, beta, alpha):
        return backend_of(xp).added(input, a, b, alpha=alpha, beta=beta)

    def save(ctx, out, input, a, b, *, beta, alpha):
        _, edge_a, edge_b = ctx.edges  # None where no gradient is needed
        ctx.save_for_backward(a if edge_b else None, b if edge_a else None)
        ctx.inputs = tuple([(t._array.shape, t._array.dtype) for t in (input, a, b)])
        ctx.setting = beta, alpha

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        beta, alpha = map(conjugate, ctx.setting)
        by_input = g if beta == 1 else g * beta
        g = g if alpha == 1 else g * alpha
        if not isinstance(g, Tensor):
            return by_input, *gradients_of_factors(g, a, b)
        return (
            by_input,
            None if b is None else g.matmul(conjugate(b).mT),
            None if a is None else conjugate(a).mT.matmul(g),
        )


def _added_on_gpu(check, input, a, b, beta, alpha) -> Tensor:
    (a, b), _ = check(a, b)
    shape = a.shape[:-1] if b.ndim == 1 else (*a.shape[:-1], b.shape[-1])
    if beta != 0 and not _broadcasts(input._array.shape, shape):
        input.expand(shape)  # raises PyTorch's sentence about the sizes
    if b.ndim > 1:
        return plus_product(input, a, b, beta=beta, alpha=alpha)
    return plus_product(input.unsqueeze(-1), a, b.unsqueeze(1), beta=beta, alpha=alpha).squeeze(1)


def _added(product):
    """The function `product(mat1, mat2)` with a tensor added, in half precision too."""
    check = OPS[product.__name__].arguments

    def add(input, a, b, beta, alpha):
        if a.is_cuda and input.dtype.category >= FLOAT:
            return _added_on_gpu(check, input, a, b, beta, alpha)
        wide_input, wide_a, wide_b = _wide(input, a, b)
        made = _combined(wide_input, product(wide_a, wide_b), beta, alpha)
        return made if wide_input is input else made.to(input.dtype)

    return add


_add_mm, _add_mv, _add_bmm = _added(mm), _added(mv), _added(bmm)


@public(tensors=3, method=True)
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """addmm(input, mat1, mat2, *, beta=1, alpha=1, out=None) -> Tensor: `beta * input + alpha * (mat1 @ mat2)`.

    >>> import course_lib as torch
    >>> torch.addmm(torch.ones(2), torch.ones(2, 3), torch.ones(3, 2))
    tensor([[4., 4.],
            [4., 4.]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addmm.html
    """
    for name, value in (("mat1", mat1), ("mat2", mat2)):
        if value.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {value.ndim}-D tensor")
    for value in (mat1, mat2):
        if value.dtype is not input.dtype:
            raise RuntimeError(
                f"self and mat2 must have the same dtype, but got {legacy_name(input.dtype)} and "
                f"{legacy_name(mat2.dtype)}"
            )
    return _add_mm(input, mat1, mat2, beta, alpha)


@public(tensors=3, method=True)
def addmv(input, mat, vec, *, beta=1, alpha=1):
    """addmv(input, mat, vec, *, beta=1, alpha=1, out=None) -> Tensor: `beta * input + alpha * (mat @ vec)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addmv.html
    """
    if input.ndim > 1 or mat.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {input.ndim}, {mat.ndim}, {vec.ndim}")
    if mat.shape[1] != vec.shape[0] or (input.numel() not in (1, mat.shape[0])):
        raise RuntimeError(
            f"size mismatch, got input ({input.numel()}), mat ({mat.shape[0]}x{mat.shape[1]}), vec ({vec.shape[0]})"
        )
    if not input.dtype is mat.dtype is vec.dtype:
        kinds = [legacy_name(t.dtype) for t in (input, mat, vec)]
        raise RuntimeError("addmv input tensors must have the same dtype, but got {}, {}, and {}".format(*kinds))
    return _add_mv(input, mat, vec, beta, alpha)


def _check_batches(batch1: Tensor, batch2: Tensor) -> None:
    for value in (batch1, batch2):
        normalize_dim(2, value.ndim)
    for name, value in (("batch1", batch1), ("batch2", batch2)):
        if value.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")


@public(tensors=3, method=True)
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """baddbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None) -> Tensor

    `beta * input + alpha * bmm(batch1, batch2)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.baddbmm.html
    """
    _check_batches(batch1, batch2)
    if not input.dtype is batch1.dtype is batch2.dtype:
        other = batch1 if batch1.dtype is not input.dtype else batch2
        raise RuntimeError(f"expected scalar type {legacy_name(input.dtype)} but found {legacy_name(other.dtype)}")
    return _add_bmm(input, batch1, batch2, beta, alpha)


@public(tensors=3, method=True)
def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """addbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None) -> Tensor

    `beta * input + alpha * bmm(batch1, batch2).sum(0)`: (b, n, m) with (b, m, p) gives (n, p).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addbmm.html
    """
    _check_batches(batch1, batch2)
    (b, n, m), (b2, k, p) = batch1.shape, batch2.shape
    if b != b2:
        raise RuntimeError(f"batch1 and batch2 must have same number of batches, got {b} and {b2}")
    if m != k:
        raise RuntimeError(f"Incompatible matrix sizes for bmm ({n}x{m} and {k}x{p})")
    if is_half(input._array.dtype):  # PyTorch rounds after every matrix of the batch
        for i in range(b):
            input = _add_mm(input, batch1[i], batch2[i], 1 if i else beta, alpha)
        return input
    rows = batch1.transpose(0, 1).reshape(n, b * m)  # the sum over batches is part of one longer inner product
    return _add_mm(input, rows, batch2.reshape(b * k, p), beta, alpha)


@public(tensors=3, method=True)
def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """addr(input, vec1, vec2, *, beta=1, alpha=1, out=None) -> Tensor: `beta * input + alpha * outer(vec1, vec2)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addr.html
    """
    for name, value in (("vec1", vec1), ("vec2", vec2)):
        if value.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {value.ndim}-D")
    dtype = result_dtype(input, vec1, vec2)
    for name, value in (("beta", beta), ("alpha", alpha)):
        if dtype.category < FLOAT and isinstance(value, float):
            raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    if dtype.category == 0:  # bool: multiplication is `and`, addition is `or`
        product = vec1.unsqueeze(1) & vec2
        return (product & bool(alpha)) | (input.expand(product.shape) & bool(beta))
    if is_half(dtype.numpy):  # PyTorch rounds the factors too
        beta, alpha = input.new_tensor(beta), input.new_tensor(alpha)
    product = (vec1 if isinstance(alpha, int) and alpha == 1 else vec1 * alpha).unsqueeze(1) * vec2
    input = input.expand(product.shape)
    return product.to(dtype) if beta == 0 else input * beta + product


def _in_place(made):
    """The method with a trailing underscore: stores the result in the first tensor, which must have its shape."""

    def changed(self, *args, **named):
        result = made(self, *args, **named)
        if result.shape != self.shape:
            raise RuntimeError(
                f"Bad in-place call: input tensor size {list(self.shape)} and output tensor size {list(result.shape)} "
                "should match"
            )
        return self.copy_(result)

    changed.__name__ = made.__name__ + "_"
    changed.__doc__ = f"In-place version of `{made.__name__}`: writes the result into this tensor and returns it."
    function(method=True, namespace="torch" if made is addmv else None)(changed)  # PyTorch has one of them as function


for _made in (addmm, addmv, addbmm, baddbmm, addr):
    _in_place(_made)


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
