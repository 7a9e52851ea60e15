"""nbgrader at work: from an instructor's notebook to the students', and from submissions to scores.

A course folder has nbgrader's layout (source, release, submitted, autograded, gradebook.db). `generate_assignment` and
`autograde` run nbgrader's own converters on it; nothing is reimplemented but the stubs, which every exercise brings
along instead of nbgrader's one line for all.
"""

import contextlib
import functools
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearSolutions, NbGraderPreprocessor
from nbgrader.utils import is_solution
from sqlalchemy.exc import SAWarning
from traitlets import Dict
from traitlets.config import Config

from course_lib.classroom.errors import ClassroomError

CELL_SECONDS = 60
QUIET_KERNEL = ["--IPKernelApp.log_level=40"]  # no warning that it listens on this machine's own network address


class WriteStubs(NbGraderPreprocessor):
    """Puts each exercise's own stub in the place of its solution."""

    stubs = Dict(help="The text of the student's cell, by grade id").tag(config=True)

    def preprocess_cell(self, cell, resources, cell_index):
        if is_solution(cell):
            grade_id = cell.metadata.nbgrader["grade_id"]
            if grade_id not in self.stubs:
                raise NbGraderException(f"there is no stub for the solution cell {grade_id!r}")
            cell.source = self.stubs[grade_id]
        return cell, resources


def generate_assignment(folder: Path, name: str, stubs: Mapping[str, str], *, db_url: str | None = None) -> Path:
    """Run nbgrader's generate_assignment: from folder/source/name to folder/release/name, and into the gradebook.

    Args:
        folder: the course folder; folder/source/name/name.ipynb is the instructor's notebook.
        name: the chapter's name, which is also the assignment's.
        stubs: the text of each solution cell for the students, by the cell's grade id.
        db_url: the gradebook, folder/gradebook.db if not given.

    Returns:
        The folder with the students' notebook and the chapter's other files.
    """
    if db_url is None and not (folder / "gradebook.db").exists():
        (folder / "gradebook.db").write_bytes(_empty_gradebook())
    config = course_config(folder, name, db_url=db_url)
    config.WriteStubs.stubs = dict(stubs)
    converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, force=True, log=_Log())
    converter.preprocessors = [WriteStubs if step is ClearSolutions else step for step in converter.preprocessors]
    _start(converter, f"nbgrader could not release {name}")
    return folder / "release" / name


def autograde(folder: Path, name: str, *, db_url: str | None = None, seconds: int = CELL_SECONDS) -> None:
    """Run nbgrader's autograde on every folder/submitted/STUDENT/name; scores go to the gradebook."""
    config = course_config(folder, name, db_url=db_url, seconds=seconds)
    converter = Autograde(coursedir=CourseDirectory(config=config), config=config, force=True, log=_Log())
    _start(converter, f"nbgrader could not grade {name}")


def course_config(folder: Path, name: str, *, db_url: str | None = None, seconds: int = CELL_SECONDS) -> Config:
    """nbgrader's configuration for one assignment of a course folder."""
    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.assignment_id = name
    config.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", ".*"]
    if db_url is not None:
        config.CourseDirectory.db_url = db_url
    config.Execute.timeout = seconds  # nbgrader's own 30 seconds are too short on a busy machine
    config.Execute.extra_arguments = QUIET_KERNEL
    return config


def release(
    notebook: NotebookNode, name: str, stubs: Mapping[str, str], files: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The students' files of one chapter: their notebook and the chapter's other files, by path in the folder."""
    with tempfile.TemporaryDirectory(prefix="release-", ignore_cleanup_errors=True) as scratch:
        source = Path(scratch).resolve() / "source" / name
        for path, content in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(content)
        source.mkdir(parents=True, exist_ok=True)
        (source / f"{name}.ipynb").write_bytes(notebook_bytes(notebook))
        released = generate_assignment(Path(scratch).resolve(), name, stubs)
        found = {path.relative_to(released).as_posix(): path for path in sorted(released.rglob("*")) if path.is_file()}
        result = {path: file.read_bytes() for path, file in found.items()}
    result[f"{name}.ipynb"] = notebook_bytes(nbformat.reads(result[f"{name}.ipynb"].decode(), as_version=4))
    return result


def notebook_bytes(notebook: NotebookNode) -> bytes:
    """A notebook as it stands in a file, the same on every system."""
    return (nbformat.writes(notebook, version=4).rstrip("\n") + "\n").encode()


@functools.cache
def _empty_gradebook() -> bytes:
    """A gradebook as nbgrader makes it. It starts a program for that, which takes longer than the rest of a release."""
    with tempfile.TemporaryDirectory(prefix="gradebook-", ignore_cleanup_errors=True) as scratch:
        path = Path(scratch) / "gradebook.db"
        with _own_programs_first():
            Gradebook(f"sqlite:///{path}").close()
        return path.read_bytes()


def _start(converter: BaseConverter, sentence: str) -> None:
    try:
        with _own_programs_first(), warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own queries set it off; nothing is lost
            converter.start()
    except NbGraderException as error:
        said = "\n".join(converter.log.lines) or str(error)
        raise ClassroomError(f"{sentence}:\n{said}") from error


@contextlib.contextmanager
def _own_programs_first():
    """Let nbgrader find `alembic`, which it starts by name, where the environment was not activated."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


class _Log(logging.Logger):
    """Keeps what nbgrader reports as an error instead of printing it."""

    def __init__(self):
        super().__init__("nbgrader", logging.ERROR)
        self.lines: list[str] = []

    def handle(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
