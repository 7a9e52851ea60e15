"""One batch with every kind of bad submission: each gets what it earned, and the honest ones are not touched."""

import json
import os

import pytest
from small_course import (
    CHAPTER,
    HIDDEN,
    SOLUTIONS,
    answer_cell,
    check_cell,
    half,
    marks_in,
    page_of,
    perfect,
    read_rows,
    submission,
    text,
    write_files,
    write_zip,
)

from course_lib.classroom.grade.executor import Limits

POSIX = os.name == "posix"
needs_posix = pytest.mark.skipif(not POSIX, reason="making links and pipes needs rights or does not exist on Windows")


def answers(**sources):
    return text(submission(SOLUTIONS | sources))


def changed(change, notebook=None):
    """A perfect notebook after `change(notebook)`."""
    notebook = notebook or submission(SOLUTIONS)
    return text(change(notebook) or notebook)


def overwritten_check(notebook):
    answer_cell(notebook, "double").source = "def double(x):\n    return 0"
    check_cell(notebook, "double").source = "print('fine')"
    check_cell(notebook, "double").metadata.nbgrader.points = 100


def copied_check(notebook):
    answer_cell(notebook, "double").source = "def double(x):\n    return 0"
    copy = json.loads(text(check_cell(notebook, "double"))) | {"id": "copy", "source": "assert True"}
    notebook.cells.insert(4, type(notebook)(copy))
    notebook.cells.append(type(notebook)(copy | {"id": "copy2"}))


def other_versions(notebook):
    for version, cell in enumerate(notebook.cells):
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.schema_version = [1, 2, 99][version % 3]


def without_metadata(notebook):
    for cell in notebook.cells:
        cell.metadata.clear()


def without_answer_cell(notebook):
    notebook.cells.remove(answer_cell(notebook, "double"))
    notebook.cells.remove(check_cell(notebook, "vowels"))


def format_3(notebook):
    cells = []
    for cell in json.loads(text(notebook))["cells"]:
        if cell["cell_type"] == "code":
            cells.append({**cell, "input": cell.pop("source"), "language": "python"})
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}


def helper_cells(notebook):
    answer_cell(notebook, "double").source = "def double(x):\n    return twice(x)"
    helper = {"cell_type": "code", "metadata": {}, "source": ["def twice(x):\n", "    return 2 * x"], "outputs": []}
    notebook.cells.insert(1, type(notebook)(helper))


STOPS = "import os\ndef double(x):\n    os._exit(0)"
HANGS = "def double(x):\n    while True:\n        pass"
IGNORES = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass"
LOUD = "print('x' * 3_000_000)\ndef double(x):\n    print('y' * 3_000_000)\n    return 2 * x"
WARNS = "import sys, warnings\nsys.stderr.write('!')\ndef double(x):\n    warnings.warn('hm')\n    return 2 * x"
SPIES = "def double(x):\n    raise ValueError(get_ipython().user_ns['In'][-1])"
SCRIPTS = (
    "from IPython.display import HTML\ndisplay(HTML('<script>alert(1)</script>'))\n"
    "def double(x):\n    raise ValueError('<script>alert(1)</script>')"
)
LEAVES = (
    "import subprocess, sys\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)  # left by a student'])\n"
)

# What each student sent, and the points that it must get.
FILES = {
    "broken_json": ('{"cells": [', 0),
    "not_a_notebook": ("[1, 2, 3]", 0),
    "deeply_nested": ("[" * 200_000, 0),
    "empty": ("", 0),
    "no_exercise": (json.dumps({"cells": [{"cell_type": "code", "source": "1", "metadata": {}}]}), 0),
    "odd_types": (json.dumps({"cells": [None, 3, {}, {"metadata": [], "source": {"a": 1}, "id": 7}]}), 0),
    "lone_surrogate": (answers(vowels="vowels = 'aeiou'  # \ud800"), 6),
    "overwritten_check": (changed(overwritten_check), 4),
    "copied_check": (changed(copied_check), 4),
    "other_versions": (changed(other_versions), 6),
    "without_metadata": (changed(without_metadata), 6),
    "without_answer_cell": (changed(without_answer_cell), 4),
    "format_3": (changed(format_3), 6),
    "helper_cells": (changed(helper_cells), 6),
    "syntax_error": (answers(double="def double(x:\n    return 2 * x"), 4),
    "stops_python": (answers(double=STOPS), 4),
    "hangs": (answers(double=HANGS), 4),
    "ignores_interrupts": (answers(double=IGNORES), 4),
    "very_loud": (answers(double=LOUD), 6),
    "warns": (answers(double=WARNS), 6),
    "asks": (answers(double="input('name?')\ndef double(x):\n    return 2 * x"), 4),
    "exits": (answers(double="raise SystemExit\ndef double(x):\n    return 2 * x"), 4),
    "spies": (answers(double=SPIES), 4),
    "scripts": (answers(double=SCRIPTS), 4),
    "leaves_process": (answers(double=LEAVES + SOLUTIONS["double"]), 6),
    "displays_number": (answers(vowels="import sys\nvowels = 'aeiou'\n7"), 6),
    "zz_honest": (perfect(), 6),
    "zz_half": (half(), 2),
}


@pytest.fixture(scope="module")
def batch(course, tmp_path_factory, grade_quietly):
    folder = tmp_path_factory.mktemp("hostile")
    write_files(folder, {f"{name}/{CHAPTER}/{CHAPTER}.ipynb": sent for name, (sent, _) in FILES.items()})
    write_files(folder, {f"too_large/{CHAPTER}/{CHAPTER}.ipynb": b" " * 20_000_001})
    write_zip(folder / "bomb.zip", {f"{CHAPTER}.ipynb": b" " * 30_000_000})
    write_zip(folder / "climbs.zip", {f"../../{CHAPTER}.ipynb": perfect(), f"/etc/{CHAPTER}.ipynb": perfect()})
    write_files(folder, {"no_zip.zip": b"PK\x03\x04 not really"})
    if POSIX:
        add_links_and_pipes(course, folder)
    before = {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}
    result, said = grade_quietly(folder, work=folder / "work", limits=Limits(cell=2.5))
    assert before == {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}
    return result, said


def add_links_and_pipes(course, folder):
    (folder / "link" / CHAPTER).mkdir(parents=True)
    os.symlink(course / "solutions" / CHAPTER / f"{CHAPTER}.ipynb", folder / "link" / CHAPTER / f"{CHAPTER}.ipynb")
    os.symlink(course / "solutions" / CHAPTER, folder / "linked_folder")
    (folder / "pipe").mkdir()
    os.mkfifo(folder / "pipe" / f"{CHAPTER}.ipynb")


@pytest.fixture(scope="module")
def rows(batch):
    return read_rows(batch[0].csv)


@pytest.mark.parametrize("student", FILES)
def test_each_submission_gets_what_it_earned(student, rows, batch):
    assert float(rows[student]["total"]) == FILES[student][1], rows[student]
    assert float(rows[student]["max"]) == 6


@pytest.mark.parametrize(
    ("student", "words"),
    [
        ("broken_json", "it is damaged"),
        ("not_a_notebook", "no list of cells"),
        ("deeply_nested", "it is damaged"),
        ("empty", "it is damaged"),
        ("no_exercise", "it holds no exercise"),
        ("odd_types", "it holds no exercise"),
        ("too_large", "20 MB"),
        ("bomb", "30 MB"),
        ("climbs", "leads out of the archive"),
        ("no_zip", "not a zip archive"),
        pytest.param("link", "it is a link", marks=needs_posix),
        pytest.param("pipe", "not an ordinary file", marks=needs_posix),
    ],
)
def test_what_cannot_be_read_is_recorded_with_its_reason(student, words, rows, batch):
    assert rows[student]["status"] == "refused"
    assert float(rows[student]["total"]) == 0
    assert words in rows[student]["reason"]
    assert words in page_of(batch[0].work, student)


@pytest.mark.parametrize(
    ("student", "words"),
    [
        ("overwritten_check", "The check cell double was changed; the original was run."),
        ("copied_check", "The check cell double was changed"),
        ("without_answer_cell", "The answer cell of double is missing."),
        ("without_answer_cell", "The check cell vowels was missing"),
        ("stops_python", "Python itself stopped here"),
        ("hangs", "Is there a loop that does not end?"),
        ("ignores_interrupts", "Is there a loop that does not end?"),
        ("syntax_error", "SyntaxError"),
        ("asks", "StdinNotImplementedError"),
    ],
)
def test_feedback_says_what_happened(student, words, batch):
    assert words in page_of(batch[0].work, student)


@pytest.mark.parametrize("student", ["syntax_error", "asks", "exits", "hangs"])
def test_an_answer_that_did_not_run_is_not_called_unattempted(student, batch):
    page = page_of(batch[0].work, student)
    assert "not attempted" not in page and "You left this exercise" not in page
    assert "is not defined yet" not in page  # the error of the answer cell says it already


def test_incidents_name_the_exercise(rows):
    assert rows["hangs"]["reason"].startswith("The check of double: it ran for")
    assert rows["ignores_interrupts"]["reason"].startswith("The answer cell of double: it ran for")


def test_cells_that_hang_or_stop_python_are_told_to_the_instructor(rows):
    partly = {student for student, row in rows.items() if row["status"] == "graded in part"}
    assert partly == {"stops_python", "hangs", "ignores_interrupts"}


@needs_posix
def test_a_linked_folder_is_not_entered(rows, batch):
    assert "linked_folder" not in rows
    assert any("link" in problem.what for problem in batch[0].problems if problem.where == "linked_folder")


def test_no_page_shows_a_hidden_check_or_runs_a_script(batch):
    for page in (batch[0].work / "feedback").rglob("*.html"):
        content = page.read_text(encoding="utf-8")
        assert HIDDEN not in content and "secret_sentence" not in content
        assert "<script" not in content
    assert "a line of a hidden check" in page_of(batch[0].work, "spies")


def test_recorded_notebooks_hold_no_markup(batch):
    recorded = (batch[0].work / "autograded" / "scripts" / CHAPTER / f"{CHAPTER}.ipynb").read_text()
    assert "text/html" not in recorded


def test_feedback_stays_small(batch):
    for file in batch[0].work.rglob("*"):
        if file.is_file() and file.suffix in (".html", ".ipynb"):
            assert file.stat().st_size < 2_500_000, file


def test_nothing_that_a_student_started_keeps_running(batch):
    psutil = pytest.importorskip("psutil")
    commands = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if "left by a student" in command]


def test_the_gradebook_holds_the_same_marks(batch, rows):
    marks = marks_in(batch[0].work / "gradebook.db")
    for student, row in rows.items():
        for exercise in ("double", "largest", "vowels"):
            assert marks[student, exercise] == float(row[exercise])


def test_the_table_names_everybody_and_every_problem(batch, rows):
    said = batch[1]
    assert all(student in said for student in rows)
    assert "broken_json, 90_small: The file could not be graded" in said
