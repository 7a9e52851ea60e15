"""How windows slide over the last dimensions of an array: what the ops that have windows tell the kernels."""

from __future__ import annotations

from typing import NamedTuple


class Sliding(NamedTuple):
    """A number for each dimension. `padding` is what lies before the input; the number of windows says the rest."""

    kernel: tuple
    stride: tuple
    padding: tuple
    dilation: tuple
