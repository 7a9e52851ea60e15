"""The part of Python that a scripted function may consist of, and the check that it does.

A program in this subset is *closed*: apart from its own variables it names only operations of the library
(`torch.relu`), functions of `math`, a few builtins, functions of the same program, and public attributes of tensors,
lists and its own modules. `check` is the border that a program from a file has to pass before it is compiled; nothing
that passes can reach a file, another module or the interpreter.
"""

from __future__ import annotations

import ast
import math

from .. import call_watch, dtypes, layouts
from ..autograd.grad_mode import enable_grad, no_grad
from ..device import device
from ..nn.modules.module import Module
from ..nn.modules.transformer import Transformer
from ..nn.utils import rnn
from ..size import Size
from ..tensor import Tensor
from .tracer import is_tracing


class UnsupportedNodeError(RuntimeError):
    """A scripted function uses something that is not in the subset."""

    function = None  # the function that does


BUILTINS = {f.__name__: f for f in (abs, all, any, bool, dict, divmod, enumerate, float, int, isinstance, len, list,
                                    max, min, pow, print, range, reversed, round, sorted, str, sum, tuple, zip,
                                    Exception, AssertionError, IndexError, KeyError, NotImplementedError,
                                    RuntimeError, TypeError, ValueError)}  # fmt: skip
_ALLOWED = (ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AugAssign, ast.For, ast.While, ast.If,
            ast.With, ast.withitem, ast.Assert, ast.Raise, ast.Expr, ast.Pass, ast.Break, ast.Continue, ast.BoolOp,
            ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Compare, ast.Call, ast.keyword, ast.Constant, ast.JoinedStr,
            ast.FormattedValue, ast.Attribute, ast.Subscript, ast.Slice, ast.Starred, ast.Name, ast.Tuple, ast.List,
            ast.Dict, ast.ListComp, ast.DictComp, ast.comprehension, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
            ast.expr_context)  # fmt: skip
_WORDS = {"Lambda": "lambda functions", "Try": "try blocks", "Yield": "yield", "Await": "await", "Import": "imports",
          "ImportFrom": "imports", "ClassDef": "classes in functions", "Global": "global variables", "Set": "sets",
          "Nonlocal": "nonlocal variables", "Delete": "del statements", "GeneratorExp": "generator expressions",
          "SetComp": "set comprehensions", "NamedExpr": "assignments with :=",
          "AsyncFunctionDef": "async functions", "Match": "match statements"}  # fmt: skip
_CONTAINER_METHODS = {"append", "clear", "copy", "count", "extend", "get", "index", "insert", "items", "keys", "pop",
                      "remove", "reverse", "setdefault", "sort", "update", "values", "numel"}  # fmt: skip
_OF_RESULTS = {"L", "P", "Q", "R", "S", "U", "Vh", "batch_sizes", "eigenvalues", "eigenvectors", "indices", "logabsdet",
               "sign", "sorted_indices", "unsorted_indices"}  # fmt: skip
_HIDDEN = (call_watch.NO_OPERATION - {"nelement", "numel", "size"}) | {"ctypes", "dump", "format", "format_map",
                                                                       "grad_fn", "tofile"}  # fmt: skip
_TENSOR_ATTRIBUTES = {name for name in vars(Tensor) if not name.startswith("_")} - _HIDDEN
ATTRIBUTES = _TENSOR_ATTRIBUTES | _CONTAINER_METHODS | _OF_RESULTS | {"training"}
OTHER_NAMES = {
    "torch.Tensor": Tensor, "torch.Size": Size, "torch.device": device, "torch.no_grad": no_grad,
    "torch.enable_grad": enable_grad, "torch.jit.is_scripting": lambda: True, "torch.jit.is_tracing": is_tracing,
    "torch.nn.Transformer.generate_square_subsequent_mask": Transformer.generate_square_subsequent_mask,
    **{f"torch.nn.utils.rnn.{name}": getattr(rnn, name) for name in ("pack_padded_sequence", "pack_sequence",
                                                                      "pad_packed_sequence", "pad_sequence")},
    "torch.inf": math.inf, "torch.nan": math.nan, "torch.pi": math.pi,
    **{f"torch.{name}": getattr(dtypes, name) for name in dtypes.NAMES},
    **{f"torch.{name}": getattr(layouts, name) for name in ("channels_last", "contiguous_format", "preserve_format")},
}  # fmt: skip


def global_named(dotted: str):
    """What a dotted name of a scripted program stands for; LookupError if it may not be named."""
    if dotted in OTHER_NAMES:
        return OTHER_NAMES[dotted]
    root, _, name = dotted.partition(".")
    if root == "math" and not name.startswith("_") and hasattr(math, name):
        return getattr(math, name)
    if root != "torch" or name.startswith("Tensor."):
        raise LookupError(dotted)
    return call_watch.resolve(name if "." in name else dotted)


def may_be_declared(name: str) -> bool:
    """Whether a module of a program may have a part or method of this name: it must not open what is closed."""
    if not name.isidentifier() or name.startswith("__") or name in _HIDDEN:
        return False
    if name == "forward" or name in _TENSOR_ATTRIBUTES:
        return True
    from .library import OF_MODULE
    from .modules import ScriptModule, TracedMethod
    from .script import ScriptedMethod

    closed = Module, Tensor, ScriptModule, TracedMethod, ScriptedMethod  # what a program meets
    return name not in OF_MODULE and not any(hasattr(cls, name) for cls in closed)


def check(tree: ast.FunctionDef, functions, declared) -> list[str]:
    """Refuse a function that is not closed; returns the dotted names that it uses.

    functions: the other functions of the program by name. declared: the names of parts and methods of its modules.
    """
    local = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    arguments = tree.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    local |= {argument.arg for argument in every if argument is not None}
    if tree.decorator_list or tree.returns or getattr(tree, "type_params", None):
        refuse(tree, "decorators and annotations")
    if any(argument.annotation for argument in every if argument is not None):
        refuse(tree, "annotations of parameters")
    for name in local:
        if name in ("torch", "math") or name.startswith("__"):
            refuse(tree, f"a variable called '{name}'")
    checker = _Checker(local, functions, declared)
    for part in (*tree.body, *arguments.defaults, *arguments.kw_defaults):
        if part is not None:
            checker.visit(part)
    return checker.dotted


class _Checker(ast.NodeVisitor):
    def __init__(self, local: set[str], functions, declared):
        self.local, self.functions, self.declared = local, functions, declared
        self.dotted: list[str] = []

    def visit(self, node: ast.AST):
        if not isinstance(node, _ALLOWED) or isinstance(node, ast.FunctionDef):
            kind = type(node).__name__
            refuse(node, "functions inside functions" if kind == "FunctionDef" else _WORDS.get(kind, f"'{kind}'"))
        return super().visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        known = node.id in self.local or node.id in BUILTINS or node.id in self.functions
        if not known:
            refuse(node, f"the name '{node.id}', which is neither a variable nor a function of the program,")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = dotted_name(node)
        if dotted is not None and dotted.partition(".")[0] not in self.local:
            try:
                global_named(dotted)
            except LookupError:
                refuse(node, f"the name '{dotted}'")
            self.dotted.append(dotted)
            return
        if isinstance(node.ctx, ast.Store):
            on_self = isinstance(node.value, ast.Name) and node.value.id == "self"
            if not on_self or node.attr not in self.declared or node.attr == "forward":
                refuse(node, f"an assignment to the attribute '{node.attr}'")
        elif node.attr not in ATTRIBUTES and node.attr not in self.declared:
            refuse(node, f"the attribute '{node.attr}'")
        self.visit(node.value)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            call = item.context_expr
            name = dotted_name(call.func) if isinstance(call, ast.Call) else None
            if name not in ("torch.no_grad", "torch.enable_grad") or item.optional_vars is not None:
                refuse(node, "with statements other than `with torch.no_grad():`")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if not (
            node.value is None or node.value is Ellipsis or isinstance(node.value, (bool, int, float, complex, str))
        ):
            refuse(node, f"a constant of type {type(node.value).__name__}")


def dotted_name(node: ast.AST) -> str | None:
    """`a.b.c` as text, if that is what the expression is."""
    if isinstance(node, ast.Name):
        return node.id
    before = dotted_name(node.value) if isinstance(node, ast.Attribute) else None
    return None if before is None else f"{before}.{node.attr}"


def refuse(node: ast.AST, what: str):
    line = getattr(node, "lineno", None)
    shown = ast.unparse(node).splitlines()[0] if isinstance(node, (ast.stmt, ast.expr)) else ""
    where = f" (line {line}: {shown})" if line is not None else ""
    verb = "isn't" if what.startswith(("a ", "an ", "the ")) else "aren't"
    raise UnsupportedNodeError(f"{what} {verb} supported in a scripted function{where}")


class _DottedToNames(ast.NodeTransformer):
    """`torch.nn.functional.relu` as one global name with dots in it, so that nothing is looked up on modules."""

    def __init__(self, dotted):
        self.dotted = set(dotted)

    def visit_Attribute(self, node: ast.Attribute):
        name = dotted_name(node)
        if name in self.dotted:
            return ast.copy_location(ast.Name(name, node.ctx), node)
        return self.generic_visit(node)


def compiled(tree: ast.FunctionDef, dotted, functions: dict, filename: str):
    """The Python function of a checked tree; it sees its own names and nothing else."""
    tree = _DottedToNames(dotted).visit(tree)
    module = ast.fix_missing_locations(ast.Module([tree], []))
    names = {"__builtins__": {}, **BUILTINS, **{name: global_named(name) for name in dotted}, **functions}
    exec(compile(module, filename, "exec"), names)  # the tree has passed `check`
    return names[tree.name]


__all__ = ["ATTRIBUTES", "BUILTINS", "UnsupportedNodeError", "check", "compiled", "may_be_declared", "refuse"]
