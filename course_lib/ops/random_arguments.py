"""What all functions that draw random numbers share: reading their arguments, and the history of what they drew."""

from __future__ import annotations

import functools

import numpy as np

from ..autograd.grad_mode import GRAD
from ..autograd.inplace import check_overlap
from ..autograd.node import Node, edge_of
from ..backends import array_module, device_of
from ..device import CPU
from ..random import Generator, stream_of
from ..tensor import Tensor, wrap
from ._arguments import type_name
from ._device import through_host

INT64 = np.iinfo(np.int64)

# ---- arguments ---------------------------------------------------------------------------------------------------


def real_number(name: str, parameter: str, position: int, value) -> float:
    """A float argument; TypeError with PyTorch's text for anything but a number or a 0-dim tensor."""
    if type(value) is float:
        return value
    if isinstance(value, (int, float, np.number)) or (isinstance(value, Tensor) and value.ndim == 0):
        return float(value)
    raise TypeError(f"{name}(): argument '{parameter}' (position {position}) must be float, not {type_name(value)}")


def whole_number(name: str, parameter: str, position: int, value) -> int:
    """An int argument of at most 64 bits; TypeError with PyTorch's text for a float, a bool or anything else."""
    if type(value) is not int:
        if not is_whole(value):
            given = type_name(value)
            raise TypeError(f"{name}(): argument '{parameter}' (position {position}) must be int, not {given}")
        value = value.__index__()
    if not INT64.min <= value <= INT64.max:
        raise ValueError("Overflow when unpacking long long")
    return value


def is_whole(value) -> bool:
    """Whether a value counts as an int argument: an int of Python or NumPy, or a 0-dim tensor of ints."""
    if isinstance(value, Tensor):
        return value.ndim == 0 and value._array.dtype.kind in "iu"
    return hasattr(value, "__index__") and not isinstance(value, (bool, np.bool_))


def need_tensor(name: str, parameter: str, position: int, value) -> None:
    """TypeError with PyTorch's text for an argument that has to be a tensor and is none."""
    if not isinstance(value, Tensor):
        given = type_name(value)
        raise TypeError(f"{name}(): argument '{parameter}' (position {position}) must be Tensor, not {given}")


def stream_for(name: str, generator, place=CPU):
    """The stream of a `generator=` argument, from which numbers for a device are drawn."""
    if generator is not None and not isinstance(generator, Generator):
        if hasattr(generator, "words"):  # `drawn_on_host` has chosen the stream already
            return generator
        raise TypeError(f"{name}(): argument 'generator' must be torch.Generator, not {type_name(generator)}")
    return stream_of(generator, place)


def stream_beside(name: str, generator, tensor: Tensor):
    """The stream from which numbers for a tensor are drawn."""
    array = tensor._array
    return stream_for(name, generator, CPU if type(array) is np.ndarray else device_of(array))


def drawn_on_host(function):
    """`through_host` for a function that draws: the numbers are those of the device on which its tensors lie."""
    on_host, name = through_host(function), function.__name__

    @functools.wraps(function)
    def call(*args, **named):
        tensor = next((t for t in (*args, *named.values()) if isinstance(t, Tensor) and t.is_cuda), None)
        if tensor is None:
            return function(*args, **named)
        given = [value for value in args if value is not None and not isinstance(value, Generator)]
        generator = named.pop("generator", None) or next((v for v in args if isinstance(v, Generator)), None)
        return on_host(*given, generator=stream_beside(name, generator, tensor), **named)

    return call


# ---- results -----------------------------------------------------------------------------------------------------


class Drawn(Node):
    """The backward of drawing: the numbers do not follow the inputs, so every gradient is zero."""

    __slots__ = ()

    def backward(self, g):
        xp = array_module(g._array)
        return tuple([None if meta is None else wrap(xp.zeros(*meta)) for meta in self.inputs])


_node_classes: dict[str, type] = {}


def drawn_node(name: str, *operands: Tensor) -> Node:
    """A node under PyTorch's name for it, with an edge to each operand."""
    if name not in _node_classes:
        _node_classes[name] = type(name, (Drawn,), {"__slots__": ()})
    edges = tuple([edge_of(t) for t in operands])
    return _node_classes[name](edges, tuple([(t._array.shape, t._array.dtype) for t in operands]))


def drawn(array, node: str, *operands: Tensor) -> Tensor:
    """A drawn array as a tensor, with a node if one of its operands requires grad."""
    made = wrap(array)
    if GRAD.enabled and any(t.requires_grad for t in operands):
        made._node, made._requires_grad = drawn_node(node, *operands), True
    return made


def stored(out: Tensor | None, made: Tensor) -> Tensor:
    """A drawn tensor, in the tensor given as `out=` if there is one (resized where its shape is another)."""
    if out is None:
        return made
    check_overlap(out._array)
    if out._array.shape != made._array.shape:
        out.resize_(made._array.shape)
    out._array[...] = made._array
    out._storage.version += 1
    return out
