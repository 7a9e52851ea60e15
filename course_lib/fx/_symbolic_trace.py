"""Tracing: a module or function is called with proxies, and the nodes that they leave behind are its graph."""

from __future__ import annotations

import builtins
import contextlib
import inspect
import sys
import types

from ..nn import Module
from ..overrides import has_torch_function  # noqa: F401  from here on classes such as Proxy answer torch functions
from ..tensor import Tensor
from .graph import Graph
from .graph_module import GraphModule
from .node import Node
from .proxy import Proxy, TraceError, TracerBase

WRAPPED: dict[tuple[int, str], object] = {}  # (id of a module's names, name) -> the function that is not traced into


def wrap(fn_or_name):
    """Say, at module level, that a function is recorded as one call instead of being traced into.

    By its name, `wrap("len")`, or as a decorator.
    """
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError("Unsupported type for global function! Must be either a callable or string name")
    names, function = sys._getframe(1).f_globals, fn_or_name
    name = fn_or_name if isinstance(fn_or_name, str) else fn_or_name.__name__
    if isinstance(fn_or_name, str):
        function = names.get(name, getattr(builtins, name, None))
    if function is not None:
        _wrapped_names[(id(names), name)] = names
        WRAPPED[(id(names), name)] = function
    return fn_or_name


_wrapped_names: dict[tuple[int, str], dict] = {}


@contextlib.contextmanager
def _functions_wrapped():
    """In this block wrapped functions leave a node when they are called with a proxy."""
    before = {key: names.get(key[1]) for key, names in _wrapped_names.items()}
    for key, names in _wrapped_names.items():
        names[key[1]] = _recorded(WRAPPED[key])
    try:
        yield
    finally:
        for key, names in _wrapped_names.items():
            if before[key] is None:
                names.pop(key[1], None)
            else:
                names[key[1]] = before[key]


def _recorded(function):
    def call(*args, **kwargs):
        proxy = next((a for a in (*args, *kwargs.values()) if isinstance(a, Proxy)), None)
        if proxy is None:
            return function(*args, **kwargs)
        return proxy.tracer.create_proxy("call_function", function, args, kwargs)

    return call


def _with_plain_parameters(function):
    """The function with all its parameters positional, so that `*args` can be one proxy, too."""
    function = inspect.unwrap(function)
    code = function.__code__
    stars = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    if not code.co_flags & stars and not code.co_kwonlyargcount:
        return function
    count = code.co_argcount + code.co_kwonlyargcount + (code.co_flags & stars).bit_count()
    plain = code.replace(co_argcount=count, co_posonlyargcount=0, co_kwonlyargcount=0, co_flags=code.co_flags & ~stars)
    return types.FunctionType(plain, function.__globals__, function.__name__, None, function.__closure__)


class Tracer(TracerBase):
    """Traces a module or function; a subclass says by `is_leaf_module` which modules are recorded as one call.

    Source: https://docs.pytorch.org/docs/stable/fx.html#torch.fx.Tracer
    """

    def __init__(self, autowrap_modules=(), autowrap_functions=(), param_shapes_constant: bool = False):
        self.graph = self.root = None

    def is_leaf_module(self, m, module_qualified_name: str) -> bool:
        """Whether a module is one step: those of torch.nn are, except Sequential."""
        from ..nn import Sequential

        return m.__module__.startswith(("course_lib.nn", "torch.nn")) and not isinstance(m, Sequential)

    def path_of_module(self, mod) -> str:
        """Where in the root a module is. NameError if it is not in it."""
        for name, other in self.root.named_modules():
            if other is mod:
                return name
        raise NameError("module is not installed as a submodule")

    def call_module(self, m, forward, args, kwargs):
        """A call of a module inside the root: a node for a leaf, else what its forward does."""
        path = self.path_of_module(m)
        if self.is_leaf_module(m, path):
            return self.create_proxy("call_module", path, args, kwargs)
        return forward(*args, **kwargs)

    def getattr(self, attr: str, attr_val, parameter_proxy_cache: dict):
        """A parameter or buffer that the program reads: a get_attr node."""
        for name, value in (*self.root.named_parameters(), *self.root.named_buffers()):
            if value is attr_val:
                if name not in parameter_proxy_cache:
                    parameter_proxy_cache[name] = self.create_proxy("get_attr", name, (), {})
                return parameter_proxy_cache[name]
        return attr_val

    def create_arg(self, a):
        for name, value in (*self.root.named_parameters(), *self.root.named_buffers()) if isinstance(a, Tensor) else ():
            if value is a:
                return self.create_node("get_attr", name, (), {})
        if isinstance(a, Tensor):
            return self._constant(a)
        return super().create_arg(a)

    def _argument(self, value):
        return self.create_arg(value) if isinstance(value, Tensor) else super()._argument(value)

    def _constant(self, tensor) -> Node:
        """A tensor that the program made itself: it becomes an attribute of the root."""
        number = 0
        while hasattr(self.root, f"_tensor_constant{number}"):
            number += 1
        setattr(self.root, f"_tensor_constant{number}", tensor)
        return self.create_node("get_attr", f"_tensor_constant{number}", (), {})

    def trace(self, root, concrete_args=None) -> Graph:
        """The graph of a module's forward, or of a function. `concrete_args`: arguments that get a value here."""
        self.root = root if isinstance(root, Module) else Module()
        self.graph = Graph(tracer_cls=type(self))
        function = type(root).forward if isinstance(root, Module) else root
        args = self._arguments(function, isinstance(root, Module), concrete_args or {})
        with self._watching(), _functions_wrapped():
            made = _with_plain_parameters(function)(*([root] if isinstance(root, Module) else []), *args)
        returned = inspect.signature(function).return_annotation
        self.create_node("output", "output", (self.create_arg(made),), {},
                         type_expr=None if returned is inspect.Signature.empty else returned)  # fmt: skip
        return self.graph

    def _arguments(self, function, in_class: bool, concrete: dict) -> list:
        """A placeholder for each parameter that has no concrete value, in the order of the function's variables."""
        code, known, args = inspect.unwrap(function).__code__, inspect.signature(function).parameters, []
        count = code.co_argcount + code.co_kwonlyargcount
        stars = ["*"] * bool(code.co_flags & inspect.CO_VARARGS) + ["**"] * bool(code.co_flags & inspect.CO_VARKEYWORDS)
        names = [*[(name, "") for name in code.co_varnames[:count]],
                 *[(code.co_varnames[count + i], star) for i, star in enumerate(stars)]]  # fmt: skip
        for name, star in names[1:] if in_class else names:
            if name in concrete:
                args.append(concrete[name])
                continue
            p = known[name]
            default = () if p.default is p.empty else (p.default,)
            kind = None if p.annotation is p.empty else p.annotation
            args.append(self.create_proxy("placeholder", star + name, default, {}, name=f"_{name}" if star else name,
                                          type_expr=kind))  # fmt: skip
        return args

    @contextlib.contextmanager
    def _watching(self):
        """In this block calls of modules and readings of parameters come to this tracer."""
        call, read, cache, tracer = Module.__call__, Module.__getattr__, {}, self

        def traced_call(mod, *args, **kwargs):
            return tracer.call_module(mod, lambda *a, **k: call(mod, *a, **k), args, kwargs)

        def traced_read(mod, name: str):
            return tracer._read(read(mod, name), name, cache)

        Module.__call__, Module.__getattr__ = traced_call, traced_read
        try:
            yield
        finally:
            Module.__call__, Module.__getattr__ = call, read

    def _read(self, value, name: str, cache: dict):
        return self.getattr(name, value, cache) if isinstance(value, Tensor) else value


def symbolic_trace(root, concrete_args=None) -> GraphModule:
    """symbolic_trace(root) -> GraphModule: a module or function as a graph that can be read, changed and run.

    The program is called once with proxies, so it may not decide anything by its tensors' values.

    >>> import course_lib as torch
    >>> print(torch.fx.symbolic_trace(lambda x: torch.relu(x) + 1).code.strip())
    def forward(self, x):
        relu = torch.relu(x);  x = None
        add = relu + 1;  relu = None
        return add

    Source: https://docs.pytorch.org/docs/stable/fx.html#torch.fx.symbolic_trace
    """
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    name = type(root).__name__ if isinstance(root, Module) else root.__name__
    return GraphModule(tracer.root, graph, name)


__all__ = ["TraceError", "Tracer", "WRAPPED", "symbolic_trace", "wrap"]
