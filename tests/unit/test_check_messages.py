"""Right answers pass; each kind of wrong answer gets a message that names it."""

import numpy as np
import pytest
from check_tools import answer, message, verdict_of

from course_lib.classroom import NotAttempted, check

RIGHT = [
    ("def f(x): return x * 2", lambda t: t.tensor([[2, 4, 6]])),
    ("def f(x): return (x * 2).clone()", lambda t: t.tensor([[2, 4, 6]])),
    ("def f(x): return x / 3", lambda t: t.tensor([[1 / 3, 2 / 3, 1.0]])),
    ("def f(x): return tuple(x.shape)", lambda t: (1, 3)),
    ("def f(x): return x.shape", lambda t: (1, 3)),
    ("def f(x): return [x[0, 0].item(), 2.0]", lambda t: [1, 2]),
    ("def f(x): return 2", lambda t: 2.0),
    ("def f(x): return {'a': x, 'b': None}", lambda t: {"b": None, "a": t.tensor([[1, 2, 3]])}),
    ("def f(x): return x.dtype", lambda t: t.int64),
    ("def f(x): return x.to(torch.float32) / 0 * 0", lambda t: t.tensor([[float("nan")] * 3])),
    ("def f(x): return x[:, :0]", lambda t: t.zeros(1, 0, dtype=t.int64)),
    ("def f(x): return None", lambda t: None),
    ("def f(x): return 'three'", lambda t: "three"),
]


@pytest.mark.parametrize(("source", "expected"), RIGHT)
def test_right_answers_pass(torch, source, expected, capsys):
    function = answer(source, torch)
    wanted = expected(torch)
    with check("exercise") as c:
        if type(wanted) is list:
            c.call(function, torch.tensor([[1, 2, 3]])).gives(wanted, dtype=False)
        else:
            c.call(function, torch.tensor([[1, 2, 3]])).gives(wanted)
    captured = capsys.readouterr()
    assert captured.out == "✓ exercise passes.\n"
    assert captured.err == ""


# Each wrong answer to "twice x", for x = [[1, 2, 3], [4, 5, 6]], and words of the message.
WRONG = [
    ("def f(x): pass", "the type is not right", "without `return`"),
    ("def f(x): return (x * 2).tolist()", "the type is not right", "`torch.tensor(…)` makes one of it"),
    ("def f(x): return [row * 2 for row in x]", "the type is not right", "torch.stack"),
    ("def f(x): return (x * 2).sum().item()", "the type is not right", "must stay a tensor"),
    ("def f(x): return (x * 2).numpy()", "the type is not right", "NumPy array"),
    ("def f(x): return x.sum", "the type is not right", "the parentheses are missing"),
    ("def f(x): return (x * 2).T", "the shape is not right", "transposed"),
    ("def f(x): return (x * 2).sum()", "the shape is not right", "reduced to one number"),
    ("def f(x): return (x * 2)[None]", "the shape is not right", "size 1 too many"),
    ("def f(x): return (x * 2).reshape(-1)", "the shape is not right", "only the shape is not"),
    ("def f(x): return (x * 2)[:, :2]", "the shape is not right", "too small by 1"),
    ("def f(x): return x * 2.0", "the dtype is not right", "values are right, but their dtype is not"),
    ("def f(x): return -2 * x", "the values are not right", "sign is the opposite"),
    ("def f(x): return x", "the values are not right", "input unchanged"),
    ("def f(x): return 2 * x + 3", "the values are not right", "too large by 3"),
    ("def f(x): return torch.zeros_like(x)", "the values are not right", "Everything is 0"),
    ("def f(x): return (2 * x)[[1, 0]]", "the values are not right", "along dimension 0 is reversed"),
    ("def f(x):\n    x *= 2\n    return x", "the input was changed", "Work on a copy"),
    ("def f(x): return x * 2 if x[0, 0] == 1 and 1 / 0 else x", "your code stopped", "ZeroDivisionError"),
    ("def f(): return 1", "your code stopped", "takes other arguments"),
]


@pytest.mark.parametrize(("source", "headline", "cause"), WRONG)
def test_wrong_answers_are_named(torch, source, headline, cause):
    x = torch.tensor([[1, 2, 3], [4, 5, 6]])
    text = message(answer(source, torch), x, expected=x * 2)
    assert headline in text
    assert cause in text
    assert "Called f(tensor([[1, 2, 3], [4, 5, 6]]))" in text
    assert " Try " in text


def test_the_hint_of_the_check_is_what_to_try_where_it_helps(torch):
    x = torch.tensor([1, 2, 3])
    hint = "Multiply every number by 2."
    for source in ("def f(x): return x * 3", "def f(x): return x[0]", "def f(x): return x.no_such_method()"):
        assert f"Try {hint}" in message(answer(source, torch), x, expected=x * 2, hint=hint), source
    for source, advice in {
        "def f(x): return (x * 2).tolist()": "look at type(…)",
        "def f(x): return x * 2.0": "Print the dtype after each step",
    }.items():
        text = message(answer(source, torch), x, expected=x * 2, hint=hint)
        assert advice in text and hint not in text, source
        text = message(answer(source, torch), x, expected=x * 2, hint=hint, because={"Known.": lambda got: True})
        assert f"Known. Try {hint}" in text


def test_the_hint_is_shown_where_the_code_of_a_gradient_raises(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    raises = answer("def f(x): return x.no_such_method()", torch)
    cuts = answer("def f(x): return torch.tensor(x.tolist(), requires_grad=True)", torch)
    for function in (raises, cuts):
        verdict = verdict_of(lambda c, f=function: c.call(f, x).gradient(gives=x, hint="Stay with tensors."))
        assert "Stay with tensors." in str(verdict)


def test_floating_causes(torch):
    x = torch.tensor([0.5, -1.25, 3.0])
    cases = {
        "def f(x): return torch.sqrt(x)": "There is NaN",
        "def f(x): return x / (x - x)": "There is inf",
        "def f(x): return x * 1.5": "1.5 times the expected one",
        "def f(x): return x.to(torch.int64).to(torch.float32)": "The fractions are lost",
        "def f(x): return x[[1, 2, 0]]": "in another order",
        "def f(x): return x.double()": "pass `dtype=torch.float32`",
    }
    for source, cause in cases.items():
        assert cause in message(answer(source, torch), x, expected=x.clone() if "1.5" not in source else x), source


def test_dimension_causes(torch):
    x = torch.arange(24.0).reshape(2, 3, 4)
    assert "`dim` names the dimension" in message(answer("def f(x): return x.sum(0)", torch), x, expected=x.sum(1))
    assert "`keepdim=True`" in message(answer("def f(x): return x.sum(1)", torch), x, expected=x.sum(1, keepdim=True))
    text = message(answer("def f(x): return x", torch), x, expected=x.permute(2, 0, 1))
    assert "`.permute(2, 0, 1)` would put them right" in text


def test_overflow_is_named(torch):
    x = torch.tensor([200, 100], dtype=torch.uint8)
    text = message(answer("def f(x): return (x + x).to(torch.int64)", torch), x, expected=torch.tensor([400, 200]))
    assert "ran over the end of torch.uint8" in text


def test_masks_and_numbers(torch):
    x = torch.tensor([1, 5, 2])
    text = message(answer("def f(x): return x < 3", torch), x, expected=x >= 3)
    assert "True and False are exchanged" in text
    assert "`.item()` gives the Python number" in message(answer("def f(x): return x.sum()", torch), x, expected=8)
    assert "`//` keeps whole numbers" in message(answer("def f(x): return 8 / 2"), x, expected=4)
    assert "a bool, expected an int" in message(answer("def f(x): return True"), x, expected=1)
    assert "Round brackets" in message(answer("def f(x): return [1, 2]"), x, expected=(1, 2))
    assert "Item [1] is 3, expected 2." in message(answer("def f(x): return (1, 3)"), x, expected=(1, 2))
    assert "has 3 items, expected 2" in message(answer("def f(x): return (1, 2, 3)"), x, expected=(1, 2))
    assert "has the keys 'b'; expected 'a'" in message(answer("def f(x): return {'b': 1}"), x, expected={"a": 1})


def test_the_first_difference_is_shown_with_enough_digits(torch):
    text = message(answer("def f(x): return x * 2", torch), torch.tensor([1, 2, 3]), expected=torch.tensor([2, 4, 7]))
    assert "One value differs: [2]: 6, expected 7." in text
    near = answer("def f(): return 0.1234567")
    assert "0.1234567, expected 0.1234569" in message(near, expected=0.1234569, tolerance=1e-9)


def test_tolerance_follows_the_dtype(torch):
    noisy = answer("def f(x): return x + 2e-5", torch)
    single = torch.tensor([1.0, 2.0])
    with check("exercise") as c:
        c.call(noisy, single).gives(single)
    double = single.to(torch.float64)
    assert "too large by 2e-05" in message(noisy, double, expected=double)
    with check("exercise") as c:
        c.call(noisy, double).gives(double, tolerance=1e-3)


def test_dtype_false_lets_other_dtypes_pass(torch):
    with check("exercise") as c:
        c.call(answer("def f(x): return x.to(torch.float64)", torch), torch.tensor([1, 2])).gives(
            torch.tensor([1, 2]), dtype=False
        )


def test_the_authors_causes_come_first(torch):
    x = torch.tensor([1, 2, 3])
    because = {
        "A predicate that raises is passed over.": lambda got: got.no_such_attribute,
        "You squared the numbers.": torch.tensor([1, 4, 9]),
        "There are too many.": lambda got: got.numel() > 3,
    }
    squared = message(answer("def f(x): return x * x", torch), x, expected=2 * x, because=because, hint="Use +.")
    assert "Likely cause You squared the numbers." in squared
    assert "Try Use +." in squared
    longer = message(answer("def f(x): return torch.cat([x, x])", torch), x, expected=2 * x, because=because)
    assert "There are too many." in longer
    as_float = message(answer("def f(x): return x * x * 1.0", torch), x, expected=2 * x, because=because)
    assert "You squared the numbers." in as_float, "the cause is found under another dtype too"


def test_a_cause_that_differs_only_by_dtype_does_not_catch_everything(torch):
    x = torch.tensor([1, 2, 3])
    because = {"You made floats.": x.to(torch.float32)}
    text = message(answer("def f(x): return x.to(torch.float64)", torch), x, expected=x, because=because)
    assert "You made floats." not in text


def test_large_tensors_are_summarised(torch):
    big = torch.zeros(40, 50)
    text = message(answer("def f(x): return x + 1", torch), big, expected=big)
    assert "a tensor of shape (40, 50), torch.float32: 0.0, 0.0" in text
    assert len(text) < 1000


def test_values_and_conditions(torch):
    text = str(verdict_of(lambda c: c.value("shape_a", (3, 2)).gives((2, 3), hint="Count rows first.")))
    assert "Value of      shape_a" in text
    assert "Count rows first." in text
    text = str(verdict_of(lambda c: c.value("answer", torch.tensor([1])).gives(torch.tensor([1.0]))))
    assert "Look at `answer.dtype` in a new cell." in text
    for condition in (False, torch.tensor(False), np.bool_(False), None, "yes"):
        assert "It is not so." in str(verdict_of(lambda c, condition=condition: c.that(condition, "It is not so.")))
    with check("exercise") as c:
        c.that(torch.tensor([True]), "fine")
        c.that(np.bool_(True), "fine")


def test_raises(torch):
    strict = answer("def f(x):\n    if x < 0:\n        raise ValueError('x is negative')\n    return x")
    with check("exercise") as c:
        c.call(strict, -1).raises(ValueError, match="negative")
        c.call(strict, -1).raises(Exception)
    assert "no error; it returned 1" in str(verdict_of(lambda c: c.call(strict, 1).raises(ValueError)))
    assert "ValueError: x is negative" in str(verdict_of(lambda c: c.call(strict, -1).raises(TypeError)))
    assert "that says: small" in str(verdict_of(lambda c: c.call(strict, -1).raises(ValueError, match="small")))
    unfinished = answer("def f(x):\n    raise NotImplementedError('f is not written yet.')")
    assert type(verdict_of(lambda c: c.call(unfinished, 1).raises(ValueError))) is NotAttempted


def test_an_error_nobody_asked_for_fails_the_check_at_its_end():
    text = str(verdict_of(lambda c: (c.that(True, ""), c.call(answer("def f():\n    return 1 / 0")))))
    assert "ZeroDivisionError: division by zero" in text
    assert "line 2, in f: return 1 / 0" in text


def test_memory(torch):
    view, copy = answer("def f(x): return x[1:]"), answer("def f(x): return x[1:].clone()")
    x = torch.tensor([1, 2, 3])
    with check("exercise") as c:
        c.call(view, x).gives(x[1:]).shares_memory(True)
        c.call(copy, x).gives(x[1:]).shares_memory(False)
    assert "Got           a view: it shares memory with argument 1" in str(
        verdict_of(lambda c: c.call(view, x).shares_memory(False))
    )


def test_inputs_that_may_change(torch):
    adder = answer("def f(x):\n    x += 1")
    x = torch.tensor([1, 2])
    with check("exercise") as c:
        result = c.call(adder, x, may_modify=True)
        c.value("x", result.arguments[0]).gives(torch.tensor([2, 3]))
    assert x.tolist() == [1, 2], "the check's own tensor stays as it was"
    text = str(verdict_of(lambda c: (c.that(True, ""), c.call(adder, x))))
    assert "the input was changed" in text
    text = str(verdict_of(lambda c: c.call(answer("def f(v):\n    v.append(1)\n    return 0"), [1]).gives(0)))
    assert "argument 1 is now [1, 1]" in text


def test_gradient(torch):
    if not hasattr(torch.tensor([1.0]), "backward"):
        pytest.skip("tensors have no backward yet")
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    square = answer("def f(x): return x * x")
    with check("exercise") as c:
        c.call(square, x).gives(torch.tensor([1.0, 4.0, 9.0])).gradient(of=0, gives=torch.tensor([2.0, 4.0, 6.0]))
        c.call(square, x).gradient(gives=torch.tensor([2.0, 0.0, 6.0]), weight=torch.tensor([1.0, 0.0, 1.0]))
    assert x.grad is None
    wrong = verdict_of(lambda c: c.call(square, x).gradient(gives=torch.tensor([1.0, 2.0, 3.0])))
    assert "the gradient of the sum of the result with respect to argument 1" in str(wrong)
    unused = answer("def f(x, y): return y * 2")
    lonely = verdict_of(lambda c: c.call(unused, x, x.detach().requires_grad_()).gradient(of=0, gives=x.detach()))
    assert "cuts the graph" in str(lonely)
