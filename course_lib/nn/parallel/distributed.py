"""DistributedDataParallel: one model trained by several processes; its constructor says that there is only one."""

from __future__ import annotations

from ...distributed import needs_process_group
from ..modules.module import Module


class DistributedDataParallel(Module):
    """A module whose gradients are averaged over the processes of a group: ValueError, because no group exists here.

    `isinstance(model, DistributedDataParallel)` is the part of it that programs for one process use.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parallel.DistributedDataParallel.html
    """

    def __init__(self, module: Module, *args, **named):
        super().__init__()
        raise needs_process_group()


__all__ = ["DistributedDataParallel"]
