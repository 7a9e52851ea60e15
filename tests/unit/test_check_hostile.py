"""Answers that lie about themselves do not pass: a result is read by its exact type, and its own methods never run."""

import numpy as np
import pytest
from check_tools import answer, message, verdict_of

from course_lib.classroom.plain import read

ALWAYS_EQUAL = """
class Liar:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __bool__(self): return True
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return self
    def __len__(self): return 2
    def __iter__(self): raise SystemExit
    def __repr__(self): raise RuntimeError("no")
    def __instancecheck__(self, other): return True
    __class__ = property(lambda self: int)
def f(*args): return Liar()
"""


@pytest.mark.parametrize("expected", [3, 2.5, True, "text", (1, 2), [1], {"a": 1}, None])
def test_an_object_that_equals_everything_fails(expected):
    assert "an object of class Liar" in message(answer(ALWAYS_EQUAL), expected=expected)


def test_it_fails_for_tensors_too(torch):
    assert "an object of class Liar, expected a tensor" in message(answer(ALWAYS_EQUAL), expected=torch.tensor([1, 2]))
    assert "It is wrong." in str(verdict_of(lambda c: c.that(answer(ALWAYS_EQUAL)(), "It is wrong.")))


@pytest.mark.parametrize(
    ("base", "value", "expected"),
    [("int", "1", 3), ("float", "1.0", 2.5), ("str", "'a'", "text"), ("complex", "1", 1j)],
)
def test_subclasses_of_plain_types_fail(base, value, expected):
    source = (
        f"class Liar({base}):\n    def __eq__(self, other): return True\n    __hash__ = None\n"
        f"def f(): return Liar({value})"
    )
    assert "an object of class Liar" in message(answer(source), expected=expected)


@pytest.mark.parametrize(
    ("base", "value", "expected"), [("tuple", "(1,)", (3, 4)), ("list", "[1]", [3, 4]), ("dict", "{}", {"a": 1})]
)
def test_containers_are_read_without_their_own_methods(base, value, expected):
    lies = "__eq__ = lambda self, other: True", "__iter__ = lambda self: iter((3, 4))", "__len__ = lambda self: 2"
    more = "items = lambda self: [('a', 1)]", "keys = lambda self: ['a']", "__hash__ = None"
    source = f"class Liar({base}):\n    " + "\n    ".join(lies + more) + f"\ndef f(): return Liar({value})"
    assert "expected" in message(answer(source), expected=expected)


def test_a_tensor_subclass_with_its_own_tolist_fails(torch):
    source = """
class Liar(torch.Tensor):
    def tolist(self): return [1.0, 2.0]
    def detach(self): return self
    shape = (2,)
    dtype = torch.float32
def f():
    return torch.zeros(2).as_subclass(Liar) if hasattr(torch.Tensor, "as_subclass") else Liar.__new__(Liar)
"""
    assert "an object of class Liar, expected a tensor" in message(
        answer(source, torch), expected=torch.tensor([1.0, 2.0])
    )


def test_an_array_subclass_fails():
    source = (
        "class Liar(np.ndarray):\n    def __eq__(self, other): return np.ones(2, bool)\n"
        "def f(): return np.zeros(2).view(Liar)"
    )
    assert "an object of class Liar" in message(answer(source, np=np), expected=np.ones(2))
    objects = "class Liar:\n    def __eq__(self, other): return True\ndef f(): return np.array([Liar(), Liar()])"
    assert "an object of class ndarray" in message(answer(objects, np=np), expected=np.ones(2))


def test_what_cannot_be_printed_or_never_ends_is_survived():
    endless = answer("def f():\n    x = []\n    x.append(x)\n    return x")
    assert "expected" in message(endless, expected=[1])
    huge = answer("def f(): return 7 ** 100_000")
    assert "an int of 280736 bits" in message(huge, expected=1)
    long = answer("def f(): return 'x' * 10_000_000")
    assert len(message(long, expected="y")) < 5_000
    mute = "class Mute(Exception):\n    def __str__(self): raise ValueError\ndef f(): raise Mute"
    assert "this exception cannot be shown" in message(answer(mute), expected=1)
    loud = "def f(): raise ValueError('x' * 1_000_000)"
    assert len(message(answer(loud), expected=1)) < 3_000


def test_an_answer_cannot_forge_a_verdict():
    forged = "from course_lib.classroom import NotAttempted\ndef f(): raise NotAttempted('passed')"
    text = message(answer(forged), expected=1)
    assert "your code stopped with an error" in text


def test_a_name_that_is_no_function():
    assert "this name holds an int, not a function" in message(3, expected=1)


def test_reading_does_not_run_student_code():
    class Tripwire:
        def __getattribute__(self, name):
            raise AssertionError(name)

    assert read(Tripwire()).kind == "other"
    assert read([Tripwire(), 1]).items[0].name == "an object of class Tripwire"
    assert read({Tripwire: 1}).kind == "other"
