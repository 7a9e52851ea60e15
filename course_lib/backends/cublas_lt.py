"""Products with something added to them; with a bias in one launch, by cuBLASLt.

cuBLAS is built on cuBLASLt, which can add a bias to the numbers of a product while they are still in registers: an
"epilogue". So the result is written once and never read. CuPy comes with the library, but has no bindings for it, so it
is called by ctypes:

    added  →  _Prepared: what the library wants to know of a product, and its choice of an algorithm, remembered
           →  cublasLtMatmul

Nothing is used unseen: a small product must come out as it does by cuBLAS, once for each GPU and dtype. Where it does
not, or the library refuses, the bias is laid out in the result and cuBLAS adds the product to it.

Source: https://docs.nvidia.com/cuda/cublas/#using-the-cublaslt-api
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading

from . import GPU, array_module, backend_of, on_gpu
from .cuda_gemm import in_memory, plan_of, product, shape_of_product, types_of

WORKSPACE = 32 << 20  # bytes that an algorithm may ask for; what cuBLAS has on sm_90
MOST_PREPARED = 2048  # products of different sizes that are remembered
ALIGNED = 16  # bytes: where matrices must begin to be read in the widest pieces

# cublasLtMatmulDescAttributes_t, cublasLtEpilogue_t, cublasLtMatmulPreferenceAttributes_t
_FLAG_A, _FLAG_B, _EPILOGUE, _BIAS_ADDRESS = 3, 4, 7, 8
_ADD_BIAS = 4
_MOST_WORKSPACE, _ALIGNMENTS = 1, (5, 6, 7, 8)

_INT, _ADDRESS, _SIZE = ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t
_BYTES = ctypes.sizeof(_ADDRESS)
_SIGNATURES = {
    "cublasLtMatmulDescCreate": (_ADDRESS, _INT, _INT),
    "cublasLtMatmulDescSetAttribute": (_ADDRESS, _INT, _ADDRESS, _SIZE),
    "cublasLtMatmulDescDestroy": (_ADDRESS,),
    "cublasLtMatrixLayoutDestroy": (_ADDRESS,),
    "cublasLtMatrixLayoutCreate": (_ADDRESS, _INT, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_int64),
    "cublasLtMatmulPreferenceCreate": (_ADDRESS,),
    "cublasLtMatmulPreferenceSetAttribute": (_ADDRESS, _INT, _ADDRESS, _SIZE),
    "cublasLtMatmulPreferenceDestroy": (_ADDRESS,),
    "cublasLtMatmulAlgoGetHeuristic": (*(_ADDRESS,) * 7, _INT, _ADDRESS, _ADDRESS),
    "cublasLtMatmul": (*(_ADDRESS,) * 14, _SIZE, _ADDRESS),
}


class _Choice(ctypes.Structure):
    """cublasLtMatmulHeuristicResult_t: it begins with an algorithm, and says what workspace that needs."""

    _fields_ = [("algorithm", ctypes.c_uint64 * 8), ("workspace", _SIZE), ("state", _INT), ("waves", ctypes.c_float),
                ("reserved", _INT * 4)]  # fmt: skip


@functools.cache
def library(xp):
    """The library that belongs to CuPy's cuBLAS, its functions with their types; None for what only stands for CuPy."""
    if xp.__name__ != "cupy":
        return None
    xp.cuda.device.get_cublas_handle()  # so that it is loaded
    major = xp.cuda.runtime.runtimeGetVersion() // 1000
    try:
        found = ctypes.CDLL(f"cublasLt64_{major}.dll" if os.name == "nt" else f"libcublasLt.so.{major}")
        return typed(found)
    except (OSError, AttributeError):
        return None


def typed(found):
    """The library with the types of its functions' parameters."""
    for name, types in _SIGNATURES.items():
        getattr(found, name).argtypes, getattr(found, name).restype = types, _INT
    return found


def added(c, a, b, *, alpha=1, beta=1):
    """beta · c + alpha · a @ b as a new array; c broadcasts to the product, whose operands are `product`'s.

    Half precision is rounded once. What is no bias is laid out in the result, which cuBLAS then reads while it writes:
    that costs a launch that only writes. To add it to the product afterwards would cost one that reads and writes.
    """
    xp = array_module(a)
    with on_gpu(a.device.id):
        out = xp.empty(shape_of_product(a, b), a.dtype)
        bias = c.shape == out.shape[-1:] and c.dtype == a.dtype and c.flags.c_contiguous and out.size > 0
        if bias and alpha == 1 and beta == 1 and _in_one_launch(xp, c, a, b, out):
            return out
        if beta != 0:
            rows = backend_of(xp).kernel("bias_rows", c, out) if bias else None
            if rows is None:
                out[...] = c
            else:
                rows(c, out)
        return product(a, b, out, alpha=alpha, beta=beta)


def _in_one_launch(xp, bias, a, b, out) -> bool:
    if GPU.blas:  # a CUDA graph is captured: nothing may be tried out
        return False
    return _trusted(xp, a.device.id, a.dtype) and with_bias(bias, a, b, out)


@functools.cache
def _trusted(xp, device: int, dtype) -> bool:
    """Whether cuBLASLt is there and gives what cuBLAS gives, for whole numbers, which are not rounded."""
    if library(xp) is None or dtype.char not in "eEfd":
        return False
    a, b, bias = [(xp.arange(rows * 16, dtype="f4") % 7 - 3).astype(dtype).reshape(rows, 16) for rows in (24, 40, 40)]
    bias, out = bias[:, 0].copy(), xp.empty((24, 40), dtype)
    if not with_bias(bias, a, b.T, out):
        return False
    return bool((out.astype("f4") == product(a, b.T).astype("f4") + bias.astype("f4")).all())


class _Mine(threading.local):
    """A thread's prepared products: to call one, its description is changed."""

    def __init__(self):
        self.prepared: dict[tuple, _Prepared | None] = {}


_MINE = _Mine()


def with_bias(bias, a, b, out) -> bool:
    """Write a @ b + bias into out; False where cuBLASLt cannot."""
    plan = plan_of(a, b, out)
    places = bias.data.ptr, b.data.ptr, a.data.ptr, out.data.ptr
    if plan.first or plan.count > 1 or len(plan.starts) > 1 or min(plan.m, plan.n, plan.k) < 2:
        return False
    if (places[0] | places[1] | places[2] | places[3]) % ALIGNED:
        return False
    xp = array_module(a)
    asked = types_of(xp, a.dtype.char)
    key, prepared = (a.device.id, asked, plan), _MINE.prepared
    if key not in prepared:
        if len(prepared) >= MOST_PREPARED:  # the sizes are others in every step: forget the oldest
            forgotten = prepared.pop(next(iter(prepared)))
            if forgotten is not None:
                forgotten.close()
        prepared[key] = _prepared(xp, asked, plan, places[0])
    found = prepared[key]
    return found is not None and found.run(*places)


class _Refused(Exception):
    """cuBLASLt gave another status than success."""


def _prepared(xp, asked, plan, bias: int):
    try:
        return _Prepared(xp, asked, plan, bias)
    except _Refused:
        return None


class _Prepared:
    """A product with a bias, described as cuBLASLt wants it."""

    def __init__(self, xp, asked, plan, bias: int):
        self.xp, self.library, self.handle = xp, library(xp), xp.cuda.device.get_cublas_handle()
        kind, compute, factor, _ = asked
        self.one, self.zero = in_memory(factor, 1), in_memory(factor, 0)
        kind_of_factor = getattr(xp.cuda.runtime, {"f2": "CUDA_R_16F", "f4": "CUDA_R_32F", "f8": "CUDA_R_64F"}[factor])
        self.description = self._new("cublasLtMatmulDescCreate", compute, kind_of_factor)
        self.bias = _ADDRESS(bias)  # what it holds changes from call to call
        for name, value in ((_FLAG_A, _INT(plan.b[0])), (_FLAG_B, _INT(plan.a[0])), (_EPILOGUE, _INT(_ADD_BIAS)),
                            (_BIAS_ADDRESS, self.bias)):  # fmt: skip
            self._set("cublasLtMatmulDescSetAttribute", self.description, name, value)
        m, n, k = plan.m, plan.n, plan.k
        shapes = (k, m) if plan.b[0] else (m, k), (n, k) if plan.a[0] else (k, n), (m, n)
        self.layouts = [self._new("cublasLtMatrixLayoutCreate", kind, *shape, operand[1])
                        for shape, operand in zip(shapes, (plan.b, plan.a, plan.c))]  # fmt: skip
        try:
            self.choice = self._choose()
        except _Refused:
            self.close()
            raise
        self.algorithm, self.bias_place = ctypes.byref(self.choice), ctypes.byref(self.bias)

    def _choose(self) -> _Choice:
        """The algorithm that the library takes to be the fastest one."""
        preference = self._new("cublasLtMatmulPreferenceCreate")
        for name, value in ((_MOST_WORKSPACE, ctypes.c_uint64(WORKSPACE)),
                            *[(name, ctypes.c_uint32(ALIGNED)) for name in _ALIGNMENTS]):  # fmt: skip
            self._set("cublasLtMatmulPreferenceSetAttribute", preference, name, value)
        choice, count = _Choice(), _INT()
        first, second, result = self.layouts
        try:
            self._call("cublasLtMatmulAlgoGetHeuristic", self.handle, self.description, first, second, result, result,
                       preference, 1, ctypes.byref(choice), ctypes.byref(count))  # fmt: skip
        finally:
            self._call("cublasLtMatmulPreferenceDestroy", preference)
        if count.value == 0 or choice.state:
            raise _Refused
        return choice

    def run(self, bias: int, b: int, a: int, out: int) -> bool:
        """The product; False where the library refuses after all."""
        cuda, description, (first, second, result) = self.xp.cuda, self.description, self.layouts
        needed, stream = self.choice.workspace, cuda.get_current_stream().ptr
        workspace = cuda.alloc(needed) if needed else None  # given back at once: streams keep the order
        self.bias.value = bias
        refused = self.library.cublasLtMatmulDescSetAttribute(description, _BIAS_ADDRESS, self.bias_place, _BYTES)
        return not (refused or self.library.cublasLtMatmul(
            self.handle, description, self.one[1], b, first, a, second, self.zero[1], out, result, out, result,
            self.algorithm, workspace.ptr if needed else None, needed, stream,
        ))  # fmt: skip

    def close(self) -> None:
        """Give back the memory of the description; the GPU does not look there."""
        self._call("cublasLtMatmulDescDestroy", self.description)
        for layout in self.layouts:
            self._call("cublasLtMatrixLayoutDestroy", layout)

    def _call(self, name: str, *arguments) -> None:
        if getattr(self.library, name)(*arguments):
            raise _Refused

    def _new(self, name: str, *arguments) -> _ADDRESS:
        made = _ADDRESS()
        self._call(name, ctypes.byref(made), *arguments)
        return made

    def _set(self, name: str, thing, attribute: int, value) -> None:
        self._call(name, thing, attribute, ctypes.byref(value), ctypes.sizeof(value))
