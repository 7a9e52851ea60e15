"""Where arrays come from: NumPy on the CPU, CuPy on a GPU.

Ops are written once against `xp`, the array module of their inputs. What an array module cannot do well lies in
`cpu.py` and `cuda.py` under the same names; `backend_of(array)` gives the right one.
"""

from __future__ import annotations

import contextlib
import functools
import importlib

import numpy as np

from ..device import CPU, device
from . import cpu

_ndarray = np.ndarray


class _Gpu:
    """CuPy as far as every call asks about it; cuda.py fills it in when it first meets CuPy."""

    __slots__ = ("module", "array", "direct", "alone", "backend", "current", "kernels", "blas", "capture",
                 "report")  # fmt: skip

    def __init__(self):
        self.forget()

    def forget(self) -> None:
        self.module = self.array = self.backend = None  # CuPy, the type of its arrays, cuda.py
        self.direct = frozenset()  # the types that its functions take: its arrays, numbers, None
        self.alone = True  # whether there is one GPU, so that it is always the current one
        self.current = None  # a function that tells the number of the current GPU
        self.kernels = {}  # what kernels/loading.py compiled
        self.report = None  # what kernels write to when an index is out of bounds (reports.py)
        self.blas = self.capture = None  # cuBLAS while a CUDA graph is captured (cublas.py), and that graph


GPU = _Gpu()
_THERE_ALREADY = contextlib.nullcontext()


def is_numpy(array) -> bool:
    return type(array) is _ndarray or isinstance(array, _ndarray)


def array_module(array):
    """NumPy for a NumPy array, CuPy for a CuPy array."""
    if type(array) is _ndarray or isinstance(array, _ndarray):
        return np
    return GPU.module or _cuda().cupy()


def _cuda():
    from . import cuda

    return cuda


def is_array(value) -> bool:
    """Whether this is an array, NumPy's or CuPy's (and no scalar of NumPy's, no tensor)."""
    return isinstance(value, _ndarray) or (hasattr(value, "strides") and not isinstance(value, np.generic))


def as_array(value):
    """What a function of an array module gave, as an array: NumPy makes scalars of results without dimensions."""
    if type(value) is GPU.array or is_meta(value):
        return value
    return np.asarray(value) if isinstance(value, (np.generic, _ndarray)) else value


def backend_of(xp):
    """The kernels that go with an array module."""
    return cpu if xp is np else GPU.backend or _cuda()


def device_of(array):
    """Where an array lies."""
    if type(array) is _ndarray:
        return CPU
    return gpu(array.device.id) if not isinstance(array, _ndarray) else _meta().META if is_meta(array) else CPU


def is_meta(array) -> bool:
    """Whether this array has no numbers (device "meta")."""
    return type(array).__name__ == "MetaArray"


def _meta():
    from . import meta

    return meta


@functools.cache
def gpu(index: int) -> device:
    """The GPU of this number."""
    return device("cuda", index)


def on_gpu(index: int):
    """A context in which this GPU is the current one; to switch costs more than to ask which one is."""
    return _THERE_ALREADY if GPU.alone or GPU.current() == index else GPU.module.cuda.Device(index)


def beside(array, numbers):
    """A NumPy array as one that lies where `array` does."""
    return numbers if is_numpy(array) else moved(numbers, device_of(array))


def made_elsewhere(name: str, place, *args, **named):
    """A new array on a GPU by a function of its array module: empty, zeros, ones, arange; or one without numbers."""
    if place.type == "meta":
        return _meta().made(name, *args, **named)
    return _cuda().made(name, place, *args, **named)


def moved(array, place, non_blocking: bool = False):
    """A copy of an array on another device."""
    if place.type == "meta" or is_meta(array):
        return _meta().moved(array, place)
    return _cuda().moved(array, place, non_blocking)


def memory_order(array) -> tuple[int, ...]:
    """The dimensions of an array from the widest step in memory to the narrowest."""
    if array.flags.c_contiguous:
        return tuple(range(array.ndim))
    return tuple(sorted(range(array.ndim), key=lambda d: -array.strides[d]))


def storage_offset_bytes(array, root) -> int:
    """How far into `root`'s memory `array` starts, in bytes."""
    if array is root or array.size == 0:
        return 0
    if is_numpy(array):
        return array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    return array.data.ptr - root.data.ptr


def cast(array, wanted):
    """`array` in dtype `wanted`, the same object if it already is; casts as C does, without warnings."""
    if array.dtype == wanted:
        return array
    if array.dtype.kind == "c" and wanted.kind != "c":
        array = array.real
    if array.dtype.kind in "fV" and wanted.kind in "iu":
        return float_to_integer(array, wanted)
    return _to_float8(array, wanted) if wanted.kind == "V" and wanted.itemsize == 1 else array.astype(wanted)


def _to_float8(array, wanted):
    """float8_e4m3fn has no infinity: what is too large becomes its largest number. float8_e8m0fnu has no sign."""
    array = array.astype(np.float32)
    if wanted.name == "float8_e4m3fn":
        array = array.clip(-448, 448)
    elif wanted.name == "float8_e8m0fnu":
        array = abs(array).clip(np.float32(2.0**-127))
    return array.astype(wanted)


def float_to_integer(array, wanted):
    """Truncate toward zero; narrow integers wrap around as they do when a 64-bit integer is cut."""
    if wanted.itemsize < 8 or wanted.kind == "u":
        return array.astype(np.int64).astype(wanted)
    return array.astype(wanted)


_SETTINGS = {"cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"}  # the modules that torch.backends has as well


def __getattr__(name: str):
    if name in _SETTINGS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'torch.backends' has no attribute '{name}'")
