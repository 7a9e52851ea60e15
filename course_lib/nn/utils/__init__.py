"""torch.nn.utils: what is done to parameters and modules from outside."""

from __future__ import annotations

from . import rnn

__all__ = ["rnn"]
