"""Errors that have a class of their own in PyTorch."""

from __future__ import annotations


class OutOfMemoryError(RuntimeError):
    """The GPU has no memory left for a new tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.OutOfMemoryError.html
    """


class AcceleratorError(RuntimeError):
    """A device reported an error."""


OutOfMemoryError.__module__ = AcceleratorError.__module__ = "torch"
