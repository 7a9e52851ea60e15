"""The working folder: an nbgrader course folder with the SQLite gradebook in which every mark is written.

    source/ release/        the chapter, and what nbgrader's generate_assignment makes of it
    submitted/ autograded/  what was taken from each submission, and the same with outputs
    feedback/ gradebook.db marks.csv grading.log

`prepare` registers a chapter and returns the Assignment that grading trusts; `record` writes one executed submission
through nbgrader's own Autograde (all its steps but the execution), so that formgrader, manual marks, late penalties
and export work on this folder. One process at a time: the lock ends with its process, however that ends.
"""

import contextlib
import glob
import logging
import re
import shutil
import sqlite3
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from nbgrader.utils import parse_utc, rmtree
from sqlalchemy.exc import SAWarning

from course_lib.classroom.errors import ClassroomError
from course_lib.classroom.grade.assignment import Assignment, grade_id, is_answer, read_assignment
from course_lib.classroom.grade.chapters import Chapter
from course_lib.classroom.grade.executor import NOT_DATA
from course_lib.classroom.grade.submissions import Submission
from course_lib.classroom.release import course_config, generate_assignment

LARGEST_OUTPUT = 1_000_000


@dataclass(frozen=True)
class Mark:
    """The points of one exercise as they stand in the gradebook; None while a person has to mark it."""

    points: float | None
    most: float


class RecordFailed(Exception):
    """nbgrader could not record one submission; the log says why."""


class WorkingFolder:
    """The working folder `path`, locked for this process; use it in a `with` statement."""

    def __init__(self, path: Path):
        self.path = path.resolve()
        self.log = logging.getLogger("course_lib.classroom.grade")
        self._open = contextlib.ExitStack()

    def __enter__(self) -> "WorkingFolder":
        with self._open:
            self._make()
            self._open.enter_context(_lock(self.path / ".lock.db", _IN_USE))
            with _lock(self.gradebook, _IN_USE):
                pass
            self._write_log()
            self._open = self._open.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._open.close()

    @property
    def gradebook(self) -> Path:
        return self.path / "gradebook.db"

    def prepare(self, chapter: Chapter) -> Assignment:
        """Register the chapter in the gradebook and return what grading trusts of it."""
        source = self.path / "source" / chapter.name
        _replace(source)
        shutil.copytree(chapter.solution.parent, source, ignore=NOT_DATA, dirs_exist_ok=True)
        shutil.copy(chapter.solution, source)
        released = nbformat.read(chapter.released, 4)
        stubs = {grade_id(cell): cell.source for cell in released.cells if is_answer(cell)}
        try:
            generate_assignment(self.path, chapter.name, stubs)
        except ClassroomError as error:
            raise self._sentence(str(error)) or error from error
        return read_assignment(
            chapter.name,
            nbformat.read(source / chapter.solution.name, 4),
            nbformat.read(self.path / "release" / chapter.name / chapter.solution.name, 4),
        )

    def data(self, chapter: str) -> Path:
        """The folder with the files that a notebook of this chapter finds beside it."""
        return self.path / "release" / chapter

    def record(self, submission: Submission, submitted: NotebookNode, executed: NotebookNode) -> dict[str, Mark]:
        """Write one submission and the outputs of its run; return its marks. Raises RecordFailed."""
        folder = self.path / "submitted" / submission.student / submission.chapter
        _replace(folder)
        nbformat.write(submitted, folder / f"{submission.chapter}.ipynb")
        if _is_time(submission.timestamp):
            (folder / "timestamp.txt").write_text(submission.timestamp, encoding="utf-8")
        self._autograde(submission, executed)
        return self._marks(submission)

    def _autograde(self, submission: Submission, executed: NotebookNode) -> None:
        """Run nbgrader's autograde on one submission, with the outputs of an earlier run in place of a run."""

        def put_outputs(notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
            for cell, done in zip(notebook.cells, executed.cells, strict=True):
                if cell.cell_type == "code":
                    cell.outputs = [_plain_output(output) for output in done.outputs]
            return notebook, resources

        config = course_config(self.path, submission.chapter)
        config.CourseDirectory.student_id = submission.student
        converter = Autograde(coursedir=CourseDirectory(config=config), config=config, force=True, log=self.log)
        converter.autograde_preprocessors = [
            put_outputs if step is Execute else step for step in converter.autograde_preprocessors
        ]
        said = _Said()
        self.log.addHandler(said)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SAWarning)  # nbgrader's way with its own database
                converter.start()
        except NbGraderException as error:
            raise self._sentence(said.text) or RecordFailed("nbgrader could not record it; see grading.log") from error
        finally:
            self.log.removeHandler(said)

    def _sentence(self, said: str) -> ClassroomError | None:
        """What to tell the instructor when nbgrader's words show that no submission can be recorded."""
        found = (sentence for sign, sentence in _SENTENCES.items() if sign in said)
        sentence = next(found, None)
        return ClassroomError(sentence.format(folder=self.path)) if sentence else None

    def _marks(self, submission: Submission) -> dict[str, Mark]:
        with Gradebook(f"sqlite:///{self.gradebook}") as gradebook:
            notebook = gradebook.find_submission_notebook(submission.chapter, submission.chapter, submission.student)
            return {
                grade.name: Mark(None if _is_unmarked(grade) else grade.score, grade.max_score)
                for grade in notebook.grades
            }

    def _make(self) -> None:
        if glob.has_magic(str(self.path)):
            raise ClassroomError(
                f"nbgrader takes * ? [ in the path {self.path} for a search pattern: choose another with --work."
            )
        try:
            for name in ("source", "release", "submitted", "autograded", "feedback"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ClassroomError(
                f"The working folder {self.path} cannot be made ({error.strerror}): "
                "choose another with --work, one that you may write."
            ) from error

    def _write_log(self) -> None:
        handler = logging.FileHandler(self.path / "grading.log", mode="w", encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self.log.setLevel(logging.ERROR)
        self.log.propagate = False
        self.log.addHandler(handler)
        self._open.callback(handler.close)
        self._open.callback(self.log.removeHandler, handler)


_IN_USE = (
    "The gradebook in {folder} is in use by another program, perhaps a second `classroom grade` or formgrader. "
    "Close it and run the command again."
)
_SENTENCES = {
    "database is locked": _IN_USE,
    "readonly database": "The gradebook in {folder} cannot be written: allow it, or choose another folder with --work.",
    "submissions associated with it": (
        "The exercises of this chapter have changed since {folder} was made, and marks are already in its gradebook. "
        "Grade into a new folder with --work."
    ),
}


class _Said(logging.Handler):
    """Keeps what nbgrader logs during one conversion: it is the only place where it names the cause of a failure."""

    def __init__(self):
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage()


def _plain_output(output: NotebookNode) -> NotebookNode:
    """An output without what a browser would run when somebody opens the notebook: text and PNG pictures only."""
    if "data" in output:
        data = {kind: value for kind, value in output.data.items() if _is_plain(kind, value)}
        return NotebookNode(output | {"data": NotebookNode(data), "metadata": NotebookNode()})
    return output


def _is_plain(kind: str, value: object) -> bool:
    if not isinstance(value, str) or len(value) > LARGEST_OUTPUT:
        return False
    return kind == "text/plain" or (kind == "image/png" and re.fullmatch(r"[A-Za-z0-9+/=\s]*", value) is not None)


@contextlib.contextmanager
def _lock(database: Path, sentence: str):
    """Hold SQLite's write lock on a database. The system takes it back when the process ends."""
    connection = None
    try:
        connection = sqlite3.connect(database, timeout=2, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if connection:
            connection.close()
        if "locked" not in str(error):
            sentence = f"The working folder {{folder}} cannot be used ({error}): choose another with --work."
        raise ClassroomError(sentence.format(folder=database.parent)) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ClassroomError(f"{database} is not a gradebook ({error}): choose another folder with --work.") from error
    try:
        yield
    finally:
        connection.close()


def _replace(folder: Path) -> None:
    """Make the folder anew, empty."""
    if folder.exists():
        rmtree(str(folder))
    folder.mkdir(parents=True)


def _is_unmarked(grade) -> bool:
    return grade.auto_score is None and grade.manual_score is None


def _is_time(text: str) -> bool:
    try:
        return bool(text) and parse_utc(text) is not None
    except (ValueError, OverflowError, TypeError):
        return False
