"""`import torch` gives course_lib: programs that were written for PyTorch run as they are.

    python -m course_lib train.py --epochs 3      a program, with its arguments
    python -m course_lib -m package.train         a module
    course_lib.as_torch.install()                 from here on in this process, before anything imports torch

`torch.nn` is `course_lib.nn`, and so on; `torchvision` is `course_lib.vision`. A package that has no counterpart
(`torch.fx`) is missing, with Python's ModuleNotFoundError.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys

_PACKAGES = {"torch": "course_lib", "torchvision": "course_lib.vision"}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `torch.nn` as the module `course_lib.nn`, which then has both names."""

    def find_spec(self, name: str, path=None, target=None):
        package, dot, rest = name.partition(".")
        if package not in _PACKAGES:
            return None
        real = _PACKAGES[package] + dot + rest
        if importlib.util.find_spec(real) is None:
            return None
        spec = importlib.machinery.ModuleSpec(name, self, origin=real)
        spec.submodule_search_locations = []  # so that it may have modules inside
        return spec

    def create_module(self, spec):
        module = importlib.import_module(spec.origin)
        spec.loader_state = module.__spec__, hasattr(module, "__path__")
        return module

    def exec_module(self, module) -> None:
        module.__spec__, is_package = module.__spec__.loader_state  # the import system has written the alias into it
        if not is_package:
            del module.__path__


def install() -> None:
    """Let `import torch` give course_lib. RuntimeError if PyTorch itself is in use in this process."""
    import course_lib

    loaded = sys.modules.get("torch")
    if loaded is course_lib:
        return
    if loaded is not None:
        raise RuntimeError(
            "PyTorch itself has been imported in this process; call course_lib.as_torch.install() before anything that "
            "uses torch, or run the program with: python -m course_lib program.py"
        )
    sys.meta_path.insert(0, _Finder())
    importlib.import_module("torch")
