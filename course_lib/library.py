"""torch.library: operations of one's own, with a name, and a backward that is given apart from them.

`custom_op` makes an operation of a function; it is public as `torch.ops.NAMESPACE.NAME`, too. The function sees plain
tensors without history: what autograd shall do is said by `register_autograd`.

Source: https://docs.pytorch.org/docs/stable/library.html
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Sequence

from .autograd import Function, is_grad_enabled
from .device import device as device_type
from .dtypes import dtype as dtype_type
from .tensor import Tensor

OPS: dict[str, dict[str, CustomOpDef]] = {}  # namespace -> name -> operation

# ---- schemas -------------------------------------------------------------------------------------------------------

_TYPES = {Tensor: "Tensor", int: "SymInt", float: "float", bool: "bool", str: "str", complex: "complex",
          int | float | bool: "Scalar", dtype_type: "ScalarType", device_type: "Device"}  # fmt: skip


def _schema_type(annotation, what: str) -> str:
    """The name of a type in a schema: `Tensor?` for an optional tensor, `Tensor[]` for a sequence of tensors."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _TYPES:
        return _TYPES[annotation]
    if origin in (typing.Union, types.UnionType) and type(None) in parts:
        (inner,) = [part for part in parts if part is not type(None)]
        return _schema_type(inner, what) + "?"
    if origin in (list, tuple, Sequence) and parts:
        return _schema_type(parts[0], what) + "[]"
    raise ValueError(f"infer_schema(func): {what} has unsupported type {annotation}")


def infer_schema(prototype_function, /, *, mutates_args, op_name=None) -> str:
    """The schema of a function, from its annotations: `(Tensor x, float scale=1.0) -> Tensor`.

    ValueError where an annotation is missing, or is of a type that a schema does not have.
    """
    signature = inspect.signature(prototype_function)
    hints = typing.get_type_hints(prototype_function)
    parts = []
    for name, parameter in signature.parameters.items():
        if name not in hints:
            raise ValueError(
                f"infer_schema(func): Parameter {name} must have a type annotation. Got func with signature "
                f"{signature})"
            )
        kind = _schema_type(hints[name], f"Parameter {name}")
        if mutates_args == "unknown" or name in mutates_args:
            kind = kind.replace("Tensor", f"Tensor(a{len(parts)}!)", 1)
        default = "" if parameter.default is inspect.Parameter.empty else f"={_written(parameter.default)}"
        star = "*, " if parameter.kind is inspect.Parameter.KEYWORD_ONLY and "*, " not in "".join(parts) else ""
        parts.append(f"{star}{kind} {name}{default}")
    if "return" not in hints:
        raise ValueError(
            "infer_schema(func): No return type annotation was provided. Please add one. Got func with signature "
            f"{signature})"
        )
    return f"{op_name or ''}({', '.join(parts)}) -> {_returned(hints['return'])}"


def _written(default) -> str:
    return f'"{default}"' if isinstance(default, str) else str(default)


def _returned(annotation) -> str:
    if annotation is type(None):
        return "()"
    if typing.get_origin(annotation) is tuple:
        return f"({', '.join(_schema_type(part, 'Return') for part in typing.get_args(annotation))})"
    return _schema_type(annotation, "Return")


def _parameters(schema: str) -> inspect.Signature:
    """The parameters that a schema names, for calls."""
    inside, kind, found = schema[schema.index("(") + 1 : schema.rindex(") ->")], inspect.Parameter, []
    how = kind.POSITIONAL_OR_KEYWORD
    for part in filter(None, map(str.strip, inside.split(","))):
        if part == "*":
            how = kind.KEYWORD_ONLY
            continue
        text, _, default = part.partition("=")
        given = {"default": _default(default)} if default else {}
        found.append(kind(text.split()[-1], how, **given))
    return inspect.Signature(found)


def _default(text: str):
    known = {"None": None, "True": True, "False": False}
    if text in known:
        return known[text]
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text.strip("\"'")


# ---- operations ----------------------------------------------------------------------------------------------------


class CustomOpDef:
    """An operation of one's own: call it as the function it was made of."""

    def __init__(self, namespace: str, name: str, schema: str, function=None):
        self._namespace, self._name, self._qualname = namespace, name, f"{namespace}::{name}"
        self._schema, self._init_fn = schema, function
        self._signature = inspect.signature(function) if function is not None else _parameters(schema)
        self._kernels: dict[str | None, Callable] = {} if function is None else {None: function}
        self._node = _node_class(self, None, None)
        OPS.setdefault(namespace, {})[name] = self

    @property
    def default(self) -> CustomOpDef:
        """The one overload that there is."""
        return self

    def __call__(self, *args, **kwargs):
        values = self._bound(args, kwargs)
        if is_grad_enabled() and any(isinstance(v, Tensor) and v.requires_grad for v in _flat(values)):
            return self._node.apply(*values)
        return self._compute(values)

    def _bound(self, args, kwargs) -> list:
        """All arguments in the order of the parameters, defaults included; RuntimeError where they do not fit."""
        declaration = f"{self._qualname}{self._schema}"
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise RuntimeError(f"{self._qualname}() {error}. Declaration: {declaration}") from None
        bound.apply_defaults()
        return list(bound.arguments.values())

    def _compute(self, values):
        place = next((v.device.type for v in _flat(values) if isinstance(v, Tensor)), None)
        kernel = self._kernels.get(place, self._kernels.get(None))
        if kernel is None:
            raise NotImplementedError(
                f"Could not run '{self._qualname}' with arguments from the '{(place or 'cpu').upper()}' backend: no "
                "implementation is registered for it. torch.library.impl registers one"
            )
        named = [p.name for p in self._signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
        count = len(values) - len(named)
        return kernel(*values[:count], **dict(zip(named, values[count:], strict=True)))

    def register_kernel(self, device_types, func=None, /):
        """The function for tensors of these kinds of devices ("cpu", "cuda"), or for all with None."""
        if func is None:
            return lambda made: self.register_kernel(device_types, made)
        for place in [device_types] if device_types is None or isinstance(device_types, str) else device_types:
            self._kernels[place] = func
        return func

    def register_fake(self, fn, /):
        """A function that gives tensors of the result's shape; accepted, as nothing here is traced without values."""
        self._fake = fn
        return fn

    def register_autograd(self, backward, /, *, setup_context=None) -> None:
        """`backward(ctx, *grads)` gives a gradient for each argument; `setup_context(ctx, inputs, output)` saves what
        it needs."""
        self._node = _node_class(self, backward, setup_context)

    def register_vmap(self, func=None, /):
        """A function for batches; accepted: `torch.vmap` calls the operation for each sample."""
        return (lambda made: made) if func is None else func

    def set_kernel_enabled(self, device_type: str, enabled: bool = True):
        """Accepted: a kernel that is registered is used."""

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"


def _flat(values):
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from value
        else:
            yield value


def _node_class(operation: CustomOpDef, backward, setup_context) -> type:
    """The autograd.Function of an operation."""
    shown = f"{operation._namespace}.{operation._name}.default"

    def forward(*values):
        return operation._compute([v.detach() if isinstance(v, Tensor) else v for v in values])

    def setup(ctx, inputs, output) -> None:
        if setup_context is not None:
            setup_context(ctx=ctx, inputs=inputs, output=output)

    def back(ctx, *grads):
        if backward is None:
            raise RuntimeError(
                f"Trying to backward through {shown} but no autograd formula was registered. Please use "
                "register_autograd to add one."
            )
        return backward(ctx, *grads)

    name = f"GeneratedBackwardFor_{shown.replace('.', '_')}"
    members = {"forward": staticmethod(forward), "setup_context": staticmethod(setup), "backward": staticmethod(back)}
    return type(name, (Function,), members)


# ---- functions -----------------------------------------------------------------------------------------------------


def custom_op(name, fn=None, /, *, mutates_args, device_types=None, schema=None, tags=None):
    """Make an operation of a function, with a name such as "mylib::sin". Its parameters are annotated, or `schema` says
    what they are; `mutates_args` names the tensors that it changes.

    >>> import course_lib as torch
    >>> @torch.library.custom_op("doc::double", mutates_args=())
    ... def double(x: torch.Tensor) -> torch.Tensor:
    ...     return x + x
    >>> torch.ops.doc.double(torch.ones(2))
    tensor([2., 2.])

    Source: https://docs.pytorch.org/docs/stable/library.html#torch.library.custom_op
    """

    def declare(function):
        namespace, plain = _parted(name)
        found = infer_schema(function, mutates_args=mutates_args) if schema is None else schema
        made = CustomOpDef(namespace, plain, found, function)
        if device_types is not None:
            made._kernels.clear()
            made.register_kernel(device_types, function)
        return made

    return declare if fn is None else declare(fn)


def _parted(name: str) -> tuple[str, str]:
    namespace, _, plain = name.partition("::")
    if not plain:
        raise ValueError(f"the name of an operation is NAMESPACE::NAME, got {name!r}")
    return namespace, plain.partition(".")[0]


def _found(operation) -> CustomOpDef:
    """An operation, also by its name; RuntimeError if there is none of this name."""
    if isinstance(operation, CustomOpDef):
        return operation
    namespace, name = _parted(operation)
    try:
        return OPS[namespace][name]
    except KeyError:
        raise RuntimeError(f"Could not find the operator {operation}. Define it with torch.library.define") from None


def define(qualname: str, schema: str, *, lib=None, tags=()) -> None:
    """Name an operation by its schema, "(Tensor x) -> Tensor"; `impl` says later what it computes."""
    CustomOpDef(*_parted(qualname), schema)


def impl(qualname, types, func=None, *, lib=None):
    """What an operation computes for tensors of these kinds of devices ("cpu", "cuda", "default")."""
    if func is None:
        return lambda made: impl(qualname, types, made)
    for place in [types] if isinstance(types, str) else types:
        name = place.lower()
        _found(qualname).register_kernel(name if name in ("cpu", "cuda") else None, func)
    return func


def register_kernel(op, device_types, func=None, /, *, lib=None):
    """`CustomOpDef.register_kernel`, for an operation or its name."""
    return _found(op).register_kernel(device_types, *() if func is None else (func,))


def register_fake(op, func=None, /, *, lib=None, _stacklevel=1, allow_override=False):
    """`CustomOpDef.register_fake`, for an operation or its name."""
    return _found(op).register_fake if func is None else _found(op).register_fake(func)


impl_abstract = register_fake


def register_autograd(op, backward, /, *, setup_context=None, lib=None) -> None:
    """`CustomOpDef.register_autograd`, for an operation or its name."""
    _found(op).register_autograd(backward, setup_context=setup_context)


def register_vmap(op, func=None, /, *, lib=None):
    """`CustomOpDef.register_vmap`, for an operation or its name."""
    return _found(op).register_vmap(*() if func is None else (func,))


class Library:
    """A namespace of operations: `define` names one, `impl` says what it computes."""

    def __init__(self, ns: str, kind: str, dispatch_key: str = ""):
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key

    def define(self, schema: str, alias_analysis="", *, tags=()) -> str:
        name, _, rest = schema.partition("(")
        define(f"{self.ns}::{name.strip()}", "(" + rest)
        return name.strip()

    def impl(self, op_name: str, fn, dispatch_key: str = "", *, with_keyset=False, allow_override=False) -> None:
        qualname = op_name if "::" in op_name else f"{self.ns}::{op_name}"
        impl(qualname, dispatch_key or self.dispatch_key or "default", fn)

    def __repr__(self) -> str:
        return f"Library(kind={self.kind}, ns={self.ns}, dispatch_key={self.dispatch_key})>"


def triton_op(name, fn=None, /, *, mutates_args, schema=None):
    """RuntimeError: this library has no Triton."""
    raise RuntimeError("torch.library.triton_op needs Triton, which this library has not; torch.library.custom_op "
                       "makes an operation of any Python function")  # fmt: skip


wrap_triton = triton_op

__all__ = ["CustomOpDef", "Library", "custom_op", "define", "impl", "impl_abstract", "infer_schema",
           "register_autograd", "register_fake", "register_kernel", "register_vmap", "triton_op",
           "wrap_triton"]  # fmt: skip
