"""The words of a check: how values, calls and outcomes read in a notebook.

`show` prints one trusted value, `call_line` the call that a check made, and `layout` puts a headline and labelled rows
together into the text of a failing check. Values of classes that we do not know are named, never printed.
"""

import re
import textwrap

from course_lib.classroom.compare import number
from course_lib.classroom.plain import Plain, read

_LABEL = 14
_WIDTH = 100
_MOST_VALUES = 80
_LONGEST_INLINE = 100
_LONGEST = 1200


def show(value, inline: bool = False) -> str:
    """A value as text: small ones in full, large ones by their shape; on one line if `inline`."""
    text = _show(value if isinstance(value, Plain) else read(value))
    if inline:
        text = re.sub(r"\s*\n\s*", " ", text)
    if len(text) <= (_LONGEST_INLINE if inline else _LONGEST):
        return text
    plain = value if isinstance(value, Plain) else read(value)
    if plain.kind in ("tensor", "array"):
        return _summary(plain)
    return text[: (_LONGEST_INLINE if inline else _LONGEST) - 2] + " …"


def _show(plain: Plain) -> str:
    if plain.kind in ("tensor", "array"):
        if plain.array.size > _MOST_VALUES:
            return _summary(plain)
        return repr(plain.source.detach() if plain.kind == "tensor" else plain.source)
    if plain.kind == "number":
        return number(plain.source) if type(plain.source) is int else repr(plain.source)
    if plain.kind == "string":
        return repr(plain.text)
    if plain.kind == "symbol":
        return plain.text
    if plain.kind == "nothing":
        return repr(plain.source)
    if plain.kind == "list":
        return f"[{_show_items(plain)}]"
    if plain.kind == "tuple":
        return f"({_show_items(plain)}{',' if len(plain.items) == 1 else ''})"
    if plain.kind == "dict":
        pairs = zip(plain.keys, plain.items, strict=True)
        return "{" + ", ".join(f"{key!r}: {show(item, inline=True)}" for key, item in pairs) + "}"
    return plain.name if plain.name != "a function" else _show_function(plain.source)


def _show_items(plain: Plain) -> str:
    shown = [show(item, inline=True) for item in plain.items[:12]]
    return ", ".join(shown + ["…"] * (len(plain.items) > 12))


def _summary(plain: Plain) -> str:
    values = ", ".join(number(value) for value in plain.array.reshape(-1)[:4])
    return f"{plain.name} of shape {plain.shape}, {plain.dtype}: {values}, …"


def _show_function(function) -> str:
    name = name_of(function)
    return f"the function {name}" if name else "a function"


def name_of(function) -> str:
    """The name of a function, or "" where it has none that can be shown."""
    try:
        name = function.__name__
    except Exception:
        return ""
    return name if type(name) is str and name.isidentifier() and len(name) < 60 else ""


def call_line(function, args: tuple, kwargs: dict) -> str:
    """The call of a check, as a student would type it."""
    shown = [show(value, inline=True) for value in args]
    shown += [f"{name}={show(value, inline=True)}" for name, value in kwargs.items()]
    name = name_of(function) or "your_function"
    line = f"{name}({', '.join(shown)})"
    if len(line) <= _WIDTH - _LABEL:
        return line
    return f"{name}(\n    " + ",\n    ".join(shown) + ")"


def layout(headline: str, rows: list[tuple[str, str]]) -> str:
    """A headline and rows of (label, text); texts of several lines hang under their first line."""
    lines = [headline]
    for label, text in rows:
        if not text:
            continue
        wrapped = []
        for line in text.splitlines():
            wrapped += _wrap(line) if label in ("Likely cause", "Try", "Difference") else [line]
        lines += [f"  {label if i == 0 else '':<{_LABEL}}{line}".rstrip() for i, line in enumerate(wrapped)]
    return "\n".join(lines)


def _wrap(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH - _LABEL, break_long_words=False, break_on_hyphens=False) or [""]
