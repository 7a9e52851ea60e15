"""Arrays as a kernel sees them: in global memory, shared by a block, or local to a thread.

Each access goes through the same steps: check the index of every active thread, find the elements, compare with the
history of accesses (races, unwritten elements), move the numbers, and count what the memory system would have done.
"""

from __future__ import annotations

import math

import numpy as np

from .history import Accessors, History

GLOBAL, SHARED, LOCAL, CONSTANT = "global", "shared", "local", "constant"


class KernelArray:
    """One array inside a kernel: `name`, `shape`, `dtype`, and the memory it lies in (`space`).

    `flat` holds the numbers of all copies one behind the other: one copy in global memory, one a block in shared
    memory, one a thread in local memory. `written` says which elements hold a value (None: all of them). An argument
    that is a view begins at `offset` and goes on in `steps`; views of one memory share its `history`.
    """

    def __init__(self, name: str, shape: tuple[int, ...], flat, space: str, *, written=None, address: int = 0,
                 offset: int = 0, steps: tuple[int, ...] | None = None, history: History | None = None):  # fmt: skip
        self.name, self.shape, self.space = name, shape, space
        self.flat, self.written, self.address, self.offset = flat, written, address, offset
        self.overlap = ""  # a remark, where another argument shows the same memory
        self.dtype, self.size, self.ndim = flat.dtype, math.prod(shape), len(shape)
        self.history = History(flat.size) if history is None and space in (GLOBAL, SHARED) else history
        self.steps = tuple([math.prod(shape[axis + 1 :]) for axis in range(len(shape))]) if steps is None else steps

    def describe(self) -> str:
        return f"{self.space} array `{self.name}`"

    # -- finding the elements -----------------------------------------------------------------------------------

    def elements(self, run, index: tuple, active):
        """(lanes, element of each lane) for the active lanes; raises where an index lies outside."""
        lanes = run.lanes_of(active)
        if len(index) != self.ndim:
            raise run.type_error(
                f"{self.describe()} has {self.ndim} dimensions, but {len(index)} "
                f"{'index was' if len(index) == 1 else 'indices were'} given. Index every dimension: a kernel works "
                "on single elements"
            )
        at = np.full(len(lanes), self.offset, dtype=np.int64)
        for axis, (i, n, step) in enumerate(zip(index, self.shape, self.steps, strict=True)):
            i = self._checked_type(run, i)
            i = i[lanes] if isinstance(i, np.ndarray) else np.broadcast_to(i, len(lanes))
            outside = (i < 0) | (i >= n)
            if outside.any():
                self._outside(run, index, axis, lanes[int(np.argmax(outside))])
            at += i.astype(np.int64) * step
        if self.space == SHARED:
            at += run.lanes.block[lanes] * self.size
        elif self.space == LOCAL:
            at += lanes * self.size
        return lanes, at

    def _checked_type(self, run, i):
        if isinstance(i, (bool, np.bool_)) or not np.issubdtype(np.asarray(i).dtype, np.integer):
            kind = i.dtype.name if isinstance(i, (np.ndarray, np.generic)) else type(i).__name__
            raise run.type_error(
                f"an index of {self.describe()} is a {kind}, but only integers can index an array. "
                "A `/` makes a float even of two integers: use `//`, or convert with `int(...)`"
            )
        return i

    def _outside(self, run, index, axis: int, lane: int):
        from .errors import OutOfBounds

        values = [int(i[lane]) if isinstance(i, np.ndarray) else int(i) for i in index]
        shown = ", ".join(map(str, values))
        limit = f"its size is {self.shape[0]}" if self.ndim == 1 else f"its shape is {self.shape}"
        negative = ""
        if values[axis] < 0:
            negative = " A negative index counts from the end in numba, and reads in front of the array in C++."
        raise run.error(
            OutOfBounds,
            f"{run.who(lane)} uses {self.name}[{shown}], but {limit}.{negative} "
            "Guard the access with an `if`, or start fewer threads",
            lane,
        )

    # -- reading and writing ------------------------------------------------------------------------------------

    def load(self, run, index: tuple, active):
        """The values of the elements, an array with an element a lane (or a scalar where all read one element)."""
        lanes, at = self.elements(run, index, active)
        if self.written is not None:
            self._require_written(run, lanes, at)
        run.counts.access(run, self, lanes, at, "load")
        if self.history is not None:
            found = self.history.read(at, self._accessors(run, lanes, atomic=False), run.order)
            if found is not None:
                run.race(self, found, lanes, at)
        if self.space in (GLOBAL, CONSTANT) and not any(isinstance(i, np.ndarray) for i in index):
            return widened(self.flat[at[0]])
        values = widened(self.flat[at])
        if len(lanes) == run.lanes.count:
            return values
        spread = np.zeros(run.lanes.count, dtype=values.dtype)
        spread[lanes] = values
        return spread

    def store(self, run, index: tuple, value, active) -> None:
        if self.space == CONSTANT:
            raise run.type_error(f"{self.describe()} lies in constant memory, which a kernel cannot write")
        lanes, at = self.elements(run, index, active)
        values = value[lanes] if isinstance(value, np.ndarray) else np.broadcast_to(value, len(lanes))
        stored = run.converted(values, self.dtype, self)
        run.counts.access(run, self, lanes, at, "store")
        if self.history is not None:
            found = self.history.write(at, self._accessors(run, lanes, atomic=False), run.order, stored)
            if found is not None:
                run.race(self, found, lanes, at)
        run.changes += 1
        self.flat[at] = stored
        if self.written is not None:
            self.written[at] = True

    def update(self, run, index: tuple, active, change) -> np.ndarray:
        """An atomic operation: `change(old)` of one lane after the other; gives each lane the old value."""
        lanes, at = self.elements(run, index, active)
        if self.written is not None:
            self._require_written(run, lanes, at)
        run.counts.access(run, self, lanes, at, "atomic")
        if self.history is not None:
            who = self._accessors(run, lanes, atomic=True)
            run.order.signalled[who.block] = True
            found = self.history.write(at, who, run.order, self.flat[at])
            if found is not None:
                run.race(self, found, lanes, at)
        run.changes += 1
        old = np.zeros(run.lanes.count, dtype=self.dtype)
        old[lanes] = change(self.flat, at, lanes)
        return widened(old)

    def _require_written(self, run, lanes, at) -> None:
        missing = ~self.written[at]
        if missing.any():
            from .errors import Uninitialized

            position = int(np.argmax(missing))
            lane = int(lanes[position])
            raise run.error(
                Uninitialized,
                f"{run.who(lane)} reads {self.element_name(int(at[position]))}, which nobody has written: "
                f"{self.space} memory starts with whatever was there before",
                lane,
            )

    def _accessors(self, run, lanes, atomic: bool) -> Accessors:
        whole = run.lanes
        first = whole.first_block
        warp = whole.warp[lanes] + first * whole.warps_a_block
        return Accessors(whole.global_id[lanes], whole.block[lanes] + first, warp, run.order, run.line, atomic)

    def element_name(self, at: int) -> str:
        """`tile[3, 4]` for a place in `flat`."""
        backwards = sum((n - 1) * step for n, step in zip(self.shape, self.steps, strict=True) if step < 0)
        inside = at - self.offset - backwards if self.space == GLOBAL else at % max(self.size, 1)
        index = [0] * self.ndim
        for axis in sorted(range(self.ndim), key=lambda axis: -abs(self.steps[axis])):
            n, step = self.shape[axis], self.steps[axis]
            if n > 1 and step:
                place = min(inside // abs(step), n - 1)
                inside -= place * abs(step)
                index[axis] = place if step > 0 else n - 1 - place
        return f"{self.name}[{', '.join(map(str, index))}]"


def widened(values):
    """What the compiler computes with: signed integers have 64 bits; unsigned ones wait for what they meet."""
    kind = values.dtype
    return values.astype(np.int64) if kind.kind == "i" and kind.itemsize < 8 else values


__all__ = ["CONSTANT", "GLOBAL", "LOCAL", "SHARED", "KernelArray", "widened"]
