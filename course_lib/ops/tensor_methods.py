"""Tensor methods about the tensor as an object: its storage, its kind, and older ways to change it by element."""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..backends import array_module, is_numpy
from ..legacy import new as legacy_new
from ..storage import TypedStorage, UntypedStorage
from ..tensor import Tensor, wrap
from . import (  # noqa: F401  their in-place methods
    arithmetic,
    complex_numbers,
    copying,
    mathematics,
    pairs,
    rounding,
    special,
    views_in_place,
)
from ._arguments import cast, result_dtype
from ._op import FUNCTIONS, function
from .creation import shape_of
from .views import same

# ---- memory ------------------------------------------------------------------------------------------------------


@function(method=True, namespace=None)
def untyped_storage(self):
    """untyped_storage() -> UntypedStorage: the bytes that this tensor looks into.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.untyped_storage.html
    """
    return UntypedStorage(shared_with=self)


@function(method=True, namespace=None)
def storage(self):
    """storage() -> TypedStorage: the elements that this tensor looks into, in the order in which they lie in memory."""
    return TypedStorage(self)


@function(method=True, namespace=None)
def is_set_to(self, tensor) -> bool:
    """is_set_to(tensor) -> bool: whether both look at the same memory in the same way."""
    return (
        self._storage is tensor._storage
        and self.storage_offset() == tensor.storage_offset()
        and self.shape == tensor.shape
        and self.stride() == tensor.stride()
    )


@function(method=True, namespace=None)
def dim_order(self, *, ambiguity_check=False) -> tuple[int, ...]:
    """dim_order() -> tuple: the dimensions in the order in which they lie in memory, outermost first."""
    return tuple(sorted(range(self.ndim), key=lambda d: -self.stride(d)))


@function(method=True, namespace=None)
def is_pinned(self, device=None) -> bool:
    """is_pinned() -> bool: whether the memory is page-locked, so that a GPU can copy from it by itself."""
    from ..backends import pinned

    return is_numpy(self._array) and pinned.is_pinned(self._array)


@function(method=True, namespace=None)
def pin_memory(self, device=None):
    """pin_memory() -> Tensor: a copy in page-locked memory, or itself if it lies there; RuntimeError without a GPU.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.pin_memory.html
    """
    from ..backends import cuda, pinned

    if not is_numpy(self._array):
        kind = dtypes.legacy_name(self.dtype)
        raise RuntimeError(f"cannot pin 'torch.cuda.{kind}Tensor' only dense CPU tensors can be pinned")
    if not cuda.device_count():
        raise RuntimeError("Cannot access accelerator device when none is available.")
    return self if pinned.is_pinned(self._array) else wrap(pinned.pinned(self._array))


@function(method=True, namespace=None)
def record_stream(self, stream) -> None:
    """record_stream(stream): when this tensor is gone, keep its memory until `stream` has done its work up to then.

    RuntimeError for a CPU tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.record_stream.html
    """
    if not self.is_cuda:
        raise RuntimeError(f"record_stream: expected a tensor on a CUDA device, but it is on {self.device}")
    from ..backends import under_way

    under_way.keep_when_freed(self, stream._stream)


@function(method=True, namespace=None)
def is_shared(self) -> bool:
    """is_shared() -> bool: whether other processes can see the memory: True for CUDA tensors."""
    return self.is_cuda


@function(method=True, namespace=None)
def share_memory_(self):
    """share_memory_() -> Tensor: this tensor; processes started by fork see a copy of its memory."""
    return self


@function(method=True, namespace=None)
def as_subclass(self, cls):
    """as_subclass(cls) -> Tensor: the same memory as a tensor of the class `cls`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.as_subclass.html
    """
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise RuntimeError("cls must be a type that inherits from Tensor")
    made = same(self)
    made.__class__ = cls
    return made


def _make_subclass(cls, data, require_grad=False):
    """_make_subclass(cls, data, require_grad=False) -> Tensor: the memory of `data` as a leaf of the class `cls`."""
    made = data.detach()
    made.__class__ = cls
    return made.requires_grad_(require_grad)


Tensor._make_subclass = staticmethod(_make_subclass)

# ---- older ways --------------------------------------------------------------------------------------------------


@function(method=True, namespace=None)
def new(self, *args, device=None):
    """new(*size), new(values) -> Tensor

    As the legacy constructor of this tensor's dtype, such as torch.FloatTensor.
    """
    return legacy_new(self, *args, device=device)


@function(method=True, namespace=None)
def resize(self, *sizes):
    """resize(*sizes) -> Tensor: `reshape` by its old name; RuntimeError where the number of elements would change."""
    shape = shape_of(sizes)
    if int(np.prod(shape)) != self.numel():
        raise RuntimeError(
            f"requested resize to {'x'.join(map(str, shape))} ({int(np.prod(shape))} elements in total), but the "
            "given tensor "
            f"has a size of {'x'.join(map(str, self.shape))} ({self.numel()} elements). autograd's resize can only "
            "change the "
            "shape of a given tensor, while preserving the number of elements. "
        )
    return self.reshape(shape)


def _write_elements(self, values) -> Tensor:
    array = np.array(values, dtype=object).reshape(self._array.shape)
    numbers = cast(array.astype(np.float64) if self._array.dtype.kind in "biufV" else array, self._array.dtype)
    self._array[...] = array_module(self._array).asarray(numbers)
    self._storage.version += 1
    return self


def _refuse_history(name: str, self) -> None:
    if self.requires_grad:
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")


@function(method=True, namespace=None)
def apply_(self, callable):
    """apply_(callable) -> Tensor

    Each element replaced by `callable(element)`, one by one and slowly; returns this tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.apply_.html
    """
    _refuse_history("apply_", self)
    return _write_elements(self, [callable(v) for v in self.reshape(-1).tolist()])


def _expanded(name: str, self, **others):
    for parameter, t in others.items():
        if t.dtype is not self.dtype:
            raise TypeError(f"{name}: expected {self.type()} for '{parameter}' (got {t.type()})")
    return [t.expand(self.shape).reshape(-1).tolist() for t in others.values()]


@function(method=True, namespace=None)
def map_(self, other, callable):
    """map_(other, callable) -> Tensor: each element replaced by `callable(element, element of other)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.map_.html
    """
    _refuse_history("map_", self)
    (seconds,) = _expanded("map_", self, other=other)
    return _write_elements(self, [callable(a, b) for a, b in zip(self.reshape(-1).tolist(), seconds, strict=True)])


@function(method=True, namespace=None)
def map2_(self, x, y, callable):
    """map2_(x, y, callable) -> Tensor: each element replaced by `callable(element, element of x, element of y)`."""
    _refuse_history("map2_", self)
    triples = zip(self.reshape(-1).tolist(), *_expanded("map2_", self, x=x, y=y), strict=True)
    return _write_elements(self, [callable(a, b, c) for a, b, c in triples])


@function(method=True, namespace=None)
def fill_diagonal_(self, fill_value, wrap=False):
    """fill_diagonal_(fill_value, wrap=False) -> Tensor

    The main diagonal overwritten with a number; returns this tensor.

    With `wrap` the diagonal of a tall matrix starts again below.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.fill_diagonal_.html
    """
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.ndim > 2 and len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    count, steps = min(self.shape), sum(self.stride())
    self.as_strided((count,), (steps,), self.storage_offset()).fill_(fill_value)
    if wrap and self.ndim == 2 and self.shape[0] > self.shape[1] + 1:
        rows, columns = self.shape
        for start in range(columns + 1, rows, columns + 1):
            part = self[start : start + columns]
            part.as_strided((min(part.shape),), (steps,), part.storage_offset()).fill_(fill_value)
    return self


# ---- what kind of tensor -----------------------------------------------------------------------------------------


@function()
def is_tensor(obj) -> bool:
    """is_tensor(obj) -> bool: whether `obj` is a Tensor."""
    return isinstance(obj, Tensor)


@function()
def numel(input) -> int:
    """numel(input) -> int: the number of elements."""
    return input.numel()


@function()
def is_floating_point(input) -> bool:
    """is_floating_point(input) -> bool: whether the dtype is a floating one."""
    return input.is_floating_point()


@function()
def is_complex(input) -> bool:
    """is_complex(input) -> bool: whether the dtype is complex."""
    return input.is_complex()


@function()
def result_type(tensor1, tensor2) -> dtypes.dtype:
    """result_type(tensor1, tensor2) -> dtype: the dtype in which two tensors or numbers meet.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.result_type.html
    """
    return result_dtype(tensor1, tensor2)


@function(method=True)
def is_nonzero(input) -> bool:
    """is_nonzero(input) -> bool: whether the one element is not zero; RuntimeError for more elements or none.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.is_nonzero.html
    """
    return bool(input)


@function(method=True)
def is_same_size(input, other) -> bool:
    """is_same_size(input, other) -> bool: whether both have the same shape."""
    return input.shape == other.shape


@function(method=True)
def is_distributed(input) -> bool:
    """is_distributed(input) -> bool: False."""
    return False


FUNCTIONS["torch"]["is_signed"] = Tensor.is_signed
FUNCTIONS["torch"]["get_device"] = Tensor.get_device


@function(method=True, namespace=None)
def to_dense(self, dtype=None, *, masked_grad=True):
    """to_dense(dtype=None) -> Tensor: this tensor, which is dense already."""
    return self if dtype is None else self.to(dtype)


@function(method=True, namespace=None)
def index(self, indices):
    """index(indices) -> Tensor: `self[indices]`."""
    return self[indices]


@function(method=True, namespace=None)
def resize_as(self, tensor):
    """resize_as(tensor) -> Tensor: `resize` to the tensor's shape."""
    return self.resize(*tensor.shape)


def _only_sparse(name: str, kind: str) -> None:
    def method(self):
        raise RuntimeError(f"{name} expected sparse {kind}tensor layout but got Strided")

    method.__name__ = name
    method.__doc__ = f"{name}(): for sparse tensors only; RuntimeError for a dense one."
    setattr(Tensor, name, method)


_only_sparse("values", "")
_only_sparse("crow_indices", "row compressed ")
_only_sparse("col_indices", "row compressed ")
for _name in ("indices", "coalesce", "is_coalesced", "_indices", "_values", "_nnz"):
    _only_sparse(_name, "coordinate ")


@function(method=True, namespace=None, alias="to_sparse_coo")
def to_sparse(self, sparse_dim=None, *, layout=None, blocksize=None, dense_dim=None):
    """to_sparse(sparse_dim=None) -> Tensor: the numbers that are not zero and their places; see torch.sparse."""
    from ..sparse import coo

    return coo.to_sparse(self, sparse_dim, layout=layout)


@function(method=True, namespace=None)
def sparse_mask(self, mask):
    """sparse_mask(mask) -> Tensor: the numbers at the places of a sparse tensor."""
    from ..sparse import coo

    return coo.sparse_mask(self, mask)


@function()
def spmm(input, mat2):
    """spmm(input, mat2) -> Tensor: `mm`, under the name it had for sparse matrices."""
    return input.mm(mat2)

# ---- in-place methods that are functions too: torch.relu_, torch.exp_, … -------------------------------------------

for _name in (
    "abs", "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "as_strided", "asin",
    "asinh", "atan", "atanh", "ceil", "clamp", "clamp_max", "clamp_min", "clip", "conj_physical", "cos", "cosh",
    "deg2rad", "detach", "erf", "erfc", "exp", "exp2", "expm1", "fill", "fix", "floor", "frac", "gcd", "i0", "lcm",
    "ldexp", "log", "log10", "log1p", "log2", "logit", "nan_to_num", "neg", "negative", "rad2deg", "reciprocal",
    "resize_as", "round", "rsqrt", "sigmoid", "sin", "sinc", "sinh", "sqrt", "square", "tan", "tanh", "trunc", "xlogy",
    "zero",
):  # fmt: skip
    FUNCTIONS["torch"][f"{_name}_"] = getattr(Tensor, f"{_name}_")
FUNCTIONS["torch"]["detach"] = Tensor.detach

Tensor.grad_dtype = property(lambda self: self.dtype, doc="The dtype of this tensor's gradient.")
Tensor.is_sparse_csr = Tensor.is_mkldnn = Tensor.is_xpu = property(lambda self: False)
Tensor.dense_dim, Tensor.sparse_dim = Tensor.dim, lambda self: 0
