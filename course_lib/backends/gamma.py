"""Gamma numbers, one by one, as PyTorch draws them.

Marsaglia & Tsang, "A simple method for generating gamma variables" (2000): a cubed normal number is nearly gamma
distributed; a uniform decides whether it stays. For concentrations below 1 a number of concentration + 1 is scaled down
by a power of another uniform.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .box_muller import box_muller_pair
from .counts import Uniforms
from .streams import F64, Stream

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
    with Uniforms(stream) as uniforms:
        rows = zip(powers.tolist(), d.tolist(), c.tolist(), strict=True)
        numbers = [_gamma(*row, stream, uniforms) for row in rows]
    return np.array(numbers, F64).reshape(concentrations.shape)


def _gamma(power: float, d: float, c: float, stream: Stream, uniforms: Iterator[float]) -> float:
    if power == math.inf:  # concentration 0
        return 0.0
    scale = (1 - next(uniforms)) ** power if power else 1.0
    while True:
        normal = _normal(stream, uniforms)
        root = 1 + c * normal
        if root <= 0:
            continue
        cube, square, uniform = root**3, normal * normal, 1 - next(uniforms)
        if uniform < 1 - 0.0331 * square * square:  # almost always: spares the logarithms
            return scale * d * cube
        if math.log(uniform) < 0.5 * square + d * (1 - cube + math.log(cube)):
            return scale * d * cube


def _normal(stream: Stream, uniforms: Iterator[float]) -> float:
    """A standard normal number; the second of each pair waits for the next call, also of another function."""
    if stream.spare_normal is not None:
        number, stream.spare_normal = stream.spare_normal, None
        return number
    first = next(uniforms)
    number, stream.spare_normal = box_muller_pair(first, next(uniforms))
    return number
