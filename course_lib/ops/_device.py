"""Running an op's `forward` on a GPU: on the device of its operands, with scalars brought there, or on the host.

An op declared with `on_host=True` computes with a library that knows host memory only (LAPACK, SciPy): its operands
are copied there and its results back.
"""

from __future__ import annotations

import functools

import numpy as np

from ..backends import GPU, array_module, backend_of, is_array, is_meta, is_numpy, memory_order, on_gpu
from ..device import CPU
from ..tensor import Tensor
from . import _by_kernel
from ._arguments import check_same_device

_OUT = {"out"}


def run_forward(cls, arrays, settings):
    """`cls.forward` where its arrays lie: on the CPU as it stands, else by `forward_on_device`."""
    for array in arrays:
        if type(array) is not np.ndarray and hasattr(array, "strides"):
            return forward_on_device(cls, arrays, settings)
    return cls.forward(np, *arrays, **settings)


def forward_on_device(cls, arrays, settings):
    """`cls.forward` for arrays of which at least one lies on a GPU; other operands (numbers, None) stay as they are."""
    gpu, direct, found = GPU.array, GPU.direct, False
    for array in arrays:
        if type(array) is gpu:
            found = True
        elif type(array) not in direct:
            return _brought_together(cls, arrays, settings)
    if not found or not GPU.alone or cls.on_host:
        return _brought_together(cls, arrays, settings)
    return _run(cls, GPU.module, arrays, settings)


def _run(cls, xp, arrays, settings):
    """`cls.forward` on the current GPU; the errors of a full memory are PyTorch's."""
    try:
        if cls.large is not None and arrays[0].size >= _by_kernel.LARGE and settings.keys() <= _OUT:
            made = _by_kernel.in_packs(cls.large, arrays, **settings)
            if made is not None:
                return made
        order = _memory_order(arrays) if cls.elementwise and settings.get("out") is None else None
        if order is not None:
            return _in_order(cls, xp, arrays, settings, order)
        return _forward(cls, xp, arrays, settings)
    except Exception as error:
        _explain(error)
        raise


def _forward(cls, xp, arrays, settings):
    if cls.takes_out and "out" not in settings:  # `out=...` asks NumPy for arrays; CuPy gives them anyway
        return cls.forward(xp, *arrays, out=None, **settings)
    return cls.forward(xp, *arrays, **settings)


def _memory_order(arrays) -> tuple[int, ...] | None:
    """The order in which the dimensions of the first operand with most of them lie in memory; None for row-major."""
    most = max([a.ndim for a in arrays if type(a) is GPU.array])
    first = next(a for a in arrays if type(a) is GPU.array and a.ndim == most)
    if most < 2 or first.flags.c_contiguous or 0 in first.strides:
        return None
    order = memory_order(first)
    return None if order == tuple(range(most)) else order


def _in_order(cls, xp, arrays, settings, order):
    """An elementwise op whose result lies in memory as its operands do (channels-last, for example): CuPy's would be
    row-major, so the op sees the dimensions in the order of memory."""
    turned = [_turned(a, order) if type(a) is GPU.array else a for a in arrays]
    made = _forward(cls, xp, turned, settings)
    back = tuple(sorted(range(len(order)), key=order.__getitem__))
    return tuple([part.transpose(back) for part in made]) if isinstance(made, tuple) else made.transpose(back)


def _turned(array, order):
    if array.ndim == 0:
        return array
    return array.reshape((1,) * (len(order) - array.ndim) + array.shape).transpose(order)


def _brought_together(cls, arrays, settings):
    """The same where operands lie in different places, or there are several GPUs."""
    first = next((a for a in arrays if is_array(a) and not isinstance(a, (np.ndarray, np.generic))), None)
    if first is None:  # a subclass of NumPy's arrays
        if any(map(is_meta, arrays)):
            from ..backends import meta

            return meta.forward(cls, arrays, settings)
        return cls.forward(np, *arrays, **settings)
    xp, index = array_module(first), first.device.id
    if not cls.crosses_devices:
        arrays = [_beside(a, xp, index) for a in arrays]
        check_same_device(cls.name, arrays)
    with on_gpu(index):
        if cls.on_host:
            return _on_host(cls, xp, arrays, settings)
        return _run(cls, xp, arrays, settings)


def _explain(error: Exception) -> None:
    """Raise PyTorch's error where the GPU's memory is full."""
    translated = GPU.backend.out_of_memory(error)
    if translated is not None:
        raise translated from None


def _beside(value, xp, index: int):
    """A tensor of the CPU with no dimensions may meet tensors of a GPU: it goes there."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        with on_gpu(index):
            return xp.asarray(value)
    return value


def by_kernel(xp, name: str, *arrays, **settings):
    """What the GPU's own kernel of this name makes of the arrays, or None: there is none, or it does not take them.

    The kernel gets them C-contiguous: those in another order are copied. None stands for an operand that is missing.
    """
    if xp is np:
        return None
    arrays = [a if a is None or a.flags.c_contiguous else xp.ascontiguousarray(a) for a in arrays]
    run = backend_of(xp).kernel(name, *arrays)
    return None if run is None else run(*arrays, **settings)


def through_host(function):
    """Give a function that knows host memory only copies of its tensors there, and bring its results back."""

    @functools.wraps(function)
    def call(*args, **named):
        place = next((t.device for t in (*args, *named.values()) if isinstance(t, Tensor) and t.is_cuda), None)
        if place is None:
            return function(*args, **named)
        out = named.pop("out", None)
        made = function(*_all_to(args, CPU), **{key: _all_to(value, CPU) for key, value in named.items()})
        made = _all_to(made, place)
        return made if out is None else _written(function.__name__, out, made)

    return call


def _written(name: str, out, made):
    from ._call import write_out  # which needs this module

    return write_out(name, out, (), made)


def _all_to(value, place):
    """A tensor, or the tensors in (nested) sequences, on a device; anything else as it is."""
    if isinstance(value, Tensor):
        return value.to(place)
    if not isinstance(value, (list, tuple)):
        return value
    parts = [_all_to(part, place) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _on_host(cls, xp, arrays, settings):
    settings = {name: value.get() if is_array(value) and not is_numpy(value) else value
                for name, value in settings.items()}  # fmt: skip
    made = cls.forward(np, *[a.get() if is_array(a) else a for a in arrays], **settings)
    if isinstance(made, tuple):
        return tuple([xp.asarray(part) if isinstance(part, (np.ndarray, np.generic)) else part for part in made])
    return xp.asarray(made)
