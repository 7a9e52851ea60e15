"""Reading the zip archive that PyTorch calls a `.pt` file, from a file that nobody vouches for.

Python's `zipfile` reads the directory; what it says is checked here before memory is asked for: records are not
compressed, lie inside the file and do not overlap, so no file can need more memory than its own size. The check sums
are compared while the bytes are read; large archives are read by several threads, as the check sum costs more than the
reading.
"""

from __future__ import annotations

import os
import struct
import threading
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

_CHUNK = 1 << 20
_WORTH_THREADS = 4 << 20  # bytes of storages
NEWEST_VERSION = 10

_DAMAGED = (
    " This is an internal miniz error. If you are seeing this error, there is a high likelihood that your checkpoint "
    "file is corrupted. This can happen if the checkpoint was not saved properly, was transferred incorrectly, or the "
    "file was modified after saving."
)


def damaged(what: str) -> RuntimeError:
    """PyTorch's error for an archive that cannot be read; `what` says which part and why."""
    return RuntimeError(f"PytorchStreamReader failed {what}.{_DAMAGED}")


class _Entry(NamedTuple):
    """What the directory says about a record."""

    name: bytes  # with its folder
    header: int  # where its header begins
    size: int
    check_sum: int
    limit: int  # where the next record begins
    is_plain: bool  # neither compressed nor encrypted


class ArchiveReader:
    """The records of an archive by their names inside its folder, such as `data.pkl` and `data/0`."""

    def __init__(self, file):
        self._file = file
        self._turn = threading.Lock()  # one thread at a time may move the file's position
        self._coming = {}  # name → future of a record that a thread reads
        self._pool = None
        self._entries = self._directory()
        version = self.text(".data/version" if ".data/version" in self else "version")
        if not version.strip().isdigit() or int(version) > NEWEST_VERSION:
            raise RuntimeError(
                f"Attempted to read a PyTorch file with version {version.strip()[:20]}, but the maximum supported "
                f"version for reading is {NEWEST_VERSION}. The version of your PyTorch installation may be too old, "
                "please upgrade PyTorch to latest version to mitigate this issue."
            )

    def __enter__(self) -> ArchiveReader:
        return self

    def __exit__(self, *exception) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def size(self, name: str) -> int:
        """The bytes of a record; RuntimeError where there is none of this name."""
        if name not in self._entries:
            raise damaged(f"locating file {name[:200]}: file not found")
        if not self._entries[name].is_plain:
            raise damaged(f"reading file {name[:200]}: it is compressed or encrypted, which torch.save does not do")
        return self._entries[name].size

    def read(self, name: str) -> np.ndarray:
        """A record's bytes, as an array of its own; RuntimeError where they are not what was written."""
        size = self.size(name)
        if name in self._coming:
            return self._coming.pop(name).result()
        return self._checked(name, size)

    def text(self, name: str, limit: int = 1000) -> str:
        """A short record as text."""
        if self.size(name) > limit:
            raise damaged(f"reading file {name}: a text of {self.size(name)} bytes")
        return self.read(name).tobytes().decode("utf-8", "replace")

    def offset(self, name: str) -> int:
        """Where in the file a record's bytes begin."""
        self.size(name)
        with self._turn:
            return self._start(name)

    def begin_reading_storages(self) -> None:
        """Let threads read all storages ahead, if that pays."""
        names = [name for name in self._entries if name.startswith("data/")]
        if len(names) > 1 and sum(map(self.size, names)) >= _WORTH_THREADS:
            self._pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "torch.load")
            self._coming = {name: self._pool.submit(self._checked, name, self.size(name)) for name in names}

    # -- the directory --------------------------------------------------------------------------------------------

    def _directory(self) -> dict[str, _Entry]:
        try:
            with zipfile.ZipFile(self._file) as archive:
                entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
                end = archive.start_dir
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError, IndexError, OSError,
                struct.error) as error:  # fmt: skip
            raise damaged("reading zip archive: failed finding central directory") from error
        found = {}
        for entry, following in zip(entries, [*(e.header_offset for e in entries[1:]), end]):
            name = self._checked_name(entry, entries[0], found)
            if entry.header_offset < 0 or entry.header_offset + 30 + entry.compress_size > following:
                raise damaged(f"reading file {name[:200]}: it reaches into what follows it")
            found[name] = _entry(entry, following)
        if not found:
            raise damaged("reading zip archive: archive does not contain any files")
        return found

    def _checked_name(self, entry, first, found: dict) -> str:
        folder, slash, name = entry.filename.partition("/")
        if not slash or not name:
            raise RuntimeError(f"file in archive is not in a subdirectory: {entry.filename[:200]}")
        if folder != first.filename.partition("/")[0]:
            raise damaged(f"reading zip archive: {entry.filename[:200]} lies in another folder than the rest")
        if name in found:
            raise damaged(f"reading zip archive: two records are called {name[:200]}")
        return name

    # -- records --------------------------------------------------------------------------------------------------

    def _start(self, name: str) -> int:
        """Behind the record's own header, which must say what the directory says."""
        entry = self._entries[name]
        self._file.seek(entry.header)
        header = self._file.read(30)
        if len(header) == 30 and header[:4] == b"PK\x03\x04":
            length, extra = struct.unpack("<HH", header[26:])
            start = entry.header + 30 + length + extra
            if self._file.read(length) == entry.name and start + entry.size <= entry.limit:
                return start
        raise damaged(f"reading file {name[:200]}: invalid header or archive is corrupted")

    def _checked(self, name: str, size: int) -> np.ndarray:
        start, check_sum = self.offset(name), 0
        content = np.empty(size, np.uint8)
        room = memoryview(content)
        for i in range(0, size, _CHUNK):
            piece = room[i : i + _CHUNK]
            with self._turn:
                self._file.seek(start + i)
                _fill(self._file, piece, name)
            check_sum = zlib.crc32(piece, check_sum)
        expected = self._entries[name].check_sum
        if check_sum != expected and expected != 0:  # 0: set_crc32_options(False) when it was saved
            raise damaged(f"reading file {name[:200]}: CRC-32 check failed")
        return content


def _entry(info: zipfile.ZipInfo, limit: int) -> _Entry:
    name = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
    is_plain = info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
    return _Entry(name, info.header_offset, info.file_size, info.CRC, limit, is_plain and not info.flag_bits & 1)


def _fill(file, piece: memoryview, name: str) -> None:
    """Read until the piece is full."""
    if not hasattr(file, "readinto"):
        found = file.read(len(piece))
        if len(found) == len(piece):
            piece[:] = found
            return
        raise damaged(f"reading file {name[:200]}: the file ends too early")
    while len(piece):
        count = file.readinto(piece)
        if not count:
            raise damaged(f"reading file {name[:200]}: the file ends too early")
        piece = piece[count:]


__all__ = ["ArchiveReader", "damaged"]
