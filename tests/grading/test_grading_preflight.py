"""What of a submission is run: the student's answers and own cells, in their places, and nothing else."""

import doctest
import json

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from small_course import SOLUTIONS, answer_cell, chapter_notebook, check_cell, submission, text

from course_lib.classroom.grade import figures, places
from course_lib.classroom.grade.assignment import read_assignment
from course_lib.classroom.grade.cells import read_cells
from course_lib.classroom.grade.figures import without_figures
from course_lib.classroom.grade.preflight import rebuild


@pytest.fixture(scope="module")
def assignment():
    return read_assignment("90_small", chapter_notebook(whole=True), chapter_notebook(whole=False))


def rebuilt(notebook, assignment):
    return rebuild(read_cells(text(notebook).encode()), assignment)


def cell(source, **fields):
    return NotebookNode(new_code_cell(source, id=f"own-{len(source)}") | fields)


def test_the_assignment_knows_exercises_points_and_hidden_lines(assignment):
    assert [(one.name, one.title, one.points, one.answers) for one in assignment.exercises] == [
        ("double", "The exercise double", 2, ("double_answer",)),
        ("largest", "The exercise largest", 3, ("largest_answer",)),
        ("vowels", "The exercise vowels", 1, ("vowels_answer",)),
    ]
    assert assignment.title == "A small chapter" and assignment.points == 6
    assert "secret_sentence = 'only the grader reads this'" in assignment.hidden
    assert not any("must be 8" in line for line in assignment.hidden)


def test_everything_but_answers_and_own_cells_is_as_released(assignment):
    notebook = submission(SOLUTIONS)
    for one in notebook.cells:
        one.metadata["kept"] = "no"
        if one.cell_type == "code":
            one.outputs, one.execution_count = [{"output_type": "stream", "name": "stdout", "text": "old"}], 7
    notebook.cells[0].source = "# Another title"
    notebook.metadata["kernelspec"] = {"name": "bash"}
    result = rebuilt(notebook, assignment)
    assert json.loads(text(result.notebook)) == json.loads(text(submission(SOLUTIONS)))
    assert result.notes == ()


def test_however_many_checks_were_changed_it_is_one_note(assignment):
    notebook = submission(SOLUTIONS)
    names = list(SOLUTIONS)
    for name in names[:2]:
        check_cell(notebook, name).source = "pass"
    note = f"2 of 3 check cells were changed ({names[0]}, {names[1]}); the originals were run."
    assert rebuilt(notebook, assignment).notes == (note,)
    check_cell(notebook, names[2]).source = "pass"
    note = f"All check cells were changed ({', '.join(names)}); the originals were run."
    assert rebuilt(notebook, assignment).notes == (note,)


def test_own_cells_stay_where_they_stood(assignment):
    notebook = submission(SOLUTIONS)
    notebook.cells.insert(0, cell("at_the_top = 1"))
    at = notebook.cells.index(answer_cell(notebook, "largest"))
    notebook.cells[at:at] = [cell("one = 1"), cell("two = 2"), cell("words", cell_type="markdown"), cell("  \n")]
    notebook.cells.append(cell("at_the_end = 1"))
    sources = [one.source for one in rebuilt(notebook, assignment).notebook.cells if one.cell_type == "code"]
    assert sources[0] == "at_the_top = 1" and sources[-1] == "at_the_end = 1"
    at = sources.index(SOLUTIONS["largest"])
    assert sources[at - 2 : at] == ["one = 1", "two = 2"]
    assert "words" not in sources and "  \n" not in sources


def test_a_changed_example_runs_behind_the_original(assignment):
    notebook = submission(SOLUTIONS)
    notebook.cells[1].source = "import math\ntau = 2 * math.pi"
    sources = [one.source for one in rebuilt(notebook, assignment).notebook.cells]
    assert sources[1:3] == ["import math", "import math\ntau = 2 * math.pi"]


@pytest.mark.parametrize("order", [("worked", "stub"), ("stub", "worked"), ("first", "worked", "stub")])
def test_of_several_copies_of_an_answer_the_last_with_work_counts(order, assignment):
    notebook = submission()
    at = notebook.cells.index(answer_cell(notebook, "double"))
    stub = notebook.cells.pop(at)
    notebook.cells[at:at] = [stub | ({} if what == "stub" else {"source": f"{what} = 1"}) for what in order]
    result = rebuilt(notebook, assignment)
    assert result.answers["double_answer"] == "worked = 1"
    assert sum(one.source == "worked = 1" for one in result.notebook.cells) == 1
    assert f"is there {len(order)} times" in result.notes[0]


def test_an_answer_that_became_markdown_counts(assignment):
    notebook = submission(SOLUTIONS)
    answer_cell(notebook, "double").cell_type = "markdown"
    assert rebuilt(notebook, assignment).answers["double_answer"] == SOLUTIONS["double"]


def test_a_cell_that_claims_a_check_is_never_run(assignment):
    notebook = submission(SOLUTIONS)
    for name in ("double", "largest", "vowels"):
        notebook.cells.append(check_cell(notebook, name) | {"source": "raise SystemExit", "id": f"forged-{name}"})
    assert "SystemExit" not in text(rebuilt(notebook, assignment).notebook)


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("viz.axes(x)", ""),
        ("y = x.T\nviz.memory_map(\n    y,\n    base=x,\n)\nprint(y)", "y = x.T\nprint(y)"),
        ("viz.image_strip([x[0], torch.zeros(3)], titles=['a'])", ""),
        ("viz.axes(x.add_(1))", None),
        ("viz.axes(y := x)", None),
        ("viz.axes(mine(x))", None),
        ("viz.axes(items.pop())", None),
        ("picture = viz.sample_images()", None),
        ("y = 1; viz.axes(y)", None),
        ("%matplotlib inline\nviz.axes(x)", None),
        ("viz.axes(x", None),
    ],
)
def test_only_statements_that_merely_draw_are_left_out(source, kept):
    assert without_figures(source) == (source if kept is None else kept)


@pytest.mark.parametrize("module", [figures, places])
def test_examples_in_the_documentation(module):
    assert doctest.testmod(module).failed == 0
