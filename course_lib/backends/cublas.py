"""cuBLAS by its own library, for CUDA graphs: CuPy's bindings refuse every call while a stream is being captured.

    recording(stream)  →  gemmEx, gemmStridedBatchedEx with the names and arguments of `cupy.cuda.cublas`

cuBLAS itself can be captured if its workspace does not change: it gets one that belongs to the graph.

Sources: https://docs.nvidia.com/cuda/cublas/#cuda-graphs-support
         https://github.com/cupy/cupy/issues/6290 (what CuPy refuses)
"""

from __future__ import annotations

import ctypes
import functools
import os

from . import cuda

WORKSPACE = 32 << 20  # bytes; what PyTorch gives cuBLAS on sm_90
_INT, _LONG, _POINTER = ctypes.c_int, ctypes.c_longlong, ctypes.c_void_p
_MATRIX = (_POINTER, _INT, _INT)  # address, type, leading dimension
_MATRICES = (*_MATRIX, _LONG)  # and the step from one matrix of a batch to the next
_BEFORE = (_POINTER, _INT, _INT, _INT, _INT, _INT, _POINTER)  # handle, flags, sizes, alpha
_SIGNATURES = {
    "cublasGemmEx": (*_BEFORE, *_MATRIX, *_MATRIX, _POINTER, *_MATRIX, _INT, _INT),
    "cublasGemmStridedBatchedEx": (*_BEFORE, *_MATRICES, *_MATRICES, _POINTER, *_MATRICES, _INT, _INT, _INT),
    "cublasSetStream_v2": (_POINTER, _POINTER),
    "cublasSetWorkspace_v2": (_POINTER, _POINTER, ctypes.c_size_t),
}


@functools.cache
def library():
    """The library that CuPy has loaded, its functions with their types."""
    cuda.cupy().cuda.device.get_cublas_handle()  # so that it is loaded
    major = cuda.cupy().cuda.runtime.runtimeGetVersion() // 1000
    found = ctypes.CDLL(f"cublas64_{major}.dll" if os.name == "nt" else f"libcublas.so.{major}")
    for name, types in _SIGNATURES.items():
        getattr(found, name).argtypes, getattr(found, name).restype = types, _INT
    return found


def _checked(status: int) -> None:
    if status:
        raise RuntimeError(f"CUDA error: cuBLAS gave status {status} while a CUDA graph was captured")


class Recorded:
    """What `cupy.cuda.cublas` offers for products, on a stream that is being captured."""

    def __init__(self, stream):
        xp = cuda.cupy()
        self._known, self._library, handle = xp.cuda.cublas, library(), xp.cuda.device.get_cublas_handle()
        self.workspace = xp.cuda.alloc(WORKSPACE)  # as long as the graph lives
        _checked(self._library.cublasSetStream_v2(handle, stream.ptr))
        _checked(self._library.cublasSetWorkspace_v2(handle, self.workspace.ptr, WORKSPACE))

    def gemmEx(self, *arguments) -> None:
        _checked(self._library.cublasGemmEx(*arguments))

    def gemmStridedBatchedEx(self, *arguments) -> None:
        _checked(self._library.cublasGemmStridedBatchedEx(*arguments))

    def __getattr__(self, name: str):
        return getattr(self._known, name)  # the constants
