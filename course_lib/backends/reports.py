"""What kernels report to the host without its waiting for them: an index that lies outside an array.

The kernels write into a few numbers of the host's own memory (kernels/places.cuh). They are looked at whenever the host
has waited for the GPU anyway: when a value is read, or at `torch.cuda.synchronize()`. So the error comes later than the
call that was given the index; with CUDA_LAUNCH_BLOCKING=1 in the environment each launch is waited for and looked at.
"""

from __future__ import annotations

import os

import numpy as np

from ..errors import AcceleratorError
from . import GPU


class Report:
    """The numbers [1 if something was found, the index, the length of the dimension]."""

    def __init__(self):
        self._memory = GPU.module.cuda.alloc_pinned_memory(4 * 8)  # every GPU can write there
        self._numbers = np.frombuffer(self._memory, np.int64, 4)
        self._numbers[...] = 0
        self.address = np.uint64(self._memory.ptr)  # what a kernel is given

    def look(self) -> None:
        """AcceleratorError if a kernel that is done has found something; each is told once."""
        if self._numbers[0]:
            self._numbers[0] = 0
            raise AcceleratorError(
                f"CUDA error: device-side assert triggered (index {self._numbers[1]} is out of bounds for a dimension "
                f"of size {self._numbers[2]})\n"
                "What a kernel finds is reported when the GPU is next waited for, so the line that is named here may "
                "not be the one with the wrong index. For debugging, set CUDA_LAUNCH_BLOCKING=1 in the environment."
            )


def report() -> Report:
    """The report that kernels write to."""
    if GPU.report is None:
        GPU.report = Report()
    return GPU.report


def look_at_once() -> None:
    """After a launch: what it has found, if launches are waited for."""
    if os.environ.get("CUDA_LAUNCH_BLOCKING") == "1":
        GPU.report.look()
