"""Who last touched each element of an array, so that two threads that meet without order are found.

For each element: the thread that wrote it last and a few that read or atomically changed it since, with the phase (the
number of barriers that the thread's block had passed), the step of its warp (the number of `syncwarp`) and the line.
An access conflicts with an earlier one of another thread, one of them a write, unless both are atomic, a barrier of
their block lies between (same block), a `syncwarp` does (same warp), or the writer fenced what it wrote
(`threadfence`) and the reader's block has learned of it through an atomic.
"""

from __future__ import annotations

import numpy as np

NOBODY = -1


class Order:
    """What orders threads so far: barriers passed by each block, syncwarps of each warp, fences of each thread."""

    def __init__(self, blocks: int, warps: int, threads: int):
        self.phase = np.zeros(blocks, dtype=np.int32)
        self.warp_step = np.zeros(warps, dtype=np.int32)
        self.fences = np.zeros(threads, dtype=np.int32)
        self.signalled = np.zeros(blocks, dtype=bool)  # blocks that used an atomic, and may know that another is done


class Accessors:
    """One access of many lanes: each one's thread, block, warp (numbers in the whole grid), phase and warp step."""

    __slots__ = ("thread", "block", "warp", "phase", "step", "fences", "line", "atomic")

    def __init__(self, thread, block, warp, order: Order, line: int, atomic: bool):
        self.thread, self.block, self.warp = thread, block, warp
        self.phase, self.step, self.fences = order.phase[block], order.warp_step[warp], order.fences[thread]
        self.line, self.atomic = line, atomic


class _Last:
    """The last access of one kind (read or write) to each element."""

    def __init__(self, size: int):
        self.thread = np.full(size, NOBODY, dtype=np.int64)
        self.block, self.warp, self.phase, self.step, self.line, self.fences = np.zeros((6, size), dtype=np.int32)

    def note(self, at, who: Accessors, chosen=slice(None)) -> None:
        """Remember an access, or those of its lanes that are chosen."""
        at = at[chosen]
        for name in ("thread", "block", "warp", "phase", "step", "fences"):
            getattr(self, name)[at] = getattr(who, name)[chosen]
        self.line[at] = who.line

    def copy(self, other: _Last, at) -> None:
        """Take over what another record knows of these elements."""
        for name in ("thread", "block", "warp", "phase", "step", "fences", "line"):
            getattr(self, name)[at] = getattr(other, name)[at]

    def conflicts(self, at, who: Accessors, order: Order):
        """Where the last access by another thread is not ordered before this one."""
        thread = self.thread[at]
        other = (thread != NOBODY) & (thread != who.thread)
        if not other.any():
            return other
        same_block = self.block[at] == who.block
        ordered = same_block & (self.phase[at] < who.phase)
        ordered |= same_block & (self.warp[at] == who.warp) & (self.step[at] < who.step)
        ordered |= order.signalled[who.block] & (order.fences[np.maximum(thread, 0)] > self.fences[at])
        return other & ~ordered


class Conflict:
    """Two unordered accesses: positions in the access at hand, the other thread, its line, and what each did."""

    def __init__(self, position: int, other: int, other_line: int, did: str, other_did: str):
        self.position, self.other, self.other_line = position, other, other_line
        self.did, self.other_did = did, other_did


class _Recent:
    """The accesses of one kind (reads, or atomics) to each element since it was written.

    There may be many. Kept are the last one, and of other threads the last one of its warp, of another warp of its
    block and of another block: whoever comes without being ordered behind all of them meets one of these.
    """

    def __init__(self, size: int):
        self.size = size
        self.last: _Last | None = None  # made when they are first needed, because they are as large as the array
        self.others: list[_Last | None] = [None, None, None]  # of the same warp, of another one, of another block

    def records(self) -> list[_Last]:
        return [record for record in (self.last, *self.others) if record is not None]

    def note(self, at, who: Accessors) -> None:
        last = self.last = self.last or _Last(self.size)
        before = last.thread[at]
        pushed = (before != NOBODY) & (before != who.thread)
        if pushed.any():
            # What lies behind a barrier of the block is ordered, and need not be kept.
            pushed &= (last.block[at] != who.block) | (last.phase[at] == who.phase)
            for record, chosen in self._kinds(at, who, pushed):
                record.copy(last, at[chosen])
        last.note(at, who)
        doubled = last.thread[at] != who.thread  # lanes that use the same element in this very instruction
        if doubled.any():
            for record, chosen in self._kinds(at, who, doubled):
                record.note(at, who, chosen)

    def _kinds(self, at, who: Accessors, chosen):
        """(record, lanes that belong there) for the chosen lanes."""
        warp, block = self.last.warp[at] == who.warp, self.last.block[at] == who.block
        for number, kind in enumerate((warp, block & ~warp, ~block)):
            lanes = chosen & kind
            if lanes.any():
                record = self.others[number] = self.others[number] or _Last(self.size)
                yield record, lanes

    def forget(self, at) -> None:
        for record in self.records():
            record.thread[at] = NOBODY


class History:
    """The accesses to one array of `size` elements."""

    def __init__(self, size: int):
        self.writes, self.reads, self.atomics = _Last(size), _Recent(size), _Recent(size)

    def read(self, at, who: Accessors, order: Order) -> Conflict | None:
        found = self._met(((self.writes, "wrote"), *self._all(self.atomics, "changed")), at, who, order, "reads")
        if found is None:
            self.reads.note(at, who)
        return found

    def write(self, at, who: Accessors, order: Order, values) -> Conflict | None:
        did = "changes" if who.atomic else "writes"
        atomics = [] if who.atomic else self._all(self.atomics, "changed")
        earlier = ((self.writes, "wrote"), *atomics, *self._all(self.reads, "read"))
        found = self._met(earlier, at, who, order, did)
        if found is not None:
            return found
        if who.atomic:
            self.atomics.note(at, who)
            return None
        self.writes.note(at, who)
        doubled = self.writes.thread[at] != who.thread
        if doubled.any():
            kept = self._last_value(at, values)
            differ = doubled & (kept != values) & ((kept == kept) | (values == values))  # NaN is unlike itself
            if differ.any():
                return self._conflict(self.writes, at, differ, "writes", "also writes")
        self.reads.forget(at)  # whoever comes now meets this write
        self.atomics.forget(at)
        return None

    @staticmethod
    def _all(recent: _Recent, did: str) -> list[tuple]:
        return [(record, did) for record in recent.records()]

    def _met(self, earlier, at, who: Accessors, order: Order, did: str) -> Conflict | None:
        for record, other_did in earlier:
            found = record.conflicts(at, who, order)
            if found.any():
                return self._conflict(record, at, found, did, other_did)
        return None

    @staticmethod
    def _last_value(at, values):
        """For each lane, what the last lane that writes the same element writes."""
        order = np.argsort(at, kind="stable")
        ends = np.searchsorted(at[order], at, side="right") - 1
        return values[order][ends]

    @staticmethod
    def _conflict(last: _Last, at, found, did: str, other_did: str) -> Conflict:
        position = int(np.argmax(found))
        element = at[position]
        return Conflict(position, int(last.thread[element]), int(last.line[element]), did, other_did)
