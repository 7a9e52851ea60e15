"""What is done to many arrays at once, mostly gradients, in place: norms, clipping, the loss scale, averages.

Each takes a list of arrays that `cuda.kernel` has let through, all on one GPU.
"""

from __future__ import annotations

import math

import numpy as np

from ..kernels.loading import BLOCK, launch
from ._new import like, sums
from .many import tables

_NORMS = {1.0: "norm_1", 2.0: "norm_2", math.inf: "norm_inf"}


def total_norm(arrays: list, power: float):
    """The norm of all elements together, for a power > 0: an array without dimensions, of their dtype."""
    made = tables([[array] for array in arrays])
    parts, norm = sums(arrays[0], (sum(table.blocks for table in made),)), like(arrays[0], ())
    name, start = _NORMS.get(power, "norm_p"), 0
    for table in made:
        table.launch("gradients", f"{name}_of_stretches", parts[start : start + table.blocks], float(power))
        start += table.blocks
    launch("gradients", f"{name}_of_parts", arrays[0], (1,), (2 * BLOCK,), parts, parts.size, norm, float(power))
    return norm


def scale_to_norm(arrays: list, norm, most: float) -> None:
    """Multiply with min(1, most / (norm + 1e-6)); `norm` is an array of their dtype."""
    for table in tables([[array] for array in arrays]):
        table.launch("gradients", "scale_to_norm", norm, float(most))


def clip_values(arrays: list, most: float) -> None:
    """Bring all elements into [-most, most]."""
    for table in tables([[array] for array in arrays]):
        table.launch("gradients", "clip_values", float(most))


def fill_with_zeros(arrays: list) -> None:
    """Write zeros everywhere."""
    for table in tables([[array] for array in arrays]):
        table.launch("gradients", "fill_with_zeros")


def unscale(arrays: list, scale, found_inf) -> None:
    """Divide by the scale; found_inf becomes 1 if an element is inf or nan. Both are arrays of one float32 number."""
    for table in tables([[array] for array in arrays]):
        table.launch("gradients", "unscale", scale, found_inf)


def update_scale(scale, steps, found_inf, growth: float, backoff: float, interval: int) -> None:
    """Adapt the scale (float32) and the count of good steps (int32), arrays of one number."""
    launch("gradients", "update_scale", scale, (1,), (1,), scale, steps, found_inf, np.float64(growth),
           np.float64(backoff), interval)  # fmt: skip


def move_averages(averages: list, news: list, weight: float, count=None) -> None:
    """average + weight · (new - average); with `count`, an array of one int64 number, the weight is 1 / (count + 1)."""
    for table in tables(list(zip(averages, news, strict=True))):
        table.launch("gradients", "move_averages", count, float(weight))
