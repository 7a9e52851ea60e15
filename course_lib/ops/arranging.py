"""Arranging tensors: turned, split and put together by rows, columns and depth, and with dimensions added in front."""

from __future__ import annotations

from ..autograd.node import unbroadcast
from ..layouts import contiguous_format
from ..tensor import Tensor, normalize_dim
from ._op import FUNCTIONS, function
from .joining import cat, diag_embed, split, tensor_split, vstack

# ---- turned ------------------------------------------------------------------------------------------------------


@function(method=True, out=True)
def rot90(input, k=1, dims=(0, 1)):
    """rot90(input, k=1, dims=(0, 1)) -> Tensor

    Turned by k · 90° in the plane of two dimensions, from the first to the second.

    >>> import course_lib as torch
    >>> torch.rot90(torch.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.rot90.html
    """
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    first, second = (normalize_dim(d, input.ndim) for d in dims)
    if first == second:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    k %= 4
    if k == 0:
        return input.clone()
    if k == 2:
        return input.flip((first, second))
    return (input.flip(second) if k == 1 else input.flip(first)).transpose(first, second)


@function(method=True)
def diagflat(input, offset=0):
    """diagflat(input, offset=0) -> Tensor: a square matrix with the flattened input on a diagonal.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.diagflat.html
    """
    return diag_embed(input.reshape(-1), offset)


# ---- put together ------------------------------------------------------------------------------------------------


@function(out=True)
def column_stack(tensors):
    """column_stack(tensors, *, out=None) -> Tensor: side by side; 1-D tensors become columns.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.column_stack.html
    """
    if not tensors:
        raise RuntimeError("column_stack expects a non-empty TensorList")
    return cat([t if t.ndim > 1 else t.reshape(-1, 1) for t in tensors], 1)


@function(out=True)
def dstack(tensors):
    """dstack(tensors, *, out=None) -> Tensor: one behind the other, along the third dimension.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.dstack.html
    """
    if not tensors:
        raise RuntimeError("dstack expects a non-empty TensorList")
    return cat([atleast_3d(t) for t in tensors], 2)


FUNCTIONS["torch"]["row_stack"] = vstack

# ---- dimensions in front -----------------------------------------------------------------------------------------


def _for_each(name: str, raise_one, text: str):
    """A function of one tensor, of several, or of a list of them."""

    def at_least(*tensors):
        single = len(tensors) == 1
        if single and isinstance(tensors[0], (list, tuple)):
            tensors, single = tuple(tensors[0]), False
        for t in tensors:
            if not isinstance(t, Tensor):
                raise TypeError(f"{name}(): expected Tensors, but got {type(t).__name__}")
        made = tuple([raise_one(t) for t in tensors])
        return made[0] if single else made

    at_least.__name__ = at_least.__qualname__ = name
    at_least.__doc__ = f"""{name}(*tensors) -> Tensor or tuple of Tensors: {text}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    return function()(at_least)


def _to_3d(t: Tensor) -> Tensor:
    if t.ndim == 0:
        return t.reshape(1, 1, 1)
    if t.ndim == 1:
        return t.unsqueeze(0).unsqueeze(-1)
    return t.unsqueeze(-1) if t.ndim == 2 else t


atleast_1d = _for_each("atleast_1d", lambda t: t if t.ndim else t.reshape(1), "a number becomes a vector")
atleast_2d = _for_each(
    "atleast_2d",
    lambda t: t if t.ndim > 1 else t.unsqueeze(0) if t.ndim else t.reshape(1, 1),
    "a vector becomes one row",
)
atleast_3d = _for_each("atleast_3d", _to_3d, "a matrix becomes one of depth 1")

# ---- split -------------------------------------------------------------------------------------------------------


def _split_along(name: str, dim: int, needed: int, word: str):
    def pieces(input, indices_or_sections=None, *, indices=None, sections=None):
        if input.ndim < needed:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {needed} dimension, but got a tensor with {input.ndim} "
                "dimensions!"
            )
        along = 0 if name == "hsplit" and input.ndim == 1 else dim
        given = next(v for v in (indices_or_sections, indices, sections) if v is not None)
        if isinstance(given, int) and (given == 0 or input.shape[along] % given):
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {along}, but the size of the dimension "
                f"{input.shape[along]} is not divisible by the split_size {given}!"
            )
        return tensor_split(input, given, along)

    pieces.__name__ = pieces.__qualname__ = name
    pieces.__doc__ = f"""{name}(input, indices_or_sections) -> tuple of Tensors: pieces {word}, as views.

    A number gives that many equal pieces, a list the places to cut at.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    return function(method=True)(pieces)


hsplit = _split_along("hsplit", 1, 1, "side by side")
vsplit = _split_along("vsplit", 0, 2, "one below the other")
dsplit = _split_along("dsplit", 2, 3, "one behind the other")


@function(method=True)
def split_with_sizes(input, split_sizes, dim=0):
    """split_with_sizes(input, split_sizes, dim=0) -> tuple of Tensors: pieces of the given sizes along `dim`, as views.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.split.html
    """
    return split(input, list(split_sizes), dim)


def _unsafe(name: str):
    """The `unsafe_` spelling: PyTorch does not notice when such a piece is changed in place; here it is noticed too."""

    def pieces(input, *args, **named):
        return getattr(input, name)(*args, **named)

    pieces.__name__ = pieces.__qualname__ = f"unsafe_{name}"
    pieces.__doc__ = f"unsafe_{name}(input, …) -> tuple of Tensors: as `{name}`."
    return function(method=True)(pieces)


unsafe_chunk, unsafe_split, unsafe_split_with_sizes = (_unsafe(n) for n in ("chunk", "split", "split_with_sizes"))

# ---- shapes that broadcasting made -------------------------------------------------------------------------------


@function(method=True, namespace=None)
def sum_to_size(self, *size):
    """sum_to_size(*size) -> Tensor: summed over the dimensions that broadcasting `size` to this shape would repeat.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.sum_to_size.html
    """
    size = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    lead = self.ndim - len(size)
    if lead < 0 or any(n not in (1, m) for n, m in zip(size, self.shape[lead:], strict=True)):
        raise RuntimeError(f"size {{{list(size)}}} is not expandable to size {{{list(self.shape)}}}.")
    return unbroadcast(self, size) if size else self.sum()


FUNCTIONS["torch"]["sum_to_size"] = sum_to_size

# ---- copies instead of views -------------------------------------------------------------------------------------


def _copied(name: str):
    """`name_copy`: what the view function `name` gives, in memory of its own."""

    def copy(input, *args, **named):
        look = FUNCTIONS["torch"].get(name) or getattr(Tensor, name, None)
        made = input if name == "alias" else look(input, *args, **named)
        own = lambda part: part.clone(memory_format=contiguous_format)
        return tuple([own(part) for part in made]) if isinstance(made, tuple) else own(made)

    copy.__name__ = copy.__qualname__ = f"{name}_copy"
    copy.__doc__ = f"{name}_copy(input, …, *, out=None) -> Tensor: `{name}` as a copy instead of a view."
    return function(out=True)(copy)


for _name in ("alias", "as_strided", "detach", "diagonal", "expand", "permute", "select", "split", "split_with_sizes",
              "squeeze", "t", "transpose", "unbind", "unfold", "unsqueeze", "view", "view_as_complex",
              "view_as_real"):  # fmt: skip
    _copied(_name)


@function(method=True, out=True)
def narrow_copy(input, dim, start, length):
    """narrow_copy(input, dim, start, length) -> Tensor: `narrow` as a copy instead of a view.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.narrow_copy.html
    """
    return input.narrow(dim, start, length).clone(memory_format=contiguous_format)
