"""Pictures of the memory behind tensors: a row of numbers, and the layout that makes a tensor of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from .canvas import Canvas, text_width
from .figure import Figure
from .pieces import Placed, all_indices, card, cell_width, grid, strip, unused
from .reading import dtype_name, flat_values, layout_of, memory_of, placed_in, shape_of, share_memory, written
from .strides import Layout
from .style import BLUE, MUTED, ORANGE, SMALL, TEXT, TITLE, VERMILLION, series, tint

_NEUTRAL = "#8a949e"
MOST_CELLS = 64  # a longer memory is cut off, with a word about the rest


def memory_map(t: Any, base: Any = None, name: str = "t") -> Figure:
    """Draw a tensor, the strip of memory it lives in, and the walk along its strides to one element.

    Cells keep their colour from the grid to the memory: one colour for each row of `base` (by default the tensor of
    which `t` is a view, or `t` itself). Memory that `t` does not reach is grey.
    """
    texts = [written(value) for value in memory_of(t, base)]
    return draw_memory(layout_of(t), texts, _colors_by_row(t, base), name, dtype_name(t))


def draw_memory(
    layout: Layout,
    texts: Sequence[str],
    colors: Mapping[int, str],
    name: str,
    dtype: str,
    target: Sequence[int] | None = None,
) -> Figure:
    """The picture of `memory_map`, from a layout, the texts and colours of the memory's cells, and the element to find.

    Without a `target` the walk leads to an element that shows every stride at work.
    """
    if target is None:
        target = [min(size - 1, 2 if dim == len(layout.shape) - 1 else 1) for dim, size in enumerate(layout.shape)]
    target = tuple(target)
    reached = set(layout.addresses())
    goal = layout.address(target) if reached else None

    canvas = Canvas()
    width = cell_width(texts)
    canvas.text(0, 0, name, size=TITLE, mono=True, bold=True)
    placed = grid(
        canvas,
        0,
        20,
        layout.shape,
        lambda index: texts[layout.address(index)],
        lambda index: _look(colors.get(layout.address(index), BLUE), index == target),
        width=width,
        most=16,
    )
    facts = {
        "dtype": dtype,
        "shape": str(layout.shape),
        "stride": str(layout.strides),
        "storage_offset": str(layout.offset),
        "contiguous": str(layout.is_contiguous),
    }
    has_room = placed.right < 420
    lines = card(canvas, placed.right + 36 if has_room else 0, 38 if has_room else placed.bottom + 20, facts)

    top = max(placed.bottom, lines.bottom) + 84
    canvas.text(0, top - 52, "memory", size=TEXT, bold=True)
    cells = strip(
        canvas,
        0,
        top,
        texts[:MOST_CELLS],
        lambda address: _look(colors.get(address, BLUE), address == goal) if address in reached else unused(),
        width=min(width, max(28, 680 / max(len(texts), 1))),
        height=36,
        line_gap=14,
    )
    if len(texts) > MOST_CELLS:
        canvas.text(0, cells.bottom + 12, f"… and {len(texts) - MOST_CELLS} more", size=SMALL, color=MUTED)
    alt = (
        f"{name}, shape {layout.shape}, strides {layout.strides}, offset {layout.offset}, dtype {dtype}, "
        f"{'' if layout.is_contiguous else 'not '}contiguous. Its memory holds {_listed(texts)}"
    )
    if not reached:
        return canvas.figure(alt + ".")
    _walk(canvas, cells, layout, target)
    formula, at = _address_in_words(layout, target), canvas.bottom + 22
    used = canvas.text(0, at, f"{name}[{', '.join(map(str, target))}]", mono=True, bold=True, color=VERMILLION)
    canvas.text(used + 10, at, f"is at address {formula}", mono=True)
    return canvas.figure(
        f"{alt}; {name} reads the addresses {_listed(layout.addresses())} in this order. "
        f"Element {list(target)} is at address {formula}."
    )


def _look(color: str, marked: bool = False) -> dict:
    if marked:
        return {"fill": tint(color, 0.55), "edge": VERMILLION, "line": 2.5, "bold": True}
    return {"fill": tint(color, 0.34)}


def _colors_by_row(t: Any, base: Any = None) -> dict[int, str]:
    """The colour of every address: that of the row of the base in which it lies; without a 2-D base, the row of t."""
    owner = base if base is not None else getattr(t, "_base", None)
    if owner is None or len(owner.shape) < 2:
        owner = t
    layout = layout_of(owner)
    if len(layout.shape) < 2:
        return dict.fromkeys(layout.addresses(), BLUE)
    rows = len(layout.shape) - 1  # all axes but the last count as rows
    numbers = {first: n for n, first in enumerate(all_indices(layout.shape[:rows]))}
    return {layout.address(index): series(numbers[index[:rows]]) for index in layout.indices()}


def _walk(canvas: Canvas, cells: Placed, layout: Layout, target: Sequence[int]) -> None:
    """Draw the hops from the offset to the element `target`: one arc for each step along each axis."""
    path = [(layout.offset, "")]
    for times, stride in zip(target, layout.strides, strict=True):
        path += [(path[-1][0] + stride * (hop + 1), f"+{stride}") for hop in range(times)]
    places = [cells.cells.get(address) for address, _ in path]
    if None in places or len({place[1] for place in places}) > 1 or any(label == "+0" for _, label in path):
        return  # the walk would leave the line on which it starts: the formula below says it all
    above = places[0][1] - 18 - 4
    start = places[0][0]
    below = places[0][1] + 18 + 19
    canvas.arrow((start, below + 20), (start, below), color=MUTED)
    canvas.text(start, below + 29, f"offset {layout.offset}", size=SMALL, color=MUTED, align="center")
    for (left, _), (right, _), (_, label) in zip(places, places[1:], path[1:], strict=False):
        height = 16 + min(22, (right - left) / 7)
        pull = ((left + right) / 2, above - 2 * height)
        canvas.curve((left + 6, above), (right - 4, above), pull=pull, color=VERMILLION)
        peak = above - height - 9
        canvas.text((left + right) / 2, peak, label, size=SMALL, color=VERMILLION, align="center", mono=True, bold=True)


def _address_in_words(layout: Layout, index: Sequence[int]) -> str:
    terms = "".join(f" + {i}·{stride}" for i, stride in zip(index, layout.strides, strict=True))
    return f"{layout.offset}{terms} = {layout.address(index)}" if index else str(layout.offset)


def _listed(items: Sequence, most: int = 24) -> str:
    texts = [str(item) or "something unseen" for item in items]
    return ", ".join(texts[:most]) + (", …" if len(texts) > most else "")


def tensor_anatomy(t: Any, view: Any = None, names: Sequence[str] = ("x", "x.T")) -> Figure:
    """Draw the idea of the chapter: numbers in a row, and two descriptions of them that make two tensors.

    `view` is a second tensor on the same memory, by default the transpose of the matrix `t`.
    """
    view = t.T if view is None else view
    if not share_memory(t, view):
        raise ValueError(f"tensor_anatomy draws two tensors on one memory, but {names[1]} has a memory of its own")
    memory = [written(value) for value in memory_of(t)]
    colors = _colors_by_row(t, t)
    canvas = Canvas()
    columns = [(t, names[0], 0.0), (view, names[1], 370.0)]
    cards, heading = [], {"size": SMALL, "color": MUTED}
    cell = min(42, 660 / max(len(memory), 1))
    left_of_strip = (660 - cell * len(memory)) / 2
    tallest = 0.0
    for tensor, _, left in columns:
        layout = layout_of(tensor)
        width = 36
        columns_wide = (layout.shape[-1] if layout.shape else 1) * (width + 3)
        placed = grid(
            canvas,
            left + max(0, (290 - columns_wide - 40) / 2),
            0,
            layout.shape,
            lambda index, layout=layout: memory[layout.address(index)],
            lambda index, layout=layout: _look(colors[layout.address(index)]),
            width=width,
            height=32,
        )
        tallest = max(tallest, placed.bottom)
    for tensor, name, left in columns:
        layout = layout_of(tensor)
        facts = {"shape": str(layout.shape), "stride": str(layout.strides), "offset": str(layout.offset)}
        box = card(canvas, left + 45, tallest + 44, facts, title=name, width=200)
        cards.append(box)
        canvas.arrow((box.middle[0], box.y - 6), (box.middle[0], tallest + 12), color=MUTED)
    top = cards[0].bottom + 62
    cells = strip(canvas, left_of_strip, top, memory, lambda address: _look(colors[address]), width=cell, height=38)
    middle = cells.middle[0]
    for box in cards:
        x, y = box.middle[0], box.bottom + 6
        canvas.curve((middle + (x - middle) * 0.5, top - 8), (x, y), pull=(x, top - 12), color=MUTED)
    canvas.text(0 - 6, tallest / 2, "what you see", rotated=True, **heading)
    canvas.text(0 - 6, cards[0].middle[1], "what a tensor knows", rotated=True, **heading)
    canvas.text(0 - 6, top + 19, "memory", rotated=True, **heading)
    first, second = layout_of(t), layout_of(view)
    alt = (
        f"One row of {len(memory)} numbers in memory, {_listed(memory)}, and two descriptions of it. {names[0]} has "
        f"shape {first.shape} and stride {first.strides}; {names[1]} has shape {second.shape} and stride "
        f"{second.strides}. Each description shows the same numbers as another table; nothing was copied."
    )
    return canvas.figure(alt)


def view_or_copy(base: Any, other: Any, names: Sequence[str] = ("x", "y")) -> Figure:
    """Draw two tensors and their memory: one strip that both read (a view), or one strip for each (a copy)."""
    shared = share_memory(base, other)
    canvas = Canvas()
    verdict = "is a view: one memory, two tensors" if shared else "is a copy: it has a memory of its own"
    canvas.text(0, 0, f"{names[1]} {verdict}", size=TITLE, bold=True)
    base_colors = _colors_by_row(base, base)
    tables, across = [], 0.0
    for tensor, name in zip((base, other), names, strict=True):
        texts = dict(zip(all_indices(shape_of(tensor)), map(written, flat_values(tensor)), strict=True))
        colors = base_colors if shared or tensor is base else {}
        addresses = placed_in(tensor, base) if shared else layout_of(tensor).addresses()
        looks = {index: _look(colors.get(address, _NEUTRAL)) for index, address in zip(texts, addresses, strict=True)}
        canvas.text(across, 36, name, mono=True, bold=True)
        table = grid(
            canvas,
            across,
            50,
            shape_of(tensor),
            texts.__getitem__,
            looks.__getitem__,
            width=cell_width(list(texts.values())) - 6,
            height=36,
            axes=False,
            most=10,
        )
        tables.append(table)
        across = table.right + 60 if shared else max(table.right + 60, 340)
    top = max(table.bottom for table in tables) + 48
    if shared:
        _one_memory(canvas, top, base, other, names, base_colors)
        alt = (
            f"Two tensors over one memory: {names[0]} of shape {shape_of(base)} and {names[1]} of shape "
            f"{shape_of(other)}. {names[1]} is a view of {names[0]}; it reads the addresses "
            f"{_listed(placed_in(other, base))}."
        )
    else:
        for tensor, name, table in zip((base, other), names, tables, strict=True):
            colors = base_colors if tensor is base else {}
            canvas.text(table.x, top - 14, f"memory of {name}", size=SMALL, color=MUTED)
            strip(
                canvas,
                table.x,
                top,
                [written(value) for value in memory_of(tensor)][:MOST_CELLS],
                lambda address, colors=colors: _look(colors.get(address, _NEUTRAL)),
                width=26,
                height=30,
                widest=318,
            )
        alt = (
            f"Two tensors with a memory each: {names[0]} of shape {shape_of(base)} and its copy {names[1]} of shape "
            f"{shape_of(other)}. Writing into one does not change the other."
        )
    return canvas.figure(alt)


def _one_memory(
    canvas: Canvas, top: float, base: Any, other: Any, names: Sequence[str], colors: Mapping[int, str]
) -> None:
    """Draw the common strip with a track for each tensor, which marks the cells that it reads."""
    memory = [written(value) for value in memory_of(base)][:MOST_CELLS]
    width = min(42, max(28, 660 / len(memory)))
    label, track = max(text_width(name, SMALL, True, True) for name in ("memory", *names)), 16
    canvas.text(label, top + 18, "memory", size=SMALL, color=MUTED, align="right")
    cells = strip(
        canvas,
        label + 10,
        top,
        memory,
        lambda address: _look(colors[address]) if address in colors else unused(),
        width=width,
        height=36,
        addresses=False,
        line_gap=48,
        widest=670 - label,
    )
    for row, (tensor, name, color) in enumerate(zip((base, other), names, (BLUE, ORANGE), strict=True)):
        reached = set(placed_in(tensor, base))
        below = 46 - 18 + track * row
        canvas.text(label, top + 46 + track * row, name, size=SMALL, mono=True, bold=True, align="right")
        for address, (x, y) in cells.cells.items():
            fill = color if address in reached else "#eceff2"
            canvas.box(x - width / 2 + 3, y + below - 4, width - 6, 8, fill=fill, radius=4)
