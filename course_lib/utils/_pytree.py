"""Nested containers as trees: flatten to a list of leaves, and build the same container from other leaves.

Lists, tuples, named tuples, dictionaries, deques and what `register_pytree_node` names are branches; everything else,
None too, is a leaf. A TreeSpec is the shape of a tree without its leaves.

Source: https://docs.pytorch.org/docs/stable/pytree.html
"""

from __future__ import annotations

import dataclasses
import functools
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ..size import Size

# ---- kinds of branches ---------------------------------------------------------------------------------------------


class NodeDef(NamedTuple):
    """How one class is taken apart: its children and a context; how it is built again; its children with their keys."""

    type: Any
    flatten_fn: Callable
    unflatten_fn: Callable
    flatten_with_keys_fn: Callable | None


@dataclasses.dataclass(frozen=True)
class SequenceKey:
    """A place in a list or tuple."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, parent):
        return parent[self.idx]


@dataclasses.dataclass(frozen=True)
class MappingKey:
    """A key of a dictionary."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, parent):
        return parent[self.key]


@dataclasses.dataclass(frozen=True)
class GetAttrKey:
    """The name of an attribute."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, parent):
        return getattr(parent, self.name)


SUPPORTED_NODES: dict = {}
BUILTIN_TYPES = {tuple, list, dict, namedtuple, OrderedDict, defaultdict, deque}


def register_pytree_node(
    cls, flatten_fn, unflatten_fn, *, serialized_type_name=None, to_dumpable_context=None, from_dumpable_context=None,
    flatten_with_keys_fn=None,
) -> None:  # fmt: skip
    """Make the instances of a class branches: `flatten_fn(x)` gives (children, context), `unflatten_fn(children,
    context)` builds one again. `flatten_with_keys_fn(x)` gives ([(key, child), …], context). ValueError if the class is
    registered already.
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn, flatten_with_keys_fn)


_register_pytree_node = register_pytree_node


def register_dataclass(cls, *, field_names=None, drop_field_names=None, serialized_type_name=None) -> None:
    """Make the instances of a dataclass branches, with its fields as children."""
    left_out = drop_field_names or ()
    names = field_names or [f.name for f in dataclasses.fields(cls) if f.init and f.name not in left_out]

    def with_keys(value):
        return [(GetAttrKey(name), getattr(value, name)) for name in names], None

    register_pytree_node(cls, lambda value: ([getattr(value, name) for name in names], None),
                         lambda children, _: cls(**dict(zip(names, children, strict=True))),
                         flatten_with_keys_fn=with_keys)  # fmt: skip


def _sequence_with_keys(value):
    return [(SequenceKey(i), child) for i, child in enumerate(value)], None


def _dict_flatten(value):
    return list(value.values()), list(value)


def _dict_unflatten(children, keys):
    return dict(zip(keys, children, strict=True))


def _dict_flatten_with_keys(value):
    return [(MappingKey(key), child) for key, child in value.items()], list(value)


def _namedtuple_with_keys(value):
    return [(GetAttrKey(name), getattr(value, name)) for name in value._fields], type(value)


def _defaultdict_flatten(value):
    return list(value.values()), [value.default_factory, list(value)]


register_pytree_node(list, lambda v: (v, None), lambda c, _: list(c), flatten_with_keys_fn=_sequence_with_keys)
register_pytree_node(tuple, lambda v: (list(v), None), lambda c, _: tuple(c), flatten_with_keys_fn=_sequence_with_keys)
register_pytree_node(Size, lambda v: (list(v), None), lambda c, _: Size(c), flatten_with_keys_fn=_sequence_with_keys)
register_pytree_node(dict, _dict_flatten, _dict_unflatten, flatten_with_keys_fn=_dict_flatten_with_keys)
register_pytree_node(namedtuple, lambda v: (list(v), type(v)), lambda c, kind: kind(*c),
                     flatten_with_keys_fn=_namedtuple_with_keys)  # fmt: skip
register_pytree_node(OrderedDict, _dict_flatten, lambda c, keys: OrderedDict(zip(keys, c, strict=True)),
                     flatten_with_keys_fn=_dict_flatten_with_keys)  # fmt: skip
register_pytree_node(
    defaultdict, _defaultdict_flatten, lambda c, context: defaultdict(context[0], zip(context[1], c, strict=True)),
    flatten_with_keys_fn=lambda v: (_dict_flatten_with_keys(v)[0], _defaultdict_flatten(v)[1]),
)  # fmt: skip
register_pytree_node(deque, lambda v: (list(v), v.maxlen), lambda c, most: deque(c, maxlen=most),
                     flatten_with_keys_fn=lambda v: (_sequence_with_keys(v)[0], v.maxlen))  # fmt: skip


def is_namedtuple_class(cls) -> bool:
    """Whether it is a class made by `collections.namedtuple` or `typing.NamedTuple`."""
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")


def is_namedtuple_instance(obj) -> bool:
    return is_namedtuple_class(type(obj))


is_namedtuple = is_namedtuple_instance


def _node(tree) -> NodeDef | None:
    """How this object is taken apart; None for a leaf."""
    found = SUPPORTED_NODES.get(type(tree))
    return SUPPORTED_NODES[namedtuple] if found is None and is_namedtuple_instance(tree) else found


def tree_is_leaf(tree, is_leaf=None) -> bool:
    """Whether an object has no branches, or `is_leaf` says that it counts as a leaf."""
    return _node(tree) is None or (is_leaf is not None and is_leaf(tree))


# ---- the shape of a tree -------------------------------------------------------------------------------------------


class TreeSpec:
    """The shape of a tree: the class and the context of each branch, and where the leaves (`*`) are."""

    def __init__(self, type, context, children_specs: list):
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_children = len(children_specs)
        self.num_nodes = 1 + sum(child.num_nodes for child in children_specs)
        self.num_leaves = sum(child.num_leaves for child in children_specs)

    def is_leaf(self) -> bool:
        return isinstance(self, LeafSpec)

    def children(self) -> list[TreeSpec]:
        return list(self.children_specs)

    def child(self, index: int) -> TreeSpec:
        return self.children_specs[index]

    def unflatten(self, leaves: Iterable):
        """The tree of this shape with these leaves; ValueError if there are more or fewer."""
        leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec refers to a pytree that "
                f"holds {self.num_leaves} items ({self})."
            )
        return self._built(iter(leaves))

    def _built(self, leaves: Iterator):
        children = [child._built(leaves) for child in self.children_specs]
        kind = namedtuple if is_namedtuple_class(self.context) and self.type is namedtuple else self.type
        return SUPPORTED_NODES[kind].unflatten_fn(children, self.context)

    def flatten_up_to(self, tree) -> list:
        """The subtrees of `tree` at the places of this shape's leaves; ValueError where the shapes disagree."""
        if self.is_leaf():
            return [tree]
        children, spec = _taken_apart(tree)
        if spec is None or spec.type is not self.type:
            raise ValueError(f"Node type mismatch; expected {self.type!r}, but got {type(tree)!r}.")
        if len(children) != self.num_children:
            raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(children)}.")
        if spec.context != self.context:
            raise ValueError(f"Node context mismatch; expected {self.context!r}, but got {spec.context!r}.")
        found: list = []
        for child, subtree in zip(self.children_specs, children, strict=True):
            found += child.flatten_up_to(subtree)
        return found

    def __eq__(self, other) -> bool:
        return isinstance(other, TreeSpec) and (self.type, self.context, self.children_specs) == (
            other.type, other.context, other.children_specs)  # fmt: skip

    def __hash__(self) -> int:
        return hash((self.type, str(self.context), tuple(self.children_specs)))

    def __repr__(self, indent: int = 0) -> str:
        inner = indent + 2
        parts = [child.__repr__(inner) for child in self.children_specs]
        rest = "".join(f"{',' if i else ''}\n{' ' * inner}{part}" if i else part for i, part in enumerate(parts))
        return f"TreeSpec({self.type.__name__}, {self.context}, [{rest}])"


class LeafSpec(TreeSpec):
    """The shape of a single leaf."""

    def __init__(self):
        super().__init__(None, None, [])
        self.num_leaves = 1

    def _built(self, leaves: Iterator):
        return next(leaves)

    def __repr__(self, indent: int = 0) -> str:
        return "*"


_LEAF = LeafSpec()
PyTree = Any
PyTreeSpec = TreeSpec


def treespec_leaf() -> LeafSpec:
    """The shape of a leaf."""
    return _LEAF


def _taken_apart(tree) -> tuple[list, TreeSpec | None]:
    """The children of a branch, and its kind as a TreeSpec without children; ([], None) for a leaf."""
    node = _node(tree)
    if node is None:
        return [], None
    children, context = node.flatten_fn(tree)
    return list(children), TreeSpec(node.type, context, [])


# ---- functions -----------------------------------------------------------------------------------------------------


def tree_flatten(tree, is_leaf=None) -> tuple[list, TreeSpec]:
    """The leaves of `tree` in order, and its shape. `is_leaf(x)`: what counts as a leaf although it has branches.

    >>> from course_lib.utils._pytree import tree_flatten
    >>> tree_flatten({"a": 1, "b": (2, 3)})
    ([1, 2, 3], TreeSpec(dict, ['a', 'b'], [*,
      TreeSpec(tuple, None, [*,
        *])]))
    """
    leaves: list = []
    return leaves, _flatten_into(leaves, tree, is_leaf)


def _flatten_into(leaves: list, tree, is_leaf) -> TreeSpec:
    if tree_is_leaf(tree, is_leaf):
        leaves.append(tree)
        return _LEAF
    children, spec = _taken_apart(tree)
    return TreeSpec(spec.type, spec.context, [_flatten_into(leaves, child, is_leaf) for child in children])


def tree_unflatten(leaves: Iterable, treespec: TreeSpec):
    """The tree of this shape with these leaves."""
    if not isinstance(treespec, TreeSpec):
        raise TypeError(f"Expected `treespec` to be an instance of PyTreeSpec but got item of type {type(treespec)}.")
    return treespec.unflatten(leaves)


def tree_iter(tree, is_leaf=None) -> Iterator:
    """The leaves of `tree`, one after the other."""
    if tree_is_leaf(tree, is_leaf):
        yield tree
        return
    for child in _taken_apart(tree)[0]:
        yield from tree_iter(child, is_leaf)


def tree_leaves(tree, is_leaf=None) -> list:
    """The leaves of `tree` in order."""
    return list(tree_iter(tree, is_leaf))


def arg_tree_leaves(*args, **kwargs) -> list:
    """The leaves of positional and keyword arguments."""
    return [*tree_leaves(args), *tree_leaves(kwargs)]


def tree_structure(tree, is_leaf=None) -> TreeSpec:
    """The shape of `tree`."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func, tree, *rests, is_leaf=None):
    """The tree with `func` applied to each leaf (and to the subtrees at the same place in `rests`)."""
    leaves, spec = tree_flatten(tree, is_leaf)
    return spec.unflatten(map(func, leaves, *[spec.flatten_up_to(rest) for rest in rests]))


def tree_map_(func, tree, *rests, is_leaf=None):
    """As `tree_map`, for a function that changes the leaves: gives back the tree itself."""
    leaves, spec = tree_flatten(tree, is_leaf)
    for group in zip(leaves, *[spec.flatten_up_to(rest) for rest in rests], strict=True):
        func(*group)
    return tree


def _applies(chosen) -> Callable:
    return chosen if callable(chosen) and not isinstance(chosen, type) else lambda leaf: isinstance(leaf, chosen)


def map_only(type_or_types_or_pred, /):
    """Decorate a function of a leaf so that it leaves all others alone: those of other classes, or refused by pred."""
    applies = _applies(type_or_types_or_pred)

    def decorate(func):
        @functools.wraps(func)
        def call(leaf):
            return func(leaf) if applies(leaf) else leaf

        return call

    return decorate


def tree_map_only(type_or_types_or_pred, /, func, tree, is_leaf=None):
    """`tree_map` for the leaves of these classes, or those that a predicate chooses; the others stay."""
    return tree_map(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_map_only_(type_or_types_or_pred, /, func, tree, is_leaf=None):
    """`tree_map_` for the leaves of these classes, or those that a predicate chooses."""
    return tree_map_(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_all(pred, tree, is_leaf=None) -> bool:
    """Whether `pred` holds for every leaf."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred, tree, is_leaf=None) -> bool:
    """Whether `pred` holds for some leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(type_or_types, /, pred, tree, is_leaf=None) -> bool:
    """Whether `pred` holds for every leaf of these classes."""
    return all(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, type_or_types))


def tree_any_only(type_or_types, /, pred, tree, is_leaf=None) -> bool:
    """Whether `pred` holds for some leaf of these classes."""
    return any(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, type_or_types))


# ---- paths ---------------------------------------------------------------------------------------------------------


def tree_leaves_with_path(tree, is_leaf=None) -> list:
    """(path, leaf) for each leaf: the keys that lead to it."""
    return list(_with_path((), tree, is_leaf))


def _with_path(path: tuple, tree, is_leaf) -> Iterator:
    if tree_is_leaf(tree, is_leaf):
        yield path, tree
        return
    node = _node(tree)
    if node.flatten_with_keys_fn is None:
        raise ValueError(
            f"Did not find a flatten_with_keys_fn for type: {node.type}. Please pass a flatten_with_keys_fn argument "
            "to register_pytree_node."
        )
    for key, child in node.flatten_with_keys_fn(tree)[0]:
        yield from _with_path((*path, key), child, is_leaf)


def tree_flatten_with_path(tree, is_leaf=None) -> tuple[list, TreeSpec]:
    """`tree_flatten` with (path, leaf) in place of each leaf."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(func, tree, *rests, is_leaf=None):
    """`tree_map` for a function that also gets the path: `func(path, leaf, …)`."""
    found, spec = tree_flatten_with_path(tree, is_leaf)
    paths, leaves = [path for path, _ in found], [leaf for _, leaf in found]
    return spec.unflatten(map(func, paths, leaves, *[spec.flatten_up_to(rest) for rest in rests]))


def keystr(kp: tuple) -> str:
    """A path as it is written in Python: `['a'][0].name`."""
    return "".join(map(str, kp))


def key_get(obj, kp: tuple):
    """What lies at a path."""
    for key in kp:
        obj = key.get(obj)
    return obj


# ---- for vmap ------------------------------------------------------------------------------------------------------


def broadcast_prefix(prefix, tree) -> list | None:
    """One value a leaf of `tree`, where a leaf of `prefix` counts for all below it; None where the shapes disagree."""
    if tree_is_leaf(prefix):
        return [prefix] * len(tree_leaves(tree))
    (above, kind), (below, other) = _taken_apart(prefix), _taken_apart(tree)
    if other is None or kind != other or len(above) != len(below):
        return None
    values = []
    for each, subtree in zip(above, below, strict=True):
        part = broadcast_prefix(each, subtree)
        if part is None:
            return None
        values += part
    return values


_broadcast_to_and_flatten = broadcast_prefix

__all__ = [
    "GetAttrKey", "LeafSpec", "MappingKey", "PyTree", "SequenceKey", "TreeSpec", "arg_tree_leaves", "broadcast_prefix",
    "key_get", "keystr", "map_only", "register_dataclass", "register_pytree_node", "tree_all", "tree_all_only",
    "tree_any", "tree_any_only", "tree_flatten", "tree_flatten_with_path", "tree_is_leaf", "tree_iter", "tree_leaves",
    "tree_leaves_with_path", "tree_map", "tree_map_", "tree_map_only", "tree_map_only_", "tree_map_with_path",
    "tree_structure", "tree_unflatten", "treespec_leaf",
]  # fmt: skip
