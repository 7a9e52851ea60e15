"""The largest and the smallest: `max`, `min` (of everything, along a dimension, of two tensors), `amax`, `argmax`, ….

Along a dimension the gradient goes to the position that was found; of `amax` and of everything, equal ones share it.
"""

from __future__ import annotations

import numpy as np

from .. import dtypes, return_types
from ..autograd.node import SavedOutput
from ..tensor import Tensor, normalize_dim
from ._arguments import require_tensors
from ._by_kernel import reduced
from ._numeric import require_kind
from ._op import function, op, write_out
from .reduce import dims_of, restored
from .rounding import maximum, minimum


def _refuse_empty(name: str, a, dims) -> None:
    empty = [d for d in dims if a.shape[d] == 0]
    if empty:
        raise IndexError(f"{name}(): Expected reduction dim {empty[0]} to have non-zero size.")


def _extreme_value(name: str, ufunc: str, node: str | None = None):
    """amax and amin: the extreme value; equal ones share the gradient."""

    def arguments(input, dim=(), keepdim=False):
        if input.numel() == 0 and dim == ():
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        return (input,), {"dims": dims_of(dim, input.ndim), "keepdim": keepdim}

    kernel = f"{name[1:]}_values_cpu" if node is None else f"{name[1:]}_all"

    def forward(xp, a, *, dims, keepdim):
        require_kind(kernel, a, "biufV")
        _refuse_empty(name, a, dims)
        made = None if xp is np else reduced("largest" if name == "amax" else "smallest", a, dims, keepdim)
        return getattr(xp, ufunc)(a, axis=dims, keepdims=keepdim) if made is None else made

    def save(ctx, out, a, *, dims, keepdim):
        ctx.save_for_backward(a, SavedOutput(out, 0))
        ctx.dims, ctx.keepdim = dims, keepdim

    def backward(ctx, g):
        a, extreme = ctx.saved_tensors
        where = a.detach() == restored(extreme.detach(), ctx.dims, ctx.keepdim)
        return restored(g, ctx.dims, ctx.keepdim) * where / where.sum(ctx.dims, keepdim=True)

    if node is not None:  # the reduction of everything behind max() and min()
        members = {"forward": forward, "save": save, "backward": backward, "__doc__": f"The {node[:3].lower()} of all."}
        return op(method=False, namespace=None, node=node)(type(f"{name}_of_all", (), members))
    word = "largest" if name == "amax" else "smallest"
    document = f"""{name}(input, dim=(), keepdim=False, *, out=None) -> Tensor: the {word} element over `dim`.

    Equal {word} elements share the gradient evenly.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {
        "arguments": arguments,
        "forward": forward,
        "save": save,
        "backward": backward,
        "__doc__": document,
        "__module__": __name__,
    }
    return op()(type(name, (), members))


amax = _extreme_value("amax", "max")
amin = _extreme_value("amin", "min")
max_of_all, min_of_all = _extreme_value("amax", "max", "MaxBackward1"), _extreme_value("amin", "min", "MinBackward1")


def selecting(name: str, find, kinds: str, kernel: str | None = None):
    """An op that picks one element along `dim`: find(xp, a, dim, k) gives its position, with `dim` kept as size 1.

    `kernel` names the reduction that finds value and position at once on a GPU.
    """

    def forward(xp, a, *, dim, keepdim, k=None):
        require_kind(f"{name}_cpu", a, kinds)
        if a.ndim == 0:
            return a.copy(), xp.zeros((), "int64")
        _refuse_empty(name, a, (dim,))
        made = None if xp is np or kernel is None else reduced(kernel, a, (dim,), keepdim, places=True)
        if made is not None:
            return made
        at = find(xp, a, dim, k)
        values = xp.take_along_axis(a, at, axis=dim)
        return (values, at) if keepdim else (values.squeeze(dim), at.squeeze(dim))

    def save(ctx, outs, a, *, dim, keepdim, k=None):
        ctx.save_for_backward(outs[1])
        ctx.shape, ctx.dim, ctx.keepdim = a.shape, dim, keepdim

    def backward(ctx, g, _):
        (at,) = ctx.saved_tensors
        if not ctx.shape:
            return g
        if not ctx.keepdim:
            g, at = g.unsqueeze(ctx.dim), at.unsqueeze(ctx.dim)
        return g.new_zeros(ctx.shape).scatter(ctx.dim, at, g)

    members = {"forward": forward, "save": save, "backward": backward, "__doc__": f"`{name}` over one dimension."}
    return op(method=False, namespace=None, node=name.capitalize())(type(f"{name}_along", (), members))


def _largest(xp, a, dim, k):
    return xp.expand_dims(xp.argmax(a, axis=dim), dim)


def _smallest(xp, a, dim, k):
    return xp.expand_dims(xp.argmin(a, axis=dim), dim)


max_along = selecting("max", _largest, "biufcV", "maximum_at")
min_along = selecting("min", _smallest, "biufcV", "minimum_at")


def _extreme(name, input, dim, keepdim, out, along, value, elementwise, result):
    require_tensors(name, input=input)
    if dim is None:
        if input.numel() == 0:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        made = value(input, dims=tuple(range(input.ndim)), keepdim=False)
    elif isinstance(dim, Tensor):
        made = elementwise(input, dim)
    else:
        if input.dtype.is_complex:
            raise RuntimeError(f"{name}(): does not support complex input")
        made = result(along(input, dim=normalize_dim(dim, input.ndim), keepdim=keepdim))
    return made if out is None else write_out(name, out, (input,), made)


@function(method=True)
def max(input, dim=None, keepdim=False, *, other=None, out=None):
    """max(input) -> Tensor; max(input, dim, keepdim=False) -> (values, indices); max(input, other) -> Tensor

    The largest element; over one dimension also its position; of two tensors the larger elements.

    >>> import course_lib as torch
    >>> torch.tensor([3, 9, 4]).max(dim=0).indices
    tensor(1)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.max.html
    """
    dim = dim if other is None else other
    return _extreme("max", input, dim, keepdim, out, max_along, max_of_all, maximum, return_types.max)


@function(method=True)
def min(input, dim=None, keepdim=False, *, other=None, out=None):
    """min(input) -> Tensor; min(input, dim, keepdim=False) -> (values, indices); min(input, other) -> Tensor

    The smallest element; over one dimension also its position; of two tensors the smaller elements.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.min.html
    """
    dim = dim if other is None else other
    return _extreme("min", input, dim, keepdim, out, min_along, min_of_all, minimum, return_types.min)


def _position(name: str):
    def arguments(input, dim=None, keepdim=False):
        if input.dtype.is_complex or input.dtype is dtypes.bool:
            kind = "complex" if input.dtype.is_complex else "bool"
            raise RuntimeError(f"{name}(): does not support {kind} input")
        return (input,), {"dim": dim if dim is None else normalize_dim(dim, input.ndim), "keepdim": keepdim}

    def forward(xp, a, *, dim, keepdim):
        if a.size == 0 and (dim is None or a.shape[dim] == 0):
            problem = f"{dim} to have non-zero size."
            if dim is None:
                problem = "to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
            raise IndexError(f"{name}(): Expected reduction dim {problem}")
        if a.ndim == 0:
            return xp.zeros((), "int64")
        if xp is not np:
            kernel = "maximum_at" if name == "argmax" else "minimum_at"
            made = reduced(kernel, a, None if dim is None else (dim,), keepdim, places=True)
            if made is not None:
                return made[1]
        return getattr(xp, name)(a, axis=dim, keepdims=keepdim)

    word = "largest" if name == "argmax" else "smallest"
    document = f"""{name}(input, dim=None, keepdim=False) -> Tensor

    int64 position of the {word} element: in the flattened input, or along `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"arguments": arguments, "forward": forward, "__doc__": document, "__module__": __name__}
    return op()(type(name, (), members))


argmax, argmin = _position("argmax"), _position("argmin")
