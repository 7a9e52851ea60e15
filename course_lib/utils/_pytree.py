"""Nested containers as trees: flatten to a list of leaves, and build the same container from other leaves.

Lists, tuples, named tuples and dictionaries are branches; everything else, None too, is a leaf.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple


class TreeSpec(NamedTuple):
    """The shape of a tree: how to build a branch from its children, or a leaf (`build` None)."""

    build: Callable | None
    key: Any
    children: tuple

    @property
    def num_leaves(self) -> int:
        return 1 if self.build is None else sum(child.num_leaves for child in self.children)


LEAF = TreeSpec(None, None, ())


def branches(tree) -> tuple[Callable, Any, list] | None:
    """(function that rebuilds this container from its children, what tells its kind, children), None for a leaf."""
    kind = type(tree)
    if kind in (list, tuple):
        return kind, kind, list(tree)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return (lambda children: kind(*children)), kind, list(tree)
    if kind in (dict, OrderedDict, defaultdict):
        keys = list(tree)
        return (lambda children: _dictionary(tree, keys, children)), (kind, tuple(keys)), [tree[key] for key in keys]
    return None


def _dictionary(like, keys, children):
    pairs = zip(keys, children, strict=True)
    return defaultdict(like.default_factory, pairs) if type(like) is defaultdict else type(like)(pairs)


def tree_flatten(tree) -> tuple[list, TreeSpec]:
    """The leaves of `tree` in order, and its shape."""
    found = branches(tree)
    if found is None:
        return [tree], LEAF
    build, key, children = found
    leaves, specs = [], []
    for child in children:
        below, spec = tree_flatten(child)
        leaves += below
        specs.append(spec)
    return leaves, TreeSpec(build, key, tuple(specs))


def tree_unflatten(leaves, spec: TreeSpec):
    """The tree of this shape with these leaves."""
    if spec.build is None:
        (leaf,) = leaves
        return leaf
    made, start = [], 0
    for child in spec.children:
        made.append(tree_unflatten(leaves[start : start + child.num_leaves], child))
        start += child.num_leaves
    return spec.build(made)


def tree_leaves(tree) -> list:
    """The leaves of `tree` in order."""
    return tree_flatten(tree)[0]


def tree_map(function, tree, *rests):
    """The tree with `function` applied to each leaf (and to the leaves at the same place in `rests`)."""
    leaves, spec = tree_flatten(tree)
    others = [tree_leaves(rest) for rest in rests]
    return tree_unflatten([function(*group) for group in zip(leaves, *others, strict=True)], spec)


def broadcast_prefix(prefix, tree) -> list | None:
    """One value a leaf of `tree`, where a leaf of `prefix` counts for all below it; None where the shapes disagree."""
    above, below = branches(prefix), branches(tree)
    if above is None:
        return [prefix] * len(tree_leaves(tree))
    if below is None or above[1] != below[1] or len(above[2]) != len(below[2]):
        return None
    values = []
    for each, subtree in zip(above[2], below[2], strict=True):
        part = broadcast_prefix(each, subtree)
        if part is None:
            return None
        values += part
    return values


__all__ = ["TreeSpec", "broadcast_prefix", "tree_flatten", "tree_leaves", "tree_map", "tree_unflatten"]
