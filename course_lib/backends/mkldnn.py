"""torch.backends.mkldnn: oneDNN, which this library does not use."""

from __future__ import annotations

from .switches import make_switch_module

enabled, deterministic, allow_tf32 = True, False, True
make_switch_module(__name__)


def is_available() -> bool:
    """False: the library does not use it."""
    return False
