"""The profiler: while it records, `call_watch` tells it when each operation begins and ends.

Operations are listed under the torch function that was called, in PyTorch's spelling ("aten::add"), gradients under
their node ("MulBackward0"). Watching takes time itself, about a microsecond for each Python call: compare shares, not
milliseconds. While no profiler records, nothing is paid.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import os
import socket
import threading
import time

from .. import call_watch
from ..autograd.node import Node
from ..jit.graph import leaves
from ..ops._record import ArrayNode
from ..tensor import Tensor
from .events import EventList, FunctionEvent

_recording: list[Recorder] = []  # the recorders at work, of all threads


class ProfilerActivity(enum.Enum):
    """What is measured; only the CPU is."""

    CPU = 0
    XPU = 1
    CUDA = 2


class ProfilerAction(enum.Enum):
    """What a profiler does in a step; a `schedule` says which."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """The activities that are measured."""
    return {ProfilerActivity.CPU}


class Recorder:
    """Records the events of one thread."""

    def __init__(self, record_shapes: bool = False, profile_memory: bool = False):
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.events: list[FunctionEvent] = []
        self.open: list[FunctionEvent] = []
        self.thread, self._watching = 0, None

    def start(self) -> None:
        nodes = {code: lambda seen: seen["self"].name() for code in (ArrayNode.apply.__code__, Node.apply.__code__)}
        self.thread = threading.get_ident()
        self._watching = contextlib.ExitStack()
        self._watching.enter_context(call_watch.watch(self._enter, self._leave, nodes))
        _recording.append(self)

    def stop(self) -> None:
        _recording.remove(self)
        self._watching.close()

    def begin(self, name: str, is_user_annotation: bool = False) -> FunctionEvent:
        parent = self.open[-1] if self.open else None
        event = FunctionEvent(len(self.events) + 1, name, parent, is_user_annotation)
        event.thread = self.thread
        self.events.append(event)
        self.open.append(event)
        if parent is not None:
            parent.cpu_children.append(event)
        event.start_us = time.perf_counter_ns() / 1e3
        return event

    def end(self, event: FunctionEvent) -> None:
        event.end_us = time.perf_counter_ns() / 1e3
        while self.open and self.open.pop() is not event:
            pass

    def _enter(self, target: str, frame):
        namespace, _, name = target.rpartition(".")
        if namespace == "ops" or name in call_watch.PYTHON_VALUES:
            return None
        name = f"aten::{_NAMES.get(name, name)}" if namespace else name
        if self.open and self.open[-1].name == name:  # the function, and then the op under it
            return None
        event = self.begin(name)
        if self.record_shapes and namespace:
            call = call_watch.Call(target, frame)
            given = (*call.args, *call.kwargs.values())
            event.input_shapes = [list(a._array.shape) if isinstance(a, Tensor) else [] for a in given]
            event.start_us = time.perf_counter_ns() / 1e3
        return event

    def _leave(self, event: FunctionEvent, result) -> None:
        self.end(event)
        if self.profile_memory:
            own = [t for t in leaves(result) if isinstance(t, Tensor) and t._base is None]
            event.cpu_memory_usage = sum(t.nbytes for t in own)


_NAMES = {"__getitem__": "index", "__setitem__": "index_put_"}


class profile:
    """profile(*, activities=None, schedule=None, on_trace_ready=None, record_shapes=False, profile_memory=False, …)

    A context manager that records the operations run inside it. `key_averages().table(sort_by="cpu_time_total")` shows
    where the time went; `export_chrome_trace` writes a file for a timeline. schedule: a function of the step's number
    that says when to record, see `schedule`; call `step()` after each step; on_trace_ready(profile) is called when a
    cycle is complete. with_stack, with_flops, with_modules and the rest are accepted.

    >>> import course_lib as torch
    >>> with torch.profiler.profile() as prof:
    ...     y = torch.ones(3, 3) @ torch.ones(3, 3)
    >>> sorted(event.key for event in prof.key_averages())[-1]
    'aten::ones'

    Source: https://docs.pytorch.org/docs/stable/profiler.html
    """

    def __init__(self, *, activities=None, schedule=None, on_trace_ready=None, record_shapes=False,
                 profile_memory=False, with_stack=False, with_flops=False, with_modules=False,
                 experimental_config=None, execution_trace_observer=None, acc_events=False, use_cuda=None,
                 custom_trace_id_callback=None, post_processing_timeout_s=None):  # fmt: skip
        self.activities = set(activities) if activities else supported_activities()
        self.schedule, self.on_trace_ready = schedule, on_trace_ready
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.acc_events = acc_events
        self.step_num = 0
        self.current_action = self._action(0)
        self._recorder: Recorder | None = None
        self._done: list[FunctionEvent] = []
        self._recorded = False

    def _action(self, step: int) -> ProfilerAction:
        return ProfilerAction.RECORD if self.schedule is None else self.schedule(step)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception) -> None:
        self.stop()

    def start(self) -> None:
        """Begin, as at the start of a `with` block."""
        self._change(ProfilerAction.NONE, self.current_action)

    def stop(self) -> None:
        """End, as at the end of a `with` block."""
        recording = self._recorder is not None
        self._pause()
        if recording and self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def step(self) -> None:
        """Tell the profiler that the next step of the training begins."""
        before = self.current_action
        self.step_num += 1
        self.current_action = self._action(self.step_num)
        self._change(before, self.current_action)

    def _change(self, before: ProfilerAction, now: ProfilerAction) -> None:
        recording = now in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if before is ProfilerAction.RECORD_AND_SAVE:
            self._pause()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
        if not recording:
            self._pause()
        elif self._recorder is None:
            if not self.acc_events:
                self._done = []
            self._recorder = Recorder(self.record_shapes, self.profile_memory)
            self._recorded = True
            self._recorder.start()

    def _pause(self) -> None:
        if self._recorder is not None:
            self._recorder.stop()
            self._done = self._done + self._recorder.events
            self._recorder = None

    # -- looking ------------------------------------------------------------------------------------------------

    def events(self) -> EventList:
        """Every recorded call. AssertionError before the profiler was started."""
        assert self._recorded, "Profiler must be initialized before getting key averages"
        now = [] if self._recorder is None else self._recorder.events
        return EventList(self._done + now, self.profile_memory)

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, **accepted) -> EventList:
        """The sums over the calls of each name; `print(….table(sort_by="cpu_time_total"))` shows them."""
        return self.events().key_averages(group_by_input_shape, group_by_stack_n)

    def export_chrome_trace(self, path: str) -> None:
        """Write the timeline for chrome://tracing or https://ui.perfetto.dev."""
        self.events().export_chrome_trace(path)

    def add_metadata(self, key: str, value: str) -> None:
        """Accepted."""

    add_metadata_json = add_metadata


class record_function(contextlib.ContextDecorator):
    """record_function(name): give a block of code (or a decorated function) a line of its own in the profile.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.profiler.record_function.html
    """

    def __init__(self, name: str, args: str | None = None):
        self.name, self.args = name, args
        self._begun: list = []

    def __enter__(self):
        own = [recorder for recorder in _recording if recorder.thread == threading.get_ident()]
        self._begun.append([(recorder, recorder.begin(self.name, True)) for recorder in own])
        return self

    def __exit__(self, *exception) -> None:
        for recorder, event in self._begun.pop():
            recorder.end(event)
            event.cpu_memory_usage = sum(child.cpu_memory_usage for child in event.cpu_children)


def schedule(*, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0):
    """schedule(*, wait, warmup, active, repeat=0, skip_first=0) -> function of the step's number

    After `skip_first` steps, cycles of `wait` idle steps, `warmup` and `active` recorded ones; `repeat` cycles, 0 for
    ever. AssertionError for numbers that make no cycle.

    Source: https://docs.pytorch.org/docs/stable/profiler.html
    """
    assert wait >= 0 and warmup >= 0 and active > 0 and repeat >= 0 and skip_first >= 0, (
        f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
        f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
    )
    return functools.partial(_scheduled, wait, warmup, active, repeat, skip_first, skip_first_wait)


def _scheduled(wait: int, warmup: int, active: int, repeat: int, skip_first: int, skip_wait: int, step: int):
    if step < skip_first:
        return ProfilerAction.NONE
    step -= skip_first
    if skip_wait:
        step += wait
    cycle, place = divmod(step, wait + warmup + active)
    if 0 < repeat <= cycle or place < wait:
        return ProfilerAction.NONE
    if place < wait + warmup:
        return ProfilerAction.WARMUP
    return ProfilerAction.RECORD_AND_SAVE if place == wait + warmup + active - 1 else ProfilerAction.RECORD


def tensorboard_trace_handler(dir_name: str, worker_name: str | None = None, use_gzip: bool = False):
    """A function for `on_trace_ready` that writes each trace into the folder, for TensorBoard or a browser."""
    worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"

    def write(prof) -> None:
        os.makedirs(dir_name, exist_ok=True)
        prof.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json"))

    return write
