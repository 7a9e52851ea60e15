"""What people read: the feedback page, the CSV, the table, and the sentences for wrong calls."""

import csv

import pytest
from small_course import CHAPTER, blank, perfect, write_files, write_zip

from course_lib.classroom.errors import ClassroomError
from course_lib.classroom.grade.feedback import feedback_page
from course_lib.classroom.grade.outcomes import clean
from course_lib.classroom.grade.report import summary, write_csv
from course_lib.classroom.grade.results import (
    Exercise,
    ExerciseOutcome,
    GradeResult,
    State,
    Status,
    SubmissionResult,
)
from course_lib.classroom.grade.submissions import Submission

MESSAGE = """✗ make_checkerboard: the values are not right yet.
  Called        make_checkerboard(2, 3)
  Expected      tensor([[0, 1, 0],
                        [1, 0, 1]])
  Got           tensor([[1, 0, 1],
                        [0, 1, 0]])
  Likely cause  The colours are swapped.
  Says          Use slices like `0::2`.
  Try           Even rows have ones in the
                columns 1, 3, 5, …"""


def result_with(student="ada", name="Ada", **outcome):
    exercise = Exercise("make_checkerboard", "A checkerboard", 2, ("make_checkerboard_answer",))
    submission = Submission(student, name, CHAPTER, None)
    fields = {"state": State.FAILED, "points": 0, "message": MESSAGE} | outcome
    return SubmissionResult(submission, "Tensors", Status.GRADED, 2, (ExerciseOutcome(exercise, **fields),))


def test_a_message_of_a_check_becomes_a_table():
    page = feedback_page(result_with())
    assert "<th>Likely cause</th><td>The colours are swapped.</td>" in page
    assert "<pre>tensor([[0, 1, 0],\n        [1, 0, 1]])</pre>" in page
    assert "Even rows have ones in the\ncolumns 1, 3, 5, …" in page
    assert "<h2>A checkerboard</h2>" in page and "0 / 2" in page
    assert "<p>The values are not right yet.</p>" in page
    assert "Use slices like <code>0::2</code>." in page


def test_any_other_message_is_shown_as_it_is():
    page = feedback_page(result_with(message="two lines\n  and  an indent"))
    assert '<pre class="block">two lines\n  and  an indent</pre>' in page


def test_a_half_finished_answer_is_told_what_is_left():
    message = "○ make_checkerboard: not attempted yet. `shape_c` is still None.\n  Try           Run the cell."
    blank = {"state": State.BLANK, "message": message}
    assert "You left this exercise as it was" in feedback_page(result_with(**blank))
    page = feedback_page(result_with(**blank, answer="shape_a = 1"))
    assert "This exercise is not finished. <code>shape_c</code> is still None." in page
    assert "You left" not in page and "Run the cell" not in page


def test_everything_foreign_is_escaped():
    evil = "<img src=x onerror=alert(1)>"
    page = feedback_page(result_with(name=evil, message=f"{MESSAGE}\n  Says          {evil}", answer=evil,
                                     answer_error=evil))  # fmt: skip
    assert evil not in page
    assert page.count("&lt;img") >= 5
    assert "default-src 'none'" in page


def test_clean_text_has_no_terminal_codes_and_an_end():
    assert clean("\x1b[0;31mred\x1b[0m\x07 text\n") == "red text\n"
    assert len(clean("x" * 1_000_000)) < 5_000


def test_a_spreadsheet_finds_no_formula(tmp_path):
    write_csv(
        tmp_path / "marks.csv", [result_with(name="=HYPERLINK(1)"), result_with(name="@x"), result_with(name="-1")]
    )
    with (tmp_path / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["'=HYPERLINK(1)", "'@x", "'-1"]


def test_the_table_takes_names_literally(tmp_path):
    result = GradeResult(tmp_path, tmp_path / "marks.csv", "Moodle", [result_with(student="[red]x[/]")], [], 2.0)
    text = summary(result)
    assert "[red]x[/]" in text
    assert "0 / 2" in text and "30 a minute" in text


def wrong_call(folder, course, **options):
    from course_lib.classroom.grade import grade

    with pytest.raises(ClassroomError) as caught:
        grade(folder, root=options.pop("root", course), report=str, **options)
    return str(caught.value), caught.value.exit_code


def test_wrong_calls_are_told_in_a_sentence(tmp_path, course):
    batch = write_files(tmp_path / "batch", {f"ada/{CHAPTER}.ipynb": blank()})
    write_files(tmp_path, {"file.txt": "x", "empty/readme.md": "", "other/a.ipynb": '{"cells": []}'})
    for (sentence, code), words in [
        (wrong_call(tmp_path / "missing", course), "There is no"),
        (wrong_call(tmp_path / "file.txt", course), "neither a folder nor a zip archive"),
        (wrong_call(tmp_path / "empty", course), f"There is no submission for {CHAPTER}"),
        (wrong_call(tmp_path / "other", course), "name it with --chapter"),
        (wrong_call(batch, course, chapter="77"), f"There is no chapter '77' to grade. The chapters are: {CHAPTER}."),
        (wrong_call(course, course), "holds the course itself"),
        (wrong_call(write_zip(tmp_path / "none.zip", {"a.txt": ""}), course), "There is no submission"),
    ]:
        assert words in sentence
        assert code == 2
    sentence, code = wrong_call(batch, course, root=tmp_path)
    assert "classroom build" in sentence and code == 1


def test_the_chapter_can_be_named_for_files_that_do_not_tell(tmp_path, grade_quietly):
    batch = write_files(tmp_path / "batch", {"ada/scratch.ipynb": '{"cells": []}', "bob/answers.ipynb": perfect()})
    result, _ = grade_quietly(batch, chapter="90", work=tmp_path / "work")
    assert [(one.submission.student, one.points) for one in result.results] == [("ada", 0), ("bob", 6)]
    assert result.results[0].reason == f"The file could not be graded: it holds no exercise of {CHAPTER}."


def test_by_default_the_work_lies_in_graded_and_is_not_graded_itself(tmp_path, course, grade_quietly):
    batch = write_files(tmp_path / "home work", {f"ada/{CHAPTER}.ipynb": perfect()})
    result, said = grade_quietly(batch)
    assert result.work == course.resolve() / "graded" / "home_work"
    inside, _ = grade_quietly(batch, work=batch / "work")
    again, _ = grade_quietly(batch, work=batch / "work")
    assert len(inside.results) == len(again.results) == 1 and again.problems == []


def test_the_warning_about_trust_is_said_once(tmp_path, course, monkeypatch):
    from course_lib.classroom.grade import grade
    from course_lib.classroom.grade.executor import ExecutedNotebook, LocalExecutor

    monkeypatch.setattr(LocalExecutor, "run", lambda self, notebook, resources: ExecutedNotebook(notebook))
    batch = write_files(tmp_path / "batch", {f"{name}/{CHAPTER}.ipynb": perfect() for name in ("ada", "bob")})
    said = []
    grade(batch, root=course, work=tmp_path / "work", report=said.append)
    assert [text for text in said if "with your own rights" in text] == [said[0]]
