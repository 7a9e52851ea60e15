"""Tensors from data: numbers, nested lists and NumPy arrays become arrays of PyTorch's dtype, then tensors.

`array_of` finds shape and dtype; `finished` brings an array to the dtype, the device and the flag that were asked for.
"""

from __future__ import annotations

import warnings

import numpy as np

from .. import dtypes
from ..device import CPU, resolve
from ..dtypes import INT
from ..tensor import Tensor, wrap
from ._arguments import cast
from ._op import function
from .casting import python_dtype


def finished(array, dtype, device, requires_grad: bool) -> Tensor:
    """An array as a tensor of the dtype, on the device, and with the flag that were asked for."""
    if dtype is not None:
        array = cast(array, (dtype if isinstance(dtype, dtypes.dtype) else python_dtype(dtype)).numpy)
    made = wrap(array)
    place = resolve(device)
    if place is not CPU:
        made = made.to(place)
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
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            stacklevel=2,
        )
        array = data._array.copy()
    else:
        array = array_of(data, dtype)
    return finished(array, dtype, device, requires_grad)


def array_of(data, dtype=None):
    """A fresh array with PyTorch's dtype for `data`."""
    if isinstance(data, (np.ndarray, np.generic)):
        array = np.array(data)
        dtypes.from_numpy(array.dtype)
        return array
    if isinstance(data, (list, tuple)):
        shape = _shape_of(data, 0)
        if 0 in shape or not shape:
            return np.zeros(shape, dtypes.get_default_dtype().numpy)
        array = np.array(_plain(data))
        if array.shape != shape:
            array = np.array(_plain(data, force=True))
    else:
        array = np.array(data)
    return _inferred(array, data, dtype)


def _shape_of(data, depth: int) -> tuple[int, ...]:
    """The shape of nested sequences; ValueError where two lengths of one level differ."""
    if not isinstance(data, (list, tuple)):
        return tuple(data.shape) if isinstance(data, (np.ndarray, Tensor)) else ()
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
                raise TypeError(
                    f"not a sequence: expected a sequence of length {inner[0]} at dim {depth + 1}, got {item!r}"
                )
            if len(item) != inner[0]:
                raise ValueError(f"expected sequence of length {inner[0]} at dim {depth + 1} (got {len(item)})")
            if isinstance(item, (list, tuple)) and len(inner) > 1:
                _shape_of(item, depth + 1)
    return (len(data), *inner)


def _plain(data, force: bool = False):
    """Nested lists with tensors replaced by their values."""
    if isinstance(data, Tensor):
        return data.detach().tolist() if force else data.detach()._array
    return [_plain(item, force) for item in data] if isinstance(data, (list, tuple)) else data


def _inferred(array, data, dtype):
    kind = array.dtype.kind
    if kind == "O" or kind in "US":
        first = data
        while isinstance(first, (list, tuple)):
            first = first[0]
        if isinstance(first, int) and kind == "O":
            raise ValueError("Overflow when unpacking long long")
        first = _first_unusable(data)
        raise TypeError(f"new(): invalid data type '{type(first).__name__}'")
    if kind == "u" and _holds_python_numbers(data):
        raise ValueError("Overflow when unpacking long long")
    if kind in "fc" and _holds_python_numbers(data):
        default = dtypes.get_default_dtype()
        return cast(array, (default if kind == "f" else default.to_complex()).numpy) if dtype is None else array
    if dtype is not None and kind == "i" and isinstance(dtype, dtypes.dtype) and dtype.category == INT:
        _refuse_overflow(array, dtype)
    return array


def _first_unusable(data):
    """The first entry of nested lists that is no number."""
    if isinstance(data, (list, tuple)):
        return next((found for item in data if (found := _first_unusable(item)) is not None), None)
    return None if isinstance(data, (int, float, complex, np.number)) else data


def _holds_python_numbers(data) -> bool:
    while isinstance(data, (list, tuple)):
        data = data[0]
    return isinstance(data, (int, float, complex))


def _refuse_overflow(array, dtype) -> None:
    limits = np.iinfo(dtype.numpy)
    if array.size and (array.max() > limits.max or (dtype.is_signed and array.min() < limits.min)):
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
        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means "
            "writing to this tensor will result in undefined behavior. You may want to copy the array to protect its "
            "data or make it writable before converting it to a tensor.",
            stacklevel=2,
        )
    return wrap(ndarray.view(np.ndarray))


@function(method=True, namespace=None)
def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False):
    """new_tensor(data) -> Tensor: `torch.tensor` with this tensor's dtype and device as defaults."""
    return tensor(data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)
