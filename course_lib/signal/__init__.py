"""torch.signal: windows for signals."""

from __future__ import annotations

from . import windows

__all__ = ["windows"]
