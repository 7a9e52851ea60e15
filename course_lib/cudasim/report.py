"""What a launch did, as a table: memory transactions, bank conflicts, divergence, notes, estimated cycles."""

from __future__ import annotations

from .counting import Counts, Machine
from .memory import GLOBAL, SHARED

_WASTEFUL = {GLOBAL: 2, SHARED: 4}  # times as many transactions as at best: padded rows may still need two passes
_ADVICE = {
    GLOBAL: "line {line}: a warp's access to {text} moves {each:.0f} sectors of 32 bytes where {ideal:.0f} would do, "
    "because neighbouring threads touch places far apart in {array}. Let threadIdx.x count along the last dimension",
    SHARED: "line {line}: a warp's access to {text} takes {each:.0f} passes where {ideal:.0f} would do, because "
    "threads want different words of one bank. Make the rows of {array} one number longer, or let neighbouring "
    "threads take neighbouring numbers",
}


class Report:
    """The counts of one launch. `print(kernel.report)` shows them; `kernel.report.show()` draws them."""

    def __init__(self, kernel, grid_dim, block_dim, counts: Counts):
        self.kernel, self.grid_dim, self.block_dim, self.counts = kernel, grid_dim, block_dim, counts

    @property
    def blocks(self) -> int:
        return self.grid_dim[0] * self.grid_dim[1] * self.grid_dim[2]

    @property
    def threads(self) -> int:
        """The threads of a block."""
        return self.block_dim[0] * self.block_dim[1] * self.block_dim[2]

    @property
    def global_transactions(self) -> int:
        """Sectors of 32 bytes moved from and to global memory."""
        return self.counts.total(GLOBAL, "transactions")

    @property
    def global_efficiency(self) -> float:
        """The share of the moved bytes that was asked for, between 0 and 1."""
        moved = self.global_transactions
        return self.counts.total(GLOBAL, "ideal") / moved if moved else 1.0

    @property
    def shared_transactions(self) -> int:
        """Passes through shared memory."""
        return self.counts.total(SHARED, "transactions")

    @property
    def bank_conflicts(self) -> int:
        """Passes through shared memory that were needed only because threads wanted the same bank."""
        return self.shared_transactions - self.counts.total(SHARED, "ideal")

    @property
    def divergent_branches(self) -> int:
        """How often the threads of a warp went different ways."""
        return sum(branch.divergent for branch in self.counts.branches.values())

    @property
    def notes(self) -> list[str]:
        """What is allowed but probably not meant: float64 arithmetic, floats stored as integers, overflow."""
        return [text for _, text in sorted(self.counts.notes.items())]

    @property
    def advice(self) -> list[str]:
        """What would save memory transactions, for each line that needs many more than its bytes do."""
        wasteful = [c for c in self.counts.accesses.values()
                    if c.space in _ADVICE and c.transactions >= _WASTEFUL[c.space] * c.ideal > 0]  # fmt: skip
        return [_ADVICE[c.space].format(line=c.line, text=c.text, array=c.array, each=c.transactions / c.requests,
                                        ideal=c.ideal / c.requests)
                for c in sorted(wasteful, key=lambda c: (c.line, c.kind))]  # fmt: skip

    def cycles(self, machine: Machine | None = None) -> int:
        """The estimated time in cycles on a machine (see `Machine`; a small one if none is given)."""
        return self.counts.cycles(machine or Machine(), self.blocks)

    def show(self, machine: Machine | None = None):
        """The counts and access patterns as a figure, with the cycles estimated for `machine`."""
        from ..viz.kernels import launch_figure

        return launch_figure(self, machine or Machine())

    def __str__(self) -> str:
        counts = self.counts
        lines = [
            f"{self.kernel.__name__}: {self.blocks} blocks of {self.threads} threads, about {self.cycles()} cycles",
            f"  warp instructions {counts.instructions}, of which in float64 {counts.float64_instructions}",
            f"  divergent branches {self.divergent_branches}, barriers {counts.barriers}",
        ]
        rows = [
            ("line", "access", "array", "requests", "transactions", "at best", "efficiency"),
            *[
                (str(c.line), f"{c.space} {c.kind}", c.array, str(c.requests), str(c.transactions), str(c.ideal),
                 f"{c.efficiency:.0%}")
                for c in sorted(counts.accesses.values(), key=lambda c: (c.line, c.kind, c.array))
            ],
        ]  # fmt: skip
        widths = [max(len(row[column]) for row in rows) for column in range(7)]
        lines += ["  " + "  ".join(cell.ljust(w) if i in (1, 2) else cell.rjust(w)
                                   for i, (cell, w) in enumerate(zip(row, widths, strict=True))).rstrip()
                  for row in rows]  # fmt: skip
        lines += [f"  line {b.line}: {b.divergent} of {b.warps} warps went both ways"
                  for b in sorted(counts.branches.values(), key=lambda b: b.line) if b.divergent]  # fmt: skip
        lines += [f"  note: {text}" for text in self.notes]
        lines += [f"  advice: {text}" for text in self.advice]
        return "\n".join(lines)
