"""Padding: the last one, two or three dimensions made longer at both ends, with a value or with copies of the input.

`padding` is one number for every side, or (before, after) for each dimension, the last one first. Negative numbers cut
off. Fifteen classes of five kinds and three numbers of dimensions are declared from two bases.
"""

from __future__ import annotations

from ...tensor import Tensor
from .. import functional as F
from .module import Module
from .utils import _ntuple


class _PadNd(Module):
    """Padding by copies: `mode` is the word that F.pad knows."""

    __constants__ = ["padding"]
    dims: int
    mode: str

    def __init__(self, padding) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self.dims)(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(Module):
    """Padding with one value."""

    __constants__ = ["padding", "value"]
    dims: int

    def __init__(self, padding, value: float) -> None:
        super().__init__()
        self.padding, self.value = _ntuple(2 * self.dims)(padding), value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """ConstantPad1d(padding, value): `ConstantPad2d` for the last dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ConstantPad1d.html
    """

    dims = 1


class ConstantPad2d(_ConstantPadNd):
    """ConstantPad2d(padding, value): the last two dimensions padded with `value`.

    `padding` is one number or (left, right, top, bottom).

    >>> import course_lib as torch
    >>> torch.nn.ConstantPad2d((1, 0, 0, 1), 7.)(torch.zeros(1, 2, 2))
    tensor([[[7., 0., 0.],
             [7., 0., 0.],
             [7., 7., 7.]]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ConstantPad2d.html
    """

    dims = 2


class ConstantPad3d(_ConstantPadNd):
    """ConstantPad3d(padding, value): `ConstantPad2d` for the last three dimensions.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ConstantPad3d.html
    """

    dims = 3


def _declare(name: str, base: type, members: dict, what: str) -> type:
    """One of the classes that need no code of their own."""
    document = f"""{name}(padding): {what}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.{name}.html
    """
    return type(name, (base,), {"__module__": __name__, "__doc__": document, **members})


def _zeros(padding_class: type, dims: int) -> type:
    def __init__(self, padding) -> None:
        padding_class.__init__(self, padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"

    members = {"__init__": __init__, "extra_repr": extra_repr}
    return _declare(f"ZeroPad{dims}d", padding_class, members, f"`ConstantPad{dims}d` with zeros")


class _ReflectionPadNd(_PadNd):
    mode = "reflect"


class _ReplicationPadNd(_PadNd):
    mode = "replicate"


class _CircularPadNd(_PadNd):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise ValueError(f"expected {self.dims + 1}D or {self.dims + 2}D input (got {input.ndim}D input)")
        return super().forward(input)


def _copies(base: type, what: str) -> list[type]:
    """The three classes of a kind."""
    kind = base.__name__[1:-2]
    return [_declare(f"{kind}{dims}d", base, {"dims": dims}, what) for dims in (1, 2, 3)]


ZeroPad1d, ZeroPad2d, ZeroPad3d = map(_zeros, (ConstantPad1d, ConstantPad2d, ConstantPad3d), (1, 2, 3))
ReflectionPad1d, ReflectionPad2d, ReflectionPad3d = _copies(
    _ReflectionPadNd, "padded with the input mirrored at its border; the border itself is not repeated"
)
ReplicationPad1d, ReplicationPad2d, ReplicationPad3d = _copies(
    _ReplicationPadNd, "padded with copies of the elements at the border"
)
CircularPad1d, CircularPad2d, CircularPad3d = _copies(
    _CircularPadNd, "padded with the elements of the opposite end, as if the input went round"
)
