"""From what a student sent to a notebook that may be run: the released one, with the student's answers put in.

`rebuild` takes from the submission the sources of the answer cells, by grade id, and the student's own extra code
cells, which may define helpers that an answer uses. Everything else (checks, explanations, metadata) comes from the
trusted Assignment. Nothing is executed here; whatever is odd about the submission becomes a note.
"""

import copy
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from course_lib.classroom.grade.assignment import Assignment, exercise_of, grade_id, is_answer
from course_lib.classroom.grade.cells import Cell
from course_lib.classroom.grade.files import Unreadable

MISSING_ANSWER = "# This answer cell was missing from the submission."


@dataclass(frozen=True)
class Rebuilt:
    """The notebook to run (its checks are the released, visible ones), the answers, and what was noticed."""

    notebook: NotebookNode
    answers: dict[str, str]
    notes: tuple[str, ...]


def rebuild(cells: list[Cell], assignment: Assignment) -> Rebuilt:
    """Return the released notebook with the answers and extra cells of a submission. Raises Unreadable."""
    released = assignment.released.cells
    places = _matches(cells, released)
    if not any(grade_id(released[index]) for index in places.values()):
        raise Unreadable(f"it holds no exercise of {assignment.chapter}")
    sent = defaultdict(list)
    for position, index in sorted(places.items()):
        sent[index].append(cells[position].source)
    extras = _extra_cells(cells, places, released)

    notebook = copy.deepcopy(assignment.released)
    notebook.cells, answers, notes, changed = [*extras[-1]], {}, [], []
    for index, cell in enumerate(copy.deepcopy(released)):
        name = grade_id(cell)
        if is_answer(cell):
            notes += _answer_notes(exercise_of(cell), cell.source, sent[index])
            cell.source = answers[name] = _chosen(sent[index], cell.source)
        elif name in assignment.checks:
            notes += _check_notes(name, sent[index])
            if any(not same_code(source, cell.source) for source in sent[index]):
                changed.append(name)
        notebook.cells += [cell, *extras[index]]
    return Rebuilt(notebook, answers, (*notes, *_changed_checks(changed, len(assignment.checks))))


def same_code(one: str, other: str) -> bool:
    """Whether two sources differ at most in blank lines and in the ends of lines."""
    return [line.rstrip() for line in one.splitlines() if line.strip()] == [
        line.rstrip() for line in other.splitlines() if line.strip()
    ]


def _matches(cells: list[Cell], released: list[NotebookNode]) -> dict[int, int]:
    """For each sent cell that stems from a released one, which: by grade id, by cell id, then by equal source.

    The last two find the cells of a notebook that passed through a tool which drops nbgrader's metadata.
    """
    by_grade_id = {grade_id(cell): index for index, cell in enumerate(released) if grade_id(cell)}
    by_cell_id = {cell.id: index for index, cell in enumerate(released) if "id" in cell}
    by_source = {(cell.cell_type, cell.source.strip()): index for index, cell in enumerate(released)}
    matches = {}
    for position, cell in enumerate(cells):
        for known, key in (
            (by_grade_id, cell.grade_id),
            (by_cell_id, cell.cell_id),
            (by_source, (cell.kind, cell.source.strip())),
        ):
            if key in known:
                matches[position] = known[key]
                break
    return matches


def _extra_cells(
    cells: list[Cell], places: dict[int, int], released: list[NotebookNode]
) -> dict[int, list[NotebookNode]]:
    """The student's own code cells by the released cell they stand behind (-1: at the top).

    An ungraded released cell that the student changed counts as one too, behind the original.
    """
    extras: dict[int, list[NotebookNode]] = defaultdict(list)
    behind = -1
    for position, cell in enumerate(cells):
        behind = places.get(position, behind)
        if position in places:
            original = released[behind]
            if grade_id(original) or original.cell_type != "code" or same_code(original.source, cell.source):
                continue
        if cell.kind == "code" and cell.source.strip():
            extra = nbformat.v4.new_code_cell(cell.source)
            extra.id = f"extra-{position}"
            extras[behind].append(extra)
    return extras


def _chosen(sent: list[str], stub: str) -> str:
    """Of the copies of an answer cell, the last one that was worked on."""
    if not sent:
        return MISSING_ANSWER
    return next((source for source in reversed(sent) if not same_code(source, stub)), sent[-1])


def _answer_notes(name: str, stub: str, sent: list[str]) -> Iterable[str]:
    if not sent:
        yield f"The answer cell of {name} is missing."
    if len(sent) > 1:
        yield f"The answer cell of {name} is there {len(sent)} times; the last one with an answer was graded."


def _check_notes(name: str, sent: list[str]) -> Iterable[str]:
    if not sent:
        yield f"The check cell {name} was missing and has been put back."
    elif len(sent) > 1:
        yield f"The check cell {name} is there {len(sent)} times; it was run once."


def _changed_checks(names: list[str], of: int) -> Iterable[str]:
    """One sentence for all check cells that do not read as released, however many they are."""
    if len(names) == 1:
        yield f"The check cell {names[0]} was changed; the original was run."
    elif names:
        which = "All" if len(names) == of else f"{len(names)} of {of}"
        yield f"{which} check cells were changed ({', '.join(names)}); the originals were run."
