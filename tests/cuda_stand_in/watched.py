"""What a program asks of the GPU, call by call: how many launches, copies and waits a training step costs.

    with watched() as seen:      # the stand-in, with kernels that do nothing, is now CuPy
        step()
    seen.counts                  # {"kernel": 12, "gemm": 6, "array": 3, "copy": 0, "upload": 0, "wait": 0, …}

Kernels do nothing here, so the numbers are wrong and the calls are right. A call of the array module counts once, even
if CuPy would launch two kernels for it; what only looks into memory or reserves it counts as "view". Calls that make
the host wait for the GPU are "wait", and an error where they are forbidden.
"""

from __future__ import annotations

import contextlib
import re
import sys
import time
import types
from collections import Counter

import cupy_on_numpy
import numpy as np

from course_lib.backends import cuda

_GEMM = {"matmul", "dot", "tensordot", "einsum", "inner", "vdot", "__matmul__"}
_COPY = {"astype", "copy", "ascontiguousarray", "asfortranarray", "array", "asarray", "__setitem__", "copyto"}
_WAIT = {"get", "item", "tolist", "__bool__", "__int__", "__float__", "__complex__", "__index__", "asnumpy", "nonzero",
         "argwhere", "flatnonzero", "unique", "bincount", "histogram", "array_equal", "allclose"}  # fmt: skip
_EMPTY = {"empty", "empty_like", "ndarray"}
_METHODS = {
    *[f"__{form}{name}__" for name in cupy_on_numpy._OPERATORS for form in ("", "r", "i")],
    *[f"__{name}__" for name in ("eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert", "getitem",
                                 "setitem", "bool", "int", "float", "complex", "index")],
    *cupy_on_numpy._NAMES["ndarray"], "get", "set", "item", "tolist",
}  # fmt: skip


class Seen:
    """The calls of a program: kinds, names, places in the library, and the time inside them."""

    def __init__(self, waits_allowed: bool):
        self.waits_allowed, self.on, self.inside, self.places_wanted = waits_allowed, True, 0.0, False
        self.calls: list[tuple[str, str, str]] = []  # kind, name, place

    @property
    def counts(self) -> dict[str, int]:
        """How many calls of each kind."""
        return dict(Counter(kind for kind, _, _ in self.calls))

    @property
    def launches(self) -> int:
        """How many calls give the GPU work."""
        return sum(kind not in ("view", "wait") for kind, _, _ in self.calls)

    def clear(self) -> None:
        self.calls, self.inside = [], 0.0

    def note(self, kind: str, name: str) -> None:
        if kind == "wait" and not self.waits_allowed:
            raise AssertionError(f"{name}() waits for the GPU")
        self.calls.append((kind, name, _place() if self.places_wanted else ""))


def _place() -> str:
    """The function of the library, not of its backends, in which the call stands."""
    frame = sys._getframe(3)
    while frame is not None:
        if re.search(r"course_lib.(ops|nn|optim|autograd|tensor|random)", frame.f_code.co_filename):
            return frame.f_code.co_qualname.replace(".<locals>", "")
        frame = frame.f_back
    return "elsewhere"


def _kind(name: str, args, made) -> str:
    """What a call was, from its name, its operands and its result."""
    if name in _WAIT:
        return "wait"
    if name in _EMPTY:
        return "view"
    if name in _GEMM:
        return "gemm"
    if name in ("asarray", "array", "set") and not isinstance(args[0], cupy_on_numpy.ndarray):
        return "upload"
    if name == "__getitem__" and _has_mask(args[1]):
        return "wait"
    if name.startswith("__i") or name == "__setitem__":
        return "copy" if name == "__setitem__" else "array"
    first = made[0] if isinstance(made, (tuple, list)) and made else made
    if not isinstance(first, cupy_on_numpy.ndarray):
        return "view"  # result_type, shares_memory, …
    given = [a for a in args if isinstance(a, cupy_on_numpy.ndarray)]
    if any(first is a for a in given) or (first.base is not None or first._host.base is not None):
        return "view"
    return "copy" if name in (*_COPY, "reshape", "ravel") else "array"


def _has_mask(index) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(p, cupy_on_numpy.ndarray) and p.dtype == bool for p in parts)


def _watched(seen: Seen, name: str, function):
    def call(*args, **named):
        if not seen.on:
            return function(*args, **named)
        seen.on = False
        started = time.perf_counter()
        try:
            made = function(*args, **named)
            if "out" in named and named["out"] is not None:
                seen.note(_kind(name, args, None) if name in _GEMM else "array", name)
            else:
                seen.note(_kind(name, args, made), name)
            return made
        finally:
            seen.inside += time.perf_counter() - started
            seen.on = True

    return call


class _Kernels:
    """`RawModule` whose kernels do nothing."""

    def __init__(self, seen: Seen):
        self.seen = seen

    def __call__(self, code, *, options=()):
        return self

    def get_function(self, name: str):
        seen = self.seen

        def launch(grid, block, arguments, *, shared_mem=0):
            started = time.perf_counter()
            assert all(isinstance(a, (cupy_on_numpy.ndarray, np.generic)) for a in arguments), arguments
            seen.note("kernel", name)
            seen.inside += time.perf_counter() - started

        return launch


@contextlib.contextmanager
def watched(waits_allowed: bool = True, places: bool = False):
    """The stand-in as CuPy, all of its calls noted."""
    seen = Seen(waits_allowed)
    seen.places_wanted = places
    module = types.ModuleType("watched_cupy")
    module.__dict__.update(vars(cupy_on_numpy.module()), RawModule=_Kernels(seen))
    runtime = types.SimpleNamespace(**{**vars(module.cuda.runtime), "getDeviceCount": lambda: 1})
    module.cuda = types.SimpleNamespace(**{**vars(module.cuda), "runtime": runtime})
    for name, value in vars(module).items():
        if callable(value) and not isinstance(value, type) and name not in ("get_default_memory_pool", "RawModule"):
            wrapped = value if name.startswith("_") else _watched(seen, name, value)
            if isinstance(value, cupy_on_numpy.ufunc):
                wrapped.__name__, wrapped.nin, wrapped.nout = value.__name__, value.nin, value.nout
                for method in ("reduce", "accumulate", "at", "outer"):
                    setattr(wrapped, method, _watched(seen, f"{name}.{method}", getattr(value, method)))
            module.__dict__[name] = wrapped
    own = vars(cupy_on_numpy.ndarray)
    kept = {name: own[name] for name in _METHODS if isinstance(own.get(name), types.FunctionType)}
    for name, method in kept.items():
        setattr(cupy_on_numpy.ndarray, name, _watched(seen, name, method))
    cuda.use(module)
    try:
        with np.errstate(all="ignore"):
            yield seen
    finally:
        cuda.use(None)
        for name, method in kept.items():
            setattr(cupy_on_numpy.ndarray, name, method)
