"""One launch: the blocks of the grid, batch after batch, through the statements of the kernel."""

from __future__ import annotations

import inspect

import numpy as np

from .counting import Counts
from .errors import KernelError, KernelTypeError, Race, name
from .expressions import is_varying, known
from .history import Conflict, History, Order
from .lanes import batches
from .memory import CONSTANT, GLOBAL, KernelArray
from .statements import Frame, Statements

STEP_LIMIT = 30_000  # statements that one batch of blocks may run before the kernel counts as endless


class Run(Statements):
    """The state of a launch, and what the parts of the simulator ask of it."""

    def __init__(self, source, grid_dim, block_dim, arguments: dict, dynamic_shared: int, step_limit: int):
        self.source, self.arguments, self.dynamic_shared = source, arguments, dynamic_shared
        self.grid_dim, self.block_dim, self.step_limit = grid_dim, block_dim, step_limit
        self.counts = Counts()
        threads, blocks = int(np.prod(block_dim)), int(np.prod(grid_dim))
        self.order = Order(blocks, blocks * -(-threads // 32), blocks * threads)
        self.constants: dict[str, KernelArray] = {}

    def launch(self) -> Counts:
        with np.errstate(all="ignore"):
            for lanes in batches(self.grid_dim, self.block_dim):
                self.lanes, self.active, self.line = lanes, lanes.everyone, None
                self.steps = self.changes = 0  # `changes`: how often a variable or an element was written
                self.memory: dict[tuple, KernelArray] = {}  # shared and local arrays, by the call that made them
                self.branches: list[tuple[int, str]] = []  # the branches and loops around the statement that runs
                self.statement_only, self._warps = None, (None, 0)
                self.frame = Frame(self.source, dict(self.arguments), lanes.everyone)
                self.frames = [self.frame]
                try:
                    self.block(self.source.body, lanes.everyone)
                except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                    if isinstance(error, KernelError):
                        raise
                    raise self.error(KernelTypeError, f"this cannot be computed in a kernel: {error}") from error
        return self.counts

    # -- lanes --------------------------------------------------------------------------------------------------

    def lanes_of(self, active):
        return self.lanes.all_lanes if active is self.lanes.everyone else np.flatnonzero(active)

    def active_warps(self, active) -> int:
        if self._warps[0] is not active:
            self._warps = (active, self.lanes.active_warps(active))
        return self._warps[1]

    def who(self, lane: int) -> str:
        return name(*self.lanes.who(lane))

    def returned_at(self, lane: int) -> int:
        """The line on which a lane left the kernel; 0 if it has not."""
        return 0 if self.frame.return_line is None else int(self.frame.return_line[lane])

    # -- errors -------------------------------------------------------------------------------------------------

    def error(self, kind, message: str, lane: int | None = None):
        thread, block = (None, None) if lane is None else self.lanes.who(lane)
        return kind(message, self.line, self.frame.function.line(self.line), thread, block)

    def race(self, array: KernelArray, found: Conflict, lanes, at):
        lane = int(lanes[found.position])
        element = array.element_name(int(at[found.position]))
        thread, block = self.lanes.coordinates(found.other)
        other = name(thread, block) if block != self.lanes.who(lane)[1] else f"thread {thread} of the same block"
        same = "in the same instruction" if found.other_did == "also writes" else "on the same line"
        where = same if found.other_line == self.line else f"on line {found.other_line}"
        if block != self.lanes.who(lane)[1]:
            advice = "Nothing orders the blocks of a grid: use cuda.atomic, or give each block its own elements"
        elif found.other_line == self.line and found.did == "writes" and "read" not in found.other_did:
            advice = "Let one thread write the element, or use cuda.atomic"
        else:
            advice = "Nothing orders the two: put cuda.syncthreads() between them, or use cuda.atomic"
        raise self.error(
            Race, f"race on {array.describe()}: {self.who(lane)} {found.did} {element}, which {other} "
            f"{found.other_did} {where}{array.overlap}. {advice}", lane,
        )  # fmt: skip

    def calling(self, title: str, function, args, named):
        """Call `function(run, *args, **named)`; a wrong number of arguments is the kernel's error."""
        try:
            inspect.signature(function).bind(self, *args, **named)
        except TypeError as error:
            raise self.type_error(f"{title}(): {error}") from None
        return function(self, *args, **named)

    # -- memory -------------------------------------------------------------------------------------------------

    def converted(self, values, dtype: np.dtype, array: KernelArray):
        """Values as they are stored; what is lost on the way is noted."""
        stored = values.astype(dtype)
        if dtype.kind in "iub" and values.dtype.kind == "f":
            lossy = stored != values
            if lossy.any():
                at = int(np.argmax(lossy))
                self.counts.note(
                    self.line, "float to integer",
                    f"line {self.line} stores floats in the {dtype.name} array `{array.name}`: {values[at]:g} becomes "
                    f"{int(stored[at])}",
                )  # fmt: skip
        if dtype.kind in "iu" and values.dtype.kind in "iu" and dtype.itemsize < values.dtype.itemsize:
            changed = stored != values
            if changed.any():
                at = int(np.argmax(changed))
                self.counts.note(
                    self.line, "overflow",
                    f"line {self.line} stores {int(values[at])} in the {dtype.name} array `{array.name}`, which cannot "
                    f"hold it: it becomes {int(stored[at])}",
                )  # fmt: skip
        return stored

    def block_memory(self, node, shape, dtype, space: str, copies: int) -> KernelArray:
        """The shared or local array that this call makes; the same one whenever the call is reached again."""
        key = (tuple(frame.function.name for frame in self.frames), node.lineno, node.col_offset)
        if key not in self.memory:
            size = int(np.prod(shape)) * copies
            flat, written = np.zeros(size, dtype=dtype), np.zeros(size, dtype=bool)
            self.memory[key] = KernelArray("", shape, flat, space, written=written)
        return self.memory[key]

    def shared_bytes(self) -> int:
        return sum(array.size * array.dtype.itemsize for array in self.memory.values() if array.space == "shared")

    def constant_array(self, title: str, array: np.ndarray) -> KernelArray:
        """A NumPy array that the kernel knows as a global name: a constant, as for the compiler."""
        if title not in self.constants:
            flat = np.ascontiguousarray(array).reshape(-1)
            self.constants[title] = KernelArray(title, array.shape, flat, CONSTANT)
        return self.constants[title]


def arguments_of(source, args, named) -> tuple[dict, list]:
    """The kernel's arguments as it sees them, and what has to be copied back (host array, flat copy) afterwards."""
    bound = source.bind(None, args, named)
    arrays = {title: device_memory(value) for title, value in bound.items()}
    place = _Placement([array[0] for array in arrays.values() if array is not None])
    for title, value in bound.items():
        if arrays[title] is not None:
            bound[title] = place(title, *arrays[title])
        elif isinstance(value, int | float | np.number | np.bool_ | tuple):
            try:
                bound[title] = known(value)
            except OverflowError:
                raise KernelError(f"the argument `{title}` of {source.name} does not fit into 64 bits") from None
        else:
            raise KernelError(
                f"the argument `{title}` of {source.name} is a {type(value).__name__}; a kernel takes arrays, "
                "numbers and tuples of numbers"
            )
    return bound, place.back


class _Placement:
    """Gives the arrays of a launch their places in global memory. Views are read where they lie, with their strides."""

    def __init__(self, hosts: list[np.ndarray]):
        self.hosts, self.back = hosts, []
        self.made: dict[tuple, KernelArray] = {}
        self.memories: dict[int, tuple] = {}  # by the array that owns the memory: (flat, written, history, address)
        self.address = 1 << 20

    def __call__(self, title: str, host: np.ndarray, written) -> KernelArray:
        if host.dtype.kind not in "biufc":
            raise KernelError(f"the argument `{title}` is an array of {host.dtype}; a kernel takes arrays of numbers")
        key = _identity(host)
        if key not in self.made:
            owner = _owner(host)
            alone = not any(_identity(other) != key and np.may_share_memory(host, other) for other in self.hosts)
            regular = owner.flags.c_contiguous and owner.dtype == host.dtype
            if (alone and host.flags.c_contiguous) or not regular or any(step % host.itemsize for step in host.strides):
                self.made[key] = self._by_itself(title, host, written)
            else:
                self.made[key] = self._view(title, host, written, owner)
                if not alone:
                    self.made[key].overlap = f" (`{title}` shares its memory with another argument)"
        return self.made[key]

    def _by_itself(self, title: str, host, written) -> KernelArray:
        flat = host.reshape(-1) if host.flags.c_contiguous else host.flatten()
        if not np.shares_memory(flat, host):
            self.back.append((host, flat))
        marks = None if written is None else written.reshape(-1)
        return KernelArray(title, host.shape, flat, GLOBAL, written=marks, address=self._reserve(host.nbytes))

    def _view(self, title: str, host, written, owner) -> KernelArray:
        if id(owner) not in self.memories:
            marks = None if written is None else _owner(written).reshape(-1)
            self.memories[id(owner)] = owner.reshape(-1), marks, History(owner.size), self._reserve(owner.nbytes)
        flat, marks, history, address = self.memories[id(owner)]
        offset = (_pointer(host) - _pointer(owner)) // host.itemsize
        steps = tuple([step // host.itemsize for step in host.strides])
        return KernelArray(title, host.shape, flat, GLOBAL, written=marks, address=address, offset=offset, steps=steps,
                           history=history)  # fmt: skip

    def _reserve(self, size: int) -> int:
        start = self.address
        self.address += -(-max(size, 1) // 256) * 256
        return start


def _pointer(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def _identity(array: np.ndarray) -> tuple:
    return _pointer(array), array.shape, array.strides, array.dtype.str


def _owner(array: np.ndarray) -> np.ndarray:
    """The array whose memory a view shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def device_memory(value):
    """(NumPy array, which elements are written or None) for anything that a kernel takes as an array; else None."""
    written = getattr(value, "_written", None)
    for attribute in ("_host", "_array"):  # a device array; a tensor of course_lib
        held = getattr(value, attribute, None)
        if isinstance(held, np.ndarray):
            return held, written
    return (value, None) if isinstance(value, np.ndarray) else None


__all__ = ["Run", "STEP_LIMIT", "arguments_of", "is_varying"]
