"""The proof itself: it holds for the sample, and it finds each way in which an exercise can fail to grade."""

from course_lib.classroom.prove import prove

SOURCE = "solutions/90_sample/90_sample.py"


def edited(sample, *edits):
    source = sample / SOURCE
    content = source.read_text(encoding="utf-8")
    for text, replacement in edits:
        assert text in content
        content = content.replace(text, replacement, 1)
    source.write_text(content, encoding="utf-8")
    return sample


def test_the_sample_is_proved(sample):
    lines = []
    proof = prove(["90"], sample, report=lines.append)
    assert proof.ok, proof.failures
    assert lines == ["90_sample: 15 of 15 cases hold"]
    rows = {(row.exercise, row.case): row for row in proof.rows}
    assert rows["row_sums", "solution"].score == 2.5
    assert (rows["row_sums", "stub"].score, rows["row_sums", "columns"].score) == (0, 0)
    assert "The wrong dimension was reduced" in rows["row_sums", "columns"].message
    assert [row.case for row in proof.rows if row.exercise == "repair"] == [
        "solution",
        "stub",
        "last_left_out",
        "needs_one",
    ]


def test_what_does_not_grade_is_found(sample):
    root = edited(
        sample,
        ('says="The last number was forgotten."', 'says="You forgot the last number"'),  # the message says otherwise
        ("c.that(total > 5", "c.that(total > 6"),  # a hidden check that refuses the solution
        ("    return table.sum(axis=0)", "    return table.sum(axis=1)"),  # a wrong answer that is right
        ("    return sum(numbers[1:])", "    return sum(numbers)"),  # a broken program that works
    )
    lines = []
    failures = {(row.exercise, row.case): row.message for row in prove([], root, report=lines.append).failures}
    assert set(failures) == {
        ("predict_sum", "solution"),
        ("predict_sum", "forgot_last"),
        ("row_sums", "columns"),
        ("repair", "stub"),
    }
    assert "the solution earns 0 of 1. The student reads:" in failures["predict_sum", "solution"]
    assert "the message does not say 'You forgot the last number'" in failures["predict_sum", "forgot_last"]
    assert "this wrong answer earns all 2.5 points" in failures["row_sums", "columns"]
    assert lines[0] == "90_sample: 11 of 15 cases hold"
    assert any(line.startswith("  row_sums, columns: ") for line in lines)


def test_a_released_notebook_that_stops_elsewhere_is_found(sample):
    root = edited(sample, ("# %% progress=True\n", "# %%\nprint(row_sums(table))\n\n# %% progress=True\n"))
    (failure,) = prove([], root, report=lambda line: None).failures
    assert (failure.exercise, failure.case) == ("", "only graded cells fail")
    assert "NotImplementedError: row_sums is not written yet." in failure.message


def test_mutants_that_disturb_each_other_are_tried_alone(sample):
    root = edited(
        sample,
        ("    return sum(numbers[:-1])", "    return sum(numbers[:-1]) + total - 6"),  # total is another answer
        ('says="the values are not right yet"', 'says="The result is 3, expected 6."'),
    )
    proof = prove([], root, report=lambda line: None)
    assert proof.ok, proof.failures


def test_an_exercise_without_points_is_proved_by_its_messages(sample):
    root = edited(sample, ("points=2.5", "points=0"), ("table.sum(axis=0)", "table.sum(axis=1)"))
    (failure,) = prove([], root, report=lambda line: None).failures
    assert (failure.exercise, failure.case) == ("row_sums", "columns")
