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
        self.waits_allowed, self.busy, self.places_wanted = waits_allowed, False, False
        self.inside, self.reads = 0.0, 0  # CPU seconds in the stand-in, and reads of its properties
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
        self.calls, self.inside, self.reads = [], 0.0, 0

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
        if seen.busy:
            return function.fget(array)
        started, seen.busy = time.thread_time(), True
        made = function.fget(array)
        seen.busy = False
        seen.reads += 1
        seen.inside += time.thread_time() - started
        return made

    return property(get)


def _gemm(seen: Seen, name: str):
    """A function of cuBLAS that does nothing."""

    def call(*args):
        started = time.thread_time()
        seen.note("gemm", name)
        seen.inside += time.thread_time() - started

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
            started = time.thread_time()
            seen.note("kernel", name)
            seen.inside += time.thread_time() - started

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
        started, seen.busy = time.thread_time(), True
        try:
            made = function(*args, **named)
            out = named.get("out")
            seen.note(_kind(name, args, made if out is None else None), name)
            return made
        finally:
            seen.inside += time.thread_time() - started
            seen.busy = False

    def occupy(array) -> None:  # without a count of what is freed, which would happen outside of the stand-in's calls
        for hook in cupy_on_numpy._hooks:
            hook.malloc_postprocess(device_id=0, size=array.nbytes, mem_size=array.nbytes, mem_ptr=0, pmem_id=0)

    places = [(cupy_on_numpy.ndarray, name) for name in ("data", "device", "flags")]
    places.append((cupy_on_numpy.MemoryPointer, "ptr"))
    replaced = [(place, name, vars(place)[name], _timed(seen, vars(place)[name])) for place, name in places]
    replaced.append((cupy_on_numpy, "_occupy", cupy_on_numpy._occupy, occupy))
    for place, name, _, member in replaced:
        setattr(place, name, member)
    hooks = cupy_on_numpy._hooks[:]
    cuda.use(module)
    try:
        with np.errstate(all="ignore"), intercepted(module, around):
            yield seen
    finally:
        cuda.use(None)
        cupy_on_numpy._hooks[:] = hooks
        for place, name, member, _ in replaced:
            setattr(place, name, member)
