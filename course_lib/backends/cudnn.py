"""torch.backends.cudnn: CuPy has no cuDNN, so these settings are accepted and change nothing.

`with torch.backends.cudnn.flags(benchmark=True):` sets them for a block.

Source: https://docs.pytorch.org/docs/stable/backends.html
"""

from __future__ import annotations

from .switches import Switches, make_switch_module

enabled, benchmark, deterministic, allow_tf32 = True, False, False, True
benchmark_limit, fp32_precision = 10, "none"
conv, rnn = Switches(fp32_precision="tf32"), Switches(fp32_precision="tf32")
make_switch_module(__name__)


def is_available() -> bool:
    """False: convolutions are computed by the library's own kernels."""
    return False


def version() -> int | None:
    """None: there is no cuDNN."""
    return None


def is_acceptable(tensor) -> bool:
    """Whether cuDNN could compute with this tensor: never."""
    return False
