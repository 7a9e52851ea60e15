"""A course with one tiny chapter in plain Python, and hand-made submissions to it.

The chapter is built by hand in the form that `classroom build` writes: an instructor's notebook with solutions and
hidden tests under solutions/, the students' notebook under course/.
"""

import csv
import json
import zipfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

CHAPTER = "90_small"
POINTS = {"double": 2, "largest": 3, "vowels": 1}
HIDDEN = "secret_sentence = 'only the grader reads this'"

SOLUTIONS = {
    "double": "def double(x):\n    return 2 * x",
    "largest": "def largest(values):\n    return max(values, default=None)",
    "vowels": "vowels = 'aeiou'",
}
STUBS = {
    "double": "def double(x):\n    raise NotImplementedError('Write your answer here.')",
    "largest": "def largest(values):\n    raise NotImplementedError('Write your answer here.')",
    "vowels": "vowels = None",
}
CHECKS = {
    "double": (
        "if double(4) != 8:\n    raise AssertionError('double(4) must be 8')",
        f"{HIDDEN}\nassert double(-3) == -6, 'double(-3) must be -6'",
    ),
    "largest": (
        "assert largest([1, 3, 2]) == 3, 'largest([1, 3, 2]) must be 3'",
        "assert largest([]) is None, 'largest of an empty list must be None'",
    ),
    "vowels": ("assert vowels == 'aeiou', 'vowels must name the five vowels'", "assert vowels"),
}


def write_course(root: Path) -> Path:
    """Write the course with its one chapter under `root`."""
    for folder, whole in (("solutions", True), ("course", False)):
        place = root / folder / CHAPTER
        place.mkdir(parents=True)
        nbformat.write(chapter_notebook(whole), place / f"{CHAPTER}.ipynb")
        (place / "words.txt").write_text("some data\n")
    return root


def chapter_notebook(whole: bool) -> NotebookNode:
    """The chapter's notebook, with solutions and hidden tests if `whole`."""
    cells = [new_markdown_cell("# A small chapter", id="title"), new_code_cell("import math", id="imports")]
    for name, points in POINTS.items():
        visible, hidden = CHECKS[name]
        check = f"{visible}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS" if whole else visible
        cells += [
            new_markdown_cell(f"### The exercise `{name}`", id=f"{name}-prompt"),
            new_code_cell((SOLUTIONS if whole else STUBS)[name], id=f"{name}-answer", metadata=_answer(name)),
            new_code_cell(check, id=f"{name}-check", metadata=_check(name, points)),
        ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def submission(answers: dict[str, str] | None = None) -> NotebookNode:
    """The released notebook with these answers, everything else as released."""
    notebook = chapter_notebook(whole=False)
    for name, source in (answers or {}).items():
        answer_cell(notebook, name).source = source
    return notebook


def answer_cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == f"{name}-answer")


def check_cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == f"{name}-check")


def text(notebook: NotebookNode) -> str:
    return json.dumps(notebook)


def perfect() -> str:
    return text(submission(SOLUTIONS))


def half() -> str:
    """One answer right, one wrong, one left alone: 2 of 6 points."""
    wrong = "def largest(values):\n    return values[0]"
    return text(submission({"double": SOLUTIONS["double"], "largest": wrong}))


def blank() -> str:
    return text(submission())


def read_rows(path: Path) -> dict[str, dict[str, str]]:
    """The rows of marks.csv by student."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def page_of(work: Path, student: str) -> str:
    """The feedback of one student."""
    return (work / "feedback" / student / CHAPTER / f"{CHAPTER}.html").read_text(encoding="utf-8")


def marks_in(gradebook: Path) -> dict[tuple[str, str], float | None]:
    """Every mark in a gradebook, by student and exercise."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{gradebook}") as book:
        return {
            (grade.notebook.student.id, grade.name): grade.auto_score
            for assignment in book.assignments
            for submitted in assignment.submissions
            for notebook in submitted.notebooks
            for grade in notebook.grades
        }


def write_files(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files by their path below `folder`."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def write_zip(file: Path, files: dict[str, str | bytes]) -> Path:
    """Write a zip archive with these files."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return file


def _answer(name: str) -> dict:
    return _nbgrader(f"{name}_answer", grade=False, locked=False, solution=True)


def _check(name: str, points: float) -> dict:
    return _nbgrader(name, grade=True, locked=True, solution=False, points=points)


def _nbgrader(grade_id: str, **fields) -> dict:
    return {"nbgrader": {"grade_id": grade_id, "schema_version": 3, "task": False, **fields}}
