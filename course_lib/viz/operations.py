"""Pictures of what operations do to cells: which are folded together, joined, chosen, or multiplied and summed."""

from collections.abc import Sequence
from typing import Any

from .canvas import Canvas
from .figure import Figure
from .pieces import all_indices, cell_width, grid
from .reading import dtype_name, flat_values, shape_of, written
from .style import BLUE, CELL, EMPTY, GREEN, MUTED, ORANGE, SMALL, TEXT, TITLE, series, tint
from .tensors import marked_look, values_in_words


def _texts(t: Any) -> dict[tuple[int, ...], str]:
    return dict(zip(all_indices(shape_of(t)), map(written, flat_values(t)), strict=True))


def reduction(t: Any, dim: int | None, op: str = "sum", keepdim: bool = False) -> Figure:
    """Draw how `t.sum(dim)` (or mean, prod, max, min, amax, amin, any, all) folds one axis away; `dim=None` folds all.

    Cells that are folded into the same result have the colour of that result.
    """
    shape = shape_of(t)
    if not 1 <= len(shape) <= 3:
        raise ValueError(f"reduction draws tensors of 1 to 3 dimensions, and this one has {len(shape)}")
    if dim is not None and not -len(shape) <= dim < len(shape):
        raise IndexError(f"dim {dim} is out of range: a tensor of shape {shape} has the dims 0 to {len(shape) - 1}")
    axis = None if dim is None else dim % len(shape)
    result = getattr(t, op)() if axis is None else getattr(t, op)(axis, keepdim=keepdim)
    result = getattr(result, "values", result) if not hasattr(result, "shape") else result
    kept = shape_of(result)
    inputs, outputs = _texts(t), _texts(result)

    def target(index):
        """The cell of the result into which this cell of t goes."""
        if axis is None:
            return ()
        return (*index[:axis], *((0,) if keepdim else ()), *index[axis + 1 :])

    def look(index, strength):
        """One hue for each result, or for each row of results with a shade for each column."""
        number = list(outputs).index(index)
        if len(kept) < 2 or keepdim:
            return {"fill": tint(series(number), strength)}
        return {"fill": tint(series(index[0]), strength * (0.6 + 0.8 * index[1] / kept[1]))}

    canvas = Canvas()
    arguments = ", ".join(([] if dim is None else [f"dim={dim}"]) + (["keepdim=True"] if keepdim else []))
    call = f"x.{op}({arguments})"
    canvas.text(0, 0, call, size=TITLE, mono=True, bold=True)
    canvas.text(0, 24, f"shape {shape}  →  {kept}", size=12, mono=True, color=MUTED)
    width = cell_width([*inputs.values(), *outputs.values()])
    placed = grid(
        canvas,
        0,
        42,
        shape,
        inputs.__getitem__,
        lambda index: look(target(index), 0.3),
        width=width,
    )

    def result_cell(x, y, index):
        canvas.cell(
            x - width / 2, y - CELL / 2, outputs[index], width=width, height=CELL, bold=True, **look(index, 0.62)
        )

    across_columns = axis == len(shape) - 1 and len(shape) <= 2
    if axis is not None and len(shape) == 2 and not across_columns:
        # Down the columns: every result stands below its column.
        for index in outputs:
            column = index[-1]
            x = placed.cells[(shape[0] - 1, column)][0]
            canvas.arrow((x, placed.bottom + 5), (x, placed.bottom + 25), color=MUTED)
            result_cell(x, placed.bottom + 31 + CELL / 2, index)
    elif across_columns:
        # Along the rows: every result stands right of its row.
        for index in outputs:
            first = next(cell for cell in inputs if target(cell) == index)
            y = placed.cells[first][1]
            canvas.arrow((placed.right + 5, y), (placed.right + 31, y), color=MUTED)
            result_cell(placed.right + 38 + width / 2, y, index)
    else:
        y = placed.bottom + 22
        canvas.arrow((placed.middle[0], placed.bottom + 6), (placed.middle[0], y + 8), color=MUTED)
        after = grid(
            canvas,
            placed.middle[0] - (width / 2 if not kept else min(placed.middle[0], (kept[-1] * (width + 3)) / 2 + 38)),
            y + 14,
            kept,
            outputs.__getitem__,
            lambda index: look(index, 0.62) | {"bold": True},
            width=width,
        )
        canvas.space(after.x, after.y, after.right, after.bottom)
    words = "all its cells" if axis is None else f"dim {axis}, which has {shape[axis]} cells,"
    alt = (
        f"{call} on a tensor of shape {shape} with the values {values_in_words(t)} folds {words} into a result "
        f"of shape {kept}: {values_in_words(result)}."
    )
    return canvas.figure(alt)


def joining(a: Any, b: Any, dim: int = 0, names: Sequence[str] = ("a", "b")) -> Figure:
    """Draw `cat` and `stack` of two tensors of one shape: cat makes an axis longer, stack makes a new one."""
    if shape_of(a) != shape_of(b):
        raise ValueError(f"joining draws two tensors of one shape, not {shape_of(a)} and {shape_of(b)}")
    shape = shape_of(a)
    if not 1 <= len(shape) <= 2 or not 0 <= dim < len(shape):
        raise ValueError(f"joining draws vectors and matrices and a dim they have, not shape {shape} and dim {dim}")
    texts = [_texts(a), _texts(b)]
    looks = [{"fill": tint(BLUE, 0.32)}, {"fill": tint(ORANGE, 0.42)}]
    width = cell_width([text for part in texts for text in part.values()]) - 4

    def catenated(index):
        part, inner = divmod(index[dim], shape[dim])
        return part, (*index[:dim], inner, *index[dim + 1 :])

    def stacked(index):
        return index[dim], (*index[:dim], *index[dim + 1 :])

    canvas = Canvas()
    across = 0.0
    for text, name, look in zip(texts, names, looks, strict=True):
        canvas.text(across, 0, name, size=TITLE, mono=True, bold=True)
        table = grid(
            canvas, across, 14, shape, text.__getitem__, lambda _, look=look: look, width=width, height=34, axes=False
        )
        across = table.right + 48
    top = table.bottom + 40
    longer = (*shape[:dim], shape[dim] * 2, *shape[dim + 1 :])
    new = (*shape[:dim], 2, *shape[dim:])
    across = 0.0
    for call, result, source in (("cat", longer, catenated), ("stack", new, stacked)):
        title = f"torch.{call}(({names[0]}, {names[1]}), dim={dim})"
        used = canvas.text(across, top, title, mono=True, bold=True, size=12)
        canvas.text(across, top + 20, f"shape {result}", size=SMALL, mono=True, color=MUTED)

        def text_of(index, source=source):
            part, inner = source(index)
            return texts[part][inner]

        table = grid(
            canvas,
            across,
            top + 34,
            result,
            text_of,
            lambda index, source=source: looks[source(index)[0]],
            width=width,
            height=34,
            widest=max(330, used),
        )
        across = max(table.right, across + used) + 48
    alt = (
        f"{names[0]} = {values_in_words(a)} and {names[1]} = {values_in_words(b)}, both of shape {shape}. cat along "
        f"dim {dim} puts one behind the other: shape {longer}. "
        f"stack along dim {dim} lays them on a new axis: shape {new}."
    )
    return canvas.figure(alt)


def masking(t: Any, mask: Any, name: str = "x", condition: str = "mask") -> Figure:
    """Draw a tensor, a bool mask of the same shape, and the values that `t[mask]` picks, in reading order."""
    if dtype_name(mask) != "bool" or shape_of(mask) != shape_of(t) or not 1 <= len(shape_of(t)) <= 2:
        raise ValueError(
            f"masking draws a vector or matrix and a bool mask of its shape, not shape {shape_of(t)} with a mask of "
            f"shape {shape_of(mask)} and dtype {dtype_name(mask)}"
        )
    shape, texts, picks = shape_of(t), _texts(t), dict(zip(_texts(t), flat_values(mask), strict=True))
    chosen = [index for index in texts if picks[index]]
    canvas, width = Canvas(), cell_width(list(texts.values()))
    picked, left_out = marked_look(), {"fill": EMPTY, "color": MUTED}

    def look(index):
        return picked if picks[index] else left_out

    canvas.text(0, 0, name, size=TITLE, mono=True, bold=True)
    first = grid(canvas, 0, 12, shape, texts.__getitem__, look, width=width, height=36, axes=False)
    left = first.right + 54
    below = left + first.width + 20 > 700
    x, y = (0, first.bottom + 38) if below else (left, 0)
    canvas.text(x, y, condition, size=TITLE, mono=True, bold=True)
    second = grid(
        canvas,
        x,
        y + 12,
        shape,
        lambda index: str(picks[index]),
        lambda index: {"fill": tint(GREEN, 0.4)} if picks[index] else left_out,
        width=max(width, 50),
        height=36,
        axes=False,
    )
    top = max(first.bottom, second.bottom) + 40
    canvas.text(0, top, f"{name}[{condition}]", size=TITLE, mono=True, bold=True)
    canvas.text(0, top + 22, f"shape ({len(chosen)},)", size=SMALL, mono=True, color=MUTED)
    grid(
        canvas,
        0,
        top + 32,
        (len(chosen),),
        lambda index: texts[chosen[index[0]]],
        lambda _: picked,
        width=width,
        height=36,
        axes=False,
    )
    alt = (
        f"{name} of shape {shape} holds {values_in_words(t)}. The mask {condition} is True at {len(chosen)} places; "
        f"{name}[{condition}] is a vector of these values: {', '.join(texts[index] for index in chosen[:24])}."
    )
    return canvas.figure(alt)


def matrix_product(a: Any, b: Any, cell: tuple[int, int] = (0, 0), names: Sequence[str] = ("a", "b")) -> Figure:
    """Draw `a @ b`: the row of a and the column of b that meet in one cell, with the sum of products spelled out."""
    if len(shape_of(a)) != 2 or len(shape_of(b)) != 2 or shape_of(a)[1] != shape_of(b)[0]:
        raise ValueError(
            f"the columns of a must match the rows of b, but the shapes are {shape_of(a)} and {shape_of(b)}"
        )
    (rows, inner), columns = shape_of(a), shape_of(b)[1]
    row, column = range(rows)[cell[0]], range(columns)[cell[1]]
    left, right = _texts(a), _texts(b)
    product = a @ b
    result = _texts(product)
    width = cell_width([*left.values(), *right.values(), *result.values()])
    height = 38
    canvas = Canvas()
    table_width = inner * (width + 3) + 18
    canvas.text(table_width + 44, 0, f"{names[1]}  {shape_of(b)}", mono=True, bold=True)
    first = grid(
        canvas,
        table_width + 26,
        12,
        (inner, columns),
        right.__getitem__,
        lambda index: {"fill": tint(ORANGE, 0.7 if index[1] == column else 0.22), "bold": index[1] == column},
        width=width,
        height=height,
        axes=False,
    )
    y = first.bottom + 40
    canvas.text(18, y - 12, f"{names[0]}  {shape_of(a)}", mono=True, bold=True)
    grid(
        canvas,
        0,
        y,
        (rows, inner),
        left.__getitem__,
        lambda index: {"fill": tint(BLUE, 0.6 if index[0] == row else 0.18), "bold": index[0] == row},
        width=width,
        height=height,
        axes=False,
    )
    canvas.text(table_width + 44, y - 12, f"{names[0]} @ {names[1]}  {shape_of(product)}", mono=True, bold=True)

    def look(index):
        return (
            {"fill": tint(GREEN, 0.6), "edge": GREEN, "line": 2, "bold": True}
            if index == (row, column)
            else {"fill": tint(GREEN, 0.18)}
        )

    third = grid(
        canvas, table_width + 26, y, (rows, columns), result.__getitem__, look, width=width, height=height, axes=False
    )
    terms = " + ".join(f"{left[row, k]}·{right[k, column]}" for k in range(inner))
    formula = f"[{row}, {column}]:  {terms} = {result[row, column]}"
    canvas.text(18, third.bottom + 28, formula, mono=True, size=TEXT)
    alt = (
        f"{names[0]} @ {names[1]} of shapes {shape_of(a)} and {shape_of(b)} has shape {shape_of(product)}. Row {row} "
        f"of {names[0]} and column {column} of {names[1]} meet in cell {row}, {column}: "
        f"{terms} = {result[row, column]}."
    )
    return canvas.figure(alt)
