"""The device "meta": tensors with shape, strides and dtype, but without numbers.

A model made on it costs no memory and no time, however large it is; `Module.to_empty` then gives it memory elsewhere.
An operation on such tensors gives another one: NumPy computes it on memory that nobody has written, which the operating
system does not even provide, and what it gives is thrown away but for its shape and dtype.
"""

from __future__ import annotations

import numpy as np

from ..device import device

META = device("meta")
NO_NUMBERS = "Cannot copy out of meta tensor; no data!"


class MetaArray(np.ndarray):
    """An array whose numbers nobody may look at; writing into it does nothing."""

    def __setitem__(self, key, value) -> None:
        pass

    def item(self, *args):
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")

    def tolist(self):
        raise NotImplementedError(NO_NUMBERS)

    def __array_ufunc__(self, ufunc, method, *operands, out=None, **named):
        if out is not None:
            return out[0]
        plain = [np.asarray(x) if isinstance(x, MetaArray) else x for x in operands]
        return without_numbers(getattr(ufunc, method)(*plain, **named))


def made(name: str, *args, **named):
    """A new array by one of NumPy's functions, without its numbers: empty, zeros, ones, arange."""
    if name == "arange":
        return without_numbers(np.arange(*args, **named))
    return np.empty(*args, **named).view(MetaArray)


def without_numbers(made):
    """What an op gave, for arrays and tuples of them."""
    if isinstance(made, tuple):
        return tuple([without_numbers(part) for part in made])
    if isinstance(made, np.generic):
        made = np.asarray(made)
    if not isinstance(made, np.ndarray) or type(made) is MetaArray:
        return made
    return np.empty_like(made).view(MetaArray)


def forward(cls, arrays, settings):
    """An op on arrays of which at least one has no numbers."""
    if cls.is_view:
        made = cls.forward(np, *arrays, **settings)
        return made if isinstance(made, tuple) else np.asanyarray(made).view(MetaArray)
    if cls.name == "copy_from":
        if not isinstance(arrays[0], MetaArray):
            raise NotImplementedError(NO_NUMBERS)
        return arrays[0]
    place = settings.get("device")
    if place is not None and place.type != "meta":
        raise NotImplementedError(NO_NUMBERS)
    if any(isinstance(a, np.ndarray) and not isinstance(a, MetaArray) and a.ndim for a in arrays):
        raise RuntimeError("Tensor on device cpu is not on the expected device meta!")
    plain = [a.view(np.ndarray) if isinstance(a, MetaArray) else a for a in arrays]
    with np.errstate(all="ignore"):
        return without_numbers(cls.forward(np, *plain, **settings))


def moved(array, place: device):
    """An array without numbers for one on another device. NotImplementedError the other way: there are no numbers."""
    if type(array) is MetaArray and place.type != "meta":
        raise NotImplementedError(NO_NUMBERS)
    order = "C" if array.flags.c_contiguous else "K"
    like = array if isinstance(array, np.ndarray) else np.empty(array.shape, array.dtype)
    return np.empty_like(like, order=order, subok=False).view(MetaArray)
