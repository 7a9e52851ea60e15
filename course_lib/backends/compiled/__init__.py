"""Kernels compiled by Numba: loops that NumPy does slowly. They are optional, and give the same numbers.

`kernel("random.poisson_row", saves)` gives the function `poisson_row` of random.py in this folder, compiled, or None:
then the caller goes NumPy's way. None means that Numba is not installed, that it cannot compile here, or that loading
it does not pay yet: it takes half a second, and `saves` says how many seconds this call would gain (loading.py has the
rule). A kernel is compiled once on a machine (about a second) and kept in a folder of the user's; `NUMBA_CACHE_DIR`
names another folder, and `NUMBA_DISABLE_JIT=1` switches all kernels off.

A kernel is declared in its file with `@declare("void(float32[::1])")`, the types of its arguments as Numba writes them.
What differs from Numba's defaults stands in OPTIONS, once.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..loading import Loading

# error_model: a division by zero gives inf or nan, as in NumPy; a check for it would forbid vector instructions.
# nogil: other Python threads go on. No fastmath: it would change the last digits.
OPTIONS = {"error_model": "numpy", "nogil": True}

# What it takes to import Numba, and to fetch one kernel from the disk.
SECONDS = {"when it pays": (0.5, 0.02), "at once": (0.0, 0.0), "never": (math.inf, math.inf)}

FOLDERS_KEPT = 8  # of former states of the source

_kernels: dict[str, Callable | None] = {}
_loading: dict[str, Loading] = {}  # Numba's and each kernel's


def load_kernels(when: str) -> None:
    """Choose when kernels are loaded: "when it pays" (so it is at the start), "at once" or "never"; forget them all."""
    global _kernel_seconds
    _kernels.clear()
    _loading.clear()
    import_seconds, _kernel_seconds = SECONDS[when]
    _loading["numba"] = Loading(import_seconds, "numba")


load_kernels("when it pays")


def kernel(name: str, saves: float) -> Callable | None:
    """The compiled function "file.function", or None. `saves`: the seconds that this call would gain by it."""
    try:
        return _kernels[name]
    except KeyError:
        pass
    kernel_pays = _loading.setdefault(name, Loading(_kernel_seconds)).pays(saves)
    if not (_loading["numba"].pays(saves) and kernel_pays):
        return None
    return _kernels.setdefault(name, _load(name))


def _load(name: str) -> Callable | None:
    try:
        file, function = name.split(".")
        return getattr(importlib.import_module(f"{__name__}.{file}"), function).compiled()
    except Exception:  # Numba missing or broken: the caller gets the same numbers without this kernel, only later
        import logging

        logging.getLogger(__name__).debug("%s does without its kernel", name, exc_info=True)
        return None


class Declared(NamedTuple):
    """A Python function that can be compiled, and the types of its arguments."""

    function: Callable
    signature: str
    options: dict

    def compiled(self) -> Callable | None:
        """The machine code, from the disk if it is there; it takes arguments of the declared types only."""
        import numba

        if numba.config.DISABLE_JIT:
            return None
        given, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(cache_folder())  # read when a function is declared
        try:
            made = numba.njit(cache=True, **OPTIONS, **self.options)(self.function)
        except RuntimeError:  # no folder here can be written to
            made = numba.njit(**OPTIONS, **self.options)(self.function)
        finally:
            numba.config.CACHE_DIR = given
        made.compile(self.signature)
        made.disable_compile()
        return made


def declare(signature: str, **options) -> Callable[[Callable], Declared]:
    """Decorator: a function of this file is a kernel with arguments of these types; `options` are Numba's.

    Numba's cache does not tell a serial from a parallel kernel by their options: give such twins names of their own.
    """
    return lambda function: Declared(function, signature, options)


@functools.cache
def cache_folder() -> Path:
    """Where compiled kernels are kept: a folder of the user's, one for each state of the kernels' source.

    Numba notices a change in the file that holds a kernel, but not in the files whose functions the kernel calls.
    """
    import hashlib
    import shutil

    state = hashlib.sha256()
    for file in sorted(Path(__file__).parent.parent.rglob("*.py")):
        state.update(file.read_bytes())
    kept = _user_folder() / "course_lib" / "kernels"
    folder = kept / state.hexdigest()[:16]
    with contextlib.suppress(OSError):  # another process may be at it, too
        if not folder.exists():
            for old in sorted(kept.iterdir(), key=lambda path: path.stat().st_mtime)[:-FOLDERS_KEPT]:
                shutil.rmtree(old, ignore_errors=True)
    return folder


def _user_folder() -> Path:
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
