"""Stream capture for the stand-in: what a stream would get is written down, and done when the graph is launched.

As on a GPU, nothing is computed while a stream is captured: what calls give is filled with bytes that are no numbers,
and what they would change stays as it was. What waits for the GPU, copies from the host, compiles, or calls cuBLAS by
CuPy's bindings is an error; so is memory that does not come from a pool of the graph's own.
"""

from __future__ import annotations

import contextlib
import types

import cublas_on_numpy
import cupy_on_numpy
import numpy as np
from intercepted import arrays_in, intercepted, new_arrays, uploads, waits

_REFUSED = "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing"
_state: dict = {"graph": None, "pool": None}


class CUDARuntimeError(RuntimeError):
    """What CuPy raises where the runtime refuses."""


class Graph:
    """What was written down; each step is a function without arguments."""

    def __init__(self):
        self.steps: list = []
        self.broken = False

    def launch(self, stream=None) -> None:
        assert _state["graph"] is None, "a graph was launched while another one is captured"
        for step in self.steps:
            step()

    def debug_dot_str(self, flags=None) -> str:
        return "digraph { " + " ".join(f"step{i};" for i in range(len(self.steps))) + " }"


def refuse() -> None:
    """An operation that a captured stream does not take; the capture is lost."""
    if _state["graph"] is not None:
        _state["graph"].broken = True
        raise CUDARuntimeError(_REFUSED)


def _record(name: str, function, args, named):
    """Write a call down; its operands stay as they are, its results hold no numbers yet."""
    if waits(name, args) or uploads(name, args):
        refuse()
    given = arrays_in((*args, *named.values()))
    before = [(array, array._host.copy()) for array in given if array._host.flags.writeable]
    made = function(*args, **named)
    for array, numbers in before:
        array._host[...] = numbers
    results = new_arrays(made, given)
    for array in results:
        assert _state["pool"] is not None, f"{name}() took memory outside of the graph's pool"
        if array._host.flags.c_contiguous:
            array._host.reshape(-1).view(np.uint8).fill(0xFF)

    def again() -> None:
        for array, new in zip(results, new_arrays(function(*args, **named), given), strict=True):
            array._host[...] = new._host

    if name not in ("empty", "empty_like", "ndarray"):
        _state["graph"].steps.append(again)
    return made


class _Library:
    """libcublas.so: the functions that backends/cublas.py calls; while a stream is captured they are written down."""

    def __init__(self, bindings: cublas_on_numpy.Bindings):
        self._bindings, self.stream, self.workspace = bindings, None, 0

    def cublasSetStream_v2(self, handle, stream) -> int:
        self.stream, self.workspace = stream, 0
        return 0

    def cublasSetWorkspace_v2(self, handle, memory, size) -> int:
        assert memory % 256 == 0 and size >= 1 << 20
        self.workspace = memory
        return 0

    def cublasGemmEx(self, *arguments) -> int:
        return self._written_down(self._bindings.gemmEx, arguments)

    def cublasGemmStridedBatchedEx(self, *arguments) -> int:
        return self._written_down(self._bindings.gemmStridedBatchedEx, arguments)

    def _written_down(self, function, arguments) -> int:
        assert self.workspace, "cuBLAS would take memory of its own for the graph"
        assert self.stream == cupy_on_numpy._streams[-1].ptr, "cuBLAS works on another stream"
        owners = list(cublas_on_numpy._asked)  # the addresses stay good as long as their arrays live
        kept = [owner() for owner, _ in owners]

        def again() -> None:
            cublas_on_numpy._asked.extend(owners)
            assert kept
            function(*arguments)

        _state["graph"].steps.append(again)
        return 0


class _Capturing:
    """`cupy.cuda.cublas` while a stream is captured."""

    def __getattr__(self, name: str):
        if name.startswith("CUBLAS"):
            return cublas_on_numpy.CONSTANTS[name]
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")


class _Pool(cupy_on_numpy._Pool):
    """`cupy.cuda.MemoryPool`."""

    def malloc(self, size: int):
        raise AssertionError("arrays of the stand-in take their memory elsewhere")


@contextlib.contextmanager
def _using_allocator(malloc):
    before, _state["pool"] = _state["pool"], malloc.__self__
    try:
        yield
    finally:
        _state["pool"] = before


def _alloc(size: int):
    """`cupy.cuda.alloc`."""
    memory = np.empty(size + 256, np.uint8)
    start = -memory.ctypes.data % 256
    return cupy_on_numpy.MemoryPointer(memory, start, cupy_on_numpy._device[-1])


def attach(monkeypatch, module: types.ModuleType, kernel_class=None) -> _Library:
    """Put stream capture into a stand-in; kernels are written down like functions. Gives the stand-in's libcublas."""
    cuda, blas = module.cuda, module.cuda.cublas
    for place, name, value in ((cuda.runtime, "streamCaptureModeRelaxed", 2), (cuda, "MemoryPool", _Pool),
                               (cuda.runtime, "runtimeGetVersion", lambda: 13000), (cuda, "alloc", _alloc),
                               (cuda, "using_allocator", _using_allocator)):  # fmt: skip
        monkeypatch.setattr(place, name, value, raising=False)

    def begin_capture(stream, mode=None) -> None:
        assert stream.ptr and mode == 2 and cupy_on_numpy._streams[-1] is stream
        _state["graph"], inside = Graph(), contextlib.ExitStack()
        inside.enter_context(intercepted(module, _record))
        cuda.cublas = _Capturing()
        inside.callback(setattr, cuda, "cublas", blas)
        if kernel_class is not None:
            run = kernel_class.__call__
            kernel_class.__call__ = _kernel_written_down(run)
            inside.callback(setattr, kernel_class, "__call__", run)
        _state["inside"] = inside

    def end_capture(stream) -> Graph:
        _state.pop("inside").close()
        made, _state["graph"] = _state["graph"], None
        if made.broken:
            raise CUDARuntimeError("cudaErrorStreamCaptureInvalidated: operation failed due to a previous error "
                                   "during capture")  # fmt: skip
        return made

    for name, method in (("begin_capture", begin_capture), ("end_capture", end_capture),
                         ("is_capturing", lambda stream: _state["graph"] is not None),
                         ("synchronize", lambda stream: refuse())):  # fmt: skip
        monkeypatch.setattr(cuda.Stream, name, method, raising=False)
    for waiting in (cuda.Device, cuda.Event):
        monkeypatch.setattr(waiting, "synchronize", lambda self: refuse())
    return _Library(blas)


def _kernel_written_down(run):
    def call(kernel, grid, block, arguments, **named) -> None:
        _state["graph"].steps.append(lambda: run(kernel, grid, block, arguments, **named))

    return call
