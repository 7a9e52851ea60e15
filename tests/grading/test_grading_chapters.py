"""The course's own chapters: a perfect, a half and a blank submission of each get the marks they earn."""

import copy
from pathlib import Path

import nbformat
import pytest
from small_course import read_rows

from course_lib.classroom.grade import grade
from course_lib.classroom.grade.cells import read_cells
from course_lib.classroom.grade.chapters import find_chapters

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "solutions").glob("*/*.py"))
CHAPTERS = [source.stem for source in SOURCES if '# %% check="' in source.read_text(encoding="utf-8")]


def filled(notebook, answers):
    """A copy of the released notebook with these answers, by grade id."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    return notebook


@pytest.mark.parametrize("name", CHAPTERS)
def test_perfect_half_and_blank_get_their_marks(name, tmp_path):
    chapter = find_chapters(ROOT)[name]
    released = nbformat.read(chapter.released, 4)
    solved = {cell.grade_id: cell.source for cell in read_cells(chapter.solution.read_bytes()) if cell.grade_id}
    marked = [cell.metadata.nbgrader for cell in released.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    points = {check["grade_id"]: check["points"] for check in marked}
    answers = {grade_id: source for grade_id, source in solved.items() if grade_id not in points}
    first = dict(list(answers.items())[: len(answers) // 2])
    for student, notebook in {
        "perfect": filled(released, answers),
        "half": filled(released, first),
        "blank": released,
    }.items():
        nbformat.write(notebook, tmp_path / f"{student}_1_100_{name}.ipynb")

    result = grade(tmp_path, root=ROOT, work=tmp_path / "work", report=str)

    assert result.problems == []
    rows = read_rows(result.csv)
    assert float(rows["perfect_1"]["total"]) == float(rows["perfect_1"]["max"]) == sum(points.values())
    assert float(rows["blank_1"]["total"]) == 0
    assert float(rows["half_1"]["total"]) == sum(list(points.values())[: len(first)])
    blank = result.results[0]
    assert {outcome.state.value for outcome in blank.outcomes} == {"not attempted"}
    hidden = {line.strip() for text in solved.values() for line in text.splitlines()} - {
        line.strip() for cell in released.cells for line in cell.source.splitlines()
    }
    for page in (tmp_path / "work" / "feedback").glob("[hb]*/*/*.html"):
        shown = {line.strip() for line in page.read_text(encoding="utf-8").splitlines()}
        assert not {line for line in hidden & shown if len(line) > 12 and line not in "".join(first.values())}
