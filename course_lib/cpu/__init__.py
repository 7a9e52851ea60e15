"""torch.cpu: the questions of torch.cuda, answered for the CPU."""

from __future__ import annotations

import importlib


def is_available() -> bool:
    """True: there is always a CPU."""
    return True


def is_initialized() -> bool:
    """True: the CPU needs no preparation."""
    return True


def device_count() -> int:
    """1: all processor cores are one device."""
    return 1


def current_device() -> str:
    """The name of the device, "cpu"."""
    return "cpu"


def set_device(device) -> None:
    """Accepted: there is one CPU."""


def synchronize(device=None) -> None:
    """Returns at once: operations on the CPU are finished when they return."""


def __getattr__(name: str):
    if name == "amp":
        return importlib.import_module(f"{__name__}.amp")
    raise AttributeError(f"module 'torch.cpu' has no attribute '{name}'")


__all__ = ["current_device", "device_count", "is_available", "is_initialized", "set_device", "synchronize"]
