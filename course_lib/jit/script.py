"""`jit.script`: a function or module as a program that keeps its `if`s and loops.

`closing.py` makes a closed text of a function's source; `subset.py` checks that it stays within the part of Python that
a program may consist of. This text is what runs, and what `save` writes. Helper functions and the methods that a method
calls become parts of the program on the way.
"""

from __future__ import annotations

import ast
import types
from copy import copy, deepcopy

from ..nn.modules.module import Module
from .closing import closed_source, parsed
from .encoding import ArchiveError, encode
from .library import OF_MODULE, is_library_module, is_program, scripted_layer
from .modules import RecursiveScriptModule, ScriptFunction, ScriptModule
from .subset import BUILTINS, UnsupportedNodeError, check, compiled, may_be_declared


class ScriptedMethod:
    """A function of a program: its closed source, and the Python function compiled from it at the first call."""

    __slots__ = ("_source", "_functions", "_module", "_tree", "_dotted", "_compiled", "_original")

    def __init__(self, source: str, functions: dict, module: Module | None = None, declared=(), original=None):
        self._source, self._functions, self._module, self._original = source, functions, module, original
        (self._tree,) = parsed(source).body
        self._dotted = check(self._tree, functions, declared)
        self._compiled = None

    def __call__(self, *args, **kwargs):
        if self._compiled is None:
            name = f"<scripted {self._tree.name}>"
            self._compiled = compiled(self._tree, self._dotted, self._functions, name)
        if self._module is not None:
            args = (self._module, *args)
        return self._compiled(*args, **kwargs)

    @property
    def code(self) -> str:
        """The closed source."""
        return self._source

    @property
    def graph(self) -> str:
        """The checked syntax tree, as text."""
        return ast.dump(self._tree, indent=2)

    def __deepcopy__(self, memo):
        made = memo[id(self)] = copy(self)
        made._module = deepcopy(self._module, memo)
        return made


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
    if isinstance(obj, ScriptFunction) or is_program(obj):
        return obj
    if isinstance(obj, Module):
        return _script_module(obj, {}, Functions())
    if isinstance(obj, types.FunctionType):
        functions = Functions()
        name = functions.add(obj)
        return ScriptFunction(name, functions[name])
    if isinstance(obj, type):
        return obj  # annotations with it are dropped
    raise TypeError(f"{obj!r} is a {type(obj).__name__}: only functions and modules can be scripted")


# ---- functions -----------------------------------------------------------------------------------------------------


class Functions(dict):
    """The functions of a program by name."""

    def add(self, function) -> str:
        """Make a function, and what it calls, a part of the program; returns its name there."""
        given = function._method if isinstance(function, ScriptFunction) else function
        for name, known in self.items():
            if known is given or getattr(known, "_original", None) is function:
                return name
        name = function.__name__
        while name in self or name in BUILTINS:
            name += "_"
        if isinstance(given, ScriptedMethod):
            self.update(given._functions)
        elif isinstance(function, ScriptFunction):
            raise UnsupportedNodeError(f"the traced function '{name}' isn't supported in a scripted function")
        else:
            self[name] = types.SimpleNamespace(_original=function)  # it may call itself
            tree = parsed(closed_source(function, self)).body[0]
            tree.name = name
            given = ScriptedMethod(ast.unparse(tree), self, original=function)
        self[name] = given
        return name


# ---- modules -------------------------------------------------------------------------------------------------------


_UNUSED = "def {0}(self, *args, **kwargs):\n    raise RuntimeError('{0} is marked with @torch.jit.unused')"


class Parts:
    """What a module's methods may use of it; methods that they call are scripted on the way."""

    def __init__(self, module: Module, made: RecursiveScriptModule, functions: Functions):
        self.module, self.made, self.functions = module, made, functions
        self.methods, self.properties = _methods_of(module), _properties_of(module)
        self.methods |= self.properties
        names = (*module._parameters, *module._buffers, *module._modules, *made._attributes, *self.methods)
        self.declared = {*names, *_names_below(module)}

    def use(self, name: str) -> None:
        """Called for each name behind `self.`: a method becomes a part of the program."""
        if name not in self.methods or name in self.made._methods:
            return
        method = self.methods[name]
        modifier = getattr(method, "_torchscript_modifier", None)
        if modifier == "ignore":
            self.made._methods[name] = types.MethodType(method, self.module)
            return
        self.made._methods[name] = None  # it may call itself
        source = _UNUSED.format(name) if modifier == "unused" else closed_source(method, self.functions, self)
        self.made._methods[name] = ScriptedMethod(source, self.functions, self.made, self.declared)


def _script_module(module: Module, memo: dict, functions: Functions) -> ScriptModule:
    """The module and everything below it as ScriptModules that share its weights."""
    if id(module) in memo or is_program(module):
        return memo.get(id(module), module)
    library = is_library_module(module)
    made = memo[id(module)] = scripted_layer(module) if library else _without_class(module)
    for name, child in module._modules.items():
        made._modules[name] = None if child is None else _script_module(child, memo, functions)
    if not library:
        parts = Parts(module, made, functions)
        for name, method in parts.methods.items():
            if name == "forward" or getattr(method, "_torchscript_modifier", None) == "export":
                parts.use(name)
    return made


def _without_class(module: Module) -> RecursiveScriptModule:
    """A module with the same weights, mode and plain attributes."""
    made = RecursiveScriptModule(type(module).__name__)
    made._parameters.update(module._parameters)
    made._buffers.update(module._buffers)
    made._non_persistent_buffers_set.update(module._non_persistent_buffers_set)
    made.training = module.training
    for name, value in vars(module).items():
        if name not in OF_MODULE and name not in {**module._parameters, **module._buffers, **module._modules}:
            _copy_attribute(made, name, value)
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
        if cls not in ScriptModule.__mro__:
            functions = {name: f for name, f in vars(cls).items() if isinstance(f, types.FunctionType)}
            found |= {name: f for name, f in functions.items() if not name.startswith("__")}
    return found


def _properties_of(module: Module) -> dict:
    """The properties that the user wrote, as functions: a program reads them by calling a method."""
    found = {}
    for cls in reversed(type(module).__mro__):
        if cls not in ScriptModule.__mro__:
            found |= {name: made.fget for name, made in vars(cls).items() if isinstance(made, property)}
    return found


def _names_below(module: Module) -> set[str]:
    """The names of everything inside a module's children, as in `self.head.weight`."""
    names = set()
    for child in list(module.modules())[1:]:
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
        for name, function in getattr(method, "_functions", {}).items():
            if found.setdefault(name, function).code != function.code:
                raise RuntimeError(f"two scripted functions of the program are called '{name}': give one another name")
    return found


def load_functions(sources: dict) -> dict:
    """The functions of an archive, checked."""
    functions = dict.fromkeys(sources)
    for name, source in sources.items():
        if not isinstance(source, str) or not name.isidentifier() or name in BUILTINS or name in ("torch", "math"):
            raise ArchiveError(f"the archive has a function with the name {name!r}")
        functions[name] = load_method(source, functions, None, ())
        if functions[name]._tree.name != name:
            raise ArchiveError(f"the archive's function '{name}' is called '{functions[name]._tree.name}'")
    return functions


def load_method(source: str, functions: dict, module: Module | None, declared) -> ScriptedMethod:
    """A method of an archive, checked: `declared` are the names of the archive's modules and their parts."""
    try:
        return ScriptedMethod(source, functions, module, declared)
    except (UnsupportedNodeError, RecursionError) as error:
        raise ArchiveError(f"the archive's program is not in the subset that may run: {error}") from error


__all__ = ["ScriptedMethod", "functions_of", "load_functions", "load_method", "script"]
