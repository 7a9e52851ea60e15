"""torch.linalg: the public names; the functions are declared in `ops/`."""

from __future__ import annotations

from .ops import FUNCTIONS
from .ops._linalg import LinAlgError

globals().update(FUNCTIONS["linalg"])

__all__ = ["LinAlgError", *FUNCTIONS["linalg"]]
