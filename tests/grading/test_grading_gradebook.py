"""The working folder: graded twice, killed, locked, unwritable, marked by hand, made for another version."""

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_course import (
    CHAPTER,
    blank,
    half,
    marks_in,
    page_of,
    perfect,
    read_rows,
    write_course,
    write_files,
)

from course_lib.classroom.errors import ClassroomError

SENT = {"ada": perfect, "bob": half, "cy": blank}
MARKS = {("ada", "double"): 2, ("ada", "largest"): 3, ("ada", "vowels"): 1, ("bob", "double"): 2}


@pytest.fixture
def batch(tmp_path):
    files = {f"{name}/{CHAPTER}/{CHAPTER}.ipynb": sent() for name, sent in SENT.items()}
    return write_files(tmp_path / "batch", files)


def expected_marks():
    return {(s, e): MARKS.get((s, e), 0) for s in SENT for e in ("double", "largest", "vowels")}


def test_grading_twice_changes_nothing_and_new_work_replaces_old(batch, tmp_path, grade_quietly):
    work = tmp_path / "work"
    first, _ = grade_quietly(batch, work=work)
    kept = first.csv.read_bytes(), page_of(work, "bob"), marks_in(work / "gradebook.db")
    second, _ = grade_quietly(batch, work=work)
    assert kept == (second.csv.read_bytes(), page_of(work, "bob"), marks_in(work / "gradebook.db"))
    assert kept[2] == expected_marks()
    write_files(batch, {f"cy/{CHAPTER}/{CHAPTER}.ipynb": perfect()})
    third, _ = grade_quietly(batch, work=work)
    assert read_rows(third.csv)["cy"]["total"] == "6"
    assert "6 of 6" in page_of(work, "cy")


def test_a_run_that_was_killed_ends_with_the_same_gradebook(batch, course, tmp_path, grade_quietly):
    work = tmp_path / "work"
    code = "import sys; from pathlib import Path; from course_lib.classroom.grade import grade; " \
           "grade(Path(sys.argv[1]), root=Path(sys.argv[2]), work=Path(sys.argv[3]))"  # fmt: skip
    run = subprocess.Popen(
        [sys.executable, "-c", code, batch, course, work], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not (work / "feedback" / "ada").exists() and run.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    run.kill()
    run.wait()
    assert not (work / "marks.csv").exists(), "it was killed too late for this test to mean anything"
    result, _ = grade_quietly(batch, work=work)
    assert marks_in(work / "gradebook.db") == expected_marks()
    assert [row["total"] for row in read_rows(result.csv).values()] == ["6", "2", "0"]


def test_a_mark_given_by_a_person_stays(batch, tmp_path, grade_quietly):
    from nbgrader.api import Gradebook

    work = tmp_path / "work"
    grade_quietly(batch, work=work)
    with Gradebook(f"sqlite:///{work / 'gradebook.db'}") as book:
        grade = book.find_grade("largest", CHAPTER, CHAPTER, "bob")
        grade.manual_score = 1.5
        book.db.commit()
    result, _ = grade_quietly(batch, work=work)
    assert read_rows(result.csv)["bob"]["largest"] == "1.5"
    assert "3.5 of 6 points" in page_of(work, "bob")


@pytest.mark.parametrize("name", ["gradebook.db", ".lock.db"])
def test_a_gradebook_in_use_is_one_sentence(name, batch, tmp_path, grade_quietly):
    work = tmp_path / "work"
    work.mkdir()
    other = sqlite3.connect(work / name, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ClassroomError, match="in use by another program") as caught:
        grade_quietly(batch, work=work)
    assert caught.value.exit_code == 1
    other.close()


def test_a_gradebook_that_is_taken_while_grading_is_one_sentence(batch, tmp_path, grade_quietly, monkeypatch):
    import nbgrader.api
    from sqlalchemy import create_engine

    work = tmp_path / "work"
    quick = lambda url, **options: create_engine(url, connect_args={"timeout": 0.1}, **options)
    monkeypatch.setattr(nbgrader.api, "create_engine", quick)
    grade_quietly(batch, work=work)
    other = sqlite3.connect(work / "gradebook.db", isolation_level=None, check_same_thread=False)

    class Taker:
        """Runs nothing, and takes the gradebook instead."""

        warning = ""

        def run(self, notebook, resources):
            from course_lib.classroom.grade.executor import ExecutedNotebook

            other.execute("BEGIN EXCLUSIVE")
            return ExecutedNotebook(notebook)

    with pytest.raises(ClassroomError, match="in use by another program"):
        grade_quietly(batch, work=work, executor=Taker())
    other.close()


def test_a_file_that_is_no_gradebook_is_one_sentence(batch, tmp_path, grade_quietly):
    write_files(tmp_path / "work", {"gradebook.db": "this is a text, and not a short one" * 100})
    with pytest.raises(ClassroomError, match="is not a gradebook"):
        grade_quietly(batch, work=tmp_path / "work")


def test_a_working_folder_that_cannot_be_made_is_one_sentence(batch, tmp_path, grade_quietly):
    (tmp_path / "file").write_text("")
    with pytest.raises(ClassroomError, match="cannot be made .* --work"):
        grade_quietly(batch, work=tmp_path / "file" / "work")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_sentence(batch, tmp_path, grade_quietly):
    (tmp_path / "work").mkdir(mode=0o500)
    with pytest.raises(ClassroomError, match="--work"):
        grade_quietly(batch, work=tmp_path / "work")


def test_no_permission_is_one_sentence(batch, tmp_path, grade_quietly, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ClassroomError, match=r"cannot be made \(Permission denied\)"):
        grade_quietly(batch, work=tmp_path / "work")


def test_a_gradebook_for_other_exercises_is_one_sentence(batch, tmp_path, grade_quietly):
    from course_lib.classroom.grade import grade

    work = tmp_path / "work"
    grade_quietly(batch, work=work)
    changed = write_course(tmp_path / "changed")
    for folder in ("solutions", "course"):
        file = changed / folder / CHAPTER / f"{CHAPTER}.ipynb"
        file.write_text(file.read_text().replace('"grade_id": "vowels', '"grade_id": "letters'))
    with pytest.raises(ClassroomError, match="have changed since .* --work"):
        grade(batch, root=changed, work=work, report=str)


def test_a_path_that_nbgrader_would_misread_is_one_sentence(batch, tmp_path, grade_quietly):
    with pytest.raises(ClassroomError, match="search pattern"):
        grade_quietly(batch, work=tmp_path / "work [1]")


def test_a_fault_of_ours_leaves_the_others_graded(batch, tmp_path, grade_quietly, monkeypatch):
    from course_lib.classroom.grade import steps

    rebuild = steps.rebuild

    def fails_for_bob(cells, assignment):
        if any("values[0]" in cell.source for cell in cells):
            raise ZeroDivisionError("a fault of ours")
        return rebuild(cells, assignment)

    monkeypatch.setattr(steps, "rebuild", fails_for_bob)
    result, said = grade_quietly(batch, work=tmp_path / "work")
    rows = read_rows(result.csv)
    assert (rows["ada"]["total"], rows["bob"]["total"], rows["cy"]["total"]) == ("6", "", "0")
    assert rows["bob"]["status"] == "not graded"
    assert "a fault of ours" in said
    assert "ZeroDivisionError" in (tmp_path / "work" / "grading.log").read_text()


def test_a_timestamp_reaches_the_gradebook(batch, tmp_path, grade_quietly):
    from nbgrader.api import Gradebook

    write_files(batch, {f"ada/{CHAPTER}/timestamp.txt": "2026-03-01 12:00:00 UTC", f"bob/{CHAPTER}/timestamp.txt": "?"})
    grade_quietly(batch, work=tmp_path / "work")
    with Gradebook(f"sqlite:///{tmp_path / 'work' / 'gradebook.db'}") as book:
        assert book.find_submission(CHAPTER, "ada").timestamp.isoformat() == "2026-03-01T12:00:00"
        assert book.find_submission(CHAPTER, "bob").timestamp is None
