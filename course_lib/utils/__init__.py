"""torch.utils: checkpointing and helpers; each part is loaded when it is first used."""

from __future__ import annotations

import importlib

_SUBMODULES = {"_pytree", "checkpoint", "data", "dlpack", "hooks", "model_zoo", "safetensors"}


def __getattr__(name: str):
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'torch.utils' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
