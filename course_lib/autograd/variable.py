"""torch.autograd.Variable: the old name of a tensor that can require a gradient."""

from __future__ import annotations

from ..tensor import Tensor


class VariableMeta(type):
    def __instancecheck__(cls, other) -> bool:
        return isinstance(other, Tensor)


class Variable(metaclass=VariableMeta):
    """Variable(data, requires_grad=False): the tensor `data` without its history; every tensor is a Variable."""

    def __new__(cls, data=None, requires_grad: bool = False):
        from ..ops.creation import empty

        made = empty(0) if data is None else data.detach()
        return made.requires_grad_(requires_grad)


__all__ = ["Variable"]
