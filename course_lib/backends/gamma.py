"""Gamma numbers, one by one, as PyTorch draws them.

Marsaglia & Tsang, "A simple method for generating gamma variables" (2000): a cubed normal number is nearly gamma
distributed; a uniform decides whether it stays. For concentrations below 1 a number of concentration + 1 is scaled down
by a power of another uniform.
"""

from __future__ import annotations

import math

import numpy as np

from .box_muller import box_muller_pair
from .streams import F64, Stream
from .trials import SHORT, draw_row

THIRD = float(np.float32(1 / 3))  # PyTorch writes it in single precision, which shows in the ninth digit


def standard_gamma(stream: Stream, concentrations: np.ndarray) -> np.ndarray:
    """A gamma number of rate 1 for each concentration (≥ 0), as float64 in their shape.

    What depends on the concentration alone is rounded to its type, float32 or float64, as in PyTorch.
    """
    a, real = concentrations.reshape(-1), concentrations.dtype.type
    with np.errstate(divide="ignore"):
        powers = np.where(a < 1, real(1) / a, 0)  # 0: nothing to scale down
    d = (np.where(a < 1, a + real(1), a) - real(THIRD)).astype(F64)
    c = 1 / np.sqrt(9 * d)
    spare = np.array([math.nan if stream.spare_normal is None else stream.spare_normal])
    numbers = draw_row(stream, gamma_row, [powers, d, c], saves=7e-7, kept=[spare])
    stream.spare_normal = None if np.isnan(spare[0]) else float(spare[0])
    return numbers.reshape(concentrations.shape)


def gamma_row(powers, d, c, spare, numbers, start, uniforms):
    """`spare`: the normal number that waits for the next call, also of another function; nan where there is none."""
    used, normal = 0, float(spare[0])
    for i in range(start, len(numbers)):
        number, end, next_normal = one_gamma(powers[i], d[i], c[i], normal, uniforms, used)
        if end == SHORT:
            spare[0] = normal
            return i, used
        numbers[i], used, normal = number, end, next_normal
    spare[0] = normal
    return len(numbers), used


def one_gamma(power, d, c, normal, uniforms, at):
    if power == math.inf:  # concentration 0
        return 0.0, at, normal
    scale = 1.0
    if power > 0:
        if at >= len(uniforms):
            return 0.0, SHORT, normal
        scale = (1 - uniforms[at]) ** power
        at += 1
    while at + 3 <= len(uniforms):
        if math.isnan(normal):
            x, normal = box_muller_pair(uniforms[at], uniforms[at + 1])
            at += 2
        else:
            x, normal = normal, math.nan
        root = 1 + c * x
        if root <= 0:
            continue
        cube, square, uniform = root * root * root, x * x, 1 - uniforms[at]
        at += 1
        if uniform < 1 - 0.0331 * square * square:  # almost always: spares the logarithms
            return scale * d * cube, at, normal
        if math.log(uniform) < 0.5 * square + d * (1 - cube + math.log(cube)):
            return scale * d * cube, at, normal
    return 0.0, SHORT, normal
