"""Reading a chapter's source: its parts, and a sentence with file and line for whatever is malformed."""

import pytest
from course_chapters import CHAPTERS, ROOT

from course_lib.classroom.errors import ClassroomError
from course_lib.classroom.source import find_chapters, read_chapter


@pytest.fixture
def source(sample):
    return sample / "solutions" / "90_sample" / "90_sample.py"


def test_a_chapter_has_its_cells_and_exercises(source):
    chapter = read_chapter(source)
    assert (chapter.name, chapter.title) == ("90_sample", "A sample")
    assert [exercise.name for exercise in chapter.exercises] == ["predict_sum", "row_sums", "repair"]
    assert [cell.role for cell in chapter.cells if cell.exercise == "repair"] == [
        "prompt",
        "solution",
        "check",
        "hints",
    ]
    row_sums = chapter.exercises[1]
    assert (row_sums.kind, row_sums.points, row_sums.minutes, row_sums.difficulty) == ("use", 2.5, 5, 2)
    assert row_sums.hints == ("A sum along one axis.", "`sum` takes `axis`.", "`return table.sum(axis=…)`")
    assert chapter.exercises[0].hints[1] == "Use your fingers,\nall of them."
    assert [mutant.name for mutant in row_sums.mutants] == ["columns", "whole_numbers_only", "in_place"]
    assert [cell.library_only for cell in chapter.cells][:3] == [False, False, True]


def test_a_stub_is_written_where_the_solution_was(source):
    predict_sum, row_sums, repair = read_chapter(source).exercises
    assert predict_sum.stub == "total = None  # 1 + 2 + 3"
    assert row_sums.stub.splitlines()[-2:] == [
        "    # YOUR CODE HERE, in place of the next line",
        '    raise NotImplementedError("row_sums is not written yet.")',
    ]
    assert "sums_of_all_rows" not in row_sums.stub
    assert repair.stub == "def total_of(numbers):\n    return sum(numbers[1:])"


MALFORMED = [
    ('# %% check="row_sums"', "# %%", "only a check cell holds hidden tests", None),
    ('# %% check="row_sums"', '# %% check="rows"', "exercise 'row_sums' has no check", '# %% exercise="row_sums"'),
    ('# %% [markdown] hints="row_sums"', "# %% [markdown]", "exercise 'row_sums' has no hints", None),
    ('# %% [markdown] prompt="row_sums"', "# %% [markdown]", "exercise 'row_sums' has no prompt", None),
    (
        "# 3. `return table.sum(axis=…)`",
        "# Think.",
        "a list of three, numbered 1. 2. 3.",
        '# %% [markdown] hints="row_sums"',
    ),
    ("# 1. Add.", "# Read this first.\n# 1. Add.", "and nothing else", '# %% [markdown] hints="predict_sum"'),
    ('# %% mutant="repair" name="needs_one" says="IndexError"', "# %%", "has 1 mutants, expected at least two", None),
    ('name="needs_one"', 'name="last_left_out"', "the name 'last_left_out' of this mutant of 'repair' is taken", None),
    (' says="IndexError"', "", "a mutant of 'repair' needs says=\"…\"", None),
    ('kind="debug"', 'kind="guess"', "kind='guess': write kind= with one of predict, use, implement", None),
    ("points=2.5", 'points="two"', "points='two': write points=", None),
    ("minutes=5 ", "", "minutes=None: write minutes=", None),
    ("difficulty=2", "difficulty=4", "difficulty=4: write difficulty=", None),
    ("difficulty=2", "difficulty=2 colour=3", "unknown metadata: colour", '# %% exercise="row_sums"'),
    ('# %% exercise="repair"', '# %% exercise="row_sums"', "exercise='row_sums' occurs twice, first in line", None),
    ('# %% stub="repair"', '# %% stub="repairs"', "there is no exercise 'repairs' for this cell", "same"),
    ('# %% stub="repair"', '# %% stub="Repair it"', "a grade id is lower case with underscores", "same"),
    ('# %% stub="predict_sum"', "# %%", "stands outside a function", None),
    ("    ### BEGIN HIDDEN TESTS\n    c.call(total_of, [])", "    c.call(total_of, [])", "does not fit", None),
    ("    c.call(total_of, []).gives(0)\n    ### END HIDDEN TESTS", "    pass", "BEGIN HIDDEN TESTS has no", None),
    (
        "    ### BEGIN HIDDEN TESTS\n    c.call(total_of, []).gives(0)\n    ### END HIDDEN TESTS\n",
        "",
        "this cell has no hidden tests",
        '# %% check="repair"',
    ),
    (
        "    ### BEGIN SOLUTION\n    return sum(numbers)\n    ### END SOLUTION",
        "    return sum(numbers)",
        "this cell has no solution",
        '# %% exercise="repair"',
    ),
    ("# The end.", "# ### BEGIN SOLUTION", "only an exercise cell holds a solution region", "# %% [markdown]"),
    ('# %% check="repair"', '# %% check="repair" tags=["nbval-skip"]', "takes no nbval tag", "same"),
    (
        'with check("repair")',
        'with check("repairs")',
        'has no line `with check("repair") as c:`',
        '# %% check="repair"',
    ),
    ('# %% [markdown] hints="repair"', '3.5\n# %% [markdown] hints="repair"', "takes a number there for points", "3.5"),
    ('with check("repair") as c:', 'with check("repair") as c', "a check cell is plain Python", "with check"),
    ('# %% [markdown] hints="repair"', '# %% hints="repair"', "a hints cell is a markdown cell", "same"),
    ('# %% stub="repair"', '# %% stub="repair" check="repair"', "a cell has one role", "same"),
    ('tags=["raises-exception"]', 'tags="raises-exception"', "'raises-exception' is not of type 'array'", None),
    ("# # A sample", "# A sample", "no markdown cell has a title", None),
    ("# %%\nimport numpy as np", '# %%\ns = """\n# %%\n"""', "no string may hold such a line", None),
]


@pytest.mark.parametrize(("text", "replacement", "sentence", "at"), MALFORMED)
def test_a_malformed_source_is_refused_with_its_line(source, text, replacement, sentence, at):
    content = source.read_text(encoding="utf-8")
    assert text in content
    content = content.replace(text, replacement, 1)
    source.write_text(content, encoding="utf-8")
    with pytest.raises(ClassroomError) as caught:
        read_chapter(source)
    assert str(caught.value).startswith(f"{source}:")
    line, said = str(caught.value).removeprefix(f"{source}:").split(":", 1)
    assert sentence in said
    if at:
        assert content.splitlines()[int(line) - 1].startswith(replacement if at == "same" else at)


def test_parts_out_of_order_are_refused(source):
    content = source.read_text(encoding="utf-8")
    check = content[content.index('# %% check="repair"') : content.index('# %% [markdown] hints="repair"')]
    hints = content[content.index('# %% [markdown] hints="repair"') : content.index('# %% mutant="repair" name="last')]
    source.write_text(content.replace(check + hints, hints + check), encoding="utf-8")
    with pytest.raises(ClassroomError, match="come as prompt, exercise, stub, check, hints, mutants"):
        read_chapter(source)


def test_chapters_are_found_by_folder_or_number(sample):
    path = sample / "solutions" / "90_sample" / "90_sample.py"
    for names in ([], ["90"], ["90_sample"], ["090"]):
        assert find_chapters(sample, names) == [path]
    with pytest.raises(ClassroomError, match="There is no chapter '91'. The chapters are: 90_sample.") as caught:
        find_chapters(sample, ["91"])
    assert caught.value.exit_code == 2
    with pytest.raises(ClassroomError, match="No chapter was found"):
        find_chapters(sample / "nowhere")


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_chapter_of_the_course_is_well_formed(name):
    chapter = read_chapter(ROOT / "solutions" / name / f"{name}.py")
    for exercise in chapter.exercises:
        assert 2 <= len(exercise.mutants) <= 5, f"{exercise.name} has {len(exercise.mutants)} mutants"
    assert chapter.cells[0].kind == "markdown"
    assert any("import course_lib as torch" in cell.source for cell in chapter.cells[:3])
