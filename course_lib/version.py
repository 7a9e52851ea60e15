"""torch.version: which release this is, and what it was made for."""

from __future__ import annotations

__version__ = "2.13.0+course"
cuda: str | None = None
hip: str | None = None
debug = False
