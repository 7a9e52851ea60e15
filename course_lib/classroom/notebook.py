"""From a `Chapter` to the instructor's notebook: cells with nbgrader's metadata, not yet run.

Nothing here depends on when or where it runs: cell ids come from the cell's role or its text, and the notebook's
metadata names no patch version, so the same source always gives the same bytes.
"""

import hashlib
import re
from collections import Counter

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.classroom.source import HINT_TITLES, Cell, Chapter, Exercise

# What a notebook says of its language: all that JupyterLab needs, and nothing that a Python release changes.
LANGUAGE_INFO = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
_KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def assemble(chapter: Chapter) -> NotebookNode:
    """The instructor's notebook of a chapter, with solutions and hidden tests, without outputs."""
    exercises = {exercise.name: exercise for exercise in chapter.exercises}
    ids = _CellIds()
    cells = [_cell(cell, exercises, chapter, ids) for cell in chapter.cells]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": _KERNELSPEC, "language_info": LANGUAGE_INFO})
    nbformat.validate(notebook)
    return notebook


def answer_id(exercise: str) -> str:
    """The grade id of the cell with the answer; the check has the exercise's own name."""
    return f"{exercise}_answer"


def _cell(cell: Cell, exercises: dict[str, Exercise], chapter: Chapter, ids: "_CellIds") -> NotebookNode:
    exercise = exercises.get(cell.exercise)
    source, metadata, tags = cell.source, {}, list(cell.tags)
    if cell.role == "prompt":
        source = with_facts(cell.source, exercise)
    elif cell.role == "hints":
        source = hints_as_details(exercise.hints)
    elif cell.role == "progress":
        source = progress_code(chapter)
    elif cell.role == "solution":
        metadata = _nbgrader(answer_id(exercise.name), grade=False, solution=True)
    elif cell.role == "check":
        # JupyterLab goes on after a failed cell with this tag, so "Run All" reaches the end of an unsolved notebook.
        # nbgrader counts the error all the same, and nbval misses the recorded output.
        tags.append("raises-exception")
        metadata = _nbgrader(exercise.name, grade=True, solution=False, points=exercise.points)
        metadata["jupyter"] = {"source_hidden": True}  # folded: a check names expected values, some of them answers
    if tags:
        metadata["tags"] = tags
    make = new_code_cell if cell.kind == "code" else new_markdown_cell
    return make(source, metadata=metadata, id=ids.of(cell))


def _nbgrader(grade_id: str, *, grade: bool, solution: bool, points: float | None = None) -> dict:
    fields = {
        "grade": grade,
        "grade_id": grade_id,
        "locked": grade,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        fields["points"] = points
    return {"nbgrader": fields}


class _CellIds:
    """Ids that stay when other cells come and go: by role in an exercise, by text elsewhere."""

    def __init__(self):
        self._seen = Counter()

    def of(self, cell: Cell) -> str:
        if cell.exercise:
            part = "answer" if cell.role == "solution" else cell.role
            return f"{cell.exercise}-{part}".replace("_", "-")[:64]
        self._seen[cell.source] += 1
        text = f"{cell.kind}\n{self._seen[cell.source]}\n{cell.source}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def with_facts(prompt: str, exercise: Exercise) -> str:
    """The prompt with its line of facts: kind, difficulty, minutes, points; below its heading if it has one."""
    stars = "★" * exercise.difficulty + "☆" * (3 - exercise.difficulty)
    points = f"{exercise.points:g} point{'' if exercise.points == 1 else 's'}" if exercise.points else "no points"
    minutes = f"about {exercise.minutes} minute{'' if exercise.minutes == 1 else 's'}"
    facts = f"**{exercise.kind.capitalize()}** · {stars} · {minutes} · {points} · `{exercise.name}`"
    heading = re.match(r"#+ .*\n+", prompt + "\n")
    if heading is None:
        return f"{facts}\n\n{prompt}"
    return f"{heading.group().strip()}\n\n{facts}\n\n{prompt[heading.end() :]}".rstrip()


def hints_as_details(hints: tuple[str, ...]) -> str:
    """Three hints, each folded into the one before it, as HTML that plain JupyterLab shows."""
    text = ""
    for number, (title, hint) in reversed(list(enumerate(zip(HINT_TITLES, hints, strict=True), 1))):
        inner = f"\n{text}\n" if text else ""
        text = f"<details>\n<summary>Hint {number}: {title}</summary>\n\n{hint}\n{inner}\n</details>"
    return text


def progress_code(chapter: Chapter) -> str:
    """The cell that shows the table of progress."""
    lines = [f'    "{exercise.name}": {exercise.points:g},' for exercise in chapter.exercises]
    return "\n".join(["progress({", *lines, "})"]) if lines else "progress({})"
