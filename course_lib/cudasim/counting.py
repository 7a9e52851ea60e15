"""What a launch cost: memory transactions, bank conflicts, divergent branches, and cycles on a stated machine.

Global memory moves sectors of 32 bytes: a warp whose 32 threads read 32 neighbouring floats needs 4, one whose threads
read far apart needs 32. Shared memory has 32 banks of 4 bytes: threads of a warp that want different words of one bank
wait for each other.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

import numpy as np

from .lanes import WARP
from .memory import GLOBAL, LOCAL, SHARED

SECTOR = 32  # bytes of global memory that move together
BANKS = 32
WORD = 4  # bytes a bank gives in one pass


@dataclass(frozen=True)
class Machine:
    """The GPU that cycles are estimated for: a small one, simple enough to reason about.

    `schedulers` warp instructions start in each cycle of a multiprocessor; global memory gives one multiprocessor
    `bytes_a_cycle`; a 64-bit floating-point instruction takes `float64_cost` times as long.
    """

    multiprocessors: int = 4
    schedulers: int = 4
    bytes_a_cycle: int = 16
    float64_cost: int = 32
    global_latency: int = 400
    barrier_latency: int = 20


@dataclass
class LineCount:
    """What one place in the source did to one array."""

    line: int
    kind: str  # load, store, atomic
    array: str
    space: str
    requests: int = 0  # accesses of whole warps
    transactions: int = 0  # sectors (global) or passes (shared)
    ideal: int = 0  # what the same bytes would have needed at best
    text: str = ""  # the access as it is written, `x[i]`
    bytes: int = 0  # the size of an element
    sample: tuple = ()  # the first warp's first access: (lanes that took part, the byte address of each)

    @property
    def efficiency(self) -> float:
        return self.ideal / self.transactions if self.transactions else 1.0


@dataclass
class Branch:
    """An `if` or loop whose threads of one warp went different ways."""

    line: int
    warps: int = 0
    divergent: int = 0


@dataclass
class Counts:
    """Everything that is counted during one launch."""

    accesses: dict[tuple, LineCount] = field(default_factory=dict)
    branches: dict[int, Branch] = field(default_factory=dict)
    notes: dict[tuple[int, str], str] = field(default_factory=dict)  # (line, kind) -> a sentence
    instructions: int = 0  # warp instructions
    float64_instructions: int = 0
    barriers: int = 0  # barriers that blocks passed

    # -- collecting ---------------------------------------------------------------------------------------------

    def access(self, run, array, lanes, at, kind: str) -> None:
        """Count one access of the lanes `lanes` to the elements `at` of an array."""
        key = (run.place, kind, array.name)
        count = self.accesses.get(key)
        if count is None:
            text = ast.unparse(run.place)
            count = LineCount(run.line, kind, array.name, array.space, text=text, bytes=array.dtype.itemsize)
            self.accesses[key] = count
        warp = run.lanes.warp[lanes]
        warps = _distinct(warp)
        count.requests += warps
        size = array.dtype.itemsize
        if array.space == SHARED:
            address = at % max(array.size, 1) * size
            words = max(1, size // WORD)
            turns = warp * words + run.lanes.lane[lanes] * words // WARP  # of 8-byte elements, half a warp at a time
            count.transactions += _passes(turns, address, max(size, WORD))
            count.ideal += _distinct(turns)
        elif array.space == LOCAL:
            return
        else:
            address = array.address + at * size
            distinct = _each_once(warp * (1 << 44) + address)
            sectors = distinct // SECTOR  # in order, too
            count.transactions += 1 + int(np.count_nonzero(sectors[1:] != sectors[:-1]))
            count.ideal += int(np.sum(-(-np.bincount(distinct >> 44) * size // SECTOR)))
        if not count.sample:
            mine = warp == warp[0]
            count.sample = (tuple(run.lanes.lane[lanes[mine]].tolist()), tuple(address[mine].tolist()))

    def instruction(self, run, active, value) -> None:
        """Count one arithmetic instruction of every warp that is active."""
        warps = run.active_warps(active)
        self.instructions += warps
        if getattr(value, "dtype", None) == np.float64:
            self.float64_instructions += warps

    def branch(self, run, line: int, yes, no) -> None:
        """Count a branch that the lanes `yes` take and the lanes `no` do not."""
        count = self.branches.setdefault(line, Branch(line))
        lanes = run.lanes
        taken = np.bincount(lanes.warp[yes], minlength=lanes.warps) > 0
        left = np.bincount(lanes.warp[no], minlength=lanes.warps) > 0
        count.warps += int(np.count_nonzero(taken | left))
        count.divergent += int(np.count_nonzero(taken & left))

    def note(self, line: int, kind: str, text: str) -> None:
        self.notes.setdefault((line, kind), text)

    # -- sums ---------------------------------------------------------------------------------------------------

    def total(self, space: str, what: str) -> int:
        return sum(getattr(count, what) for count in self.accesses.values() if count.space == space)

    def cycles(self, machine: Machine, blocks: int) -> int:
        """The estimate: what the busiest part of each multiprocessor needs, and a latency for each round of blocks."""
        share = min(machine.multiprocessors, max(blocks, 1))
        issue = self.instructions + (machine.float64_cost - 1) * self.float64_instructions
        issue += sum(count.requests for count in self.accesses.values())
        memory = self.total(GLOBAL, "transactions") * SECTOR / machine.bytes_a_cycle
        shared = self.total(SHARED, "transactions")
        busy = max(issue / machine.schedulers, memory, shared) / share
        waits = machine.global_latency + machine.barrier_latency * self.barriers / max(blocks, 1)
        return round(busy + waits)


def _distinct(sorted_or_not) -> int:
    return int(np.count_nonzero(np.bincount(sorted_or_not)))


def _each_once(values: np.ndarray) -> np.ndarray:
    """The different values in order; for arrays of this size faster than np.unique."""
    values = np.sort(values)
    first = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return values[first]


def _passes(turns, address, size: int) -> int:
    """How often shared memory must be asked: for each turn, the most different elements that one bank has to give.

    Elements larger than a word lie in several banks; these count as one wide bank.
    """
    banks = BANKS * WORD // size
    elements = _each_once(turns * (1 << 32) + address // size)
    each = np.bincount((elements >> 32) * banks + elements % banks)
    each = np.pad(each, (0, -len(each) % banks)).reshape(-1, banks).max(axis=1)
    return int(each.sum())
