"""The graph of a traced program: which operations ran on which values, and a way to run them again.

A `Graph` has inputs, weights (parameters and buffers, by their names in the module), constants and a list of nodes. A
`Node` is one call: the target names an operation of the library (`call_watch.py`), its arguments are the Python values
that were given, with a `Value` in the place of each tensor and of each size that came from a tensor.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field

from .. import call_watch, dtypes
from ..device import device
from ..layouts import layout, memory_format
from ..ops._autocast import autocast_as
from ..tensor import Tensor

# Arithmetic on sizes: these nodes have whole numbers for values.
INTEGER_OPERATORS = {name: getattr(operator, name) for name in ("add", "sub", "mul", "floordiv", "mod", "pow", "neg")}


@dataclass(eq=False)
class Value:
    """A tensor or a whole number of the graph: its name, and what it was when the graph was traced."""

    name: str
    shape: tuple[int, ...] | None = None  # None: a whole number
    dtype: object = None
    traced: bool = True  # whether it depends on the inputs
    example: object = None
    weight: bool = False  # a parameter or buffer of the module, by its name there

    def __str__(self) -> str:
        if self.shape is None:
            return f"%{self.name} : int"
        return f"%{self.name} : {dtypes.legacy_name(self.dtype)}({', '.join(map(str, self.shape))})"


@dataclass(eq=False)
class Node:
    """One call of an operation."""

    target: str
    args: tuple
    kwargs: dict
    outputs: object  # a Value, a list of them and of None, or None
    rebinds: list[tuple[Value, Value]] = field(default_factory=list)  # an operand before and after it was written into
    writes: bool = False  # whether an operand was written into
    autocast: str = ""  # the lower dtype of the CPU where the call was made under autocast
    where: str = ""  # file and line of the call
    scope: str = ""  # the module that made it: "encoder.layers.0"
    called: str = ""  # the public function whose call it was a part of, where it is another

    def used(self) -> list[Value]:
        return [v for v in leaves((self.args, self.kwargs)) if isinstance(v, Value)]

    def made(self) -> list[Value]:
        return [v for v in leaves(self.outputs) if isinstance(v, Value)] + [new for _, new in self.rebinds]


@dataclass(eq=False)
class Graph:
    name: str = "forward"
    inputs: dict[str, object] = field(default_factory=dict)  # by parameter name; a Value or a nesting of them
    weights: dict[str, Value] = field(default_factory=dict)
    constants: dict[str, tuple[Value, Tensor]] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    outputs: object = None

    def values(self) -> list[Value]:
        """All values, each once."""
        every = (self.inputs, *[node.used() + node.made() for node in self.nodes], self.outputs)
        found = [v for v in leaves(every) if isinstance(v, Value)] + [v for v, _ in self.constants.values()]
        return list({id(v): v for v in found}.values())

    def prune(self) -> None:
        """Drop the nodes and constants that no output needs."""
        needed = {id(v) for v in leaves(self.outputs)}
        kept = []
        for node in reversed(self.nodes):
            if node.writes or any(id(v) in needed for v in node.made()):
                kept.append(node)
                needed |= {id(v) for v in node.used()}
        self.nodes = kept[::-1]
        self.constants = {name: pair for name, pair in self.constants.items() if id(pair[0]) in needed}
        self.weights = {name: value for name, value in self.weights.items() if id(value) in needed}

    def __str__(self) -> str:
        inputs = [f"      {v}" for v in leaves(self.inputs) if isinstance(v, Value)]
        lines = [f"  {_assigned(n)} = {_call_text(n, '%')}{n.where and '  # ' + n.where}" for n in self.nodes]
        head = ",\n".join(["graph(%self", *inputs]) + "):"
        return "\n".join([head, *lines, f"  return ({text_of(self.outputs, '%')})", ""])

    def code(self) -> str:
        """The graph as a Python function, to read."""
        head = f"def {self.name}(self{''.join(', ' + name for name in self.inputs)}):"
        lines = []
        for node in self.nodes:
            assigned = "" if node.outputs is None else text_of(node.outputs, "").strip("[]") + " = "
            lines.append(f"    {assigned}{_call_text(node, '')}")
            lines += [f"    {text_of(new, '')} = {text_of(old, '')}" for old, new in node.rebinds]
        return "\n".join([head, *lines, f"    return {text_of(self.outputs, '')}", ""])


# ---- nested arguments ----------------------------------------------------------------------------------------------


def leaves(tree):
    """Everything in nested tuples, lists, dictionaries and slices that is none of these."""
    if isinstance(tree, (list, tuple)):
        for part in tree:
            yield from leaves(part)
    elif isinstance(tree, dict):
        yield from leaves(tuple(tree.values()))
    elif isinstance(tree, slice):
        yield from leaves((tree.start, tree.stop, tree.step))
    else:
        yield tree


def replaced(tree, change):
    """The same nesting with each leaf changed."""
    if isinstance(tree, tuple):
        return tuple([replaced(part, change) for part in tree])
    if isinstance(tree, list):
        return [replaced(part, change) for part in tree]
    if isinstance(tree, dict):
        return {key: replaced(part, change) for key, part in tree.items()}
    if isinstance(tree, slice):
        return slice(replaced(tree.start, change), replaced(tree.stop, change), replaced(tree.step, change))
    return change(tree)


# ---- running -------------------------------------------------------------------------------------------------------


class Program:
    """A graph made ready to run: each node with its function, and what may be forgotten after it."""

    def __init__(self, graph: Graph):
        self.graph = graph
        last = {id(v): number for number, node in enumerate(graph.nodes) for v in node.used() + node.made()}
        kept = {id(v) for v in leaves(graph.outputs)}
        self.steps = []
        for number, node in enumerate(graph.nodes):
            values = {v.name: v for v in node.used() + node.made()}.values()
            ends = [v.name for v in values if last[id(v)] == number and id(v) not in kept]
            self.steps.append((function_of(node.target, internal=True), node, ends))

    def run(self, inputs: dict, weights: dict):
        """The outputs for the given inputs (by parameter name, nested as they were) and weights (by name)."""
        known = {name: weights[name] for name in self.graph.weights}
        known.update((name, tensor) for name, (_, tensor) in self.graph.constants.items())
        for name, tree in self.graph.inputs.items():
            bind(name, tree, inputs[name], known)

        def filled(leaf):
            return known[leaf.name] if type(leaf) is Value else leaf

        for function, node, ends in self.steps:
            args = [known[a.name] if type(a) is Value else replaced(a, filled) for a in node.args]
            if node.autocast:
                with autocast_as((True, {"cpu": getattr(dtypes, node.autocast).numpy})):
                    result = function(*args, **replaced(node.kwargs, filled))
            else:
                result = function(*args, **replaced(node.kwargs, filled))
            for old, new in node.rebinds:
                known[new.name] = known[old.name]
            if type(node.outputs) is Value:
                known[node.outputs.name] = result
            elif node.outputs is not None:
                bind("", node.outputs, result, known)
            for name in ends:
                known.pop(name, None)
        return replaced(self.graph.outputs, filled)


def function_of(target: str, internal: bool = False):
    """The function of a node; LookupError for anything that is neither an operation nor arithmetic on sizes."""
    namespace, _, name = target.partition(".")
    if namespace == "operator" and name in INTEGER_OPERATORS:
        return INTEGER_OPERATORS[name]
    return Tensor.size if target == "Tensor.size" else call_watch.resolve(target, internal)


def bind(where: str, tree, given, known: dict) -> None:
    """Give the values of `tree` what stands in their places in `given`."""
    if isinstance(tree, Value):
        if not isinstance(given, Tensor):
            raise RuntimeError(
                f"forward() Expected a value of type 'Tensor' for argument '{where}' but instead found type "
                f"'{type(given).__name__}'."
            )
        known[tree.name] = given
        return
    if tree is None:
        return
    if not isinstance(given, (dict if isinstance(tree, dict) else (list, tuple))) or len(given) < len(tree):
        raise RuntimeError(f"forward() Expected {len(tree)} tensors in '{where}' as in the example that was traced.")
    for key in tree if isinstance(tree, dict) else range(len(tree)):
        bind(where, tree[key], given[key], known)


# ---- text ----------------------------------------------------------------------------------------------------------


def _assigned(node: Node) -> str:
    return ", ".join(map(str, node.made())) or "()"


def text_of(tree, mark: str) -> str:
    """A nesting of values and constants as Python writes it."""
    if isinstance(tree, Value):
        return (mark or "self." * tree.weight) + tree.name
    if isinstance(tree, (list, tuple)):
        inside = ", ".join([text_of(part, mark) for part in tree])
        return f"[{inside}]" if isinstance(tree, list) else f"({inside}{',' if len(tree) == 1 else ''})"
    if isinstance(tree, dict):
        return "{" + ", ".join([f"{key!r}: {text_of(part, mark)}" for key, part in tree.items()]) + "}"
    if isinstance(tree, slice):
        ends = ["" if end is None else text_of(end, mark) for end in (tree.start, tree.stop)]
        return ":".join([*ends, *([] if tree.step is None else [text_of(tree.step, mark)])])
    if isinstance(tree, device):
        return f"torch.device('{tree}')"
    if tree is Ellipsis:
        return "..."
    return str(tree) if isinstance(tree, (dtypes.dtype, memory_format, layout)) else repr(tree)


def _call_text(node: Node, mark: str) -> str:
    given = [text_of(a, mark) for a in node.args] + [f"{k}={text_of(v, mark)}" for k, v in node.kwargs.items()]
    namespace, _, name = node.target.rpartition(".")
    if name in call_watch.SUBSCRIPTS:
        key = given[1][1:-1].rstrip(",") if isinstance(node.args[1], tuple) else given[1]
        return f"{given[0]}[{key}]" + (f" = {given[2]}" if name == "__setitem__" else "")
    if namespace == "Tensor":
        return f"{given[0]}.{name}" + ("" if name in call_watch.PROPERTIES else f"({', '.join(given[1:])})")
    place = namespace if namespace in ("torch", "operator") else f"torch.{namespace}"
    return f"{place}.{name}({', '.join(given)})"
