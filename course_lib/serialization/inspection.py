"""Which classes and functions a file names, found without running its pickle."""

from __future__ import annotations

import os
import pickletools

from . import allowed
from .archive_reader import ArchiveReader
from .unpickler import in_python_3


def get_unsafe_globals_in_checkpoint(f) -> list[str]:
    """The names in a file of `torch.save` that `torch.load` would refuse with `weights_only=True`.

    ValueError for a file of another kind.

    Source: https://docs.pytorch.org/docs/stable/notes/serialization.html
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(file)
    start = f.tell()
    is_archive = f.read(4) == b"PK\x03\x04"
    f.seek(start)
    if not is_archive:
        raise ValueError("Expected input to be a checkpoint returned by torch.save")
    with ArchiveReader(f) as archive:
        if "constants.pkl" in archive:
            raise ValueError(
                "Expected input to be a checkpoint returned by torch.save but got a torchscript checkpoint"
            )
        found = _globals_in(archive.read("data.pkl").tobytes())
    return [path for path in found if allowed.meaning_of(path) is None]


def _globals_in(program: bytes) -> list[str]:
    """The names after GLOBAL; in pickles of protocol 4 and later those of STACK_GLOBAL, the last two texts."""
    found, texts, memo = {}, [], {}
    for instruction, argument, _ in pickletools.genops(program):
        if instruction.name == "GLOBAL":
            found[".".join(in_python_3(*argument.split(" ", 1)))] = None
        elif instruction.name == "STACK_GLOBAL":
            found[".".join(map(str, texts[-2:]))] = None
        elif instruction.name == "MEMOIZE":
            memo[len(memo)] = texts[-1] if texts else None
        elif "GET" in instruction.name:
            texts.append(memo.get(argument))
        elif isinstance(argument, str):
            texts.append(argument)
    return list(found)


__all__ = ["get_unsafe_globals_in_checkpoint"]
