"""Images (N, C, *shape) read at many places, weights and `at` (K, N, *places): what grid_sample does (reading.cu)."""

from __future__ import annotations

import math

from .. import GPU
from ..kernels.loading import BLOCK, accumulator, blocks_for, launch
from ._new import like

_SHARES = 1024  # blocks that are wanted


def _launch(name: str, over, arrays, image_shape, at, shares: bool = True) -> None:
    """Launch a kernel for all places; with `shares` blocks also share the channels."""
    samples, channels, *shape = image_shape
    places = math.prod(at.shape[2:])
    (blocks,) = blocks_for(samples * places)
    across = min(channels, max(1, _SHARES // blocks)) if shares else 1
    launch("reading", name, over, (blocks, across), (BLOCK,), *arrays, samples, channels, math.prod(shape), places,
           NEIGHBOURS=at.shape[0])  # fmt: skip


def read_places(image, weights, *, at):
    """The sums of each place's elements, weighted -> (N, C, *places)."""
    out = like(image, (*image.shape[:2], *at.shape[2:]))
    _launch("read_places", out, (image, weights, at, out), image.shape, at)
    return out


def spread_places(g, weights, *, at, shape):
    """The transpose: each place gives back to its elements -> (N, C, *shape)."""
    with g.device:
        made = GPU.module.zeros((*g.shape[:2], *shape), accumulator(g.dtype))
    _launch("spread_places_atomic", g, (g, weights, at, made), made.shape, at)
    return made.astype(g.dtype, copy=False)


def join_places(g, image, *, at):
    """The gradient by the weights -> (K, N, *places)."""
    weights = like(g, at.shape)
    _launch("join_places", g, (g, image, at, weights), image.shape, at, shares=False)
    return weights
