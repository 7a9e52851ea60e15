"""How shape, strides and offset address a block of memory: the arithmetic behind every view.

A Layout is what a tensor knows about its memory, without the memory. Each view operation makes another Layout; one
that no strides can express (some reshapes) raises NotAView, and then a tensor library has to copy. Strides count
elements, as in PyTorch, and are never negative.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


class NotAView(ValueError):
    """No strides over the same memory give this shape in this order."""


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a fresh tensor: the last index moves one element, each earlier one jumps over all later ones.

    >>> row_major((2, 3, 4))
    (12, 4, 1)
    """
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


@dataclass(frozen=True)
class Layout:
    """Shape, strides and offset: element [i, j, …] lies at offset + i·strides[0] + j·strides[1] + …"""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @classmethod
    def fresh(cls, shape: Sequence[int]) -> "Layout":
        """The layout of a newly made tensor of this shape."""
        return cls(tuple(shape), row_major(shape))

    @property
    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether reading index after index walks through memory without a jump."""
        if self.numel == 0:
            return True
        expected = row_major(self.shape)
        return all(n == 1 or s == e for n, s, e in zip(self.shape, self.strides, expected, strict=True))

    def address(self, index: Sequence[int]) -> int:
        """Where the element with this index lies.

        >>> Layout((3, 4), (4, 1)).address((1, 2))
        6
        """
        return self.offset + sum(i * stride for i, stride in zip(index, self.strides, strict=True))

    def indices(self) -> Iterator[tuple[int, ...]]:
        """All indices, in the order in which a tensor is read (the last index moves fastest)."""
        return itertools.product(*(range(size) for size in self.shape))

    def addresses(self) -> list[int]:
        """The address of every element, in reading order."""
        return [self.address(index) for index in self.indices()]

    def permute(self, *dims: int) -> "Layout":
        """The same elements with the axes in another order."""
        return Layout(tuple(self.shape[d] for d in dims), tuple(self.strides[d] for d in dims), self.offset)

    def transpose(self, first: int, second: int) -> "Layout":
        """The same elements with two axes exchanged.

        >>> Layout.fresh((3, 4)).transpose(0, 1)
        Layout(shape=(4, 3), strides=(1, 4), offset=0)
        """
        order = list(range(len(self.shape)))
        order[first], order[second] = order[second], order[first]
        return self.permute(*order)

    def select(self, dim: int, index: int) -> "Layout":
        """One index on axis `dim`: the axis is gone, the offset has moved."""
        size = self.shape[dim]
        if not -size <= index < size:
            raise IndexError(f"index {index} is out of bounds for dimension {dim} with size {size}")
        start = self.offset + (index % size) * self.strides[dim]
        return Layout(_without(self.shape, dim), _without(self.strides, dim), start)

    def slice(self, dim: int, start: int | None, stop: int | None, step: int | None) -> "Layout":
        """A range on axis `dim`: fewer elements, a larger stride, a later offset.

        >>> Layout.fresh((3, 4)).slice(1, 1, None, 2)
        Layout(shape=(3, 2), strides=(4, 2), offset=1)
        """
        if step is not None and step <= 0:
            raise ValueError("step must be greater than zero")
        chosen = range(self.shape[dim])[start:stop:step]
        shape = _replaced(self.shape, dim, len(chosen))
        strides = _replaced(self.strides, dim, self.strides[dim] * chosen.step)
        return Layout(shape, strides, self.offset + chosen.start * self.strides[dim])

    def view(self, shape: Sequence[int]) -> "Layout":
        """The same elements in the same reading order under another shape, if strides can say it; else NotAView.

        Axes of the old layout that follow each other without a jump form a run; every axis of the new shape must lie
        inside one run.
        """
        if math.prod(shape) != self.numel:
            raise ValueError(f"shape '{list(shape)}' is invalid for input of size {self.numel}")
        if self.numel == 0:
            return Layout(tuple(shape), row_major(shape), self.offset)
        strides = [1] * len(shape)
        dim = len(shape) - 1  # the new axis that takes its stride next, from the last to the first
        for size, stride in _runs_from_the_end(self.shape, self.strides):
            taken = 1
            while dim >= 0 and (taken < size or shape[dim] == 1):
                strides[dim] = stride * taken
                taken *= shape[dim]
                dim -= 1
            if taken != size:
                raise NotAView(f"no strides over this memory give the shape {tuple(shape)}")
        return Layout(tuple(shape), tuple(strides), self.offset)


def _runs_from_the_end(shape: Sequence[int], strides: Sequence[int]) -> list[tuple[int, int]]:
    """Join neighbouring axes that step through memory without a jump: [(elements, stride), …], the last run first."""
    runs: list[tuple[int, int]] = []
    for size, stride in reversed([pair for pair in zip(shape, strides, strict=True) if pair[0] != 1]):
        if runs and stride == runs[-1][0] * runs[-1][1]:
            runs[-1] = (runs[-1][0] * size, runs[-1][1])
        else:
            runs.append((size, stride))
    return runs or [(1, 1)]


def _without(values: tuple[int, ...], position: int) -> tuple[int, ...]:
    return values[:position] + values[position + 1 :]


def _replaced(values: tuple[int, ...], position: int, value: int) -> tuple[int, ...]:
    return values[:position] + (value,) + values[position + 1 :]
