"""Histograms: how many numbers fall into each bin, or how many points into each box of a grid."""

from __future__ import annotations

import math

import numpy as np

from .. import return_types
from ..backends import array_module, backend_of
from ..tensor import Tensor, wrap
from ._device import through_host
from ._numeric import require_kind
from ._op import function, op


def _edges(xp, column, bins: int, limits, dtype):
    """`bins + 1` equally spaced edges over the limits, or over the data where no limits are given."""
    if limits is None:
        limits = (column.min(), column.max()) if column.size else (0.0, 1.0)
    low, high = (dtype.type(v) for v in limits)
    if low == high:
        low, high = low - dtype.type(0.5), high + dtype.type(0.5)
    return xp.linspace(low, high, bins + 1, dtype=dtype)


def _bin_numbers(xp, column, edges):
    """Which bin each value falls into, -1 outside; the last bin holds its right edge."""
    at = xp.searchsorted(edges, column, side="right") - 1
    at = xp.where(column == edges[-1], len(edges) - 2, at)
    return xp.where((column >= edges[0]) & (column <= edges[-1]), at, -1)


@op(method=False, namespace=None)
class histogram_of_points:
    """How many points (rows) fall into each box of a grid, or the sum of their weights."""

    def forward(xp, points, weight, *edges, density):
        numbers = [_bin_numbers(xp, points[:, d], edge) for d, edge in enumerate(edges)]
        shape = tuple(len(edge) - 1 for edge in edges)
        inside = xp.ones(len(points), bool)
        place = xp.zeros(len(points), "int64")
        for n, count in zip(numbers, shape, strict=True):
            inside &= n >= 0
            place = place * count + n
        weights = None if weight is None else weight[inside].astype("f8")
        counts = xp.bincount(place[inside], weights, math.prod(shape)).reshape(shape).astype("f8")
        if density:
            volume = 1.0
            for d, edge in enumerate(edges):
                volume = volume * xp.diff(edge).astype("f8").reshape([-1 if d == i else 1 for i in range(len(edges))])
            counts = counts / counts.sum() / volume
        return counts.astype(points.dtype)


def _check_histogram(name: str, input: Tensor, bins) -> None:
    require_kind(name, input._array, "f" if name == "histogramdd" else "fV")
    for d, count in enumerate(bins):
        if isinstance(count, int) and count <= 0:
            raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {count} for dimension {d}")


@function(method=True, out=True)
def histc(input, bins=100, min=0, max=0):
    """histc(input, bins=100, min=0, max=0, *, out=None) -> Tensor

    How many elements fall into each of `bins` equal bins.

    The bins go from `min` to `max`; where both are 0, over the data. Elements outside are not counted.

    >>> import course_lib as torch
    >>> torch.histc(torch.tensor([1., 2., 1.]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.histc.html
    """
    _check_histogram("histogram_cpu", input, [bins])
    values = input._array.reshape(-1)
    low, high = (v.item() if isinstance(v, Tensor) else v for v in (min, max))
    if low == high and values.size:
        low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{_signed(low)}, {_signed(high)}] is not finite")
    if low > high:
        raise RuntimeError("torch.histc: max must be larger than min")
    low, high = (values.dtype.type(v) for v in (low, high))
    if input.is_cuda:
        return wrap(_counted_on_gpu(values, low, high, bins))
    inside = values[(values >= low) & (values <= high)]
    place = ((inside - low) * values.dtype.type(bins) / (high - low)).astype("int64")
    place = array_module(values).minimum(place, bins - 1)
    return wrap(array_module(values).bincount(place, minlength=bins).astype(input._array.dtype))


def _counted_on_gpu(values, low, high, bins: int):
    """How many values fall into each bin; those outside count 0, so that how many they are is not waited for."""
    xp = array_module(values)
    inside = ((values >= low) & (values <= high)).astype(np.float32)
    place = ((values - low) * values.dtype.type(bins) / (high - low)).astype("int64").clip(0, bins - 1)
    counts = xp.zeros(bins, np.float32)
    backend_of(xp).change_at(xp.add, counts, (place,), inside)
    return counts.astype(values.dtype)


def _signed(value) -> str:
    return str(value) if value == value else "-nan"


@function(method=True, out=True)
@through_host
def histogram(input, bins=100, *, range=None, weight=None, density=False):
    """histogram(input, bins, *, range=None, weight=None, density=False, out=None) -> (hist, bin_edges)

    How many elements fall into each bin. `bins` is a number (equal bins over `range`, or over the data) or a tensor
    with the edges in ascending order. `weight` counts an element that often; `density` makes the area 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.histogram.html
    """
    bins = bins.detach().clone() if isinstance(bins, Tensor) else bins
    made, edges = _histogram("histogramdd", input.reshape(-1, 1), [bins], range, weight, density)
    return return_types.histogram((made, edges[0]))


@function()
@through_host
def histogramdd(input, bins, *, range=None, weight=None, density=False):
    """histogramdd(input, bins, *, range=None, weight=None, density=False) -> (hist, bin_edges)

    How many points fall into each box of a grid; the last dimension of the input holds the coordinates.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.histogramdd.html
    """
    if input.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    count = input.shape[-1]
    bins = [bins] * count if isinstance(bins, int) else list(bins)
    if len(bins) != count:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    made, edges = _histogram("histogramdd", input.reshape(-1, count), bins, range, weight, density)
    return return_types.histogramdd((made, edges))


def _histogram(name, points, bins, range, weight, density):
    _check_histogram(name, points, bins)
    points = points.detach()
    array, xp = points._array, array_module(points._array)
    edges = []
    for d, wanted in enumerate(bins):
        if isinstance(wanted, Tensor):
            edges.append(wanted)
        else:
            limits = None if range is None else range[2 * d : 2 * d + 2]
            edges.append(wrap(_edges(xp, array[:, d], wanted, limits, array.dtype)))
    weight = None if weight is None else weight.detach().reshape(-1)
    return histogram_of_points(points, weight, *edges, density=density), tuple(edges)
