"""The parts that pictures are put together from: the grid of a tensor, the strip of its memory, a card of facts.

A part draws itself on a canvas at a place and returns where its cells came to lie, so that arrows can point at them.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .canvas import Canvas, text_width
from .style import BLUE, CELL, EMPTY, FAINT, GAP, INK, MUTED, PAPER, SMALL, TEXT, tint

Index = tuple[int, ...]
INDEX_BAND = 18  # room for index numbers along an edge
AXIS_BAND = 20  # room for the name of an axis along an edge


@dataclass
class Placed:
    """The area that a part covers, and the middle of each of its cells."""

    x: float
    y: float
    width: float
    height: float
    cells: dict = field(default_factory=dict)

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


def shown(size: int, most: int) -> list[int | None]:
    """The indices to draw of an axis: all of them, or the first and last ones around None, which stands for the rest.

    >>> shown(100, 5)
    [0, 1, None, 98, 99]
    """
    if size <= most:
        return list(range(size))
    head = most // 2
    return [*range(head), None, *range(size - (most - head - 1), size)]


def cell_width(texts: Sequence[str], size: float = TEXT) -> float:
    """A width in which the longest text fits, not narrower than a square cell."""
    return min(78, max([CELL, *(text_width(text, size, True) + 14 for text in texts)]))


def plain(_: Index) -> dict:
    """How a cell looks that nothing sets apart."""
    return {"fill": tint(BLUE, 0.16)}


def grid(
    canvas: Canvas,
    x: float,
    y: float,
    shape: Index,
    text_of: Callable[[Index], str],
    look_of: Callable[[Index], Mapping] = plain,
    *,
    width: float = CELL,
    height: float = CELL,
    most: int = 12,
    indices: bool = True,
    axes: bool = True,
    prefix: Index = (),
    widest: float = 660,
) -> Placed:
    """Draw the cells of a tensor of 0 to 4 dimensions; (x, y) is the top left of everything, labels included.

    A matrix is a table, a vector one row; a 3-D tensor is a row of tables and a 4-D tensor a table of tables.
    """
    if len(shape) > 2:
        return _tables(canvas, x, y, shape, text_of, look_of, width, height, most, indices, axes, prefix, widest)
    rows: list = [()] if len(shape) < 2 else [(i,) if i is not None else None for i in shown(shape[0], most)]
    columns: list = [()] if not shape else [(i,) if i is not None else None for i in shown(shape[-1], most)]
    down, along = len(prefix), len(prefix) + len(shape) - 1  # the numbers of the two axes
    left = x + (AXIS_BAND if axes and len(shape) == 2 else 0) + (INDEX_BAND if indices and len(shape) == 2 else 0)
    top = y + (AXIS_BAND if axes and shape else 0) + (INDEX_BAND if indices and shape else 0)
    placed = Placed(x, y, 0, 0)
    at = top
    for row in rows:
        if row is None:
            canvas.text(left + width / 2, at + 8, "⋮", color=MUTED, align="center")
            at += 18
            continue
        if indices and len(shape) == 2:
            canvas.text(left - 7, at + height / 2, str(row[0]), size=SMALL, color=MUTED, align="right", mono=True)
        across = left
        for column in columns:
            if column is None:
                canvas.text(across + 8, at + height / 2, "⋯", color=MUTED, align="center")
                across += 18
                continue
            if indices and shape and row is rows[0]:
                canvas.text(
                    across + width / 2, top - 9, str(column[0]), size=SMALL, color=MUTED, align="center", mono=True
                )
            index = (*prefix, *row, *column)
            canvas.cell(across, at, text_of(index), width=width, height=height, **look_of(index))
            placed.cells[index] = (across + width / 2, at + height / 2)
            across += width + GAP
        at += height + GAP
    empty = not rows or not columns
    right = left + (2 * CELL if empty else across - left - GAP)
    bottom = top + (CELL if empty else at - top - GAP)
    if empty:
        canvas.box(left, top, right - left, bottom - top, fill=PAPER, edge=FAINT, line=1.5, dashed=True)
        canvas.text((left + right) / 2, (top + bottom) / 2, "empty", size=SMALL, color=MUTED, align="center")
    if axes and shape:
        _axis_along(canvas, left, right, y + 8, f"dim {along}")
    if axes and len(shape) == 2:
        _axis_down(canvas, x + 8, top, bottom, f"dim {down}")
    placed.width, placed.height = right - x, bottom - y
    return placed


def _tables(canvas, x, y, shape, text_of, look_of, width, height, most, indices, axes, prefix, widest) -> Placed:
    """The cells of a tensor with more than two dimensions: one table for each index on the first axes."""
    placed = Placed(x, y, 0, 0)
    across, at, lowest = x, y, y
    most_tables = 6
    for first in shown(shape[0], most_tables):
        if first is None:
            canvas.text(across + 12, at + 60, "⋯", color=MUTED, align="center", size=18)
            across += 34
            continue
        name = "[" + ", ".join(map(str, (*prefix, first))) + "]"
        if len(shape) == 3:
            canvas.text(across + AXIS_BAND * axes, at + 7, name, size=SMALL, mono=True, bold=True, color=MUTED)
        inner = grid(
            canvas,
            across,
            at + (22 if len(shape) == 3 else 0),
            shape[1:],
            text_of,
            look_of,
            width=width,
            height=height,
            most=most if len(shape) == 3 else 4,
            indices=indices,
            axes=axes,
            prefix=(*prefix, first),
            widest=widest,
        )
        placed.cells |= inner.cells
        placed.width = max(placed.width, inner.right - x)
        lowest = max(lowest, inner.bottom)
        # 4-D: every index on the first axis gets its own row; 3-D: tables stand side by side until the line is full.
        across = x if len(shape) > 3 else inner.right + 24
        if len(shape) > 3 or across + inner.width > x + widest:
            across, at = x, lowest + 26
    placed.height = lowest - y
    return placed


def _axis_along(canvas: Canvas, left: float, right: float, y: float, name: str) -> None:
    used = canvas.text(left, y, name, size=SMALL, color=MUTED)
    if right - left > used + 22:
        canvas.arrow((left + used + 6, y), (right, y), color=FAINT, width=1.4)


def _axis_down(canvas: Canvas, x: float, top: float, bottom: float, name: str) -> None:
    used = text_width(name, SMALL)
    canvas.text(x, top + used / 2, name, size=SMALL, color=MUTED, rotated=True)
    if bottom - top > used + 22:
        canvas.arrow((x, top + used + 6), (x, bottom), color=FAINT, width=1.4)


def strip(
    canvas: Canvas,
    x: float,
    y: float,
    texts: Sequence[str],
    look_of: Callable[[int], Mapping],
    *,
    width: float = CELL,
    height: float = CELL,
    widest: float = 680,
    first: int = 0,
    addresses: bool = True,
    line_gap: float = 12,
) -> Placed:
    """Draw memory: cells side by side, each with its address below, in as many lines as needed."""
    placed = Placed(x, y, 0, 0)
    per_line = max(1, min(len(texts), int(widest // width)))
    line_height = height + (16 if addresses else 0) + line_gap
    looks = [dict(look_of(number)) for number in range(len(texts))]
    # Cells with an edge of their own come last, so that their neighbours do not cover it.
    for number in sorted(range(len(texts)), key=lambda number: "edge" in looks[number]):
        line, column = divmod(number, per_line)
        left, top = x + column * width, y + line * line_height
        look = {"edge": PAPER, "line": 2.5} | looks[number]
        canvas.cell(left, top, texts[number], width=width, height=height, **look)
        if addresses:
            canvas.text(
                left + width / 2,
                top + height + 9,
                str(first + number),
                size=SMALL - 1,
                color=MUTED,
                align="center",
                mono=True,
            )
        placed.cells[number] = (left + width / 2, top + height / 2)
    lines = -(-len(texts) // per_line)
    placed.width, placed.height = per_line * width, max(lines * line_height - line_gap, 0)
    return placed


def unused() -> dict:
    """How a cell of memory looks that the tensor does not reach."""
    return {"fill": EMPTY, "color": "#8a949e"}


def card(
    canvas: Canvas,
    x: float,
    y: float,
    facts: Mapping[str, str],
    *,
    title: str | None = None,
    width: float | None = None,
) -> Placed:
    """Draw a small table of names and values on a tinted ground."""
    name_width = max(text_width(name, TEXT) for name in facts)
    value_width = max(text_width(value, TEXT, True) for value in facts.values())
    title_width = text_width(title, TEXT, True, True) if title else 0
    width = width or max(name_width + 14 + value_width, title_width) + 28
    line, top = 21, y + 12
    height = 24 + line * (len(facts) + bool(title)) - 2 + (4 if title else 0)
    canvas.box(x, y, width, height, fill="#f7f9fb", edge=FAINT, line=1, radius=7)
    if title:
        canvas.text(x + 14, top + 9, title, mono=True, bold=True)
        top += line + 4
    for name, value in facts.items():
        canvas.text(x + 14, top + 9, name, color=MUTED)
        canvas.text(x + 28 + name_width, top + 9, value, mono=True, color=INK)
        top += line
    return Placed(x, y, width, height)


def all_indices(shape: Index) -> list[Index]:
    """Every index of a tensor of this shape, in reading order."""
    return list(itertools.product(*(range(size) for size in shape)))
