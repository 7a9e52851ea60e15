"""torch.utils.dlpack: memory shared with arrays of other libraries."""

from __future__ import annotations

from ..ops.interchange import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
