"""torch.nn: neural networks. Layers lie in modules/, what they compute in functional.py, initial weights in init.py."""

from __future__ import annotations

from . import attention, functional, init, modules, parameter, utils
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

globals().update({name: getattr(modules, name) for name in modules.__all__})  # torch.nn.Linear, …

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "attention",
    "functional",
    "init",
    "modules",
    "parameter",
    "utils",
    *modules.__all__,
]
