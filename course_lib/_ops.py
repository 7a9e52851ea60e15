"""torch.ops.mylib.sin: operations by namespace and name, those of torch.library and `aten`, PyTorch's own.

The package `ops/` stands at the same name; it sends what it does not know here.

Source: https://docs.pytorch.org/docs/stable/library.html
"""

from __future__ import annotations

import functools
import types

from .library import OPS
from .ops import FUNCTIONS
from .tensor import Tensor


class _Aten:
    """An operation of the library under the name that PyTorch's dispatcher gives it, with its overloads."""

    def __init__(self, name: str, function):
        self.__name__, self._function = name, function

    def __call__(self, *args, **kwargs):
        return self._function(*args, **kwargs)

    def __getattr__(self, overload: str):
        if overload.startswith("__"):
            raise AttributeError(overload)
        return _Aten(f"{self.__name__}.{overload}", self._function)

    def __str__(self) -> str:
        return f"aten.{self.__name__}"

    __repr__ = __str__


class _OpNamespace(types.ModuleType):
    """The operations of one namespace, found when asked for."""

    def __getattr__(self, name: str):
        space = self.__name__.rpartition(".")[2]
        found = _aten(name) if space == "aten" else OPS.get(space, {}).get(name)
        if found is None:
            raise AttributeError(f"'_OpNamespace' '{space}' object has no attribute '{name}'")
        return found


def _aten(name: str) -> _Aten | None:
    for place in (FUNCTIONS["torch"], FUNCTIONS["nn.functional"], vars(Tensor), FUNCTIONS["linalg"]):
        found = place.get(name) or place.get(name.removeprefix("linalg_"))
        if callable(found):
            return _Aten(name, found)
    return None


@functools.cache
def namespace(name: str) -> _OpNamespace:
    """`torch.ops.NAME`."""
    return _OpNamespace(f"torch.ops.{name}")


def load_library(path) -> None:
    """RuntimeError: a library of C++ operations is made for PyTorch's own tensors."""
    raise RuntimeError(f"{path} cannot be loaded: operations written in C++ are made for PyTorch's own tensors")
