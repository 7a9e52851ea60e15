"""Normal numbers from uniform ones: Box & Muller (1958), "A note on the generation of random normal deviates".

If u₁, u₂ are uniform, then √(-2 ln u₁)·cos 2πu₂ and √(-2 ln u₁)·sin 2πu₂ are two independent normal numbers. PyTorch
takes 16 uniforms at a time, eight u₁ and eight u₂, and writes eight cosines and eight sines over them. To give its very
numbers it is not enough to know the formula: in float32, PyTorch's logarithm, sine and cosine are the short polynomials
of the Cephes library (Moshier 1984) in vector registers, each step rounded to 24 bits, and so they are here.
"""

from __future__ import annotations

import math

import numpy as np

from .compiled import kernel

LANES = 8
PAIRS_AT_ONCE = 1 << 14  # the working arrays of one pass stay in the processor's cache

F32, F64 = np.float32, np.float64


def box_muller(uniforms: np.ndarray, mean: float, std: float) -> None:
    """Turn uniforms in [0, 1), float32 or float64, a multiple of 16 of them, into normal numbers, in place."""
    if uniforms.dtype == F64:
        normal = _normal_float64
    else:
        normal = kernel("random.normal_float32", 1e-4 + len(uniforms) * 1e-8) or _normal_float32
    mean, std = uniforms.dtype.type(mean), uniforms.dtype.type(std)
    groups = uniforms.reshape(-1, 2, LANES)
    step = PAIRS_AT_ONCE // LANES
    for start in range(0, len(groups), step):
        group = groups[start : start + step]
        u1, u2 = group[:, 0].ravel(), group[:, 1].ravel()
        normal(u1, u2, mean, std)
        group[:, 0], group[:, 1] = u1.reshape(-1, LANES), u2.reshape(-1, LANES)


def _normal_float32(u1: np.ndarray, u2: np.ndarray, mean: float, std: float) -> None:
    """Write the cosines over u1, the sines over u2."""
    radius, cosine, sine = polar_float32(F32(1) - u1, u2)  # from [0, 1) to (0, 1]: ln 0 must not happen
    u1[...], u2[...] = scaled(radius * cosine, mean, std), scaled(radius * sine, mean, std)


def _normal_float64(u1: np.ndarray, u2: np.ndarray, mean: float, std: float) -> None:
    radius, angle = np.sqrt(-2 * np.log(1 - u1)), 2 * math.pi * u2
    u1[...], u2[...] = scaled(radius * np.cos(angle), mean, std), scaled(radius * np.sin(angle), mean, std)


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


# ---- Cephes in float32 -------------------------------------------------------------------------------------------
# These functions take arrays, or are compiled for single numbers (compiled/random.py): hence the small helpers below.

LOG_COEFFICIENTS = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
COS_COEFFICIENTS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
SIN_COEFFICIENTS = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
SQRT_HALF_BITS = np.int32(0x3F3504F3)  # the float32 nearest to √½, as an integer
LN2_HIGH, LN2_LOW = F32(0.693359375), F32(-2.12194440e-4)  # ln 2 in two parts: a whole number times the first is exact
QUARTER_PI_PARTS = (F32(0.78515625), F32(2.4187564849853515625e-4), F32(3.77489497744594108e-8))  # π/4, likewise


def polar_float32(u1, u2):
    """√(-2 ln u₁), cos 2πu₂ and sin 2πu₂."""
    cosine, sine = cos_sin_float32(F32(2 * math.pi) * u2)
    return np.sqrt(F32(-2) * log_float32(u1)), cosine, sine


def log_float32(x):
    """ln x for positive normal float32 numbers: x = m·2ᵉ with m in [√½, √2), so ln x = e·ln 2 + ln m."""
    bits = bits_of(x)
    exponent = whole(whole(bits - SQRT_HALF_BITS) >> 23)
    m = from_bits(whole(bits - (exponent << 23))) - F32(1)
    e, square = single(exponent), m * m
    y = horner(LOG_COEFFICIENTS, m) * m
    y = fma(y, square, e * LN2_LOW) - square * F32(0.5)
    return fma(e, LN2_HIGH, y + m)


def cos_sin_float32(x):
    """cos x and sin x for 0 ≤ x ≤ 2π: take away the nearest multiple of π/2, then a polynomial on [-π/4, π/4]."""
    octant = whole(x * F32(4 / math.pi))
    quarter = whole(whole(octant + 1) >> 1)  # 0 … 4 quarter turns to take away
    eighths = single(whole(quarter << 1))
    for part in QUARTER_PI_PARTS:
        x = fma(eighths, -part, x)
    square = x * x
    cosine = fma(horner(COS_COEFFICIENTS, square) * square, square, square * F32(-0.5)) + F32(1)
    sine = fma(horner(SIN_COEFFICIENTS, square) * square, x, x)
    # A quarter turn: cos → -sin, sin → cos. Two of them: both change sign.
    odd = (quarter & 1) != 0
    sign = F32(1) - single(quarter & 2)
    return choose(odd, -sine, cosine) * sign, choose(odd, cosine, sine) * sign


def horner(coefficients, x):
    """The polynomial at `x`, every step rounded to float32."""
    y, wide = np.full(x.shape, coefficients[0], F32), x.astype(F64)
    for coefficient in coefficients[1:]:
        y = fma(y, wide, F32(coefficient))
    return y


def fma(a, b, c):
    """a·b + c rounded once to float32: in float64 the product of two float32 numbers is exact."""
    wide = a.astype(F64)
    wide *= b
    wide += c
    return wide.astype(F32)


def bits_of(x):
    """The bits of float32 numbers, as int32."""
    return x.view(np.int32)


def from_bits(bits):
    """The float32 numbers with these bits."""
    return bits.view(F32)


def whole(x):
    """x as int32, cut off towards zero."""
    return x.astype(np.int32, copy=False)


def single(x):
    """x as float32."""
    return x.astype(F32)


def choose(condition, a, b):
    """a where the condition holds, else b."""
    return np.where(condition, a, b)


# ---- one rounding in float64 -------------------------------------------------------------------------------------


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
