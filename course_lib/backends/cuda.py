"""The CUDA side: CuPy, imported only when a CUDA device is asked for, and what it cannot do by itself.

`cupy()` is CuPy, or whatever `use` put in its place (the tests: a strict stand-in on NumPy). `trouble()` says in a
sentence why there is no GPU to use. The kernels have the names that they have in cpu.py.
"""

from __future__ import annotations

import functools
import re
import sys

import numpy as np

from ..device import device as device_type
from ..errors import OutOfMemoryError
from . import GPU, gpu, on_gpu
from .cublas_lt import added  # noqa: F401  products of matrices belong to a backend
from .cuda_gemm import better_copied, inner, product  # noqa: F401

_chosen: list = []  # the array module that `use` put in CuPy's place
_NUMBERS = (bool, int, float, complex, *[np.dtype(char).type for char in "?bhilqBHILQefdFD"])  # CuPy takes as they are


def use(module) -> None:
    """Let `module` stand for CuPy; None: CuPy again."""
    _chosen[:] = [] if module is None else [module]
    GPU.forget()
    _found.cache_clear()
    peaks.cache_clear()
    _kernels.cache_clear()
    blocks_at_once.cache_clear()


def cupy():
    """The array module of the GPU."""
    return GPU.module or _found()[0]


@functools.cache
def _found() -> tuple:
    """(CuPy or None, number of GPUs, why there is none)."""
    try:
        module = _chosen[0] if _chosen else __import__("cupy")
    except ImportError:
        return None, 0, "CuPy is not installed: pip install 'from-the-tensor-up[cuda13]' (or [cuda12])"
    except Exception as error:  # a CuPy that does not fit this machine fails in many ways
        return None, 0, f"CuPy cannot be used here: {error}"
    try:
        count = module.cuda.runtime.getDeviceCount()
    except Exception as error:  # CUDARuntimeError: no driver, one that is too old, no device
        return None, 0, f"CuPy finds no GPU that it can use: {error}"
    GPU.module, GPU.array, GPU.backend = module, module.ndarray, sys.modules[__name__]
    GPU.direct = frozenset([module.ndarray, type(None), *_NUMBERS])
    GPU.alone, GPU.current = count == 1, module.cuda.runtime.getDevice
    return module, count, "" if count else "this machine has no CUDA GPU"


def device_count() -> int:
    """How many GPUs can be used."""
    return _found()[1]


def trouble() -> str:
    """Why there is no GPU to use; empty where there is one."""
    return _found()[2]


def current_device() -> int:
    """The number of the GPU on which new arrays are made."""
    return cupy().cuda.runtime.getDevice()


def cupy_device(index: int):
    """CuPy's object for a GPU; a context manager that makes it the current one."""
    return cupy().cuda.Device(index)


@functools.cache
def blocks_at_once(index: int) -> int:
    """How many blocks of 256 threads a GPU holds: random numbers are laid out by it."""
    from .kernels.loading import processors
    from .philox import BLOCK

    multiprocessors, threads = processors(cupy(), index)
    return multiprocessors * (threads // BLOCK)


class Peaks:
    """The most bytes that were allocated and reserved on each GPU, as a hook of CuPy's memory pool sees them."""

    def __init__(self):
        most = self._most = [[0, 0] for _ in range(device_count())]
        pool = cupy().get_default_memory_pool()
        used_bytes, total_bytes = pool.used_bytes, pool.total_bytes

        class Hook(cupy().cuda.MemoryHook):
            name = "peaks of course_lib"

            def malloc_postprocess(self, device_id, **details) -> None:  # for every new array: as short as it can be
                peak = most[device_id]
                used = used_bytes()
                if used > peak[0]:
                    peak[0] = used

            def alloc_postprocess(self, device_id, mem_size, mem_ptr) -> None:  # the pool asked the driver for more
                most[device_id][1] = max(most[device_id][1], total_bytes())

        self._pool, self.hook = pool, Hook()
        self.hook.__enter__()  # from now on, in this thread

    def of(self, index: int) -> tuple[int, int]:
        """(most allocated, most reserved) bytes of a GPU so far."""
        with cupy_device(index):
            now = self._pool.used_bytes(), self._pool.total_bytes()
        self._most[index][:] = map(max, now, self._most[index])
        return tuple(self._most[index])

    def reset(self, index: int) -> None:
        self._most[index][:] = 0, 0
        self.of(index)


@functools.cache
def peaks() -> Peaks:
    """The peaks since the first use of a GPU."""
    return Peaks()


def out_of_memory(error: Exception) -> OutOfMemoryError | None:
    """PyTorch's error in place of CuPy's, if that says that the GPU's memory is full."""
    if type(error).__name__ != "OutOfMemoryError":
        return None
    index = current_device()
    free, total = cupy().cuda.runtime.memGetInfo()
    used = cupy().get_default_memory_pool().used_bytes()
    wanted = re.search(r"allocating ([\d,]+) bytes", str(error))
    tried = f" Tried to allocate {_amount(int(wanted[1].replace(',', '')))}." if wanted else ""
    return OutOfMemoryError(
        f"CUDA out of memory.{tried} GPU {index} has a total capacity of {_amount(total)} of which {_amount(free)} is "
        f"free. Of the allocated memory {_amount(used)} is allocated by tensors. Use smaller batches, or free tensors "
        "that are no longer needed (`del`, `torch.cuda.empty_cache()`)"
    )


def _amount(size: int) -> str:
    return f"{size / 2**30:.2f} GiB" if size >= 2**30 else f"{size / 2**20:.2f} MiB"


def require(wanted: device_type) -> device_type:
    """The CUDA device asked for, with its number; an error where it cannot be had."""
    count = device_count()
    if not count:
        raise AssertionError(
            f"Torch not compiled with CUDA enabled (device '{wanted}' was asked for, and this installation of "
            f"course_lib computes on the CPU, because {trouble()}; use device='cpu', or pick the device with "
            "torch.cuda.is_available())"
        )
    peaks()  # counts from the first use on
    index = GPU.current() if wanted.index is None else wanted.index
    if index >= count:
        raise RuntimeError(
            f"CUDA error: invalid device ordinal (device '{wanted}' was asked for, and there "
            f"{'is one GPU' if count == 1 else f'are {count} GPUs'}, counted from 0)"
        )
    return gpu(index)


def made(name: str, place: device_type, *args, **named):
    """A new array on a GPU by a function of CuPy's: empty, zeros, ones, arange."""
    with on_gpu(place.index):
        return getattr(cupy(), name)(*args, **named)


def moved(array, place: device_type, non_blocking: bool = False):
    """A copy of an array on another device: from the host, to the host, or between GPUs.

    non_blocking: let the current stream do it while the program goes on, from or to pinned memory.
    """
    from . import pinned

    to_host, from_host = place.type == "cpu", isinstance(array, np.ndarray)
    if non_blocking and array.size:
        if to_host:
            return pinned.to_host(array)
        if from_host and array.flags.c_contiguous and pinned.is_pinned(array):
            return pinned.to_gpu(array, place.index)
    if GPU.blas is not None and (to_host or from_host):
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
    if to_host:
        made = array.get(order="A") if array.size else array.get()
        look_after_waiting()
        return made
    with on_gpu(place.index):
        return cupy().array(array)


def special():
    """The special functions for arrays of the GPU."""
    if _chosen:
        return _chosen[0].special
    import cupyx.scipy.special

    return cupyx.scipy.special


def linalg_errors():
    """A context in which CuPy's linear algebra raises NumPy's LinAlgError; elsewhere it gives what came out, so that
    nobody waits for the GPU."""
    if _chosen:
        return _chosen[0].errstate(linalg="raise")
    import cupyx

    return cupyx.errstate(linalg="raise")


# ---- kernels -----------------------------------------------------------------------------------------------------


def kernel(name: str, *arrays):
    """The library's own CUDA kernel (cuda_kernels/) if there is one of this name that takes these arrays, else None.

    They must be C-contiguous and of one floating dtype, unless the kernel's function has a `takes` of its own; None
    stands for an operand that is missing.
    """
    functions = _kernels()
    run = getattr(functions, name, None)
    return run if run is not None and getattr(run, "takes", functions.takes)(*arrays) else None


@functools.cache
def _kernels():
    """The kernels' functions; nothing where there is no compiler: the tests' plain stand-in."""
    if not hasattr(cupy(), "RawModule"):
        return None
    from . import cuda_kernels

    return cuda_kernels


def kernel_for_all(name: str, *columns):
    """`kernel` for lists of arrays: a function that has the lists in place already, or None."""
    from . import cuda_kernels

    return cuda_kernels.kernel_for_all(name, *columns)


def look_after_waiting() -> None:
    """Raise the error that kernels have reported, if they have (reports.py); the GPU has just been waited for."""
    if GPU.report is not None:
        GPU.report.look()


def strided(array, shape, strides_bytes, offset_bytes: int = 0):
    """A view of `array`'s memory with another shape and other strides; `offset_bytes` from its first element."""
    return cupy().ndarray(shape, array.dtype, array.data + offset_bytes, strides_bytes)


def running(ufunc, array, axis: int):
    """What `ufunc` makes of all elements up to each place of an axis: each pass joins stretches twice as long."""
    made = cupy().moveaxis(array.copy(), axis, 0)
    reach = 1
    while reach < len(made):
        joined = made.copy()
        joined[reach:] = ufunc(made[:-reach], made[reach:])
        made, reach = joined, 2 * reach
    return cupy().moveaxis(made, 0, axis)


def change_at(ufunc, target, key, values) -> None:
    """`target[key] = ufunc(target[key], values)`; repeated positions are counted each time, in any order.

    A GPU's atomic operations do not know small dtypes: those go through float32 or int32, and are rounded once. The
    parts of complex numbers are added one by one.
    """
    if target.dtype.kind == "c" and ufunc is cupy().add:
        ufunc.at(target.real, key, values.real)
        ufunc.at(target.imag, key, values.imag)
    elif target.dtype.itemsize <= 2:
        wide = "i4" if target.dtype.kind in "biu" else "f4"
        changed = target.astype(wide)
        change_at(ufunc, changed, key, values.astype(wide) if hasattr(values, "astype") else values)
        target[...] = changed.astype(target.dtype)
    else:
        try:
            ufunc.at(target, key, values)
        except NotImplementedError:  # CuPy has no such atomic operation, `multiply` for one: the host does it
            host = target.get()
            key = key if isinstance(key, tuple) else (key,)
            key = tuple([part.get() if hasattr(part, "get") else part for part in key])
            getattr(np, ufunc.__name__.removeprefix("cupy_")).at(host, key, values.get())
            target[...] = cupy().asarray(host)


# ---- torch.backends.cuda -----------------------------------------------------------------------------------------


def __getattr__(name: str):
    """The settings of `torch.backends.cuda` lie in a file of their own."""
    from . import cuda_settings

    if name in cuda_settings.__all__:
        return getattr(cuda_settings, name)
    raise AttributeError(f"module 'torch.backends.cuda' has no attribute '{name}'")
