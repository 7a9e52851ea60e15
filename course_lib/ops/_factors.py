"""The product of two arrays, and the gradients of its factors: what all products of matrices are made of."""

from __future__ import annotations

import numpy as np

from ..backends import array_module, backend_of
from ._numeric import conjugate, is_half


def product(xp, a, b):
    """Matrix product in the operands' dtype; half precision is summed in float32, integers wrap."""
    if xp is not np and a.dtype.kind not in "biu":
        return _product_on_gpu(xp, a, b)
    if is_half(a.dtype):
        return xp.matmul(a.astype("f4"), b.astype("f4")).astype(a.dtype)
    return a.dot(b) if b.ndim <= 2 and a.ndim <= 2 else xp.matmul(a, b)  # dot has the smaller overhead


def _product_on_gpu(xp, a, b):
    backend = backend_of(xp)
    if b.ndim > 1:
        return backend.product(a, b)
    if a.ndim == 1:
        return backend.inner(a, b)
    return backend.product(a, b[:, None]).reshape(a.shape[:-1])


def save_factors(ctx, out, a, b) -> None:
    """Each factor is what the other one's gradient needs."""
    needs_a, needs_b = ctx.needs_input_grad
    ctx.save_for_backward(a if needs_b else None, b if needs_a else None)
    ctx.setting = None if type(out._array) is np.ndarray else (_by_columns(a._array), _by_columns(b._array))


def _by_columns(array) -> bool:
    """Whether this is a transposed view, such as a layer's weight in a product."""
    return array.strides[-1] > array.strides[-2]


def gradients_of_factors(g, a, b, by_columns=None) -> tuple:
    """g·bᴴ and aᴴ·g on bare arrays; a and b are None where the other one needs no gradient.

    On a GPU a gradient is laid out as its factor is: that of a transposed view is computed transposed, so that the
    gradient of what it is a view of needs no copy.
    """
    xp = array_module(g)

    def times(x, y, by_columns: bool):
        if by_columns:
            return product(xp, y.swapaxes(-1, -2), x.swapaxes(-1, -2)).swapaxes(-1, -2)
        return product(xp, x, y)

    a_by_columns, b_by_columns = by_columns or (False, False)
    return (
        None if b is None else times(g, conjugate(b).swapaxes(-1, -2), a_by_columns),
        None if a is None else times(conjugate(a).swapaxes(-1, -2), g, b_by_columns),
    )
