"""Node: one step of a Graph, and the values that steps pass on."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable

OPCODES = ("placeholder", "get_attr", "call_function", "call_module", "call_method", "output", "root")
Argument = object
Target = object


def map_arg(a, fn: Callable):
    """`a` with `fn(node)` in place of every Node in it."""
    return map_aggregate(a, lambda value: fn(value) if isinstance(value, Node) else value)


def map_aggregate(a, fn: Callable):
    """`a` with `fn` applied to everything in its tuples, lists, dictionaries and slices."""
    if isinstance(a, tuple):
        parts = [map_aggregate(part, fn) for part in a]
        return type(a)(*parts) if hasattr(a, "_fields") else tuple(parts)
    if isinstance(a, list):
        return [map_aggregate(part, fn) for part in a]
    if isinstance(a, dict):
        return {key: map_aggregate(part, fn) for key, part in a.items()}
    if isinstance(a, slice):
        return slice(*[map_aggregate(part, fn) for part in (a.start, a.stop, a.step)])
    return fn(a)


def qualified_name(function) -> str:
    """Where a function is found: `torch.relu`, `operator.add`, `builtins.getattr`."""
    found = getattr(function, "full_name", None)
    if found is not None:
        return found
    if getattr(builtins, function.__name__, None) is function:
        return f"builtins.{function.__name__}"
    if getattr(operator, function.__name__, None) is function:
        return f"operator.{function.__name__}"
    module = (getattr(function, "__module__", None) or "").replace("course_lib", "torch", 1)
    return f"{module}.{function.__name__}"


class Node:
    """A step: `op` says what kind, `target` what is called, `args` and `kwargs` with what.

    placeholder: an input; get_attr: a parameter; call_function, call_module, call_method: a call; output: the result.
    `users` holds the nodes that use it, `meta` whatever a transformation notes.

    Source: https://docs.pytorch.org/docs/stable/fx.html#torch.fx.Node
    """

    def __init__(self, graph, name: str, op: str, target, args: tuple, kwargs: dict, return_type=None):
        if op not in OPCODES:
            raise AssertionError(f"op must be one of {OPCODES}, got {op!r}")
        if op == "call_function" and not callable(target):
            raise ValueError(f"Node [graph = {graph}, name = '{name}'] target {target} has type {type(target)} but a "
                             "Callable is expected")  # fmt: skip
        if op not in ("call_function", "root") and not isinstance(target, str):
            raise ValueError(f"Node [graph = {graph}, name = '{name}'] target {target} has type {type(target)} but a "
                             "str is expected")  # fmt: skip
        self.graph, self.name, self.op, self.target, self.type = graph, name, op, target, return_type
        self.users: dict[Node, None] = {}
        self.meta: dict = {}
        self._prev = self._next = self
        self._erased = False
        self._input_nodes: dict[Node, None] = {}
        self._args, self._kwargs = (), {}
        self._take(tuple(args), dict(kwargs))

    # -- inputs -----------------------------------------------------------------------------------------------------

    def _take(self, args: tuple, kwargs: dict) -> None:
        """New arguments: the nodes in them are told that they are used."""
        for old in self._input_nodes:
            old.users.pop(self, None)
        self._input_nodes = {}
        self._args = map_arg(args, self._uses)
        self._kwargs = map_arg(kwargs, self._uses)

    def _uses(self, node: Node) -> Node:
        self._input_nodes[node] = None
        node.users[self] = None
        return node

    args = property(lambda self: self._args, lambda self, args: self._take(tuple(args), self._kwargs))
    kwargs = property(lambda self: self._kwargs, lambda self, kwargs: self._take(self._args, dict(kwargs)))

    @property
    def all_input_nodes(self) -> list[Node]:
        """The nodes in args and kwargs, each once."""
        return list(self._input_nodes)

    def update_arg(self, idx: int, arg) -> None:
        """Another positional argument."""
        args = list(self.args)
        args[idx] = arg
        self.args = tuple(args)

    def insert_arg(self, idx: int, arg) -> None:
        """One more positional argument, in front of number `idx`."""
        self.args = (*self.args[:idx], arg, *self.args[idx:])

    def update_kwarg(self, key: str, arg) -> None:
        """Another keyword argument."""
        self.kwargs = {**self.kwargs, key: arg}

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        """Use another node wherever `old_input` is used."""
        swap = lambda node: new_input if node is old_input else node
        self._take(map_arg(self.args, swap), map_arg(self.kwargs, swap))

    def replace_all_uses_with(self, replace_with, delete_user_cb=lambda user: True, *, propagate_meta=False) -> list:
        """Let all users of this node (those that `delete_user_cb` chooses) use another one; returns them."""
        if propagate_meta:
            replace_with.meta.update(self.meta)
        changed = [user for user in self.users if delete_user_cb(user)]
        for user in changed:
            user.replace_input_with(self, replace_with)
        return changed

    # -- place ------------------------------------------------------------------------------------------------------

    next = property(lambda self: self._next)
    prev = property(lambda self: self._prev)

    def _unlink(self) -> None:
        self._prev._next, self._next._prev = self._next, self._prev

    def prepend(self, x: Node) -> None:
        """Move node `x` in front of this one."""
        if x is self:
            return
        x._unlink()
        x._prev, x._next = self._prev, self
        self._prev._next = self._prev = x

    def append(self, x: Node) -> None:
        """Move node `x` behind this one."""
        self._next.prepend(x)

    def is_impure(self) -> bool:
        """Whether it does something besides computing its value, so that it stays even if nobody uses it."""
        return self.op in ("placeholder", "output") or (self.op == "call_method" and self.target.endswith("_"))

    # -- text -------------------------------------------------------------------------------------------------------

    def _pretty_print_target(self, target) -> str:
        return target if isinstance(target, str) else qualified_name(target)

    def format_node(self, placeholder_names=None, maybe_return_typename=None, *, include_tensor_metadata=False):
        """The node as a line of the printed graph."""
        kind = f" : {_type_name(self.type)}" if self.type is not None else ""
        head = f"%{self.name}{kind} : " if not kind else f"%{self.name}{kind} "
        head += f"[num_users={len(self.users)}] = {self.op}[target={self._pretty_print_target(self.target)}]"
        if self.op == "placeholder":
            return head + (f"(default={self.args[0]})" if self.args else "")
        if self.op == "get_attr":
            return head
        if self.op == "output":
            return f"return {self.args[0]}"
        return f"{head}(args = {_shown(self.args)}, kwargs = {_shown(self.kwargs)})"

    def __repr__(self) -> str:
        return self.name


def _type_name(kind) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _shown(value) -> str:
    """Arguments as they are printed: nodes with %, names without quotes."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(part)}" for key, part in value.items()) + "}"
    return f"%{value.name}" if isinstance(value, Node) else str(value)


__all__ = ["Node", "map_aggregate", "map_arg", "qualified_name"]
