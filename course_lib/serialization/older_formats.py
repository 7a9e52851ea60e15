"""Reading the formats before PyTorch 1.6 (pickles one after the other) and 0.1.10 (a tar archive).

Both say first which storages there are and later what is in them. Sizes are compared with what is left of the file
before memory is asked for.
"""

from __future__ import annotations

import io
import os
import struct
import tarfile
from pickle import UnpicklingError

import numpy as np

from .._utils import _rebuild_tensor
from ..storage import TypedStorage, UntypedStorage
from ..tensor import wrap
from .loading import made_storage, storage_id
from .saving import MAGIC_NUMBER, PROTOCOL_VERSION
from .storage_types import StorageType

_LONGEST_SHAPE = 64


def load_older(file, new_unpickler, restore, weights_only: bool):
    """The object in a file that is no zip archive."""
    read = _load_tar if _is_tar(file) else _load_stream
    try:
        return read(file, new_unpickler, restore)
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, struct.error) as error:
        if not weights_only:
            raise  # it may come from the user's own classes
        raise RuntimeError(f"the file is damaged ({type(error).__name__}: {error})") from error


def _is_tar(file) -> bool:
    """A tar archive has a mark behind its first 257 bytes."""
    start = file.tell()
    head = file.read(512)
    file.seek(start)
    return len(head) == 512 and head[257:262] == b"ustar"


# ---- a stream of pickles -----------------------------------------------------------------------------------------


def _load_stream(file, new_unpickler, restore):
    if new_unpickler(file).load() != MAGIC_NUMBER:
        raise RuntimeError("Invalid magic number; corrupt file?")
    version = new_unpickler(file).load()
    if version != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {str(version)[:20]}")
    new_unpickler(file).load()  # the system that wrote the file; numbers are little-endian in any case
    storages = _PromisedStorages(file, restore)
    result = new_unpickler(file, storages.promise).load()
    storages.fill(new_unpickler(file).load())
    return result


class _PromisedStorage(TypedStorage):
    """A storage whose numbers come later; `when_filled` is told what waits for them."""

    def __init__(self, storage: TypedStorage):
        super().__init__(storage._owner)
        self._waiting = []

    def when_filled(self, call) -> None:
        self._waiting.append(call)

    def fill(self, content: np.ndarray) -> None:
        self.untyped().copy_(UntypedStorage(shared_with=wrap(content)))
        for call in self._waiting:
            call()


class _PromisedStorages:
    """Storages that the pickle has named already, and whose numbers come later in the file."""

    def __init__(self, file, restore):
        self._file, self._restore = file, restore
        self._left = bytes_left(file)
        self._promised: dict[str, _PromisedStorage] = {}
        self._views: dict[str, TypedStorage] = {}

    def promise(self, identifier):
        """Room for a storage, or the class behind ("module", class, source file, source)."""
        if isinstance(identifier, tuple) and identifier[:1] == ("module",) and len(identifier) == 4:
            return identifier[1]
        dtype, key, location, count, view = storage_id(identifier, 5)
        if key not in self._promised:
            nbytes = count * dtype.itemsize
            self._left -= nbytes
            if self._left < 0:
                raise RuntimeError(f"the file is damaged: it is too short for a storage of {nbytes} bytes")
            room = np.zeros(nbytes, np.uint8)
            self._promised[key] = _PromisedStorage(made_storage(room, dtype, False, self._restore, location))
        storage = self._promised[key]
        return storage if view is None else self._view(storage, view)

    def _view(self, storage: TypedStorage, view) -> TypedStorage:
        """A part of a storage, which very old files save as one of its own."""
        if not isinstance(view, tuple) or len(view) != 3 or not all(type(n) is int and n >= 0 for n in view[1:]):
            raise UnpicklingError("the view of a storage must be (key, offset, size)")
        key, offset, size = view
        if key not in self._views:
            self._views[key] = _part(storage, offset, size)
        return self._views[key]

    def fill(self, keys) -> None:
        """Read the numbers, storage by storage, in the order of `keys`."""
        if type(keys) is not list:
            raise RuntimeError("the list of storages is missing; the file is damaged")
        for key in keys:
            if key not in self._promised:
                raise RuntimeError(f"storage key {str(key)[:100]!r} not found among those that the pickle names")
            storage = self._promised[key]
            (count,) = struct.unpack("<q", exactly(self._file, 8))
            nbytes = count * storage.element_size()
            if nbytes != storage.nbytes():
                raise RuntimeError(f"storage has wrong byte size: expected {storage.nbytes()} got {nbytes}")
            storage.fill(np.frombuffer(exactly(self._file, nbytes), np.uint8))


# ---- a tar archive -----------------------------------------------------------------------------------------------


def _load_tar(file, new_unpickler, restore):
    return _TarArchive(file, new_unpickler, restore).load()


class _TarArchive:
    """Three files: `storages` and `tensors`, each described by a pickle and followed by bytes, and `pickle`."""

    def __init__(self, file, new_unpickler, restore):
        self._new_unpickler, self._restore = new_unpickler, restore
        self._size = bytes_left(file)
        try:
            self._archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115
        except tarfile.TarError as error:
            raise RuntimeError("the tar archive is damaged or incomplete") from error
        self._storages: dict[object, TypedStorage] = {}
        self._objects: dict[int, object] = {}

    def load(self):
        self._read_storages(self._member("storages"))
        self._read_tensors(self._member("tensors"))
        return self._new_unpickler(self._member("pickle"), self._persistent).load()

    def _persistent(self, identifier):
        if isinstance(identifier, tuple):
            return identifier[0]  # (class of a module, source file, source)
        return self._objects[int(identifier)]

    def _member(self, name: str) -> io.BytesIO:
        """A file of the archive, in memory; nothing is written to the disk."""
        try:
            member = self._archive.getmember(name)
            if not member.isreg() or member.issparse() or member.size > self._size:
                raise RuntimeError(f"'{name}' in the tar archive is no plain file")
            return io.BytesIO(self._archive.extractfile(member).read())
        except (KeyError, tarfile.TarError, OSError) as error:
            raise RuntimeError(f"the tar archive has no '{name}', or it is damaged") from error

    def _next(self, file):
        return self._new_unpickler(file).load()

    def _read_storages(self, file) -> None:
        for _ in range(_number(self._next(file))):
            key, location, kind = self._next(file)
            if not isinstance(kind, StorageType):
                raise UnpicklingError(f"no type of a storage: {type(kind).__name__}")
            (count,) = struct.unpack("<q", exactly(file, 8))
            nbytes = _number(count) * kind.dtype.itemsize
            content = np.frombuffer(bytearray(exactly(file, nbytes)), np.uint8)
            self._storages[key] = self._objects[key] = made_storage(content, kind.dtype, False, self._restore, location)
        for key, root, offset, size in self._next(file):
            self._storages[key] = self._objects[key] = _part(self._storages[root], _number(offset), _number(size))

    def _read_tensors(self, file) -> None:
        for _ in range(_number(self._next(file))):
            key, storage, _ = self._next(file)
            ndim, _ = struct.unpack("<ii", exactly(file, 8))
            if not 0 <= ndim <= _LONGEST_SHAPE:
                raise RuntimeError(f"a tensor of {ndim} dimensions; the file is damaged")
            *place, offset = struct.unpack(f"<{2 * ndim + 1}q", exactly(file, 8 * (2 * ndim + 1)))
            self._objects[key] = _rebuild_tensor(self._storages[storage], offset, place[:ndim], place[ndim:])


# ---- helpers -----------------------------------------------------------------------------------------------------


def _part(storage: TypedStorage, offset: int, size: int) -> TypedStorage:
    elements = storage._elements[offset : offset + size]
    if elements.size != size:
        raise RuntimeError(f"a view of {size} elements at {offset} leaves its storage of {storage.size()}")
    owner = wrap(elements)
    owner._storage.array = elements
    return TypedStorage(owner)


def _number(value) -> int:
    if type(value) is not int or value < 0:
        raise UnpicklingError(f"a number of things was expected, but got {type(value).__name__}")
    return value


def bytes_left(file) -> int:
    """How many bytes follow the file's position."""
    position = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(position)
    return end - position


def exactly(file, n: int) -> bytes:
    """The next n bytes; RuntimeError where the file ends before."""
    if n > bytes_left(file):
        raise RuntimeError(f"unexpected EOF, expected {n} more bytes. The file might be corrupted.")
    return file.read(n)


__all__ = ["load_older"]
