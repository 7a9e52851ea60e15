"""Settings of saving and loading: byte order of old files, how files are mapped into memory, check sums."""

from __future__ import annotations

from enum import Enum


class LoadEndianness(Enum):
    """The order of the bytes of a number in a file that does not say it itself.

    Source: https://docs.pytorch.org/docs/stable/notes/serialization.html
    """

    NATIVE = 1
    LITTLE = 2
    BIG = 3


_state = {"endianness": None, "check_sums": True, "mmap_flags": 2, "skip_data": False}
MAP_SHARED, MAP_PRIVATE = 1, 2  # as in the module mmap, which has no such names on Windows


def get_default_load_endianness() -> LoadEndianness | None:
    """The byte order of files that do not say theirs; None means little-endian."""
    return _state["endianness"]


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Set the byte order of files that do not say theirs."""
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    _state["endianness"] = endianness


def get_crc32_options() -> bool:
    """Whether `torch.save` computes check sums, which `torch.load` compares."""
    return _state["check_sums"]


def set_crc32_options(compute_crc32: bool) -> None:
    """Set whether `torch.save` computes check sums; without them damage goes unnoticed."""
    _state["check_sums"] = bool(compute_crc32)


def get_default_mmap_options() -> int:
    """How `torch.load(..., mmap=True)` maps a file: MAP_PRIVATE (changes stay in memory) or MAP_SHARED."""
    return _state["mmap_flags"]


class set_default_mmap_options:
    """Set how files are mapped into memory: `mmap.MAP_PRIVATE` or `mmap.MAP_SHARED`, also for a `with` block only.

    Source: https://docs.pytorch.org/docs/stable/notes/serialization.html
    """

    def __init__(self, flags: int):
        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError(
                "Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, "
                f"but got {flags}"
            )
        self._before = _state["mmap_flags"]
        _state["mmap_flags"] = flags

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception) -> None:
        _state["mmap_flags"] = self._before


class skip_data:
    """A `with` block in which `torch.save` leaves the numbers of tensors out (their room stays), and `torch.load` too.

    Loaded tensors are then filled with zeros: for programs that read the numbers from the file by themselves.

    Source: https://docs.pytorch.org/docs/stable/notes/serialization.html
    """

    def __init__(self, materialize_fake_tensors: bool = False):
        self.materialize_fake_tensors = materialize_fake_tensors

    def __enter__(self) -> None:
        self._before = _state["skip_data"]
        _state["skip_data"] = True

    def __exit__(self, *exception) -> None:
        _state["skip_data"] = self._before


def is_data_skipped() -> bool:
    """Whether a `skip_data` block is running."""
    return _state["skip_data"]


__all__ = ["LoadEndianness", "get_crc32_options", "get_default_load_endianness", "get_default_mmap_options",
           "is_data_skipped", "set_crc32_options", "set_default_load_endianness", "set_default_mmap_options",
           "skip_data"]  # fmt: skip
