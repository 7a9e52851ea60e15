"""torch.fft: the public names; the functions are declared in `ops/`."""

from __future__ import annotations

from .ops import FUNCTIONS

globals().update(FUNCTIONS["fft"])

__all__ = [*FUNCTIONS["fft"]]
