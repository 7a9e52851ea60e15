"""Graded cells carry the tag raises-exception: Run All goes past an unsolved exercise, and nobody counts it as solved.

JupyterLab sends every cell at once and asks the kernel to stop at an error unless the cell has the tag. nbgrader
(grading and its Validate button) looks at the error, not at the tag. nbval compares the output with the recorded one.
"""

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbgrader.utils import determine_grade
from nbgrader.validator import Validator
from traitlets.config import Config

from course_lib.classroom.execute import error_of, run_notebook
from course_lib.classroom.release import QUIET_KERNEL


def graded(notebook):
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]


def test_every_graded_cell_has_the_tag_and_no_answer_cell_has_it(sample_notebook, released_sample):
    for notebook in (sample_notebook, released_sample):
        assert len(graded(notebook)) == 3
        assert all("raises-exception" in cell.metadata.tags for cell in graded(notebook))
        answers = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
        assert not any("raises-exception" in cell.metadata.get("tags", ()) for cell in answers)


def test_checks_are_folded_and_nothing_else_is(sample_notebook, released_sample):
    for notebook in (sample_notebook, released_sample):
        assert all(cell.metadata.jupyter == {"source_hidden": True} for cell in graded(notebook))
        assert sum("jupyter" in cell.metadata for cell in notebook.cells) == len(graded(notebook))


def test_nbgrader_gives_nothing_for_an_error_in_a_tagged_cell(built_sample, sample_notebook, released_sample):
    assert [determine_grade(cell) for cell in graded(sample_notebook)] == [(1, 1), (2.5, 2.5), (1, 1)]
    run_notebook(released_sample, built_sample / "course" / "90_sample")
    assert [determine_grade(cell) for cell in graded(released_sample)] == [(0, 1), (0, 2.5), (0, 1)]


def test_validate_names_the_unsolved_exercises(tmp_path, built_sample, released_sample):
    config = Config()
    config.Execute.extra_arguments = QUIET_KERNEL
    failed = Validator(config=config).validate(str(built_sample / "course" / "90_sample" / "90_sample.ipynb"))["failed"]
    assert ["predict_sum" in failed[0]["source"], "row_sums" in failed[1]["source"], len(failed)] == [True, True, 3]
    assert "not attempted yet. `total` is still None." in failed[0]["raw_error"]
    assert "Traceback" not in failed[1]["raw_error"]
    solved = tmp_path / "90_sample.ipynb"
    answers = {"predict-sum-answer": "total = 6", "row-sums-answer": "def row_sums(table): return table.sum(axis=1)"}
    answers |= {"repair-answer": "total_of = sum"}
    for cell in released_sample.cells:
        cell.source = answers.get(cell.id, cell.source)
    nbformat.write(released_sample, solved)
    (tmp_path / "numbers.csv").write_text("1,2,3\n")
    assert Validator(config=config).validate(str(solved)) == {}


def test_nbval_passes_the_solutions_and_fails_a_wrong_one(built_sample, sample, sample_notebook, nbval):
    folder = built_sample / "solutions" / "90_sample"
    passed, output = nbval(folder / "90_sample.ipynb")
    assert passed, output
    for cell in sample_notebook.cells:
        cell.source = cell.source.replace("return sums_of_all_rows", "return sums_of_all_rows * 2")
    wrong = sample / "solutions" / "90_sample" / "90_sample.ipynb"
    nbformat.write(sample_notebook, wrong)
    passed, output = nbval(wrong)
    assert not passed
    assert "Unexpected output fields from running code" in output or "Missing output fields" in output
    assert 'with check("row_sums") as c:' in output


@pytest.mark.parametrize("tagged", [True, False])
def test_the_kernel_runs_what_follows_a_failed_check_as_jupyterlab_asks_it_to(built_sample, released_sample, tagged):
    manager = KernelManager()
    manager.start_kernel(extra_arguments=QUIET_KERNEL, cwd=str(built_sample / "course" / "90_sample"))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        sent = [
            client.execute(
                cell.source, stop_on_error=not (tagged and "raises-exception" in cell.metadata.get("tags", ()))
            )
            for cell in released_sample.cells
            if cell.cell_type == "code"
        ]
        replies = {}
        while not replies.keys() >= set(sent):  # late answers to the questions whether it is ready may come between
            reply = client.get_shell_msg(timeout=60)
            replies[reply["parent_header"]["msg_id"]] = reply["content"]["status"]
        statuses = [replies[message] for message in sent]
        assert ("aborted" in statuses) is not tagged
        if tagged:
            assert statuses.count("error") == 4, "the demonstration and the three graded cells"
            assert statuses[-1] == "ok", "the progress table at the end is shown"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_failed_check_shows_as_its_message_alone(built_sample, released_sample):
    run_notebook(released_sample, built_sample / "course" / "90_sample")
    cell = graded(released_sample)[2]
    (output,) = cell.outputs
    assert output.ename == "CheckFailed"
    assert output.traceback == output.evalue.splitlines() == error_of(cell).splitlines()
    assert "c.call(" not in error_of(cell)
