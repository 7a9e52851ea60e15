"""Every chapter, as students and instructors get it: built, reproducible, without leaks, proved through nbgrader."""

import time

import nbformat
import pytest
from course_chapters import CHAPTERS, ROOT

from course_lib.classroom.build import build
from course_lib.classroom.execute import error_of, run_notebook
from course_lib.classroom.prove import find_leaks, prove
from course_lib.classroom.source import read_chapter

pytestmark = pytest.mark.parametrize("name", CHAPTERS)


def chapter_of(name):
    return read_chapter(ROOT / "solutions" / name / f"{name}.py")


def notebook(folder, name):
    path = ROOT / folder / name / f"{name}.ipynb"
    assert path.is_file(), f"{path} is missing: run `classroom build {name}` and commit what it writes"
    return nbformat.read(path, as_version=4)


def test_a_second_run_gives_the_committed_notebooks_byte_for_byte(name):
    """So two runs print the same, and nobody edited a built notebook."""
    lines = []
    changed = build([name], ROOT, verify=True, report=lines.append)
    assert not changed, "\n".join(lines)


def test_nbval_reproduces_the_recorded_outputs(name, nbval):
    passed, output = nbval(ROOT / "solutions" / name / f"{name}.ipynb")
    assert passed, output


def test_the_released_notebook_gives_nothing_away(name):
    assert find_leaks(chapter_of(name), notebook("course", name)) == []


def test_the_released_notebook_runs_and_exactly_the_graded_cells_fail(name, record_property):
    released = notebook("course", name)
    started = time.perf_counter()
    run_notebook(released, ROOT / "course" / name)
    record_property("seconds", round(time.perf_counter() - started, 1))
    print(f"{name} runs in {time.perf_counter() - started:.1f} s")  # shown by pytest -rP
    failed = [
        cell.metadata.get("nbgrader", {}).get("grade_id") or f"not graded: {cell.source[:60]!r}: {error_of(cell)}"
        for cell in released.cells
        if error_of(cell) and ("nbgrader" in cell.metadata or "raises-exception" not in cell.metadata.get("tags", ()))
    ]
    assert failed == [exercise.name for exercise in chapter_of(name).exercises]


def test_every_exercise_is_proved_through_nbgrader(name):
    failures = prove([name], ROOT, report=lambda line: None).failures
    assert not failures, "\n\n".join(f"{row.exercise}, {row.case}: {row.message}" for row in failures)


def test_the_outputs_are_pytorchs_own(name):
    """The chapter, run with PyTorch in the place of course_lib, prints the same text in every cell it can run."""
    pytest.importorskip("torch", reason="PyTorch itself is not installed: pip install -e .[parity]")
    from course_lib.classroom.notebook import assemble

    chapter = chapter_of(name)
    theirs = assemble(chapter)
    for ours, cell in zip(chapter.cells, theirs.cells):
        if cell.cell_type == "code":
            cell.source = "" if ours.library_only else cell.source.replace("import course_lib as torch", "import torch")
    run_notebook(theirs, ROOT / "solutions" / name)
    recorded = notebook("solutions", name).cells
    assert [cell.id for cell in recorded] == [cell.id for cell in theirs.cells]
    for ours, their in zip(recorded, theirs.cells):
        if their.cell_type == "code" and their.source and "nbval-ignore-output" not in their.metadata.get("tags", ()):
            assert _printed(ours) == _printed(their), f"PyTorch prints otherwise in the cell\n{ours.source}"


def _printed(cell):
    """The text of a cell's outputs; of an error its type and words, for PyTorch has other files in its traceback."""
    texts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            texts.append(output.text)
        elif output.output_type == "error":
            texts.append(f"{output.ename}: {output.evalue}")
        else:
            texts.append(output.data.get("text/plain", ""))
    return texts
