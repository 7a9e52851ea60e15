"""Writing a file so that a reader finds the old one or the new one, and never a part of one.

`replacing(path)` gives a temporary file in the same folder. When the block ends well, what was written is forced onto
the disk and the file is renamed to `path`: one step for the file system. When it ends with an error, the temporary file
is removed. A kill in the middle leaves a `.NAME.….tmp` behind and `path` as it was.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat


@contextlib.contextmanager
def replacing(path):
    """A `with` block around a new binary file that takes the place of `path` at the end, with its permissions."""
    with replacing_by_name(path) as temporary, open(temporary, "wb") as file:
        yield file


@contextlib.contextmanager
def replacing_by_name(path):
    """The same for who writes by a name: gives the name of an empty file."""
    target = os.path.realpath(path)  # a symbolic link stays one: the file that it points to is replaced
    _check_place(path, target)
    if os.path.exists(target) and not os.path.isfile(target):  # a device or a pipe cannot be replaced
        yield target
        return
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:60]}.{secrets.token_hex(4)}.tmp")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    mode = stat.S_IMODE(os.stat(target if os.path.exists(target) else temporary).st_mode)
    try:
        yield temporary
        with open(temporary, "r+b") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _check_place(path, target: str) -> None:
    given = os.path.dirname(os.fspath(path))
    if given and not os.path.isdir(os.path.dirname(target)):
        raise RuntimeError(f"Parent directory {os.fsdecode(given)} does not exist.")
    if os.path.isdir(target):
        raise RuntimeError(f"open file failed with strerror: Is a directory: {os.fspath(path)!r}")
    if os.path.exists(target) and not os.access(target, os.W_OK):  # who protects a file does not want it replaced
        raise RuntimeError(f"open file failed with strerror: Permission denied: {os.fspath(path)!r}")


def _sync_folder(folder: str) -> None:
    """Force the new name onto the disk; some systems (Windows) do not open folders, and need not."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


__all__ = ["replacing", "replacing_by_name"]
