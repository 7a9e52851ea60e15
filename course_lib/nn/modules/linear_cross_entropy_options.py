"""LinearCrossEntropyOptions: how PyTorch's LinearCrossEntropyLoss splits its work to save memory.

The library computes the loss in one piece; it checks the options and keeps them, the result does not depend on them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...dtypes import bfloat16, dtype, float16, float32, float64

_POLICIES = ("accurate", "balanced", "compact", "auto")
_DTYPES = (float16, bfloat16, float32, float64)


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """LinearCrossEntropyOptions(allow_retain_graph=False, batch_chunk_size=None, chunking_method='auto',
    acc_policy='auto', acc_dtype=None): accepted by `linear_cross_entropy`. ValueError for unknown settings.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LinearCrossEntropyOptions.html
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: dtype | None = None

    def __post_init__(self) -> None:
        size, method = self.batch_chunk_size, self.chunking_method
        if size is not None and size <= 0:
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size}")
        if method not in (None, "auto") and not re.fullmatch(r"aspect_ratio(:\d+)?", method):
            raise ValueError(f"invalid chunking_method: {method!r}")
        if self.acc_policy not in _POLICIES:
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.acc_dtype is not None and self.acc_dtype not in _DTYPES:
            known = ", ".join(map(repr, _DTYPES))
            raise ValueError(
                f"acc_dtype must be one of {{None, {known}}}, got {self.acc_dtype}. Pass acc_dtype=None to let the op "
                "pick automatically."
            )
