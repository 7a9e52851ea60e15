"""Regular numbers: steps (`arange`), equal parts (`linspace`, `logspace`), the unit matrix, places of a triangle."""

from __future__ import annotations

import builtins
import functools
import math

import numpy as np

from .. import dtypes
from ..backends import made_elsewhere
from ..device import CPU, resolve
from ..dtypes import COMPLEX, FLOAT, INT
from ..errors import warn
from ..tensor import Tensor
from ._op import function, write_out
from .from_data import finished


@function()
def arange(
    start, end=None, step=1, *, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False
):
    """arange(start=0, end, step=1, *, out=None, dtype=None, device=None, requires_grad=False) -> Tensor

    The values from `start` up to but without `end`, `step` apart: int64 if all three are integers.

    >>> import course_lib as torch
    >>> torch.arange(1, 10, 3)
    tensor([1, 4, 7])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.arange.html
    """
    start, end = (0, start) if end is None else (start, end)
    start, end, step = (v.item() if isinstance(v, Tensor) else v for v in (start, end, step))
    whole = all(isinstance(v, (int, np.integer)) for v in (start, end, step))
    if dtype is None:
        dtype = out.dtype if out is not None else dtypes.int64 if whole else dtypes.get_default_dtype()
    place = resolve(device)
    numbers = np.arange if place is CPU else functools.partial(made_elsewhere, "arange", place)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if isinstance(dtype, dtypes.dtype) and dtype.category == INT and not whole:
        if abs(step) < 1:
            raise ValueError("step must be nonzero")  # it is zero as a whole number
        count = math.ceil((end - start) / step)
        start, end, step = int(start), int(end), int(step)
        count = len(builtins.range(start, end, step)) if dtype is dtypes.int64 else count
        array = start + numbers(count) * step
    elif whole:
        array = numbers(start, start + len(builtins.range(start, end, step)) * step, step, dtype=np.int64)
    else:
        array = start + numbers(math.ceil((end - start) / step), dtype=np.float64) * step
    made = finished(array, dtype, place, requires_grad)
    return made if out is None else write_out("arange", out, (), made)


@function(out=True)
def linspace(start, end, steps, *, dtype=None, layout=None, device=None, requires_grad=False):
    """linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False) -> Tensor

    `steps` values from `start` to `end`, both included, equally far apart.

    >>> import course_lib as torch
    >>> torch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linspace.html
    """
    start, end = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    if not isinstance(steps, int):
        raise TypeError(f"linspace(): argument 'steps' must be int, not {type(steps).__name__}")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    kind = np.float32 if dtype.category == FLOAT and dtype.itemsize <= 4 else np.float64
    if dtype.category == COMPLEX:
        kind = dtype.numpy.type
    if dtype.category == INT:
        start, end = int(start), int(end)
    index = np.arange(steps)
    gap = (kind(end) - kind(start)) / kind(max(steps - 1, 1))
    from_start = kind(start) + gap * index.astype(kind)  # each half is counted from its own end, which it hits exactly
    from_end = kind(end) - gap * (steps - 1 - index).astype(kind)
    array = np.where(index < (steps // 2 if steps > 1 else 1), from_start, from_end).astype(kind)
    return finished(array, dtype, device, requires_grad)


@function(out=True)
def logspace(start, end, steps, base=10.0, *, dtype=None, layout=None, device=None, requires_grad=False):
    """logspace(start, end, steps, base=10.0, *, dtype=None) -> Tensor

    `base` to the powers of `linspace(start, end, steps)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.logspace.html
    """
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    if dtype.category == INT:
        start, end = (int(v.item() if isinstance(v, Tensor) else v) for v in (start, end))
    exponents = linspace(start, end, steps, dtype=dtypes.complex128 if dtype.is_complex else dtypes.float64)
    return finished(base**exponents._array, dtype, device, requires_grad)


@function(out=True)
def eye(n, m=None, *, dtype=None, layout=None, device=None, requires_grad=False):
    """eye(n, m=None, *, dtype=None, device=None, requires_grad=False) -> Tensor: n × m with ones on the diagonal.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.eye.html
    """
    for name, value in (("n", n), ("m", n if m is None else m)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {value}")
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    return finished(np.eye(n, m, dtype=dtype.numpy), None, device, requires_grad)


@function(out=True)
def range(start=0, end=None, step=1, *, dtype=None, layout=None, device=None, requires_grad=False):
    """range(start=0, end, step=1, *, dtype=None, device=None) -> Tensor

    As `arange`, but `end` is included; deprecated.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.range.html
    """
    warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
    )
    start, end = (0, start) if end is None else (start, end)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    count = math.floor((end - start) / step) + 1
    return finished(start + np.arange(count) * step, dtype or dtypes.get_default_dtype(), device, requires_grad)


def _triangle_indices(name: str, find, text: str):
    def indices(row, col, offset=0, *, dtype=None, layout=None, device=None):
        for what, value in (("row", row), ("col", col)):
            if value < 0:
                raise RuntimeError(f"{what} must be non-negative, got{value}")
        dtype = dtypes.int64 if dtype is None else dtype
        if dtype.category != INT:
            raise NotImplementedError(f"\"{name}\" not implemented for '{dtypes.legacy_name(dtype)}'")
        return finished(np.stack(find(row, offset, col)), dtype, device, False)

    indices.__name__ = indices.__qualname__ = name
    indices.__doc__ = f"""{name}(row, col, offset=0, *, dtype=torch.int64, device=None) -> Tensor

    Row and column numbers of {text} of a matrix, row by row, as a 2 × n tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    return function()(indices)


tril_indices = _triangle_indices("tril_indices", np.tril_indices, "the elements on and below a diagonal")
triu_indices = _triangle_indices("triu_indices", np.triu_indices, "the elements on and above a diagonal")
