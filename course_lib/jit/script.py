"""`jit.script`: a function or module as a program that keeps its `if`s and loops.

The source of the function is read, every name in it is resolved (`F.relu` becomes `torch.nn.functional.relu`, a global
number becomes a constant, a helper function becomes part of the program), annotations and docstrings are dropped. What
remains is a closed text in the subset of Python that `subset.py` checks; it is what runs, and what `save` writes.
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
from ..nn.modules.module import Module
from ..tensor import Tensor
from . import marks
from .encoding import ArchiveError, encode
from .library import OF_MODULE, is_library_module, scripted_layer
from .modules import RecursiveScriptModule, ScriptFunction, ScriptModule
from .subset import BUILTINS, UnsupportedNodeError, check, compiled, dotted_name, global_named, may_be_declared, refuse


class ScriptedMethod:
    """A function of a program: its closed source, and the Python function compiled from it at the first call."""

    def __init__(self, source: str, functions: dict, module: Module | None = None, declared=()):
        self.source, self.functions, self.module = source, functions, module
        (self.tree,) = _parsed(source).body
        self.dotted = check(self.tree, functions, declared)
        self._run = None

    def __call__(self, *args, **kwargs):
        if self._run is None:
            self._run = compiled(self.tree, self.dotted, self.functions, f"<scripted {self.tree.name}>")
        return self._run(*args, **kwargs) if self.module is None else self._run(self.module, *args, **kwargs)

    @property
    def code(self) -> str:
        return self.source

    @property
    def graph(self) -> str:
        """The checked syntax tree, as text."""
        return ast.dump(self.tree, indent=2)

    def __deepcopy__(self, memo):
        from copy import deepcopy

        copy = object.__new__(ScriptedMethod)
        memo[id(self)] = copy
        copy.__dict__ = self.__dict__ | {"module": deepcopy(self.module, memo)}
        return copy


def script(obj, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    """script(obj) -> ScriptFunction or ScriptModule

    A function or module as a program of its own, with `if`, `while` and `for` over tensor values kept, which `save`
    writes into a file that runs without the source. It may use torch functions and methods, `math`, submodules,
    other functions and methods (they are scripted, too), lists, tuples, dictionaries and numbers.
    UnsupportedNodeError names line and construct where it uses anything else. Also a decorator.

    >>> import course_lib as torch
    >>> @torch.jit.script
    ... def collatz(n: torch.Tensor):
    ...     steps = 0
    ...     while n > 1:
    ...         if n % 2 == 0:
    ...             n = n // 2
    ...         else:
    ...             n = 3 * n + 1
    ...         steps += 1
    ...     return steps
    >>> collatz(torch.tensor(6))
    8

    Source: https://docs.pytorch.org/docs/stable/generated/torch.jit.script.html
    """
    if isinstance(obj, (ScriptModule, ScriptFunction)):
        return obj
    if isinstance(obj, Module):
        return _script_module(obj, {})
    if isinstance(obj, types.FunctionType):
        functions: dict = {}
        name = _script_function(obj, functions)
        return ScriptFunction(name, functions[name])
    if isinstance(obj, type):
        return obj  # annotations with it are dropped
    raise TypeError(f"{obj!r} is a {type(obj).__name__}: only functions and modules can be scripted")


# ---- functions -----------------------------------------------------------------------------------------------------


def _script_function(function, functions: dict) -> str:
    """Make `function`, and what it calls, a part of the program; returns its name there."""
    for name, known in functions.items():
        if getattr(known, "original", None) is function:
            return name
    name = function.__name__
    while name in functions or name in BUILTINS:
        name += "_"
    functions[name] = placeholder = types.SimpleNamespace(original=function)  # it may call itself
    source = _closed(function, functions, None)
    tree = _parsed(source).body[0]
    tree.name = name
    functions[name] = method = ScriptedMethod(ast.unparse(tree), functions)
    method.original = placeholder.original
    return name


def _closed(function, functions: dict, module: _Parts | None) -> str:
    """The source of a function with every name resolved."""
    try:
        lines, first = inspect.getsourcelines(function)
    except OSError as error:
        raise OSError(
            f"Can't get source for {function}. TorchScript requires source access in order to carry out compilation, "
            "make sure original .py files are available."
        ) from error
    tree = _parsed(textwrap.dedent("".join(lines))).body[0]
    if not isinstance(tree, ast.FunctionDef):
        raise UnsupportedNodeError(f"{function} is no plain function with a `def` of its own: it cannot be scripted")
    ast.increment_lineno(tree, first - 1)
    tree.decorator_list, tree.returns = [], None
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:] or [ast.Pass()]
    try:  # now, where the line numbers are the user's
        tree = ast.fix_missing_locations(_Closer(function, functions, module).close(tree))
        check(tree, functions, () if module is None else module.declared)
    except UnsupportedNodeError as error:
        if error.function is None:
            error.function = function
            file = os.path.basename(inspect.getfile(function))
            error.args = (f"{error.args[0]}\n  in {function.__qualname__} of {file}",)
        raise
    return ast.unparse(tree)


class _Closer(ast.NodeTransformer):
    """Resolves the names that come from outside a function."""

    def __init__(self, function, functions: dict, parts: _Parts | None):
        closure = inspect.getclosurevars(function)
        self.outside = {**vars(builtins), **function.__globals__, **closure.nonlocals}
        self.functions, self.parts = functions, parts
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
        return self.generic_visit(node)

    def _outer(self, node):
        """The object that a dotted name from outside stands for, or `_Unknown`."""
        name = dotted_name(node)
        if name is None or name.partition(".")[0] in self.local:
            return _Unknown
        first, *rest = name.split(".")
        found = self.outside.get(first, _Unknown)
        for attribute in rest:
            if not isinstance(found, types.ModuleType) and not (isinstance(found, type) and attribute.isupper()):
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
        if name is None and isinstance(found, ScriptFunction):
            found = getattr(found._method, "original", None)
        if name is None and isinstance(found, types.FunctionType):
            if getattr(found, "_torchscript_modifier", None) in ("ignore", "unused"):
                refuse(node, f"the call of '{ast.unparse(node)}', a function marked with @torch.jit.ignore,")
            name = _script_function(found, self.functions)
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
    for dotted in (f"torch.{name}", f"torch.jit.{name}", f"math.{name}"):
        try:
            if global_named(dotted) is found:
                return dotted
        except LookupError:
            continue
    return f"math.{name}" if getattr(math, name, None) is found else None


def _parsed(source: str) -> ast.Module:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ArchiveError(f"the program's source is no Python: {error}") from error
    if len(tree.body) != 1 or not isinstance(tree.body[0], (ast.FunctionDef, ast.Expr, ast.Assign, ast.Return)):
        raise ArchiveError("the program's source is not one function")
    return tree


def _as_list(found) -> list:
    return found if isinstance(found, list) else [found]


# ---- modules -------------------------------------------------------------------------------------------------------


class _Parts:
    """What a module's methods may use of it; methods that they call are scripted on the way."""

    def __init__(self, module: Module, made: RecursiveScriptModule, functions: dict):
        self.module, self.made, self.functions = module, made, functions
        names = (*module._parameters, *module._buffers, *module._modules, *made._attributes, *_methods_of(module))
        self.declared = {*names, *_names_below(module)}

    def use(self, name: str) -> None:
        method = getattr(type(self.module), name, None)
        if (
            isinstance(method, types.FunctionType)
            and name in _methods_of(self.module)
            and name not in self.made._methods
        ):
            self.script(name, method)

    def script(self, name: str, method) -> None:
        modifier = getattr(method, "_torchscript_modifier", None)
        if modifier == "ignore":
            self.made._methods[name] = types.MethodType(method, self.module)
            return
        self.made._methods[name] = None  # it may call itself
        if modifier == "unused":
            source = (
                f"def {name}(self, *args, **kwargs):\n    raise RuntimeError('{name} is marked with @torch.jit.unused')"
            )
        else:
            source = _closed(method, self.functions, self)
        self.made._methods[name] = ScriptedMethod(source, self.functions, self.made, self.declared)


def _script_module(module: Module, memo: dict) -> ScriptModule:
    """The module and everything below it as ScriptModules that share its weights."""
    if id(module) in memo or isinstance(module, ScriptModule):
        return memo.get(id(module), module)
    if is_library_module(module):
        made = memo[id(module)] = scripted_layer(module)
        for name, child in module._modules.items():
            made._modules[name] = None if child is None else _script_module(child, memo)
        return made
    made = memo[id(module)] = RecursiveScriptModule(type(module).__name__)
    made._parameters.update(module._parameters)
    made._buffers.update(module._buffers)
    made._non_persistent_buffers_set.update(module._non_persistent_buffers_set)
    made.training = module.training
    for name, child in module._modules.items():
        made._modules[name] = None if child is None else _script_module(child, memo)
    for name, value in vars(module).items():
        if name not in OF_MODULE and name not in {**module._parameters, **module._buffers, **module._modules}:
            _copy_attribute(made, name, value)
    parts = _Parts(module, made, {})
    for name, method in _methods_of(module).items():
        if (
            name == "forward"
            and method is not Module.forward
            or getattr(method, "_torchscript_modifier", None) == "export"
        ):
            parts.use(name)
    return made


def _copy_attribute(made: RecursiveScriptModule, name: str, value) -> None:
    """Keep a plain attribute; what a program cannot hold is left out, and refused where a method uses it."""
    try:
        encode(value)
    except TypeError:
        return
    if may_be_declared(name):
        object.__setattr__(made, name, value)
        made._attributes.append(name)


def _methods_of(module: Module) -> dict:
    """The methods that the user wrote: those of the classes between Module and the module's own."""
    found = {}
    for cls in reversed(type(module).__mro__):
        if cls not in Module.__mro__:
            found |= {
                name: f for name, f in vars(cls).items() if isinstance(f, types.FunctionType) and name[:2] != "__"
            }
    return found


def _names_below(module: Module) -> set[str]:
    """The names of everything inside a module's children, as in `self.head.weight`."""
    names = set()
    for child in module.modules():
        own = [name for name in vars(child) if name not in OF_MODULE]
        names |= {*child._parameters, *child._buffers, *child._modules, *own}
        if not is_library_module(child):
            names |= set(_methods_of(child))
    return {name for name in names if may_be_declared(name)}


# ---- files ---------------------------------------------------------------------------------------------------------


def functions_of(program) -> dict:
    """The functions that a program's methods call, by name."""
    modules = program.modules() if isinstance(program, ScriptModule) else ()
    methods = [m for module in modules for m in getattr(module, "_methods", {}).values()]
    if isinstance(program, ScriptFunction):
        methods = [program._method]
    found: dict = {}
    for method in methods:
        for name, function in getattr(method, "functions", {}).items():
            if found.setdefault(name, function).source != function.source:
                raise RuntimeError(f"two scripted functions of the program are called '{name}': give one another name")
    return found


def load_functions(sources: dict) -> dict:
    """The functions of an archive, checked."""
    functions = dict.fromkeys(sources)
    for name, source in sources.items():
        if not isinstance(source, str) or not name.isidentifier() or name in BUILTINS or name in ("torch", "math"):
            raise ArchiveError(f"the archive has a function with the name {name!r}")
        functions[name] = load_method(source, functions, None, ())
        if functions[name].tree.name != name:
            raise ArchiveError(f"the archive's function '{name}' is called '{functions[name].tree.name}'")
    return functions


def load_method(source: str, functions: dict, module: Module | None, declared) -> ScriptedMethod:
    """A method of an archive, checked: `declared` are the names of the archive's modules and their parts."""
    try:
        return ScriptedMethod(source, functions, module, declared)
    except (UnsupportedNodeError, RecursionError) as error:
        raise ArchiveError(f"the archive's program is not in the subset that may run: {error}") from error


__all__ = ["ScriptedMethod", "Tensor", "script"]
