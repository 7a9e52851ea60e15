"""Files of datasets: their checksums, their download, and what to say where there is no network.

A download goes to a temporary name first and is checked before it gets its own, so that a file is whole or not there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
from typing import NamedTuple

from course_lib.serialization.atomic import replacing

PIECE = 1 << 20  # bytes read at a time
PATIENCE = 30  # seconds until a silent server is given up


class RemoteFile(NamedTuple):
    """A file by its name, its checksum as text ("" where none is known), and the addresses that have it."""

    name: str
    checksum: str
    addresses: tuple[str, ...]
    method: str = "md5"


def checksum(path, method: str = "md5") -> str:
    """The checksum of a file, as hexadecimal digits."""
    digest = hashlib.new(method, usedforsecurity=False)
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def is_whole(path, wanted: RemoteFile) -> bool:
    """Whether a file is there and has the checksum it should have (its first digits, where that is all we know)."""
    return os.path.isfile(path) and checksum(path, wanted.method).startswith(wanted.checksum)


def fetch(folder, files: list[RemoteFile]) -> list[str]:
    """The paths of the files in `folder`, downloaded where they are missing or damaged.

    RuntimeError says, where the network does not give them, which files to put where by hand.
    """
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, file.name) for file in files]
    for path, file in zip(paths, files):
        if not is_whole(path, file):
            failures = _download(path, file)
            if failures:
                raise RuntimeError(_by_hand(folder, files, failures))
    return paths


def _download(path: str, file: RemoteFile) -> list[str]:
    """Try one address after the other; the reasons why none gave the file, empty where one did."""
    failures = []
    for address in file.addresses:
        try:
            request = urllib.request.Request(address, headers={"User-Agent": "course_lib"})
            with replacing(path) as target, urllib.request.urlopen(request, timeout=PATIENCE) as source:
                digest = hashlib.new(file.method, usedforsecurity=False)
                while piece := source.read(PIECE):
                    digest.update(piece)
                    target.write(piece)
                if not digest.hexdigest().startswith(file.checksum):
                    raise ValueError(f"its {file.method} is {digest.hexdigest()}, not {file.checksum}")
            return []
        except (OSError, ValueError, urllib.error.URLError) as error:
            failures.append(f"{address}: {error}")
    return failures


def _by_hand(folder, files: list[RemoteFile], failures: list[str]) -> str:
    wanted = "\n".join(f"  {file.addresses[0]}  ({file.method} {file.checksum})" for file in files)
    return (
        "The download failed:\n  " + "\n  ".join(failures) + "\nDownload these files by other means, and put them into "
        f"{os.path.abspath(folder)}\n{wanted}"
    )


def extract(archive: str, folder: str, names: list[str]) -> None:
    """Take the files of these names out of a .tar.gz or .zip; nothing else is written, whatever is in there."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for name in names:
                with packed.open(name) as source:
                    _write(source, os.path.join(folder, name))
        return
    with tarfile.open(archive, "r:*") as packed:
        for member in packed:
            if member.isfile() and member.name in names:
                _write(packed.extractfile(member), os.path.join(folder, member.name))


def _write(source, path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with replacing(path) as target:
        shutil.copyfileobj(source, target)


__all__ = ["RemoteFile", "checksum", "extract", "fetch", "is_whole"]
