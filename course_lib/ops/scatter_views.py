"""select_scatter, slice_scatter, …: a copy of a tensor with other values where a view of it would look."""

from __future__ import annotations

from ..tensor import normalize_dim
from ._arguments import cast
from ._op import OPS, function, op
from .creation import zeros_like
from .indexing import view_at

_FULL = slice(None)


def _into_view(name: str, look, view):
    """An op that writes `src` where a view of the input would look.

    look(xp, array, **settings) is that view of an array, view(tensor, **settings) the same of a tensor.
    """

    def forward(xp, a, src, **settings):
        made = a.copy(order="C")
        part = look(xp, made, **settings)
        if part.shape != src.shape:
            raise RuntimeError(
                f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = "
                f"{list(part.shape)}"
            )
        part[...] = cast(src, a.dtype)
        return made

    def save(ctx, out, a, src, **settings):
        ctx.settings = settings
        ctx.inputs = tuple([(t._array.shape, t._array.dtype) for t in (a, src)])

    def backward(ctx, g):
        part = view(g, **ctx.settings)
        kept = call(g, zeros_like(part), **ctx.settings) if ctx.needs_input_grad[0] else None
        return kept, part

    members = {"forward": forward, "save": save, "backward": backward, "__doc__": f"The copy that `{name}` makes."}
    node = "".join(part.capitalize() for part in name.split("_"))
    call = op(method=False, namespace=None, node=node)(type(f"{name}_copy", (), members))
    return call


_into_key = {name: _into_view(name, lambda xp, a, *, key: a[key], lambda t, *, key: view_at(t, key))
             for name in ("select_scatter", "slice_scatter")}  # fmt: skip
_into_diagonal = _into_view(
    "diagonal_scatter",
    lambda xp, a, **where_: OPS["diagonal"].forward(xp, a, **where_),
    lambda t, **where_: t.diagonal(**where_),
)
_into_strided = _into_view(
    "as_strided_scatter",
    lambda xp, a, *, shape, strides, offset: OPS["as_strided_view"].forward(
        xp, a, shape=shape, strides=strides, offset=offset
    ),
    lambda t, *, shape, strides, offset: t.contiguous().as_strided(shape, strides, offset),
)


@function(method=True, out=True)
def select_scatter(input, src, dim, index):
    """select_scatter(input, src, dim, index) -> Tensor: a copy with `src` in the place of `input.select(dim, index)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.select_scatter.html
    """
    dim = normalize_dim(dim, input.ndim)
    length = input.shape[dim]
    if not -length <= index < length:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    return _into_key["select_scatter"](input, src, key=(*(_FULL,) * dim, int(index), Ellipsis))


@function(method=True, out=True)
def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """slice_scatter(input, src, dim=0, start=None, end=None, step=1) -> Tensor

    A copy with `src` in the place of the slice `start:end:step` of dimension `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.slice_scatter.html
    """
    key = (*(_FULL,) * normalize_dim(dim, input.ndim), slice(start, end, step), Ellipsis)
    return _into_key["slice_scatter"](input, src, key=key)


@function(method=True, out=True)
def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
    """diagonal_scatter(input, src, offset=0, dim1=0, dim2=1) -> Tensor: a copy with `src` on a diagonal.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.diagonal_scatter.html
    """
    dim1, dim2 = normalize_dim(dim1, input.ndim), normalize_dim(dim2, input.ndim)
    return _into_diagonal(input, src, offset=offset, dim1=dim1, dim2=dim2)


@function(method=True, out=True)
def as_strided_scatter(input, src, size, stride, storage_offset=None):
    """as_strided_scatter(input, src, size, stride, storage_offset=None) -> Tensor

    A copy with `src` in the place of `input.as_strided(size, stride, storage_offset)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.as_strided_scatter.html
    """
    input.as_strided(size, stride, storage_offset)  # refuses a view that leaves the memory
    return _into_strided(input, src, shape=tuple(size), strides=tuple(stride), offset=storage_offset or 0)
