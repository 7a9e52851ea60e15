"""What a program asks of the GPU, call by call: how many launches, copies and waits a training step costs.

    with watched() as seen:      # the stand-in, with kernels that do nothing, is now CuPy
        step()
    seen.counts                  # {"kernel": 12, "gemm": 6, "array": 3, "copy": 0, "upload": 0, "wait": 0, …}

Kernels do nothing here, so the numbers are wrong and the calls are right. A call of the array module counts once, even
if CuPy would launch two kernels for it; what only looks into memory or reserves it counts as "view". Calls that make
the host wait for the GPU are "wait", and an error where they are forbidden, as is what brings numbers from the host.
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
from intercepted import arrays_in, intercepted, new_arrays, uploads, waits

from course_lib.backends import cuda

_GEMM = {"matmul", "dot", "tensordot", "einsum", "inner", "vdot", "__matmul__"}
_COPY = {"astype", "copy", "ascontiguousarray", "asfortranarray", "array", "asarray", "__setitem__", "copyto"}
_EMPTY = {"empty", "empty_like", "ndarray"}


class Seen:
    """The calls of a program: kinds, names, places in the library, and the time inside them."""

    def __init__(self, waits_allowed: bool):
        self.waits_allowed, self.busy, self.inside, self.places_wanted = waits_allowed, False, 0.0, False
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
        if kind in ("wait", "upload") and not self.waits_allowed:
            why = "waits for the GPU" if kind == "wait" else "brings numbers from the host"
            raise AssertionError(f"{name}() {why}")
        self.calls.append((kind, name, _place() if self.places_wanted else ""))


def _place() -> str:
    """The function of the library, not of its backends, in which the call stands."""
    frame = sys._getframe(4)
    while frame is not None:
        if re.search(r"course_lib.(ops|nn|optim|autograd|tensor|random)", frame.f_code.co_filename):
            return frame.f_code.co_qualname.replace(".<locals>", "")
        frame = frame.f_back
    return "elsewhere"


def _kind(name: str, args, made) -> str:
    """What a call was, from its name, its operands and its result."""
    if waits(name, args):
        return "wait"
    if name in _EMPTY:
        return "view"
    if name in _GEMM:
        return "gemm"
    if uploads(name, args):
        return "upload"
    if name.startswith("__i") or name == "__setitem__":
        return "copy" if name == "__setitem__" else "array"
    if made is None:
        return "array"  # into `out`
    if not new_arrays(made, arrays_in(args)):
        return "view"
    return "copy" if name in (*_COPY, "reshape", "ravel") else "array"


def _timed(seen: Seen, function: property) -> property:
    """A property whose time counts as the stand-in's."""

    def get(array):
        started = time.perf_counter()
        made = function.fget(array)
        if not seen.busy:
            seen.inside += time.perf_counter() - started
        return made

    return property(get)


def _gemm(seen: Seen, name: str):
    """A function of cuBLAS that does nothing."""

    def call(*args):
        started = time.perf_counter()
        seen.note("gemm", name)
        seen.inside += time.perf_counter() - started

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
    blas = types.SimpleNamespace(**vars(module.cuda.cublas))
    for name in ("gemmEx", "gemmStridedBatchedEx", "sdot", "ddot", "cdotu", "zdotu"):
        setattr(blas, name, _gemm(seen, name))
    blas.setPointerMode = blas.setMathMode = lambda *args: None
    module.cuda = types.SimpleNamespace(**{**vars(module.cuda), "runtime": runtime, "cublas": blas})

    def around(name: str, function, args, named):
        started, seen.busy = time.perf_counter(), True
        try:
            made = function(*args, **named)
            out = named.get("out")
            seen.note(_kind(name, args, made if out is None else None), name)
            return made
        finally:
            seen.inside += time.perf_counter() - started
            seen.busy = False

    places = [(cupy_on_numpy.ndarray, name) for name in ("data", "device", "flags")]
    places.append((cupy_on_numpy.MemoryPointer, "ptr"))
    properties = [(place, name, vars(place)[name]) for place, name in places]
    for place, name, member in properties:
        setattr(place, name, _timed(seen, member))
    cuda.use(module)
    try:
        with np.errstate(all="ignore"), intercepted(module, around):
            yield seen
    finally:
        cuda.use(None)
        for place, name, member in properties:
            setattr(place, name, member)
