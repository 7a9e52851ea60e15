"""Proxy: what stands for a value while a program is traced; what is done with it becomes a node."""

from __future__ import annotations

import operator
import sys

from .node import Node, map_aggregate


class TraceError(ValueError):
    """What a program does cannot be told before its values are known."""


class TracerBase:
    """Makes nodes and proxies of what a program does."""

    graph = None

    def create_node(self, kind, target, args, kwargs, name=None, type_expr=None) -> Node:
        return self.graph.create_node(kind, target, args, kwargs, name, type_expr)

    def proxy(self, node: Node) -> Proxy:
        return Proxy(node, self)

    def create_proxy(self, kind, target, args, kwargs, name=None, type_expr=None, proxy_factory_fn=None) -> Proxy:
        """A node, and the proxy for its value."""
        node = self.create_node(kind, target, self.create_arg(tuple(args)), self.create_arg(dict(kwargs)), name,
                                type_expr)  # fmt: skip
        return (proxy_factory_fn or self.proxy)(node)

    def create_arg(self, a):
        """A value as it stands in a node: proxies become their nodes."""
        return map_aggregate(a, self._argument)

    def _argument(self, value):
        if isinstance(value, Proxy):
            return value.node
        if value is None or value is ... or isinstance(value, (str, int, float, bool, complex, bytes, range, Node)):
            return value
        if callable(value) or type(value).__module__.startswith("course_lib"):
            return value
        raise NotImplementedError(f"argument of type: {type(value)}")

    def to_bool(self, obj) -> bool:
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow")

    def iter(self, obj):
        """Only `a, b = value` can be traced: the number of values is read off the calling instruction."""
        count = _unpacked(sys._getframe(2))
        if count is None:
            raise TraceError(
                "Proxy object cannot be iterated. This can be attempted when the Proxy is used in a loop or as a *args "
                "or **kwargs function argument. See the torch.fx docs on pytorch.org for a more detailed explanation "
                "of what types of control flow can be traced, and check out the Proxy docstring for help "
                "troubleshooting Proxy iteration errors"
            )
        return (obj[i] for i in range(count))

    def keys(self, obj):
        return Attribute(obj, "keys")()


def _unpacked(frame) -> int | None:
    """How many values the instruction that runs in this frame unpacks; None for any other instruction."""
    import dis

    for instruction in dis.get_instructions(frame.f_code):
        if instruction.offset == frame.f_lasti and instruction.opname == "UNPACK_SEQUENCE":
            return instruction.arg
    return None


class Proxy:
    """Stands for a value in a traced program: operators, methods, attributes and torch functions make nodes of it.

    Source: https://docs.pytorch.org/docs/stable/fx.html#torch.fx.Proxy
    """

    def __init__(self, node: Node, tracer=None):
        self.node, self.tracer = node, tracer or GraphAppendingTracer(node.graph)

    def __repr__(self) -> str:
        return f"Proxy({self.node.name})"

    def __getattr__(self, name: str) -> Attribute:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Attribute(self, name)

    def __call__(self, *args, **kwargs):
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __iter__(self):
        return self.tracer.iter(self)

    def __bool__(self) -> bool:
        return self.tracer.to_bool(self)

    def __len__(self):
        raise RuntimeError(
            "'len' is not supported in symbolic tracing by default. If you want this call to be recorded, please call "
            "torch.fx.wrap('len') at module scope"
        )

    def keys(self):
        return self.tracer.keys(self)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        tracer = next(value.tracer for value in _proxies((args, kwargs or {})))
        name = getattr(func, "full_name", "")
        if name.startswith("torch.Tensor.") and not name.endswith("__"):
            return tracer.create_proxy("call_method", name.rpartition(".")[2], args, kwargs or {})
        return tracer.create_proxy("call_function", func, args, kwargs or {})


class Attribute(Proxy):
    """An attribute of a proxy: a node only if it is used as a value; called, it is a method."""

    def __init__(self, root: Proxy, attr: str):
        self.root, self.attr, self.tracer, self._node = root, attr, root.tracer, None

    @property
    def node(self) -> Node:
        if self._node is None:
            self._node = self.tracer.create_proxy("call_function", getattr, (self.root, self.attr), {}).node
        return self._node

    def __call__(self, *args, **kwargs):
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


def _proxies(value) -> list:
    found: list = []
    map_aggregate(value, lambda part: found.append(part) if isinstance(part, Proxy) else None)
    return found


class GraphAppendingTracer(TracerBase):
    """Appends to a graph that there is already."""

    def __init__(self, graph):
        self.graph = graph


_BOTH_SIDES = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lshift", "rshift", "xor")
_ONE_SIDE = ("eq", "ne", "lt", "gt", "le", "ge", "neg", "pos", "invert", "getitem", "iadd", "isub", "imul")


def _operator(function):
    def call(*args):
        return args[0].tracer.create_proxy("call_function", function, args, {})

    return call


def _reflected(function):
    def call(self, other):
        return self.tracer.create_proxy("call_function", function, (other, self), {})

    return call


for _name in (*_BOTH_SIDES, *_ONE_SIDE):
    setattr(Proxy, f"__{_name}__", _operator(getattr(operator, _name)))
for _name in _BOTH_SIDES:
    setattr(Proxy, f"__r{_name}__", _reflected(getattr(operator, _name)))
for _name, _function in (("and", operator.and_), ("or", operator.or_)):
    setattr(Proxy, f"__{_name}__", _operator(_function))
    setattr(Proxy, f"__r{_name}__", _reflected(_function))
Proxy.__abs__ = _operator(operator.abs)
Proxy.__hash__ = object.__hash__

__all__ = ["Attribute", "GraphAppendingTracer", "Proxy", "TraceError", "TracerBase"]
