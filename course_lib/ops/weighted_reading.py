"""Reading an image at many places at once, each a weighted sum of a few elements: what grid_sample does.

Let S be the matrix that has, in the row of each place, its weights in the columns of the elements it reads. Then the
result is S times the image (a row an element, a column a channel), and it is linear in the weights, too. So the
derivatives stay in the family: by the image it is Sᵀ times the gradient (`spread`), by the weights the product of
gradient and image where a weight joins them (`joined`). S is almost empty: SciPy keeps and multiplies it as such. On a
GPU kernels read and add directly; what they do not take goes through the host.

Shapes: image (N, C, *shape), weights and `at` (K, N, *places). A place of sample i reads the K elements at[:, i, place]
of the flattened image; the position one behind the last element reads 0. The result is (N, C, *places).
"""

from __future__ import annotations

import math

import numpy as np

from ._device import by_kernel
from ._numeric import narrow, wide
from ._op import op


def _rows(xp, a, behind: int = 0):
    """(N, C, *shape) as rows of one element with all its channels, (N·n, C); `behind` each sample rows of zeros."""
    samples, channels = a.shape[:2]
    elements = math.prod(a.shape[2:])
    rows = xp.zeros((samples, elements + behind, channels), wide(a[:0]).dtype)
    rows[:, :elements] = xp.moveaxis(a.reshape(samples, channels, elements), 1, 2)
    return rows.reshape(-1, channels)


def _image(xp, rows, samples: int, shape, dtype):
    """Rows as (N, C, *shape); those behind the elements are left out."""
    split = rows.reshape(samples, -1, rows.shape[-1])[:, : math.prod(shape)]
    made = xp.ascontiguousarray(xp.moveaxis(split, 1, 2))
    return narrow(made.reshape(samples, rows.shape[-1], *shape), dtype)


def _columns(at, n: int):
    """The columns of S that each place reads (K, N·places)."""
    k, samples = at.shape[:2]
    return (at.reshape(k, samples, -1) + (n + 1) * np.arange(samples)[:, None]).reshape(k, -1)


def _matrix(weights, at, n: int):
    """S (N·places, N·(n + 1))."""
    from scipy.sparse import csr_array

    k, samples = at.shape[:2]
    columns = np.ascontiguousarray(_columns(at, n).T).ravel()
    numbers = np.ascontiguousarray(wide(weights).reshape(k, -1).T).ravel()
    starts = np.arange(0, columns.size + 1, k)
    return csr_array((numbers, columns, starts), shape=(len(starts) - 1, samples * (n + 1)))


def _computed(xp, kernel: str, compute, first, second, *, at, **settings):
    """By the kernel of this name, or by `compute`, which knows host memory only."""
    if xp is np:
        return compute(first, second, at, **settings)
    made = by_kernel(xp, kernel, first, second, at=at, **settings)
    return xp.asarray(compute(first.get(), second.get(), at.get(), **settings)) if made is None else made


def _read(image, weights, at):
    made = _matrix(weights, at, math.prod(image.shape[2:])) @ _rows(np, image, 1)
    return _image(np, made, len(image), at.shape[2:], image.dtype)


def _spread(g, weights, at, shape):
    made = _matrix(weights, at, math.prod(shape)).T @ _rows(np, g)
    return _image(np, made, len(g), shape, g.dtype)


def _join(g, image, at):
    values, elements = _rows(np, g), _rows(np, image, 1)
    columns = _columns(at, math.prod(image.shape[2:]))
    made = [np.einsum("pc,pc->p", values, elements[column]) for column in columns]
    return narrow(np.stack(made).reshape(at.shape), g.dtype)


class _Reading:
    """What the two reading ops, of planes and of volumes, share."""

    def forward(xp, image, weights, *, at):
        return _computed(xp, "read_places", _read, image, weights, at=at)

    def save(ctx, out, image, weights, *, at):
        ctx.save_for_backward(image, weights)
        ctx.at = at

    def backward(ctx, g):
        image, weights = ctx.saved_tensors
        grad_image = spread(g, weights, at=ctx.at, shape=image.shape[2:]) if ctx.needs_input_grad[0] else None
        return grad_image, joined(g, image, at=ctx.at) if ctx.needs_input_grad[1] else None


@op(method=False, namespace=None, node="GridSampler2DBackward0")
class read_plane(_Reading):
    """S times the image."""


@op(method=False, namespace=None, node="GridSampler3DBackward0")
class read_volume(_Reading):
    """S times the image."""


@op(method=False, namespace=None)
class spread:
    """Sᵀ times `g` (N, C, *places): every place gives back to the elements that it reads."""

    def forward(xp, g, weights, *, at, shape):
        return _computed(xp, "spread_places", _spread, g, weights, at=at, shape=shape)

    def save(ctx, out, g, weights, *, at, shape):
        ctx.save_for_backward(g, weights)
        ctx.at = at

    def backward(ctx, gg):
        g, weights = ctx.saved_tensors
        return read_plane(gg, weights, at=ctx.at), joined(g, gg, at=ctx.at)


@op(method=False, namespace=None)
class joined:
    """For each weight the product of `g` (N, C, *places) at its place and the image at its element, summed over C."""

    def forward(xp, g, image, *, at):
        return _computed(xp, "join_places", _join, g, image, at=at)

    def save(ctx, out, g, image, *, at):
        ctx.save_for_backward(g, image)
        ctx.at = at

    def backward(ctx, gw):
        g, image = ctx.saved_tensors
        return read_plane(image, gw, at=ctx.at), spread(g, gw, at=ctx.at, shape=image.shape[2:])
