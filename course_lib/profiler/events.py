"""What a profiler records: one event for each call, sums of the events of one name, and the table that shows them."""

from __future__ import annotations

import json
import os


class FunctionEvent:
    """One call: its name, when it began and ended (microseconds), which call it was made in."""

    def __init__(self, id: int, name: str, parent: FunctionEvent | None, is_user_annotation: bool = False):
        self.id, self.name, self.key = id, name, name
        self.cpu_parent = parent
        self.cpu_children: list[FunctionEvent] = []
        self.is_user_annotation = is_user_annotation
        self.input_shapes: list = []
        self.cpu_memory_usage = 0
        self.start_us = self.end_us = 0.0
        self.thread = 1
        self.count = 1

    @property
    def cpu_time_total(self) -> float:
        return self.end_us - self.start_us

    cpu_time = cpu_time_total

    @property
    def self_cpu_time_total(self) -> float:
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def self_cpu_memory_usage(self) -> int:
        return self.cpu_memory_usage - sum(child.cpu_memory_usage for child in self.cpu_children)

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} cpu_time={format_time(self.cpu_time)} "
            f"start_us={self.start_us} end_us={self.end_us} cpu_children={[c.id for c in self.cpu_children]} "
            f"thread={self.thread} input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage}>"
        )


class FunctionEventAvg:
    """All calls of one name: how many, their time and memory."""

    device_time = device_time_total = self_device_time_total = 0.0
    cuda_time = cuda_time_total = self_cuda_time_total = 0.0
    device_memory_usage = self_device_memory_usage = 0

    def __init__(self, key: str, input_shapes=None):
        self.key, self.input_shapes = key, input_shapes
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.is_user_annotation = False

    @property
    def cpu_time(self) -> float:
        return self.cpu_time_total / self.count if self.count else 0.0

    def add(self, other) -> FunctionEventAvg:
        """Add one more call, or a sum of calls. Time inside a call of the same name is not counted twice."""
        self.count += other.count
        for name in ("self_cpu_time_total", "cpu_memory_usage", "self_cpu_memory_usage"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if not _inside_same(other):
            self.cpu_time_total += other.cpu_time_total
        self.is_user_annotation = other.is_user_annotation
        return self

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={format_time(self.self_cpu_time_total)} "
            f"cpu_time={format_time(self.cpu_time)}  self_cuda_time=0.000us cuda_time=0.000us "
            f"input_shapes={self.input_shapes or ''} cpu_memory_usage={self.cpu_memory_usage} cuda_memory_usage=0>"
        )


def _inside_same(event) -> bool:
    parent = getattr(event, "cpu_parent", None)
    while parent is not None:
        if parent.name == event.key:
            return True
        parent = parent.cpu_parent
    return False


class EventList(list):
    """Events, or their sums, with the ways to look at them."""

    def __init__(self, events=(), profile_memory: bool = False):
        super().__init__(events)
        self.profile_memory = profile_memory

    @property
    def self_cpu_time_total(self) -> float:
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """One sum for each name (and each combination of input shapes)."""
        found: dict = {}
        for event in self:
            shapes = event.input_shapes if group_by_input_shape else None
            found.setdefault((event.key, str(shapes)), FunctionEventAvg(event.key, shapes)).add(event)
        return EventList(found.values(), self.profile_memory)

    def total_average(self) -> FunctionEventAvg:
        """The sum of everything."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.add(event)
        return total

    def export_chrome_trace(self, path) -> None:
        """Write the events for chrome://tracing or https://ui.perfetto.dev."""
        process = os.getpid()
        events = [
            {"ph": "X", "cat": "user_annotation" if e.is_user_annotation else "cpu_op", "name": e.name, "pid": process,
             "tid": e.thread, "ts": e.start_us, "dur": e.cpu_time_total, "args": {"Input Dims": e.input_shapes}}
            for e in self
        ]  # fmt: skip
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": events}, file)

    def table(self, sort_by=None, row_limit=100, max_src_column_width=75, max_name_column_width=55,
              max_shapes_column_width=80, header=None, top_level_events_only=False, time_unit=None) -> str:  # fmt: skip
        """The events as text, a row each: their share of the time, their time with and without the calls inside them.

        sort_by: "cpu_time", "cpu_time_total", "self_cpu_time_total", "cpu_memory_usage", "count", …: largest first.
        """
        if not self:
            return ""
        rows = self
        if sort_by is not None:
            rows = sorted(rows, key=lambda event: getattr(event, sort_by.replace("cuda", "device")), reverse=True)
        if top_level_events_only:
            rows = [event for event in rows if getattr(event, "cpu_parent", None) is None]
        columns = _columns(self, max_name_column_width, max_shapes_column_width, time_unit)
        widths = [width for _, width, _ in columns]
        line = "".join(["-" * width + "  " for width in widths])
        out = [line, _row([title for title, _, _ in columns], widths), line]
        out += [_row([show(event) for _, _, show in columns], widths) for event in rows[:row_limit]]
        if top_level_events_only:
            out.insert(0, "This report only display top-level ops statistics")
        if header is not None:
            out = ["=" * len(line), header, "=" * len(line), *out]
        return "\n".join([*out, line, f"Self CPU time total: {format_time(self.self_cpu_time_total, time_unit)}", ""])

    def __str__(self) -> str:
        return self.table()


def _columns(events: EventList, name_width: int, shapes_width: int, unit) -> list:
    """Title, width and text of each column."""
    total = events.self_cpu_time_total or 1.0
    longest = max(len(event.key) for event in events) + 4
    columns = [
        ("Name", min(longest, name_width), lambda e: e.key),
        ("Self CPU %", 12, lambda e: f"{100 * e.self_cpu_time_total / total:.2f}%"),
        ("Self CPU", 12, lambda e: format_time(e.self_cpu_time_total, unit)),
        ("CPU total %", 12, lambda e: f"{100 * e.cpu_time_total / total:.2f}%"),
        ("CPU total", 12, lambda e: format_time(e.cpu_time_total, unit)),
        ("CPU time avg", 12, lambda e: format_time(e.cpu_time, unit)),
    ]
    if events.profile_memory:
        columns.append(("CPU Mem", 12, lambda e: format_memory(e.cpu_memory_usage)))
        columns.append(("Self CPU Mem", 12, lambda e: format_memory(e.self_cpu_memory_usage)))
    columns.append(("# of Calls", 12, lambda e: str(e.count)))
    if any(event.input_shapes for event in events):
        width = max(len(str(event.input_shapes)) for event in events) + 4
        columns.append(("Input Shapes", max(12, min(width, shapes_width)), lambda e: str(e.input_shapes or [])))
    return columns


def _row(cells: list[str], widths: list[int]) -> str:
    cut = [cell if len(cell) <= width else cell[: width - 3] + "..." for cell, width in zip(cells, widths, strict=True)]
    return "".join([f"{cell:>{width}}  " for cell, width in zip(cut, widths, strict=True)])


def format_time(us: float, unit: str | None = None) -> str:
    """Microseconds with a fitting unit."""
    unit = unit or ("s" if us >= 1e6 else "ms" if us >= 1e3 else "us")
    return f"{us / {'s': 1e6, 'ms': 1e3, 'us': 1.0}[unit]:.3f}{unit}"


def format_memory(count: int) -> str:
    """Bytes with a fitting unit."""
    for size, unit in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if abs(count) >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} B"
