"""How a check calls an answer: copies that keep their layout, and the seam for answers in another process."""

import numpy as np
import pytest
from check_tools import answer, verdict_of

from course_lib.classroom import check
from course_lib.classroom.calls import Outcome, StudentError, call_student, fresh_copies, shares_memory


def test_copies_are_equal_but_apart(torch):
    x, array = torch.tensor([[1, 2], [3, 4]]), np.arange(3)
    (copy, array_copy, items, number), named = fresh_copies((x, array, [x, (x, 1)], 5), {"mapping": {"x": x}})
    assert copy.tolist() == x.tolist() and not shares_memory(copy, x)
    assert array_copy.tolist() == [0, 1, 2] and not shares_memory(array_copy, array)
    assert type(items[1]) is tuple and items[1][1] == 1 and number == 5
    assert not shares_memory(items[0], x) and not shares_memory(named["mapping"]["x"], x)
    assert shares_memory(items[0], copy), "what was one tensor stays one tensor"


def test_copies_keep_strides(torch):
    x = torch.arange(24).reshape(4, 6)
    for view in (x[1:, ::2], x.T, x[2], x[:, 3:4], x.reshape(2, 2, 6).permute(2, 0, 1), x[:1].expand(3, 6)):
        (copy,), _ = fresh_copies((view,), {})
        assert copy.stride() == view.stride()
        assert tuple(copy.shape) == tuple(view.shape)
        assert copy.storage_offset() == view.storage_offset()
        assert copy.tolist() == view.tolist()


def test_views_of_one_tensor_stay_views_of_one_copy(torch):
    x = torch.arange(6)
    (whole, part), _ = fresh_copies((x, x[2:4]), {})
    part.fill_(9) if hasattr(part, "fill_") else part.add_(9 - part)
    assert whole.tolist() == [0, 1, 9, 9, 4, 5]
    assert x.tolist() == [0, 1, 2, 3, 4, 5]


def test_copies_of_tensors_with_gradients_are_leaves(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (copy,), _ = fresh_copies((x,), {})
    assert copy.requires_grad and copy.is_leaf and copy.grad is None
    assert not shares_memory(copy, x)


def test_shared_memory_is_seen(torch):
    x = torch.arange(6).reshape(2, 3)
    assert shares_memory(x, x.T) and shares_memory(x[0], x)
    assert not shares_memory(x[:, 0], x[:, 1]), "interleaved views have no byte in common"
    assert not shares_memory(x, x.clone()) and not shares_memory(x, 3)
    assert shares_memory(x.numpy(), x)


def test_an_outcome_is_plain_about_errors():
    outcome = call_student(answer("def g(x):\n    return x / 0\ndef f(x):\n    return g(x)"), (1,), {})
    assert outcome.error == StudentError(
        ("ZeroDivisionError", "ArithmeticError", "Exception", "BaseException"),
        "division by zero",
        ("line 4, in f: return g(x)", "line 2, in g: return x / 0"),
    )
    assert outcome.value is None and outcome.arguments == (1,)


def test_an_interrupt_passes_through():
    with pytest.raises(KeyboardInterrupt):
        call_student(answer("def f(): raise KeyboardInterrupt"), (), {})


class Remote:
    """A function in another process, as a grader has it: what crosses is an Outcome."""

    def __init__(self, outcome):
        self.outcome, self.calls = outcome, []

    __name__ = "f"

    def __student_call__(self, args, kwargs, **options):
        self.calls.append((args, kwargs, options))
        return self.outcome


def test_a_remote_answer_is_judged_by_its_outcome(torch):
    x = torch.tensor([1.0, 2.0])
    remote = Remote(Outcome(value=x * 2, arguments=(x,), shares=(False,), gradient=x * 0 + 2))
    with check("exercise") as c:
        c.call(remote, x).gives(x * 2).shares_memory(False).gradient(gives=torch.tensor([2.0, 2.0]))
    assert [options for _, _, options in remote.calls] == [{}, {"gradient_of": 0, "weight": None}]
    changed = Remote(Outcome(value=x * 2, arguments=(x + 1,)))
    assert "the input was changed" in str(verdict_of(lambda c: c.call(changed, x).gives(x * 2)))
    failed = Remote(Outcome(error=StudentError(("ValueError", "Exception"), "no", ("line 3, in f: raise",))))
    text = str(verdict_of(lambda c: c.call(failed, x).gives(x)))
    assert "Called        f(tensor([1., 2.]))" in text and "line 3, in f: raise" in text
