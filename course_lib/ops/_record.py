"""Recording: the node of an op, made when one of its operands needs a gradient.

`record` gives an op's result a node with edges to the operands' nodes, and lets the op save what its backward needs.
`pair_recorder` does the same for the two operands of the hottest path, where every tenth of a microsecond counts.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from ..autograd.grad_mode import GRAD
from ..autograd.node import Node, edge_of, fit, next_sequence
from ..backends import as_array
from ..tensor import Tensor, wrap

FLOAT32 = np.dtype("float32")
_new = object.__new__


class ArrayNode(Node):
    """The node of an op whose backward consists of operators: it runs on bare arrays when nothing is recorded."""

    __slots__ = ()
    on_arrays = True

    def apply(self, grads) -> tuple:
        if GRAD.enabled:
            return Node.apply(self, grads)
        grad = grads[0]
        x = grad._array
        found = self.backward(x)
        if type(found) is not tuple:
            found = (found,)
        wrapped = []
        for g in found:
            if g is not None:  # what is passed on unchanged stays one tensor: a leaf may keep only what nobody shares
                g = grad if g is x else wrap(g if type(g) is ndarray else as_array(g))
            wrapped.append(g)
        if self.inputs is not None:
            metas = zip(wrapped, self.inputs, self.edges, strict=True)  # nothing is summed for what needs no gradient
            wrapped = [None if g is None or edge is None else g if meta is None else fit(g, meta)
                       for g, meta, edge in metas]  # fmt: skip
        return wrapped


def record(cls, out, operands, settings) -> None:
    """Give `out` a node with edges to its operands, if one of them needs a gradient."""
    if cls.backward is None:
        return
    edges = [edge_of(t) if type(t) is Tensor or isinstance(t, Tensor) else None for t in operands]
    if not any(edges):
        return
    if type(out) is tuple:
        _several(cls, out, edges, operands, settings)
        return
    if out._array.dtype is not FLOAT32 and out._array.dtype.kind not in "fcV":
        return
    out._node = node = cls.node(edges, None if cls.rule is None else inputs_to_fit(operands, out._array))
    out._requires_grad = True
    if cls.save is not None:
        cls.save(node, out, *operands, **settings)
    if GRAD.on_record is not None:
        GRAD.on_record(node)


def _several(cls, outs, edges, operands, settings) -> None:
    node = cls.node(edges, None if cls.rule is None else inputs_to_fit(operands, outs[0]._array))
    if cls.save is not None:
        cls.save(node, outs, *operands, **settings)
    node.outputs = [(o._array.shape, o.dtype) if o._array.dtype.kind in "fcV" else None for o in outs]
    for index, out in enumerate(outs):
        if node.outputs[index] is not None:
            out._node, out._nr, out._requires_grad = node, index, True
    if GRAD.on_record is not None:
        GRAD.on_record(node)


def inputs_to_fit(operands, out):
    """Shapes and dtypes of the operands, only where a gradient may have to be summed or cast to fit them."""
    for t in operands:
        if isinstance(t, Tensor) and (t._array.shape != out.shape or t._array.dtype is not FLOAT32):
            return tuple([(t._array.shape, t._array.dtype) if isinstance(t, Tensor) else None for t in operands])
    return None


def pair_recorder(cls):
    """`record` for an op with two operands that broadcast."""
    node_class, save, differentiable = cls.node, cls.save, cls.backward is not None

    def record_pair(out, input, other, x, y, z) -> None:  # x and y: the arrays after promotion, z: the result's
        if not differentiable or (z.dtype is not FLOAT32 and z.dtype.kind not in "fcV"):
            return
        if input._base is None and input._node is not None:  # edge_of(input), without the call
            edge = (input._node, input._nr)
        else:
            edge = edge_of(input)
        a, b, other_edge = input._array, y, None
        if type(other) is Tensor or isinstance(other, Tensor):
            b = other._array
            if other._requires_grad or other._base is not None:
                other_edge = edge_of(other)
        if edge is None and other_edge is None:
            return
        node = _new(node_class)  # what Node.__init__ does, without the call
        node.edges = (edge, other_edge)
        node.sequence = next_sequence()
        node.saved = ()
        node.outputs = node.hooks = None
        if z.dtype is FLOAT32 and a is x and b is y and a.shape == (z if other_edge is None else b).shape:
            node.inputs = None
        else:
            node.inputs = ((a.shape, a.dtype), None if other_edge is None else (b.shape, b.dtype))
        out._node = node
        out._requires_grad = True
        if save is not None:
            save(node, out, input, other)
        if GRAD.on_record is not None:
            GRAD.on_record(node)

    return record_pair
