"""torch.nn.attention: which kernel scaled_dot_product_attention uses.

PyTorch chooses between several; this library has one, which gives the same numbers. The choice is accepted and changes
nothing.
"""

from __future__ import annotations

import contextlib
import enum

from . import bias

__all__ = ["SDPBackend", "bias", "sdpa_kernel"]


class SDPBackend(enum.Enum):
    """The kernels of PyTorch's scaled_dot_product_attention.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.attention.SDPBackend.html
    """

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __int__(self) -> int:
        return self.value


@contextlib.contextmanager
def sdpa_kernel(backends: list[SDPBackend] | SDPBackend, set_priority: bool = False):
    """A context, or decorator, in which attention may use these kernels only: accepted, without effect.

    AssertionError for what is neither an SDPBackend nor a list of them.

    >>> import course_lib as torch
    >>> from course_lib.nn.attention import SDPBackend, sdpa_kernel
    >>> with sdpa_kernel(SDPBackend.MATH):
    ...     torch.nn.functional.scaled_dot_product_attention(*torch.ones(3, 2, 4)).shape
    torch.Size([2, 4])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.attention.sdpa_kernel.html
    """
    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
            f"{type(backends).__name__}"
        )
    yield {}
