"""The pickler of `torch.save`: names as PyTorch has them, and storages kept outside the pickle.

`pickle` asks the pickler for each object whether it is kept elsewhere (`persistent_id`). For a storage the answer is a
tuple such as ("storage", torch.FloatStorage, "0", "cpu", 12): its dtype, its key in the file, where it lived, its size.
"""

from __future__ import annotations

import functools
import pickle
import types

from ..storage import TypedStorage, UntypedStorage
from . import names
from .locations import location_tag
from .storage_types import StorageType, storage_type_of


class Storages:
    """The storages that a pickle refers to: each once, under the keys "0", "1", …"""

    def __init__(self):
        self.found: dict[str, UntypedStorage] = {}
        self._sizes: dict[str, tuple[int, int]] = {}  # in elements, in bytes
        self._keys: dict[int, str] = {}  # of the arrays, which `found` keeps alive
        self._dtypes: dict[int, object] = {}

    def persistent_id(self, obj):
        """The tuple that stands for a storage in the pickle; None for everything else."""
        if not isinstance(obj, (TypedStorage, UntypedStorage)):
            return None
        typed = isinstance(obj, TypedStorage)
        storage, dtype = (obj.untyped(), obj.dtype) if typed else (obj, None)
        nbytes = storage.nbytes()
        if nbytes and self._dtypes.setdefault(storage.data_ptr(), dtype) is not dtype:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        key = self._keys.setdefault(id(storage._memory), str(len(self._keys)))
        kind, count = (storage_type_of(dtype), nbytes // dtype.itemsize) if typed else (UntypedStorage, nbytes)
        self.found.setdefault(key, storage)
        self._sizes[key] = (count, count * (dtype.itemsize if typed else 1))
        return "storage", kind, key, location_tag(storage), count

    def contents(self):
        """For each storage its key, its number of elements and its bytes in CPU memory."""
        for key, storage in self.found.items():
            array = storage._bytes()
            count, nbytes = self._sizes[key]
            yield key, count, memoryview(array.get() if hasattr(array, "get") else array)[:nbytes]


@functools.cache
def pickler_class(pickle_module) -> type:
    """A pickler with PyTorch's names for this library's classes, made of a module such as `pickle` or `dill`."""
    base = pickle._Pickler if pickle_module is pickle else pickle_module.Pickler  # in Python: in C nothing can be named

    class WithStorages(base):
        storages = None  # the `persistent_id` of a `Storages`

        def persistent_id(self, obj):
            return self.storages(obj)

    if not hasattr(base, "save_global"):
        return WithStorages  # another pickler in C: names stay as they are here

    class Pickler(WithStorages):
        dispatch = dict(base.dispatch)

        def save_global(self, obj, name=None, **others):
            found = names.name_in_file(obj, name)
            if found is None:
                super().save_global(obj, name, **others)
                return
            if not names.is_found(obj, *found):
                raise pickle.PicklingError(f"Can't pickle {obj!r}: it's not found as {'.'.join(found)}")
            self.write_name(obj, *found)

        def save_storage_type(self, obj):
            self.write_name(obj, "torch", obj.name)

        def write_name(self, obj, module: str, name: str) -> None:
            if self.proto >= 4:
                self.save(module)
                self.save(name)
                self.write(pickle.STACK_GLOBAL)
            else:
                self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
            self.memoize(obj)

        dispatch[StorageType] = save_storage_type
        dispatch[types.FunctionType] = save_global

    return Pickler


__all__ = ["Storages", "pickler_class"]
