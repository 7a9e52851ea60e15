"""What a learning platform exports, in every form: the right student, the right chapter, the right marks."""

import os

import pytest
from small_course import CHAPTER, blank, half, page_of, perfect, read_rows, write_course, write_files, write_zip

from course_lib.classroom.grade.chapters import find_chapters
from course_lib.classroom.grade.places import safe_ids
from course_lib.classroom.grade.submissions import collect

NOTEBOOK = f"{CHAPTER}.ipynb"
SENT = {"ada": perfect, "bob": half, "cy": blank}
POINTS = {"ada": 6.0, "bob": 2.0, "cy": 0.0}


def nbgrader(folder):
    return write_files(folder, {f"submitted/{name}/{CHAPTER}/{NOTEBOOK}": sent() for name, sent in SENT.items()}), {
        name: name for name in SENT
    }


def student_folders(folder):
    return write_files(folder, {f"export/{name}/{NOTEBOOK}": sent() for name, sent in SENT.items()}), {
        name: name for name in SENT
    }


def moodle_files(folder):
    files = {f"{name} Lovelace_12{i}_assignsubmission_file_{NOTEBOOK}": SENT[name]() for i, name in enumerate(SENT)}
    return write_files(folder, files), {name: f"{name}_Lovelace_12{i}" for i, name in enumerate(SENT)}


def moodle_folders(folder):
    files = {f"{name} Lovelace_12{i}_assignsubmission_file_/{NOTEBOOK}": SENT[name]() for i, name in enumerate(SENT)}
    return write_files(folder, files), {name: f"{name}_Lovelace_12{i}" for i, name in enumerate(SENT)}


def canvas_zip(folder):
    names = {"ada": "ada_4_1001", "bob": "bob_LATE_5_1002", "cy": "cy_6_1003"}
    files = {f"{names[name]}_{CHAPTER}-{i}.ipynb": SENT[name]() for i, name in enumerate(SENT)}
    return write_zip(folder / "submissions.zip", files), {"ada": "ada_4", "bob": "bob_5", "cy": "cy_6"}


def zips_of_students(folder):
    for i, (name, sent) in enumerate(SENT.items()):
        junk = {f"__MACOSX/._{NOTEBOOK}": b"\0", f"homework/.ipynb_checkpoints/{NOTEBOOK}": "{}"}
        file = folder / f"{name} L_12{i}_assignsubmission_file_homework.zip"
        write_zip(file, {**junk, f"homework/{NOTEBOOK}": sent()})
    return folder, {name: f"{name}_L_12{i}" for i, name in enumerate(SENT)}


@pytest.mark.parametrize(
    "layout", [nbgrader, student_folders, moodle_files, moodle_folders, canvas_zip, zips_of_students]
)
def test_three_submissions_get_their_marks_in_every_layout(layout, tmp_path, grade_quietly):
    place, ids = layout(tmp_path / "batch")
    result, said = grade_quietly(place, work=tmp_path / "work")
    assert result.problems == []
    rows = read_rows(result.csv)
    assert {ids[name] for name in SENT} == set(rows)
    for name, student in ids.items():
        assert float(rows[student]["total"]) == POINTS[name]
        assert float(rows[student]["max"]) == 6
        assert rows[student]["status"] == "graded"
    assert "largest([1, 3, 2]) must be 3" in page_of(result.work, ids["bob"])
    assert "6 of 6 points" in page_of(result.work, ids["ada"])
    assert "You left this exercise as it was" in page_of(result.work, ids["cy"])
    assert "3 submissions of 3 students" in said


@pytest.fixture(scope="module")
def chapters(course):
    return find_chapters(course)


def students_of(batch):
    return {submission.student: submission.file.name for submission in batch.submissions}


def test_canvas_marks_late_work_and_numbers_attempts(tmp_path, chapters):
    write_files(
        tmp_path,
        {
            f"ada_LATE_4_1001_{CHAPTER}.ipynb": blank(),
            f"ada_LATE_4_1002_{CHAPTER}-2.ipynb": perfect(),
            f"ada_LATE_4_1003_{CHAPTER}-1.ipynb": blank(),
        },
    )
    os.utime(tmp_path / f"ada_LATE_4_1001_{CHAPTER}.ipynb", (2e9, 2e9))
    batch = collect(tmp_path, chapters)
    assert students_of(batch) == {"ada_4": f"ada_LATE_4_1002_{CHAPTER}-2.ipynb"}
    assert batch.submissions[0].notes[0] == "The platform marked it as late."
    assert {problem.where for problem in batch.problems} == {
        f"ada_LATE_4_1001_{CHAPTER}.ipynb",
        f"ada_LATE_4_1003_{CHAPTER}-1.ipynb",
    }


def test_of_two_files_the_newest_is_graded_and_the_other_reported(tmp_path, chapters):
    write_files(tmp_path, {f"ada/{CHAPTER}/{NOTEBOOK}": blank(), f"ada/{CHAPTER}/{CHAPTER} (1).ipynb": perfect()})
    os.utime(tmp_path / "ada" / CHAPTER / NOTEBOOK, (1000, 1000))
    batch = collect(tmp_path, chapters)
    assert students_of(batch) == {"ada": f"{CHAPTER} (1).ipynb"}
    assert "ada also sent" in batch.problems[0].what
    assert "the newest" in batch.submissions[0].notes[0]


@pytest.mark.parametrize("name", ["my homework.ipynb", "Untitled.ipynb", "01_tensors.ipynb", f"{CHAPTER}.ipynb.txt"])
def test_a_renamed_notebook_is_known_by_its_exercises(name, tmp_path, chapters):
    write_files(tmp_path, {f"ada/{name}": perfect()})
    batch = collect(tmp_path, chapters)
    assert [(one.student, one.chapter) for one in batch.submissions] == [("ada", CHAPTER)]
    assert batch.problems == []


def test_nobody_hands_in_as_somebody_else(tmp_path, chapters):
    """A file name that looks like another student's export counts only where the export's names stand."""
    write_files(
        tmp_path / "folders",
        {f"{name}/{CHAPTER}/{NOTEBOOK}": blank() for name in ("ada", "bob")}
        | {f"mallory/{CHAPTER}/ada_4_1001_{NOTEBOOK}": blank()},
    )
    assert set(students_of(collect(tmp_path / "folders", chapters))) == {"ada", "bob", "mallory"}
    forged = f"ada_4_assignsubmission_file_{NOTEBOOK}"
    write_files(
        tmp_path / "moodle",
        {
            f"ada_4_assignsubmission_file_{NOTEBOOK}": blank(),
            f"mallory_5_assignsubmission_file_{forged}": blank(),
            f"eve_6_assignsubmission_file_/{forged}": blank(),
        },
    )
    assert set(students_of(collect(tmp_path / "moodle", chapters))) == {"ada_4", "mallory_5", "eve_6"}


def test_several_exports_lie_in_one_folder(tmp_path, chapters):
    for section, name in enumerate(("ada", "bob")):
        write_zip(tmp_path / f"section {section}.zip", {f"{name}_{section}_1001_{NOTEBOOK}": blank()})
    assert set(students_of(collect(tmp_path, chapters))) == {"ada_0", "bob_1"}


def test_names_that_a_terminal_would_obey_are_shown_harmlessly(tmp_path, chapters):
    write_zip(tmp_path / "x.zip", {f"ada/\x1b[2J{NOTEBOOK}": "{", f"bob/{NOTEBOOK}": blank()})
    (found,) = (one.file for one in collect(tmp_path, chapters).submissions if one.student == "ada")
    assert str(found) == f"x.zip/ada/?[2J{NOTEBOOK}"


@pytest.mark.skipif(os.name != "posix", reason="such file names exist only on POSIX")
def test_names_that_are_no_text_are_read(tmp_path, chapters):
    with open(os.fsencode(tmp_path) + b"/\xff.ipynb", "w") as file:
        file.write(blank())
    (one,) = collect(tmp_path, chapters).submissions
    assert one.file.name == "?.ipynb"
    one.student.encode()


def test_flat_files_are_named_after_their_students(tmp_path, chapters):
    write_files(tmp_path, {f"{CHAPTER}_ada.ipynb": blank(), f"bob-{CHAPTER}.ipynb": blank(), "cy.ipynb": blank()})
    assert set(students_of(collect(tmp_path, chapters))) == {"ada", "bob", "cy"}


def test_a_student_without_a_notebook_is_not_forgotten(tmp_path, chapters):
    write_files(tmp_path, {f"ada/{CHAPTER}/{NOTEBOOK}": blank(), f"bob/{CHAPTER}/answers.pdf": b"%PDF"})
    batch = collect(tmp_path, chapters)
    assert [(one.student, one.file is None) for one in batch.submissions] == [("ada", False), ("bob", True)]
    assert "answers.pdf" in batch.submissions[1].notes[0]


def test_other_files_beside_the_export_are_nobodys(tmp_path, chapters):
    write_files(tmp_path, {f"ada_4_1001_{NOTEBOOK}": blank(), "grading worksheet.csv": "x", "read me.txt": "y"})
    assert set(students_of(collect(tmp_path, chapters))) == {"ada_4"}


def test_a_broken_notebook_with_any_name_is_somebodys(tmp_path, chapters):
    write_files(tmp_path, {f"ada_4_1001_{NOTEBOOK}": blank(), "bob_5_1002_final.ipynb": "{"})
    assert set(students_of(collect(tmp_path, chapters))) == {"ada_4", "bob_5"}


def test_notebooks_of_no_chapter_are_reported(tmp_path, chapters):
    write_files(tmp_path, {f"ada/{NOTEBOOK}": blank(), "ada/scratch.ipynb": '{"cells": []}'})
    batch = collect(tmp_path, chapters)
    assert len(batch.submissions) == 1
    assert [str(problem.where) for problem in batch.problems] == ["ada/scratch.ipynb"]


def test_system_junk_is_ignored(tmp_path, chapters):
    junk = [".DS_Store", f"__MACOSX/ada/._{NOTEBOOK}", f"ada/.ipynb_checkpoints/{NOTEBOOK}", "ada/Thumbs.db"]
    write_files(tmp_path, {f"ada/{NOTEBOOK}": blank(), **dict.fromkeys(junk, "junk")})
    batch = collect(tmp_path, chapters)
    assert len(batch.submissions) == 1 and batch.problems == []


def test_student_ids_are_safe_and_distinct():
    keys = ["../../etc", "a/b", "A/B", "con", "Jos\u00e9", "x" * 300, "=cmd", "<b>", "~root"]
    ids = safe_ids(keys)
    assert len({name.casefold() for name in ids.values()}) == len(keys)
    for name in ids.values():
        assert len(name) <= 70 and not set('/\\<>:"|?*[]=') & set(name)
        assert not name.startswith((".", "-", "=")) and name.casefold() != "con"
    assert ids["Jos\u00e9"] == "Jos\u00e9"


@pytest.fixture
def two_chapters(tmp_path):
    """A course with a second chapter, the same but for the grade ids."""
    root = write_course(tmp_path / "two")
    for folder in ("solutions", "course"):
        notebook = (root / folder / CHAPTER / NOTEBOOK).read_text()
        write_files(root / folder, {"91_other/91_other.ipynb": other(notebook)})
    return root


def other(notebook):
    return notebook.replace('"grade_id": "', '"grade_id": "other_')


def test_two_chapters_in_one_batch(two_chapters, tmp_path, grade_quietly):
    batch = write_files(
        tmp_path / "batch",
        {
            f"ada/{CHAPTER}/{NOTEBOOK}": perfect(),
            "ada/91_other/91_other.ipynb": other(half()),
            f"bob/{CHAPTER}/{NOTEBOOK}": other(perfect()),  # named like one chapter, filled with the other
        },
    )
    result, said = grade_quietly(batch, root=two_chapters, work=tmp_path / "work")
    points = [(one.submission.student, one.submission.chapter, one.points) for one in result.results]
    assert points == [("ada", CHAPTER, 6), ("ada", "91_other", 2), ("bob", "91_other", 6)]
    assert f"The file is called {NOTEBOOK}, not 91_other.ipynb." in result.results[2].notes
    assert "mean 78%" in said
    only, _ = grade_quietly(batch, root=two_chapters, work=tmp_path / "work", chapter="91")
    assert [one.submission.chapter for one in only.results] == ["91_other", "91_other"]
    assert [problem.what for problem in only.problems] == [f"left out: it belongs to {CHAPTER}"]
