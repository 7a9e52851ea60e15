"""Products of matrices on the GPU."""

from __future__ import annotations

from . import cuda

_WIDE = {"float16": "f4", "bfloat16": "f4"}


def product(a, b, out=None, *, tf32: bool | None = None):
    """a @ b, (…, n, k) with (…, k, m), for device arrays of one dtype; batch dimensions broadcast.

    The result is new and C-contiguous unless `out` is given; half precision is summed in float32.
    """
    xp = cuda.cupy()
    wide = _WIDE.get(a.dtype.name, a.dtype)
    made = xp.matmul(a.astype(wide, copy=False), b.astype(wide, copy=False)).astype(a.dtype, copy=False)
    if out is None:
        return made
    out[...] = made
    return out
