"""StrideExplorer: apply view operations to a small tensor and watch its strides, while its memory stays where it is.

The learner's moves are `steps`, the code written behind `x`, and `index`, the element pointed at. From the steps
follow shape, strides and offset (viz/strides.py does the arithmetic), the cells to draw, and which steps may follow.
"""

import math
import re
from dataclasses import dataclass

import traitlets

from .explorer import Explorer, positive_sizes, script, synced
from .figure import Figure
from .memory import draw_memory
from .strides import Layout, NotAView
from .style import series

_NO_VIEW = (
    "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
    "contiguous subspaces). Use .reshape(...) instead."
)


@dataclass(frozen=True)
class _State:
    """A tensor after some steps: its layout, the numbers in its memory, and whether that is still the memory of x."""

    layout: Layout
    memory: tuple[int, ...]
    copied: bool = False

    def copy(self, layout: Layout) -> "_State":
        """New memory that holds the elements of `layout` in reading order."""
        memory = tuple(self.memory[address] for address in layout.addresses())
        return _State(Layout.fresh(layout.shape), memory, copied=True)

    def view(self, layout: Layout) -> "_State":
        return _State(layout, self.memory, self.copied)


def take_step(state: _State, step: str) -> _State:
    """Apply one step, written as in code: `.T`, `[1:]`, `[:, ::2]`, `.reshape(2, 6)`, `.contiguous()`, `.flip(0)`, …"""
    layout = state.layout
    dims = len(layout.shape)
    if step == ".T":
        if dims != 2:
            raise ValueError(f".T exchanges the two axes of a matrix, and this tensor has {dims} axes")
        return state.view(layout.transpose(0, 1))
    if step == ".contiguous()":
        return state if layout.is_contiguous else state.copy(layout)
    if match := re.fullmatch(r"\[(.+)\]", step):
        return state.view(_indexed(layout, match[1]))
    if match := re.fullmatch(r"\.(transpose|permute|reshape|view|flip)\(([-\d, ]+)\)", step):
        numbers = [int(number) for number in match[2].split(",") if number.strip()]
        return _called(state, match[1], numbers)
    raise ValueError(
        f"{step!r} is not a step this explorer knows: try '.T', '[1:]', '[:, ::2]', '.reshape(2, 6)', '.view(-1)', "
        "'.contiguous()' or '.flip(0)'"
    )


def _called(state: _State, method: str, numbers: list[int]) -> _State:
    layout = state.layout
    dims = len(layout.shape)
    if method in ("reshape", "view"):
        shape = _filled_in(numbers, layout.numel)
        try:
            return state.view(layout.view(shape))
        except NotAView:
            if method == "view":
                raise RuntimeError(_NO_VIEW) from None
            return state.copy(layout).view(Layout.fresh(shape))
    if any(not -dims <= dim < dims for dim in numbers):
        raise IndexError(f"Dimension out of range (expected to be in range of [{-dims}, {dims - 1}])")
    numbers = [dim % dims for dim in numbers]
    if method == "flip":
        # Strides are never negative: to read an axis backwards, the elements have to be written down again.
        order = [range(size) for size in layout.shape]
        backwards = [list(reversed(r)) if dim in numbers else list(r) for dim, r in enumerate(order)]
        addresses = [layout.address([backwards[dim][i] for dim, i in enumerate(index)]) for index in layout.indices()]
        return _State(Layout.fresh(layout.shape), tuple(state.memory[a] for a in addresses), copied=True)
    if method == "transpose" and len(numbers) == 2:
        return state.view(layout.transpose(*numbers))
    if method == "permute" and sorted(numbers) == list(range(dims)):
        return state.view(layout.permute(*numbers))
    raise ValueError(f".{method}({', '.join(map(str, numbers))}) does not fit a tensor with {dims} axes")


def _filled_in(shape: list[int], numel: int) -> list[int]:
    """Replace one -1 by the size that fits."""
    known = math.prod(size for size in shape if size != -1)
    if shape.count(-1) > 1 or known <= 0 or numel % known or (-1 not in shape and known != numel):
        raise RuntimeError(f"shape '{shape}' is invalid for input of size {numel}")
    return [numel // known if size == -1 else size for size in shape]


def _indexed(layout: Layout, subscript: str) -> Layout:
    """Apply the parts of a subscript such as `1:, ::2` or `:, 0` to the axes, the first part to the first axis."""
    dim = 0
    for part in (text.strip() for text in subscript.split(",")):
        if dim >= len(layout.shape):
            raise IndexError(f"too many indices for tensor of dimension {len(layout.shape)}")
        if re.fullmatch(r"-?\d+", part):
            layout = layout.select(dim, int(part))
            continue
        if not re.fullmatch(r"-?\d*:-?\d*(:-?\d*)?", part):
            raise ValueError(f"{part!r} is not an index such as 2 or a range such as 1:3 or ::2")
        start, stop, step = (*(int(text) if text else None for text in part.split(":")), None)[:3]
        layout = layout.slice(dim, start, stop, step)
        dim += 1
    return layout


class StrideExplorer(Explorer):
    """Explore shape, strides and memory of `x = torch.arange(n).reshape(shape)`.

    Set `steps` (for example `[".T", "[1:]"]`) and `index` (for example `[1, 2]`), or use the buttons and the mouse;
    read `shape`, `strides`, `storage_offset`, `is_contiguous`, `is_copy`, `expression` and `error`.
    """

    _esm = script("stride_explorer")

    base_shape = synced(traitlets.List, traitlets.Int())
    steps = synced(traitlets.List, traitlets.Unicode())
    index = synced(traitlets.List, traitlets.Int())

    shape = synced(traitlets.List, traitlets.Int())
    strides = synced(traitlets.List, traitlets.Int())
    storage_offset = synced(traitlets.Int, 0)
    is_contiguous = synced(traitlets.Bool, True)
    is_copy = synced(traitlets.Bool, False)
    expression = synced(traitlets.Unicode)
    error = synced(traitlets.Unicode)
    cells = synced(traitlets.List)
    memory = synced(traitlets.List)
    left_behind = synced(traitlets.List)
    offered = synced(traitlets.List)

    def __init__(self, shape=(3, 4), **options):
        sizes = positive_sizes(shape, most_dims=3, most_cells=48)
        super().__init__(base_shape=sizes, **options)
        self._done: list[str] | None = None  # the steps of which the present state is the result
        self._follow()
        self.observe(self._follow, names=["steps"])

    def _follow(self, change=None) -> None:
        """Work out everything that follows from the steps; a step that is not possible is taken back with its error."""
        if self.steps == self._done:
            return  # the steps were only shortened to those that are possible, below
        layout = Layout.fresh(self.base_shape)
        state = _State(layout, tuple(range(layout.numel)))
        done, error = [], ""
        for step in self.steps:
            try:
                state = take_step(state, step)
            except (ValueError, IndexError, RuntimeError) as problem:
                error = f"x{''.join(done)}{step}  →  {type(problem).__name__}: {problem}"
                break
            done.append(step)
        self._state, self._done = state, done
        with self.hold_trait_notifications():
            self.expression = "x" + "".join(done)
            self.shape, self.strides = list(state.layout.shape), list(state.layout.strides)
            self.storage_offset, self.is_contiguous = state.layout.offset, state.layout.is_contiguous
            self.is_copy, self.error = state.copied, error
            self.memory = list(state.memory)
            self.left_behind = list(range(math.prod(self.base_shape))) if state.copied else []
            self.cells = [self._cell(index) for index in state.layout.indices()]
            self.offered = self._offers(state)
            if len(self.index) != len(self.shape) or any(i >= n for i, n in zip(self.index, self.shape, strict=True)):
                self.index = []
            if done != self.steps:
                self.steps = done

    def _cell(self, index: tuple[int, ...]) -> dict:
        """What the browser shows of one element: its number, its address, and the walk and the sum that lead there."""
        layout = self._state.layout
        walk = [layout.offset]
        for times, stride in zip(index, layout.strides, strict=True):
            walk += [walk[-1] + stride * (hop + 1) for hop in range(times)]
        address = layout.address(index)
        terms = [f"{i} × {stride}" for i, stride in zip(index, layout.strides, strict=True)]
        return {
            "index": list(index),
            "value": self._state.memory[address],
            "address": address,
            "walk": walk,
            "sum": " + ".join([str(layout.offset), *terms]) + f" = {address}",
        }

    def _offers(self, state: _State) -> list[dict]:
        """The steps with a button: their code, their meaning, and whether they fit the present shape."""
        layout, dims = state.layout, len(state.layout.shape)
        table = [
            (".T", "transpose: exchange the two axes", dims == 2),
            ("[1:]", "leave out the first row", dims >= 1 and layout.shape[0] > 1),
            ("[:, ::2]", "every other column", dims >= 2 and layout.shape[1] > 1),
            ("[:, 1]", "only column 1: the axis is gone", dims >= 2 and layout.shape[1] > 1),
            (".flip(0)", "the rows backwards: this copies, since strides are never negative", dims >= 1),
            (".contiguous()", "the same numbers without jumps: this copies, if there are any", dims >= 1),
            (".view(-1)", "one row over the same memory, or an error", dims >= 1),
        ]
        shapes = [[layout.numel]] + [[n, layout.numel // n] for n in range(2, layout.numel) if layout.numel % n == 0]
        shapes += [[2, 2, layout.numel // 4]] if layout.numel % 4 == 0 and layout.numel > 4 else []
        table += [
            (f".reshape({', '.join(map(str, shape))})", "the same order under another shape", True)
            for shape in shapes
            if layout.numel and tuple(shape) != layout.shape
        ]
        return [{"step": step, "words": words, "fits": fits} for step, words, fits in table]

    def summary(self) -> str:
        """The present state in one line of text."""
        return (
            f"{self.expression} has shape {tuple(self.shape)}, strides {tuple(self.strides)} and storage offset "
            f"{self.storage_offset}; it is {'' if self.is_contiguous else 'not '}contiguous and "
            f"{'a copy' if self.is_copy else 'shares the memory of x'}."
        )

    def picture(self) -> Figure:
        """The present state as a static figure."""
        state, columns = self._state, self.base_shape[-1]
        colors = {address: series(value // columns) for address, value in enumerate(state.memory)}
        return draw_memory(state.layout, [str(value) for value in state.memory], colors, self.expression, "int64")
