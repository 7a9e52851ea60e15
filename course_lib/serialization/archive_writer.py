"""Writing the zip archive that PyTorch calls a `.pt` file.

A zip archive is a sequence of records, each with a header in front, and a directory of them at the end. Nothing is
compressed, and each record begins at a multiple of 64 bytes (the header is padded), so a reader can map the file into
memory. The check sum of a record is known only when it is written: it follows the record (a "data descriptor"), and
the writer never goes back. All records lie in one folder, named after the file.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

ALIGNMENT = 64
_CHUNK = 1 << 20  # check sum and writing go piece by piece, so that a piece is still in the processor's cache
_FOUR_GB = 0xFFFFFFFF  # sizes from here on stand in an extra field of 64 bits
_UTF8_NAMES, _CHECK_SUM_FOLLOWS = 0x0800, 0x0008


class ArchiveWriter:
    """Writes records into a binary file; `close` writes the directory."""

    def __init__(self, file, folder: str, check_sums: bool = True):
        self._file = file
        self._folder = folder
        self._check_sums = check_sums
        self._position = 0  # counted here: the file may not know its position, or not begin at 0
        self._records: list[tuple] = []  # (name, check sum, size, position)

    def write(self, name: str, content) -> None:
        """Add a record; content: bytes or anything else whose bytes can be looked at."""
        content = memoryview(content).cast("B")
        size, start = len(content), self._position
        full_name = f"{self._folder}/{name}".encode()
        self._put(self._header(full_name, size, start))
        check_sum = 0
        for i in range(0, size, _CHUNK):
            piece = content[i : i + _CHUNK]
            if self._check_sums:
                check_sum = zlib.crc32(piece, check_sum)
            self._put(piece)
        if size:
            form = "<4sIQQ" if size >= _FOUR_GB or start >= _FOUR_GB else "<4sIII"
            self._put(struct.pack(form, b"PK\x07\x08", check_sum, size, size))
        self._records.append((full_name, check_sum, size, start))

    def close(self) -> None:
        """Write what describes the archive as a whole, and its directory."""
        self.write("version", b"3\n")
        self.write(".data/serialization_id", self._identity())
        start = self._position
        for record in self._records:
            self._put(_directory_entry(*record))
        self._put(_end_of_directory(len(self._records), self._position - start, start))

    def _put(self, content) -> None:
        self._file.write(content)
        self._position += len(content)

    def _header(self, name: bytes, size: int, start: int) -> bytes:
        wide = _wide_sizes(size, start)
        content = start + 30 + len(name) + len(wide) + 4  # 4: the head of the padding
        padding = -content % ALIGNMENT
        extra = wide + struct.pack("<2sH", b"FB", padding) + b"Z" * padding
        return struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 0, _flags(size), 0, 0, 0, 0, 0, 0, len(name), len(extra)) \
            + name + extra  # fmt: skip

    def _identity(self) -> bytes:
        """40 digits that two files share only if they have the same names and contents of records."""
        names = b"".join(name for name, *_ in self._records)
        sums = struct.pack(f"<{len(self._records)}I", *[check_sum for _, check_sum, *_ in self._records])
        halves = [int.from_bytes(hashlib.sha256(part).digest()[:8], "little") for part in (names, sums)]
        return "".join(f"{half:020d}" for half in halves).encode()


def _flags(size: int) -> int:
    return _UTF8_NAMES | (_CHECK_SUM_FOLLOWS if size else 0)


def _wide_sizes(size: int, start: int) -> bytes:
    """The extra field for what does not fit into 32 bits."""
    fields = [size, size] * (size >= _FOUR_GB) + [start] * (start >= _FOUR_GB)
    return struct.pack(f"<HH{len(fields)}Q", 1, 8 * len(fields), *fields) if fields else b""


def _directory_entry(name: bytes, check_sum: int, size: int, start: int) -> bytes:
    wide = _wide_sizes(size, start)
    size, start = min(size, _FOUR_GB), min(start, _FOUR_GB)
    return struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 0, 0, _flags(size), 0, 0, 0, check_sum, size, size,
                       len(name), len(wide), 0, 0, 0, 0, start) + name + wide  # fmt: skip


def _end_of_directory(count: int, size: int, start: int) -> bytes:
    """The same three times: in 64 bits, where to find that, and in 32 bits for older readers."""
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 0x031E, 45, 0, 0, count, count, size, start)
    wide += struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)
    count, size, start = min(count, 0xFFFF), min(size, _FOUR_GB), min(start, _FOUR_GB)
    return wide + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, size, start, 0)


__all__ = ["ALIGNMENT", "ArchiveWriter"]
