"""torch.nn.functional: the functions that layers are made of, without parameters of their own.

They are declared in ops/ (activation, softmax, dropout, linear, conv, pool, norm, loss, …) and only published here.
"""

from __future__ import annotations

from ..ops import FUNCTIONS

globals().update(FUNCTIONS["nn.functional"])

__all__ = sorted(FUNCTIONS["nn.functional"])
