"""The result of a batch, and how an instructor sees it: a table on the terminal and marks.csv."""

import csv
import io
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from rich import box
from rich.console import Console, detect_legacy_windows
from rich.table import Table
from rich.text import Text

from course_lib.classroom.grade.results import (
    Exercise,
    ExerciseOutcome,
    GradeResult,
    State,
    Status,
    SubmissionResult,
)
from course_lib.classroom.grade.submissions import Problem

STATUS_COLOURS = {Status.GRADED: "green", Status.PARTLY: "yellow", Status.REFUSED: "red", Status.FAILED: "red"}


def write_csv(path: Path, results: list[SubmissionResult]) -> None:
    """Write one row a submission: student, name, chapter, total, max, status, reason, then points by exercise."""
    exercises = list(dict.fromkeys(outcome.exercise.name for result in results for outcome in result.outcomes))
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["student", "name", "chapter", "total", "max", "status", "reason", *exercises])
    for result in results:
        points = {outcome.exercise.name: outcome.points for outcome in result.outcomes}
        submission = result.submission
        rows.writerow(
            [
                *(_harmless(text) for text in (submission.student, submission.name, submission.chapter)),
                _number(result.points),
                _number(result.most),
                result.status.value,
                _harmless(" ".join((result.reason, *result.notes)).strip()),
                *(_number(points.get(name)) for name in exercises),
            ]
        )
    write_whole(path, text.getvalue(), encoding="utf-8-sig")  # with the mark that makes Excel read UTF-8


def write_whole(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Write a file so that a process that is killed leaves the old content or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.part")
    half.write_text(text, encoding=encoding, newline="")
    os.replace(half, path)


def summary(result: GradeResult) -> str:
    """The whole report for the terminal: a table for each chapter, the problems, and the last line."""
    text = io.StringIO()
    width = shutil.get_terminal_size((110, 40)).columns
    colours = sys.stdout.isatty() and not detect_legacy_windows()
    console = Console(file=text, width=max(width, 80), force_terminal=colours, legacy_windows=False)
    for chapter in sorted({one.submission.chapter for one in result.results}):
        results = [one for one in result.results if one.submission.chapter == chapter]
        console.print(_table(chapter, results))
        console.print(Text(_legend(results), style="dim"))
        console.print()
    problems = [*_problems(result.results), *result.problems]
    if problems:
        console.print(Text("To look at", style="bold"))
        for problem in problems:
            console.print(Text(f"  {problem.where}: {problem.what}"))
        console.print()
    console.print(Text(_last_line(result)))
    return text.getvalue().rstrip("\n")


def _table(chapter: str, results: list[SubmissionResult]) -> Table:
    exercises = _exercises(results)
    table = Table(title=chapter, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("student", overflow="fold")
    table.add_column("points", justify="right", no_wrap=True)
    for number, _ in enumerate(exercises, 1):
        table.add_column(str(number), justify="right")
    table.add_column("status", overflow="fold")
    for result in results:
        points = {outcome.exercise.name: outcome for outcome in result.outcomes}
        table.add_row(
            Text(result.submission.student),
            f"{_number(result.points) or '–'} / {result.most:g}",
            *(_cell(points.get(exercise.name)) for exercise in exercises),
            Text(result.status.value, style=STATUS_COLOURS[result.status]),
        )
    return table


def _cell(outcome: ExerciseOutcome | None) -> Text:
    if outcome is None or outcome.points is None:
        return Text("?")
    if outcome.state is State.BLANK:
        return Text("·", style="dim")
    return Text(f"{outcome.points:g}", style="green" if outcome.state is State.PASSED else "red")


def _legend(results: list[SubmissionResult]) -> str:
    exercises = enumerate(_exercises(results), 1)
    names = [f"{number} {exercise.name} ({exercise.points:g})" for number, exercise in exercises]
    return "  ".join([*names, "· not attempted"])


def _exercises(results: list[SubmissionResult]) -> list[Exercise]:
    return [outcome.exercise for outcome in next((one.outcomes for one in results if one.outcomes), ())]


def _problems(results: list[SubmissionResult]) -> Iterable[Problem]:
    """What is worth a look in the submissions that were placed."""
    for result in results:
        for what in (result.reason, *result.notes):
            if what:
                yield Problem(f"{result.submission.student}, {result.submission.chapter}", what)


def _last_line(result: GradeResult) -> str:
    marked = [one for one in result.results if one.points is not None and one.most]
    mean = sum(one.points / one.most for one in marked) / len(marked) if marked else 0.0
    students = len({one.submission.student for one in result.results})
    counts = [f"{sum(one.status is status for one in result.results)} {status.value}" for status in Status]
    told = ", ".join(count for count in counts if not count.startswith("0 "))
    return (
        f"{_count(len(result.results), 'submission')} of {_count(students, 'student')} ({result.layout}): {told}; "
        f"mean {mean:.0%}; {result.seconds:.0f} s, {result.per_minute:.0f} a minute.\n"
        f"Marks: {result.csv}\nFeedback: {result.work / 'feedback'}\nGradebook: {result.work / 'gradebook.db'}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = " ".join(text.split())
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
