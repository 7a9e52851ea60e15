"""Images brought to another size by tables of positions and weights, one for each of the last dimensions."""

from __future__ import annotations

import functools

import numpy as np

from .. import GPU
from ..kernels.loading import accumulator, launch
from ._new import like
from .windows import rows_launch


@functools.lru_cache(maxsize=1024)
def _tables(taps, xp, device: int, dtype) -> tuple:
    """Positions and weights (None: all 1) of one dimension on a GPU, and its sizes: the kernel's arguments."""
    with xp.cuda.Device(device):
        positions = xp.asarray(np.ascontiguousarray(taps.positions, np.int32))
        weights = None if taps.weights is None else xp.asarray(np.ascontiguousarray(taps.weights, dtype))
    return positions, weights, taps.length, positions.shape[1], positions.shape[0]


@functools.lru_cache(maxsize=64)
def _one_place(xp, device: int) -> tuple:
    """The tables of a dimension that is not there."""
    with xp.cuda.Device(device):
        return xp.zeros((1, 1), np.int32), None, 1, 1, 1


def resample(image, taps):
    """The image with its last dimensions, one to three, read by these taps.

    Each has `positions` (count, size), `weights` of that shape or None, and the dimension's `length`; they are kept on
    the GPU as long as they are used often.
    """
    xp, device, dtype = GPU.module, image.device.id, accumulator(image.dtype)
    tables = [_tables(part, xp, device, dtype) for part in taps]
    out = like(image, (*image.shape[: -len(taps)], *[table[3] for table in tables]))
    tables = [_one_place(xp, device)] * (3 - len(taps)) + tables
    rows = out.size // out.shape[-1]
    launch("resample", "resample", out, *rows_launch(rows, out.shape[-1]), image, out, rows,
           *[value for table in tables for value in table])  # fmt: skip
    return out
