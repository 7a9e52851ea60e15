"""What came of a submission, exercise by exercise: the points, a state, and the words that the student reads.

`read_outcomes` looks at the outputs of a run notebook and at the marks in the gradebook. All text that comes from the
run was written by somebody unknown: it is cut, freed of terminal codes and of lines of hidden checks, and is still
only ever shown as text.
"""

import re
from collections.abc import Mapping

from nbformat import NotebookNode

from course_lib.classroom.grade.assignment import Assignment, grade_id
from course_lib.classroom.grade.executor import ExecutedNotebook
from course_lib.classroom.grade.preflight import MISSING_ANSWER, same_code
from course_lib.classroom.grade.record import Mark
from course_lib.classroom.grade.results import ExerciseOutcome, State

MESSAGE_CHARACTERS = 4_000
TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
CELL_FILES = re.compile(r"\((?:<[^>]*>|[^()\s]*\.py), (line \d+)\)")


def read_outcomes(
    assignment: Assignment, answers: Mapping[str, str], executed: ExecutedNotebook, marks: Mapping[str, Mark]
) -> list[ExerciseOutcome]:
    """Return the outcome of each exercise of the assignment, in the order of the notebook."""
    cells = {grade_id(cell): cell for cell in executed.notebook.cells}
    stubs = {grade_id(cell): cell.source for cell in assignment.released.cells}
    stopped = {grade_id(executed.notebook.cells[index]) for index in executed.incidents}
    outcomes = []
    for exercise in assignment.exercises:
        sources = {name: answers.get(name, stubs[name]) for name in exercise.answers}
        untouched = all(source == MISSING_ANSWER or same_code(source, stubs[name]) for name, source in sources.items())
        error = _error(cells.get(exercise.name))
        answer_errors = [_words(_error(cells.get(name)), assignment) for name in exercise.answers]
        if exercise.name in exercise.answers:
            state = State.TO_MARK
        elif error is None:
            state = State.PASSED
        elif error.ename == "NotRun" or exercise.name in stopped or any(name in stopped for name in exercise.answers):
            state = State.STOPPED
        elif untouched or error.ename == "NotAttempted" and not any(answer_errors):
            state = State.BLANK
        else:
            state = State.FAILED
        outcomes.append(
            ExerciseOutcome(
                exercise=exercise,
                state=state,
                points=marks[exercise.name].points,
                message="" if _follows(error, answer_errors) else _words(error, assignment),
                answer_error="" if untouched else "\n".join(filter(None, answer_errors)),
                answer="" if untouched else "\n\n".join(sources.values()),
            )
        )
    return outcomes


def clean(text: str, most: int = MESSAGE_CHARACTERS) -> str:
    """Text from a submission without terminal codes, control characters and excess."""
    text = TERMINAL_CODES.sub("", text[: 4 * most])
    return text if len(text) <= most else f"{text[:most]}\n… (the rest was cut)"


def _follows(error: NotebookNode | None, answer_errors: list[str]) -> bool:
    """Whether a check found no answer only because the answer cell ended with an error, which is told instead."""
    return error is not None and error.ename == "NotAttempted" and any(answer_errors)


def _error(cell: NotebookNode | None) -> NotebookNode | None:
    outputs = cell.outputs if cell is not None and cell.cell_type == "code" else []
    return next((output for output in outputs if output.output_type == "error"), None)


def _words(error: NotebookNode | None, assignment: Assignment) -> str:
    """What an error says: the check's own message as it is, any other exception with its name."""
    if error is None:
        return ""
    text = CELL_FILES.sub(r"(\1)", clean(str(error.evalue)))
    if error.ename not in ("CheckFailed", "NotAttempted", "NotRun", "AssertionError"):
        text = f"{error.ename}: {text}" if text.strip() else f"{error.ename}"
    lines = ("(a line of a hidden check)" if line.strip() in assignment.hidden else line for line in text.splitlines())
    return "\n".join(lines)
