"""torch.testing: `assert_close` compares tensors within a tolerance, `make_tensor` fills one with random values."""

from __future__ import annotations

from .comparison import assert_allclose, assert_close
from .creation import make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]
