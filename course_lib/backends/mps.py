"""torch.backends.mps: Apple's GPUs, which this library does not use."""

from __future__ import annotations


def is_available() -> bool:
    """False: the library does not use it."""
    return False


def is_built() -> bool:
    """False: the library has no support for it."""
    return False
