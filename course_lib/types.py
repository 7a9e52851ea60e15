"""torch.types: names for the types of arguments, for annotations."""

from __future__ import annotations

import os
from typing import IO

from .device import device as _device_type
from .dtypes import dtype as _dtype  # noqa: F401  torch.types._dtype
from .size import Size
from .storage import TypedStorage, UntypedStorage

_int, _float, _bool = int, float, bool
_size = Size | list[int] | tuple[int, ...]
Number = int | float | bool
Device = _device_type | str | int | None
FileLike = str | os.PathLike[str] | IO[bytes]
Storage = TypedStorage | UntypedStorage

__all__ = ["Device", "FileLike", "Number", "Storage"]
