"""Compiled random numbers: the formulas and trials of box_muller.py, counts.py and gamma.py, a number at a time.

Those files are written so that their functions work on arrays in NumPy and, compiled, on single numbers. The few steps
that are spelled differently for a number (its bits, a multiplication and addition in one step) get their second form
here; Numba puts it in where a compiled function calls the first.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import float32
from numba.extending import intrinsic, overload, register_jitable

from .. import box_muller, counts, gamma
from . import OPTIONS, declare

F32, I32 = np.float32, np.int32


@intrinsic
def multiply_add(typing, a, b, c):
    """a·b + c rounded once: a single instruction of the processor, also for a vector of numbers."""

    def generate(context, builder, signature, arguments):
        single = ir.FloatType()
        fused = builder.module.declare_intrinsic("llvm.fma", [single], ir.FunctionType(single, [single] * 3))
        return builder.call(fused, arguments)

    return float32(float32, float32, float32), generate


@overload(box_muller.fma, jit_options=OPTIONS)
def _fma(a, b, c):
    return lambda a, b, c: multiply_add(a, b, c)


@overload(box_muller.bits_of, jit_options=OPTIONS)
def _bits_of(x):
    return lambda x: F32(x).view(I32)


@overload(box_muller.from_bits, jit_options=OPTIONS)
def _from_bits(bits):
    return lambda bits: I32(bits).view(F32)


@overload(box_muller.whole, jit_options=OPTIONS)
def _whole(x):
    return lambda x: I32(x)


@overload(box_muller.single, jit_options=OPTIONS)
def _single(x):
    return lambda x: F32(x)


@overload(box_muller.choose, jit_options=OPTIONS)
def _choose(condition, a, b):
    return lambda condition, a, b: a if condition else b


@overload(box_muller.horner, jit_options=OPTIONS)
def _horner(coefficients, x):
    degree = coefficients.count

    def evaluate(coefficients, x):
        y = F32(coefficients[0])
        for i in range(1, degree):
            y = multiply_add(y, x, F32(coefficients[i]))
        return y

    return evaluate


for function in (box_muller.log_float32, box_muller.cos_sin_float32, box_muller.polar_float32,
                 box_muller.box_muller_pair, counts.one_poisson, counts.poisson_by_rejection, counts.log,
                 counts.binomial_by_waiting, counts.binomial_by_rejection, counts.stirling_tail,
                 gamma.one_gamma):  # fmt: skip
    register_jitable(**OPTIONS)(function)


@declare("void(float32[::1], float32[::1], float32, float32)")
def normal_float32(u1, u2, mean, std):
    for i in range(u1.size):
        radius, cosine, sine = box_muller.polar_float32(F32(1) - u1[i], u2[i])
        u1[i] = multiply_add(radius * cosine, std, mean)
        u2[i] = multiply_add(radius * sine, std, mean)


def _row(function, constants: int, kept: int = 0):
    """A row of trials (trials.py) with so many constants."""
    arrays = ", ".join(["float64[::1]"] * (constants + kept + 1))
    return declare(f"UniTuple(int64, 2)({arrays}, int64, float64[::1])")(function)


poisson_row = _row(counts.poisson_row, 1)
binomial_row = _row(counts.binomial_row, 7)
gamma_row = _row(gamma.gamma_row, 3, kept=1)
