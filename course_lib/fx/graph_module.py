"""GraphModule: a module whose forward is a graph, written as Python and run as Python."""

from __future__ import annotations

import copy
import linecache

from ..nn import Module
from ..tensor import Tensor
from .graph import Graph

_count = [0]


class GraphModule(Module):
    """A module that computes what its `graph` says; `code` is the graph as Python.

    After a change of the graph call `recompile()`.

    Source: https://docs.pytorch.org/docs/stable/fx.html#torch.fx.GraphModule
    """

    def __new__(cls, *args, **kwargs):
        """Each GraphModule has a class of its own, because forward belongs to the class."""
        base = next(c for c in cls.__mro__ if "_own_class" not in vars(c))
        own = type(args[2] if len(args) > 2 else kwargs.get("class_name", base.__name__), (base,), {"_own_class": True})
        own.__module__ = base.__module__
        return object.__new__(own)

    def __init__(self, root, graph: Graph, class_name: str = "GraphModule"):
        super().__init__()
        self.__class__.__name__ = class_name
        if isinstance(root, Module):
            self.training = root.training
        elif not isinstance(root, dict):
            raise RuntimeError("Unsupported type " + str(root) + " passed for root!")
        for node in graph.nodes:
            if node.op in ("get_attr", "call_module"):
                self._take(root, node.target)
        self.graph = graph

    def _take(self, root, path: str) -> None:
        """Put what lies at a path of the root at the same path of this module."""
        *above, name = path.split(".")
        place, theirs = self, root
        for part in above:
            theirs = getattr(theirs, part) if isinstance(theirs, Module) else theirs
            if part not in place._modules:
                place.add_module(part, Module())
            place = getattr(place, part)
        value = root[path] if isinstance(root, dict) else getattr(theirs, name)
        if isinstance(value, Tensor) and name not in theirs._parameters if isinstance(theirs, Module) else False:
            place.register_buffer(name, value, persistent=name not in theirs._non_persistent_buffers_set)
        else:
            setattr(place, name, value)

    @property
    def graph(self) -> Graph:
        return self._graph

    @graph.setter
    def graph(self, graph: Graph) -> None:
        self._graph = graph
        graph.owning_module = self
        self.recompile()

    @property
    def code(self) -> str:
        """The graph as Python."""
        return self._code

    def recompile(self):
        """Write the graph as Python again and make it the forward; returns the PythonCode."""
        written = self._graph.python_code("self")
        self._code = written.src
        _count[0] += 1
        name = f"<graph of {type(self).__name__} {_count[0]}>"
        linecache.cache[name] = (len(written.src), None, written.src.splitlines(keepends=True), name)  # for tracebacks
        names = dict(written.globals)
        exec(compile(_without_wraps(written.src), name, "exec"), names)
        type(self).forward = names["forward"]
        return written

    def print_readable(self, print_output: bool = True, **settings) -> str:
        """The code as a class, printed and returned."""
        body = self._code.strip("\n").replace("\n", "\n    ")
        text = f"class {type(self).__name__}(torch.nn.Module):\n    {body}"
        if print_output:
            print(text)
        return text

    def add_submodule(self, target: str, m: Module) -> bool:
        """Put a module at a path; False if something else is there."""
        *above, name = target.split(".")
        place = self
        for part in above:
            if not hasattr(place, part):
                place.add_module(part, Module())
            place = getattr(place, part)
            if not isinstance(place, Module):
                return False
        place.add_module(name, m)
        return True

    def delete_submodule(self, target: str) -> bool:
        """Take the module at a path away; False if there is none."""
        above, _, name = target.rpartition(".")
        try:
            place = self.get_submodule(above)
        except AttributeError:
            return False
        if not isinstance(place._modules.get(name), Module):
            return False
        delattr(place, name)
        return True

    def delete_all_unused_submodules(self) -> None:
        """Take away the modules that no node calls or reads from."""
        used = {node.target for node in self._graph.nodes if node.op in ("call_module", "get_attr")}
        kept = {".".join(path.split(".")[:n]) for path in used for n in range(1, path.count(".") + 2)}
        called = {node.target for node in self._graph.nodes if node.op == "call_module"}
        for name, _ in list(self.named_modules()):
            if name and name not in kept and not any(name.startswith(f"{path}.") for path in called):
                self.delete_submodule(name)

    def __deepcopy__(self, memo) -> GraphModule:
        root = Module()
        for name, value in self.__dict__.items():
            if name not in ("_graph", "_code"):
                root.__dict__[name] = copy.deepcopy(value, memo)
        return GraphModule(root, copy.deepcopy(self._graph, memo), type(self).__name__)

    def __reduce__(self):
        state = {name: value for name, value in self.__dict__.items() if name not in ("_graph", "_code")}
        return _again, (state, type(self).__name__, self._code)

    def __str__(self) -> str:
        hint = "# To see more debug info, please use `graph_module.print_readable()`"
        return "\n".join([super().__repr__(), self._code, hint])


def _without_wraps(code: str) -> str:
    """The text without the lines that say, for the reader, which functions are not traced into."""
    return "\n".join(line for line in code.split("\n") if not line.startswith("torch.fx._symbolic_trace.wrap"))


def _again(state: dict, name: str, code: str) -> GraphModule:
    """A GraphModule from a file: its code is traced once more."""
    from ._symbolic_trace import Tracer
    from .graph import _Writer

    class Leaves(Tracer):
        def is_leaf_module(self, m, module_qualified_name) -> bool:
            return True

    names = _Writer(Graph(), "self").globals
    exec(_without_wraps(code), names)
    root = type(name, (Module,), {"forward": names["forward"]})()
    root.__dict__.update(state)
    return GraphModule(root, Leaves().trace(root), name)


__all__ = ["GraphModule"]
