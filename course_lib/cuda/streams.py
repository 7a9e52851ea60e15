"""Streams and events: queues of work on a GPU, and marks in them that can be waited for and timed."""

from __future__ import annotations

from ..backends import cuda as backend
from .devices import index_of, is_available, require


class Stream:
    """A queue of work on a GPU. Work of one stream runs in order; work of two may run at the same time.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.Stream.html
    """

    def __init__(self, device=None, priority: int = 0, _of=None):
        if not is_available():
            raise RuntimeError("torch.cuda.Stream requires CUDA support")
        self.device_index = index_of(device)
        with backend.cupy_device(self.device_index):
            self._stream = backend.cupy().cuda.Stream(non_blocking=True, priority=priority) if _of is None else _of

    @property
    def cuda_stream(self) -> int:
        """The driver's handle."""
        return self._stream.ptr

    @property
    def device(self):
        from ..device import device

        return device("cuda", self.device_index)

    def synchronize(self) -> None:
        """Wait until all work of this stream is done."""
        self._stream.synchronize()
        backend.look_after_waiting()

    def query(self) -> bool:
        """Whether all work of this stream is done."""
        return bool(self._stream.done)

    def record_event(self, event: Event | None = None) -> Event:
        """Put a mark behind the work so far and return it."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Let the work to come wait for a mark."""
        self._stream.wait_event(event._event)

    def wait_stream(self, stream: Stream) -> None:
        """Let the work to come wait for all work of another stream so far."""
        self.wait_event(stream.record_event())

    def __eq__(self, other) -> bool:
        return isinstance(other, Stream) and self.cuda_stream == other.cuda_stream

    def __hash__(self) -> int:
        return hash((self.cuda_stream, self.device_index))

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device=cuda:{self.device_index} cuda_stream={self.cuda_stream:#x}>"


class ExternalStream(Stream):
    """A stream that another library made, by its handle."""

    def __init__(self, stream_ptr: int, device=None):
        require()
        super().__init__(device, _of=backend.cupy().cuda.ExternalStream(stream_ptr))


def get_stream_from_external(data_ptr: int, device=None) -> Stream:
    """The stream that another library made, by its handle.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.get_stream_from_external.html
    """
    return ExternalStream(data_ptr, device)


class Event:
    """A mark in a stream.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.Event.html
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False,
                 external: bool = False):  # fmt: skip
        if not is_available():
            raise RuntimeError("Tried to instantiate dummy base class Event")
        self._timed = enable_timing
        self._event = backend.cupy().cuda.Event(block=blocking, disable_timing=not enable_timing)

    def record(self, stream: Stream | None = None) -> None:
        """Put the mark behind the work of a stream so far (the current one if none is given)."""
        self._event.record((stream or current_stream())._stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Let the work to come of a stream wait for this mark."""
        (stream or current_stream()).wait_event(self)

    def query(self) -> bool:
        """Whether the work before the mark is done."""
        return bool(self._event.done)

    def synchronize(self) -> None:
        """Wait until the work before the mark is done."""
        self._event.synchronize()
        backend.look_after_waiting()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds between this mark and a later one; both must be made with `enable_timing=True`."""
        if not (self._timed and end_event._timed):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        return backend.cupy().cuda.get_elapsed_time(self._event, end_event._event)


def current_stream(device=None) -> Stream:
    """The stream that gets the work of this thread."""
    index = index_of(device)
    with backend.cupy_device(index):
        return Stream(index, _of=backend.cupy().cuda.get_current_stream())


def default_stream(device=None) -> Stream:
    """The stream that every device begins with."""
    index = index_of(device)
    return Stream(index, _of=backend.cupy().cuda.Stream.null)


def set_stream(stream: Stream | None) -> None:
    """Let a stream get the work of this thread from now on; None changes nothing."""
    if stream is not None:
        backend.cupy_device(stream.device_index).use()
        stream._stream.use()


class StreamContext:
    """What `torch.cuda.stream(…)` gives: inside the block the stream gets the work; None changes nothing."""

    def __init__(self, stream: Stream | None):
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            self._device = backend.cupy_device(self.stream.device_index)
            self._device.__enter__()
            self.stream._stream.__enter__()

    def __exit__(self, *exception) -> None:
        if self.stream is not None:
            self.stream._stream.__exit__(*exception)
            self._device.__exit__(*exception)


def stream(stream: Stream | None) -> StreamContext:
    """A context manager: inside, the stream gets the work.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.stream.html
    """
    return StreamContext(stream)
