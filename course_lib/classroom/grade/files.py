"""The files of a batch of submissions, whether they lie in folders or in zip archives.

`find_files` walks a folder or an archive and gives a Found for every file: its place, its size and time, and how to
read it. Archives, also those inside archives, are read where they are and never unpacked, so a hostile one cannot
write anywhere. Links, special files and names that lead out of their archive are reported and never opened.
"""

import contextlib
import io
import os
import re
import stat
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

NOTEBOOK_BYTES = 20_000_000
ARCHIVE_BYTES = 200_000_000  # an archive inside an archive is held in memory while it is read
ARCHIVE_FILES = 2_000  # in an archive that one student sent
EXPORT_FILES = 200_000  # in the archive that the instructor exported
NESTING = 3  # export, student's archive, one archive in it
FOLDER_DEPTH = 30

JUNK_FOLDERS = {"__macosx", "__pycache__", "node_modules"}
JUNK_FILES = {"thumbs.db", "desktop.ini"}

OpenArchive = Callable[[], contextlib.AbstractContextManager[zipfile.ZipFile]]


class Unreadable(Exception):
    """A file that cannot be read; the text is the reason, in words for the person who sent it."""


@dataclass(frozen=True)
class Found:
    """One file of the batch.

    Attributes:
        parts: where it is: the folders on the way (an archive counts as one) and last its own name.
        modified: seconds since 1970.
        size: bytes, as the folder or archive says.
        load: reads the bytes; raises Unreadable.
        refusal: why it is not read at all, if it is not.
    """

    parts: tuple[str, ...]
    modified: float
    size: int
    load: Callable[[], bytes]
    refusal: str = ""

    @property
    def name(self) -> str:
        return self.parts[-1]

    def __str__(self) -> str:
        return "/".join(self.parts)

    def read(self, limit: int = NOTEBOOK_BYTES) -> bytes:
        """Return the content, refusing what is larger than `limit` bytes."""
        if self.refusal:
            raise Unreadable(self.refusal)
        if self.size > limit:
            raise Unreadable(too_large(self.size, limit))
        return self.load()


def find_files(place: Path, leave_out: Path | None = None) -> Iterator[Found]:
    """Yield every file under the folder or in the archive `place`, in a stable order, without system junk.

    `leave_out` is a folder that is not entered: the working folder, when it lies inside the batch.
    """
    if place.is_dir():
        yield from _in_folder(place, (), leave_out.resolve() if leave_out else None)
    else:
        export = zipfile.ZipFile(place)
        yield from _in_archive(lambda: contextlib.nullcontext(export), (), EXPORT_FILES, 1)


def is_archive(name: str) -> bool:
    return name.lower().endswith(".zip")


def is_notebook_name(name: str) -> bool:
    """Whether a file of this name may be a notebook; some browsers put a second ending behind it."""
    return name.lower().endswith((".ipynb", ".ipynb.txt", ".ipynb.json"))


def too_large(size: int, limit: int) -> str:
    return f"it has {size / 1e6:.0f} MB and at most {limit / 1e6:.0f} MB are read: clear the outputs and send it again"


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in JUNK_FOLDERS | JUNK_FILES


def _printable(name: str) -> str:
    """A file name that can be shown on a terminal and written to a file, whatever its bytes are."""
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _refused(parts: tuple[str, ...], reason: str, modified: float = 0.0) -> Found:
    return Found(parts, modified, 0, bytes, reason)


def _in_folder(folder: Path, parts: tuple[str, ...], leave_out: Path | None) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield _refused(parts or (folder.name,), f"the folder cannot be opened ({error.strerror})")
        return
    for entry in entries:
        if _is_junk(entry.name):
            continue
        path, place = Path(entry.path), (*parts, _printable(entry.name))
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            yield _refused(place, f"it cannot be opened ({error.strerror})")
            continue
        if stat.S_ISLNK(status.st_mode):
            yield _refused(place, "it is a link to another file, not a file", status.st_mtime)
        elif stat.S_ISDIR(status.st_mode):
            if len(place) <= FOLDER_DEPTH and path.resolve() != leave_out:
                yield from _in_folder(path, place, leave_out)
        elif not stat.S_ISREG(status.st_mode):
            yield _refused(place, "it is not an ordinary file", status.st_mtime)
        elif is_archive(entry.name):
            yield from _in_archive(lambda path=path: _archive_file(path), place, ARCHIVE_FILES, 1, status.st_mtime)
        else:
            yield Found(place, status.st_mtime, status.st_size, lambda path=path: _regular_file(path))


def _in_archive(
    open_archive: OpenArchive, parts: tuple[str, ...], most: int, depth: int, modified: float = 0.0
) -> Iterator[Found]:
    """The files in an archive; one Found that gives the reason if the archive cannot be read."""
    try:
        with open_archive() as archive:
            members = sorted(archive.infolist(), key=lambda member: member.filename)
    except Unreadable as error:
        yield _refused(parts, str(error), modified)
        return
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, RuntimeError):
        yield _refused(parts, "it is not a zip archive, or a damaged one", modified)
        return
    if len(members) > most:
        yield _refused(parts or ("the archive",), f"it holds {len(members)} files; at most {most} are read", modified)
        return
    for member in members:
        if not member.is_dir():
            yield from _archive_member(open_archive, member, parts, depth)


def _archive_member(
    open_archive: OpenArchive, member: zipfile.ZipInfo, parts: tuple[str, ...], depth: int
) -> Iterator[Found]:
    steps = [_printable(step) for step in re.split(r"[/\\]+", member.filename) if step not in ("", ".")]
    place = (*parts, *(step for step in steps if step != ".."))
    if len(place) == len(parts) or any(_is_junk(step) for step in place[len(parts) :]):
        return

    def load() -> bytes:
        return _member(open_archive, member)

    modified = _time_of(member)
    if ".." in steps or re.match(r"[/\\]|[A-Za-z]:", member.filename):
        yield _refused(place, "its name in the archive leads out of the archive", modified)
    elif stat.S_ISLNK(member.external_attr >> 16):
        yield _refused(place, "it is a link to another file, not a file", modified)
    elif member.flag_bits & 0x1:
        yield _refused(place, "it is encrypted", modified)
    elif not is_archive(place[-1]):
        yield Found(place, modified, member.file_size, load)
    elif depth == NESTING:
        yield _refused(place, f"it is an archive inside {depth} others", modified)
    elif member.file_size > ARCHIVE_BYTES:
        yield _refused(place, too_large(member.file_size, ARCHIVE_BYTES), modified)
    else:
        yield from _in_archive(lambda: zipfile.ZipFile(io.BytesIO(load())), place, ARCHIVE_FILES, depth + 1, modified)


def _open_regular(path: Path) -> io.BufferedReader:
    """Open a file for reading, refusing what became a link or a device since the folder was listed."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.fdopen(os.open(path, flags), "rb")
    except OSError as error:
        raise Unreadable(f"it cannot be opened ({error.strerror})") from None
    if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
        handle.close()
        raise Unreadable("it is not an ordinary file")
    return handle


def _regular_file(path: Path) -> bytes:
    with _open_regular(path) as handle:
        return handle.read()


@contextlib.contextmanager
def _archive_file(path: Path) -> Iterator[zipfile.ZipFile]:
    with _open_regular(path) as handle, zipfile.ZipFile(handle) as archive:
        yield archive


def _member(open_archive: OpenArchive, member: zipfile.ZipInfo) -> bytes:
    """The bytes of one file of an archive. zipfile never gives more than the size that the archive declares."""
    try:
        with open_archive() as archive, archive.open(member) as handle:
            return handle.read()
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError):
        raise Unreadable("it is damaged in its archive") from None


def _time_of(member: zipfile.ZipInfo) -> float:
    try:
        return time.mktime((*member.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0
