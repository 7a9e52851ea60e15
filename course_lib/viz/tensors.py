"""Pictures of a tensor as such: its values, its axes, and how random values spread."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.ticker import MaxNLocator

from .canvas import Canvas, text_width
from .figure import Figure
from .pieces import Placed, all_indices, cell_width, grid
from .reading import dtype_name, flat_values, shape_of, written
from .style import BLUE, FAINT, INK, MUTED, ORANGE, PAPER, SMALL, TEXT, TITLE, series, tint


def show_tensor(t: Any, title: str | None = None, highlight: Any = None) -> Figure:
    """Draw the values of a tensor of 0 to 4 dimensions with the index of every row and column.

    `highlight` marks cells: a bool tensor of the shape of `t`, or an index such as `1` or `(slice(None), 2)`.
    Long axes are shortened in the middle.
    """
    shape, values = shape_of(t), flat_values(t)
    if len(shape) > 4:
        raise ValueError(f"show_tensor draws up to 4 dimensions, and this tensor has {len(shape)}: show a part of it")
    texts = dict(zip(all_indices(shape), map(written, values), strict=True))
    marked = marked_cells(t, highlight)
    canvas = Canvas()
    if title:
        canvas.text(0, 0, title, size=TITLE, mono=True, bold=True)

    def look(index):
        return marked_look() if index in marked else {"fill": tint(BLUE, 0.16)}

    top = 24 if title else 0
    most = 12 if len(shape) <= 2 else 6
    width = cell_width(list(texts.values()))
    most = min(most, int(660 // width)) if shape else most
    placed = grid(canvas, 0, top, shape, texts.__getitem__, look, width=width, most=most)
    _caption(canvas, placed, f"shape {shape}   dtype {dtype_name(t)}")
    return canvas.figure(_values_alt(t, title, marked, texts))


def marked_look() -> dict:
    """How a cell looks that the picture is about."""
    return {"fill": tint(ORANGE, 0.55), "edge": ORANGE, "line": 2, "bold": True}


def marked_cells(t: Any, highlight: Any) -> set[tuple[int, ...]]:
    """The indices of `t` that `highlight` (None, a bool mask or an index) picks."""
    shape = shape_of(t)
    if highlight is None:
        return set()
    if dtype_name(getattr(highlight, "dtype", "")) == "bool":
        if shape_of(highlight) != shape:
            raise ValueError(f"highlight has shape {shape_of(highlight)}, but the tensor has shape {shape}")
        return {index for index, on in zip(all_indices(shape), flat_values(highlight), strict=True) if on}
    parts = highlight if isinstance(highlight, tuple) else (highlight,)
    if len(parts) > len(shape):
        raise ValueError(f"highlight has {len(parts)} indices, but the tensor has {len(shape)} dimensions")
    chosen = []
    for size, part in zip(shape, (*parts, *[slice(None)] * (len(shape) - len(parts))), strict=True):
        chosen.append(set(range(size)[part]) if isinstance(part, slice) else {range(size)[part]})
    return {index for index in all_indices(shape) if all(i in ok for i, ok in zip(index, chosen, strict=True))}


def values_in_words(t: Any, most: int = 24) -> str:
    """The values of a small tensor as nested lists; only the shape of a large one."""
    values = flat_values(t)
    if len(values) > most:
        return f"{len(values)} values from {written(min(values))} to {written(max(values))}"

    def nested(part) -> str:
        return "[" + ", ".join(map(nested, part)) + "]" if isinstance(part, list) else written(part)

    return nested(t.tolist())


def _values_alt(t, title, marked, texts) -> str:
    name = f"{title}: " if title else ""
    alt = f"{name}a tensor of shape {shape_of(t)} and dtype {dtype_name(t)} with the values {values_in_words(t)}."
    if marked:
        cells = ", ".join(texts[index] for index in sorted(marked)[:12])
        alt += f" Highlighted: {cells}{', …' if len(marked) > 12 else ''}."
    return alt


def _caption(canvas: Canvas, placed: Placed, text: str) -> None:
    canvas.text(placed.x, placed.bottom + 18, text, size=SMALL, color=MUTED, mono=True)


def axes(*tensors: Any, names: Sequence[str] | None = None) -> Figure:
    """Draw the shapes of tensors side by side, from a scalar (one cell) to 4-D (a row of boxes), with every axis named.

    Values are not shown; a long axis is drawn shortened and labelled with its true size.
    """
    for t in tensors:
        if len(t.shape) > 4:
            raise ValueError(f"axes draws up to 4 dimensions, and this tensor has {len(t.shape)}")
    canvas = Canvas()
    across, baseline = 0.0, 150.0
    for number, t in enumerate(tensors):
        shape = shape_of(t)
        title, caption = names[number] if names else f"{len(shape)}-D", str(shape)
        body = _blocks(canvas, across + 16, baseline, shape, series(number))
        middle = body.middle[0]
        canvas.text(middle, baseline + 58, title, size=TEXT, bold=True, align="center")
        canvas.text(middle, baseline + 78, caption, size=SMALL, color=MUTED, align="center", mono=True)
        half = max(text_width(title, TEXT, False, True), text_width(caption, SMALL, True), body.width) / 2
        across = middle + half + 18
    kinds = ("a scalar", "a vector", "a matrix", "a 3-D tensor", "a 4-D tensor")
    parts = [
        f"{names[number] + ', ' if names else ''}{kinds[len(t.shape)]} of shape {shape_of(t)}"
        for number, t in enumerate(tensors)
    ]
    return canvas.figure("Tensors drawn as blocks of cells: " + "; ".join(parts) + ".")


def _blocks(canvas: Canvas, left: float, ground: float, shape: tuple[int, ...], color: str) -> Placed:
    """One box of cells standing on the ground, its front facing the reader; 4-D is a row of such boxes."""
    if len(shape) == 4:
        first = _box(canvas, left, ground, shape[1:], color, first_dim=1)
        right = first.right
        if shape[0] > 1:
            right = _box(canvas, right + 8, ground, shape[1:], color, first_dim=None).right
        if shape[0] > 2:
            right += 12 + canvas.text(right + 8, ground - first.height / 2, "⋯", color=MUTED, size=18)
        canvas.line((left, ground + 22), (right, ground + 22), color=FAINT, width=1.4)
        canvas.text((left + right) / 2, ground + 34, f"dim 0: {shape[0]}", size=10, color=MUTED, align="center")
        return Placed(left, first.y, right - left, first.height)
    return _box(canvas, left, ground, shape, color, first_dim=0)


def _box(
    canvas: Canvas, left: float, ground: float, shape: tuple[int, ...], color: str, first_dim: int | None
) -> Placed:
    """Cells in up to three dimensions; the axes are named from `first_dim` on, or not at all."""
    side, depth = 18, 7
    sheets, rows, columns = (1, 1, 1, *(min(size, 8 if len(shape) < 3 else 5) for size in shape))[-3:]
    top = ground - rows * side
    for sheet in reversed(range(sheets)):
        shade = 0.5 if sheets == 1 else 0.62 - 0.34 * sheet / (sheets - 1)
        for row in range(rows):
            for column in range(columns):
                x, y = left + depth * sheet + column * side, top - depth * sheet + row * side
                canvas.box(x, y, side, side, fill=tint(color, shade), edge=PAPER, line=2, radius=3)
    if first_dim is not None and shape:
        labels = [f"dim {first_dim + number}: {size}" for number, size in enumerate(shape)]
        canvas.text(left + columns * side / 2, ground + 10, labels[-1], size=10, color=MUTED, align="center")
        if len(shape) > 1:
            canvas.text(left - 9, ground - rows * side / 2, labels[-2], size=10, color=MUTED, rotated=True)
        if len(shape) > 2:
            end = depth * (sheets - 1)
            canvas.text(left + end, top - end - 10, labels[-3], size=10, color=MUTED)
    shift = depth * (sheets - 1)
    return Placed(left, top - shift, columns * side + shift, rows * side + shift)


def distributions(samples: Mapping[str, Any], bins: int = 40) -> Figure:
    """Draw a histogram of the values of each tensor on one common axis, with its mean marked.

    `samples` maps a label (the expression that made the tensor) to the tensor; there are about `bins` bars.
    """
    columns = {label: [float(value) for value in flat_values(t)] for label, t in samples.items()}
    if not columns or not all(columns.values()):
        raise ValueError("distributions needs at least one tensor, and each with at least one value")
    low, high = min(map(min, columns.values())), max(map(max, columns.values()))
    # The ends of the axis and all ticks are round numbers, and every tick is the edge of a bar.
    ticks = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high if high > low else low + 1)
    bins = (len(ticks) - 1) * max(1, round(bins / (len(ticks) - 1)))
    low, span = ticks[0], ticks[-1] - ticks[0]
    canvas, width, height, top, words = Canvas(), 430, 62, 0.0, []

    def across(value: float) -> float:
        return (value - low) / span * width

    for number, (label, values) in enumerate(columns.items()):
        counts = [0] * bins
        for value in values:
            counts[min(int((value - low) / span * bins), bins - 1)] += 1
        color, ground = series(number), top + 24 + height
        canvas.text(0, top, label, mono=True, bold=True)
        for position, count in enumerate(counts):
            if count:
                x, tall = position * width / bins, height * count / max(counts)
                canvas.box(x + 0.6, ground - tall, width / bins - 1.2, tall, fill=tint(color, 0.6), radius=1)
        canvas.line((0, ground), (width, ground), color=FAINT)
        mean = sum(values) / len(values)
        spread = math.sqrt(sum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1))
        canvas.line((across(mean), ground + 4), (across(mean), ground - height - 2), color=INK, width=1.4, dashed=True)
        facts = (f"mean {mean:.2f}", f"std  {spread:.2f}", f"{len(values):,} values")
        for row, text in enumerate(facts):
            color = INK if row < 2 else MUTED
            canvas.text(width + 22, ground - 40 + 18 * row, text, size=12, mono=row < 2, color=color)
        words.append(
            f"{label} has mean {mean:.2f} and standard deviation {spread:.2f}, "
            f"from {min(values):.2f} to {max(values):.2f}"
        )
        top = ground + 26
    for value in ticks:
        canvas.text(across(value), top - 14, f"{value:.4g}", size=SMALL, color=MUTED, align="center", mono=True)
    return canvas.figure("Histograms on one axis: " + "; ".join(words) + ".")
