"""The page that a student reads: one HTML file for each submission, complete in itself, without scripts.

For each exercise it shows the points, what the check said, and the student's own answer. Checks are shown by what
they said, never by their source. Every word from a submission is escaped, and the page forbids loading anything.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from html import escape

from course_lib.classroom.grade.page import page
from course_lib.classroom.grade.results import ExerciseOutcome, State, Status, SubmissionResult

SIGNS = {State.PASSED: "✓", State.FAILED: "✗", State.BLANK: "○", State.STOPPED: "!", State.TO_MARK: "?"}
ROW = re.compile(r" {2}(?P<label>\S.{0,12}?) {2,}(?P<text>\S.*)")  # as course_lib.classroom.check lays out a message
WORDS = {"Difference", "Likely cause", "Try", "Says"}  # rows of prose; the others hold code
ANSWER_CHARACTERS = 20_000


def feedback_page(result: SubmissionResult) -> str:
    """Return the page for one submission."""
    submission = result.submission
    share = 100 * (result.points or 0) / result.most if result.most else 0
    total = "no mark" if result.points is None else f"{result.points:g} of {result.most:g} points"
    body = f"""<h1>{escape(result.title)}</h1>
<p class="who">Feedback for {escape(submission.name)}</p>
<div class="total"><strong>{total}</strong><div class="bar"><span style="width: {share:.1f}%"></span></div></div>
{_notes(result)}
{"".join(_exercise(outcome) for outcome in _without(result.reason, result.outcomes))}
<footer>{_closing(result)}</footer>"""
    return page(f"{result.title}: feedback for {submission.name}", body)


def _notes(result: SubmissionResult) -> str:
    reason = "It could not be graded yet." if result.status is Status.FAILED else result.reason
    notes = [note for note in (reason, *result.notes) if note]
    if not notes:
        return ""
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<div class="notes"><strong>About your file</strong><ul>{items}</ul></div>'


def _without(reason: str, outcomes: Iterable[ExerciseOutcome]) -> Iterable[ExerciseOutcome]:
    """The outcomes, without a message that only repeats what stands above all of them."""
    for outcome in outcomes:
        yield replace(outcome, message="") if outcome.message == reason else outcome


def _exercise(outcome: ExerciseOutcome) -> str:
    exercise = outcome.exercise
    points = "not yet marked" if outcome.points is None else f"{outcome.points:g} / {exercise.points:g}"
    return f"""<section class="{outcome.state.name.lower()}" id="{escape(exercise.name, quote=True)}">
<header><span class="sign" aria-hidden="true">{SIGNS[outcome.state]}</span><h2>{escape(exercise.title)}</h2>
<span class="points">{points}</span></header>
<p class="state"><code>{escape(exercise.name)}</code> · {escape(outcome.state.value)}</p>
{_answer_error(outcome)}{_message(outcome)}{_answer(outcome)}
</section>
"""


def _message(outcome: ExerciseOutcome) -> str:
    if outcome.state is State.BLANK and not outcome.answer:
        return '<div class="message"><p>You left this exercise as it was, so there is nothing to mark.</p></div>'
    if not outcome.message.strip():
        return ""
    if outcome.state is State.STOPPED:
        return f'<div class="message"><p>{_prose(outcome.message)}</p></div>'
    headline, rows = _rows(outcome.message)
    headline = re.sub(rf"^[✗○] {re.escape(outcome.exercise.name)}: ", "", headline)
    if outcome.state is State.BLANK:  # the rows below the headline advise what to do in the notebook
        left = headline.removeprefix("not attempted yet.").strip()
        return f'<div class="message"><p>This exercise is not finished. {_prose(left)}</p></div>'
    if not rows:
        return f'<div class="message"><pre class="block">{escape(outcome.message.strip())}</pre></div>'
    body = "".join(
        f"<tr><th>{escape(label)}</th><td>{_prose(text) if label in WORDS else f'<pre>{escape(text)}</pre>'}</td></tr>"
        for label, text in rows
    )
    return f'<div class="message"><p>{_prose(headline[:1].upper() + headline[1:])}</p><table>{body}</table></div>'


def _rows(message: str) -> tuple[str, list[tuple[str, str]]]:
    """A message of a check as its headline and rows of (label, text); no rows if it has another form."""
    headline, *lines = message.strip().splitlines()
    rows: list[tuple[str, str]] = []
    for line in lines:
        row = ROW.fullmatch(line)
        if row and line[16:17].strip():
            rows.append((line[2:16].strip(), line[16:]))
        elif rows and (line.startswith(" " * 16) or not line.strip()):
            rows[-1] = (rows[-1][0], f"{rows[-1][1]}\n{line[16:]}")
        else:
            return message, []
    return headline, rows


def _prose(text: str) -> str:
    """A sentence in which `code` between backticks is set as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escape(text))


def _answer_error(outcome: ExerciseOutcome) -> str:
    if not outcome.answer_error or outcome.answer_error == outcome.message:
        return ""
    text = f'<pre class="block">{escape(outcome.answer_error)}</pre>'
    return f'<div class="message"><p>Your answer cell itself ended with an error:</p>{text}</div>'


def _answer(outcome: ExerciseOutcome) -> str:
    if not outcome.answer.strip():
        return ""
    answer = escape(outcome.answer[:ANSWER_CHARACTERS])
    return f'<details><summary>Your answer</summary><pre class="block">{answer}</pre></details>'


def _closing(result: SubmissionResult) -> str:
    if result.status is Status.REFUSED:
        return "Your notebook could not be read, so no exercise was marked. Please ask whether you may send it again."
    if result.status is Status.FAILED:
        return "Your instructor knows what stood in the way."
    return (
        "The checks call your functions with other inputs than those you see in the notebook. "
        "The hints below each exercise in the notebook lead on from here."
    )
