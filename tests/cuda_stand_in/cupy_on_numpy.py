"""A strict stand-in for CuPy: arrays in NumPy memory that behave as if they lay on a GPU.

What CuPy lacks is missing here too (cupy_names.json says what it has), NumPy arrays are refused where CuPy refuses
them, nothing is converted to a NumPy array unless `get()` is called, results of reductions stay arrays, and arrays of
two devices do not meet. Functions take the dtypes that CuPy's take and give the dtypes that CuPy's give
(cupy_functions.py). So code that would fail on a GPU, or would silently copy, fails on a laptop.
"""

from __future__ import annotations

import ctypes
import json
import math
import time
import types
import weakref
from pathlib import Path

import cublas_on_numpy
import cupy_loops
import numpy as np
import scipy.special

_NAMES = json.loads(Path(__file__).with_name("cupy_names.json").read_text(encoding="utf-8"))
_MEMORY = 1 << 26  # bytes that a stand-in GPU has
_SCALAR = (bool, int, float, complex, np.generic)
DEVICES = 2
_device = [0]  # the current one last


class Device:
    """A stand-in GPU; a context manager that makes it the current one."""

    def __init__(self, id: int | None = None):
        self.id = _device[-1] if id is None else int(id)
        if not 0 <= self.id < DEVICES:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")

    def __enter__(self) -> Device:
        _device.append(self.id)
        return self

    def __exit__(self, *exception) -> None:
        _device.pop()

    def use(self) -> None:
        _device[-1] = self.id

    def synchronize(self) -> None:
        pass

    def __int__(self) -> int:
        return self.id

    def __eq__(self, other) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)


class MemoryHook:
    """What wants to hear of allocations: `malloc_postprocess` of every array's, `alloc_postprocess` of the driver's."""

    def malloc_postprocess(self, **details) -> None:
        pass

    alloc_postprocess = malloc_postprocess

    def __enter__(self) -> MemoryHook:
        _hooks.append(self)
        return self

    def __exit__(self, *exception) -> None:
        _hooks.remove(self)


_hooks: list[MemoryHook] = []
_used: dict[int, int] = {}  # bytes that arrays occupy, by device
_held: dict[int, int] = {}  # bytes that the pool holds


class OutOfMemoryError(MemoryError):
    pass


def _occupy(array: ndarray) -> None:
    """Count the memory of a new array until it is gone."""
    size, index = array._host.nbytes, array._device_id
    if _used.get(index, 0) + size > _MEMORY:
        raise OutOfMemoryError(f"Out of memory allocating {size:,} bytes (allocated so far: {_used[index]:,} bytes).")
    _used[index] = _used.get(index, 0) + size
    grown = _used[index] - _held.get(index, 0)
    if grown > 0:
        _held[index] = _used[index]
        for hook in _hooks:
            hook.alloc_postprocess(device_id=index, mem_size=grown, mem_ptr=0)
    weakref.finalize(array, lambda: _used.__setitem__(index, _used[index] - size))
    for hook in _hooks:
        hook.malloc_postprocess(device_id=index, size=size, mem_size=size, mem_ptr=0, pmem_id=0)


class _Pool:
    """`cupy.get_default_memory_pool()`: figures of the current device."""

    def used_bytes(self) -> int:
        return _used.get(_device[-1], 0)

    def total_bytes(self) -> int:
        return _held.get(_device[-1], 0)

    def free_all_blocks(self) -> None:
        _held[_device[-1]] = self.used_bytes()


class Stream:
    """A queue whose work is always done."""

    null: Stream
    ptr, done = 0, True

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=0):
        self.ptr = 0 if null else id(self)

    def __enter__(self) -> Stream:
        _streams.append(self)
        return self

    def __exit__(self, *exception) -> None:
        _streams.pop()

    def use(self) -> None:
        _streams[-1] = self

    def synchronize(self) -> None:
        pass

    def wait_event(self, event) -> None:
        pass


Stream.null = Stream(null=True)
_streams = [Stream.null]


class PinnedMemoryPointer(bytearray):
    """Page-locked host memory."""

    ptr = property(lambda self: np.frombuffer(self, np.uint8).ctypes.data)


class Event:
    """A mark that is reached at once."""

    done = True

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.at = None

    def record(self, stream=None) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        pass


class MemoryPointer:
    """A place in device memory: some bytes behind the start of an allocation."""

    def __init__(self, owner: np.ndarray, offset: int, device_id: int):
        self.owner, self.offset, self.device_id = owner, offset, device_id

    @property
    def ptr(self) -> int:
        cublas_on_numpy.note(self.owner, self.device_id)
        return self.owner.__array_interface__["data"][0] + self.offset

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self.owner, self.offset + offset, self.device_id)

    def __sub__(self, offset: int) -> MemoryPointer:
        return self + -offset


_at_address: dict[int, list] = {}  # weak references to the arrays that begin there


def _note_address(address: int, array: ndarray) -> None:
    living = [found for found in _at_address.get(address, ()) if found() is not None]
    _at_address[address] = [*living, weakref.ref(array)]


def array_at(address: int) -> ndarray:
    """The array whose address was asked for; an error if it is gone."""
    living = [array for found in _at_address.get(address, ()) if (array := found()) is not None]
    assert living, "a kernel got an address where no array lies, or no longer"
    return max(living, key=lambda array: array.nbytes)


class Flags:
    def __init__(self, host: np.ndarray):
        self.c_contiguous, self.f_contiguous = host.flags.c_contiguous, host.flags.f_contiguous
        self.owndata = host.base is None
        self.forc, self.fnc = host.flags.forc, host.flags.fnc


class ndarray:
    """An array on a stand-in device."""

    __slots__ = ("_host", "_device_id", "_owner", "base", "__weakref__")
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        if memptr is None:
            host, device_id = np.empty(shape, dtype, order=order), _device[-1]
        else:
            reach = sum((n - 1) * step for n, step in zip(shape, strides or (), strict=True) if n) if strides else 0
            room = (reach if strides else math.prod(shape) * np.dtype(dtype).itemsize) + np.dtype(dtype).itemsize
            memory = (ctypes.c_char * max(room, 1)).from_address(memptr.ptr)
            host = np.ndarray(shape, dtype, memory, 0, strides)
            self._owner = memptr.owner
            device_id = memptr.device_id
        self._host, self._device_id, self.base = host, device_id, None
        if memptr is None:
            _occupy(self)

    # -- what it is ---------------------------------------------------------------------------------------------

    shape = property(lambda self: self._host.shape)
    strides = property(lambda self: self._host.strides)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    flags = property(lambda self: Flags(self._host))
    device = property(lambda self: Device(self._device_id))
    T = property(lambda self: _view(self._host.T, self))
    mT = property(lambda self: _view(self._host.mT, self))
    flat = property(lambda self: _refuse_flat())

    @property
    def real(self):
        return _view(self._host.real, self)

    @real.setter
    def real(self, value):
        self._host.real = _plain(value, self._device_id)

    @property
    def imag(self):
        return _view(self._host.imag, self)

    @imag.setter
    def imag(self, value):
        self._host.imag = _plain(value, self._device_id)

    @property
    def data(self) -> MemoryPointer:
        owner = self._host
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        owner = getattr(self, "_owner", owner)
        start = self._host.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
        pointer = MemoryPointer(owner, start, self._device_id)
        _note_address(pointer.ptr, self)
        return pointer

    # -- to the host --------------------------------------------------------------------------------------------

    def get(self, stream=None, order="C", out=None, blocking=True) -> np.ndarray:
        assert blocking or isinstance(out.base, PinnedMemoryPointer), "only pinned memory is written later"
        if out is not None:
            out[...] = self._host
            return out
        return self._host.copy(order=order)

    def set(self, array: np.ndarray, stream=None) -> None:
        if not isinstance(array, np.ndarray) or array.shape != self.shape or array.dtype != self.dtype:
            raise TypeError("Only a numpy.ndarray of the same shape and dtype can be set to a cupy.ndarray")
        self._host[...] = array

    def __array__(self, *args, **named):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array "
            "explicitly."
        )

    def item(self):
        return self._host.item()

    def tolist(self):
        return self._host.tolist()

    def __bool__(self) -> bool:
        return bool(self._host)

    def __int__(self) -> int:
        return int(self._host)

    def __float__(self) -> float:
        return float(self._host)

    def __complex__(self) -> complex:
        return complex(self._host)

    def __index__(self) -> int:
        return self._host.__index__()

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"on device {self._device_id}: {self._host!r}"

    # -- elements -----------------------------------------------------------------------------------------------

    def __getitem__(self, index):
        return _view(self._host[_index(index, self._device_id, self.shape)], self)

    def __setitem__(self, index, value):
        self._host[_index(index, self._device_id, self.shape)] = _plain(value, self._device_id)

    # -- NumPy's protocols --------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc, method, *args, **named):
        own = getattr(_MODULE, ufunc.__name__, None)
        if own is None or method != "__call__":
            return NotImplemented
        return own(*args, **named)

    def __array_function__(self, function, kinds, args, named):
        raise TypeError(f"numpy.{function.__name__} was called with an array of the device: use its array module")


def _refuse_flat():
    raise NotImplementedError("ndarray.flat is an iterator on the device; use ravel()")


def _view(host, source: ndarray) -> ndarray:
    """A NumPy result of `source` as an array of the same device."""
    made = _wrap(host, source._device_id)
    made.base = source if made._host.base is not None else None
    return made


def _wrap(host, device_id: int | None = None) -> ndarray:
    made = ndarray.__new__(ndarray)
    made._host = np.asarray(host)
    made._device_id, made.base = _device[-1] if device_id is None else device_id, None
    if made._host.base is None:
        _occupy(made)
    return made


def _plain(value, device_id: int | None, name: str = "ndarray"):
    """The NumPy side of an operand: an array of the same device, or a scalar."""
    if isinstance(value, ndarray):
        if device_id is not None and value._device_id != device_id:
            raise ValueError(f"Array device must be same as the current device: array device = {value._device_id} "
                             f"while current = {device_id}")  # fmt: skip
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, (list, tuple)):
        return type(value)([_plain(part, device_id, name) for part in value])
    return value


def _index(index, device_id: int, shape: tuple):
    """NumPy's index. Positions outside are no error in CuPy's kernels: they wrap around."""
    parts = [_plain(part, device_id) for part in (index if isinstance(index, tuple) else (index,))]
    used = sum(0 if part is None or part is Ellipsis else _dimensions(part) for part in parts)
    axis = 0
    for place, part in enumerate(parts):
        if part is Ellipsis:
            axis += len(shape) - used
        elif part is not None:
            if isinstance(part, np.ndarray) and part.dtype.kind in "iu" and axis < len(shape) and shape[axis]:
                parts[place] = part % shape[axis]
            axis += _dimensions(part)
    return tuple(parts) if isinstance(index, tuple) else parts[0]


def _dimensions(part) -> int:
    """How many dimensions of an array a part of an index speaks of."""
    return part.ndim if isinstance(part, np.ndarray) and part.dtype == bool else 1


def _take(a, indices, axis=None, out=None):
    return np.take(a, indices, axis, out, mode="wrap")


def _take_along_axis(a, indices, axis):
    return np.take_along_axis(a, indices % (a.size if axis is None else a.shape[axis]), axis)


def _put_along_axis(arr, indices, values, axis):
    np.put_along_axis(arr, indices % (arr.size if axis is None else arr.shape[axis]), values, axis)


def _device_of(values) -> int | None:
    """The device of the first array among (nested) values."""
    for value in values:
        if isinstance(value, ndarray):
            return value._device_id
        if isinstance(value, (list, tuple)):
            found = _device_of(value)
            if found is not None:
                return found
    return None


def _results(made, device_id, owner: ndarray | None = None):
    if isinstance(made, (np.ndarray, np.generic)):
        return _wrap(made, device_id)
    if isinstance(made, (tuple, list)):
        parts = [_results(part, device_id) for part in made]
        return type(made)(*parts) if hasattr(made, "_fields") else type(made)(parts)
    return made


# Thrust and cuSOLVER have no bfloat16, and scans and a few other kernels are not known to compile with it.
_WITHOUT_BFLOAT16 = {
    "sort", "argsort", "lexsort", "partition", "argpartition", "searchsorted", "digitize", "cumsum", "cumprod", "var",
    "std", "median", "percentile", "quantile", "unique", "bincount", "histogram", "isin", "interp", "einsum",
    *[f"{folder}.{name}" for folder in ("linalg", "fft") for name in _NAMES[folder]],
}  # fmt: skip


def _is_bfloat16(value) -> bool:
    return isinstance(value, ndarray) and value.dtype == cupy_loops.BFLOAT16


def _on_device(name: str, function, parameters):
    """A NumPy function as CuPy's: its parameters only, arrays of one device only."""

    def call(*args, **named):
        if parameters is not None:
            unknown = named.keys() - set(parameters)
            if unknown or len(args) > len(parameters):
                what = f"argument {sorted(unknown)[0]!r}" if unknown else f"{len(args)} arguments"
                raise TypeError(f"cupy.{name}() got an unexpected {what}")
        if name in _WITHOUT_BFLOAT16 and any(_is_bfloat16(value) for value in (*args, *named.values())):
            raise TypeError(f"cupy.{name}() does not take bfloat16")
        device_id = _device_of((*args, *named.values()))
        device_id = _device[-1] if device_id is None else device_id
        out = named.get("out")
        if out is Ellipsis:
            raise TypeError(f"cupy.{name}() does not know out=...")
        plain = {key: _plain(value, device_id, name) for key, value in named.items()}
        made = function(*[_plain(value, device_id, name) for value in args], **plain)
        return out if isinstance(out, ndarray) else _results(made, device_id)

    call.__name__ = name
    return call


def asarray(a, dtype=None, order=None, *, blocking=False):
    """The way onto the device: a NumPy array or a list is copied to the current device."""
    if isinstance(a, ndarray):
        return _wrap(np.asarray(a._host, dtype=dtype, order=order), a._device_id)
    return _wrap(np.array(a, dtype=dtype, order=order or "K"))


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    host = [part._host for part in obj] if isinstance(obj, (list, tuple)) and _device_of(obj) is not None else obj
    host = obj._host if isinstance(obj, ndarray) else host
    return _wrap(np.array(host, dtype=dtype, copy=copy, order=order, ndmin=ndmin))  # on the current device


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True) -> np.ndarray:
    return a.get(order=order) if isinstance(a, ndarray) else np.asarray(a)


class errstate:
    """`cupyx.errstate`: whether linear algebra raises errors."""

    raises = [False]

    def __init__(self, linalg: str):
        self.linalg = linalg

    def __enter__(self) -> None:
        self.raises.append(self.linalg == "raise")

    def __exit__(self, *exception) -> None:
        self.raises.pop()


def _without_errors(function):
    """A function of linear algebra that gives NaN where NumPy's raises LinAlgError, unless errors are asked for."""

    def call(a, *args, **named):
        try:
            return function(a, *args, **named)
        except np.linalg.LinAlgError:
            if errstate.raises[-1] or not isinstance(a, np.ndarray) or a.ndim < 2 or a.shape[-1] != a.shape[-2]:
                raise
            made = function(np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape), *args, **named)
            parts = [np.full_like(part, np.nan) for part in (made if isinstance(made, tuple) else (made,))]
            return type(made)(*parts) if hasattr(made, "_fields") else parts[0]

    return call


class _Grid:
    """`cupy.ogrid`, `cupy.mgrid`."""

    def __init__(self, numpy_grid):
        self._grid = numpy_grid

    def __getitem__(self, key):
        return _results(self._grid[key], _device[-1])


def _build() -> types.ModuleType:
    module = types.ModuleType("cupy_on_numpy")
    for name, parameters in _NAMES["functions"].items():
        if hasattr(np, name):  # a newer NumPy may have given up a name
            setattr(module, name, _on_device(name, getattr(np, name), parameters))
    for name, function in (("take", _take), ("take_along_axis", _take_along_axis), ("put_along_axis", _put_along_axis)):
        setattr(module, name, _on_device(name, function, _NAMES["functions"][name]))
    for name in _NAMES["ufuncs"]:
        setattr(module, name, cupy_functions.ufunc(name, getattr(np, name)))
    for name, function in cupy_functions.functions().items():
        setattr(module, name, function)
    for folder, ours in (("linalg", np.linalg), ("fft", np.fft), ("special", scipy.special)):
        inside = types.SimpleNamespace()
        for name, parameters in _NAMES[folder].items():
            table = _NAMES["special_loops"].get(name) if folder == "special" else None
            function = _without_errors(getattr(ours, name)) if folder == "linalg" else getattr(ours, name)
            made = _on_device(f"{folder}.{name}", function, parameters)
            setattr(inside, name, cupy_functions.ufunc(name, getattr(ours, name), table) if table else made)
        setattr(module, folder, inside)
    as_strided = _on_device("as_strided", np.lib.stride_tricks.as_strided, ["x", "shape", "strides"])
    module.lib = types.SimpleNamespace(stride_tricks=types.SimpleNamespace(as_strided=as_strided))
    module.ogrid, module.mgrid = _Grid(np.ogrid), _Grid(np.mgrid)
    for name in ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
                 "uint64", "complex64", "complex128", "bool_", "dtype", "inf", "nan", "pi", "e", "newaxis", "iinfo",
                 "finfo", "integer", "floating", "complexfloating"):  # fmt: skip
        setattr(module, name, getattr(np, name))
    properties = {"name": b"stand-in", "major": 7, "minor": 5, "totalGlobalMem": _MEMORY, "multiProcessorCount": 4,
                  "maxThreadsPerMultiProcessor": 1024, "warpSize": 32, "regsPerMultiprocessor": 65536,
                  "sharedMemPerBlock": 49152, "l2CacheSize": 1 << 20}  # fmt: skip
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: DEVICES, getDevice=lambda: _device[-1], getDeviceProperties=lambda index: properties,
        memGetInfo=lambda: (_MEMORY - _used.get(_device[-1], 0), _MEMORY), deviceCanAccessPeer=lambda a, b: 1,
    )  # fmt: skip
    module.ndarray, module.ufunc, module.asarray = ndarray, cupy_functions.ufunc, asarray
    module.array, module.asnumpy = array, asnumpy
    module.cuda = types.SimpleNamespace(
        Device=Device, runtime=runtime, MemoryPointer=MemoryPointer, MemoryHook=MemoryHook, Stream=Stream, Event=Event,
        PinnedMemoryPointer=PinnedMemoryPointer, alloc_pinned_memory=PinnedMemoryPointer,
        get_current_stream=lambda: _streams[-1], get_elapsed_time=lambda a, b: (b.at - a.at) * 1e3,
    )  # fmt: skip
    cublas_on_numpy.attach(module.cuda, lambda: _device[-1], lambda: _streams[-1].ptr)
    pool, module.errstate = _Pool(), errstate
    module.get_default_memory_pool = lambda: pool
    return module


_OPERATORS = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
              "mod": "remainder", "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
              "lshift": "left_shift", "rshift": "right_shift", "matmul": "matmul", "divmod": "divmod"}  # fmt: skip
_COMPARISONS = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater",
                "ge": "greater_equal"}  # fmt: skip
_SIGNS = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}


def _add_methods() -> None:
    """The operators and methods that CuPy's ndarray has."""

    def operator(name: str, swapped: bool = False):
        def method(self, other):
            if not isinstance(other, (ndarray, *_SCALAR)):
                if isinstance(other, np.ndarray):
                    raise TypeError("Unsupported type <class 'numpy.ndarray'>")
                return NotImplemented
            return getattr(_MODULE, name)(*((other, self) if swapped else (self, other)))

        return method

    def in_place(name: str):
        return lambda self, other: getattr(_MODULE, name)(self, other, out=self)

    for form, name in (_OPERATORS | _COMPARISONS).items():
        setattr(ndarray, f"__{form}__", operator(name))
    for form, name in _OPERATORS.items():
        if f"__r{form}__" in _NAMES["dunder"]:
            setattr(ndarray, f"__r{form}__", operator(name, swapped=True))
        if f"__i{form}__" in _NAMES["dunder"]:
            setattr(ndarray, f"__i{form}__", in_place(name))
    for form, name in _SIGNS.items():
        setattr(ndarray, f"__{form}__", lambda self, name=name: getattr(_MODULE, name)(self))
    ndarray.take = lambda self, indices, axis=None, out=None: _MODULE.take(self, indices, axis, out)
    for name, method in cupy_functions.methods().items():
        setattr(ndarray, name, method)
    for name in _NAMES["ndarray"]:
        if not hasattr(ndarray, name) and callable(getattr(np.ndarray, name, None)):
            setattr(ndarray, name, _method(name))


def _method(name: str):
    def method(self, *args, **named):
        if name in _WITHOUT_BFLOAT16 and _is_bfloat16(self):
            raise TypeError(f"cupy.ndarray.{name}() does not take bfloat16")
        out = named.get("out")
        plain = {key: _plain(value, self._device_id) for key, value in named.items()}
        made = getattr(self._host, name)(*[_plain(value, self._device_id) for value in args], **plain)
        if out is not None:
            return out
        if isinstance(made, np.ndarray) and made.base is not None:
            return _view(made, self)
        return _results(made, self._device_id)

    method.__name__ = name
    return method


import cupy_functions  # noqa: E402  which needs the names above

_add_methods()
_MODULE = _build()


def module() -> types.ModuleType:
    """The stand-in for `import cupy`."""
    return _MODULE


__all__ = ["DEVICES", "Device", "array_at", "module", "ndarray"]
