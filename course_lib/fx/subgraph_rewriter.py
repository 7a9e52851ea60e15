"""Replacing every piece of a graph that looks like a pattern."""

from __future__ import annotations

from typing import NamedTuple

from ._symbolic_trace import symbolic_trace
from .graph import Graph
from .graph_module import GraphModule
from .node import Node, map_arg


class Match(NamedTuple):
    """A place where the pattern was found: its last node, and which node of the graph each of the pattern's is."""

    anchor: Node
    nodes_map: dict[Node, Node]


def replace_pattern(gm: GraphModule, pattern, replacement) -> list[Match]:
    """Put `replacement` wherever `pattern` stands in the graph; both are functions with the same parameters.

    Pieces that others use, or that overlap a piece already replaced, stay.

    Source: https://docs.pytorch.org/docs/stable/fx.html#torch.fx.replace_pattern
    """
    wanted, new = _graph_of(pattern), _graph_of(replacement)
    found, taken = [], set()
    for anchor in list(gm.graph.nodes):
        nodes: dict[Node, Node] = {}
        if not _alike(wanted.output_node().args[0], anchor, nodes) or _used_elsewhere(wanted, nodes):
            continue
        inside = {theirs for ours, theirs in nodes.items() if ours.op != "placeholder"}
        if inside & taken:
            continue
        taken |= inside
        found.append(Match(anchor, nodes))
    for match in found:
        _put(gm.graph, new, [match.nodes_map[n] for n in wanted.find_nodes(op="placeholder")], match)
    gm.recompile()
    return found


def _graph_of(what) -> Graph:
    return what if isinstance(what, Graph) else getattr(what, "graph", None) or symbolic_trace(what).graph


def _alike(pattern, node, nodes: dict) -> bool:
    """Whether a piece of the graph looks like the pattern; fills in which node is which."""
    if not isinstance(pattern, Node):
        return _same_container(pattern, node, nodes)
    if not isinstance(node, Node):
        return False
    if pattern in nodes:
        return nodes[pattern] is node
    if pattern.op == "placeholder":
        nodes[pattern] = node
        return True
    if (pattern.op, pattern.target) != (node.op, node.target) or pattern.kwargs.keys() != node.kwargs.keys():
        return False
    nodes[pattern] = node
    return _same_container(pattern.args, node.args, nodes) and all(
        _alike(pattern.kwargs[key], node.kwargs[key], nodes) for key in pattern.kwargs
    )


def _same_container(a, b, nodes: dict) -> bool:
    if isinstance(a, (tuple, list)):
        return isinstance(b, type(a)) and len(a) == len(b) and all(map(lambda x, y: _alike(x, y, nodes), a, b))
    return type(a) is type(b) and a == b


def _used_elsewhere(wanted: Graph, nodes: dict) -> bool:
    """Whether somebody outside uses a value inside the piece."""
    last, inside = wanted.output_node().args[0], set(nodes.values())
    hidden = [theirs for ours, theirs in nodes.items() if ours.op != "placeholder" and ours is not last]
    return any(set(node.users) - inside for node in hidden)


def _put(graph: Graph, new: Graph, inputs: list[Node], match: Match) -> None:
    values = dict(zip(new.find_nodes(op="placeholder"), inputs, strict=True))
    with graph.inserting_before(match.anchor):
        for node in new.nodes:
            if node.op == "output":
                break
            if node not in values:
                values[node] = graph.node_copy(node, lambda n: values[n])
    match.anchor.replace_all_uses_with(map_arg(new.output_node().args[0], lambda n: values[n]))
    for ours, theirs in reversed(list(match.nodes_map.items())):
        if ours.op != "placeholder" and not theirs.users and not theirs._erased:
            graph.erase_node(theirs)
    for theirs in match.nodes_map.values():
        if not theirs._erased and not theirs.users and theirs.op not in ("placeholder", "output", "get_attr"):
            graph.erase_node(theirs)


__all__ = ["Match", "replace_pattern"]
