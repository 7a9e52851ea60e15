"""torch.load: what was saved, as an object again.

`load` finds out what kind of file it has, picks an unpickler (the one that can only build data, unless
`weights_only=False`), and gives it a `persistent_load` that turns the names of storages in the pickle into storages.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import pickle
import re
import sys
import warnings

import numpy as np

from .. import dtypes
from ..storage import TypedStorage, UntypedStorage
from ..tensor import wrap
from . import names, unpickler
from .archive_reader import ArchiveReader
from .locations import restorer
from .options import (
    MAP_SHARED,
    LoadEndianness,
    get_default_load_endianness,
    get_default_mmap_options,
    is_data_skipped,
)
from .outside import Outside
from .storage_types import STORAGE_TYPES, StorageType

UNSAFE = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to "
    "`True`. Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it can result in "
    "arbitrary code execution. Do it only if you got the file from a trusted source."
)
_DOCUMENTATION = (
    "\n\nCheck the documentation of torch.load to learn more about types accepted by default with weights_only "
    "https://pytorch.org/docs/stable/generated/torch.load.html."
)


def load(f, map_location=None, pickle_module=None, *, weights_only: bool | None = None, mmap: bool | None = None,
         **pickle_load_args):  # fmt: skip
    """load(f, map_location=None, pickle_module=None, *, weights_only=True, mmap=False)

    The object that `torch.save` wrote, here or in PyTorch.

    `f` is a path or a file object that can seek. By default only tensors, numbers, texts and containers are read:
    nothing that a file says can run code. `weights_only=False` reads any object, and may run whatever the file's author
    wanted: only for files that you trust. `map_location` says where storages go: a device, a dictionary of location
    tags, or a function (storage, tag) → storage. `mmap=True` (paths only) reads numbers from the disk when they are
    used. UnpicklingError for what is not allowed; RuntimeError for a file that is damaged.

    >>> import io
    >>> import course_lib as torch
    >>> file = io.BytesIO()
    >>> torch.save([torch.ones(2), "text"], file)
    >>> _ = file.seek(0)
    >>> torch.load(file)
    [tensor([1., 1.]), 'text']

    Source: https://docs.pytorch.org/docs/stable/generated/torch.load.html
    """
    weights_only = _safely(weights_only, pickle_module)
    if weights_only and pickle_load_args:
        warnings.warn("pickle_load_args only works if `weights_only=False`.", stacklevel=2)
    pickle_load_args.setdefault("encoding", "utf-8")
    if isinstance(f, (str, os.PathLike)) and os.fspath(f).endswith(".safetensors"):
        return _load_safetensors(f, map_location)
    make = _safe_unpickler if weights_only else _unpickler_of(pickle_module or pickle)

    def new_unpickler(file, persistent_load=None):
        return make(file, persistent_load, pickle_load_args)

    with open(f, "rb") if isinstance(f, (str, os.PathLike)) else contextlib.nullcontext(_seekable(f)) as file:
        try:
            first = _first_record(file)
            if first == b"program.json":
                return _load_program(file, map_location, weights_only)
            if first is not None:
                with ArchiveReader(file) as archive:
                    _refuse_torchscript(archive, weights_only)
                    mapped = _mapped(f, file) if mmap else None
                    return _load_archive(archive, new_unpickler, restorer(map_location), mapped)
            if mmap:
                raise RuntimeError(
                    f"mmap can only be used with files saved with `torch.save({f'{f}, ' if isinstance(f, str) else ''}"
                    "_use_new_zipfile_serialization=True), please torch.save your checkpoint with this option in order "
                    "to use mmap."
                )
            from .older_formats import load_older

            return load_older(file, new_unpickler, restorer(map_location), weights_only)
        except Outside as error:
            raise error.__cause__ from None
        except pickle.UnpicklingError as error:
            if not weights_only:
                raise
            raise pickle.UnpicklingError(_explained(str(error))) from None


# ---- what is asked for -------------------------------------------------------------------------------------------


def _safely(weights_only: bool | None, pickle_module) -> bool:
    """Whether only data may be read: the argument, and PyTorch's two environment variables."""
    yes = ("1", "y", "yes", "true")
    force = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "").lower() in yes
    forbid = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "").lower() in yes
    if force and forbid:
        raise RuntimeError(
            "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` should be set, but both "
            "were set."
        )
    if force:
        weights_only = True
    elif weights_only is None:
        if forbid:
            warnings.warn(
                "Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected, since the`weights_only` argument was "
                "not explicitly passed to `torch.load`, forcing weights_only=False.",
                stacklevel=3,
            )
        weights_only = pickle_module is None and not forbid
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    return bool(weights_only)


def _explained(message: str) -> str:
    """What an UnpicklingError says, with what can be done about it."""
    if re.search(r"GLOBAL (\S+) was not an allowed global by default.", message):
        return (
            "Weights only load failed. This file can still be loaded, to do so you have two options, \033[1mdo those "
            f"steps only if you trust the source of the checkpoint\033[0m. \n\t(1) {UNSAFE}\n\t(2) Alternatively, to "
            "load with `weights_only=True` please check the recommended steps in the following error message.\n\t"
            f"WeightsUnpickler error: {message}{_DOCUMENTATION}"
        )
    return f"Weights only load failed. {UNSAFE}\n\n\n{message}{_DOCUMENTATION}"


def _seekable(file):
    try:
        file.seek(file.tell())
    except (AttributeError, io.UnsupportedOperation) as error:
        raise type(error)(
            f"{error}. You can only torch.load from a file that is seekable. Please pre-load the data into a buffer "
            "like io.BytesIO and try to load from it instead."
        ) from None
    return file


def _first_record(file) -> bytes | None:
    """The name of a zip archive's first record; None where the file is no zip archive."""
    position = file.tell()
    head = file.read(30 + 12)  # 12: the longest name that is asked for
    file.seek(position)
    return head[30:] if head[:4] == b"PK\x03\x04" else None


def _refuse_torchscript(archive: ArchiveReader, weights_only: bool) -> None:
    """RuntimeError for an archive of PyTorch's TorchScript."""
    if "constants.pkl" not in archive:
        return
    _warn_of_program(weights_only)
    raise RuntimeError(
        "the file is a TorchScript archive, a program for PyTorch; save model.state_dict() there to read its weights"
    )


def _load_program(file, map_location, weights_only: bool):
    """What `torch.jit.save` of this library wrote."""
    from .. import jit

    _warn_of_program(weights_only)
    return jit.load(file, map_location)


def _warn_of_program(weights_only: bool) -> None:
    warnings.warn(
        "'torch.load' received a zip file that looks like a TorchScript archive dispatching to 'torch.jit.load' (call "
        "'torch.jit.load' directly to silence this warning)",
        stacklevel=4,
    )
    if weights_only:
        raise RuntimeError(
            f"Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``. {UNSAFE}"
        )


def _load_safetensors(path, map_location):
    from ..utils.safetensors import load_file

    if map_location is not None and not isinstance(map_location, str) and not hasattr(map_location, "type"):
        kind = "dict" if isinstance(map_location, dict) else "callable"
        raise RuntimeError(
            f"Loading safetensors file with {kind} map_location is not supported. Use a device string or torch.device "
            "instead."
        )
    return load_file(path, device=str(map_location or "cpu"))


# ---- unpicklers --------------------------------------------------------------------------------------------------


def _safe_unpickler(file, persistent_load, load_args):
    return unpickler.Unpickler(file, encoding=load_args["encoding"], persistent_load=persistent_load)


@functools.cache
def _unpickler_of(pickle_module):
    """The unpickler of `pickle` (or another module) with this library's meaning for PyTorch's names."""

    class Unpickler(pickle_module.Unpickler):
        storages = None  # the `persistent_load` of the file

        def persistent_load(self, identifier):
            if self.storages is None:
                raise pickle.UnpicklingError("unsupported persistent id encountered")
            return self.storages(identifier)

        def find_class(self, module, name):
            if name in STORAGE_TYPES and module in ("torch", "torch.cuda"):
                return STORAGE_TYPES[name]
            return names.find(module, name) if names.is_library_name(module) else super().find_class(module, name)

    def make(file, persistent_load, load_args):
        made = Unpickler(file, **load_args)
        made.storages = persistent_load
        return made

    return make


# ---- archives ----------------------------------------------------------------------------------------------------


def _load_archive(archive: ArchiveReader, new_unpickler, restore, mapped):
    program = io.BytesIO(archive.read("data.pkl"))
    if mapped is None and not is_data_skipped():
        archive.begin_reading_storages()
    swap = _is_foreign(_byte_order(archive))
    loaded: dict[str, TypedStorage] = {}

    def persistent_load(identifier) -> TypedStorage:
        kind, key, location, count = storage_id(identifier, 4)
        if key not in loaded:
            nbytes = count * kind.itemsize
            loaded[key] = made_storage(_bytes(archive, key, kind, nbytes, mapped), kind, swap, restore, location)
        return loaded[key]

    return new_unpickler(program, persistent_load).load()


def storage_id(identifier, length: int) -> tuple:
    """("storage", type, key, location, count, …) from a pickle as (dtype, key, location, count, …), checked."""
    if not isinstance(identifier, tuple) or len(identifier) != length + 1:
        raise pickle.UnpicklingError(f"saved_id must be a tuple of {length + 1}, got {type(identifier).__name__}")
    kind, key, location, count, *others = identifier[1:]
    dtype = dtypes.uint8 if kind is UntypedStorage else kind.dtype if isinstance(kind, StorageType) else None
    key, location = _as_text(key), _as_text(location)
    if dtype is None or type(count) is not int or count < 0:
        raise pickle.UnpicklingError(f"no storage: type {type(kind).__name__}, {type(count).__name__} elements")
    return dtype, key, location, count, *others


def _as_text(value) -> str:
    """Keys and locations, which `encoding="bytes"` leaves as bytes."""
    value = value.decode("ascii") if isinstance(value, bytes) else value
    if type(value) is not str:
        raise pickle.UnpicklingError(f"the key and the location of a storage must be texts, got {type(value).__name__}")
    return value


def _bytes(archive: ArchiveReader, key: str, dtype: dtypes.dtype, nbytes: int, mapped) -> np.ndarray:
    name = f"data/{key}"
    if archive.size(name) != nbytes:
        raise RuntimeError(
            f"record size ({archive.size(name)} bytes) does not match expected size ({nbytes} bytes = "
            f"{nbytes // dtype.itemsize} elements * {dtype.itemsize} bytes/element) for dtype "
            f"{dtypes.legacy_name(dtype)}"
        )
    if is_data_skipped():
        return np.zeros(nbytes, np.uint8)
    if mapped is None:
        return archive.read(name)
    start = archive.offset(name)
    return mapped[start : start + nbytes]


def made_storage(content: np.ndarray, dtype: dtypes.dtype, swap: bool, restore, location: str) -> TypedStorage:
    """A storage around bytes from a file, at the place where it is to live."""
    if swap:
        content = np.frombuffer(content, f"u{_unit(dtype)}").byteswap().view("u1")
    elements = content.view(dtype.numpy)
    if not elements.flags.aligned:
        elements = elements.copy()
    owner = wrap(elements)
    restored = restore(UntypedStorage(shared_with=owner), location)
    if restored._owner is not owner:
        elements = restored._bytes().view(dtype.numpy)
        owner = wrap(elements)
    owner._storage.array = elements
    return TypedStorage(owner)


def _unit(dtype: dtypes.dtype) -> int:
    """The bytes of one number; a complex one has two."""
    return dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize


def _byte_order(archive: ArchiveReader) -> str:
    if "byteorder" in archive:
        found = archive.text("byteorder")
        if found not in ("little", "big"):
            raise ValueError(f"Unknown endianness type: {found[:100]}")
        return found
    default = get_default_load_endianness()
    return {LoadEndianness.BIG: "big", LoadEndianness.NATIVE: sys.byteorder}.get(default, "little")


def _is_foreign(byte_order: str) -> bool:
    return byte_order != sys.byteorder


def _mapped(path, file) -> np.ndarray:
    """The file as an array of bytes that are read when they are looked at."""
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError("f must be a file path in order to use the mmap argument")
    shared = get_default_mmap_options() == MAP_SHARED
    return (np.memmap(path, np.uint8, "r+") if shared else np.memmap(file, np.uint8, "c")).view(np.ndarray)


__all__ = ["UNSAFE", "load", "made_storage", "storage_id"]
