"""Normal numbers from uniform ones: Box & Muller (1958), "A note on the generation of random normal deviates".

If u₁, u₂ are uniform, then √(-2 ln u₁)·cos 2πu₂ and √(-2 ln u₁)·sin 2πu₂ are two independent normal numbers. PyTorch
takes 16 uniforms at a time, eight u₁ and eight u₂, and writes eight cosines and eight sines over them. To give its very
numbers it is not enough to know the formula: in float32, PyTorch's logarithm, sine and cosine are the short polynomials
of the Cephes library (Moshier 1984) in vector registers, each step rounded to 24 bits, and so they are here.
"""

from __future__ import annotations

import math

import numpy as np

LANES = 8
PAIRS_AT_ONCE = 1 << 14  # the working arrays of one pass stay in the processor's cache

F32, F64 = np.float32, np.float64


def box_muller(uniforms: np.ndarray, mean: float, std: float) -> None:
    """Turn uniforms in [0, 1), float32 or float64, a multiple of 16 of them, into normal numbers, in place."""
    polar = _polar_float32 if uniforms.dtype == F32 else _polar_float64
    groups = uniforms.reshape(-1, 2, LANES)
    step = PAIRS_AT_ONCE // LANES
    for start in range(0, len(groups), step):
        group = groups[start : start + step]
        u1 = 1 - group[:, 0]  # from [0, 1) to (0, 1]: ln 0 must not happen
        radius, cosine, sine = polar(u1.ravel(), group[:, 1].ravel())
        group[:, 0] = scaled(radius * cosine, mean, std).reshape(-1, LANES)
        group[:, 1] = scaled(radius * sine, mean, std).reshape(-1, LANES)


def box_muller_pair(u1: float, u2: float) -> tuple[float, float]:
    """The form that PyTorch uses for fewer than 16 numbers: in double, with the roles of u₁ and u₂ exchanged."""
    radius = math.sqrt(-2.0 * math.log1p(-u2))
    angle = 2.0 * math.pi * u1
    return radius * math.cos(angle), radius * math.sin(angle)


def scaled(x: np.ndarray, mean: float, std: float) -> np.ndarray:
    """x·std + mean, rounded once, as the processor's multiply-add instruction does."""
    mean, std = x.dtype.type(mean), x.dtype.type(std)
    if std == 1 or mean == 0:  # one of the two steps is exact
        return x * std + mean
    return fma(x, F64(std), F64(mean)) if x.dtype == F32 else fma_float64(x, std, mean)


def _polar_float64(u1: np.ndarray, u2: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    angle = 2 * math.pi * u2
    return np.sqrt(-2 * np.log(u1)), np.cos(angle), np.sin(angle)


def _polar_float32(u1: np.ndarray, u2: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cosine, sine = cos_sin_float32(F32(2 * math.pi) * u2)
    return np.sqrt(F32(-2) * log_float32(u1)), cosine, sine


# ---- Cephes in float32 -------------------------------------------------------------------------------------------

LOG_COEFFICIENTS = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
COS_COEFFICIENTS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
SIN_COEFFICIENTS = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
SQRT_HALF_BITS = np.int32(0x3F3504F3)  # the float32 nearest to √½, as an integer
LN2_HIGH, LN2_LOW = 0.693359375, -2.12194440e-4  # ln 2 in two parts: a whole number times the first is exact
QUARTER_PI_PARTS = (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)  # π/4 in three parts, likewise


def log_float32(x: np.ndarray) -> np.ndarray:
    """ln x for positive normal float32 numbers: x = m·2ᵉ with m in [√½, √2), so ln x = e·ln 2 + ln m."""
    bits = x.view(np.int32)
    exponent = (bits - SQRT_HALF_BITS) >> 23
    m = (bits - (exponent << 23)).view(F32) - F32(1)
    e = exponent.astype(F32)
    wide = m.astype(F64)
    square = m * m
    y = horner(LOG_COEFFICIENTS, wide) * m
    y = fma(y, square.astype(F64), e * F32(LN2_LOW))
    y -= square * F32(0.5)
    y += m
    return fma(e, LN2_HIGH, y)


def cos_sin_float32(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """cos x and sin x for 0 ≤ x ≤ 2π: take away the nearest multiple of π/2, then a polynomial on [-π/4, π/4]."""
    octant = (x * F32(4 / math.pi)).astype(np.int32)
    quarter = (octant + 1) >> 1  # 0 … 4 quarter turns to take away
    eighths = (quarter << 1).astype(F64)
    for part in QUARTER_PI_PARTS:
        x = fma(eighths, -F32(part), x)
    wide = x.astype(F64)
    square = x * x
    wide_square = square.astype(F64)
    cosine = fma(horner(COS_COEFFICIENTS, wide_square) * square, wide_square, square * F32(-0.5)) + F32(1)
    sine = fma(horner(SIN_COEFFICIENTS, wide_square) * square, wide, x)
    # A quarter turn: cos → -sin, sin → cos. Two of them: both change sign.
    odd = (quarter & 1).astype(bool)
    cosine, sine = np.where(odd, -sine, cosine), np.where(odd, cosine, sine)
    half_turns = (F32(1) - (quarter & 2)).astype(F32)
    cosine *= half_turns
    sine *= half_turns
    return cosine, sine


def horner(coefficients: tuple[float, ...], x: np.ndarray) -> np.ndarray:
    """The polynomial at `x` (float64 that holds float32 numbers), every step rounded to float32."""
    y = np.full(x.shape, coefficients[0], F32)
    for coefficient in coefficients[1:]:
        y = fma(y, x, F32(coefficient))
    return y


def fma(a: np.ndarray, b, c) -> np.ndarray:
    """a·b + c rounded once to float32: in float64 the product of two float32 numbers is exact."""
    wide = a.astype(F64)
    wide *= b
    wide += c
    return wide.astype(F32)


@np.errstate(over="ignore", invalid="ignore")
def fma_float64(a: np.ndarray, b, c) -> np.ndarray:
    """a·b + c rounded once to float64: what product and sum lose by rounding (Dekker 1971, Knuth 1969) is put back."""
    product = a * b
    total = product + c
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    back = total - product
    lost += (product - (total - back)) + (c - back)
    return np.where(np.isfinite(lost), total + lost, total)  # where the halves overflow, leave the plain result


def _halves(x) -> tuple[np.ndarray, np.ndarray]:
    """x as the sum of two numbers of 26 bits, whose products are exact."""
    spread = x * F64(2**27 + 1)
    high = spread - (spread - x)
    return high, x - high
