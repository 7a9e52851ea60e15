"""torch.mps: Apple's GPUs, which this library does not use. Programs that ask whether there is one hear no."""

from __future__ import annotations


def is_available() -> bool:
    """is_available() -> bool: False.

    >>> import course_lib as torch
    >>> torch.mps.is_available(), torch.mps.device_count()
    (False, 0)
    """
    return False


def device_count() -> int:
    """device_count() -> int: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """manual_seed(seed): accepted, as for every device that is not there."""


def _without_backend(name: str, inner: str):
    def call(*args, **named):
        raise RuntimeError(f"Cannot execute {inner}() without MPS backend.")

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"{name}(…): RuntimeError, because there is no such device."
    return call


empty_cache = _without_backend("empty_cache", "emptyCache")
synchronize = _without_backend("synchronize", "deviceSynchronize")
current_allocated_memory = _without_backend("current_allocated_memory", "getCurrentAllocatedMemory")
driver_allocated_memory = _without_backend("driver_allocated_memory", "getDriverAllocatedMemory")

__all__ = ["current_allocated_memory", "device_count", "driver_allocated_memory", "empty_cache", "is_available",
           "manual_seed", "synchronize"]  # fmt: skip
