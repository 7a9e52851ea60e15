"""From a kernel's file to a launch: `launch("softmax", "softmax_forward", like, grid, block, *arguments)`.

A file is compiled by CuPy (NVRTC) when one of its kernels is first launched, once for each device and element type;
CuPy keeps the result on disk. Before that nothing is read, imported or compiled.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import numpy as np

from .. import cuda

FOLDER = Path(__file__).parent
ELEMENTS = {"float32": "float", "float64": "double", "float16": "Half", "bfloat16": "BFloat16"}
MOST = 2**30  # elements: the kernels count in 32 bits
WARP, BLOCK = 32, 256
_NULL = np.uint64(0)


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


@functools.cache
def _function(xp, device: int, file: str, name: str, dtype: str, defines: tuple):
    """The kernel, compiled; RuntimeError in a sentence where that fails."""
    try:
        return _module(xp, device, file, dtype, defines).get_function(name)
    except Exception as error:  # of the compiler, or of loading what it made
        said = str(error).strip().splitlines()
        raise RuntimeError(
            f"The CUDA kernel {name} (course_lib/backends/kernels/{file}.cu) could not be compiled for {dtype} on GPU "
            f"{device}: {said[0] if said else type(error).__name__}. An installation of CuPy that fits the driver "
            "compiles it: pip install 'from-the-tensor-up[cuda13]' (or [cuda12])"
        ) from error


@functools.cache
def _module(xp, device: int, file: str, dtype: str, defines: tuple):
    return xp.RawModule(code=source(file), options=options(ELEMENTS[dtype], **dict(defines)))


def accumulator(dtype) -> np.dtype:
    """The type in which numbers of a dtype are added up: the kernels' Acc."""
    return np.dtype("f8" if dtype == np.float64 else "f4")


def launch(file: str, name: str, like, grid, block, *arguments, **defines) -> None:
    """Launch a kernel for arrays of `like`'s dtype on its device.

    Arguments are arrays (C-contiguous), None for no array, numbers: int becomes int, float the kernels' Acc; and NumPy
    scalars, which stay what they are.
    """
    if like.size == 0:
        return
    if like.size > MOST:
        raise RuntimeError(f"The CUDA kernel {name} takes at most 2**30 elements, got {like.size}")
    real = accumulator(like.dtype).type
    with like.device:
        run = _function(cuda.cupy(), like.device.id, file, name, like.dtype.name, tuple(defines.items()))
        run(grid, block, tuple([_argument(value, real) for value in arguments]))


def _argument(value, real):
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return np.bool_(value)
    if isinstance(value, int):
        return np.int32(value)
    return real(value) if isinstance(value, float) else value


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
