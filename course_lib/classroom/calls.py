"""Calling a student's function: the one place where a check hands control to code that it does not trust.

`call_student(function, args, kwargs)` runs the function on copies of the arguments and returns an `Outcome`: the value,
the arguments as the call left them, and the error if there was one, already reduced to names and sentences. A handle
to a function that lives in another process takes part by having a method `__student_call__` that returns an `Outcome`.
"""

import linecache
import sys
import sysconfig
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from course_lib.classroom.plain import is_array, is_tensor, type_name

_COURSE_LIB = str(Path(__file__).resolve().parent.parent)
_INSTALLED = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {_COURSE_LIB}
)
_LONGEST_TEXT = 600
_LINES_SHOWN = 3


@dataclass(frozen=True)
class StudentError:
    """An exception from the student's code, as plain data.

    Args:
        kinds: the names of its class and of the classes above it, the nearest first.
        text: what it says.
        where: the student's own lines that led to it, the outermost first.
        unfinished: the student's own line raised NotImplementedError: nothing has been written yet.
    """

    kinds: tuple[str, ...]
    text: str
    where: tuple[str, ...] = ()
    unfinished: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of one call.

    Args:
        value: what the function returned.
        arguments: the positional arguments after the call.
        keywords: the keyword arguments after the call.
        error: what the function raised, if it raised.
        shares: for each positional argument, whether the value lies in the same memory.
        gradient: the gradient of the argument that `gradient_of` named.
    """

    value: object = None
    arguments: tuple = ()
    keywords: dict = field(default_factory=dict)
    error: StudentError | None = None
    shares: tuple[bool, ...] = ()
    gradient: object = None


def call_student(function, args, kwargs, *, gradient_of: int | None = None, weight=None) -> Outcome:
    """Call `function(*args, **kwargs)` on copies of its arguments and report what came of it.

    With `gradient_of`, the sum of the result (times `weight`, if given) is also differentiated with respect to that
    positional argument. The student's KeyboardInterrupt passes through; every other exception ends up in the outcome.
    """
    remote = getattr(type(function), "__student_call__", None)
    if remote is not None:
        if gradient_of is None:
            return remote(function, args, kwargs)
        return remote(function, args, kwargs, gradient_of=gradient_of, weight=weight)
    if not callable(function):
        sentence = f"this name holds {type_name(function)}, not a function"
        return Outcome(error=StudentError(("TypeError", "Exception"), sentence))
    arguments, keywords = fresh_copies(args, kwargs)
    try:
        value = function(*arguments, **keywords)
        gradient = None if gradient_of is None else _differentiate(value, arguments[gradient_of], weight)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a student's exit() must not end the grading
        return Outcome(arguments=arguments, keywords=keywords, error=_describe(error))
    shares = tuple(shares_memory(value, argument) for argument in arguments)
    return Outcome(value, arguments, keywords, shares=shares, gradient=gradient)


def _differentiate(value, argument, weight):
    total = value if weight is None else value * weight
    total.sum().backward()
    return argument.grad


# ---- copies of the arguments -----------------------------------------------------------------------------------------


def fresh_copies(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Copies of all tensors and arrays in the arguments, laid out in memory as the originals are.

    Strides are kept, and arguments that are views of one tensor become views of one copy, because chapters teach both.
    """
    bases: dict[int, object] = {}
    return (
        tuple(_fresh_copy(value, bases) for value in args),
        {name: _fresh_copy(value, bases) for name, value in kwargs.items()},
    )


def _fresh_copy(value, bases):
    if is_tensor(value):
        copy = _copy_tensor(value, bases)
        return copy.requires_grad_() if value.requires_grad else copy
    if is_array(value):
        return value.copy(order="K")
    if type(value) in (list, tuple):
        return type(value)(_fresh_copy(item, bases) for item in value)
    if type(value) is dict:
        return {key: _fresh_copy(item, bases) for key, item in value.items()}
    return value


def _copy_tensor(tensor, bases):
    base = tensor._base
    if base is None:
        base = tensor
    if id(base) not in bases:
        bases[id(base)] = base.detach().clone()
    copy = bases[id(base)]
    if base is not tensor:
        copy = copy.as_strided(tuple(tensor.shape), tensor.stride(), tensor.storage_offset())
    return copy.detach() if tensor.requires_grad else copy


def shares_memory(value, other) -> bool:
    """Whether two tensors or arrays have a byte in common."""
    first, second = _memory(value), _memory(other)
    if first is None or second is None:
        return False
    try:
        return bool(np.shares_memory(first, second, max_work=100_000))
    except np.exceptions.TooHardError:
        return bool(np.may_share_memory(first, second))


def _memory(value):
    if is_array(value):
        return value
    if not is_tensor(value):
        return None
    try:
        return value.detach().numpy()
    except (TypeError, RuntimeError):  # a dtype or a device that NumPy does not have
        return None


# ---- errors ----------------------------------------------------------------------------------------------------------


def _describe(error: BaseException) -> StudentError:
    kinds = tuple(type.__dict__["__name__"].__get__(kind) for kind in type.mro(type(error)) if kind is not object)
    frames = list(traceback.walk_tb(error.__traceback__))
    own = own_frames(frames, hidden=_check_file())
    raised_here = bool(own) and own[-1][0] is frames[-1][0]
    return StudentError(
        kinds,
        error_text(error),
        tuple(_line_of(frame, number) for frame, number in own[-_LINES_SHOWN:]),
        unfinished=raised_here and isinstance(error, NotImplementedError),
    )


def error_text(error: BaseException) -> str:
    """What an exception says, in bounded length, even when its class misbehaves."""
    try:
        text = str(error)
    except Exception:
        return "(this exception cannot be shown)"
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " …"


def own_frames(frames, hidden: str | None = None):
    """Of the (frame, line) pairs of a traceback, those whose code is neither a library's nor in the file `hidden`."""
    return [(frame, line) for frame, line in frames if not _is_library(frame) and frame.f_code.co_filename != hidden]


def library_place(frames) -> str:
    """Where in course_lib a traceback ends, "" if it ends elsewhere: for the one who mends the library or the check."""
    frame, line = frames[-1]
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(_COURSE_LIB):
        return ""
    return f"course_lib/{path.relative_to(_COURSE_LIB).as_posix()}, line {line}"


def _is_library(frame) -> bool:
    filename = frame.f_code.co_filename
    return filename.startswith("<frozen") or filename.startswith(_INSTALLED)


def _check_file() -> str | None:
    """The file of the check itself, the nearest caller outside the library: its lines may hold hidden checks."""
    frame = sys._getframe(1)
    while frame is not None and _is_library(frame):
        frame = frame.f_back
    return None if frame is None else frame.f_code.co_filename


def _line_of(frame, number: int) -> str:
    code = frame.f_code
    text = linecache.getline(code.co_filename, number, frame.f_globals).strip()
    place = "" if code.co_name == "<module>" else f", in {code.co_name}"
    return f"line {number}{place}: {text}" if text else f"line {number}{place}"
