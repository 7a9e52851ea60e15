"""Graph: a program as a list of nodes, which can be changed and written as Python.

Source: https://docs.pytorch.org/docs/stable/fx.html#torch.fx.Graph
"""

from __future__ import annotations

import builtins
import contextlib
import keyword
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import course_lib as torch

from .node import Node, map_arg, qualified_name

# How calls of operators are written.
_WRITTEN = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "truediv": "{} / {}", "floordiv": "{} // {}",
    "mod": "{} % {}", "pow": "{} ** {}", "matmul": "{} @ {}", "lshift": "{} << {}", "rshift": "{} >> {}",
    "and_": "{} & {}", "or_": "{} | {}", "xor": "{} ^ {}", "eq": "{} == {}", "ne": "{} != {}", "lt": "{} < {}",
    "gt": "{} > {}", "le": "{} <= {}", "ge": "{} >= {}", "getitem": "{}[{}]", "neg": "-{}", "pos": "+{}",
    "invert": "~{}",
}  # fmt: skip
_CHANGING = {"iadd": "+=", "isub": "-=", "imul": "*=", "itruediv": "/=", "ifloordiv": "//=", "imod": "%=",
             "ipow": "**=", "imatmul": "@=", "iand": "&=", "ior": "|=", "ixor": "^="}  # fmt: skip


class PythonCode(NamedTuple):
    """A graph as Python: the text of its function, and the names that the text uses."""

    src: str
    globals: dict[str, Any]


class Graph:
    """A list of nodes that computes something, from placeholders to one output.

    >>> import course_lib as torch
    >>> graph = torch.fx.Graph()
    >>> x = graph.placeholder("x")
    >>> _ = graph.output(graph.call_function(torch.relu, (x,)))
    >>> print(graph)
    graph():
        %x : [num_users=1] = placeholder[target=x]
        %relu : [num_users=1] = call_function[target=torch.relu](args = (%x,), kwargs = {})
        return relu
    """

    def __init__(self, owning_module=None, tracer_cls=None, tracer_extras=None):
        self._root = Node(self, "", "root", "", (), {})
        self._insert: Callable[[Node], None] = self._root.prepend
        self._names: set[str] = set()
        self.owning_module, self._tracer_cls = owning_module, tracer_cls

    @property
    def nodes(self) -> _Nodes:
        """The nodes in order."""
        return _Nodes(self)

    # -- making nodes -----------------------------------------------------------------------------------------------

    def create_node(self, op: str, target, args=(), kwargs=None, name=None, type_expr=None) -> Node:
        """A new node at the place of insertion (the end, unless `inserting_before` or `inserting_after` says else)."""
        name = self._free_name(name or self._candidate(op, target))
        made = Node(self, name, op, target, args, kwargs or {}, type_expr)
        self._insert(made)
        return made

    def placeholder(self, name: str, type_expr=None, default_value=...) -> Node:
        """An input."""
        args = () if default_value is ... else (default_value,)
        return self.create_node("placeholder", name, args, type_expr=type_expr)

    def get_attr(self, qualified_name: str, type_expr=None) -> Node:
        """A parameter, buffer or other attribute of the module."""
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_function(self, the_function, args=None, kwargs=None, type_expr=None, name=None) -> Node:
        """A call of a function."""
        return self.create_node("call_function", the_function, args or (), kwargs, name, type_expr)

    def call_module(self, module_name: str, args=None, kwargs=None, type_expr=None) -> Node:
        """A call of a module inside the owning module."""
        return self.create_node("call_module", module_name, args or (), kwargs, type_expr=type_expr)

    def call_method(self, method_name: str, args=None, kwargs=None, type_expr=None) -> Node:
        """A call of a method of the first argument."""
        return self.create_node("call_method", method_name, args or (), kwargs, type_expr=type_expr)

    def output(self, result, type_expr=None) -> Node:
        """What the graph returns."""
        return self.create_node("output", "output", (result,), type_expr=type_expr)

    def node_copy(self, node: Node, arg_transform=lambda node: node) -> Node:
        """A copy of another graph's node; `arg_transform` gives this graph's nodes for those in its arguments."""
        args, kwargs = map_arg(node.args, arg_transform), map_arg(node.kwargs, arg_transform)
        made = self.create_node(node.op, node.target, args, kwargs, node.name, node.type)
        made.meta = dict(node.meta)
        return made

    def graph_copy(self, g: Graph, val_map: dict, return_output_node: bool = False):
        """Copy all nodes of `g` here, except those that `val_map` has already; returns what `g` returns."""
        for node in g.nodes:
            if node in val_map:
                continue
            if node.op == "output":
                made = map_arg(node.args[0], lambda n: val_map[n])
                return (made, node) if return_output_node else made
            val_map[node] = self.node_copy(node, lambda n: val_map[n])
        return None

    def __deepcopy__(self, memo) -> Graph:
        made, values = Graph(tracer_cls=self._tracer_cls), {}
        for node in self.nodes:
            values[node] = made.node_copy(node, lambda n: values[n])
        return made

    def _candidate(self, op: str, target) -> str:
        if op == "call_function":
            return target.__name__
        return "_args" if target == "*args" else str(target).lstrip("*").replace(".", "_")

    def _free_name(self, wanted: str) -> str:
        """A name like this that no node has, and that is no word of Python."""
        name = re.sub(r"[^0-9a-zA-Z_]+", "_", re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", wanted)).lower() or "_unnamed"
        name = f"_{name}" if name[0].isdigit() else name
        stem, number = re.fullmatch(r"(.*?)(?:_(\d+))?", name).groups()
        count = int(number) if number else 0
        while name in self._names or keyword.iskeyword(name) or name == "self" or hasattr(builtins, name):
            count += 1
            name = f"{stem}_{count}"
        self._names.add(name)
        return name

    # -- changing ---------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _inserting(self, insert):
        before, self._insert = self._insert, insert
        try:
            yield
        finally:
            self._insert = before

    def inserting_before(self, n: Node | None = None):
        """In this block new nodes stand before `n` (None: at the beginning)."""
        return self._inserting((n or self._root.next).prepend)

    def inserting_after(self, n: Node | None = None):
        """In this block new nodes stand behind `n` (None: at the beginning)."""
        place = [n or self._root]

        def insert(made: Node) -> None:
            place[0].append(made)
            place[0] = made

        return self._inserting(insert)

    def erase_node(self, to_erase: Node) -> None:
        """Take a node out. RuntimeError if others use it."""
        if to_erase.users:
            raise RuntimeError(f"Tried to erase Node {to_erase} but it still had {len(to_erase.users)} users in the "
                               f"graph: {to_erase.users}!")  # fmt: skip
        if to_erase.graph is not self:
            raise RuntimeError(f"Attempting to remove {to_erase} from wrong graph!")
        to_erase._take((), {})
        to_erase._unlink()
        to_erase._erased = True

    def eliminate_dead_code(self, is_impure_node=None) -> bool:
        """Take out the nodes that nobody uses; whether there were any."""
        impure, changed = is_impure_node or Node.is_impure, False
        for node in reversed(list(self.nodes)):
            if not node.users and not impure(node):
                self.erase_node(node)
                changed = True
        return changed

    def lint(self) -> None:
        """RuntimeError where the graph is not well formed: a node used before it is made, a name twice."""
        seen, names = set(), set()
        for node in self.nodes:
            for used in node.all_input_nodes:
                if used.graph is not self:
                    raise RuntimeError(
                        f"Argument '{used}' of Node '{node}' does not belong to this Graph, but was used as an "
                        "argument! If you are copying nodes from another graph, make sure to use ``arg_transform`` on "
                        "node_copy() to remap values"
                    )
                if used not in seen:
                    raise RuntimeError(
                        f"Argument '{used}' of Node '{node}' was used before it has been defined! Please check that "
                        f"Nodes in the graph are topologically ordered\n{self}"
                    )
            if node.name in names:
                raise RuntimeError(f"Node redefined name {node.name}!")
            seen.add(node)
            names.add(node.name)

    def find_nodes(self, *, op: str, target=None, sort: bool = True) -> list[Node]:
        """The nodes of a kind, and of a target if one is given."""
        return [n for n in self.nodes if n.op == op and (target is None or n.target == target)]

    def output_node(self) -> Node:
        """The node that returns."""
        return self.find_nodes(op="output")[0]

    # -- text -------------------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return "graph():" + "".join(f"\n    {node.format_node()}" for node in self.nodes)

    def print_tabular(self) -> None:
        """Print the nodes as a table."""
        rows = [("opcode", "name", "target", "args", "kwargs"),
                *[(n.op, n.name, str(n.target), str(n.args), str(n.kwargs)) for n in self.nodes]]  # fmt: skip
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        rows.insert(1, tuple(["-" * width for width in widths]))
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def python_code(self, root_module: str = "self", **settings) -> PythonCode:
        """The graph as the text of a function `forward`."""
        return _Writer(self, root_module).written()


class _Nodes:
    """The nodes of a graph in order, also backwards."""

    def __init__(self, graph: Graph):
        self._graph = graph

    def __iter__(self) -> Iterator[Node]:
        node = self._graph._root.next
        while node is not self._graph._root:
            following = node.next
            if not node._erased:
                yield node
            node = following if not following._erased else node.next

    def __reversed__(self) -> Iterator[Node]:
        return reversed(list(self))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Writer:
    """Writes a graph as Python. A value is forgotten (`x = None`) in the line that uses it last."""

    def __init__(self, graph: Graph, root: str):
        self.graph, self.root = graph, root
        self.globals: dict[str, Any] = {"torch": torch, "device": torch.device, "inf": float("inf"),
                                        "nan": float("nan")}  # fmt: skip
        self.parameters, self.lines, self.wrapped = [], [], []

    def written(self) -> PythonCode:
        last: dict[Node, list[Node]] = {}  # node -> the values that it is the last to use
        seen: set[Node] = set()
        for node in reversed(list(self.graph.nodes)):
            for value in (*node.all_input_nodes, node):
                if value not in seen:
                    seen.add(value)
                    last.setdefault(node, []).append(value)
        for node in self.graph.nodes:
            self._write(node, last.get(node, []))
        head = f"def forward({', '.join([self.root, *self.parameters])}):\n"
        wraps = "\n".join(f'torch.fx._symbolic_trace.wrap("{name}")' for name in self.wrapped)
        body = "".join(f"    {line}\n" for line in self.lines or ["pass"])
        return PythonCode(f"\n{wraps}\n\n{head}{body}    ", self.globals)

    def _write(self, node: Node, forgotten: list[Node]) -> None:
        if node.op == "placeholder":
            self._parameter(node)
            return
        if node.op == "output":
            self.lines.append(f"return {self._text(node.args[0])}")
            return
        done = [value.name for value in forgotten if value.op != "placeholder" or value.users]
        ending = f";  {' = '.join([*done, 'None'])}" if done else ""
        self.lines.append(f"{self._statement(node)}{ending}")

    def _parameter(self, node: Node) -> None:
        name = str(node.target)
        kind = "" if node.type is None else f" : {self._type(node.type)}"
        default = f" = {node.args[0]!r}" if node.args else ""
        self.parameters.append(f"{name}{kind}{default}")
        if name.lstrip("*") != node.name:
            self.lines.append(f"{node.name} = {name.lstrip('*')}")

    def _type(self, kind) -> str:
        if isinstance(kind, type) and kind.__module__ == "builtins":
            return kind.__name__
        name = re.sub(r"\W", "_", getattr(kind, "__name__", str(kind)))
        self.globals[name] = kind
        return name

    def _statement(self, node: Node) -> str:
        given = [self._text(a) for a in node.args]
        both = ", ".join([*given, *[f"{key} = {self._text(a)}" for key, a in node.kwargs.items()]])
        if node.op == "get_attr":
            return f"{node.name} = {_attribute(self.root, node.target)}"
        if node.op == "call_module":
            return f"{node.name} = {_attribute(self.root, node.target)}({both})"
        if node.op == "call_method":
            rest = both[len(given[0]) + 2 :] if len(given) > 1 or node.kwargs else ""
            return f"{node.name} = {given[0]}.{node.target}({rest})"
        return self._call(node, given, both)

    def _call(self, node: Node, given: list[str], both: str) -> str:
        name, target = getattr(node.target, "__name__", ""), node.target
        if getattr(operator, name, None) is target and not node.kwargs:
            if name in _WRITTEN:
                return f"{node.name} = {_WRITTEN[name].format(*given)}"
            if name in _CHANGING:
                return f"{given[0]} {_CHANGING[name]} {given[1]};  {node.name} = {given[0]}"
        if target is getattr and isinstance(node.args[1], str) and node.args[1].isidentifier() and len(given) == 2:
            return f"{node.name} = {given[0]}.{node.args[1]}"
        return f"{node.name} = {self._function(target)}({both})"

    def _function(self, target) -> str:
        """The name of a function in the text."""
        full = qualified_name(target)
        package, _, plain = full.rpartition(".")
        if package == "builtins":
            return plain
        if package.partition(".")[0] == "torch":
            return full
        name = full.replace(".", "_") if package != "operator" else f"_operator_{plain}"
        self.globals[name] = target
        if package not in ("operator", "math") and name not in self.wrapped and _is_wrapped(target):
            self.wrapped.append(name)
        return name

    def _text(self, value) -> str:
        if isinstance(value, Node):
            return value.name
        if isinstance(value, tuple):
            if hasattr(value, "_fields"):
                self.globals[type(value).__name__] = type(value)
                return f"{type(value).__name__}({', '.join(map(self._text, value))})"
            return f"({', '.join(map(self._text, value))}{',' if len(value) == 1 else ''})"
        if isinstance(value, list):
            return f"[{', '.join(map(self._text, value))}]"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key!r}: {self._text(part)}" for key, part in value.items()) + "}"
        if isinstance(value, slice):
            return f"slice({', '.join(self._text(part) for part in (value.start, value.stop, value.step))})"
        if callable(value) and not isinstance(value, type) and hasattr(value, "__name__"):
            return self._function(value)
        return repr(value)


def _is_wrapped(function) -> bool:
    from ._symbolic_trace import WRAPPED

    return function in WRAPPED.values()


def _attribute(root: str, path: str) -> str:
    """`self.a.b`, with getattr where a part is no name: a layer of a Sequential."""
    text = root
    for part in path.split("."):
        text = f"{text}.{part}" if part.isidentifier() and not keyword.iskeyword(part) else f'getattr({text}, "{part}")'
    return text


__all__ = ["Graph", "PythonCode"]
