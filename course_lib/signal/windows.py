"""torch.signal.windows: the public names; the functions are declared in `ops/windows.py`."""

from __future__ import annotations

from ..ops import FUNCTIONS

globals().update(FUNCTIONS["signal.windows"])

__all__ = [*FUNCTIONS["signal.windows"]]
