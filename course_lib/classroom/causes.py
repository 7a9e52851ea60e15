"""Likely causes: from the way in which a result is wrong to the mistake that usually makes it so.

Each rule takes (expected, got, arguments), all as `Plain` values, and returns a sentence or None. The first rule that
recognises the mistake speaks; where none does, the message has no cause rather than a wild guess.
"""

import itertools

import numpy as np

from course_lib.classroom.compare import Difference, close, number
from course_lib.classroom.plain import Plain

CHANGED_INPUT = (
    "Your function changed its input: `+=`, a method whose name ends in _, or an assignment to a slice works in place."
)
CUT_GRAPH = (
    "The result is not connected to this input: `.item()`, `.tolist()`, `.detach()` or a new tensor made from numbers "
    "cuts the graph."
)


def likely_cause(difference: Difference, arguments: tuple[Plain, ...]) -> str | None:
    """The likely cause of a difference, or None.

    Args:
        difference: what `compare` found.
        arguments: the arguments of the call before it, empty where nothing was called.
    """
    expected, got = difference.expected, difference.got
    for rule in _RULES[difference.kind]:
        with np.errstate(all="ignore"):
            sentence = rule(expected, got, arguments)
        if sentence:
            return sentence
    return None


def next_step(difference: Difference, name: str | None = None) -> str:
    """What to try when the check has no hint of its own; `name` is the student's variable where nothing was called."""
    if name is not None:
        asked = {"type": f"type({name})", "shape": f"{name}.shape", "dtype": f"{name}.dtype"}
        if difference.kind in asked and difference.expected.kind in ("tensor", "array") or difference.kind == "type":
            return f"Look at `{asked[difference.kind]}` in a new cell."
        return "Look once more at what is asked, and find the step that leads to another answer."
    if difference.kind == "type":
        return "Call your function in a new cell and look at type(…) of what it returns."
    if difference.kind == "shape":
        return "Print the shape after each step and find the first one that is not what you meant."
    if difference.kind == "dtype":
        return "Print the dtype after each step and find the one that changes it."
    return "Work this example out by hand, then print each step and find the first that differs."


_ERRORS = (
    ("UnboundLocalError", "", "This name gets its value only on some paths through the function, or after this line."),
    ("NameError", "", "The name is misspelt, or the cell that makes it has not run."),
    (
        "TypeError",
        "positional argument",
        "The function takes other arguments than the exercise says: see its signature.",
    ),
    ("TypeError", "keyword argument", "The function takes other arguments than the exercise says: see its signature."),
    ("", "'NoneType'", "Something here is None: a function without `return`, or a method that has no result."),
    ("AttributeError", "", "The object is of another type than you think, or the method has another name."),
    ("IndexError", "", "An index lies outside: the last one is the size minus 1, and there are as many as dimensions."),
    ("RecursionError", "", "The function calls itself without end: the case in which it must stop is missing."),
    ("ZeroDivisionError", "", "Something is divided by 0: think of an empty or constant input."),
    ("SystemExit", "", "exit() ends the program: return a value instead."),
    ("", "does not require grad", CUT_GRAPH),
    ("", "size of tensor", "Two shapes do not fit together: print both of them just before this line."),
    ("", "cannot be multiplied", "Two shapes do not fit together: print both of them just before this line."),
    ("", "is invalid for input of size", "The sizes of the new shape must multiply to the number of elements."),
    ("", "view size is not compatible", "A view needs memory in order: use `reshape`, or `contiguous()` first."),
    ("", "same dtype", "Two dtypes do not fit together: convert one of them with `.to`."),
)


def error_cause(kind: str, text: str) -> str | None:
    """The likely cause of an exception in the student's code, from its class and its text, or None."""
    for name, words, sentence in _ERRORS:
        if name in ("", kind) and words in text:
            return sentence
    return None


# ---- the type --------------------------------------------------------------------------------------------------------


def _returned_nothing(expected, got, arguments):
    if got.source is None:
        return "This is None: a function that ended without `return`, or a name that never got its value."


def _forgot_to_call(expected, got, arguments):
    if got.name in ("a function", "a class"):
        return "This is a function that was not called: the parentheses are missing, as in `x.sum()`."


def _one_element_tensor(expected, got, arguments):
    if expected.kind == "number" and got.kind in ("tensor", "array") and got.array.size == 1:
        return "This is a tensor with one element. `.item()` gives the Python number in it."


def _number_for_tensor(expected, got, arguments):
    if expected.kind == "tensor" and got.kind == "number":
        return "`.item()`, `float()` or `int()` made a Python number. The result must stay a tensor."


def _list_for_tensor(expected, got, arguments):
    if expected.kind == "tensor" and got.kind in ("list", "tuple"):
        if any(item.kind == "tensor" for item in got.items):
            return f"{_sentence(got.name)} of tensors is not a tensor: `torch.stack` or `torch.cat` joins them."
        return f"{_sentence(got.name)} of numbers is not a tensor: `torch.tensor(…)` makes one of it."


def _array_for_tensor(expected, got, arguments):
    if expected.kind == "tensor" and got.kind == "array":
        return "This is a NumPy array. `torch.from_numpy` makes a tensor of it."


def _wrapped(expected, got, arguments):
    if got.kind in ("list", "tuple") and expected.kind != got.kind and len(got.items) == 1:
        return "The value stands inside " + got.name + ": look for a comma or a bracket too many."


def _other_collection(expected, got, arguments):
    if {expected.kind, got.kind} == {"list", "tuple"}:
        return f"Round brackets make a tuple, square brackets a list; {expected.name} is expected."


def _float_for_int(expected, got, arguments):
    if expected.kind == got.kind == "number" and (expected.dtype, got.dtype) == ("int", "float"):
        return "A division with `/` gives a float even where it leaves no rest; `//` keeps whole numbers."


# ---- the shape -------------------------------------------------------------------------------------------------------


def _transposed(expected, got, arguments):
    if _two_axes(expected) and _two_axes(got) and _equal(expected, got.array.T):
        return "The result is transposed: rows and columns are exchanged."


def _other_axes(expected, got, arguments):
    if len(got.shape) != len(expected.shape) or not 3 <= len(got.shape) <= 4:
        return None
    for axes in itertools.permutations(range(len(got.shape))):
        if _equal(expected, got.array.transpose(axes)):
            return f"The values are right, but the axes are in another order: `.permute{axes}` would put them right."
    return None


def _missing_size_one(expected, got, arguments):
    if len(got.shape) < len(expected.shape) and _squeezed(expected.shape) == _squeezed(got.shape):
        return "A dimension of size 1 is missing: `keepdim=True` keeps it, `unsqueeze` adds it."


def _extra_size_one(expected, got, arguments):
    if len(got.shape) > len(expected.shape) and _squeezed(expected.shape) == _squeezed(got.shape):
        return "There is a dimension of size 1 too many: `squeeze` removes it; was `keepdim` meant?"


def _right_values_other_shape(expected, got, arguments):
    if got.array is None or expected.array is None or got.array.size != expected.array.size or got.array.size < 2:
        return None
    if _equal(expected, got.array.reshape(expected.shape)):
        return "The values are right and in the right order; only the shape is not: see `reshape`."
    return None


def _reduced_to_one(expected, got, arguments):
    if got.array is not None and got.shape == () and expected.shape != () and expected.kind == "tensor":
        return "Everything was reduced to one number. Say along which dimension: `dim=…`."


def _reduced_other_dim(expected, got, arguments):
    for argument in arguments:
        shape = argument.shape
        for mine, asked in itertools.permutations(range(len(shape)), 2):
            for kept in ((), (1,)):
                reduced = [shape[:dim] + kept + shape[dim + 1 :] for dim in (mine, asked)]
                if [got.shape, expected.shape] == reduced:
                    return "The wrong dimension was reduced: `dim` names the dimension that disappears."
    return None


def _size_off_by_one(expected, got, arguments):
    if len(got.shape) == len(expected.shape) and got.kind in ("tensor", "array"):
        off = [g - e for g, e in zip(got.shape, expected.shape, strict=True) if g != e]
        if len(off) == 1 and abs(off[0]) == 1:
            return (
                f"One size is {'too large' if off[0] > 0 else 'too small'} by 1: look at where a range or slice ends."
            )
    return None


# ---- the dtype -------------------------------------------------------------------------------------------------------


def _dtype_only(expected, got, arguments):
    if _equal(expected, got.array):
        if expected.kind == "tensor":
            return f"The values are right, but their dtype is not: pass `dtype={expected.dtype}` or convert with `.to`."
        return "The values are right, but their dtype is not."


def _overflow_or_truncation(expected, got, arguments):
    return _wrapped_around(expected, got, arguments) or _fractions_lost(expected, got, arguments)


# ---- the values ------------------------------------------------------------------------------------------------------


def _nan(expected, got, arguments):
    if _floating(got) and np.isnan(got.array).any() and not np.isnan(expected.array).any():
        return "There is NaN in the result: 0/0, inf - inf, or a log or root of a negative number made it."


def _infinite(expected, got, arguments):
    if _floating(got) and np.isinf(got.array).any() and not np.isinf(expected.array).any():
        return "There is inf in the result: a division by 0, or a number too large for the dtype."


def _input_returned(expected, got, arguments):
    if expected.kind != "tensor":
        return None
    for argument in arguments:
        if argument.kind == "tensor" and argument.shape == got.shape and _equal(argument, got.array):
            return "The result is the input unchanged. A method without a trailing _ returns a new tensor: use it."
    return None


def _wrapped_around(expected, got, arguments):
    bits = {"uint8": 8, "int8": 8, "int16": 16, "int32": 32}
    for plain in (got, *arguments):
        size = bits.get(plain.dtype.split(".")[-1])
        if size is None or not (_real(expected) and _real(got)) or got.shape != expected.shape:
            continue
        distance = got.array.astype(np.float64) - expected.array.astype(np.float64)
        turns = distance / 2**size
        if np.any(turns) and np.allclose(turns, np.round(turns), atol=1e-6):
            return (
                f"The numbers ran over the end of {plain.dtype} and began again: it has only {2**size} values. "
                "Convert to a larger dtype before you calculate."
            )
    return None


def _fractions_lost(expected, got, arguments):
    if _floating(expected) and _real(got) and got.shape == expected.shape and _finite(expected, got):
        for rounded in (np.trunc(expected.array), np.floor(expected.array), np.round(expected.array)):
            if np.array_equal(rounded, got.array) and not np.array_equal(rounded, expected.array):
                return "The fractions are lost: somewhere the calculation runs in whole numbers."
    return None


def _all_zero(expected, got, arguments):
    if got.array.size > 1 and not got.array.any() and expected.array.any():
        return "Everything is 0: the values that were calculated never reached the result."


def _opposite_mask(expected, got, arguments):
    masks = got.array.dtype == expected.array.dtype == np.bool_ and got.array.size > 1
    if masks and np.array_equal(got.array, ~expected.array):
        return "True and False are exchanged: the condition is the opposite of what is asked."
    return None


def _opposite_sign(expected, got, arguments):
    if _real(expected) and _real(got) and got.array.any() and _equal(expected, -got.array):
        return "The sign is the opposite of what is asked."


def _constant_off(expected, got, arguments):
    if not (_real(expected) and _real(got) and _finite(expected, got)) or got.array.size < 2:
        return None
    distance = (got.array - expected.array).astype(np.float64)
    if np.ptp(distance) <= 1e-5 * max(1.0, float(np.abs(expected.array).max())):
        by = number(abs(float(distance.flat[0])))
        return f"Every value is too {'large' if distance.flat[0] > 0 else 'small'} by {by}."
    return None


def _constant_factor(expected, got, arguments):
    if not (_floating(expected) and _real(got) and _finite(expected, got)) or got.array.size < 2:
        return None
    known = np.abs(expected.array) > 1e-12
    if not known.any() or np.ptp(expected.array[known]) == 0:
        return None
    factors = got.array[known] / expected.array[known]
    if np.ptp(factors) <= 1e-4 * abs(factors.flat[0]) and not got.array[~known].any() and abs(factors.flat[0]) > 1e-6:
        factor = number(float(factors.flat[0]), 4)
        return f"Every value is {factor} times the expected one: a factor is missing or too many."
    return None


def _flipped(expected, got, arguments):
    for axis in range(len(got.shape)):
        if got.shape[axis] > 1 and _equal(expected, np.flip(got.array, axis)):
            return f"The order along dimension {axis} is reversed."
    return None


def _shuffled(expected, got, arguments):
    if not (_real(expected) and _real(got)) or got.array.size < 3 or got.array.dtype == np.bool_:
        return None
    ours, theirs = np.sort(expected.array, axis=None), np.sort(got.array, axis=None)
    if len(np.unique(ours)) > 2 and np.allclose(ours, theirs, rtol=1e-5, atol=1e-8, equal_nan=True):
        return "These are the right numbers in another order."
    return None


_SAME_KIND = (_transposed, _other_axes)
_RULES = {
    "type": (
        _returned_nothing,
        _forgot_to_call,
        _one_element_tensor,
        _number_for_tensor,
        _list_for_tensor,
        _array_for_tensor,
        _other_collection,
        _wrapped,
        _float_for_int,
    ),
    "shape": (
        *_SAME_KIND,
        _reduced_to_one,
        _missing_size_one,
        _extra_size_one,
        _right_values_other_shape,
        _reduced_other_dim,
        _size_off_by_one,
    ),
    "dtype": (_dtype_only, _overflow_or_truncation),
    "values": (
        _nan,
        _infinite,
        *_SAME_KIND,
        _opposite_mask,
        _opposite_sign,
        _flipped,
        _wrapped_around,
        _fractions_lost,
        _input_returned,
        _all_zero,
        _constant_off,
        _constant_factor,
        _shuffled,
    ),
}


# ---- small questions -------------------------------------------------------------------------------------------------


def _equal(expected: Plain, array) -> bool:
    if expected.array is None or array is None or expected.array.shape != array.shape:
        return False
    other = Plain(expected.kind, expected.name, dtype=expected.dtype, array=array)
    return bool(close(expected, other).all())


def _real(plain: Plain) -> bool:
    return plain.array is not None and plain.array.dtype.kind in "iuf"


def _floating(plain: Plain) -> bool:
    return plain.array is not None and plain.array.dtype.kind == "f"


def _finite(*plains: Plain) -> bool:
    return all(bool(np.isfinite(plain.array).all()) for plain in plains)


def _two_axes(plain: Plain) -> bool:
    return len(plain.shape) == 2


def _squeezed(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
