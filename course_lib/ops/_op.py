"""@op: from one class with `forward`, `save` and `backward` to everything PyTorch offers for an operation.

    @op(inplace=True, operator="mul")
    class mul:
        '''mul(input, other, *, out=None) -> Tensor …'''
        def forward(xp, a, b, out=...): return xp.multiply(a, b, out=out)        # arrays in, array out
        def save(ctx, out, a, b):       ctx.save_for_backward(…)                 # only runs when recorded
        def backward(ctx, g):           …                                        # tensors in, tensors out

`forward` works on arrays of the array module `xp`. Its positional parameters are the tensor operands, its keyword-only
parameters the settings. `backward` is written with Tensor ops, so that it can itself be differentiated. An optional
`arguments(…)` holds PyTorch's call signature and returns `(operands, settings)`.

The decorator makes `torch.mul`, `Tensor.mul`, `Tensor.mul_`, `a * b`, the node class `MulBackward0` and a registry row.
Promotion of dtypes happens here on the way in; summing and casting of gradients in `Node.apply` on the way back.
"""

from __future__ import annotations

import functools
import inspect

import numpy as np
from numpy import ndarray

from .. import dtypes
from ..autograd.grad_mode import GRAD
from ..autograd.inplace import check_inplace, check_overlap, rebase_history
from ..autograd.node import Node, SavedOutput, edge_of, fit
from ..backends import array_module
from ..tensor import Tensor, wrap, wrap_view
from . import _arguments
from ._arguments import (
    NUMBER,
    OPERAND,
    argument_error,
    broadcast_error,
    number_array,
    out_error,
    prepare,
    signature_error,
)

FUNCTIONS: dict[str, dict[str, object]] = {"torch": {}}  # the public names of each namespace: torch, linalg, nn.functional, …
OPS: dict[str, type] = {}  # every declared op, by name

PROMOTE, FLOAT, COMPARE = "promote", "float", "compare"  # which dtype the operands are brought to
_FLOAT32 = np.dtype("float32")


def op(*, inplace=False, view=False, dtype=None, operator=None, alias=(), node=None, method=True, namespace="torch",
       on_arrays=False):  # fmt: skip
    """Declare an operation; see the top of this module.

    dtype: PROMOTE (common dtype), FLOAT (as PROMOTE, integers become the default float), COMPARE (as PROMOTE, the result
    is bool), None (operands are taken as they are). operator: the name of the Python operator, "mul" for `*`.
    view: the result looks into the first operand's memory. inplace: also make the method with a trailing underscore.
    on_arrays: `backward` consists of operators only, so that it may run on bare arrays when nothing records it.
    namespace: where the function is public ("torch", "linalg", "nn.functional", …), None for an op that other ops use.
    """

    def declare(cls):
        cls.name = cls.__name__.rstrip("_")
        cls.rule, cls.is_view, cls.namespace = dtype, view, namespace
        cls.save, cls.backward = getattr(cls, "save", None), getattr(cls, "backward", None)
        cls.node = _node_class(cls, node, on_arrays)
        cls.operands, cls.takes_out = _inspect_forward(cls)
        if dtype is not None and cls.operands == 2:
            call = _binary(cls, _arguments.refuse, numbers_first=cls.name in _NUMBERS_FIRST)
        elif cls.operands == 1:
            call = _unary(cls)
        else:
            call = _general(cls)
        call.__name__ = call.__qualname__ = cls.name
        public = _with_arguments(cls, call) if method or namespace or hasattr(cls, "arguments") else call
        changed = cls.change = _in_place(cls) if inplace else None
        _register(cls, public, call, changed, operator, (alias,) if isinstance(alias, str) else alias, method, namespace)
        return public

    return declare


def function(*, method=False, inplace=False, out=False, alias=(), namespace="torch"):
    """Register a Python function made of other ops under its name in a namespace, and as a Tensor method if `method`.

    inplace: also make the method with a trailing underscore. out: give the function an `out=` argument.
    """

    def declare(made):
        public = _with_out(made) if out else made
        for name in (made.__name__, *((alias,) if isinstance(alias, str) else alias)):
            if namespace is not None:
                FUNCTIONS.setdefault(namespace, {})[name] = public
            if method:
                setattr(Tensor, name, public)
            if inplace:
                setattr(Tensor, name + "_", _function_in_place(made, name + "_"))
        return public

    return declare


def _with_out(made):
    @functools.wraps(made)
    def public(*args, out=None, **named):
        result = made(*args, **named)
        return result if out is None else write_out(made.__name__, out, (*args, *named.values()), result)

    return public


def _function_in_place(made, name: str):
    """The method with a trailing underscore of a composed function: its result is copied into the tensor."""

    def call_(input, *args, **named):
        recorded = GRAD.enabled and any(isinstance(t, Tensor) and t.requires_grad for t in (input, *args, *named.values()))
        if recorded:
            check_inplace(input)
        result = made(input.clone() if recorded else input, *args, **named)  # what it saves must survive the copy
        if not dtypes.can_cast(result.dtype, input.dtype):
            raise out_error(result.dtype, input.dtype)
        if result._array.shape != input._array.shape:
            raise _arguments._shape_error(input._array.shape, result._array.shape)
        return input.copy_(result)

    call_.__name__ = name
    call_.__doc__ = f"In-place version of `{made.__name__}`: writes the result into this tensor and returns it."
    return call_


# ---- calling an op -----------------------------------------------------------------------------------------------


_NUMBERS_FIRST = {"add", "sub", "mul", "true_divide", "pow"}  # functions that also take a number in front: add(1, tensor)


def _binary(cls, foreign, numbers_first: bool):
    """Two operands that broadcast, either of which may be a Python number. The hottest path of the library.

    foreign(call, input, other) says what happens with an operand that is neither: an error, or NotImplemented.
    """
    forward, lifts = cls.forward, cls.rule is FLOAT

    def call(input, other):
        try:
            x = input._array
        except AttributeError:
            input = _arguments.number_operand(cls.name, input, other, numbers_first)
            x = input._array
        if type(other) is Tensor or isinstance(other, Tensor):
            y = other._array
            recorded = input._requires_grad or other._requires_grad or other._base is not None
        elif isinstance(other, NUMBER):
            y = number_array(other, x)
            recorded = input._requires_grad
        else:
            return foreign(call, input, other)
        if x.dtype is not y.dtype or (lifts and x.dtype is not _FLOAT32):
            x, y = prepare(lifts, input, other, x, y)
        try:
            z = forward(np if type(x) is ndarray else array_module(x), x, y)
        except (ValueError, TypeError) as error:
            raise broadcast_error(cls.name, input, other, error) from error
        out = wrap(z if type(z) is ndarray else array_module(x).asarray(z))
        if (recorded or input._base is not None) and GRAD.enabled and cls.backward is not None:
            _record_pair(cls, out, input, other, x, y, z)
        return out

    return call


def _record_pair(cls, out, input, other, x, y, z) -> None:
    """`_record` for the two operands of the hottest path."""
    edge = edge_of(input)
    a, b, other_edge = input._array, y, None  # a and b: the operands before promotion
    if isinstance(other, Tensor):
        b, other_edge = other._array, edge_of(other)
    if (edge is None and other_edge is None) or (z.dtype is not _FLOAT32 and z.dtype.kind not in "fcV"):
        return
    shape = z.shape
    plain = z.dtype is _FLOAT32 and a is x and b is y and a.shape == shape and (other_edge is None or b.shape == shape)
    inputs = None if plain else ((a.shape, a.dtype), None if other_edge is None else (b.shape, b.dtype))
    out._node = node = cls.node((edge, other_edge), inputs)
    out._requires_grad = True
    if cls.save is not None:
        cls.save(node, out, input, other)
    if GRAD.on_record is not None:
        GRAD.on_record(node)


def _unary(cls):
    """One operand, and perhaps settings."""
    forward, lifts, is_view = cls.forward, cls.rule is FLOAT, cls.is_view

    def call(input, **settings):
        try:
            x = input._array
        except AttributeError:
            raise argument_error(cls.name, "input", 1, input) from None
        if lifts and x.dtype is not _FLOAT32:
            x = _arguments.to_float(x)
        z = forward(np if type(x) is ndarray else array_module(x), x, **settings)
        out = _wrap_results(z, x) if not is_view else wrap_view(z, input) if type(z) is ndarray else _views(z, input)
        if (input._requires_grad or input._base is not None) and GRAD.enabled:
            _record(cls, out, (input,), settings)
        return out

    return call


def _wrap_results(z, x):
    """Arrays as tensors: a single one (a NumPy scalar is made an array again) or a tuple of them."""
    if type(z) is ndarray:
        return wrap(z)
    asarray = array_module(x).asarray
    return tuple([wrap(asarray(part)) for part in z]) if type(z) is tuple else wrap(asarray(z))


def _views(z, input):
    """An array of another array module as view, or a tuple of arrays as views."""
    return tuple([wrap_view(part, input) for part in z]) if type(z) is tuple else wrap_view(z, input)


def _general(cls):
    """Any number of operands (tensors, numbers, or None where optional) and settings."""
    forward, rule, is_view = cls.forward, cls.rule, cls.is_view

    def call(*operands, **settings):
        if rule is not None:
            operands = _arguments.promote_operands(rule, operands)
        arrays = [t._array if isinstance(t, Tensor) else t for t in operands]
        first = next(a for a in arrays if hasattr(a, "strides"))
        for other in arrays:
            if type(other) is not type(first):
                _arguments.check_same_device(cls.name, arrays)
        z = forward(np if type(first) is ndarray else array_module(first), *arrays, **settings)
        out = wrap_view(z, operands[0]) if is_view else _wrap_results(z, first)
        if GRAD.enabled:
            _record(cls, out, operands, settings)
        return out

    return call


def _with_arguments(cls, call):
    """Put PyTorch's call signature and `out=` in front of the call."""
    arguments = getattr(cls, "arguments", None)
    if arguments is None:
        wanted = cls.operands

        def public(*args, out=None, **named):
            if named or len(args) != wanted:
                args = _arguments.positional(cls, args, named)
            return call(*args) if out is None else write_out(cls.name, out, args, call(*args))
    else:

        def public(*args, out=None, **named):
            try:
                operands, settings = arguments(*args, **named)
            except TypeError as error:
                operands, settings = _arguments.retry(cls.name, arguments, args, named, error)
            made = call(*operands, **settings)
            return made if out is None else write_out(cls.name, out, operands, made)

    return public


def write_out(name: str, out, operands, made):
    """Store a result into the tensor(s) given as `out=`; they are resized when their shape is another."""
    if isinstance(made, tuple):
        for target, part in zip(out, made, strict=True):
            write_out(name, target, operands, part)
        return out
    if GRAD.enabled and any(isinstance(t, Tensor) and t.requires_grad for t in (*operands, out)):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    if not dtypes.can_cast(made.dtype, out.dtype):
        raise out_error(made.dtype, out.dtype)
    check_overlap(out._array)
    if out._array.shape != made._array.shape:
        out.resize_(made._array.shape)
    out._array[...] = made._array
    out._storage.version += 1
    return out


# ---- in place ----------------------------------------------------------------------------------------------------


def _in_place(cls):
    """The method with a trailing underscore: writes the result into the first operand."""
    forward, arguments = cls.forward, getattr(cls, "arguments", None)
    simple = cls.rule in (PROMOTE, FLOAT) and cls.operands == 2 and cls.takes_out

    def call_(input, *args, **named):
        if simple and len(args) == 1 and not named and _change_quietly(forward, input, args[0]):
            return input
        if arguments is not None:
            try:
                (_, *others), settings = arguments(input, *args, **named)
            except TypeError as error:
                (_, *others), settings = _arguments.retry(cls.name + "_", arguments, (input, *args), named, error)
            if simple and not settings and _change_quietly(forward, input, others[0]):
                return input
        elif cls.namespace is None:
            others, settings = args, named
        else:
            others, settings = _arguments.positional(cls, (input, *args), named)[1:], {}
        operands = (input, *others)
        recorded = GRAD.enabled and any([isinstance(t, Tensor) and t.requires_grad for t in operands])
        if recorded or (input._base is not None and GRAD.enabled and input._base.requires_grad):
            check_inplace(input)
        x = input._array
        check_overlap(x)
        arrays = _arguments.in_place_arrays(cls, operands)
        node = _in_place_node(cls, operands, settings) if recorded else None
        z = _arguments.in_place_result(cls, forward, x, arrays, settings, operands)
        if z is not x:
            x[...] = z
        input._storage.version += 1
        if node is not None:
            for position, (value, _) in enumerate(node.saved):
                if type(value) is SavedOutput:  # the result is what the tensor holds from now on
                    node.saved[position] = (value, input._storage.version)
            if GRAD.on_record is not None:
                GRAD.on_record(node)
            rebase_history(input, node)
        return input

    call_.__name__ = cls.name + "_"
    call_.__doc__ = f"In-place version of `{cls.name}`: writes the result into this tensor and returns it."
    return call_


def _change_quietly(forward, input, other) -> bool:
    """The common case of an in-place op, if it is one: nothing to record, nothing to promote or broadcast."""
    x = input._array
    if type(other) is Tensor:
        y, recorded = other._array, other._requires_grad or other._base is not None
        if y.shape != x.shape:
            return False
    elif isinstance(other, NUMBER):
        y, recorded = number_array(other, x), False
    else:
        return False
    if GRAD.enabled and (recorded or input._requires_grad or input._base is not None):
        return False
    if y.dtype is not x.dtype or x.dtype.kind not in "fcV" or 0 in x.strides:
        return False
    forward(np if type(x) is ndarray else array_module(x), x, y, out=x)
    input._storage.version += 1
    return True


def _in_place_node(cls, operands, settings) -> Node:
    """The node of an in-place op, made before the numbers change. A saved old self becomes a saved clone."""
    input = operands[0]
    before = wrap(input._array)  # the tensor as it is now, with its history
    before._requires_grad, before._node, before._nr = input.requires_grad, input._node, input._nr
    operands = (before if operands[0] is input else operands[0], *operands[1:])
    edges = [edge_of(t) if isinstance(t, Tensor) else None for t in (input, *operands[1:])]
    node = cls.node(edges, None if cls.rule is None else _inputs_to_fit(operands, input._array))
    if cls.save is not None:
        cls.save(node, input, *operands, **settings)
        node.saved = [(_clone(value), 0) if value is before else (value, version) for value, version in node.saved]
    return node


def _clone(tensor):
    copy = wrap(tensor._array.copy())
    copy._node, copy._nr, copy._requires_grad = tensor._node, tensor._nr, tensor._requires_grad
    return copy


# ---- recording ---------------------------------------------------------------------------------------------------


def _record(cls, out, operands, settings) -> None:
    """Give `out` a node with edges to its operands, if one of them needs a gradient."""
    if cls.backward is None:
        return
    edges = [edge_of(t) if type(t) is Tensor or isinstance(t, Tensor) else None for t in operands]
    if not any(edges):
        return
    if type(out) is tuple:
        _record_several(cls, out, edges, operands, settings)
        return
    if out._array.dtype is not _FLOAT32 and out._array.dtype.kind not in "fcV":
        return
    out._node = node = cls.node(edges, None if cls.rule is None else _inputs_to_fit(operands, out._array))
    out._requires_grad = True
    if cls.save is not None:
        cls.save(node, out, *operands, **settings)
    if GRAD.on_record is not None:
        GRAD.on_record(node)


def _record_several(cls, outs, edges, operands, settings) -> None:
    node = cls.node(edges, None if cls.rule is None else _inputs_to_fit(operands, outs[0]._array))
    if cls.save is not None:
        cls.save(node, outs, *operands, **settings)
    node.outputs = [(o._array.shape, o.dtype) if o._array.dtype.kind in "fcV" else None for o in outs]
    for index, out in enumerate(outs):
        if node.outputs[index] is not None:
            out._node, out._nr, out._requires_grad = node, index, True
    if GRAD.on_record is not None:
        GRAD.on_record(node)


def _inputs_to_fit(operands, out):
    """Shapes and dtypes of the operands, only where a gradient may have to be summed or cast to fit them."""
    for t in operands:
        if isinstance(t, Tensor) and (t._array.shape != out.shape or t._array.dtype is not _FLOAT32):
            return tuple([(t._array.shape, t._array.dtype) if isinstance(t, Tensor) else None for t in operands])
    return None


_NOTHING = (None, None)


class OpNode(Node):
    """The node of a declared op: one subclass an op, with its `backward`."""

    __slots__ = ()

    def save_for_backward(self, *values) -> None:
        self.saved = saved = []
        for v in values:
            if v is None:
                saved.append(_NOTHING)
            elif type(v) is Tensor or isinstance(v, (Tensor, SavedOutput)):
                saved.append((v, v._storage.version))
            else:
                saved.append((v, None))

    def apply(self, grads) -> tuple:
        if not self.on_arrays or GRAD.enabled:
            return Node.apply(self, grads)
        grad = grads[0]
        x = grad._array  # nothing here is going to be recorded, so bare arrays will do
        found = self.backward(x)
        if type(found) is not tuple:
            found = (found,)
        wrapped = []
        for g in found:
            if g is not None:  # what is passed on unchanged stays one tensor: a leaf may keep only what nobody shares
                g = grad if g is x else wrap(g if type(g) is ndarray else array_module(x).asarray(g))
            wrapped.append(g)
        if self.inputs is not None:
            wrapped = [g if g is None or meta is None else fit(g, meta) for g, meta in zip(wrapped, self.inputs, strict=True)]
        return wrapped


# ---- declaring ---------------------------------------------------------------------------------------------------


def _node_class(cls, name: str | None, on_arrays: bool):
    name = name or "".join(part.capitalize() for part in cls.__name__.strip("_").split("_"))
    name = name if "Backward" in name else name + "Backward0"
    members = {"__slots__": (), "on_arrays": on_arrays, "backward": cls.__dict__.get("backward"), "__doc__": f"The backward of `{cls.__name__}`."}
    return type(name, (OpNode,), members)


def _inspect_forward(cls) -> tuple[int | None, bool]:
    """How many tensor operands `forward` takes (None: any number), and whether it can write into `out`."""
    code = cls.forward.__code__  # inspect.signature would cost a tenth of a second over all ops
    positional = code.co_varnames[1 : code.co_argcount]
    takes_out = "out" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if code.co_flags & inspect.CO_VARARGS:
        return None, takes_out
    return len(positional) - ("out" in positional), takes_out


def _register(cls, public, call, changed, operator, aliases, method, namespace) -> None:
    public.__name__ = public.__qualname__ = cls.name
    public.__doc__ = cls.__doc__
    if hasattr(cls, "arguments"):
        public.__wrapped__ = cls.arguments  # where inspect.signature finds the parameters
    OPS[cls.__name__] = cls
    for name in (cls.__name__, *aliases):
        if namespace is not None:
            FUNCTIONS.setdefault(namespace, {})[name] = public
        if method:
            setattr(Tensor, name, public)
            if changed is not None:
                setattr(Tensor, name + "_", changed)
    if operator is not None:
        _register_operator(cls, operator, call, changed)


_REFLECTED = {"add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift"}
_COMMUTES = {"add", "mul", "and", "or", "xor"}


def _register_operator(cls, operator: str, call, changed) -> None:
    """`a + b`, `2 + b` and `a += b`."""
    if cls.operands == 1:
        setattr(Tensor, f"__{operator}__", call)
        return

    forwards = _binary(cls, _arguments.from_foreign, numbers_first=True)
    forwards.__name__ = f"__{operator}__"
    setattr(Tensor, forwards.__name__, forwards)
    if operator in _REFLECTED:

        def reflected(self, other):
            return forwards(other, self) if isinstance(other, OPERAND) else NotImplemented

        reflected.__name__ = f"__r{operator}__"
        setattr(Tensor, reflected.__name__, forwards if operator in _COMMUTES else reflected)
        if changed is not None:
            setattr(Tensor, f"__i{operator}__", lambda self, other: changed(self, other))


__all__ = ["COMPARE", "FLOAT", "FUNCTIONS", "OPS", "PROMOTE", "function", "op", "signature_error", "write_out"]
