"""Building: the same bytes each time, full metadata, nothing of the solutions in what students get, clear refusals."""

import json

import nbformat
import pytest

from course_lib.classroom.build import build
from course_lib.classroom.errors import ClassroomError
from course_lib.classroom.execute import error_of, run_notebook
from course_lib.classroom.prove import find_leaks
from course_lib.classroom.source import read_chapter

SOURCE = "solutions/90_sample/90_sample.py"


def contents(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_building_twice_gives_the_same_bytes_and_verify_writes_nothing(built_sample, sample):
    lines = []
    changed = build(["90"], sample, verify=True, report=lines.append)
    assert [path.relative_to(sample).as_posix() for path in changed] == [
        "solutions/90_sample/90_sample.ipynb",
        "course/90_sample/90_sample.ipynb",
        "course/90_sample/numbers.csv",
    ]
    assert "it does not exist" in lines[0]
    assert len(contents(sample)) == 2, "verify writes nothing"
    build([], sample, report=lines.append)
    assert contents(sample) == contents(built_sample)


def test_verify_shows_what_drifted(sample, built_sample):
    for path, content in contents(built_sample).items():
        (sample / path).parent.mkdir(parents=True, exist_ok=True)
        (sample / path).write_bytes(content)
    released = sample / "course" / "90_sample" / "90_sample.ipynb"
    released.write_bytes(released.read_bytes().replace(b"# A sample", b"# A simple"))
    lines = []
    assert build([], sample, verify=True, report=lines.append) == [released]
    assert "course/90_sample/90_sample.ipynb differs from its source" in lines[0]
    assert '-    "# A simple\\n",' in lines[0] and '+    "# A sample\\n",' in lines[0]


def test_only_what_changed_is_written(built_sample):
    before = {path: path.stat().st_mtime_ns for path in built_sample.rglob("*") if path.is_file()}
    lines = []
    assert build([], built_sample, report=lines.append) == []
    assert lines == ["1 chapter up to date"]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_instructors_notebook_is_complete(sample_notebook):
    nbformat.validate(sample_notebook)
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in sample_notebook.cells if "nbgrader" in cell.metadata}
    assert list(cells) == [f"{name}{end}" for name in ("predict_sum", "row_sums", "repair") for end in ("_answer", "")]
    keys = {"grade", "grade_id", "locked", "schema_version", "solution", "task"}
    assert set(cells["row_sums_answer"].metadata.nbgrader) == keys
    assert cells["row_sums"].metadata.nbgrader == {
        "grade": True,
        "grade_id": "row_sums",
        "locked": True,
        "points": 2.5,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    assert cells["row_sums"].outputs[0].text == "✓ row_sums passes.\n"
    table = sample_notebook.cells[-2].outputs[0].data
    assert "✓ row_sums      2.5  passed" in table["text/plain"]
    assert "<table>" in table["text/html"]
    counts = [cell.execution_count for cell in sample_notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert "version" not in sample_notebook.metadata.language_info


def test_what_differs_between_runs_is_not_recorded(sample_notebook):
    error, clock = [
        cell for cell in sample_notebook.cells if cell.metadata.get("tags") and "nbgrader" not in cell.metadata
    ]
    assert error.outputs[0].traceback == [f"{error.outputs[0].ename}: {error.outputs[0].evalue}"]
    assert clock.outputs == []
    assert all("execution" not in cell.metadata for cell in sample_notebook.cells)


def test_cell_ids_say_what_the_cell_is_and_stay(sample, sample_notebook, released_sample):
    ids = [cell.id for cell in sample_notebook.cells]
    assert len(set(ids)) == len(ids)
    assert "row-sums-answer" in ids and "row-sums-check" in ids
    assert [cell.id for cell in released_sample.cells] == ids
    source = sample / SOURCE
    source.write_text(
        source.read_text(encoding="utf-8").replace("# %%\nimport", "# %% [markdown]\n# New\n\n# %%\nimport")
    )
    from course_lib.classroom.notebook import assemble

    assert set(ids) < {cell.id for cell in assemble(read_chapter(source)).cells}


def test_the_released_notebook_gives_nothing_away(built_sample, released_sample):
    chapter = read_chapter(built_sample / SOURCE)
    assert find_leaks(chapter, released_sample) == []
    text = json.dumps(released_sample)
    for secret in (
        "sums_of_all_rows",
        "hidden_table_for_grading",
        "A secret condition",
        "mutant",
        "whole_numbers_only",
    ):
        assert secret not in text
    assert not (built_sample / "course" / "90_sample" / "90_sample.py").exists()
    assert (built_sample / "course" / "90_sample" / "numbers.csv").exists()


def test_leaks_are_found(built_sample, released_sample):
    chapter = read_chapter(built_sample / SOURCE)
    cells = {cell.id: cell for cell in released_sample.cells}
    cells["row-sums-hints"].source += "\n    sums_of_all_rows = table.sum(axis=1)\n    return sums_of_all_rows\n"
    cells["row-sums-check"].source += "\n    hidden_table_for_grading = np.array([[0.5, 0.25], [1.0, 2.0], [3.0, 4.0]])"
    cells["repair-answer"].source = "def total_of(numbers): return sum(numbers)"
    cells["repair-hints"].metadata["stub"] = "sum(numbers)"
    cells["repair-check"].outputs = [nbformat.v4.new_output("stream", text="6")]
    found = " ".join(find_leaks(chapter, released_sample))
    assert "holds a solution of row_sums" in found
    assert "the check of row_sums shows the hidden line" in found
    assert "the answer cell of repair is not its stub" in found
    assert "has metadata ['stub']" in found and "has outputs" in found


def test_the_released_notebook_runs_and_only_graded_cells_fail(built_sample, released_sample):
    run_notebook(released_sample, built_sample / "course" / "90_sample")
    failing = [cell for cell in released_sample.cells if error_of(cell) and "reshape" not in cell.source]
    assert [cell.metadata.nbgrader.grade_id for cell in failing] == ["predict_sum", "row_sums", "repair"]
    assert "not attempted yet" in error_of(failing[1])


BROKEN = [
    (
        "print(table)",
        "print(table)\n1 / 0",
        r"cell 4 \('table = np.loadtxt.*must run silently, but:(.|\n)*ZeroDivision",
    ),
    ("print(table)", "import warnings; warnings.warn('x')", "must run silently"),
    ("print(table)", "print(object())", r"cell 4 prints a memory address \(0x"),
    ("return sums_of_all_rows", "return sums_of_all_rows + 1", r"row_sums: the values are not right yet"),
]


@pytest.mark.parametrize(("text", "replacement", "sentence"), BROKEN)
def test_a_chapter_that_does_not_run_silently_is_refused(sample, text, replacement, sentence):
    source = sample / SOURCE
    source.write_text(source.read_text(encoding="utf-8").replace(text, replacement, 1), encoding="utf-8")
    with pytest.raises(ClassroomError, match=sentence) as caught:
        build([], sample, report=lambda line: None)
    assert "\x1b" not in str(caught.value)
    assert not (sample / "course").exists()


def test_a_broken_chapter_does_not_keep_the_others_from_being_built(sample):
    second = sample / "solutions" / "91_broken" / "91_broken.py"
    second.parent.mkdir()
    second.write_text("# %% [markdown]\n# # Broken\n\n# %%\n1 / 0\n")
    with pytest.raises(ClassroomError, match="91_broken.py, cell 2"):
        build([], sample, report=lambda line: None)
    assert (sample / "course" / "90_sample" / "90_sample.ipynb").exists()
    assert not (sample / "course" / "91_broken").exists()


def test_a_cell_that_runs_too_long_is_refused(sample, sample_notebook):
    sample_notebook.cells[1].source = "while True: pass"
    with pytest.raises(ClassroomError, match="A cell of 90_sample ran longer than 1 second"):
        run_notebook(sample_notebook, sample / "solutions" / "90_sample", seconds=1)


def test_a_kernel_that_dies_is_reported(sample, sample_notebook):
    sample_notebook.cells[1].source = "import os; os._exit(1)"
    with pytest.raises(ClassroomError, match="The kernel died while it ran 90_sample"):
        run_notebook(sample_notebook, sample / "solutions" / "90_sample")
