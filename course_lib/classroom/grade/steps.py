"""One submission through all steps: read, rebuild, run, record, tell. Nothing it does stops the batch."""

import copy

from nbformat import NotebookNode

from course_lib.classroom.errors import ClassroomError
from course_lib.classroom.grade.assignment import Assignment, exercise_of, grade_id, is_answer, is_check
from course_lib.classroom.grade.cells import read_cells
from course_lib.classroom.grade.chapters import Chapter
from course_lib.classroom.grade.executor import (
    ExecutedNotebook,
    Executor,
    ExecutorFailed,
    Limits,
    Resources,
    failure,
)
from course_lib.classroom.grade.feedback import feedback_page
from course_lib.classroom.grade.figures import leave_out_figures
from course_lib.classroom.grade.files import Unreadable
from course_lib.classroom.grade.outcomes import read_outcomes
from course_lib.classroom.grade.preflight import Rebuilt, rebuild
from course_lib.classroom.grade.record import RecordFailed, WorkingFolder
from course_lib.classroom.grade.report import write_whole
from course_lib.classroom.grade.results import Status, SubmissionResult
from course_lib.classroom.grade.submissions import Submission


class Grader:
    """Grades submissions one after the other into a working folder.

    Args:
        place: the working folder, opened.
        executor: runs the notebooks; nothing but outputs is taken from what it returns.
    """

    def __init__(self, place: WorkingFolder, executor: Executor, limits: Limits):
        self.place, self.executor, self.limits = place, executor, limits
        self.assignments: dict[str, Assignment] = {}

    def prepare(self, chapter: Chapter) -> None:
        """Register a chapter; its submissions can be graded from then on."""
        self.assignments[chapter.name] = self.place.prepare(chapter)

    def grade(self, submission: Submission) -> SubmissionResult:
        """Grade one submission and write its feedback. Raises ClassroomError if the gradebook cannot be written."""
        assignment = self.assignments[submission.chapter]
        try:
            result = self._graded(submission, assignment)
        except ClassroomError:
            raise
        except (ExecutorFailed, RecordFailed) as error:
            result = self._failed(submission, assignment, f"It could not be graded: {error}.")
        except Exception as error:  # a fault of ours must not leave the students after this one without marks
            self.place.log.exception("grading %s, %s", submission.student, submission.chapter)
            result = self._failed(submission, assignment, f"It could not be graded ({error!r}); see grading.log.")
        page = self.place.path / "feedback" / submission.student / submission.chapter / f"{submission.chapter}.html"
        write_whole(page, feedback_page(result))
        return result

    def _graded(self, submission: Submission, assignment: Assignment) -> SubmissionResult:
        try:
            rebuilt = rebuild(_cells(submission), assignment)
        except Unreadable as error:
            status, reason = Status.REFUSED, f"The file could not be graded: {error}."
            rebuilt = Rebuilt(copy.deepcopy(assignment.released), {}, ())
            executed = _not_run(assignment, reason)
        else:
            run = self.executor.run(
                _to_run(rebuilt.notebook, assignment),
                Resources(self.limits, self.place.data(submission.chapter)),
            )
            executed = ExecutedNotebook(_with_outputs(rebuilt.notebook, run.notebook), run.seconds, run.incidents)
            status, reason = (Status.PARTLY, _first_incident(executed)) if run.incidents else (Status.GRADED, "")
        marks = self.place.record(submission, rebuilt.notebook, executed.notebook)
        return SubmissionResult(
            submission=submission,
            title=assignment.title,
            status=status,
            most=assignment.points,
            outcomes=tuple(read_outcomes(assignment, rebuilt.answers, executed, marks)),
            reason=reason,
            notes=(*submission.notes, *rebuilt.notes),
            seconds=executed.seconds,
        )

    def _failed(self, submission: Submission, assignment: Assignment, reason: str) -> SubmissionResult:
        return SubmissionResult(
            submission, assignment.title, Status.FAILED, assignment.points, reason=reason, notes=submission.notes
        )


def _cells(submission: Submission) -> list:
    if submission.file is None:
        raise Unreadable("no notebook was sent")
    return read_cells(submission.file.read())


def _to_run(notebook: NotebookNode, assignment: Assignment) -> NotebookNode:
    """A copy of the rebuilt notebook in which the checks have their hidden parts again and nothing is drawn."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if is_check(cell):
            cell.source = assignment.checks[grade_id(cell)]
    leave_out_figures(notebook)
    return notebook


def _with_outputs(notebook: NotebookNode, run: NotebookNode) -> NotebookNode:
    """A copy of the rebuilt notebook with the outputs of the run: the only part of the run that is kept."""
    notebook = copy.deepcopy(notebook)
    for cell, done in zip(notebook.cells, run.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs = done.outputs
    return notebook


def _not_run(assignment: Assignment, reason: str) -> ExecutedNotebook:
    notebook = copy.deepcopy(assignment.released)
    for cell in notebook.cells:
        if is_check(cell):
            cell.outputs = [failure(reason)]
    return ExecutedNotebook(notebook)


def _first_incident(executed: ExecutedNotebook) -> str:
    index, sentence = min(executed.incidents.items())
    cell = executed.notebook.cells[index]
    name = exercise_of(cell)
    where = f"The {'answer cell' if is_answer(cell) else 'check'} of {name}" if name else "A cell outside the exercises"
    more = len(executed.incidents) - 1
    also = f" {more} more cell{'s' if more > 1 else ''} had such trouble." if more else ""
    return f"{where}: {sentence[:1].lower()}{sentence[1:]}{also}"
