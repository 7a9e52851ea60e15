"""torch.utils.hooks: what registering a hook returns."""

from __future__ import annotations

from ..autograd.node import RemovableHandle

__all__ = ["RemovableHandle"]
