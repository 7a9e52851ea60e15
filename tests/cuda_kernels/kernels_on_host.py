"""CuPy's `RawModule` for the stand-in: compiles a kernel's file with a C++ compiler and runs it on the processor.

host_cuda.h emulates CUDA. What a GPU would do silently is an error here: arguments of other types than the kernel's, a
number outside its array written (or read: it is NaN), a barrier that not all threads reach, and a race: every launch
runs twice, from the first thread to the last and from the last to the first, and must give the same bits.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
import types
from pathlib import Path

import cupy_on_numpy
import numpy as np

HERE = Path(__file__).parent
# _FORTIFY_SOURCE: its check of longjmp does not know that every fiber has a stack of its own.
FLAGS = ["-std=c++17", "-O1", "-Wno-unknown-pragmas", "-U_FORTIFY_SOURCE", "-shared", "-fPIC"]
_one_at_a_time = threading.Lock()  # the emulation has one set of fibers
GUARD = 256  # bytes before and behind every array


def compiler() -> str | None:
    """A C++ compiler of this machine; none on Windows, which has no ucontext.h."""
    if os.name == "nt":
        return None
    return next((path for name in ("g++", "c++", "clang++") if (path := shutil.which(name))), None)


def module() -> types.ModuleType:
    """The stand-in for CuPy, with kernels."""
    made = types.ModuleType("cupy_with_kernels")
    made.__dict__.update(vars(cupy_on_numpy.module()), RawModule=RawModule)
    return made


class RawModule:
    """A file of kernels, compiled when a kernel is first asked for."""

    def __init__(self, code: str, *, options: tuple[str, ...] = ()):
        self.code, self.options, self._library = code, list(options), None

    def get_function(self, name: str):
        if self._library is None:
            self._library = _compiled(self.code, self.options)
        return Kernel(self._library, name)


class Kernel:
    """A kernel: call it with grid, block and arguments."""

    def __init__(self, library: ctypes.CDLL, name: str):
        self.name = name
        self._launch = getattr(library, f"launch_{name}")
        self._launch.restype = ctypes.c_char_p
        types_of = getattr(library, f"types_{name}")
        types_of.restype = ctypes.c_char_p
        self.types = types_of().decode().split()

    def __call__(self, grid, block, arguments, *, shared_mem: int = 0) -> None:
        given = [_type_of(value) for value in arguments]
        wanted = ["uint64" if a == "uint64" and w.startswith("*") else w for a, w in zip(given, self.types)]  # null
        assert given == wanted and len(given) == len(self.types), f"{self.name} takes {self.types}, got {given}"
        arrays = {id(v): v for value in arguments for v in _arrays_in(value)}
        forwards, backwards = [self._run(grid, block, arguments, arrays, order) for order in (0, 1)]
        for key, array in arrays.items():
            one, other = forwards[key], backwards[key]
            if "atomic" in self.name:  # sums in any order
                assert np.allclose(one, other, 1e-5, 1e-5), f"{self.name}: the order of threads changes the result"
            else:
                assert one.tobytes() == other.tobytes(), f"{self.name}: the order of threads changes the result"
            if array._host.flags.writeable:  # a broadcast view is not
                array._host[...] = one

    def _run(self, grid, block, arguments, arrays, backwards: int) -> dict:
        """What the arrays hold after a launch; the arrays themselves stay as they are."""
        guarded = {key: _Guarded(array, self.name) for key, array in arrays.items()}
        values = [_with_addresses(v, guarded) for v in arguments]
        cells = [np.array(v) for v in values]
        pointers = (ctypes.c_void_p * len(cells))(*[cell.ctypes.data for cell in cells])
        sizes = (ctypes.c_uint * 6)(*[*grid, 1, 1][:3], *[*block, 1, 1][:3])
        with _one_at_a_time:
            wrong = self._launch(sizes, pointers, backwards)
        assert wrong is None, f"{self.name}: {wrong.decode()}"
        return {key: copy.result(self.name) for key, copy in guarded.items()}


class _Guarded:
    """A copy of an array with bytes around it (and between its elements) that nobody may touch: 0xFF, NaN as a number.

    A kernel whose name ends in `_apart` says that it goes by the strides it is given, and so does attention; others
    want no gaps.
    """

    def __init__(self, array, kernel: str):
        by_strides = kernel.endswith("_apart") or kernel.startswith("attention_")
        assert array.flags.c_contiguous or by_strides, "a kernel got an array that is not contiguous"
        host = array._host
        reach = sum((n - 1) * step for n, step in zip(host.shape, host.strides, strict=True)) if host.size else 0
        self.memory = np.full(reach + host.itemsize + 2 * GUARD + 16, 0xFF, np.uint8)
        start = GUARD + -(self.memory.ctypes.data + GUARD) % 16 + host.ctypes.data % 16 % 8
        self.address = self.memory.ctypes.data + start
        self.inside = np.ndarray(host.shape, host.dtype, self.memory, start, host.strides)
        self.inside[...] = host
        shape, steps = (*host.shape, host.itemsize), (*host.strides, 1)
        self.bytes = np.ndarray(shape, np.uint8, self.memory, start, steps)

    def result(self, name: str) -> np.ndarray:
        made = self.inside.copy()
        self.bytes[...] = 0xFF
        assert (self.memory == 0xFF).all(), f"{name} wrote outside an array"
        return made


def _arrays_in(value) -> list:
    """The arrays that an argument names: itself, or those at the addresses in a structure."""
    if _is_table(value):
        return [cupy_on_numpy.array_at(int(address)) for address in value["at"].flat if address]
    return [value] if isinstance(value, cupy_on_numpy.ndarray) else []


def _with_addresses(value, guarded: dict):
    """An argument with the addresses of the guarded copies in place of arrays."""
    if not _is_table(value):
        return np.uint64(guarded[id(value)].address) if id(value) in guarded else value
    made = value.copy()
    for place, address in np.ndenumerate(value["at"]):
        if address:
            made["at"][place] = guarded[id(cupy_on_numpy.array_at(int(address)))].address
    return made


def _is_table(value) -> bool:
    """Whether an argument is a structure with the addresses of arrays in a field `at`."""
    return isinstance(value, np.ndarray) and "at" in (value.dtype.names or ())


def _type_of(value) -> str:
    if isinstance(value, cupy_on_numpy.ndarray):
        return f"*{value.dtype.name}"
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.names:  # CuPy passes its bytes
        return f"struct{value.itemsize}"
    assert isinstance(value, np.generic), f"an argument without a fixed size: {value!r}"
    return value.dtype.name


_folder: list[Path] = []


def _compiled(code: str, options: list[str]) -> ctypes.CDLL:
    """The file as a library, with functions `launch_…` and `types_…` for every kernel."""
    if not _folder:
        folder = tempfile.mkdtemp(prefix="kernels-on-host-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _folder.append(Path(folder))
    path = _folder[0] / hashlib.sha256("\0".join([code, *options]).encode()).hexdigest()[:16]
    if not path.with_suffix(".so").exists():
        plain = _run([compiler(), "-E", "-P", *options, "-x", "c++", "-"], code)  # macros make kernels, too
        names = re.findall(r'extern "C" __global__ void (?:__launch_bounds__\([\w, ]+\) )?(\w+)\(', plain)
        ends = [f'extern "C" const char* launch_{n}(const unsigned* sizes, void** arguments, int backwards)'
                f" {{ return launch({n}, sizes, arguments, backwards); }}\n"
                f'extern "C" const char* types_{n}() {{ return argument_types({n}); }}\n' for n in names]  # fmt: skip
        _run([compiler(), *FLAGS, f"-I{HERE}", *options, "-x", "c++", "-", "-o", str(path.with_suffix(".so"))],
             "\n".join(['#include "host_cuda.h"', code, *ends]))  # fmt: skip
    return ctypes.CDLL(str(path.with_suffix(".so")))


def _run(command: list[str], text: str) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[:4000]
    return done.stdout
