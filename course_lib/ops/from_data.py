"""Tensors from data: numbers, nested lists and NumPy arrays become arrays of PyTorch's dtype, then tensors.

`array_of` finds shape and dtype; `finished` brings an array to the dtype, the device and the flag that were asked for.
"""

from __future__ import annotations

import functools
from array import array as python_array

import numpy as np

from .. import dtypes
from ..device import CPU, resolve
from ..dtypes import BOOL, COMPLEX, INT
from ..errors import warn
from ..tensor import Tensor, wrap
from ._arguments import cast
from ._op import function
from .casting import python_dtype

_TO_COPY = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than {}(sourceTensor)."
)


def finished(array, dtype, device, requires_grad: bool) -> Tensor:
    """An array as a tensor of the dtype, on the device, and with the flag that were asked for."""
    if dtype is not None:
        array = cast(array, (dtype if isinstance(dtype, dtypes.dtype) else python_dtype(dtype)).numpy)
    place = resolve(device)
    if place is not CPU:
        array = wrap(array).to(place)._array
    return flagged(array, requires_grad)


def flagged(array, requires_grad: bool) -> Tensor:
    """An array as a tensor that may require a gradient."""
    made = wrap(array)
    if requires_grad and array.dtype.kind not in "fcV":
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return made.requires_grad_() if requires_grad else made


@function()
def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """tensor(data, *, dtype=None, device=None, requires_grad=False) -> Tensor

    A new tensor with a copy of `data` (a number, nested lists, a NumPy array). Python floats become the default dtype,
    ints int64, bools bool. ValueError for rows of different lengths.

    >>> import course_lib as torch
    >>> torch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.tensor.html
    """
    if isinstance(data, Tensor):
        warn(_TO_COPY.format("torch.tensor"))
        array = data._array.copy()
    else:
        array = array_of(data, dtype)
    made = finished(array, dtype, device, requires_grad)
    return in_pinned_memory(made) if pin_memory else made


def in_pinned_memory(made: Tensor) -> Tensor:
    """What `pin_memory=True` asks of a new tensor."""
    from ..backends import cuda

    if not cuda.device_count():
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on "
            "this system."
        )
    if made.is_cuda:
        raise RuntimeError("Only dense CPU tensors can be pinned")
    return made.detach().pin_memory().requires_grad_(made.requires_grad)


def array_of(data, dtype=None):
    """A fresh array with PyTorch's dtype for `data`; where a dtype is asked for, only checked against it."""
    if isinstance(data, (np.ndarray, np.generic)):
        dtypes.from_numpy(data.dtype)
        return np.array(data)
    if isinstance(data, _BUFFERS):
        data = list(data)
    if isinstance(data, (list, tuple)):
        shape = _shape_of(data, 0)
        if 0 in shape or not shape:
            return np.zeros(shape, dtypes.get_default_dtype().numpy)
        kinds: dict = {}
        _collect_kinds(data, kinds)
        if not kinds.keys() <= _PLAIN:
            data = _plain(data)
    else:
        kinds = {type(data): None}
    inferred = functools.reduce(dtypes.promote_types, map(_dtype_of_kind, kinds))
    if dtype is None:
        return _as_array(data, inferred.numpy)
    array = _as_array(data, None if inferred.category > BOOL else bool)
    if isinstance(dtype, dtypes.dtype):
        _refuse_overflow(array, dtype)
    return array


_PLAIN = {bool, int, float, complex}
_BUFFERS = (bytearray, memoryview, python_array, range)


def _shape_of(data, depth: int) -> tuple[int, ...]:
    """The shape of nested sequences (a tensor in them counts as a number); ValueError where two lengths differ."""
    if not isinstance(data, (list, tuple)):
        if isinstance(data, str):
            raise ValueError("too many dimensions 'str'")
        return data.shape if isinstance(data, np.ndarray) else ()
    if not data:
        return (0,)
    inner = _shape_of(data[0], depth + 1)
    if not inner:
        nested = next((item for item in data if isinstance(item, (list, tuple))), None)
        if nested is not None:
            raise TypeError(f"'{type(nested).__name__}' object cannot be interpreted as an integer")
    if inner:
        for item in data:
            if not hasattr(item, "__len__"):
                _dtype_of_kind(type(item))
                raise TypeError("not a sequence")
            if isinstance(item, str):
                raise _unusable(str)
            if len(item) != inner[0]:
                raise ValueError(f"expected sequence of length {inner[0]} at dim {depth + 1} (got {len(item)})")
            if isinstance(item, (list, tuple)) and len(inner) > 1:
                _shape_of(item, depth + 1)
    return (len(data), *inner)


def _collect_kinds(data, kinds: dict) -> None:
    """Add the types of the numbers in nested lists, in their order; of tensors and NumPy arrays the dtypes."""
    here = set(map(type, data))
    if here <= _PLAIN:
        kinds.update(dict.fromkeys(here))
        return
    for item in data:
        if isinstance(item, (list, tuple)):
            _collect_kinds(item, kinds)
        else:
            kinds[item.dtype if isinstance(item, (Tensor, np.ndarray)) else type(item)] = None
    if any(issubclass(kind, np.ndarray) for kind in here):
        warn(
            "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the list "
            "to a single numpy.ndarray with numpy.array() before converting to a tensor."
        )


def _dtype_of_kind(kind) -> dtypes.dtype:
    """The dtype of a number of this type, or of a tensor or array of this dtype; an error where it is no number."""
    if isinstance(kind, dtypes.dtype):
        return kind
    if isinstance(kind, np.dtype) or issubclass(kind, np.generic):
        return dtypes.from_numpy(np.dtype(kind))
    if issubclass(kind, (bool, int, float, complex)):
        return dtypes.of_number(kind(0))
    raise _unusable(kind)


def _unusable(kind: type) -> Exception:
    if issubclass(kind, (str, bytes)):
        return TypeError(f"new(): invalid data type '{kind.__name__}'")
    return RuntimeError(f"Could not infer dtype of {kind.__name__}")


def _plain(data):
    """Nested lists with tensors replaced by their single numbers."""
    if isinstance(data, Tensor):
        if data.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return data.item()
    return [_plain(item) for item in data] if isinstance(data, (list, tuple)) else data


def _as_array(data, dtype):
    try:
        return np.array(data, dtype)
    except OverflowError:
        raise ValueError("Overflow when unpacking long long") from None


def _refuse_overflow(array, dtype) -> None:
    """An error where `dtype` cannot hold the numbers: integers have limits, real numbers no imaginary part."""
    kind = array.dtype.kind
    if kind == "c" and dtype.category < COMPLEX:
        raise TypeError("must be real number, not complex")
    if dtype.category != INT or kind not in "if" or not array.size:
        return
    limits = np.iinfo(dtype.numpy)
    checks_minimum = dtype.is_signed or kind == "f"
    if not array.max() <= limits.max or (checks_minimum and not array.min() >= limits.min):
        raise RuntimeError(f"value cannot be converted to type {dtype._name} without overflow")


@function()
def as_tensor(data, dtype=None, device=None):
    """as_tensor(data, dtype=None, device=None) -> Tensor: as `tensor`, but sharing memory where that is possible.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.as_tensor.html
    """
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    if isinstance(data, np.ndarray):
        return from_numpy(data).to(dtype=dtype, device=device)
    return tensor(data, dtype=dtype, device=device)


@function()
def from_numpy(ndarray):
    """from_numpy(ndarray) -> Tensor: a tensor that shares memory with a NumPy array.

    TypeError for what is no array or for a dtype that no tensor has; ValueError for negative strides.

    >>> import numpy as np, course_lib as torch
    >>> a = np.zeros(2); t = torch.from_numpy(a); a[0] = 7; t
    tensor([7., 0.], dtype=torch.float64)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.from_numpy.html
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.from_numpy(ndarray.dtype)
    if any(step < 0 for step in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  with "
            "array.copy().) "
        )
    if not ndarray.flags.writeable:
        warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means "
            "writing to this tensor will result in undefined behavior. You may want to copy the array to protect its "
            "data or make it writable before converting it to a tensor."
        )
    return wrap(ndarray.view(np.ndarray))


@function(method=True, namespace=None)
def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False):
    """new_tensor(data) -> Tensor: `torch.tensor` with this tensor's dtype and device as defaults."""
    if isinstance(data, Tensor):
        warn(_TO_COPY.format("tensor.new_tensor"))
        data = data.detach().clone()
        return data.to(device or self.device, dtype or self.dtype).requires_grad_(requires_grad)
    return tensor(data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)
