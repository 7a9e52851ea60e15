"""A small torchvision: `import course_lib.vision as torchvision` gives datasets, transforms, models and utils.

Names, arguments, random draws and the keys of state dicts are torchvision's; it holds what classifiers of images need.
"""

from __future__ import annotations

import importlib

__version__ = "0.28.0+course"  # the torchvision release that goes with the PyTorch this library follows
_SUBMODULES = {"datasets", "io", "models", "transforms", "utils"}


def __getattr__(name: str):
    if name in _SUBMODULES:  # loaded when first used
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'torchvision' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
