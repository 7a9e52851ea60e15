"""torch.cuda.amp: older spellings of torch.amp."""

from .. import dtypes
from ..amp.deprecated import spellings

_MADE = spellings("cuda", dtypes.float16)
autocast, GradScaler = _MADE["autocast"], _MADE["GradScaler"]
custom_fwd, custom_bwd = _MADE["custom_fwd"], _MADE["custom_bwd"]

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]
