"""Storage: the memory behind a tensor as an object, `tensor.untyped_storage()` or (older) `tensor.storage()`.

A storage is one-dimensional; several tensors may look into it. It holds no numbers itself: it asks the tensor's array.
"""

from __future__ import annotations

import numpy as np

from . import dtypes
from .backends import array_module, backend_of
from .tensor import Tensor, wrap


def memory_of(array):
    """All elements that an array spans, one-dimensional, in the order in which they lie in memory; no copy."""
    if array.flags.c_contiguous:
        return array.reshape(-1)
    reach = sum((n - 1) * step for n, step in zip(array.shape, array.strides)) if array.size else -array.itemsize
    return backend_of(array_module(array)).strided(array, (1 + reach // array.itemsize,), (array.itemsize,))


class UntypedStorage:
    """The bytes behind a tensor.

    >>> import course_lib as torch
    >>> torch.zeros(3).untyped_storage().nbytes()
    12

    Source: https://docs.pytorch.org/docs/stable/storage.html
    """

    def __init__(self, size=0, *, shared_with: Tensor | None = None):
        if shared_with is None:
            shared_with = wrap(np.zeros(size, np.uint8) if isinstance(size, int) else np.array(size, np.uint8))
        self._owner = shared_with

    @classmethod
    def from_file(cls, filename, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The first bytes of a file as memory, read when they are first looked at. shared: what is written into the
        memory goes into the file, which is made if it is not there."""
        if shared:
            with open(filename, "ab") as file:
                file.truncate(max(file.tell(), nbytes))
        mapped = np.memmap(filename, np.uint8, "r+" if shared else "c", 0, (nbytes,))
        return cls(shared_with=wrap(mapped.view(np.ndarray)))

    @property
    def _memory(self):
        return self._owner._storage.array

    @property
    def device(self):
        return self._owner.device

    def nbytes(self) -> int:
        """The size in bytes."""
        return self._flat().nbytes

    size = __len__ = nbytes

    def untyped(self) -> UntypedStorage:
        """Itself."""
        return self

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return wrap(self._memory).data_ptr()

    def element_size(self) -> int:
        return 1

    def _flat(self):
        return memory_of(self._memory)

    def _bytes(self):
        return self._flat().view("u1")

    def _as_tensor(self, dtype) -> Tensor:
        made = wrap(self._flat().view(dtype.numpy))
        made._storage = self._owner._storage
        return made

    def tolist(self) -> list[int]:
        """The bytes as numbers."""
        return self._bytes().tolist()

    def __getitem__(self, index):
        found = self._bytes()[index]
        return int(found) if isinstance(index, int) else UntypedStorage(shared_with=wrap(found))

    def __setitem__(self, index, value) -> None:
        self._bytes()[index] = value

    def __iter__(self):
        return iter(self.tolist())

    def __eq__(self, other) -> bool:
        return isinstance(other, type(self)) and self.data_ptr() == other.data_ptr() and self.nbytes() == other.nbytes()

    def __hash__(self) -> int:
        return hash(self.data_ptr())

    def clone(self) -> UntypedStorage:
        """A copy in memory of its own."""
        return UntypedStorage(shared_with=wrap(self._bytes().copy()))

    def fill_(self, value) -> UntypedStorage:
        self._bytes()[...] = value
        return self

    def cpu(self) -> UntypedStorage:
        """The storage in the CPU's memory: itself, or a copy."""
        return self.to(device="cpu")

    def cuda(self, device=None) -> UntypedStorage:
        """A copy in a GPU's memory, or itself if it is there."""
        return self.to(device="cuda" if device is None else device)

    def to(self, *, device) -> UntypedStorage:
        """A copy in the memory of a device, or itself if it is there."""
        here = wrap(self._flat())
        there = here.to(device)
        return self if there is here else UntypedStorage(shared_with=there)

    def copy_(self, source: UntypedStorage) -> UntypedStorage:
        """Overwrite these bytes with those of another storage of the same size."""
        wrap(self._bytes()).copy_(wrap(source._bytes()))
        return self

    def is_shared(self) -> bool:
        """Whether other processes see this memory: never."""
        return False

    def is_pinned(self) -> bool:
        """Whether the memory is locked for copies to a GPU: never."""
        return False

    is_cuda = property(lambda self: self._owner.is_cuda)

    def __reduce__(self):
        from ._utils import _rebuild_untyped_storage

        return _rebuild_untyped_storage, (self._owner._storage,)

    def __repr__(self) -> str:
        lines = "".join(f" {value}\n" for value in self.tolist())
        return f"{lines}[torch.storage.UntypedStorage(device={self.device}) of size {len(self)}]"


class TypedStorage:
    """The elements behind a tensor, in the order in which they lie in memory. Older than `UntypedStorage`.

    Source: https://docs.pytorch.org/docs/stable/storage.html
    """

    def __init__(self, of: Tensor):
        self._owner = of
        self.dtype = of.dtype

    @property
    def _elements(self):
        return UntypedStorage(shared_with=self._owner)._flat().view(self.dtype.numpy)

    @property
    def device(self):
        return self._owner.device

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(shared_with=self._owner)

    def size(self) -> int:
        """How many elements."""
        return self._elements.size

    __len__ = size

    def nbytes(self) -> int:
        return self._elements.nbytes

    def element_size(self) -> int:
        return self.dtype.itemsize

    def data_ptr(self) -> int:
        return wrap(self._owner._storage.array).data_ptr()

    def _as_tensor(self, dtype: dtypes.dtype) -> Tensor:
        return self.untyped()._as_tensor(dtype)

    def tolist(self) -> list:
        """The elements as Python numbers."""
        return wrap(self._elements).tolist()

    def __getitem__(self, index):
        found = wrap(self._elements)[index]
        return found.item() if isinstance(index, int) else TypedStorage(found)

    def __setitem__(self, index, value) -> None:
        wrap(self._elements)[index] = value

    def __iter__(self):
        return iter(self.tolist())

    def __eq__(self, other) -> bool:
        return isinstance(other, TypedStorage) and self.data_ptr() == other.data_ptr() and self.size() == other.size()

    def __hash__(self) -> int:
        return hash(self.data_ptr())

    is_cuda = property(lambda self: self._owner.is_cuda)

    def __reduce__(self):
        from ._utils import _rebuild_typed_storage

        return _rebuild_typed_storage, (self._owner._storage, self.dtype)

    def __repr__(self) -> str:
        lines = "".join(f" {value}\n" for value in self.tolist())
        return f"{lines}[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size {len(self)}]"


def is_storage(obj) -> bool:
    """is_storage(obj) -> bool: whether `obj` is a storage."""
    return isinstance(obj, (TypedStorage, UntypedStorage))
