"""What grading trusts of a chapter: the released notebook, the whole checks, the exercises with their points."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nbformat import NotebookNode

from course_lib.classroom.grade.results import Exercise
from course_lib.classroom.notebook import answer_id


@dataclass(frozen=True)
class Assignment:
    """What grading trusts of a chapter.

    Attributes:
        released: the notebook as students got it; checks: the whole source of each check, hidden parts included.
        hidden: the source lines that stand only in the whole checks and must not reach a student.
    """

    chapter: str
    title: str
    released: NotebookNode
    exercises: tuple[Exercise, ...]
    checks: dict[str, str]
    hidden: frozenset[str]

    @property
    def points(self) -> float:
        return sum(exercise.points for exercise in self.exercises)


def grade_id(cell: NotebookNode) -> str:
    """nbgrader's name for a cell; empty for a cell that it has no part in."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def is_answer(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def exercise_of(cell: NotebookNode) -> str:
    """The name of the exercise that a cell with an answer or a check belongs to; empty for other cells."""
    return grade_id(cell).removesuffix(answer_id(""))


def is_check(cell: NotebookNode) -> bool:
    nbgrader = cell.metadata.get("nbgrader", {})
    return bool(nbgrader.get("grade")) and not nbgrader.get("solution")


def read_assignment(name: str, source: NotebookNode, released: NotebookNode) -> Assignment:
    """Return what grading trusts of a chapter, from its solution notebook and the one that students got."""
    checks = {grade_id(cell): cell.source for cell in source.cells if is_check(cell)}
    visible = {line.strip() for cell in released.cells for line in cell.source.splitlines()}
    hidden = {line.strip() for text in checks.values() for line in text.splitlines()} - visible
    titles = re.findall(r"^#\s+(.+)$", "\n".join(c.source for c in released.cells if c.cell_type == "markdown"), re.M)
    return Assignment(
        chapter=name,
        title=_plain(titles[0]) if titles else name,
        released=released,
        exercises=tuple(_exercises(released)),
        checks=checks,
        hidden=frozenset(line for line in hidden if len(line) >= 8),
    )


def _exercises(released: NotebookNode) -> Iterator[Exercise]:
    """Each graded cell, with the answer cells and the last heading since the one before."""
    answers, heading = [], ""
    for cell in released.cells:
        if cell.cell_type == "markdown":
            heading = next(iter(re.findall(r"^#+\s+(.+)$", cell.source, re.M)), heading)
        if is_answer(cell):
            answers.append(grade_id(cell))
        if cell.metadata.get("nbgrader", {}).get("grade"):
            points = float(cell.metadata.nbgrader.points)
            yield Exercise(grade_id(cell), _plain(heading) or grade_id(cell), points, tuple(answers))
            answers, heading = [], ""


def _plain(heading: str) -> str:
    return re.sub(r"[`*]", "", heading).strip()
