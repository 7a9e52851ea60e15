"""A kernel's Python source: its syntax tree, where its lines stand, and the names it sees.

What no kernel can contain (classes, exceptions, comprehensions, …) is refused here, when the kernel is declared.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import textwrap

from .errors import KernelError, UnsupportedSyntax

_REFUSED = {
    ast.Try: "exceptions", ast.Raise: "exceptions", ast.With: "`with`", ast.ListComp: "list comprehensions",
    ast.List: "lists (use cuda.local.array)", ast.Dict: "dictionaries", ast.Set: "sets", ast.DictComp: "comprehensions",
    ast.SetComp: "comprehensions", ast.GeneratorExp: "generators", ast.Yield: "generators", ast.YieldFrom: "generators",
    ast.Lambda: "lambda", ast.FunctionDef: "functions inside functions", ast.ClassDef: "classes",
    ast.Import: "imports", ast.ImportFrom: "imports", ast.Global: "`global`", ast.Nonlocal: "`nonlocal`",
    ast.Delete: "`del`", ast.JoinedStr: "f-strings", ast.Await: "`await`", ast.AsyncFunctionDef: "async functions",
    ast.NamedExpr: "`:=`", ast.Match: "`match`",
}  # fmt: skip


class Source:
    """The source of one function: `body` (statements), `first_line` (to be added to a node's line number)."""

    def __init__(self, function, device: bool):
        self.function, self.name = function, function.__name__
        try:
            lines, start = inspect.getsourcelines(function)
        except (OSError, TypeError):
            raise KernelError(
                f"the source of `{self.name}` cannot be found. Write the kernel into a file or a notebook cell: the "
                "simulator reads it"
            ) from None
        self.file, self.first_line = inspect.getsourcefile(function) or "<kernel>", start - 1
        tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
        if not isinstance(tree, ast.FunctionDef):
            raise KernelError(f"`{self.name}` is not declared with `def`")
        self.body, arguments = tree.body, tree.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
            raise self.refuse(tree, "`*args`, `**kwargs` and named-only parameters cannot be used in a kernel")
        self.parameters = [argument.arg for argument in arguments.args]
        self.signature = inspect.signature(function)
        self.locals = {*self.parameters, *assigned(self.body)}
        for node in (part for statement in self.body for part in ast.walk(statement)):
            if type(node) in _REFUSED:
                raise self.refuse(node, f"{_REFUSED[type(node)]} cannot be used in a kernel")
            if not device and isinstance(node, ast.Return) and not _returns_nothing(node):
                raise self.refuse(node, "a kernel cannot return a value: write the result into an array")

    @property
    def scope(self) -> dict:
        """The names from outside: what the function closes over, and its module's."""
        closed = inspect.getclosurevars(self.function).nonlocals
        return {**vars(builtins), **self.function.__globals__, **closed}

    def line(self, number: int | None) -> str:
        return linecache.getline(self.file, number) if number else ""

    def refuse(self, node, message: str) -> UnsupportedSyntax:
        number = getattr(node, "lineno", 0) + self.first_line
        return UnsupportedSyntax(message, number, self.line(number))

    def bind(self, run, args, named) -> dict:
        """The parameters' values, by name."""
        try:
            bound = self.signature.bind(*args, **named)
        except TypeError as error:
            message = f"{self.name}(): {error}"
            raise (KernelError(message) if run is None else run.error(KernelError, message)) from None
        bound.apply_defaults()
        return dict(bound.arguments)


def _returns_nothing(node: ast.Return) -> bool:
    return node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)


def assigned(body) -> set[str]:
    """The names that the statements assign to."""
    return {node.id for statement in body for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}  # fmt: skip
