"""Running an op's `forward` on a GPU: on the device of its operands, with scalars brought there, or on the host.

An op declared with `on_host=True` computes with a library that knows host memory only (LAPACK, SciPy): its operands
are copied there and its results back.
"""

from __future__ import annotations

import numpy as np

from ..backends import array_module, is_numpy
from ._arguments import check_same_device


def forward_on_device(cls, arrays, settings):
    """`cls.forward` for arrays of which at least one lies on a GPU; other operands (numbers, None) stay as they are."""
    first = next((a for a in arrays if _is_array(a) and not isinstance(a, (np.ndarray, np.generic))), None)
    if first is None:  # a subclass of NumPy's arrays
        return cls.forward(np, *arrays, **settings)
    xp, index = array_module(first), first.device.id
    arrays = [_beside(a, xp, index) for a in arrays]
    check_same_device(cls.name, arrays)
    with xp.cuda.Device(index):
        if cls.on_host:
            return _on_host(cls, xp, arrays, settings)
        if cls.takes_out and "out" not in settings:
            settings = {**settings, "out": None}  # `out=...` asks NumPy for arrays; CuPy gives them anyway
        return cls.forward(xp, *arrays, **settings)


def _is_array(value) -> bool:
    return hasattr(value, "strides")


def _beside(value, xp, index: int):
    """A tensor of the CPU with no dimensions may meet tensors of a GPU: it goes there."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        with xp.cuda.Device(index):
            return xp.asarray(value)
    return value


def _on_host(cls, xp, arrays, settings):
    settings = {name: value.get() if _is_array(value) and not is_numpy(value) else value
                for name, value in settings.items()}  # fmt: skip
    made = cls.forward(np, *[a.get() if _is_array(a) else a for a in arrays], **settings)
    if isinstance(made, tuple):
        return tuple([xp.asarray(part) if isinstance(part, (np.ndarray, np.generic)) else part for part in made])
    return xp.asarray(made)
