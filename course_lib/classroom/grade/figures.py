"""Statements that only draw: grading leaves them out, because drawing is more than half of a chapter's time."""

import ast

from nbformat import NotebookNode

CHANGING_METHODS = {"append", "extend", "insert", "pop", "remove", "sort", "update", "clear", "backward"}


def leave_out_figures(notebook: NotebookNode) -> None:
    """Take the statements that only draw out of the notebook's cells, except answers and checks."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and "nbgrader" not in cell.metadata:
            cell.source = without_figures(cell.source)


def without_figures(source: str) -> str:
    """A cell's source without its calls of `viz.…` that leave no trace in any name or tensor.

    >>> without_figures("y = x.T\\nviz.memory_map(\\n    y, base=x\\n)\\nprint(y)")
    'y = x.T\\nprint(y)'
    >>> without_figures("viz.axes(x.add_(1))")
    'viz.axes(x.add_(1))'
    """
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    lines = source.split("\n")
    for statement in reversed(statements):
        if _only_draws(statement) and _has_its_lines(statement, statements):
            del lines[statement.lineno - 1 : statement.end_lineno]
    return "\n".join(lines)


def _has_its_lines(statement: ast.stmt, statements: list[ast.stmt]) -> bool:
    """Whether no other statement stands on the same lines, as in `y = x.T; viz.axes(y)`."""
    return not any(
        other.lineno <= statement.end_lineno and statement.lineno <= other.end_lineno
        for other in statements
        if other is not statement
    )


def _only_draws(statement: ast.stmt) -> bool:
    """Whether a statement is nothing but a call of viz.name(…), with arguments that change nothing."""
    return (
        isinstance(statement, ast.Expr)
        and _is_viz_call(statement.value)
        and not any(_changes(part) for part in ast.walk(statement))
    )


def _is_viz_call(node: ast.AST) -> bool:
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "viz"


def _changes(part: ast.AST) -> bool:
    """Whether a part of an expression may change something: `:=`, `await`, `x.add_(1)`, `items.pop()`, `f(x)`."""
    if not isinstance(part, ast.Call):
        return isinstance(part, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom)
    method = part.func.attr if isinstance(part.func, ast.Attribute) else ""
    return not method or method.endswith("_") or method in CHANGING_METHODS
