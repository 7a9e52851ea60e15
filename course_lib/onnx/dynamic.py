"""Which dimensions of the inputs may change: `dynamic_axes` and `dynamic_shapes`, brought to one form."""

from __future__ import annotations

from ..jit.graph import Value, leaves


def named_dimensions(inputs: dict, names, dynamic_axes, dynamic_shapes) -> dict:
    """{number of the input: {dimension: name}}, and the same for outputs under ("output", number)."""
    values = [v for v in leaves(inputs) if isinstance(v, Value)]
    found: dict = {}
    for name, dims in (dynamic_axes or {}).items():
        if name in names[0]:
            key, ndim = names[0].index(name), len(values[names[0].index(name)].shape)
        elif name in names[1]:
            key, ndim = ("output", names[1].index(name)), None
        else:
            raise ValueError(f"dynamic_axes names '{name}'; the model has the inputs {names[0]} and outputs {names[1]}")
        if not isinstance(dims, dict):
            dims = {dim: f"{name}_dynamic_axes_{i + 1}" for i, dim in enumerate(dims)}
        found[key] = {(d % ndim if ndim else d): str(n) for d, n in dims.items()}
    if dynamic_shapes is not None:
        given = list(dynamic_shapes.values()) if isinstance(dynamic_shapes, dict) else list(dynamic_shapes)
        if isinstance(dynamic_shapes, dict):
            unknown = [name for name in dynamic_shapes if name not in inputs]
            if unknown:
                raise ValueError(f"dynamic_shapes names {unknown}; the model's parameters are {list(inputs)}")
            given = [dynamic_shapes.get(name) for name in inputs]
        _walk(list(inputs.values()), given, values, names[0], found)
    return {key: dims for key, dims in found.items() if dims}


def _walk(tree, given, values: list, names: list[str], found: dict) -> None:
    """Match the nesting of the inputs with that of `dynamic_shapes`."""
    if given is None:
        return
    if isinstance(tree, Value):
        number = values.index(tree)
        dims = given.items() if isinstance(given, dict) else enumerate(given)
        chosen = {d: _name(n, names[number], d) for d, n in dims}
        found[number] = {d: n for d, n in chosen.items() if n is not None}
    elif isinstance(tree, dict):
        for key, part in tree.items():
            _walk(part, given.get(key) if isinstance(given, dict) else None, values, names, found)
    elif isinstance(tree, (list, tuple)):
        for part, dims in zip(tree, given, strict=False):
            _walk(part, dims, values, names, found)


def _name(dim, input_name: str, place: int) -> str | None:
    """The name of a dynamic dimension: a text, an object with a name (Dim), AUTO; None and numbers are fixed."""
    if dim is None or isinstance(dim, int) or getattr(dim, "name", "") == "STATIC":
        return None
    if isinstance(dim, str):
        return dim
    name = getattr(dim, "__name__", None) or getattr(dim, "name", "AUTO")
    return f"{input_name}_dim_{place}" if name in ("AUTO", "DYNAMIC") else name
