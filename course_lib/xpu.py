"""torch.xpu: Intel's GPUs, which this library does not use. Programs that ask whether there is one hear no."""

from __future__ import annotations


def is_available() -> bool:
    """is_available() -> bool: False.

    >>> import course_lib as torch
    >>> "xpu" if torch.xpu.is_available() else "cpu"
    'cpu'
    """
    return False


def is_initialized() -> bool:
    """is_initialized() -> bool: False."""
    return False


def device_count() -> int:
    """device_count() -> int: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """manual_seed(seed): accepted, as for every device that is not there."""


def manual_seed_all(seed: int) -> None:
    """manual_seed_all(seed): accepted, as for every device that is not there."""


def empty_cache() -> None:
    """empty_cache(): nothing is kept for a device that is not there."""


def _without_device(name: str):
    def call(*args, **named):
        raise AssertionError("Torch not compiled with XPU enabled")

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"{name}(…): AssertionError, because there is no such device."
    return call


_OF_A_DEVICE = ("current_device", "current_stream", "get_device_name", "get_device_properties", "init", "set_device",
                "synchronize")  # fmt: skip
globals().update({name: _without_device(name) for name in _OF_A_DEVICE})

__all__ = ["device_count", "empty_cache", "is_available", "is_initialized", "manual_seed", "manual_seed_all",
           *_OF_A_DEVICE]  # fmt: skip
