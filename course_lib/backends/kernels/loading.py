"""From a kernel's file to a launch: `launch("softmax", "softmax_forward", like, grid, block, *arguments)`.

A file is compiled by CuPy (NVRTC) when one of its kernels is first launched, once for each device and element type;
CuPy keeps the result on disk. Before that nothing is read, imported or compiled.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import numpy as np

from .. import GPU, cuda, on_gpu

FOLDER = Path(__file__).parent
ELEMENTS = {"float32": "float", "float64": "double", "float16": "Half", "bfloat16": "BFloat16"}
WHOLE = {"int8": "signed char", "int16": "short", "int32": "int", "int64": "long long", "uint8": "unsigned char",
         "bool": "bool"}  # elements of the kernels in integers.cu
LETTERS = frozenset("fdeE")  # the same dtypes by NumPy's letter; a dtype's name takes NumPy a microsecond
MOST = 2**30  # elements: the kernels count in 32 bits
WARP, BLOCK = 32, 256
_NULL, _F4, _F8 = np.uint64(0), np.dtype("f4"), np.dtype("f8")


@functools.cache
def source(file: str) -> str:
    """The text of a file with its headers in place: CuPy's cache on disk looks at this text only, and would not notice
    that a header was changed. The comments' letters beyond ASCII are left out: CuPy writes the text to a file in the
    encoding of the system, which may not have them."""
    return _with_headers(FOLDER / f"{file}.cu", set()).encode("ascii", "replace").decode()


def _with_headers(path: Path, seen: set[str]) -> str:
    def included(found: re.Match) -> str:
        if found[1] in seen:
            return ""
        seen.add(found[1])
        return _with_headers(FOLDER / found[1], seen)

    return re.sub(r'^#include "(\w+\.cuh)"$', included, path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def options(element: str, **defines) -> tuple[str, ...]:
    """What the compiler is told: the element type, and constants that a file wants."""
    names = {"ELEMENT": element, **defines}
    return tuple([f"-D{name}={value}" for name, value in names.items()])


def _function(file: str, name: str, dtype, device: int, defines: dict):
    """The kernel, compiled; RuntimeError in a sentence where that fails."""
    try:
        found = _module(cuda.cupy(), device, file, dtype.name, tuple(defines.items())).get_function(name)
        return getattr(found, "kernel", found)  # CuPy's RawKernel looks its function up at every launch
    except Exception as error:  # of the compiler, or of loading what it made
        said = str(error).strip().splitlines()
        raise RuntimeError(
            f"The CUDA kernel {name} (course_lib/backends/kernels/{file}.cu) could not be compiled for {dtype} on GPU "
            f"{device}: {said[0] if said else type(error).__name__}. An installation of CuPy that fits the driver "
            "compiles it: pip install 'from-the-tensor-up[cuda13]' (or [cuda12])"
        ) from error


@functools.cache
def _module(xp, device: int, file: str, dtype: str, defines: tuple):
    return xp.RawModule(code=source(file), options=options(ELEMENTS.get(dtype) or WHOLE[dtype], **dict(defines)))


def accumulator(dtype) -> np.dtype:
    """The type in which numbers of a dtype are added up: the kernels' Acc."""
    return _F8 if dtype.char == "d" else _F4


def launch(file: str, name: str, like, grid, block, *arguments, **defines) -> None:
    """Launch a kernel for arrays of `like`'s dtype on its device.

    Arguments are arrays (C-contiguous), None for no array, numbers: int becomes int, float the kernels' Acc; and NumPy
    scalars, which stay what they are. A step of training launches hundreds of kernels: what was compiled is found by
    one look into `GPU.kernels`.
    """
    size = like.size
    if size == 0:
        return
    if size > MOST:
        raise RuntimeError(f"The CUDA kernel {name} takes at most 2**30 elements, got {size}")
    letter, device = like.dtype.char, 0 if GPU.alone else like.device.id
    numbers = _BESIDE_DOUBLE if letter == "d" else _BESIDE_FLOAT
    given = tuple([value if (sized := numbers.get(type(value))) is None else sized(value) for value in arguments])
    key = (file, name, letter, device, *defines.items())
    run = GPU.kernels.get(key)
    if run is not None and GPU.alone:
        run(grid, block, given)
        return
    with on_gpu(device):
        if run is None:
            run = GPU.kernels[key] = _function(file, name, like.dtype, device, defines)
        run(grid, block, given)


# What becomes of Python's numbers: kernels know their arguments' sizes.
_BESIDE_FLOAT = {int: np.int32, float: np.float32, bool: np.bool_, type(None): lambda missing: _NULL}
_BESIDE_DOUBLE = {**_BESIDE_FLOAT, float: np.float64}


# ---- launch sizes ------------------------------------------------------------------------------------------------


@functools.cache
def processors(xp, device: int) -> tuple[int, int]:
    """How many multiprocessors a GPU has, and how many threads each of them keeps."""
    properties = xp.cuda.runtime.getDeviceProperties(device)
    return properties["multiProcessorCount"], properties["maxThreadsPerMultiProcessor"]


def blocks_for(n: int, most: int = 8192) -> tuple[int]:
    """Blocks of BLOCK threads for n elements; the threads of `most` blocks go round (a grid-stride loop)."""
    return (min(-(-n // BLOCK), most),)


def block_for_row(length: int) -> tuple[int]:
    """Threads of a block that works on one row: whole warps, at most 512 threads."""
    return (min(-(-length // WARP) * WARP, 512),)
