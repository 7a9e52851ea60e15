"""Batches in page-locked memory, from which a GPU copies while the program goes on (`DataLoader(pin_memory=True)`)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, Sequence

from ....tensor import Tensor


def pin_memory(data, device=None):
    """The tensors in (nested) mappings and sequences in pinned memory; other objects by their `pin_memory()`, if any.

    >>> from course_lib.utils.data._utils.pin_memory import pin_memory
    >>> pin_memory({"name": "a"})
    {'name': 'a'}
    """
    if isinstance(data, Tensor):
        return data.pin_memory()
    if isinstance(data, (str, bytes)):
        return data
    if isinstance(data, Mapping):
        found = {key: pin_memory(value) for key, value in data.items()}
        if isinstance(data, MutableMapping) and type(data) is not dict:
            made = copy.copy(data)
            made.update(found)
            return made
        return found if type(data) is dict else type(data)(found)
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*[pin_memory(value) for value in data])
    if isinstance(data, Sequence):
        return [pin_memory(value) for value in data]
    return data.pin_memory() if hasattr(data, "pin_memory") else data
