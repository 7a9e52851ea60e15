"""torch.save: an object as a zip archive (a pickle, and a record for each storage) or in the format before that.

A path is written to a temporary file that takes its place at the end (atomic.py); a file object is written as it comes.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import sys

from .archive_writer import ALIGNMENT, ArchiveWriter
from .atomic import replacing
from .options import get_crc32_options, is_data_skipped
from .pickler import Storages, pickler_class

DEFAULT_PROTOCOL = 2
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C  # the first number of the older format
PROTOCOL_VERSION = 1001


def save(obj, f, pickle_module=pickle, pickle_protocol: int = DEFAULT_PROTOCOL,
         _use_new_zipfile_serialization: bool = True, _disable_byteorder_record: bool = False) -> None:  # fmt: skip
    """save(obj, f, pickle_module=pickle, pickle_protocol=2)

    Write tensors, state dicts, or any object that can be pickled, as a `.pt` file that PyTorch reads.

    `f` is a path or a file object with `write`. Tensors that share memory share it in the file; the whole memory that
    a tensor looks into is written. A file at a path is replaced in one step: a program that is killed while it saves
    leaves the earlier file as it was. RuntimeError where the folder does not exist, or where two tensors see the same
    memory as different dtypes.

    >>> import io
    >>> import course_lib as torch
    >>> file = io.BytesIO()
    >>> torch.save({"weight": torch.arange(3.)}, file)
    >>> _ = file.seek(0)
    >>> torch.load(file)
    {'weight': tensor([0., 1., 2.])}

    Source: https://docs.pytorch.org/docs/stable/generated/torch.save.html
    """
    if not isinstance(f, (str, os.PathLike)) and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    is_path = isinstance(f, (str, os.PathLike))
    with replacing(f) if is_path else contextlib.nullcontext(f) as file:
        if _use_new_zipfile_serialization:
            folder = os.path.splitext(os.path.basename(os.fspath(f)))[0] if is_path else "archive"
            _save_archive(obj, file, folder, pickle_module, pickle_protocol, not _disable_byteorder_record)
        else:
            _save_stream(obj, file, pickle_module, pickle_protocol)
        if not is_path and hasattr(file, "flush"):
            file.flush()


def _save_archive(obj, file, folder: str, pickle_module, protocol: int, byte_order: bool) -> None:
    storages = Storages()
    pickled = _pickled(obj, storages.persistent_id, pickle_module, protocol)
    archive = ArchiveWriter(file, folder, get_crc32_options())
    archive.write("data.pkl", pickled)
    archive.write(".format_version", b"1")
    archive.write(".storage_alignment", str(ALIGNMENT).encode())
    if byte_order:
        archive.write("byteorder", sys.byteorder.encode())
    for key, _, content in storages.contents():
        archive.write(f"data/{key}", bytes(len(content)) if is_data_skipped() else content)
    archive.close()


def _save_stream(obj, file, pickle_module, protocol: int) -> None:
    """The format before PyTorch 1.6: pickles one after the other, then the bytes of each storage after their number."""
    storages = Storages()

    def persistent_id(found):
        identifier = storages.persistent_id(found)
        return None if identifier is None else (*identifier, None)  # None: no view of another storage

    pickled = _pickled(obj, persistent_id, pickle_module, protocol)
    for header in (MAGIC_NUMBER, PROTOCOL_VERSION, _system()):
        pickle.dump(header, file, protocol=protocol)
    file.write(pickled)
    pickle.dump(list(storages.found), file, protocol=protocol)
    for _, count, content in storages.contents():
        file.write(struct.pack("<q", count))
        file.write(content)


def _system() -> dict:
    sizes = {name: struct.calcsize(f"={code}") for name, code in (("short", "h"), ("int", "i"), ("long", "l"))}
    return {"protocol_version": PROTOCOL_VERSION, "little_endian": sys.byteorder == "little", "type_sizes": sizes}


def _pickled(obj, persistent_id, pickle_module, protocol: int) -> memoryview:
    file = io.BytesIO()
    pickler = pickler_class(pickle_module)(file, protocol=protocol)
    pickler.storages = persistent_id
    pickler.dump(obj)
    return file.getbuffer()


__all__ = ["DEFAULT_PROTOCOL", "MAGIC_NUMBER", "PROTOCOL_VERSION", "save"]
