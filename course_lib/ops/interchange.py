"""Tensors from memory that belongs to others, and theirs from a tensor's: buffers, DLPack, and anything array-like."""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..errors import warn
from ..storage import UntypedStorage
from ..tensor import Tensor, wrap
from ._op import function
from .from_data import from_numpy, tensor


@function()
def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False):
    """asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False) -> Tensor

    A tensor from anything that holds numbers, sharing memory where that is possible: copy=True never shares, copy=False
    raises ValueError where a copy would be needed.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.asarray.html
    """
    if isinstance(obj, Tensor):
        made = obj
    elif isinstance(obj, np.ndarray):
        made = from_numpy(obj)
    elif isinstance(obj, UntypedStorage):
        made = obj._as_tensor(dtypes.uint8)
    elif hasattr(obj, "__dlpack__"):
        made = from_dlpack(obj)
    elif copy is False:
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    else:
        return tensor(obj, dtype=dtype, device=device, requires_grad=requires_grad)
    wanted = made.to(dtype=dtype, device=device)
    if copy is False and wanted is not made:
        raise ValueError("can't alias tensor with dtype or device other than its own.")
    wanted = wanted.clone() if copy and wanted is made else wanted
    if isinstance(obj, Tensor) and obj.requires_grad and not requires_grad:
        wanted = wanted.detach()
    return wanted.requires_grad_() if requires_grad else wanted


@function()
def from_file(filename, shared=False, size=0, *, dtype=None, requires_grad=False):
    """from_file(filename, shared=False, size=0, *, dtype=None) -> Tensor

    The first `size` numbers of a file as a tensor; they are read when they are first looked at. shared: what is written
    into the tensor goes into the file, which is made if it is not there.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.from_file.html
    """
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    made = UntypedStorage.from_file(filename, bool(shared), size * dtype.itemsize)._as_tensor(dtype)
    return made.requires_grad_() if requires_grad else made


@function()
def frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False):
    """frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False) -> Tensor

    A 1-D tensor over the memory of an object with the buffer protocol (bytes, bytearray, array.array). `offset` counts
    bytes, `count` elements (-1: all that are there). ValueError where the buffer does not fit.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.frombuffer.html
    """
    size = memoryview(buffer).nbytes
    if size == 0:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if count == 0:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({size} bytes) minus 1"
        )
    item = dtype.itemsize
    if count < 0 and (size - offset) % item:
        raise ValueError(
            f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a multiple of element "
            f"size ({item})"
        )
    if count > 0 and offset + count * item > size:
        raise ValueError(
            f"requested buffer length ({count} * {item} bytes) after offset ({offset} bytes) must not be greater "
            "than actual "
            f"buffer length ({size} bytes)"
        )
    count = (size - offset) // item if count < 0 else count
    whole = np.frombuffer(buffer, np.uint8, count * item, offset)
    if not whole.flags.writeable:
        warn(
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you "
            "can write to "
            "the underlying (supposedly non-writable) buffer using the tensor. You may want to copy the buffer to "
            "protect its "
            "data or make it writable before converting it to a tensor."
        )
    made = wrap(whole.view(dtype.numpy))
    return made.requires_grad_() if requires_grad else made


@function()
def from_dlpack(ext_tensor, *, device=None, copy=None):
    """from_dlpack(ext_tensor) -> Tensor: a tensor that shares memory with an array of another library.

    >>> import numpy as np, course_lib as torch
    >>> torch.from_dlpack(np.arange(3))
    tensor([0, 1, 2])

    Source: https://docs.pytorch.org/docs/stable/dlpack.html
    """
    if isinstance(ext_tensor, Tensor):
        made = ext_tensor.detach()
    elif isinstance(ext_tensor, np.ndarray):
        made = from_numpy(ext_tensor)
    else:
        made = wrap(np.from_dlpack(ext_tensor))
    return made.clone() if copy else made.to(device) if device is not None else made


@function()
def to_dlpack(tensor):
    """to_dlpack(tensor) -> capsule: the tensor's memory in the form that other libraries take.

    Source: https://docs.pytorch.org/docs/stable/dlpack.html
    """
    return tensor.__dlpack__()


def _dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    """__dlpack__() -> capsule: this tensor's memory for another library; RuntimeError where it requires grad."""
    if self.requires_grad:
        raise RuntimeError("Can't export tensors that require gradient, use tensor.detach()")
    if self._array.dtype.kind == "V":
        raise BufferError("NumPy cannot hand over bfloat16; convert the tensor to float32 first")
    return self._array.__dlpack__()


Tensor.__dlpack__ = _dlpack
Tensor.__dlpack_device__ = lambda self: self._array.__dlpack_device__()
