"""Python values, graphs and module attributes as JSON, and back.

What JSON has stays itself; anything else is a dictionary of one entry whose key names the kind: {"tuple": […]},
{"dtype": "float32"}, {"value": "x"} (a value of the graph), {"function": "torch.relu"}. Decoding accepts exactly these
and never runs anything; `ArchiveError` says what does not fit.
"""

from __future__ import annotations

import math

from .. import call_watch, dtypes, layouts
from ..device import device
from .graph import Graph, Node, Value, function_of, leaves, replaced


class ArchiveError(RuntimeError):
    """A file that is no program archive, or a damaged one."""


def encode(value, tensor=None):
    """A Python value as JSON; tensor(t) encodes a tensor, without it there may be none. TypeError for anything else."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, complex):
        return {"complex": [encode(value.real), encode(value.imag)]}
    if isinstance(value, list):
        return [encode(part, tensor) for part in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(part, tensor) for part in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: encode(part, tensor) for key, part in value.items()}}
    if isinstance(value, slice):
        return {"slice": [encode(end, tensor) for end in (value.start, value.stop, value.step)]}
    if isinstance(value, Value):
        return {"value": value.name}
    if value is Ellipsis:
        return {"ellipsis": True}
    for kind, cls in _NAMED.items():
        if isinstance(value, cls):
            return {kind: str(value).removeprefix("torch.")}
    if tensor is not None and hasattr(value, "_array"):
        return tensor(value)
    target = call_watch.target_of_function(value) if callable(value) else None
    if target is not None:
        return {"function": target}
    raise TypeError(f"a program archive cannot hold a {type(value).__name__}")


_NAMED = {"dtype": dtypes.dtype, "device": device, "memory_format": layouts.memory_format, "layout": layouts.layout}


def decode(data, values=None):
    """The Python value of some JSON; `values` gives the graph's values (or tensors) by name."""
    if data is None or isinstance(data, (bool, int, float, str)):
        return data
    if isinstance(data, list):
        return [decode(part, values) for part in data]
    if not isinstance(data, dict) or len(data) != 1:
        raise ArchiveError(f"the archive holds {_shown(data)} where a value should stand")
    ((kind, inside),) = data.items()
    try:
        return _DECODERS[kind](inside, values)
    except (KeyError, TypeError, ValueError, AttributeError, LookupError, RuntimeError) as error:
        if isinstance(error, ArchiveError):
            raise
        raise ArchiveError(f"the archive holds {_shown(data)}, which is no {kind}") from error


_DECODERS = {
    "float": lambda inside, values: {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[inside],
    "complex": lambda inside, values: complex(*[decode(part) for part in inside]),
    "tuple": lambda inside, values: tuple([decode(part, values) for part in _of(list, inside)]),
    "dict": lambda inside, values: {key: decode(part, values) for key, part in _of(dict, inside).items()},
    "slice": lambda inside, values: slice(*[decode(part, values) for part in inside]),
    "value": lambda inside, values: values[inside],
    "ellipsis": lambda inside, values: Ellipsis,
    "dtype": lambda inside, values: {name: getattr(dtypes, name) for name in dtypes.NAMES}[inside],
    "device": lambda inside, values: device(_of(str, inside)),
    "memory_format": lambda inside, values: _of(layouts.memory_format, getattr(layouts, inside)),
    "layout": lambda inside, values: _of(layouts.layout, getattr(layouts, inside)),
    "function": lambda inside, values: call_watch.resolve(inside),
}


def _of(kind: type, value):
    if not isinstance(value, kind):
        raise ArchiveError(f"the archive holds {_shown(value)} where a {kind.__name__} should stand")
    return value


def _shown(data) -> str:
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "..."


# ---- graphs --------------------------------------------------------------------------------------------------------


def encode_graph(graph: Graph, tensor) -> dict:
    """A graph as JSON; tensor(t) files a constant and gives its place."""
    return {
        "name": graph.name,
        "inputs": {name: encode(tree) for name, tree in graph.inputs.items()},
        "weights": list(graph.weights),
        "constants": {name: tensor(made) for name, (_, made) in graph.constants.items()},
        "nodes": [_encode_node(node) for node in graph.nodes],
        "outputs": encode(graph.outputs),
        "shapes": {
            v.name: None if v.shape is None else [dtypes.legacy_name(v.dtype), *v.shape] for v in graph.values()
        },
    }


def _encode_node(node: Node) -> dict:
    if node.target.startswith("ops."):  # it would take a file's word for sizes and strides
        raise RuntimeError(f"a program archive cannot hold the internal operation '{node.target}' (at {node.where})")
    made = {"target": node.target, "args": encode(list(node.args)), "outputs": encode(node.outputs)}
    if node.kwargs:
        made["kwargs"] = encode(node.kwargs)
    if node.rebinds:
        made["rebinds"] = [[old.name, new.name] for old, new in node.rebinds]
    if node.writes:
        made["writes"] = True
    if node.autocast:
        made["autocast"] = node.autocast
    return made | {"where": node.where, "scope": node.scope}


def decode_graph(data, tensor) -> Graph:
    """The graph of some JSON, every value defined before it is used; tensor(place) reads a constant."""
    data = _of(dict, data)
    graph, known, shapes = Graph(_of(str, data.get("name"))), {}, _of(dict, data.get("shapes"))
    kinds = {dtypes.legacy_name(getattr(dtypes, name)): getattr(dtypes, name) for name in dtypes.NAMES}

    def define(name) -> Value:
        shape = shapes.get(_of(str, name))
        if name in known:
            raise ArchiveError(f"the archive defines the value '{name}' twice")
        if shape is None:
            known[name] = Value(name)
        elif isinstance(shape, list) and shape and shape[0] in kinds and all(type(n) is int for n in shape[1:]):
            known[name] = Value(name, tuple(shape[1:]), kinds[shape[0]])
        else:
            raise ArchiveError(f"the archive gives the value '{name}' the shape {_shown(shape)}")
        return known[name]

    defining = _Defining(define)
    for name in _of(list, data.get("weights")):
        graph.weights[name] = define(name)
        known[name].weight = True
    for name, place in _of(dict, data.get("constants")).items():
        graph.constants[name] = define(name), tensor(place)
    graph.inputs = {name: decode(tree, defining) for name, tree in _of(dict, data.get("inputs")).items()}
    for entry in _of(list, data.get("nodes")):
        graph.nodes.append(_decode_node(_of(dict, entry), known, defining))
    graph.outputs = decode(data.get("outputs"), known)
    return graph


class _Defining:
    """Decoding a nesting of names makes the values."""

    def __init__(self, define):
        self.define = define

    def __getitem__(self, name) -> Value:
        return self.define(name)


def _decode_node(entry: dict, known: dict, defining: _Defining) -> Node:
    target = _of(str, entry.get("target"))
    try:
        function_of(target)
    except LookupError:
        raise ArchiveError(
            f"the archive asks for the operation {_shown(target)}, which course_lib does not have"
        ) from None
    args = decode(_of(list, entry.get("args")), known)
    kwargs = decode(entry["kwargs"], known) if "kwargs" in entry else {}
    rebinds = [(decode({"value": old}, known), new) for old, new in _of(list, entry.get("rebinds", []))]
    outputs = decode(entry.get("outputs"), defining)
    if any(not (leaf is None or isinstance(leaf, Value)) for leaf in leaves(outputs)):
        raise ArchiveError(f"the archive names {_shown(entry.get('outputs'))} as results of {target}")
    rebinds = [(old, defining[new]) for old, new in rebinds]
    where, scope, autocast = [_of(str, entry.get(name, "")) for name in ("where", "scope", "autocast")]
    if autocast not in ("", "bfloat16", "float16"):
        raise ArchiveError(f"the archive asks for autocast to {_shown(autocast)}")
    writes = entry.get("writes") is True
    return Node(target, tuple(args), _of(dict, kwargs), outputs, rebinds, writes, autocast, where, scope)


__all__ = ["ArchiveError", "decode", "decode_graph", "encode", "encode_graph", "replaced"]
