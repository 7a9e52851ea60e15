"""Sparse tensors in coordinate format (COO): the places of the numbers that are not zero, and these numbers.

`indices` (sparse_dim, nnz) says where, `values` (nnz, …) what. A place may stand there several times: its numbers are
added up, by `coalesce` for good. A SparseTensor has a Tensor's shape and dtype, but no array; it answers the functions
below itself and refuses all others, as PyTorch does. Its history is that of its values.

Source: https://docs.pytorch.org/docs/stable/sparse.html
"""

from __future__ import annotations

import math

import course_lib as torch

from .._dispatch import install, off
from ..backends.meta import without_numbers
from ..layouts import sparse_coo
from ..overrides import resolve_name
from ..tensor import Tensor, wrap

ANSWERS: dict = {}  # the last part of a function's name -> what a sparse tensor does


class SparseTensor(Tensor):
    """A tensor of which only some numbers are stored; made by `torch.sparse_coo_tensor` or `Tensor.to_sparse`."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        name = (resolve_name(func) or "").removeprefix("torch.").removeprefix("Tensor.")
        with off():
            answer = ANSWERS.get(name) or ANSWERS.get(name.rpartition(".")[2] if not name.endswith("__get__") else "")
            if answer is not None:
                return answer(*args, **(kwargs or {}))
            if name.endswith("__get__") or name in _AS_THEY_ARE:
                return func(*args, **(kwargs or {}))
        raise NotImplementedError(
            f"Could not run 'aten::{name}' with arguments from the 'SparseCPU' backend. Sparse tensors have no such "
            "operation: to_dense() gives a tensor that has"
        )


_AS_THEY_ARE = {"size", "dim", "numel", "nelement", "is_floating_point", "is_complex", "is_signed", "element_size",
                "__len__", "__hash__", "ndimension", "backward"}  # fmt: skip


def made(indices: Tensor, values: Tensor, size, coalesced: bool = False) -> SparseTensor:
    """A sparse tensor of these parts."""
    install()
    blank = without_numbers(torch.empty(0, dtype=values.dtype)._array)
    tensor = wrap(_shaped(blank, tuple(size)), SparseTensor)
    tensor.__dict__.update(_parts=(indices, values), _coalesced=coalesced)
    return tensor


def _shaped(blank, size: tuple):
    """An array of this shape without numbers: its memory is never touched."""
    from ..backends.meta import MetaArray

    return MetaArray(size, blank.dtype) if math.prod(size) < 1 << 40 else MetaArray((0,) * len(size), blank.dtype)


def parts(tensor: SparseTensor) -> tuple[Tensor, Tensor]:
    """Indices and values."""
    return tensor.__dict__["_parts"]


def answers(*names):
    """Decorate what a sparse tensor does when one of these functions, methods or properties is asked for."""

    def register(function):
        ANSWERS.update(dict.fromkeys(names, function))
        return function

    return register


def is_sparse(value) -> bool:
    return type(value) is SparseTensor


def refuse(name: str):
    raise NotImplementedError(f"Could not run 'aten::{name}' with arguments from the 'SparseCPU' backend.")


# ---- what it is ----------------------------------------------------------------------------------------------------

ANSWERS.update({
    "is_sparse.__get__": lambda t: True,
    "is_meta.__get__": lambda t: False,
    "is_cpu.__get__": lambda t: parts(t)[1].is_cpu,
    "is_cuda.__get__": lambda t: parts(t)[1].is_cuda,
    "device.__get__": lambda t: parts(t)[1].device,
    "layout.__get__": lambda t: sparse_coo,
    "requires_grad.__get__": lambda t: parts(t)[1].requires_grad,
    "grad_fn.__get__": lambda t: parts(t)[1].grad_fn,
    "is_leaf.__get__": lambda t: parts(t)[1].is_leaf,
    "shape.__get__": lambda t: torch.Size(t._array.shape),
    "_nnz": lambda t: parts(t)[1].shape[0],
    "_indices": lambda t: parts(t)[0],
    "_values": lambda t: parts(t)[1],
    "sparse_dim": lambda t: parts(t)[0].shape[0],
    "dense_dim": lambda t: parts(t)[1].dim() - 1,
    "is_coalesced": lambda t: t.__dict__["_coalesced"],
    "T.__get__": lambda t: transpose(t, 0, 1),
    "data.__get__": lambda t: ANSWERS["detach"](t),
})  # fmt: skip


def _part(name: str, which: int):
    def part(tensor):
        if not tensor.__dict__["_coalesced"]:
            raise RuntimeError(f"Cannot get {name} on an uncoalesced tensor, please call .coalesce() first")
        return parts(tensor)[which]

    return part


ANSWERS.update({"indices": _part("indices", 0), "values": _part("values", 1)})


@answers("grad.__get__")
def _grad(tensor):
    values = parts(tensor)[1]
    return None if values.grad is None else made(parts(tensor)[0], values.grad, tensor._array.shape)


@answers("__repr__", "__str__")
def _text(tensor, **_) -> str:
    indices, values = parts(tensor)
    head = f"tensor(indices={_indented(indices, 15)},"
    size = tuple(tensor._array.shape)
    ending = f"grad_fn=<{values.grad_fn.name()}>" if values.grad_fn is not None else "requires_grad=True"
    shown, kind = _indented(values.detach(), 14), f", dtype={values.dtype}"
    dtype = kind if shown.endswith(f"{kind})") else ""
    shown = f"{shown.removesuffix(kind + ')')})" if dtype else shown
    tail = f"       size={size}, nnz={len(values)}{dtype}, layout=torch.sparse_coo"
    if values.device.type != "cpu":
        tail = f"       device='{values.device}', {tail.lstrip()}"
    return "\n".join([head, f"       values={shown},",
                      f"{tail}, {ending})" if values.requires_grad else f"{tail})"])  # fmt: skip


def _indented(tensor, column: int) -> str:
    """The text of a part that begins at a column, its further lines below the first."""
    text = repr(tensor) if tensor.numel() else f"tensor([], size={tuple(tensor.shape)})"
    return text.replace("\n", "\n" + " " * column)


@answers("numpy", "__array__")
def _numpy(tensor, *_, **__):
    raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")


@answers("reshape")
def _reshape(tensor, *_):
    raise RuntimeError("reshape is not implemented for sparse tensors")


@answers("tolist", "item", "data_ptr")
def _no_memory(tensor):
    raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")


@answers("__reduce_ex__")
def _reduce(tensor, protocol):
    from .._utils import _rebuild_sparse_tensor

    size = torch.Size(tensor._array.shape)
    return _rebuild_sparse_tensor, (sparse_coo, (*parts(tensor), size, tensor.__dict__["_coalesced"]))


# ---- making and unmaking -------------------------------------------------------------------------------------------


def sparse_coo_tensor(indices, values=None, size=None, *, dtype=None, device=None, pin_memory=False,
                      requires_grad=False, check_invariants=None, is_coalesced=None):  # fmt: skip
    """sparse_coo_tensor(indices, values, size=None, *, dtype=None, device=None, requires_grad=False) -> Tensor

    A sparse tensor: `values` (nnz, …) at the places `indices` (sparse_dim, nnz). Without `size` it is as small as the
    indices allow. Numbers at the same place are added up.

    RuntimeError where the parts do not fit, and with `check_invariants` for indices outside the size.

    >>> import course_lib as torch
    >>> torch.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
    tensor([[0., 0., 3.],
            [4., 0., 0.]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sparse_coo_tensor.html
    """
    if values is None:  # a size alone: nothing is stored
        size = indices
        indices = torch.empty(len(size), 0, dtype=torch.int64, device=device)
        values = torch.empty(0, dtype=dtype, device=device)
    values = torch.as_tensor(values, dtype=dtype, device=device)
    indices = torch.as_tensor(indices, device=values.device).long()
    if indices.dim() != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(indices.shape)}")
    nnz = indices.shape[1]
    if values.shape[:1] != (nnz,):
        raise RuntimeError("indices and values must have same nnz, but got nnz from indices: "
                           f"{nnz}, nnz from values: {len(values) if values.dim() else 0}")  # fmt: skip
    if size is None:
        size = (*[high + 1 for high in (indices.amax(1).tolist() if nnz else [-1] * len(indices))], *values.shape[1:])
    if len(size) != len(indices) + values.dim() - 1:
        raise RuntimeError(f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, "
                           f"sparse_dim = {len(indices)}, dense_dim = {values.dim() - 1}")  # fmt: skip
    if check_invariants:
        _check(indices, size)
    values = values if values.requires_grad and not requires_grad else values.detach().requires_grad_(requires_grad)
    return made(indices, values, size, bool(is_coalesced))


def _check(indices, size) -> None:
    for dim, (row, length) in enumerate(zip(indices, size, strict=False)):
        if row.numel() and (row.min() < 0 or row.max() >= length):
            wrong = row.min().item() if row.min() < 0 else row.max().item()
            kind = "negative index" if wrong < 0 else "index"
            raise RuntimeError(f"found {kind} {wrong} for dim {dim}, where the size is {length}")


@answers("to_dense")
def to_dense(tensor, dtype=None, *, masked_grad=None):
    """All numbers, those that are not stored as zeros."""
    indices, values = parts(tensor)
    shape, count = tensor._array.shape, len(indices)
    flat = torch.zeros(math.prod(shape[:count]), *shape[count:], dtype=values.dtype, device=values.device)
    dense = flat.index_add(0, _flat(indices, shape), values).reshape(shape)
    return dense if dtype is None else dense.to(dtype)


def _flat(indices, shape):
    """The number of each place when the places of the sparse dimensions are counted row by row."""
    found = torch.zeros(indices.shape[1], dtype=torch.int64, device=indices.device)
    for row, length in zip(indices, shape, strict=False):
        found = found * length + row
    return found


@answers("coalesce")
def coalesce(tensor):
    """Each place once, in order, with the sum of its numbers; itself if that is so already."""
    if tensor.__dict__["_coalesced"]:
        return tensor
    indices, values = parts(tensor)
    shape = tensor._array.shape
    places, which = torch.unique(_flat(indices, shape), return_inverse=True)
    summed = torch.zeros(len(places), *values.shape[1:], dtype=values.dtype, device=values.device)
    rows = []
    rest = places
    for length in reversed(shape[: len(indices)]):
        rows.insert(0, rest % length)
        rest = rest // length
    found = torch.stack(rows) if rows else indices[:, : len(places)]
    return made(found, summed.index_add(0, which, values), shape, True)


def to_sparse(dense, sparse_dim=None, *, layout=None, blocksize=None, dense_dim=None):
    """to_sparse(sparse_dim=None) -> Tensor: the places of the numbers that are not zero, and these numbers. With
    `sparse_dim` the places of the first dimensions only; the numbers are then tensors.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.to_sparse.html
    """
    if layout is not None and layout is not sparse_coo:
        raise RuntimeError(f"to_sparse: sparse tensors have the layout torch.sparse_coo here, not {layout}")
    count = dense.dim() if sparse_dim is None else sparse_dim
    nonzero = (dense != 0).detach()
    indices = (nonzero.flatten(count).any(-1) if count < dense.dim() else nonzero).nonzero().t().contiguous()
    return made(indices, dense[tuple(indices)], dense.shape, True)


@answers("to_sparse", "to_sparse_coo")
def _already(tensor, *args, **kwargs):
    return tensor


@answers("sparse_mask")
def sparse_mask(dense, mask):
    """The numbers of a dense tensor at the places of a sparse one."""
    indices = parts(mask)[0]
    return made(indices, dense[tuple(indices)], dense.shape, mask.__dict__["_coalesced"])


@answers("zeros_like")
def _zeros_like(tensor, **settings):
    values, size = parts(tensor)[1], tuple(tensor._array.shape)
    return sparse_coo_tensor(size, dtype=settings.get("dtype") or values.dtype, device=values.device)


# ---- number by number ----------------------------------------------------------------------------------------------


def _on_values(name: str, sums_first: bool):
    """A function that leaves zeros zero, on the values; of a sum only after adding up."""

    def apply(tensor, *args, **kwargs):
        tensor = coalesce(tensor) if sums_first else tensor
        indices, values = parts(tensor)
        return made(indices, getattr(values, name)(*args, **kwargs), tensor._array.shape, tensor.__dict__["_coalesced"])

    return apply


for _name in ("abs", "asin", "asinh", "atan", "atanh", "ceil", "deg2rad", "erf", "erfinv", "expm1", "floor", "log1p",
              "nan_to_num", "rad2deg", "relu", "round", "sgn", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh",
              "trunc", "pow"):  # fmt: skip
    ANSWERS[_name] = ANSWERS[f"nn.functional.{_name}"] = _on_values(_name, True)
for _name in ("clone", "detach", "neg", "positive", "to", "type", "float", "double", "half", "bfloat16", "int", "long",
              "bool", "cpu", "cuda", "conj"):  # fmt: skip
    ANSWERS[_name] = _on_values(_name, False)
ANSWERS["__abs__"], ANSWERS["__neg__"] = ANSWERS["abs"], ANSWERS["neg"]


@answers("requires_grad_")
def _requires_grad_(tensor, requires_grad: bool = True):
    parts(tensor)[1].requires_grad_(requires_grad)
    return tensor


@answers("__deepcopy__")
def _deepcopy(tensor, memo):
    return ANSWERS["clone"](ANSWERS["detach"](tensor))


@answers("mul", "multiply", "__mul__", "__rmul__")
def mul(a, b):
    """A product with a number, a dense tensor or a sparse one: stored is what both have."""
    if not is_sparse(a):
        a, b = b, a
    if is_sparse(b):
        a, b = coalesce(a), coalesce(b)
        both = torch.isin(_flat(parts(a)[0], a._array.shape), _flat(parts(b)[0], b._array.shape))
        indices = parts(a)[0][:, both]
        return made(indices, parts(a)[1][both] * to_dense(b)[tuple(indices)], a._array.shape, True)
    indices, values = parts(a)
    factor = b if not isinstance(b, Tensor) or b.dim() == 0 else b.expand(a._array.shape)[tuple(indices)]
    return made(indices, values * factor, a._array.shape, a.__dict__["_coalesced"])


@answers("div", "true_divide", "__truediv__")
def div(a, b):
    """Divided by a number, or a dense tensor."""
    if not is_sparse(a) or is_sparse(b):
        raise RuntimeError("div: only a sparse tensor by a number or a tensor without dimensions is supported")
    indices, values = parts(a)
    return made(indices, values / b, a._array.shape, a.__dict__["_coalesced"])


@answers("add", "__add__", "__radd__")
def add(a, b, *, alpha=1):
    """A sum: of two sparse tensors sparse, with a dense one dense."""
    if is_sparse(a) and is_sparse(b):
        indices = torch.cat([parts(a)[0], parts(b)[0]], 1)
        both = made(indices, torch.cat([parts(a)[1], parts(b)[1] * alpha]), a._array.shape)
        return coalesce(both)
    if is_sparse(a):
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
    return a + to_dense(b) * alpha


@answers("sub", "subtract", "__sub__")
def sub(a, b, *, alpha=1):
    """A difference, as `add`."""
    return add(a, b, alpha=-alpha)


# ---- along dimensions ----------------------------------------------------------------------------------------------


@answers("transpose", "swapaxes", "swapdims")
def transpose(tensor, dim0: int, dim1: int):
    """Two of the sparse dimensions swapped."""
    indices, values = parts(tensor)
    order, size = list(range(len(indices))), list(tensor._array.shape)
    order[dim0], order[dim1] = order[dim1], order[dim0]
    size[dim0], size[dim1] = size[dim1], size[dim0]
    return made(indices[order], values, size)


ANSWERS["t"] = lambda tensor: transpose(tensor, 0, 1)


@answers("sum")
def total(tensor, dim=None, keepdim=False, *, dtype=None):
    """The sum of all numbers; along dimensions see `torch.sparse.sum`."""
    return parts(tensor)[1].sum(dtype=dtype) if dim is None else sum_along(tensor, dim, dtype)


def sum_along(tensor, dim, dtype=None):
    """The sum along some of the sparse dimensions, sparse."""
    indices, values = parts(tensor)
    shape = tensor._array.shape
    gone = {d % len(shape) for d in ([dim] if isinstance(dim, int) else dim)}
    kept = [d for d in range(len(indices)) if d not in gone]
    if any(d >= len(indices) for d in gone):
        return made(indices, values.sum([d - len(indices) + 1 for d in gone], dtype=dtype),
                    [n for d, n in enumerate(shape) if d not in gone], tensor.__dict__["_coalesced"])  # fmt: skip
    values = values if dtype is None else values.to(dtype)
    if not kept:
        return values.sum(0)
    return coalesce(made(indices[kept], values, [n for d, n in enumerate(shape) if d not in gone]))


@answers("norm", "linalg.norm")
def norm(tensor, *args, **kwargs):
    """The norm of all numbers."""
    return parts(coalesce(tensor))[1].norm(*args, **kwargs)


@answers("index_select")
def index_select(tensor, dim: int, index):
    """Some rows, in the order of `index`."""
    chosen = coalesce(tensor)
    return coalesce(to_sparse(to_dense(chosen).index_select(dim, index)))


@answers("__getitem__", "select")
def select(tensor, *key):
    """One row: sparse, or a number."""
    key = key if len(key) == 1 else (((slice(None),) * key[0]) + (key[1],),)
    found = to_dense(tensor)[key[0]]
    return to_sparse(found) if found.dim() else found


@answers("unsqueeze")
def unsqueeze(tensor, dim: int):
    """A dimension of one more."""
    indices, values = parts(tensor)
    shape, dim = list(tensor._array.shape), dim % (tensor._array.ndim + 1)
    rows = torch.zeros(1, indices.shape[1], dtype=torch.int64, device=indices.device)
    return made(torch.cat([indices[:dim], rows, indices[dim:]]), values, [*shape[:dim], 1, *shape[dim:]],
                tensor.__dict__["_coalesced"])  # fmt: skip


@answers("cat", "concat", "concatenate")
def cat(tensors, dim: int = 0):
    """Sparse tensors one behind the other."""
    if not all(map(is_sparse, tensors)):
        raise RuntimeError("cat: sparse tensors can be joined with sparse tensors only")
    start, found, size = 0, [], list(tensors[0]._array.shape)
    for tensor in tensors:
        indices = parts(tensor)[0].clone()
        indices[dim] += start
        start += tensor._array.shape[dim]
        found.append(indices)
    size[dim] = start
    return made(torch.cat(found, 1), torch.cat([parts(t)[1] for t in tensors]), size)


@answers("stack")
def stack(tensors, dim: int = 0):
    """Sparse tensors along a new dimension."""
    return cat([unsqueeze(t, dim) for t in tensors], dim)


# ---- products ------------------------------------------------------------------------------------------------------


@answers("mm", "matmul", "mv", "spmm", "smm", "hspmm", "__matmul__", "__rmatmul__")
def matmul(a, b):
    """A product with a matrix or vector: of two sparse matrices sparse, else dense."""
    if is_sparse(a) and is_sparse(b):
        return to_sparse(to_dense(a) @ to_dense(b))
    if not is_sparse(a):
        return matmul(transpose(b, 0, 1), a.t() if a.dim() == 2 else a).t() if a.dim() else refuse("mm")
    (n, m), (rows, columns), values = a._array.shape, parts(a)[0], parts(a)[1]
    if b.shape[0] != m:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{m} and {'x'.join(map(str, b.shape))})")
    gathered = b[columns] * (values if b.dim() == 1 else values[:, None])
    return torch.zeros(n, *b.shape[1:], dtype=gathered.dtype, device=b.device).index_add(0, rows, gathered)


@answers("addmm", "sspaddmm")
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta · input + alpha · mat1 @ mat2 with a sparse mat1."""
    return input * beta + matmul(mat1, mat2) * alpha
