"""Flatten and Unflatten: dimensions joined into one, and one split into several."""

from __future__ import annotations

from ...tensor import Tensor
from .module import Module
from .utils import shown


class Flatten(Module):
    """Flatten(start_dim=1, end_dim=-1): the dimensions from start_dim to end_dim joined into one.

    >>> import course_lib as torch
    >>> torch.nn.Flatten()(torch.zeros(8, 3, 4, 4)).shape
    torch.Size([8, 48])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Flatten.html
    """

    __constants__ = ["start_dim", "end_dim"]

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return shown(self, "start_dim", "end_dim")


class Unflatten(Module):
    """Unflatten(dim, unflattened_size): dimension `dim` split into several of these sizes.

    TypeError unless the sizes are a tuple or list of whole numbers.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Unflatten.html
    """

    __constants__ = ["dim", "unflattened_size"]

    def __init__(self, dim: int, unflattened_size) -> None:
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                f"unflattened_size must be a tuple of ints, but found type {type(unflattened_size).__name__}"
            )
        for position, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                raise TypeError(
                    f"unflattened_size must be tuple of ints, but found element of type {type(size).__name__} at pos "
                    f"{position}"
                )
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return shown(self, "dim", "unflattened_size")
