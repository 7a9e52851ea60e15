"""The names that files have for the dtype of a storage: `torch.FloatStorage` for float32.

A `StorageType` stands for such a name. PyTorch once had a class for each; in files only the names are left.
"""

from __future__ import annotations

from .. import dtypes

_DTYPES = {f"{dtypes.legacy_name(dtype)}Storage": dtype for dtype in dtypes.ALL
           if dtype not in (dtypes.uint16, dtypes.uint32, dtypes.uint64)}  # fmt: skip
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class StorageType:
    """The class of storages of one dtype, as a file names it."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name

    @property
    def dtype(self) -> dtypes.dtype:
        """The dtype of the elements."""
        return _DTYPES[self.name]

    def __reduce__(self):
        return StorageType, (self.name,)

    def __repr__(self) -> str:
        return f"torch.{self.name}"


STORAGE_TYPES = {name: StorageType(name) for name in _DTYPES}


def storage_type_of(dtype: dtypes.dtype) -> StorageType:
    """The name for storages of a dtype."""
    return STORAGE_TYPES[_NAMES[dtype]]


__all__ = ["STORAGE_TYPES", "StorageType", "storage_type_of"]
