"""Sums that several blocks have made parts of."""

from __future__ import annotations

from ..kernels.loading import BLOCK, blocks_for, launch


def add_parts(parts, out) -> None:
    """In place: out = the sum of parts (count, …) over the first dimension, rounded to the dtype of `out`."""
    launch("parts", "add_parts", out, blocks_for(out.size), (BLOCK,), parts, out, parts.shape[0], out.size)
