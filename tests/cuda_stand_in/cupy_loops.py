"""How CuPy picks the loop of an elementwise function or a reduction, from the tables in cupy_names.json.

CuPy takes the first loop to which all operands can be cast safely; Python's numbers do not count where an array's kind
is as high. So a function can refuse a dtype that NumPy's takes, or give another one: `where` has no bfloat16 loop and
gives float32. test_loops.py compares `chosen` with CuPy itself, which can be asked without a GPU.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import ml_dtypes
import numpy as np

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


class Loop(NamedTuple):
    """The dtypes between which a loop computes; refused: the combination is an error."""

    takes: tuple
    gives: tuple
    refused: bool


def dtype_of(char: str) -> np.dtype:
    """ml_dtypes calls bfloat16 "E"; "l" and "L" have 64 bits where CuPy was asked."""
    return BFLOAT16 if char == "E" else np.dtype({"l": "q", "L": "Q"}.get(char, char))


@functools.cache
def loops(table: str) -> tuple[Loop, ...]:
    """The loops of a table such as "??->? ee->e EE->E"; "!" behind a loop that is an error."""
    found = []
    for text in table.split():
        takes, gives = text.rstrip("!").split("->")
        found.append(Loop(tuple(map(dtype_of, takes)), tuple(map(dtype_of, gives)), text.endswith("!")))
    return tuple(found)


def kind_of(value) -> type | None:
    """Python's type of a number of Python, which adapts to arrays; None for anything with a dtype of its own."""
    return type(value) if type(value) in (int, float, complex) else None


def own_dtype(value) -> np.dtype:
    """The dtype of an operand: of Python's numbers, the one that they have without any array."""
    if type(value) is int:
        return np.dtype("u8" if value >= 2**63 else "i8")
    if type(value) in (bool, float, complex):
        return np.dtype(type(value))
    if not hasattr(value, "dtype"):
        raise TypeError(f"Unsupported type {type(value)}")
    return value.dtype


def chosen(name: str, table: str, operands, *, exact_integers: bool = False) -> Loop:
    """The loop for operands; with `exact_integers` (comparisons), Python's int meets integers as an int64."""
    dtypes, weak = [own_dtype(value) for value in operands], [kind_of(value) for value in operands]
    strong = [dtype for dtype, kind in zip(dtypes, weak, strict=True) if kind is None]
    if not strong or max(map(_rank, weak)) > max(_rank(dtype.type) for dtype in strong):
        weak = [None] * len(weak)
    if exact_integers and int in weak and any(dtype.kind in "iu" for dtype in strong):
        weak = [None] * len(weak)
    for loop in loops(table):
        if all(map(_fits, dtypes, weak, loop.takes)):
            if loop.refused:
                raise TypeError(f"cupy_{name} does not take {[str(dtype) for dtype in dtypes]}")
            return loop
    raise TypeError(f"Wrong type ({tuple(dtypes)}) of arguments for cupy_{name}")


def chosen_by_result(name: str, table: str, dtype) -> Loop:
    """The loop that gives a dtype: what `dtype=` asks for."""
    for loop in loops(table):
        if all(gives == dtype for gives in loop.gives):
            return loop
    raise TypeError(f"Wrong type ({dtype}) of arguments for cupy_{name}")


def _rank(kind) -> int:
    """bool, integers, floating point; anything else (bfloat16) is above them."""
    if kind is None:
        return -1
    if issubclass(kind, np.bool_):
        return 0
    if issubclass(kind, (np.integer, int)):
        return 1
    return 2 if issubclass(kind, (np.inexact, float, complex)) else 3


@functools.cache
def _fits(dtype: np.dtype, weak: type | None, wanted: np.dtype) -> bool:
    if np.can_cast(dtype, wanted):
        return True
    try:
        return weak is not None and np.result_type(weak(0), wanted) == wanted
    except TypeError:
        return False


def check_cast(dtype: np.dtype, wanted: np.dtype, casting: str = "same_kind") -> None:
    """TypeError where a result of a dtype must not be written into an array of another one."""
    if not (casting == "same_kind" and dtype.kind == wanted.kind) and not np.can_cast(dtype, wanted, casting):
        raise TypeError(f"Cannot cast output operand from {dtype!r} to {wanted!r} according to the rule {casting!r}")
