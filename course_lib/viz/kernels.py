"""Pictures of GPU kernels: the grid of threads that a launch starts, and what its warps did with memory and branches.

`show_grid` draws blocks and threads with their indices. `launch_figure` draws a report of cudasim: for each access the
first warp's 32 lanes and the memory that moved for them, then the branches that split warps, then the totals.
"""

import textwrap
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from .canvas import Canvas, text_width
from .figure import Figure
from .pieces import card, shown
from .style import BLUE, GREEN, INK, MUTED, ORANGE, SMALL, TEXT, TITLE, VERMILLION, series, tint

LANES, BANKS, SECTOR, WORD = 32, 32, 32, 4  # threads of a warp; banks; bytes of a sector and of a bank's word
MOST_ACCESSES = 8  # a kernel with more lines that use memory is cut off, with a word about the rest
MOST_WORDS = 6  # so many words of a bank are drawn one above the other
_WIDE, _LANE = 640, 20  # the width of a row of lanes, and of one lane
_IDLE, _FADED = "#eceff2", "#8a949e"  # a lane or bank that does not take part
_VERBS = {"load": "reads", "store": "writes", "atomic": "changes (atomic)"}


# ---- the grid ----------------------------------------------------------------------------------------------------


def show_grid(grid: int | Sequence[int], block: int | Sequence[int], kernel: Any = None) -> Figure:
    """Draw the blocks and threads of `kernel[grid, block]` with their indices, and how one thread finds its place.

    `grid` and `block` are numbers or tuples (x, y) or (x, y, z), as in a launch. Of a large grid the first and the last
    blocks and threads are drawn, of three dimensions the layer z = 0.
    """
    blocks, threads = _sizes(grid, "grid"), _sizes(block, "block")
    name = getattr(kernel, "__name__", "kernel")
    canvas = Canvas()
    canvas.text(0, 0, f"{name}[{_spelled(grid)}, {_spelled(block)}]", size=TITLE, mono=True, bold=True)
    many = blocks[0] * blocks[1] * blocks[2], threads[0] * threads[1] * threads[2]
    words = f"{_count(many[0], 'block')} of {_count(many[1], 'thread')}: {many[0] * many[1]} threads in all"
    flat = blocks[1:] == threads[1:] == (1, 1)
    cells = "threadIdx.x, and below it the place in the whole grid" if flat else "threadIdx.x, threadIdx.y"
    canvas.text(0, 24, words, color=MUTED)
    canvas.text(0, 44, f"in each cell: {cells}", color=MUTED)
    places = _Grid(canvas, blocks, threads, flat)
    places.draw(64)
    marked_block, marked_thread = places.marked
    if blocks[2] > 1 or threads[2] > 1:
        canvas.text(0, canvas.bottom + 14, "drawn: the layer z = 0 of each", size=SMALL, color=MUTED)
    axes = "x" if flat else "xy"
    formulas = [_formula(axis, marked_block[a], threads[a], marked_thread[a]) for a, axis in enumerate(axes)]
    top = canvas.bottom + 26
    canvas.text(0, top, "The thread with the red frame finds its place in the grid:", color=MUTED)
    call = "i = cuda.grid(1)" if flat else "x, y = cuda.grid(2)"
    for row, (formula, result) in enumerate(formulas):
        used = canvas.text(14, top + 24 + 22 * row, formula, mono=True)
        canvas.text(14 + used, top + 24 + 22 * row, str(result), mono=True, bold=True, color=VERMILLION)
    canvas.text(0, top + 26 + 22 * len(formulas), f"{call} computes the same.", color=MUTED)
    alt = (
        f"The threads of {name}[{_spelled(grid)}, {_spelled(block)}]: {words}. Each block is a box, each thread a cell "
        f"with {cells}. For example "
        + " and ".join(f"{formula}{result}" for formula, result in formulas) + "."
    )  # fmt: skip
    return canvas.figure(alt)


class _Grid:
    """Draws blocks as boxes and in each of them its threads as cells."""

    def __init__(self, canvas: Canvas, blocks, threads, flat: bool):
        self.canvas, self.blocks, self.threads, self.flat = canvas, blocks, threads, flat
        self.columns, self.rows = (shown(n, n if n <= 8 else 5) for n in threads[:2])
        widest = f"{blocks[0] * threads[0] - 1}" if flat else f"{threads[0] - 1},{threads[1] - 1}"
        self.cell = max(26, text_width(widest, SMALL, True) + 10), 36 if flat else 26
        self.width = self._extent(self.columns, self.cell[0]) + 20
        self.height = self._extent(self.rows, self.cell[1]) + 42
        per_line = max(1, int((_WIDE + 12) // (self.width + 12)))
        across, down = (3 * per_line, 1) if flat else (per_line, 3)
        if blocks[0] > across:
            across = max(3, across - 1)  # the dots take room
        self.across, self.down = shown(blocks[0], across), shown(blocks[1], down)
        self.marked = _second(self.across, self.down), _second(self.columns, self.rows)

    @staticmethod
    def _extent(indices, cell: float) -> float:
        return sum(16 if index is None else cell + 3 for index in indices) - 3

    def draw(self, top: float) -> None:
        at = top
        for y in self.down:
            if y is None:
                self.canvas.text(self.width / 2, at + 8, "⋮", color=MUTED, align="center", size=18)
                at += 30
                continue
            across = 0.0
            for x in self.across:
                if x is not None and across and across + self.width > _WIDE + 12:
                    across, at = 0.0, at + self.height + 12
                across = self._block(across, at, (x, y) if x is not None else None)
            at += self.height + 12

    def _block(self, x: float, y: float, index) -> float:
        """Draw one block, or dots for those left out; returns where the next one begins."""
        canvas = self.canvas
        if index is None:
            canvas.text(x + 10, y + self.height / 2, "⋯", color=MUTED, align="center", size=18)
            return x + 32
        color = series((index[0] + index[1] * self.blocks[0]) % 5)
        canvas.box(x, y, self.width, self.height, fill=tint(color, 0.1), edge=tint(color, 0.7), line=1.5, radius=8)
        title = f"blockIdx.x = {index[0]}" if self.flat else f"blockIdx ({index[0]}, {index[1]})"
        size = min(TEXT - 1, (TEXT - 1) * (self.width - 20) / text_width(title, TEXT - 1, True, True))
        canvas.text(x + 10, y + 16, title, mono=True, bold=True, size=size)
        down = y + 32
        for row in self.rows:
            if row is None:
                canvas.text(x + 10 + self.cell[0] / 2, down + 7, "⋮", color=MUTED, align="center")
                down += 16
                continue
            across = x + 10
            for column in self.columns:
                if column is None:
                    canvas.text(across + 7, down + self.cell[1] / 2, "⋯", color=MUTED, align="center")
                    across += 16
                    continue
                self._thread(across, down, index, (column, row), color)
                across += self.cell[0] + 3
            down += self.cell[1] + 3
        return x + self.width + 12

    def _thread(self, x: float, y: float, block, thread, color: str) -> None:
        canvas, (width, height) = self.canvas, self.cell
        marked = (block, thread) == self.marked
        look = {"edge": VERMILLION, "line": 2.5} if marked else {}
        canvas.box(x, y, width, height, fill=tint(color, 0.5 if marked else 0.34), radius=4, **look)
        middle = x + width / 2
        if not self.flat:
            canvas.text(middle, y + height / 2, f"{thread[0]},{thread[1]}", size=SMALL, mono=True, align="center")
            return
        canvas.text(middle, y + 12, str(thread[0]), mono=True, bold=True, align="center")
        place = block[0] * self.threads[0] + thread[0]
        canvas.text(middle, y + 27, str(place), size=SMALL, mono=True, align="center", color=MUTED)


def _second(*axes) -> tuple[int, ...]:
    """The second of the indices drawn along each axis, the first where there is no second."""
    return tuple([[index for index in axis if index is not None][:2][-1] for axis in axes])


def _sizes(given, what: str) -> tuple[int, int, int]:
    sizes = tuple(given) if isinstance(given, Sequence) else (given,)
    if not 1 <= len(sizes) <= 3 or not all(isinstance(n, int) and n > 0 for n in sizes):
        raise ValueError(f"the {what} must be one to three positive integers, not {given!r}")
    return (*sizes, 1, 1)[:3]


def _spelled(given) -> str:
    return f"({', '.join(map(str, given))})" if isinstance(given, Sequence) else str(given)


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _formula(axis: str, block: int, size: int, thread: int) -> tuple[str, int]:
    terms = f"blockIdx.{axis} * blockDim.{axis} + threadIdx.{axis} = {block} * {size} + {thread} = "
    return terms, block * size + thread


# ---- a launch ----------------------------------------------------------------------------------------------------


def launch_figure(report: Any, machine: Any) -> Figure:
    """Draw what a launch of a cudasim kernel did; `kernel.report.show()` calls this.

    Each line that uses global memory shows the lanes of the first warp and the sectors of 32 bytes that moved for them
    (the used bytes are filled); each line that uses shared memory shows the 32 banks and the words they had to give.
    Below come the branches that split warps and the totals, with the cycles estimated for `machine`.
    """
    counts, canvas = report.counts, Canvas()
    name = report.kernel.__name__
    canvas.text(0, 0, name, size=TITLE, mono=True, bold=True)
    used = text_width(name, TITLE, True, True)
    size = f"{_count(report.blocks, 'block')} of {_count(report.threads, 'thread')}"
    canvas.text(used + 14, 1, size, color=MUTED)
    words = [f"{name}, {size}."]
    drawn = [c for c in sorted(counts.accesses.values(), key=lambda c: (c.line, c.kind == "store"))
             if c.sample and c.space in ("global", "shared")]  # fmt: skip
    top = 38.0
    for access in drawn[:MOST_ACCESSES]:
        words.append(_access(canvas, top, report, access))
        top = canvas.bottom + 30
    if len(drawn) > MOST_ACCESSES:
        more = f"… and {len(drawn) - MOST_ACCESSES} more lines that use memory: print(kernel.report) lists them"
        canvas.text(0, top, more, color=MUTED)
        top += 30
    if counts.branches:
        words.append(_branches(canvas, top, report))
        top = canvas.bottom + 30
    words.append(_totals(canvas, top, report, machine))
    for said in (*[f"Note: {note}." for note in report.notes], *[f"Advice: {hint}." for hint in report.advice]):
        lines = textwrap.wrap(said, 100)
        canvas.text(0, canvas.bottom + 12 + 8 * len(lines), "\n".join(lines), size=SMALL + 1, color=MUTED)
        words.append(said)
    return canvas.figure(" ".join(words))


def _access(canvas: Canvas, top: float, report, access) -> str:
    """One line that uses memory: its source, what happened in a sentence, the picture; returns the sentence."""
    good = access.transactions <= access.ideal
    _source_line(canvas, top, report, access.line)
    unit = "sector" if access.space == "global" else "pass"
    units = {"sector": "sectors", "pass": "passes"}[unit]
    lanes, addresses = access.sample
    if access.space == "global":
        picture, first = _sectors, f"{_count(len({a // SECTOR for a in addresses}), unit)} of {SECTOR} bytes"
        verdict = "coalesced" if good else "not coalesced"
    else:
        picture, passes = _banks, sum(max(map(len, each.values())) for _, _, each in _turns(access))
        first = f"1 {unit}" if passes == 1 else f"{passes} {units}"
        verdict = "no bank conflict" if good else "bank conflict"
    sentence = f"{_VERBS[access.kind]} {access.text} ({access.space}): {first} for {_count(len(lanes), 'lane')} — "
    used = canvas.text(0, top + 23, sentence)
    canvas.text(used + 6, top + 23, verdict, bold=True, color="#00694d" if good else VERMILLION)
    moved = f"{access.transactions} {units} for {_count(access.requests, 'request')}"
    whole = f"whole launch: {moved}, {access.ideal} at best"
    picture(canvas, top + 46, access)
    canvas.text(0, canvas.bottom + 13, whole, size=SMALL, color=MUTED)
    return f"Line {access.line} {sentence.replace(' — ', ', ')}{verdict}; {whole}."


def _source_line(canvas: Canvas, y: float, report, number: int) -> None:
    """`line 12 | out[i] = x[i]`."""
    source = report.kernel.source.line(number).strip()
    source = source if len(source) <= 72 else source[:71] + "…"
    used = canvas.text(0, y, f"line {number}", color=MUTED)
    canvas.text(used + 12, y, source, mono=True, bold=True)


def _lanes(canvas: Canvas, y: float, active) -> dict[int, float]:
    """Draw the 32 lanes of a warp as a row of cells; returns the middle of each."""
    canvas.text(-10, y + 9, "lane", size=SMALL, color=MUTED, align="right")
    for lane in range(LANES):
        here = lane in active
        fill = tint(BLUE, 0.34) if here else _IDLE
        _small_cell(canvas, lane * _LANE, y, 18, str(lane), fill, INK if here else _FADED)
    return {lane: lane * _LANE + _LANE / 2 - 1 for lane in range(LANES)}


def _sectors(canvas: Canvas, y: float, access) -> None:
    """The sectors of global memory that the first warp touched, with the bytes it asked for filled."""
    lanes, addresses = access.sample
    middles, size = _lanes(canvas, y, set(lanes)), access.bytes
    numbers = sorted({place // SECTOR for address in addresses for place in (address, address + size - 1)})
    below, gap = y + 58, 3
    wide = min(168.0, (_WIDE + gap) / len(numbers)) - gap
    left = {number: at * (wide + gap) for at, number in enumerate(numbers)}
    byte = wide / SECTOR
    color = GREEN if access.transactions <= access.ideal else VERMILLION
    for lane, address in zip(lanes, addresses, strict=True):
        x = left[address // SECTOR] + (address % SECTOR + size / 2) * byte
        canvas.line((middles[lane], y + 20), (x, below - 2), color=tint(color, 0.55), width=1.1)
    for number in numbers:
        canvas.box(left[number], below, wide, 22, fill="#e4e8ec", radius=3)
    for address in sorted(set(addresses)):
        x, width = left[address // SECTOR] + address % SECTOR * byte, size * byte
        canvas.box(x, below, width - 1 if width > 2 else width, 22, fill=tint(color, 0.62), radius=1)
    canvas.text(-10, below + 11, "sectors", size=SMALL, color=MUTED, align="right")
    for before, after in zip(numbers, numbers[1:], strict=False):
        if after != before + 1:  # memory is left out between the two
            canvas.line((left[after] - gap / 2, below - 4), (left[after] - gap / 2, below + 26), color=MUTED, width=1.2)
    used, moved = len(set(addresses)) * size, len(numbers) * SECTOR
    jumps = any(after != before + 1 for before, after in zip(numbers, numbers[1:], strict=False))
    text = f"filled: the {used} bytes that the first warp asked for, of {moved} that moved ({used / moved:.0%})"
    canvas.text(0, below + 36, text + (". A thin line: memory lies between" if jumps else ""), size=SMALL)


def _turns(access) -> list[tuple]:
    """The lanes that shared memory serves together (16 for 8-byte elements): (lanes, their words, words by bank)."""
    words_each = max(1, access.bytes // WORD)
    turns: dict[int, list] = defaultdict(list)
    for lane, address in zip(*access.sample, strict=True):
        turns[lane * words_each // LANES].append((lane, [address // WORD + k for k in range(words_each)]))
    made = []
    for members in turns.values():
        by_bank: dict[int, list[int]] = defaultdict(list)
        for word in dict.fromkeys(word for _, words in members for word in words):
            by_bank[word % BANKS].append(word)
        made.append(([lane for lane, _ in members], [words for _, words in members], by_bank))
    return made


def _banks(canvas: Canvas, y: float, access) -> None:
    """The 32 banks of shared memory, and below each the words that the first warp wants from it."""
    turns = _turns(access)
    lanes, words, by_bank = turns[0]
    middles, below = _lanes(canvas, y, set(lanes)), y + 66
    color = GREEN if access.transactions <= access.ideal else VERMILLION
    for lane, wanted in zip(lanes, words, strict=True):
        for word in wanted:
            canvas.line((middles[lane], y + 20), (middles[word % BANKS], below - 2), color=tint(color, 0.55), width=1.1)
    canvas.text(-10, below + 9, "bank", size=SMALL, color=MUTED, align="right")
    deepest = max(map(len, by_bank.values()))
    for bank in range(BANKS):
        _bank(canvas, below, bank, by_bank.get(bank, []), color)
    rows = min(deepest, MOST_WORDS)
    canvas.text(-10, below + 22 + rows * 8 - 1, "words", size=SMALL, color=MUTED, align="right")
    text = "a bank gives one word in a pass: " + (
        "none is asked for two" if deepest == 1 else f"the fullest is asked for {deepest}, one after the other"
    )
    if len(turns) > 1:
        text += f". Drawn: the first {LANES // len(turns)} lanes, elements of {access.bytes} bytes come in parts"
    canvas.text(0, below + 32 + rows * 16 + (12 if deepest > MOST_WORDS else 0), text, size=SMALL)


def _bank(canvas: Canvas, y: float, bank: int, wanted: list[int], color: str) -> None:
    x, middle = bank * _LANE, bank * _LANE + _LANE / 2 - 1
    _small_cell(canvas, x, y, 18, str(bank), tint(ORANGE, 0.45) if wanted else _IDLE, INK if wanted else _FADED)
    for row, word in enumerate(wanted[:MOST_WORDS]):
        _small_cell(canvas, x, y + 22 + row * 16, 14, str(word), tint(color, 0.4), INK)
    if len(wanted) > MOST_WORDS:
        canvas.text(middle, y + 28 + MOST_WORDS * 16, "⋮", align="center", color=MUTED)


def _small_cell(canvas: Canvas, x: float, y: float, height: float, text: str, fill: str, color: str) -> None:
    """A cell as wide as a lane."""
    canvas.box(x, y, _LANE - 2, height, fill=fill, radius=3)
    size = min(9, 9 * (_LANE - 4) / text_width(text, 9, True))
    canvas.text(x + _LANE / 2 - 1, y + height / 2, text, size=size, mono=True, align="center", color=color)


def _branches(canvas: Canvas, top: float, report) -> str:
    """The branches that threads could take differently, and how many warps they split."""
    canvas.text(0, top, "branches", bold=True)
    canvas.text(72, top, "a warp whose threads go both ways runs both ways, one after the other", color=MUTED)
    said = []
    for row, branch in enumerate(sorted(report.counts.branches.values(), key=lambda branch: branch.line)):
        y = top + 28 + 26 * row
        source = report.kernel.source.line(branch.line).strip()
        source = source if len(source) <= 34 else source[:33] + "…"
        used = canvas.text(0, y, f"line {branch.line}", color=MUTED)
        canvas.text(used + 12, y, source, mono=True)
        share = branch.divergent / max(branch.warps, 1)
        canvas.box(370, y - 7, 120, 14, fill=tint(GREEN, 0.5), radius=3)
        if share:
            canvas.box(370, y - 7, max(120 * share, 3), 14, fill=VERMILLION, radius=3)
        text = f"{branch.divergent} of {_count(branch.warps, 'warp')} split"
        canvas.text(500, y, text, color=VERMILLION if share else MUTED, bold=bool(share))
        said.append(f"line {branch.line}: {text}")
    return f"Branches: {'; '.join(said)}."


def _totals(canvas: Canvas, top: float, report, machine) -> str:
    counts = report.counts
    facts = {
        "instructions of warps": f"{counts.instructions}"
        + (f", {counts.float64_instructions} in float64" if counts.float64_instructions else ""),
        "global memory": f"{_count(report.global_transactions, 'sector')}, "
        f"{report.global_efficiency:.0%} of the bytes used",
        "shared memory": f"{report.shared_transactions} passes, {report.bank_conflicts} of them for bank conflicts",
        "barriers": str(counts.barriers),
        "estimated cycles": f"about {report.cycles(machine)}",
        "on a machine with": f"{_count(machine.multiprocessors, 'multiprocessor')}, each "
        f"{_count(machine.schedulers, 'instruction')}, {_count(machine.bytes_a_cycle, 'byte')} a cycle",
    }  # fmt: skip
    card(canvas, 0, top - 8, facts, title="the whole launch")
    return "The whole launch: " + "; ".join(f"{name} {value}" for name, value in facts.items()) + "."
