"""torch.backends.openmp: OpenMP, which this library does not use."""

from __future__ import annotations


def is_available() -> bool:
    """False: the library does not use it."""
    return False
