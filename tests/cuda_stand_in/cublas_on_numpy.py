"""The stand-in's cuBLAS: the functions and constants that CuPy 14 has, computed from bare addresses.

What the real one would refuse, or would read wrongly without a word, is an error here: sizes beyond 32 bits, a leading
dimension that is too small, types that do not go together, memory outside of an array or of another device, results
that overlap, a handle of another device, a factor that does not lie where the pointer mode says. Factors are read in
the type that cuBLAS reads them in; float32 in TF32 loses the bits it would lose.
"""

from __future__ import annotations

import collections
import ctypes
import types
import weakref

import ml_dtypes
import numpy as np

CALLS: list[tuple[str, dict]] = []  # what was called, with its arguments; the tests look here
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_KINDS = {2: np.dtype("f2"), 14: _BFLOAT16, 0: np.dtype("f4"), 1: np.dtype("f8"), 4: np.dtype("c8"), 5: np.dtype("c16")}
_F32, _F64, _F16, _TF32 = 68, 70, 64, 77  # CUBLAS_COMPUTE_…
_FACTORS = {  # by compute type and type of the operands
    **{(_F32, kind): np.dtype("f4") for kind in (0, 2, 14)}, (_F32, 4): np.dtype("c8"), (_F16, 2): np.dtype("f2"),
    (_TF32, 0): np.dtype("f4"), (_TF32, 4): np.dtype("c8"), (_F64, 1): np.dtype("f8"), (_F64, 5): np.dtype("c16"),
}  # fmt: skip
CONSTANTS = {
    "CUBLAS_OP_N": 0, "CUBLAS_OP_T": 1, "CUBLAS_OP_C": 2, "CUBLAS_POINTER_MODE_HOST": 0,
    "CUBLAS_POINTER_MODE_DEVICE": 1, "CUBLAS_GEMM_DEFAULT": -1, "CUBLAS_GEMM_DEFAULT_TENSOR_OP": 99,
    "CUBLAS_DEFAULT_MATH": 0, "CUBLAS_TENSOR_OP_MATH": 1, "CUBLAS_COMPUTE_16F": _F16, "CUBLAS_COMPUTE_32F": _F32,
    "CUBLAS_COMPUTE_32F_FAST_TF32": _TF32, "CUBLAS_COMPUTE_64F": _F64,
}  # fmt: skip
KINDS = {"CUDA_R_16F": 2, "CUDA_R_16BF": 14, "CUDA_R_32F": 0, "CUDA_R_64F": 1, "CUDA_C_32F": 4, "CUDA_C_64F": 5}

_asked: collections.deque = collections.deque(maxlen=32)  # (memory, device) of the pointers last asked for


def note(owner: np.ndarray, device_id: int) -> None:
    """Somebody asked for a bare address in this memory."""
    _asked.append((weakref.ref(owner), device_id))


class CUBLASError(RuntimeError):
    """What CuPy raises where cuBLAS refuses."""


def _demand(condition, status: str, why: str) -> None:
    if not condition:
        raise CUBLASError(f"CUBLAS_STATUS_{status}: {why}")


def _small(**numbers) -> None:
    for name, number in numbers.items():
        assert type(number) is int, f"{name} must be an int, got {number!r}"
        if abs(number) > 2**31 - 1:
            raise OverflowError("value too large to convert to int")
        _demand(number >= 0, "INVALID_VALUE", f"{name} is {number}")


class _Handle:
    """The state of a handle of cuBLAS."""

    def __init__(self, device_id: int):
        self.device_id, self.pointer_mode, self.math_mode, self.stream = device_id, 0, 0, 0


class Bindings:
    """`cupy.cuda.cublas`; `device` and `stream` say which are the current ones."""

    def __init__(self, device, stream):
        self._device, self._stream, self._handles = device, stream, {}
        for name, value in CONSTANTS.items():
            setattr(self, name, value)
        for name, dtype in (("sdot", "f4"), ("ddot", "f8"), ("cdotu", "c8"), ("zdotu", "c16")):
            setattr(self, name, self._dot(name, np.dtype(dtype)))

    def get_cublas_handle(self) -> int:
        """`cupy.cuda.device.get_cublas_handle`: the current device's."""
        number = 0xB1A500 + self._device()
        self._handles.setdefault(number, _Handle(self._device()))
        return number

    def _on(self, number: int) -> _Handle:
        """The handle, as a call of cuBLAS finds it: CuPy's bindings give it the current stream first."""
        _demand(number in self._handles, "NOT_INITIALIZED", "no such handle")
        handle = self._handles[number]
        assert handle.device_id == self._device(), "the handle belongs to a device that is not the current one"
        handle.stream = self._stream()
        return handle

    def setPointerMode(self, handle: int, mode: int) -> None:
        assert mode in (0, 1)
        self._handles[handle].pointer_mode = mode

    def getPointerMode(self, handle: int) -> int:
        return self._handles[handle].pointer_mode

    def setMathMode(self, handle: int, mode: int) -> None:
        self._handles[handle].math_mode = mode

    def getMathMode(self, handle: int) -> int:
        return self._handles[handle].math_mode

    def gemmEx(self, handle, transa, transb, m, n, k, alpha, A, Atype, lda, B, Btype, ldb, beta, C, Ctype, ldc,
               computeType, algo):  # fmt: skip
        named = {name: value for name, value in locals().items() if name not in ("self", "handle")}
        self._gemm("gemmEx", handle, **named, strideA=0, strideB=0, strideC=0, batchCount=1)

    def gemmStridedBatchedEx(self, handle, transa, transb, m, n, k, alpha, A, Atype, lda, strideA, B, Btype, ldb,
                             strideB, beta, C, Ctype, ldc, strideC, batchCount, computeType, algo):  # fmt: skip
        named = {name: value for name, value in locals().items() if name not in ("self", "handle")}
        self._gemm("gemmStridedBatchedEx", handle, **named)

    def _gemm(self, name, handle, *, transa, transb, m, n, k, alpha, A, Atype, lda, strideA, B, Btype, ldb, strideB,
              beta, C, Ctype, ldc, strideC, batchCount, computeType, algo):  # fmt: skip
        state = self._on(handle)
        CALLS.append((name, {"m": m, "n": n, "k": k, "transa": transa, "transb": transb, "count": batchCount,
                             "type": Ctype, "compute": computeType, "stream": state.stream}))  # fmt: skip
        _small(m=m, n=n, k=k, lda=lda, ldb=ldb, ldc=ldc, batchCount=batchCount)
        _demand(transa in (0, 1, 2) and transb in (0, 1, 2), "INVALID_VALUE", "unknown operation")
        _demand(algo in (-1, 99), "INVALID_VALUE", f"unknown algorithm {algo}")
        factor = _FACTORS.get((computeType, Ctype))
        _demand(factor is not None and Atype == Btype == Ctype, "NOT_SUPPORTED",
                f"types {Atype}, {Btype}, {Ctype} with compute type {computeType}")  # fmt: skip
        assert state.pointer_mode == 0, "alpha and beta lie on the host, the pointer mode says: on the device"
        alpha, beta = _factor(alpha, factor), _factor(beta, factor)
        dtype = _KINDS[Ctype]
        a = self._matrices(A, dtype, (m, k) if transa == 0 else (k, m), lda, strideA, batchCount, "A")
        b = self._matrices(B, dtype, (k, n) if transb == 0 else (n, k), ldb, strideB, batchCount, "B")
        c = self._matrices(C, dtype, (m, n), ldc, strideC, batchCount, "C")
        _require_apart(c, (a, b))
        a, b = _flagged(a, transa), _flagged(b, transb)
        if computeType == _TF32:
            a, b = _tf32(a), _tf32(b)
        summed = np.dtype("f4") if dtype.itemsize == 2 and computeType != _F16 else dtype
        made = alpha * np.matmul(a.astype(summed), b.astype(summed))
        if beta != 0:
            made = made + beta * c.astype(summed)
        c[...] = made.astype(dtype)

    def _matrices(self, address, dtype, shape, ld, step, count, name) -> np.ndarray:
        """A batch of matrices in Fortran's order as an array of NumPy's in the same memory."""
        rows, columns = shape
        _demand(ld >= max(1, rows), "INVALID_VALUE", f"the leading dimension of {name} is {ld}, it has {rows} rows")
        size = dtype.itemsize
        reach = (rows - 1 + (columns - 1) * ld + (count - 1) * abs(step)) * size + size if rows and columns else 0
        assert step >= 0, "negative strides are not used here"
        return _look(address, dtype, (count, rows, columns), (step * size, size, ld * size), reach, self._device(),
                     name)  # fmt: skip

    def _dot(self, name: str, dtype: np.dtype):
        def call(handle, n, x, incx, y, incy, result):
            state = self._on(handle)
            CALLS.append((name, {"n": n, "stream": state.stream}))
            _small(n=n, incx=incx, incy=incy)
            assert state.pointer_mode == 1, "the result lies on the device, the pointer mode says: on the host"
            size, device_id = dtype.itemsize, self._device()
            x, y = (_look(address, dtype, (n,), (inc * size,), ((n - 1) * inc + 1) * size, device_id, which)
                    for address, inc, which in ((x, incx, "x"), (y, incy, "y")))  # fmt: skip
            _look(result, dtype, (1,), (size,), size, device_id, "the result")[0] = x.dot(y)

        return call


def _look(address, dtype, shape, strides, reach, device_id, name) -> np.ndarray:
    """An array in the device's memory at an address; the memory of an array whose pointer was asked for."""
    assert type(address) is int and address % dtype.itemsize == 0, f"{name} is not aligned"
    for owner, where in reversed(_asked):
        memory = owner()
        if memory is None:
            continue
        start = memory.__array_interface__["data"][0]
        if start <= address and address + reach <= start + memory.nbytes:
            assert where == device_id, f"{name} lies on device {where}, the current one is {device_id}"
            cells = (ctypes.c_char * max(reach, 1)).from_address(address)
            return np.ndarray(shape, dtype, cells, 0, strides)
    raise AssertionError(f"{name}: {reach} bytes at {address:#x} do not lie inside an array")


def _factor(address: int, dtype: np.dtype):
    return np.ndarray((), dtype, (ctypes.c_char * dtype.itemsize).from_address(address))[()]


def _flagged(matrices: np.ndarray, flag: int) -> np.ndarray:
    matrices = matrices if flag == 0 else matrices.swapaxes(1, 2)
    return matrices.conj() if flag == 2 else matrices


def _places(array: np.ndarray) -> np.ndarray:
    """The address of every element."""
    made = np.array(array.__array_interface__["data"][0])
    for size, step in zip(array.shape, array.strides):
        made = made[..., None] + np.arange(size) * step
    return made.reshape(-1)


def _require_apart(result: np.ndarray, operands) -> None:
    """The result's elements are all different ones, and none of them belongs to an operand."""
    places = _places(result)
    assert np.unique(places).size == places.size, "matrices of the result overlap"
    for operand in operands:
        assert not np.intersect1d(places, _places(operand)).size, "the result overlaps an operand"


def _tf32(a: np.ndarray) -> np.ndarray:
    """Rounded to 10 bits of mantissa, as the tensor cores read float32."""
    bits = np.ascontiguousarray(a).view("u4")
    return ((bits + 0x0FFF + (bits >> 13 & 1)) & np.uint32(0xFFFFE000)).view(a.dtype)


def attach(namespace: types.SimpleNamespace, device, stream) -> None:
    """Put cuBLAS into the stand-in's `cupy.cuda`."""
    namespace.cublas = Bindings(device, stream)
    namespace.device = types.SimpleNamespace(get_cublas_handle=namespace.cublas.get_cublas_handle)
    for name, value in KINDS.items():
        setattr(namespace.runtime, name, value)
