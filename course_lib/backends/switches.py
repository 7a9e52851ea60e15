"""Settings of `torch.backends`: names with a value that a program may read and set; a name nobody knows is an error."""

from __future__ import annotations

import contextlib
import sys
import types


class Switches:
    """An object with the given settings as attributes."""

    def __init__(self, **settings):
        object.__setattr__(self, "_settings", settings)

    def __getattr__(self, name: str):
        try:
            return object.__getattribute__(self, "_settings")[name]
        except KeyError:
            raise AttributeError(f"Unknown attribute {name}") from None

    def __setattr__(self, name: str, value) -> None:
        if name not in self._settings:
            raise AttributeError(f"Unknown attribute {name}")
        self._settings[name] = value

    def __dir__(self) -> list[str]:
        return sorted(self._settings)


class SwitchModule(types.ModuleType):
    """A module some of whose names are settings: they may be set, and `flags` sets them for a block."""

    @contextlib.contextmanager
    def flags(self, **wanted):
        """A context manager: inside, the settings given have these values."""
        before = {name: getattr(self, name) for name in wanted}
        for name, value in wanted.items():
            setattr(self, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)


def make_switch_module(name: str) -> None:
    """Let the settings of a module be set for a block by its `flags(…)`."""
    sys.modules[name].__class__ = SwitchModule
