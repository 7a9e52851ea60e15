"""CUDA graphs: a step's launches are recorded once and from then on launched together, at the cost of one.

    with torch.cuda.graph(g):      # nothing runs: what the stream would get is written down, with its addresses
        y = model(x)
    x.copy_(new)                   # the graph reads and writes the same memory every time,
    g.replay()                     # so new inputs go where the old ones were, and y holds the new result

The memory of a graph's tensors comes from a pool of its own, so that nobody else gets it between replays. Captures run
in CUDA's relaxed mode, whatever `capture_error_mode` says: a new block for that pool may have to come from the driver.
A launch that draws random numbers finds the generator's seed and offset in memory, where each replay writes them.
"""

from __future__ import annotations

import contextlib
import gc
import itertools

import numpy as np

from .. import autograd
from ..autograd import Function
from ..backends import GPU
from ..backends import cuda as backend
from ..backends.cublas import Recorded
from ..tensor import Tensor
from .devices import is_available, synchronize
from .memory import empty_cache
from .streams import Stream, StreamContext, current_stream

_pools: dict[tuple[int, int], object] = {}  # CuPy's pool behind each handle that graphs may share
_numbers = itertools.count(1)
_MODES = ("global", "thread_local", "relaxed")


def is_current_stream_capturing() -> bool:
    """Whether the current stream's work is being written down for a graph.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.is_current_stream_capturing.html
    """
    if not is_available():
        raise RuntimeError("Tried to instantiate dummy base class _cuda_isCurrentStreamCapturing")
    return bool(backend.cupy().cuda.get_current_stream().is_capturing())


def graph_pool_handle() -> tuple[int, int]:
    """A name for a pool of memory that several graphs share, if they are replayed in the order of their capture.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.graph_pool_handle.html
    """
    if not is_available():
        raise RuntimeError("Tried to instantiate dummy base class _graph_pool_handle")
    return 0, next(_numbers)


class _Row:
    """The random numbers that a graph draws from one generator: where its launches look, and how many they take."""

    def __init__(self, stream):
        self.stream, self.used = stream, 0
        self.state = backend.cupy().empty(2, "u8")
        self.address = self.state.data.ptr

    def advance(self) -> None:
        """Tell a replay where the generator stands, and let it go on behind what the replay takes."""
        with self.stream._lock:
            now = np.array([self.stream.initial_seed, self.stream.offset], "u8")
            self.stream.offset += self.used
        self.state.set(now, stream=backend.cupy().cuda.get_current_stream())


class CUDAGraph:
    """Work on a GPU that was recorded and can be launched again and again.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.CUDAGraph.html
    """

    def __init__(self, keep_graph: bool = False):
        if not is_available():
            raise RuntimeError("Tried to instantiate dummy base class CUDAGraph")
        self._graph = self._pool = self._memory = self._blas = self._capture = None
        self._rows: dict = {}
        self.kept: list = []  # arrays of the host that replays copy

    def capture_begin(self, pool=None, capture_error_mode: str = "global", check_input_liveness: bool = False) -> None:
        """Begin to record the current stream; `torch.cuda.graph` does this, and what belongs around it."""
        if self._graph is not None:
            raise RuntimeError(
                "This CUDAGraph instance already owns a captured graph. To capture a new graph, create a new instance."
            )
        if capture_error_mode not in _MODES:
            raise RuntimeError(
                f"Unknown capture error mode. Expected `global`, `thread_local`, or `relaxed`, got {capture_error_mode}"
            )
        stream = backend.cupy().cuda.get_current_stream()
        if stream.ptr == 0:
            raise RuntimeError(
                "CUDA graphs must be captured on a non-default stream. (However, after capture, it's ok to replay them "
                "on the default stream.)"
            )
        cuda = backend.cupy().cuda
        memory = _pools.get(pool) or cuda.MemoryPool()
        if pool is not None:
            _pools[pool] = memory
        self._pool = pool
        self._capture = contextlib.ExitStack()
        self._capture.enter_context(cuda.using_allocator(memory.malloc))
        self._blas = GPU.blas = Recorded(stream)
        GPU.capture = self
        self._capture.callback(setattr, GPU, "blas", None)
        self._capture.callback(setattr, GPU, "capture", None)
        self._memory = memory
        stream.begin_capture(cuda.runtime.streamCaptureModeRelaxed)

    def capture_end(self) -> None:
        """End the recording."""
        if self._capture is None:
            raise RuntimeError("Called CUDAGraph::capture_end() without a preceding capture_begin()")
        with self._capture:
            self._capture = None
            try:
                self._graph = backend.cupy().cuda.get_current_stream().end_capture()
            except Exception as error:
                raise RuntimeError("CUDA error: operation failed due to a previous error during capture") from error

    def row_of(self, stream) -> _Row:
        """What the graph that is being captured draws from a generator's stream."""
        if stream not in self._rows:
            self._rows[stream] = _Row(stream)
        return self._rows[stream]

    def replay(self) -> None:
        """Launch the recorded work on the current stream."""
        if self._graph is None:
            raise RuntimeError("Called CUDAGraph::replay without a preceding successful capture.")
        for row in self._rows.values():
            row.advance()
        self._graph.launch(backend.cupy().cuda.get_current_stream())

    def pool(self) -> tuple[int, int]:
        """The handle of this graph's memory, for graphs that shall share it."""
        if self._graph is None:
            raise RuntimeError("Called CUDAGraph::pool() without a preceding successful capture.")
        self._pool = self._pool or graph_pool_handle()
        _pools[self._pool] = self._memory
        return self._pool

    def reset(self) -> None:
        """Forget the recorded work and its memory."""
        _pools.pop(self._pool, None)
        self._graph = self._blas = self._memory = self._pool = None
        self._rows.clear()
        self.kept.clear()

    def instantiate(self) -> None:
        """Make the recorded work ready to be launched; it is, once the capture has ended."""

    def enable_debug_mode(self) -> None:
        """Let `debug_dump` say more; it says all there is."""

    def raw_cuda_graph_exec(self) -> int:
        """The driver's handle of the graph that can be launched."""
        if self._graph is None:
            raise RuntimeError("Called CUDAGraph::raw_cuda_graph_exec without a preceding successful capture.")
        return self._graph.graphExec

    def debug_dump(self, debug_path: str) -> None:
        """Write the graph as a drawing for Graphviz."""
        if self._graph is None:
            raise RuntimeError("Called CUDAGraph::debug_dump without a preceding successful capture.")
        with open(debug_path, "w", encoding="utf-8") as file:
            file.write(self._graph.debug_dot_str())


class graph:
    """A context manager: what the block does on a stream of its own becomes the work of `cuda_graph`.

    Run the block a few times before: kernels that are first compiled, or libraries first loaded, inside a capture fail.
    What waits for the GPU (`item()`, `cpu()`, `nonzero()`) is an error inside.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.graph.html
    """

    default_capture_stream: Stream | None = None

    def __init__(self, cuda_graph: CUDAGraph, pool=None, stream: Stream | None = None,
                 capture_error_mode: str = "global", enable_annotations: bool = False,
                 check_input_liveness: bool = False):  # fmt: skip
        if stream is None:
            graph.default_capture_stream = graph.default_capture_stream or Stream()
            stream = graph.default_capture_stream
        self.cuda_graph, self.capture_stream = cuda_graph, stream
        self._begin = (pool, capture_error_mode)
        self._stream = StreamContext(stream)

    def __enter__(self) -> None:
        synchronize()
        gc.collect()
        empty_cache()
        self._stream.__enter__()
        try:
            self.cuda_graph.capture_begin(*self._begin)
        except BaseException:
            self._stream.__exit__(None, None, None)
            raise

    def __exit__(self, kind, error, trace) -> None:
        try:
            if error is None:
                self.cuda_graph.capture_end()
            else:
                with contextlib.suppress(RuntimeError):  # the block's own error says more
                    self.cuda_graph.capture_end()
                self.cuda_graph.reset()
        finally:
            self._stream.__exit__(kind, error, trace)


# ---- functions and modules as graphs ---------------------------------------------------------------------------------


def make_graphed_callables(callables, sample_args, num_warmup_iters: int = 3, allow_unused_input: bool = False,
                           pool=None):  # fmt: skip
    """Functions or modules whose forward and backward are one replay each.

    sample_args: for each callable the tensors it is called with; later calls must bring tensors of the same shapes,
    dtypes and `requires_grad`. Several callables must be called in the order in which they are given.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.make_graphed_callables.html
    """
    alone = not isinstance(callables, tuple)
    callables, sample_args = ((callables,), (sample_args,)) if alone else (callables, sample_args)
    pool = pool or graph_pool_handle()
    side = Stream()
    side.wait_stream(current_stream())
    with StreamContext(side):
        for function, arguments in zip(callables, sample_args, strict=True):
            for _ in range(num_warmup_iters):
                outputs = _as_tuple(function(*arguments))
                _gradients(outputs, _inputs(function, arguments), [None] * len(outputs), allow_unused_input)
    current_stream().wait_stream(side)
    made = [_Graphed(function, arguments, pool) for function, arguments in zip(callables, sample_args, strict=True)]
    for graphed in reversed(made):
        graphed.record_backward(pool, allow_unused_input)
    found = tuple([graphed.public() for graphed in made])
    return found[0] if alone else found


def _as_tuple(outputs) -> tuple:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _inputs(function, arguments) -> tuple:
    """The tensors that a callable reads: its arguments and, of a module, its parameters."""
    parameters = function.parameters() if hasattr(function, "parameters") else ()
    return (*arguments, *parameters)


def _gradients(outputs, inputs, grads, allow_unused: bool) -> tuple:
    """For each input its gradient, None where it needs none."""
    pairs = [(out, grad) for out, grad in zip(outputs, grads, strict=True) if out.requires_grad]
    wanted = [tensor for tensor in inputs if tensor.requires_grad]
    if not pairs or not wanted:
        return (None,) * len(inputs)
    outs, given = zip(*pairs, strict=True)
    given = [out.new_ones(out.shape) if grad is None else grad for out, grad in zip(outs, given, strict=True)]
    found = iter(autograd.grad(outs, wanted, given, allow_unused=allow_unused))
    return tuple([next(found) if tensor.requires_grad else None for tensor in inputs])


class _Graphed:
    """A callable's two graphs, and the tensors that they read and write."""

    def __init__(self, function, arguments, pool):
        if not all(isinstance(argument, Tensor) for argument in arguments):
            raise AssertionError(
                "In the beta API, sample_args for each callable must contain only Tensors. Other types are not allowed."
            )
        self.function, self.arguments, self.inputs = function, tuple(arguments), _inputs(function, arguments)
        self.forward, self.backward = CUDAGraph(), CUDAGraph()
        with graph(self.forward, pool):
            outputs = function(*arguments)
        self.single, self.outputs = not isinstance(outputs, tuple), _as_tuple(outputs)

    def record_backward(self, pool, allow_unused: bool) -> None:
        self.grads = [out.new_empty(out.shape) if out.requires_grad else None for out in self.outputs]
        with graph(self.backward, pool):
            self.found = _gradients(self.outputs, self.inputs, self.grads, allow_unused)
        self.outputs = tuple([out.detach() for out in self.outputs])

    def replay_forward(self, given) -> tuple:
        for mine, theirs in zip(self.arguments, given, strict=False):
            if mine.data_ptr() != theirs.data_ptr():
                mine.detach().copy_(theirs)
        self.forward.replay()
        return tuple([out.detach() for out in self.outputs])

    def replay_backward(self, grads) -> tuple:
        for mine, theirs in zip(self.grads, grads, strict=True):
            if mine is not None and mine.data_ptr() != theirs.data_ptr():
                mine.copy_(theirs)
        self.backward.replay()
        return tuple([None if grad is None else grad.detach() for grad in self.found])

    def public(self):
        """What the user calls: the module with another `forward`, or a function."""

        class Graphed(Function):
            @staticmethod
            def forward(ctx, *inputs):
                return self.replay_forward(inputs)

            @staticmethod
            def backward(ctx, *grads):
                return self.replay_backward(grads)

        parameters = self.inputs[len(self.arguments) :]

        def call(*arguments):
            outputs = Graphed.apply(*arguments, *parameters)
            return outputs[0] if self.single else outputs

        if not hasattr(self.function, "parameters"):
            return call
        module, own, was_training = self.function, self.function.forward, self.function.training

        def forward(*arguments):
            return call(*arguments) if module.training == was_training else own(*arguments)

        module.forward = forward
        return module
