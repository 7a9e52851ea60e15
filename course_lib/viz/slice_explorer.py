"""SliceExplorer: choose a range or one index on every axis and see which cells are chosen, and under which shape.

The learner's moves are `selection` (for each axis an index, or `[start, stop, step]` with None for what is left out)
and `reshape_to`. From them follow the expression, the chosen cells, the shape, and whether the result is a view.
"""

import traitlets

from .canvas import Canvas
from .explorer import Explorer, positive_sizes, script, synced
from .figure import Figure
from .pieces import cell_width, grid
from .strides import Layout, NotAView
from .style import EMPTY, MUTED, SMALL, TITLE, series, tint

_ALL = (None, None, None)


def subscript(choice) -> str:
    """One axis of a selection as it is written between brackets.

    >>> subscript(2), subscript([1, None, 2]), subscript([None, None, None])
    ('2', '1::2', ':')
    """
    if isinstance(choice, int):
        return str(choice)
    start, stop, step = ("" if number is None else str(number) for number in choice)
    return f"{start}:{stop}" + (f":{step}" if step else "")


def written_selection(selection) -> str:
    """The whole subscript, without the full ranges at its end, which need not be written."""
    parts = list(selection)
    while len(parts) > 1 and parts[-1] == list(_ALL):
        parts.pop()
    return "[" + ", ".join(map(subscript, parts)) + "]"


class SliceExplorer(Explorer):
    """Explore indexing and reshaping of `x = torch.arange(n).reshape(shape)`.

    Set `selection` (for example `[[1, 3, None], 2]` for `x[1:3, 2]`) and `reshape_to` (for example `[2, -1]`; empty for
    none), or use the controls and the mouse; read `expression`, `result_shape`, `is_view` and `error`.
    """

    _esm = script("slice_explorer")

    shape = synced(traitlets.List, traitlets.Int())
    selection = synced(traitlets.List)
    reshape_to = synced(traitlets.List, traitlets.Int())

    expression = synced(traitlets.Unicode)
    result_shape = synced(traitlets.List, traitlets.Int())
    result = synced(traitlets.List)
    strides = synced(traitlets.List, traitlets.Int())
    storage_offset = synced(traitlets.Int, 0)
    is_view = synced(traitlets.Bool, True)
    verdict = synced(traitlets.Unicode)
    error = synced(traitlets.Unicode)
    reshapes = synced(traitlets.List)
    presets = synced(traitlets.List)

    def __init__(self, shape=(4, 6), **options):
        sizes = positive_sizes(shape, most_dims=3, most_cells=60)
        options.setdefault("selection", [list(_ALL) for _ in sizes])
        super().__init__(shape=sizes, **options)
        self.presets = self._presets()
        self._follow()
        self.observe(self._follow, names=["selection", "reshape_to"])

    def _follow(self, change=None) -> None:
        """Work out everything that follows from the selection; what torch refuses becomes `error`."""
        layout, error = Layout.fresh(self.shape), ""
        text = "x" + (written_selection(self.selection) if self.selection else "")
        try:
            layout = self._chosen(layout)
        except (ValueError, IndexError, TypeError) as problem:
            layout, error = Layout((0,), (1,)), f"{type(problem).__name__}: {problem}"
        self._sliced = layout
        is_view, verdict = True, "a view of the memory of x"
        values = layout.addresses()  # x is arange: every number is its own address
        if self.reshape_to and not error:
            text += f".reshape({', '.join(map(str, self.reshape_to))})"
            try:
                sizes = self._filled_in(layout.numel)
                layout = layout.view(sizes)
                verdict = "still a view: strides can express this shape"
            except NotAView:
                layout, is_view = Layout.fresh(sizes), False
                verdict = "a copy: no strides over the old memory give this shape"
            except ValueError:
                error = f"RuntimeError: shape '{list(self.reshape_to)}' is invalid for input of size {layout.numel}"
        with self.hold_trait_notifications():
            self.expression, self.error = text, error
            self.result_shape = [] if error else list(layout.shape)
            self.strides = [] if error else list(layout.strides)
            self.storage_offset = layout.offset
            self.result = [] if error else values
            self.is_view, self.verdict = is_view and not error, "" if error else verdict
            self.reshapes = self._offered_reshapes(len(values))

    def _chosen(self, layout: Layout) -> Layout:
        """The layout of `x[selection]`."""
        if len(self.selection) > len(self.shape):
            raise IndexError(f"too many indices for tensor of dimension {len(self.shape)}")
        dim = 0
        for choice in self.selection:
            if isinstance(choice, int):
                layout = layout.select(dim, choice)
            else:
                layout = layout.slice(dim, *choice)
                dim += 1
        return layout

    def _filled_in(self, numel: int) -> list[int]:
        sizes = list(self.reshape_to)
        if sizes.count(-1) == 1:
            known = 1
            for size in sizes:
                known *= 1 if size == -1 else size
            if known <= 0 or numel % known:
                raise ValueError("no size fits")
            sizes[sizes.index(-1)] = numel // known
        if any(size < 0 for size in sizes):
            raise ValueError("a size is negative")
        return sizes

    def _offered_reshapes(self, numel: int) -> list[list[int]]:
        """Shapes with as many cells as the selection has, for the list of choices."""
        if self.error or numel == 0:
            return []
        pairs = [[n, numel // n] for n in range(1, numel + 1) if numel % n == 0]
        return [[-1], *pairs]

    def _presets(self) -> list[dict]:
        """A few selections worth seeing, each with its meaning in words."""
        if len(self.shape) != 2:
            return []
        rows, columns = self.shape
        choices = [
            ("everything", [list(_ALL), list(_ALL)]),
            ("one row", [min(1, rows - 1), list(_ALL)]),
            ("one column", [list(_ALL), min(2, columns - 1)]),
            ("the same column, kept 2-D", [list(_ALL), [min(2, columns - 1), min(2, columns - 1) + 1, None]]),
            ("a block", [[1, rows - 1, None], [1, columns - 1, None]]),
            ("every other column", [list(_ALL), [None, None, 2]]),
            ("the last two columns", [list(_ALL), [-2, None, None]]),
        ]
        return [{"words": words, "code": "x" + written_selection(s), "selection": s} for words, s in choices]

    def summary(self) -> str:
        """The present state in one line of text."""
        if self.error:
            return f"{self.expression} with x of shape {tuple(self.shape)} gives {self.error}"
        start, end = tuple(self.shape), tuple(self.result_shape)
        return f"x has shape {start}, {self.expression} has shape {end}; the result is {self.verdict}."

    def picture(self) -> Figure:
        """The present state as a static figure: x with the chosen cells, and the result."""
        chosen, canvas = set() if self.error else set(self._sliced.addresses()), Canvas()
        source = Layout.fresh(self.shape)
        columns = self.shape[-1]
        width = cell_width([str(source.numel - 1)]) - 4

        def color(value: int) -> str:
            return series(value // columns)

        def look(index) -> dict:
            value = source.address(index)
            return {"fill": tint(color(value), 0.42)} if value in chosen else {"fill": EMPTY, "color": MUTED}

        canvas.text(0, 0, "x", size=TITLE, mono=True, bold=True)
        canvas.text(26, 0, f"{tuple(self.shape)}", size=SMALL, mono=True, color=MUTED)
        left = grid(canvas, 0, 16, source.shape, lambda index: str(source.address(index)), look, width=width, height=36)
        result = Layout.fresh(self.result_shape)
        beside = left.right + 52
        wide = (result.shape[-1] if result.shape else 1) * (width + 3) + 40
        x, y = (beside, 0) if beside + wide < 700 and len(result.shape) < 3 else (0, left.bottom + 36)
        used = canvas.text(x, y, self.expression, size=TITLE, mono=True, bold=True)
        if self.error:
            canvas.text(x, y + 28, self.error, size=SMALL)
            return canvas.figure(self.summary())
        canvas.text(x + used + 12, y, f"{tuple(self.result_shape)}", size=SMALL, mono=True, color=MUTED)
        right = grid(
            canvas,
            x,
            y + 16,
            result.shape,
            lambda index: str(self.result[result.address(index)]),
            lambda index: {"fill": tint(color(self.result[result.address(index)]), 0.42)},
            width=width,
            height=36,
        )
        canvas.text(x, right.bottom + 22, self.verdict, size=SMALL, color=MUTED)
        return canvas.figure(self.summary())
