"""From the source of a function to a closed text: every name in it is a variable, or one that a program may use.

`F.relu` becomes `torch.nn.functional.relu`, a global number becomes a constant, a helper function becomes a part of the
program; annotations and docstrings are dropped, and `if torch.jit.is_scripting()` is decided.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import math
import os
import textwrap
import types

from .. import call_watch, dtypes
from ..layouts import memory_format
from . import marks
from .encoding import ArchiveError
from .modules import ScriptFunction
from .subset import BUILTINS, OTHER_NAMES, UnsupportedNodeError, check, dotted_name, refuse


def closed_source(function, program, parts=None) -> str:
    """The source of a function with every name resolved.

    program: the functions of the program by name, with `add(function)`, which gives a helper's name in it. parts: for a
    method, the `Parts` of its module.
    """
    try:
        lines, first = inspect.getsourcelines(function)
    except OSError as error:
        raise OSError(
            f"Can't get source for {function}. TorchScript requires source access in order to carry out compilation, "
            "make sure original .py files are available."
        ) from error
    tree = parsed(textwrap.dedent("".join(lines))).body[0]
    if not isinstance(tree, ast.FunctionDef):
        raise UnsupportedNodeError(f"{function} is no plain function with a `def` of its own: it cannot be scripted")
    ast.increment_lineno(tree, first - 1)
    tree.decorator_list, tree.returns = [], None
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:] or [ast.Pass()]
    try:  # now, where the line numbers are the user's
        tree = ast.fix_missing_locations(_Closer(function, program, parts).close(tree))
        check(tree, program, () if parts is None else parts.declared)
    except UnsupportedNodeError as error:
        if error.function is None:
            error.function = function
            file = os.path.basename(inspect.getfile(function))
            error.args = (f"{error.args[0]}\n  in {function.__qualname__} of {file}",)
        raise
    return ast.unparse(tree)


class _Closer(ast.NodeTransformer):
    """Resolves the names that come from outside a function."""

    def __init__(self, function, program, parts):
        closure = inspect.getclosurevars(function)
        self.outside = {**vars(builtins), **function.__globals__, **closure.nonlocals}
        self.program, self.parts = program, parts
        self.local: set[str] = set()

    def close(self, tree: ast.FunctionDef):
        if self.parts is not None and tree.args.args:
            _rename(tree, tree.args.args[0].arg, "self")
        stored = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        stored += [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]  # for `check` to refuse
        self.local = {*stored, *[n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)]}
        return self.generic_visit(tree)

    def visit_arg(self, node: ast.arg):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign):
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        made = ast.Assign([self.visit(node.target)], self.visit(node.value))
        return ast.copy_location(made, node)

    def visit_If(self, node: ast.If):
        """`if torch.jit.is_scripting():` is decided here, so that its other branch may hold anything."""
        test, taken = node.test, True
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, taken = test.operand, False
        if isinstance(test, ast.Call) and self._outer(test.func) is marks.is_scripting:
            branch = node.body if taken else node.orelse
            return [part for old in branch for part in _as_list(self.visit(old))] or ast.Pass()
        return self.generic_visit(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp):
        """As a list: a generator would give access to its frame."""
        return self.generic_visit(ast.copy_location(ast.ListComp(node.elt, node.generators), node))

    def visit_Call(self, node: ast.Call):
        if self._outer(node.func) is marks.annotate and len(node.args) == 2:
            return self.visit(node.args[1])
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name):
        if not isinstance(node.ctx, ast.Load) or node.id in self.local:
            return node
        return self._resolved(node, self._outer(node))

    def visit_Attribute(self, node: ast.Attribute):
        name = dotted_name(node)
        if name is not None and name.partition(".")[0] not in self.local:
            return self._resolved(node, self._outer(node))
        if self.parts is not None and name is not None and name.startswith("self.") and name.count(".") == 1:
            self.parts.use(node.attr)
            if node.attr in self.parts.properties:  # in the program a method
                return ast.copy_location(ast.Call(node, [], []), node)
        return self.generic_visit(node)

    def _outer(self, node):
        """The object that a dotted name from outside stands for, or `_Unknown`."""
        name = dotted_name(node)
        if name is None or name.partition(".")[0] in self.local:
            return _Unknown
        first, *rest = name.split(".")
        found = self.outside.get(first, _Unknown)
        for attribute in rest:
            if not isinstance(found, (types.ModuleType, type)):
                return _Unknown
            found = getattr(found, attribute, _Unknown)
        return found

    def _resolved(self, node, found):
        """The expression that names `found` inside the program."""
        if found is None or isinstance(found, (bool, int, float, str)):
            return ast.copy_location(ast.Constant(found), node)
        if isinstance(found, (tuple, list)):
            literal = ast.Tuple if isinstance(found, tuple) else ast.List
            return ast.copy_location(literal([self._resolved(node, part) for part in found], ast.Load()), node)
        name = _global_name(found)
        if name is None and isinstance(found, (types.FunctionType, ScriptFunction)):
            if getattr(found, "_torchscript_modifier", None) in ("ignore", "unused"):
                refuse(node, f"the call of '{ast.unparse(node)}', a function marked with @torch.jit.ignore,")
            name = self.program.add(found)
        if name is None:
            refuse(node, f"the name '{ast.unparse(node)}'")
        return ast.copy_location(ast.parse(name, mode="eval").body, node)


def _rename(tree: ast.FunctionDef, old: str, new: str) -> None:
    """Give the first parameter of a method its usual name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == old:
            node.id = new
        elif isinstance(node, ast.arg) and node.arg == old:
            node.arg = new


class _Unknown:
    """No object: the name cannot be resolved."""


def _global_name(found) -> str | None:
    """The dotted name that `global_named` gives this object for."""
    if isinstance(found, (dtypes.dtype, memory_format)):
        return str(found)
    name = getattr(found, "__name__", None)
    if found is marks.is_scripting:
        return "torch.jit.is_scripting"
    if name is None:
        return None
    if BUILTINS.get(name) is found:
        return name
    target = call_watch.target_of_function(found) if callable(found) and not isinstance(found, type) else None
    if target is not None:
        return target if target.startswith("torch.") else f"torch.{target}"
    if getattr(math, name, None) is found:
        return f"math.{name}"
    return next((dotted for dotted, made in OTHER_NAMES.items() if made is found), None)


def parsed(source: str) -> ast.Module:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ArchiveError(f"the program's source is no Python: {error}") from error
    if len(tree.body) != 1 or not isinstance(tree.body[0], (ast.FunctionDef, ast.Expr, ast.Assign, ast.Return)):
        raise ArchiveError("the program's source is not one function")
    return tree


def _as_list(found) -> list:
    return found if isinstance(found, list) else [found]
