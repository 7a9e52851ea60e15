"""Products of matrices on the GPU: one call of cuBLAS each, through CuPy's bindings, and no copies of operands.

cuBLAS knows matrices as Fortran keeps them, column after column, with `ld` elements from one column to the next. Here
rows lie one after the other. But rows read as columns are the transposed matrix, and C = A·B says the same as
Cᵀ = Bᵀ·Aᵀ: so cuBLAS is given B's memory first and A's second, and writes C as we want it. An operand that is itself a
transposed view is "transposed once more" by a flag.

    product  →  _plan: flags, sizes and steps of the calls, from shapes and strides alone, remembered  →  gemm…Ex

Sources: https://docs.nvidia.com/cuda/cublas/#cublasgemmex
         https://docs.nvidia.com/cuda/cublas/#cublasgemmstridedbatchedex
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from . import GPU, array_module, on_gpu
from .cuda_settings import matmul

_AS_IT_IS, _TRANSPOSED = 0, 1  # CUBLAS_OP_N, CUBLAS_OP_T
_MOST = 2**31 - 1  # cuBLAS counts rows, columns and matrices in 32 bits
_MOST_CALLS = 4  # for batches in uneven steps; a call costs about as much time as copying a megabyte
_LARGE = 2**30  # multiplications in one call: work enough for a GPU

# By the dtype's letter: what cuBLAS calls it, in what it adds up, and the dtype of the factors alpha and beta.
_TYPES = {
    "e": ("CUDA_R_16F", "CUBLAS_COMPUTE_32F", "f4"),
    "E": ("CUDA_R_16BF", "CUBLAS_COMPUTE_32F", "f4"),  # bfloat16
    "f": ("CUDA_R_32F", "CUBLAS_COMPUTE_32F", "f4"),
    "d": ("CUDA_R_64F", "CUBLAS_COMPUTE_64F", "f8"),
    "F": ("CUDA_C_32F", "CUBLAS_COMPUTE_32F", "c8"),
    "D": ("CUDA_C_64F", "CUBLAS_COMPUTE_64F", "c16"),
}
_SWITCHES = matmul._settings  # every product looks there
_DOT = {"f": "sdot", "d": "ddot", "F": "cdotu", "D": "zdotu"}


def product(a, b, out=None, *, alpha=1, beta=0, tf32: bool | None = None):
    """alpha · a @ b + beta · out: (…, n, k) with (…, k, m) of one floating or complex dtype; batches broadcast.

    The result is new and C-contiguous, or `out`, which has its shape and shares no memory with the operands. Half
    precision is summed in float32 and rounded once. tf32: whether float32 may be multiplied in TF32; None: as
    `torch.backends.cuda.matmul.allow_tf32` says.
    """
    with on_gpu(a.device.id):
        if out is None:
            out = array_module(a).empty(shape_of_product(a, b), a.dtype)
        if a.size == 0 or b.size == 0:  # nothing to add up
            if beta == 0:
                out.fill(0)  # whatever it was: 0 · NaN does not count
            else:
                out *= beta
            return out
        plan = plan_of(a, b, out)
        if plan.first:
            return _after(plan.first, a, b, out, alpha, beta, tf32)
        _run(plan, a, b, out, alpha, beta, tf32)
    return out


def inner(a, b):
    """The sum of a[i] · b[i] of two vectors of one floating or complex dtype, as an array without dimensions."""
    name = _DOT.get(a.dtype.char)
    steps = [step // a.itemsize for step in (*a.strides, *b.strides)]
    if name is None or GPU.blas or not a.size or min(steps) < 1 or max(a.size, *steps) > _MOST:
        return product(a[None, :], b[:, None]).reshape(())
    with on_gpu(a.device.id):
        xp = array_module(a)
        out, blas, handle = xp.empty((), a.dtype), xp.cuda.cublas, xp.cuda.device.get_cublas_handle()
        blas.setPointerMode(handle, blas.CUBLAS_POINTER_MODE_DEVICE)  # the result stays on the GPU
        try:
            getattr(blas, name)(handle, a.size, a.data.ptr, steps[0], b.data.ptr, steps[1], out.data.ptr)
        finally:
            blas.setPointerMode(handle, blas.CUBLAS_POINTER_MODE_HOST)
    return out


def shape_of_product(a, b) -> tuple[int, ...]:
    """The batch dimensions broadcast, then the rows of a and the columns of b."""
    one, other = a.shape[:-2], b.shape[:-2]
    batch = one if one == other or not other else np.broadcast_shapes(one, other)
    return *batch, a.shape[-2], b.shape[-1]


def better_copied(x) -> bool:
    """Whether a batch of matrices lies in such uneven steps that each product with it would copy it first.

    Heads of attention are an example: (batch, length, heads, width) seen as (batch, heads, length, width).
    """
    batch = _joined([part for part in zip(x.shape[:-2], x.strides[:-2]) if part[0] > 1])
    sizes = [size for size, _ in batch]
    return len(batch) > 1 and math.prod(sizes) > _MOST_CALLS * max(sizes)


# ---- planning ------------------------------------------------------------------------------------------------------


class Plan(NamedTuple):
    """What cuBLAS is told; its first operand is b, its second a, and m, n are the columns and rows of the result."""

    m: int = 0
    n: int = 0
    k: int = 0
    b: tuple = ()  # (flag, ld, elements from one matrix of the batch to the next)
    a: tuple = ()
    c: tuple = ()
    count: int = 1  # matrices of the batch
    starts: tuple = ((0, 0, 0),)  # for each call, where its matrices begin in a, b and the result, in bytes
    first: str = ""  # what must be done before a call is possible


def plan_of(a, b, out) -> Plan:
    """How cuBLAS computes a @ b into out."""
    return _plan(a.shape, a.strides, b.shape, b.strides, out.shape, out.strides, a.itemsize)


@functools.lru_cache(4096)  # a training step has the same products again and again
def _plan(a_shape, a_strides, b_shape, b_strides, c_shape, c_strides, size: int) -> Plan:
    (n, k), m = a_shape[-2:], b_shape[-1]
    a, b, c = (_layout(shape, strides, size) for shape, strides in
               ((a_shape, a_strides), (b_shape, b_strides), (c_shape, c_strides)))  # fmt: skip
    if c is None:
        return Plan(first="new result")
    if c[0] == _TRANSPOSED:
        return Plan(first="transpose all")
    if a is None or b is None:
        return Plan(first="copy a" if a is None else "copy b")
    batch = c_shape[:-2]
    steps = zip(batch, *[_batch_steps(shape, strides, batch, size) for shape, strides in
                         ((a_shape, a_strides), (b_shape, b_strides), (c_shape, c_strides))])  # fmt: skip
    batch = _joined([dimension for dimension in steps if dimension[0] > 1])
    while batch and batch[-1][2] == 0 and a[0] == _AS_IT_IS:  # b is the same for all: is a one high matrix?
        in_a, in_c = _stacked(n, k, a[1], batch[-1][1]), _stacked(n, m, c[1], batch[-1][3])
        if not in_a or not in_c:
            break
        a, c, n = (_AS_IT_IS, in_a), (_AS_IT_IS, in_c), n * batch.pop()[0]
    at = max(range(len(batch)), key=lambda i: batch[i][0], default=None)
    count, *each = (1, 0, 0, 0) if at is None else batch.pop(at)
    calls = math.prod([dimension[0] for dimension in batch])
    if calls > _MOST_CALLS and count * n * m * k < _LARGE:
        return Plan(first="copy uneven")
    too_many = next((number for number in (m, n, k, a[1], b[1], c[1], count) if number > _MOST), None)
    if too_many is not None:
        raise RuntimeError(f"cuBLAS counts the rows and columns of a product in 32 bits, and got {too_many}")
    starts = [(0, 0, 0)]
    for length, *step in batch:
        starts = [tuple([at + i * size * one for at, one in zip(start, step)]) for start in starts
                  for i in range(length)]  # fmt: skip
    return Plan(m, n, k, (*b, each[1]), (*a, each[0]), (*c, each[2]), count, tuple(starts))


def _layout(shape, strides, size: int) -> tuple[int, int] | None:
    """(flag, ld) with which cuBLAS reads a matrix; None where neither its rows nor its columns are unbroken."""
    (rows, columns), (down, right) = shape[-2:], (strides[-2] // size, strides[-1] // size)
    if (right == 1 or columns == 1) and (down >= columns or rows == 1):
        return _AS_IT_IS, down if rows > 1 else columns
    if (down == 1 or rows == 1) and (right >= rows or columns == 1):
        return _TRANSPOSED, right if columns > 1 else rows
    return None


def _stacked(rows: int, columns: int, ld: int, step: int) -> int:
    """The ld of the high matrix that a batch of matrices, `step` apart, makes; 0 where it does not make one."""
    if rows == 1:
        return step if step >= columns else 0
    return ld if step == rows * ld else 0


def _batch_steps(shape, strides, batch, size: int) -> list[int]:
    """For each batch dimension of the result, how many elements lie between two matrices: 0 for the same one."""
    steps = [0 if n == 1 else step // size for n, step in zip(shape[:-2], strides)]
    return [0] * (len(batch) - len(steps)) + steps


def _joined(batch: list[tuple]) -> list[tuple]:
    """Neighbouring dimensions as one, where all operands walk through both in even steps."""
    joined: list[tuple] = []
    for size, *steps in batch:
        if joined and all(outer == size * step for outer, step in zip(joined[-1][1:], steps)):
            size *= joined.pop()[0]
        joined.append((size, *steps))
    return joined


# ---- doing ---------------------------------------------------------------------------------------------------------


def _run(plan: Plan, a, b, out, alpha, beta, tf32) -> None:
    """The calls of a plan, on CuPy's current stream: its bindings see to that."""
    xp = array_module(a)
    blas, handle = GPU.blas or xp.cuda.cublas, xp.cuda.device.get_cublas_handle()
    kind, compute, factor, default = types_of(xp, a.dtype.char, tf32)
    alpha, beta = in_memory(factor, alpha)[1], in_memory(factor, beta)[1]
    m, n, k, (flag_b, ld_b, step_b), (flag_a, ld_a, step_a), (_, ld_c, step_c), count, starts, _ = plan
    a, b, c = a.data.ptr, b.data.ptr, out.data.ptr
    for in_a, in_b, in_c in starts:
        if count == 1:
            blas.gemmEx(handle, flag_b, flag_a, m, n, k, alpha, b + in_b, kind, ld_b, a + in_a, kind, ld_a, beta,
                        c + in_c, kind, ld_c, compute, default)  # fmt: skip
        else:
            blas.gemmStridedBatchedEx(handle, flag_b, flag_a, m, n, k, alpha, b + in_b, kind, ld_b, step_b, a + in_a,
                                      kind, ld_a, step_a, beta, c + in_c, kind, ld_c, step_c, count, compute,
                                      default)  # fmt: skip


def types_of(xp, letter: str, tf32: bool | None = None) -> tuple:
    """cuBLAS' numbers for (a dtype, what it is added up in), the factors' dtype, and "choose the algorithm"."""
    tf32 = _SWITCHES["fp32_precision"] == "tf32" if tf32 is None else tf32
    return _types(xp, letter, tf32, _SWITCHES["allow_fp16_accumulation"])


@functools.cache
def _types(xp, letter: str, tf32: bool, float16_sums: bool) -> tuple:
    kind, compute, factor = _TYPES[letter]
    if letter in "fF" and tf32:
        compute = "CUBLAS_COMPUTE_32F_FAST_TF32"
    if letter == "e" and float16_sums:
        compute, factor = "CUBLAS_COMPUTE_16F", "f2"
    blas = xp.cuda.cublas
    return getattr(xp.cuda.runtime, kind), getattr(blas, compute), factor, blas.CUBLAS_GEMM_DEFAULT


@functools.lru_cache(256)
def in_memory(dtype: str, value) -> tuple:
    """(a number in the dtype in which cuBLAS wants it, where it lies in host memory)."""
    number = np.array(value, dtype)
    return number, number.ctypes.data


def _after(what: str, a, b, out, alpha, beta, tf32):
    """The product after what cuBLAS cannot do without."""
    xp, again = array_module(a), {"alpha": alpha, "beta": beta, "tf32": tf32}
    if what == "transpose all":
        product(b.swapaxes(-1, -2), a.swapaxes(-1, -2), out.swapaxes(-1, -2), **again)
        return out
    if what == "new result" or (what == "copy uneven" and not out.flags.c_contiguous):
        out[...] = product(a, b, xp.ascontiguousarray(out), **again)
        return out
    if what == "copy a":
        return product(xp.ascontiguousarray(_once(a)), b, out, **again)
    if what == "copy b":
        return product(a, xp.ascontiguousarray(_once(b)), out, **again)
    batch = out.shape[:-2]
    whole = [x if _even(x, batch) else xp.ascontiguousarray(xp.broadcast_to(x, batch + x.shape[-2:])) for x in (a, b)]
    return product(*whole, out, **again)


def _once(x):
    """The array without the repetitions that an expanded batch dimension stands for."""
    return x[tuple([slice(1) if step == 0 else slice(None) for step in x.strides[:-2]])]


def _even(x, batch) -> bool:
    """Whether the matrices of a batch lie in even steps."""
    steps = _batch_steps(x.shape, x.strides, batch, x.itemsize)
    return len(_joined([part for part in zip(batch, steps) if part[0] > 1])) <= 1
