"""CPU kernels: what NumPy alone cannot do, or not fast enough."""

from __future__ import annotations

import contextlib

import numpy as np
from numpy.lib.stride_tricks import as_strided as _numpy_as_strided


def get_cpu_capability() -> str:
    """torch.backends.cpu: which instructions the library's own kernels were compiled for; NumPy picks its own."""
    return "DEFAULT"


def kernel(name: str, *arrays) -> None:
    """No kernel of one's own for whole ops, as cuda.py has them: the array module computes them."""
    return None


linalg_errors = contextlib.nullcontext  # NumPy's linear algebra raises its errors everywhere


def strided(array: np.ndarray, shape, strides_bytes, offset_bytes: int = 0) -> np.ndarray:
    """A writable view of `array`'s memory with another shape and other strides.

    `offset_bytes` counts from the first element of `array`. The caller has checked that the view stays inside.
    """
    owner, start = array.base, offset_bytes
    if owner is None:
        owner = array
    elif isinstance(owner, np.ndarray):
        start += array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    try:
        return np.ndarray(shape, array.dtype, owner, start, strides_bytes)  # checks that the view stays inside
    except (TypeError, ValueError):  # an owner without a plain buffer: bfloat16, or with gaps
        pass
    if offset_bytes:
        array = _shift(array, offset_bytes)
    return _numpy_as_strided(array, shape, strides_bytes)


def running(ufunc, array: np.ndarray, axis: int) -> np.ndarray:
    """What `ufunc` makes of all elements up to each place of an axis."""
    return ufunc.accumulate(array, axis=axis)


def change_at(ufunc, target: np.ndarray, key, values) -> None:
    """`target[key] = ufunc(target[key], values)`, one after the other where positions repeat."""
    ufunc.at(target, key, values)


def _shift(array: np.ndarray, offset_bytes: int) -> np.ndarray:
    """An array that starts `offset_bytes` after (or before) `array` and keeps it alive."""

    class Shifted:
        def __init__(self):
            interface = dict(array.__array_interface__)
            address, readonly = interface["data"]
            interface.update(data=(address + offset_bytes, readonly), shape=(1,), strides=(array.itemsize,))
            if array.dtype.kind == "V":
                interface.update(typestr=f"<u{array.itemsize}", descr=[("", f"<u{array.itemsize}")])
            self.__array_interface__ = interface
            self.keep = array

    shifted = np.asarray(Shifted())
    return shifted.view(array.dtype) if array.dtype.kind == "V" else shifted
