"""Errors that have a class of their own in PyTorch."""

from __future__ import annotations

import sys
import warnings


class OutOfMemoryError(RuntimeError):
    """The GPU has no memory left for a new tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.OutOfMemoryError.html
    """


class AcceleratorError(RuntimeError):
    """A device reported an error."""


OutOfMemoryError.__module__ = AcceleratorError.__module__ = "torch"


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """A warning at the line of the program that called the library, however deep inside it the reason was found."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
