"""torch.serialization: saving objects to files and loading them, in PyTorch's own formats.

saving.py and loading.py hold `save` and `load`; archive_*.py the zip archive; pickler.py and unpickler.py the pickle in
it; allowed.py what a file may ask for; names.py how classes are called; atomic.py how a file is replaced.
"""

from __future__ import annotations

from ..layouts import _get_layout
from .allowed import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals
from .inspection import get_unsafe_globals_in_checkpoint
from .loading import load
from .locations import default_restore_location, location_tag, register_package, validate_cuda_device
from .options import (
    LoadEndianness,
    get_crc32_options,
    get_default_load_endianness,
    get_default_mmap_options,
    set_crc32_options,
    set_default_load_endianness,
    set_default_mmap_options,
    skip_data,
)
from .saving import DEFAULT_PROTOCOL, MAGIC_NUMBER, PROTOCOL_VERSION, save
from .storage_types import StorageType

__all__ = ["DEFAULT_PROTOCOL", "LoadEndianness", "MAGIC_NUMBER", "PROTOCOL_VERSION", "StorageType",
           "add_safe_globals", "clear_safe_globals", "default_restore_location", "get_crc32_options",
           "get_default_load_endianness", "get_default_mmap_options", "get_safe_globals",
           "get_unsafe_globals_in_checkpoint", "load", "location_tag", "register_package", "safe_globals", "save",
           "set_crc32_options", "set_default_load_endianness", "set_default_mmap_options", "skip_data",
           "validate_cuda_device"]  # fmt: skip
