"""Who last touched each element of an array, so that two threads that meet without order are found.

For each element: the thread that wrote it last and the one that read it last, with the phase (the number of barriers
that the thread's block had passed), the step of its warp (the number of `syncwarp`) and the source line. An access
conflicts with an earlier one of another thread, one of them a write, unless both are atomic, a barrier of their block
lies between (same block), a `syncwarp` does (same warp), or the writer fenced what it wrote (`threadfence`) and the
reader's block has learned of it through an atomic.
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
        self.atomic = np.zeros(size, dtype=bool)

    def note(self, at, who: Accessors, chosen=slice(None)) -> None:
        """Remember an access, or those of its lanes that are chosen."""
        at = at[chosen]
        for name in ("thread", "block", "warp", "phase", "step", "fences"):
            getattr(self, name)[at] = getattr(who, name)[chosen]
        self.line[at], self.atomic[at] = who.line, who.atomic

    def copy(self, other: _Last, at) -> None:
        """Take over what another record knows of these elements."""
        if at.size:
            for name in ("thread", "block", "warp", "phase", "step", "fences", "line", "atomic"):
                getattr(self, name)[at] = getattr(other, name)[at]

    def conflicts(self, at, who: Accessors, order: Order):
        """Where the last access by another thread is not ordered before this one."""
        thread = self.thread[at]
        other = (thread != NOBODY) & (thread != who.thread)
        if not other.any():
            return other
        if who.atomic:
            other &= ~self.atomic[at]
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


class History:
    """The accesses to one array of `size` elements.

    An element may have several readers since it was written. Kept are the last one, the last other one of its warp and
    the last one of another warp: whoever writes without being ordered behind all of them meets one of the three.
    """

    def __init__(self, size: int):
        self.writes = _Last(size)
        self.reads, self.same_warp, self.other_warp = _Last(size), _Last(size), _Last(size)
        self.blocks = np.zeros(size, dtype=bool)  # read by more than one block since it was written

    def read(self, at, who: Accessors, order: Order) -> Conflict | None:
        found = self.writes.conflicts(at, who, order)
        if found.any():
            return self._conflict(self.writes, at, found, "reads", "wrote")
        last = self.reads
        before = last.thread[at]
        pushed = (before != NOBODY) & (before != who.thread)
        if pushed.any():
            self.blocks[at] |= pushed & (last.block[at] != who.block)
            pushed &= (last.block[at] != who.block) | (last.phase[at] == who.phase)
            same = last.warp[at] == who.warp
            self.same_warp.copy(last, at[pushed & same])
            self.other_warp.copy(last, at[pushed & ~same])
        last.note(at, who)
        doubled = last.thread[at] != who.thread  # lanes that read the same element in this very instruction
        if doubled.any():
            self.blocks[at] |= doubled & (last.block[at] != who.block)
            same = last.warp[at] == who.warp
            self.same_warp.note(at, who, doubled & same)
            self.other_warp.note(at, who, doubled & ~same)
        return None

    def write(self, at, who: Accessors, order: Order, values) -> Conflict | None:
        for last, other_did in ((self.writes, "wrote"), (self.reads, "read"), (self.same_warp, "read"),
                                (self.other_warp, "read")):  # fmt: skip
            found = last.conflicts(at, who, order)
            if found.any():
                return self._conflict(last, at, found, "writes", other_did)
        among = self.blocks[at]
        if among.any():
            return self._conflict(self.reads, at, among, "writes", "and others read")
        self.writes.note(at, who)
        if not who.atomic:
            doubled = self.writes.thread[at] != who.thread
            if doubled.any():
                kept = self._last_value(at, values)
                differ = doubled & (kept != values) & ((kept == kept) | (values == values))  # NaN is unlike itself
                if differ.any():
                    return self._conflict(self.writes, at, differ, "writes", "also writes")
            for last in (self.reads, self.same_warp, self.other_warp):
                last.thread[at] = NOBODY  # whoever comes now meets this write
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
