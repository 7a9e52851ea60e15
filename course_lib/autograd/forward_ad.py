"""torch.autograd.forward_ad: a tensor that carries a tangent, and results that carry theirs.

Inside a `dual_level`, `make_dual` ties a tensor to a DualNode that holds the tangent; the operations that follow are
recorded as always. `unpack_dual` computes a result's tangent from that record, with backward twice (products.py). So
every operation that can be differentiated twice has a forward mode. It needs gradient mode to be on.
"""

from __future__ import annotations

from typing import NamedTuple

from ..tensor import Tensor, wrap_view
from .node import AccumulateGrad, Node, edge_of
from .products import nodes_behind, pusher

_current_level = -1


class UnpackedDualTensor(NamedTuple):
    """The two halves of a dual tensor; `tangent` is None where it carries none."""

    primal: Tensor
    tangent: Tensor | None


class DualNode(Node):
    """Where a tangent enters the graph; backward passes through it unchanged."""

    __slots__ = ("level", "primal", "tangent")

    def backward(self, g):
        return g

    def dual(self) -> Tensor:
        """The dual tensor: the primal's numbers with this node as history."""
        made = wrap_view(self.primal._array, self.primal)
        made._base, made._node, made._requires_grad = None, self, True
        return made


def enter_dual_level() -> int:
    """Start a level, in which dual tensors can be made; RuntimeError inside another one."""
    global _current_level
    if _current_level >= 0:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _current_level += 1
    return _current_level


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level: from now on its tangents do not exist."""
    global _current_level
    level = _current_level if level is None else level
    if level != _current_level:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    _current_level -= 1


class dual_level:
    """A level of forward mode as a context manager.

    >>> import course_lib as torch
    >>> import course_lib.autograd.forward_ad as forward
    >>> with forward.dual_level():
    ...     x = forward.make_dual(torch.tensor(2.), torch.tensor(1.))
    ...     print(forward.unpack_dual(x ** 3).tangent)
    tensor(12.)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.forward_ad.dual_level.html
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exception) -> None:
        exit_dual_level()


def make_dual(tensor, tangent, *, level: int | None = None):
    """The tensor with a tangent of the same shape: the direction in which results are differentiated.

    RuntimeError outside a level; ValueError where one of the two is not of floating-point or complex dtype.
    """
    level = _current_level if level is None else level
    if level < 0:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    for given, name in ((tensor, "primal"), (tangent, "tangent")):
        if not (given.is_floating_point() or given.is_complex()):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {given.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {list(tensor.shape)} while the given forward gradient is of size "
            f"{list(tangent.shape)}."
        )
    node = DualNode([edge_of(tensor)])
    node.level, node.primal, node.tangent = level, tensor, tangent
    return node.dual()


def unpack_dual(tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """(primal, tangent) of a tensor: its plain values, and how they change along the tangents that were made.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.forward_ad.unpack_dual.html
    """
    level = _current_level if level is None else level
    if level < 0:
        return UnpackedDualTensor(tensor, None)
    if type(tensor.grad_fn) is DualNode and tensor.grad_fn.level == level:
        primal = tensor.grad_fn.primal
        return UnpackedDualTensor(primal.view_as(primal), tensor.grad_fn.tangent)
    behind = list(nodes_behind([tensor]))
    sources = [node for node in behind if type(node) is DualNode and node.level == level]
    if not sources:
        return UnpackedDualTensor(tensor, None)
    keep = any(type(node) is AccumulateGrad for node in behind)
    duals = [node.dual() for node in sources]
    (tangent,) = pusher([tensor], duals, keep)([node.tangent for node in sources])
    return UnpackedDualTensor(tensor if keep else tensor.detach(), tangent)


def tangent_of(tensor):
    """The tangent that printing shows, None where there is none."""
    return unpack_dual(tensor).tangent if _current_level >= 0 and tensor.grad_fn is not None else None


__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]
