"""torch.special: special functions. They are declared in ops/special.py, ops/pairs.py and ops/polynomials.py."""

from __future__ import annotations

from .ops import FUNCTIONS

globals().update(FUNCTIONS["special"])

__all__ = sorted(FUNCTIONS["special"])
