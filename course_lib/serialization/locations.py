"""Where storages lived when they were saved, and where they are to live now: `map_location`.

A file has a tag for each storage, such as "cpu" or "cuda:0". A registry of packages knows which tags there are: each
has a priority, a tagger (storage → tag, or None if it is not its business) and a restorer (storage in CPU memory, tag →
storage, or None).
"""

from __future__ import annotations

import re
from types import NoneType

from ..device import device
from ..storage import UntypedStorage
from ..tensor import wrap
from .outside import users

_packages: list[tuple] = []


def register_package(priority: int, tagger, deserializer) -> None:
    """Add a kind of location: `tagger(storage)` gives its tag, `deserializer(storage, tag)` the storage there.

    Both return None for what is not theirs; the package with the lowest priority is asked first.

    Source: https://docs.pytorch.org/docs/stable/notes/serialization.html#torch.serialization.register_package
    """
    _packages.append((priority, tagger, deserializer))
    _packages.sort(key=lambda package: package[0])


def location_tag(storage) -> str:
    """The tag of the place where a storage lives."""
    for _, tagger, _ in _packages:
        tag = tagger(storage)
        if tag:
            return tag
    raise RuntimeError(f"don't know how to determine data location of {_type_name(storage)}")


def default_restore_location(storage, location: str):
    """The storage at the location that a tag names; RuntimeError for a tag that nobody knows."""
    for _, _, restore in _packages:
        restored = restore(storage, location)
        if restored is not None:
            return restored
    raise RuntimeError(
        f"don't know how to restore data location of {_type_name(storage)} (tagged with {str(location)[:100]})"
    )


def restorer(map_location):
    """What `map_location` means, as a function (storage, tag) → storage."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, tag: default_restore_location(storage, map_location.get(tag, tag))
    if isinstance(map_location, (str, device)):
        return lambda storage, tag: default_restore_location(storage, str(map_location))
    if not callable(map_location):
        raise TypeError(f"'{type(map_location).__name__}' object is not callable")

    def ask(storage, tag):
        found = map_location(storage, tag)
        if not isinstance(found, (UntypedStorage, NoneType)):
            raise TypeError(f"map_location must return None or an UntypedStorage, but got {type(found)}")
        return found

    def restore(storage, tag):
        found = users(ask, storage, tag)
        return default_restore_location(storage, tag) if found is None else found

    return restore


def _type_name(storage) -> str:
    return f"torch.storage.{type(storage).__name__}"


# ---- the two kinds there are -------------------------------------------------------------------------------------


def _cpu_tag(storage) -> str | None:
    return "cpu" if storage.device.type == "cpu" else None


def _on_cpu(storage, location: str):
    return storage if location == "cpu" else None


def _cuda_tag(storage) -> str | None:
    return f"cuda:{storage.device.index}" if storage.device.type == "cuda" else None


def _on_cuda(storage, location: str):
    if not re.match(r"cuda(:|[0-9]+|$)", location):
        return None
    index = validate_cuda_device(location)
    moved = wrap(storage._flat()).to(device("cuda", index))
    return UntypedStorage(shared_with=moved)


def validate_cuda_device(location: str) -> int:
    """The index of the GPU that a tag names; RuntimeError where it is not there."""
    from ..backends import cuda

    if not cuda.device_count():
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are "
            "running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
            "storages to the CPU."
        )
    index = device(location).index
    if index is None:
        return cuda.current_device()
    if index >= cuda.device_count():
        raise RuntimeError(
            f"Attempting to deserialize object on CUDA device {index} but torch.cuda.device_count() is "
            f"{cuda.device_count()}. Please use torch.load with map_location to map your storages to an existing "
            "device."
        )
    return index


register_package(10, _cpu_tag, _on_cpu)
register_package(20, _cuda_tag, _on_cuda)

__all__ = ["default_restore_location", "location_tag", "register_package", "restorer", "validate_cuda_device"]
