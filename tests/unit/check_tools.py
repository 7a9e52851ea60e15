"""What the tests of the checks share: answers written as text, as a notebook's cell holds them, and their verdicts."""

import itertools
import linecache

import pytest

from course_lib.classroom import CheckFailed, check

_numbers = itertools.count(1)


def answer(source, torch=None, name="f", **names):
    """The function that a cell with this source defines, with its lines known to tracebacks as a kernel does it."""
    filename = f"/tmp/ipykernel_1/{next(_numbers)}.py"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = {"torch": torch, **names}
    exec(compile(source, filename, "exec"), namespace)
    return namespace[name]


def message(function, *args, expected=None, options=None, **judgement):
    """What a student reads when `function(*args)` should give `expected`."""
    with pytest.raises(CheckFailed) as caught, check("exercise") as c:
        c.call(function, *args, **(options or {})).gives(expected, **judgement)
    return " ".join(str(caught.value).split())


def verdict_of(body):
    """The exception with which the check ends whose lines are `body(c)`."""
    with pytest.raises(CheckFailed) as caught, check("exercise") as c:
        body(c)
    return caught.value
