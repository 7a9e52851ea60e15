"""torch.Size: the shape of a tensor, a tuple that prints and counts as PyTorch's does."""

from __future__ import annotations

import math


class Size(tuple):
    """The shape of a tensor: a tuple of sizes, one a dimension.

    >>> import course_lib as torch
    >>> torch.zeros(2, 3).shape
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/stable/size.html
    """

    __slots__ = ()

    def __new__(cls, sizes=()):
        made = tuple.__new__(cls, sizes)
        for size in made:
            if type(size) is not int:
                return tuple.__new__(cls, map(_checked, range(len(made)), made))
        return made

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    __str__ = __repr__

    def __getitem__(self, index):
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other):
        return Size(tuple.__add__(self, other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other):
        return Size(tuple.__add__(other, self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times):
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __reduce__(self):
        return (Size, (tuple(self),))


Size.__module__ = "course_lib"


def _checked(place: int, size) -> int:
    if isinstance(size, float) or not hasattr(size, "__index__"):
        raise TypeError(f"torch.Size() takes an iterable of 'int' (item {place} is '{type(size).__name__}')")
    return size.__index__()
