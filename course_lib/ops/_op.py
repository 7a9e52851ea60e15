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
Promotion of dtypes happens in `_call.py` on the way in; summing and casting of gradients in `Node.apply` on the way
back. `_in_place.py` holds the methods with a trailing underscore, `_record.py` the nodes.
"""

from __future__ import annotations

import inspect
import sys

from ..autograd.node import Node
from ..tensor import Tensor
from . import _arguments
from ._arguments import OPERAND
from ._autocast import with_autocast
from ._call import COMPARE, FLOAT, PROMOTE, binary, general, unary, with_arguments, with_out, write_out
from ._in_place import function_in_place, in_place
from ._record import ArrayNode

FUNCTIONS: dict[str, dict[str, object]] = {"torch": {}}  # the public names of each namespace: torch, linalg, …
OPS: dict[str, type] = {}  # every declared op, by name
# functions that also take a number in front: add(1, x)
_NUMBERS_FIRST = {"add", "sub", "mul", "true_divide", "pow", "remainder", "floor_divide", "xlogy", "bitwise_and",
                  "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift"}  # fmt: skip


def op(*, inplace=False, view=False, dtype=None, operator=None, alias=(), node=None, method=True, namespace="torch",
       on_arrays=False, on_host=False):  # fmt: skip
    """Declare an operation; see the top of this module.

    dtype: PROMOTE (common dtype), FLOAT (as PROMOTE, integers become the default float), COMPARE (as PROMOTE, the
    result is bool), None (operands are taken as they are). operator: the name of the Python operator, "mul" for `*`.
    view: the result looks into the first operand's memory. inplace: also make the method with a trailing underscore.
    on_arrays: `backward` consists of operators only, so that it may run on bare arrays when nothing records it.
    on_host: `forward` uses a library that knows host memory only; arrays of a GPU are copied there and back.
    namespace: where the function is public ("torch", "linalg", "nn.functional", …), None for an op that other ops use.
    """

    def declare(cls):
        cls.name = cls.__name__.rstrip("_")
        cls.rule, cls.is_view, cls.namespace, cls.on_host = dtype, view, namespace, on_host
        cls.check = getattr(cls, "check", None)  # looks at the operands as they were given
        cls.wide_numbers = getattr(cls, "wide_numbers", False)  # a number that meets half precision is not rounded
        cls.crosses_devices = getattr(cls, "crosses_devices", False)  # operands may lie on several devices
        cls.takes_into = getattr(cls, "takes_into", False)  # in place on a GPU, `into` is the array to write in
        cls.elementwise = getattr(cls, "elementwise", dtype is not None)  # on a GPU the result lies as operands do
        cls.large = getattr(cls, "large", None)  # kernels for large arrays of a GPU
        cls.may_overlap = getattr(cls, "may_overlap", False)  # in place on an expanded tensor
        cls.save, cls.backward = getattr(cls, "save", None), getattr(cls, "backward", None)
        cls.node = _node_class(cls, node, on_arrays)
        cls.operands, cls.takes_out = _inspect_forward(cls)
        if dtype is not None and cls.operands == 2:
            call = binary(cls, _arguments.refuse, numbers_first=cls.name in _NUMBERS_FIRST)
        elif cls.operands == 1:
            call = unary(cls)
        else:
            call = general(cls)
        call.__name__ = call.__qualname__ = cls.name
        public = with_arguments(cls, call) if method or namespace or hasattr(cls, "arguments") else call
        public = with_autocast(public, cls.name, namespace)
        changed = cls.change = in_place(cls) if inplace else None
        aliases = (alias,) if isinstance(alias, str) else alias
        _register(cls, public, call, changed, operator, aliases, method, namespace)
        return public

    return declare


def function(*, method=False, inplace=False, out=False, alias=(), namespace="torch"):
    """Register a Python function made of other ops under its name in a namespace, and as a Tensor method if `method`.

    inplace: also make the method with a trailing underscore. out: give the function an `out=` argument.
    """

    def declare(made):
        public = made if namespace == "nn.functional" else _arguments.with_numpy_names(made)
        public = with_autocast(with_out(public) if out else public, made.__name__, namespace)
        names = (made.__name__, *((alias,) if isinstance(alias, str) else alias))
        _publish(public, names, namespace)
        for name in names:
            if method:
                setattr(Tensor, name, public)
            if inplace:
                setattr(Tensor, name + "_", function_in_place(made, name + "_"))
        return public

    return declare


# ---- declaring -----------------------------------------------------------------------------------------------------


def _node_class(cls, name: str | None, on_arrays: bool):
    name = name or "".join(part.capitalize() for part in cls.__name__.strip("_").split("_"))
    name = name if "Backward" in name else name + "Backward0"
    document = f"The backward of `{cls.__name__}`."
    members = {"__slots__": (), "backward": cls.backward, "__doc__": document}
    code = getattr(cls.backward, "__code__", None)
    if code is not None and code.co_flags & inspect.CO_VARARGS and code.co_varnames[code.co_argcount] == "_":
        members["looks_at"] = code.co_argcount - 1
    return type(name, (ArrayNode if on_arrays else Node,), members)


def _inspect_forward(cls) -> tuple[int | None, bool]:
    """How many tensor operands `forward` takes (None: any number), and whether it can write into `out`."""
    code = cls.forward.__code__  # inspect.signature would cost a tenth of a second over all ops
    positional = code.co_varnames[1 : code.co_argcount]
    takes_out = "out" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if code.co_flags & inspect.CO_VARARGS:
        return None, takes_out
    return len(positional) - ("out" in positional), takes_out


def _publish(made, names, namespace: str | None) -> None:
    """Put a function into a namespace under its names. One that was made by another function says that it lives there:
    pickle would not find it in the file that made it."""
    if namespace is None:
        return
    FUNCTIONS.setdefault(namespace, {}).update(dict.fromkeys(names, made))
    written = getattr(made, "__wrapped__", made).__code__.co_qualname == made.__name__
    if not written and made.__module__.startswith("course_lib.ops"):
        made.__module__ = "course_lib" if namespace == "torch" else f"course_lib.{namespace}"


def republish(namespace: str, name: str, made) -> None:
    """Put another function in the place of a public one, also in its module where that is loaded already."""
    before = FUNCTIONS[namespace][name]
    FUNCTIONS[namespace][name] = made
    made.__module__ = "course_lib" if namespace == "torch" else f"course_lib.{namespace}"  # where pickle finds it
    made.__qualname__ = name
    module = sys.modules.get(made.__module__)
    if module is not None and vars(module).get(name) is before:
        setattr(module, name, made)


def _register(cls, public, call, changed, operator, aliases, method, namespace) -> None:
    public.__name__ = public.__qualname__ = cls.name
    public.__doc__ = cls.__doc__
    if hasattr(cls, "arguments"):
        public.__wrapped__ = cls.arguments  # where inspect.signature finds the parameters
    OPS[cls.__name__] = cls
    names = (cls.__name__, *aliases)
    _publish(public, names, namespace)
    for name in names:
        if method:
            setattr(Tensor, name, public)
            if changed is not None:
                setattr(Tensor, name + "_", changed)
    if operator is not None:
        _register_operator(cls, operator, call, changed)


# `2 - b` by the op itself; for `2 / b` see mathematics.py
_REFLECTED = {"add", "sub", "mul", "floordiv", "mod", "and", "or", "xor", "lshift", "rshift"}
_COMMUTES = {"add", "mul", "and", "or", "xor"}


def _register_operator(cls, operator: str, call, changed) -> None:
    """`a + b`, `2 + b` and `a += b`."""
    if cls.operands == 1:
        setattr(Tensor, f"__{operator}__", call)
        return

    forwards = binary(cls, _arguments.from_foreign, numbers_first=True)
    forwards.__name__ = f"__{operator}__"
    setattr(Tensor, forwards.__name__, forwards)
    if operator in _REFLECTED:

        def reflected(self, other):
            return forwards(other, self) if isinstance(other, OPERAND) else NotImplemented

        reflected.__name__ = f"__r{operator}__"
        setattr(Tensor, reflected.__name__, forwards if operator in _COMMUTES else reflected)
    if changed is not None and operator in (*_REFLECTED, "truediv"):
        setattr(Tensor, f"__i{operator}__", lambda self, other: changed(self, other))


__all__ = ["COMPARE", "FLOAT", "FUNCTIONS", "OPS", "PROMOTE", "function", "op", "write_out"]
