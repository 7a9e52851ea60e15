"""Comparing what a student's code produced with what a check expects.

`compare(expected, got)` takes two `Plain` values and returns None, or the first `Difference` in the order in which a
learner should mend things: type, shape, dtype, values. Whole numbers and bools must be equal; floating-point numbers
may differ by the rounding of their dtype; NaN equals NaN.
"""

from dataclasses import dataclass

import numpy as np

from course_lib.classroom.plain import Plain

# Relative and absolute tolerance: room for another order of additions, none for another formula.
_TOLERANCES = {
    "float16": (1e-2, 1e-3),
    "bfloat16": (3e-2, 1e-2),
    "float32": (1e-4, 1e-5),
    "float64": (1e-7, 1e-8),
    "complex64": (1e-4, 1e-5),
    "complex128": (1e-7, 1e-8),
    "float": (1e-5, 1e-6),
    "complex": (1e-5, 1e-6),
}


@dataclass(frozen=True)
class Difference:
    """The first thing in which a value differs from the expected one.

    Args:
        kind: type, shape, dtype or values.
        text: the difference in a sentence.
        expected: the part of the expected value that differs.
        got: the part of the student's value that differs.
    """

    kind: str
    text: str
    expected: Plain
    got: Plain


def compare(
    expected: Plain, got: Plain, *, dtype: bool = True, tolerance: float | None = None, place: str = ""
) -> Difference | None:
    """Return the first difference between two values, or None.

    Args:
        dtype: whether the dtypes of tensors and arrays (and int against float) must agree.
        tolerance: replaces the tolerance of the dtype, relative and absolute.
        place: where inside a larger value the two lie, for the sentence.
    """
    kind_differs = _compare_types(expected, got, dtype, place)
    if kind_differs:
        return kind_differs
    if expected.kind in ("list", "tuple", "dict"):
        return _compare_items(expected, got, dtype, tolerance, place)
    if expected.kind in ("string", "symbol"):
        if expected.text == got.text:
            return None
        return Difference("values", f"{_subject(place)} is not the expected one.", expected, got)
    if expected.kind in ("nothing", "other"):
        return None if expected.source is got.source else _type_difference(expected, got, place)
    if expected.shape != got.shape:
        text = f"{_subject(place, 'the shape')} is {got.shape}, expected {expected.shape}."
        return Difference("shape", text, expected, got)
    if dtype and expected.dtype != got.dtype and expected.kind != "number":
        text = f"{_subject(place, 'the dtype')} is {got.dtype}, expected {expected.dtype}."
        return Difference("dtype", text, expected, got)
    return _compare_values(expected, got, tolerance, place)


def _compare_types(expected: Plain, got: Plain, dtype: bool, place: str) -> Difference | None:
    if expected.kind != got.kind:
        return _type_difference(expected, got, place)
    if expected.kind == "tensor" and _library(expected) != _library(got):
        return _type_difference(expected, got, place)
    if expected.kind == "number" and dtype:
        widened = {"float": ("float", "int"), "complex": ("complex", "float", "int")}
        if got.dtype not in widened.get(expected.dtype, (expected.dtype,)):
            return _type_difference(expected, got, place)
    return None


def _library(plain: Plain) -> str:
    return type(plain.source).__module__.split(".")[0]


def _type_difference(expected: Plain, got: Plain, place: str) -> Difference:
    name = got.name
    if name == expected.name and expected.kind == "tensor":
        name = f"a tensor of {_library(got)}"
    return Difference("type", f"{_subject(place)} is {name}, expected {expected.name}.", expected, got)


def _compare_items(expected, got, dtype, tolerance, place) -> Difference | None:
    if expected.kind == "dict":
        if set(expected.keys) != set(got.keys):
            wanted, found = sorted(map(repr, expected.keys)), sorted(map(repr, got.keys))
            text = f"{_subject(place)} has the keys {', '.join(found) or 'none'}; expected {', '.join(wanted)}."
            return Difference("shape", text, expected, got)
        found_items = dict(zip(got.keys, got.items, strict=True))
        pairs = [
            (f"[{key!r}]", item, found_items[key]) for key, item in zip(expected.keys, expected.items, strict=True)
        ]
    else:
        if len(expected.items) != len(got.items):
            text = f"{_subject(place)} has {len(got.items)} items, expected {len(expected.items)}."
            return Difference("shape", text, expected, got)
        pairs = [(f"[{i}]", *items) for i, items in enumerate(zip(expected.items, got.items, strict=True))]
    for step, wanted, found in pairs:
        difference = compare(wanted, found, dtype=dtype, tolerance=tolerance, place=f"{place}{step}")
        if difference:
            return difference
    return None


def _compare_values(expected: Plain, got: Plain, tolerance: float | None, place: str) -> Difference | None:
    wrong = ~close(expected, got, tolerance)
    count = int(wrong.sum())
    if count == 0:
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    wanted, found = numbers_apart(expected.array[first], got.array[first])
    if expected.shape == ():
        text = f"{_subject(place)} is {found}, expected {wanted}."
    else:
        where = f"{place}[{', '.join(map(str, first))}]"
        those = f"{count} of {wrong.size} values differ; the first is" if count > 1 else "One value differs:"
        text = f"{those} {where}: {found}, expected {wanted}."
    return Difference("values", text, expected, got)


def close(expected: Plain, got: Plain, tolerance: float | None = None) -> np.ndarray:
    """Elementwise: equal up to the coarser rounding of the two dtypes. Both have the same shape."""
    pair = [_TOLERANCES[name] for name in (_dtype_name(expected), _dtype_name(got)) if name in _TOLERANCES]
    if not pair and tolerance is None:
        return np.asarray(expected.array == got.array)
    if expected.array.dtype == object or got.array.dtype == object:
        return np.asarray(expected.array == got.array)
    relative, absolute = (tolerance, tolerance) if tolerance is not None else max(pair)
    with np.errstate(all="ignore"):
        return np.asarray(np.isclose(got.array, expected.array, rtol=relative, atol=absolute, equal_nan=True))


def _dtype_name(plain: Plain) -> str:
    return plain.dtype.split(".")[-1]


def number(value, digits: int = 6) -> str:
    """A number of an array as short text: 3, 0.333333, 2.0, True."""
    item = value.item() if isinstance(value, np.generic) else value
    if type(item) is int and abs(item) >= 10**50:  # Python refuses to print much longer ones
        return f"an int of {item.bit_length()} bits"
    if type(item) is not float:
        return str(item)
    text = f"{item:.{digits}g}"
    return text + ".0" if text.lstrip("-").isdigit() else text


def numbers_apart(expected, got) -> tuple[str, str]:
    """Two numbers as text, with as many digits as it takes to see that they differ."""
    for digits in (6, 9, 17):
        pair = number(expected, digits), number(got, digits)
        if pair[0] != pair[1]:
            break
    return pair


def _subject(place: str, what: str = "the result") -> str:
    if not place:
        return what[0].upper() + what[1:]
    return f"Item {place}" if what == "the result" else f"Of item {place}, {what}"
