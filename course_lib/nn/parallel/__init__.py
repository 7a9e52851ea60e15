"""torch.nn.parallel: modules on several devices. This library computes on one: the module runs there."""

from __future__ import annotations

from .data_parallel import DataParallel, data_parallel

__all__ = ["DataParallel", "data_parallel"]
