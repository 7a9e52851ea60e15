"""The vocabulary in which the checks of an exercise are written.

    with check("make_checkerboard") as c:
        c.call(make_checkerboard, 2, 3).gives(torch.tensor([[0, 1, 0], [1, 0, 1]]))

`c.call` runs the student's function on copies of the arguments and returns a `Result`; `c.value` takes a value as it
is; `.gives`, `.raises`, `.gradient` and `.shares_memory` judge the result. The first thing that is wrong ends the check
with `CheckFailed`, a blank answer ends it with `NotAttempted`; both show only their message, never a traceback. The
student's objects are touched only by `call_student` and `read`, so a check means the same when the student's code runs
in another process.
"""

import contextlib
import functools
import io
import traceback
import warnings
from collections.abc import Callable, Mapping

from course_lib.classroom.calls import Outcome, StudentError, call_student, error_text, library_place, own_frames
from course_lib.classroom.causes import CHANGED_INPUT, CUT_GRAPH, error_cause, likely_cause, next_step
from course_lib.classroom.compare import Difference, compare
from course_lib.classroom.messages import call_line, layout, show
from course_lib.classroom.plain import class_name, is_tensor, read, unanswered
from course_lib.classroom.progress import FAILED, NOT_ATTEMPTED, PASSED, remember

_HEADLINES = {
    "type": "the type is not right yet",
    "shape": "the shape is not right yet",
    "dtype": "the dtype is not right yet",
    "values": "the values are not right yet",
}


class CheckFailed(Exception):
    """An answer is not right yet; the message says why. A notebook shows the message and no traceback."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


class NotAttempted(CheckFailed):
    """An exercise still holds its blank."""


class CheckMistake(Exception):
    """A check is written wrongly, which its author must mend; no answer of a student leads here."""


def check(name: str) -> "Check":
    """Begin the check of one exercise: `with check("name") as c:`."""
    return Check(name)


class Check:
    """The check of one exercise, as a context manager.

    While it is open, warnings and everything written on stderr are dropped: nbgrader takes any text on stderr for a
    failure. On the way out it prints one line if everything held, and otherwise turns whatever went wrong into
    CheckFailed or NotAttempted.
    """

    def __init__(self, name: str):
        self.name = name
        self._results: list[Result] = []
        self._judgements = 0
        self._quiet = contextlib.ExitStack()

    def __enter__(self) -> "Check":
        self._quiet.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        self._quiet.enter_context(contextlib.redirect_stderr(io.StringIO()))
        return self

    def __exit__(self, kind, error, trace) -> bool:
        self._quiet.close()
        if error is None:
            try:
                self._conclude()
            except Exception as problem:
                error, trace = problem, problem.__traceback__
        if isinstance(error, CheckMistake):
            raise error
        if error is None:
            remember(self.name, PASSED)
            print(f"✓ {self.name} passes.")
            return False
        verdict = error if isinstance(error, CheckFailed) else self._explain(error, trace)
        remember(self.name, NOT_ATTEMPTED if isinstance(verdict, NotAttempted) else FAILED)
        raise verdict.with_traceback(None) from None

    def __repr__(self) -> str:
        return f'Write it as a block: with check("{self.name}") as c: …'

    # ---- what a check can say ------------------------------------------------------------------------------------

    def call(self, function, /, *args, may_modify: bool = False, **kwargs) -> "Result":
        """Call a student's function on copies of the arguments.

        Args:
            may_modify: the exercise asks for a change in place. Without it, a changed input is a failure.
        """
        call = functools.partial(call_student, function, args, kwargs)
        inputs = None if may_modify else (args, kwargs)
        result = Result(self, ("Called", call_line(function, args, kwargs)), call(), inputs, call)
        self._results.append(result)
        return result

    def value(self, name: str, value) -> "Result":
        """Take a value that the student made; `name` says which one."""
        return Result(self, ("Value of", name), Outcome(value))

    def that(self, condition, what_is_wrong: str, hint: str | None = None) -> None:
        """Fail with the sentence `what_is_wrong` unless the condition, a bool or a one-element tensor, is true."""
        self._judgements += 1
        answer = read(condition)
        if answer.array is None or answer.array.size != 1 or not answer.array.all():
            called = [self._results[-1]._called] if self._results else []
            self._fail("not right yet", [*called, ("Difference", what_is_wrong), ("Try", hint or "")])

    # ---- how it ends ---------------------------------------------------------------------------------------------

    def _conclude(self) -> None:
        for result in self._results:
            result._settle()
        if not self._judgements:
            raise CheckMistake(f'check("{self.name}") judges nothing: end each c.call(…) with .gives(…), for example')

    def _fail(self, headline: str, rows: list[tuple[str, str]]) -> None:
        raise CheckFailed(layout(f"✗ {self.name}: {headline}.", rows))

    def _blank(self, what: str = "") -> None:
        rows = [("Try", "Write your answer in the cell above, run that cell, then run this one again.")]
        raise NotAttempted(layout(f"○ {self.name}: not attempted yet. {what}".rstrip(), rows))

    def _explain(self, error: BaseException, trace) -> CheckFailed:
        """Turn an exception that the check's own lines met into a message for the student."""
        frames = list(traceback.walk_tb(trace))
        if isinstance(error, NameError) and error.name and len(own_frames(frames)) == len(frames):
            rows = [("Try", "Run the cell with your answer first. If it ran, look for an error message under it.")]
            return NotAttempted(layout(f"○ {self.name}: `{error.name}` is not defined yet.", rows))
        if isinstance(error, KeyboardInterrupt):
            headline = f"✗ {self.name}: stopped before it came to an end."
            rows = [("Try", "Look for a loop that never ends, or that does far too much.")]
            return CheckFailed(layout(headline, rows))
        place = library_place(frames)
        rows = [
            ("Error", f"{class_name(type(error))}: {error_text(error)}"),
            ("Met in", place),
            ("Likely cause", "" if place else "Your answer is not the kind of object that the exercise asks for."),
            ("Try", "Read the signature and the example of the exercise again, and compare your answer with them."),
        ]
        return CheckFailed(layout(f"✗ {self.name}: the check could not use your answer.", rows))


class Result:
    """What a student's function returned, or a value that the student made, waiting to be judged.

    Args:
        check: the check that it belongs to.
        called: the row of the message that says what was called, or which value was looked at.
        outcome: what came of it.
        inputs: (args, kwargs) as they must still be after the call; None where they may change.
        call: repeats the call, to differentiate it; None for a value.
    """

    def __init__(self, check: Check, called: tuple[str, str], outcome: Outcome, inputs=None, call=None):
        self._check = check
        self._called = called
        self._outcome = outcome
        self._inputs = inputs
        self._call: Callable[..., Outcome] | None = call
        self._error_expected = False

    @property
    def value(self):
        """The value itself; the check fails here if the call raised."""
        return self._demand_outcome().value

    @property
    def arguments(self) -> tuple:
        """The positional arguments after the call."""
        return self._demand_outcome().arguments

    def gives(
        self,
        expected,
        dtype: bool = True,
        tolerance: float | None = None,
        because: Mapping[str, object] | None = None,
        hint: str | None = None,
    ) -> "Result":
        """Demand a value: its type, its shape, its dtype, its numbers, and inputs left as they were.

        Args:
            expected: a tensor, an array, a number, a string, None, a dtype, or lists, tuples and dicts of these.
            dtype: whether dtypes must agree, and whole numbers be told from floats.
            tolerance: relative and absolute, in place of the usual one for the dtype.
            because: likely causes; each sentence maps to the wrong value that betrays it, or to a predicate on the
                student's value. The first that fits is shown.
            hint: what to try next, shown where the shape or the values differ, where a cause of `because` fits, and
                where the student's code raises. A wrong type or dtype has advice of its own.
        """
        value = self._demand_outcome(hint).value
        self._judge(value, expected, dtype, tolerance, because, hint, rows=[self._called])
        self._demand_inputs_unchanged()
        return self

    def gradient(
        self,
        of: int = 0,
        *,
        gives,
        weight=None,
        dtype: bool = True,
        tolerance: float | None = None,
        because: Mapping[str, object] | None = None,
        hint: str | None = None,
    ) -> "Result":
        """Demand the gradient of the sum of the result (times `weight`) with respect to a positional argument."""
        self._demand_outcome(hint)
        total = "the sum of the result" if weight is None else "a weighted sum of the result"
        rows = [self._called, ("Then", f"the gradient of {total} with respect to argument {of + 1}")]
        outcome = self._call(gradient_of=of, weight=weight)
        if outcome.error:
            self._fail_with_error(outcome.error, rows, hint)
        if outcome.gradient is None:
            rows += [("Expected", show(gives)), ("Got", "None"), ("Likely cause", CUT_GRAPH), ("Try", hint or "")]
            self._check._fail("no gradient arrives", rows)
        self._judge(outcome.gradient, gives, dtype, tolerance, because, hint, rows)
        return self

    def raises(self, kind: type[BaseException], match: str | None = None, hint: str | None = None) -> "Result":
        """Demand that the call raised an exception of this class, and that it says `match`."""
        self._check._judgements += 1
        self._error_expected = True
        error = self._outcome.error
        if error is None:
            got = f"no error; it returned {show(self._outcome.value, inline=True)}"
        elif kind.__name__ not in error.kinds:
            if error.unfinished:
                self._check._blank()
            got = f"{error.kinds[0]}: {error.text}"
        elif match is not None and match not in error.text:
            got = f"{error.kinds[0]}, which says: {error.text}"
        else:
            self._demand_inputs_unchanged()
            return self
        expected = f"an error of type {kind.__name__}" + (f" that says: {match}" if match else "")
        rows = [self._called, ("Expected", expected), ("Got", got)]
        self._check._fail("the error is not the expected one", [*rows, *_places(error), ("Try", hint or "")])

    def shares_memory(self, expected: bool, argument: int = 0, hint: str | None = None) -> "Result":
        """Demand that the result lies in the memory of an argument (a view), or that it does not (a copy)."""
        self._check._judgements += 1
        if self._demand_outcome(hint).shares[argument] is expected:
            return self
        view = f"a view: it shares memory with argument {argument + 1}"
        copy = f"a copy: its memory is apart from that of argument {argument + 1}"
        wanted, got = (view, copy) if expected else (copy, view)
        usual = "A slice, `view` or `.T` gives a view." if expected else "`.clone()` gives a copy."
        rows = [self._called, ("Expected", wanted), ("Got", got), ("Try", hint or usual)]
        self._check._fail("the memory is not right yet", rows)

    # ---- how a result is judged ----------------------------------------------------------------------------------

    def _judge(self, value, expected, dtype, tolerance, because, hint, rows) -> None:
        self._check._judgements += 1
        wanted, got = read(expected), read(value)
        if wanted.kind == "other":
            raise CheckMistake(f"a check cannot compare with {wanted.name}: expect plain values or tensors")
        called = self._call is not None
        if unanswered(got) and not unanswered(wanted) and not (called and got.source is None):
            self._check._blank(f"`{self._called[1]}` is still {show(got)}.")
        difference = compare(wanted, got, dtype=dtype, tolerance=tolerance)
        if difference is None:
            return
        cause = _cause_given(because, value, got, wanted, tolerance)
        advice = next_step(difference, None if called else self._called[1])
        if hint and (cause or difference.kind in ("shape", "values")):  # a hint is about the numbers, not their type
            advice = hint
        if cause is None and self._changed_input():
            cause = "Your function changed its input while it worked."
        if cause is None:
            arguments = tuple(read(argument) for argument in self._inputs[0]) if self._inputs else ()
            cause = likely_cause(difference, arguments)
        self._check._fail(
            _HEADLINES[difference.kind],
            [
                *rows,
                ("Expected", _shown(wanted, difference)),
                ("Got", _shown(got, difference)),
                ("Difference", difference.text),
                ("Likely cause", cause or ""),
                ("Try", advice),
            ],
        )

    def _demand_outcome(self, hint: str | None = None) -> Outcome:
        if self._outcome.error is not None:
            self._error_expected = True
            self._fail_with_error(self._outcome.error, [self._called], hint)
        return self._outcome

    def _fail_with_error(self, error: StudentError, rows, hint: str | None = None) -> None:
        if error.unfinished:
            self._check._blank()
        usual = "Run this call in a new cell, and print what the names in that line hold."
        rows = [*rows, ("Error", f"{error.kinds[0]}: {error.text}"), *_places(error)]
        rows.append(("Likely cause", error_cause(error.kinds[0], error.text) or ""))
        rows.append(("Try", hint or usual))
        self._check._fail("your code stopped with an error", rows)

    def _demand_inputs_unchanged(self) -> None:
        changed = self._changed_input()
        if changed is None:
            return
        label, before, after = changed
        rows = [
            self._called,
            ("Expected", f"{label} as it was before the call, {show(before, inline=True)}"),
            ("Got", f"{label} is now {show(after, inline=True)}"),
            ("Likely cause", CHANGED_INPUT),
            ("Try", "Work on a copy, `x = x.clone()`, or use the operation that returns a new tensor."),
        ]
        self._check._fail("the input was changed", rows)

    def _changed_input(self):
        """The first argument that the call changed, as (label, before, after), or None."""
        if self._inputs is None:
            return None
        args, kwargs = self._inputs
        after_call = self._outcome.arguments
        pairs = [(f"argument {i}", *pair) for i, pair in enumerate(zip(args, after_call, strict=False), 1)]
        pairs += [(f"argument {name}", kwargs[name], after) for name, after in self._outcome.keywords.items()]
        for label, before, after in pairs:
            if compare(read(before), read(after), tolerance=0.0):
                return label, before, after
        return None

    def _settle(self) -> None:
        """At the end of the check: an error nobody asked for fails it, and so does a changed input."""
        if not self._error_expected:
            self._demand_outcome()
        self._demand_inputs_unchanged()


def _cause_given(because, value, got, wanted, tolerance) -> str | None:
    """The first of the author's causes whose wrong value, or predicate, fits the student's value."""
    for sentence, betrays in (because or {}).items():
        if callable(betrays) and not is_tensor(betrays):
            with contextlib.suppress(Exception):
                if bool(betrays(value)):
                    return sentence
            continue
        wrong = read(betrays)
        if compare(wrong, got, tolerance=tolerance) is None:
            return sentence
        apart = compare(wanted, wrong, dtype=False, tolerance=tolerance) is not None
        if apart and compare(wrong, got, dtype=False, tolerance=tolerance) is None:
            return sentence
    return None


def _shown(plain, difference: Difference) -> str:
    """A value for the rows Expected and Got, with its type or shape beside it where that is what differs."""
    text = show(plain)
    if difference.kind == "type" and plain.kind != "nothing":
        return f"{text}\n({plain.name})"
    if plain.kind not in ("tensor", "array"):
        return text
    beside = {"shape": f"shape {plain.shape}", "dtype": plain.dtype}.get(difference.kind, "")
    return f"{text}\n({beside})" if beside and beside not in text else text


def _places(error: StudentError | None) -> list[tuple[str, str]]:
    return [("In your code", "\n".join(error.where))] if error is not None and error.where else []
