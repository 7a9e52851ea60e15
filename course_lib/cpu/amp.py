"""torch.cpu.amp: older spellings of torch.amp."""

from .. import dtypes
from ..amp.deprecated import spellings

_MADE = spellings("cpu", dtypes.bfloat16)
autocast, GradScaler = _MADE["autocast"], _MADE["GradScaler"]

__all__ = ["GradScaler", "autocast"]
