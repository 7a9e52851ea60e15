"""Grading a folder of submissions, start to end.

Files are collected into submissions (submissions.py); each is read and rebuilt from the released notebook
(preflight.py), run (executor.py), recorded in the gradebook (record.py), and told about (outcomes.py, feedback.py).
Whatever is wrong with one submission ends in its result, and the next one is graded.
"""

import re
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

from course_lib.classroom.errors import USAGE, ClassroomError
from course_lib.classroom.grade.chapters import choose_chapter, find_chapters
from course_lib.classroom.grade.report import summary, write_csv
from course_lib.classroom.grade.results import GradeResult
from course_lib.classroom.grade.submissions import Collection, collect

if TYPE_CHECKING:
    from course_lib.classroom.grade.executor import Executor, Limits


def grade(
    folder: Path,
    *,
    root: Path,
    chapter: str | None = None,
    work: Path | None = None,
    report: Callable[[str], object] = print,
    executor: "Executor | None" = None,
    limits: "Limits | None" = None,
) -> GradeResult:
    """Grade the submissions in a folder or zip archive.

    Args:
        folder: nbgrader's layout, or what Moodle or Canvas exports; its archives need not be unpacked.
        root: the folder of the course, with solutions/.
        chapter: grade only this chapter; needed where neither file names nor contents tell.
        work: the working folder with gradebook, feedback and marks.csv; root/graded/<name of folder> by default.
        report: is called with each piece of text for the terminal.
        executor: how submissions are run, on this machine by default; limits: how long they may take.

    Grading the same folder again gives the same marks; marks that a person gave in the gradebook stay.
    Raises ClassroomError for a folder without submissions, an unknown chapter, or a gradebook that is in use.
    """
    started = time.monotonic()
    folder, root = Path(folder), Path(root)
    chapters = find_chapters(root)
    only = choose_chapter(chapter, chapters) if chapter else None
    _demand_submissions_folder(folder, root)
    work = Path(work) if work else root / "graded" / _folder_name(folder)
    batch = collect(folder, chapters, only, leave_out=work)
    if not batch.submissions:
        raise ClassroomError(_nothing_found(folder, batch, list(chapters)), USAGE)

    from course_lib.classroom.grade.executor import Limits, LocalExecutor
    from course_lib.classroom.grade.record import WorkingFolder
    from course_lib.classroom.grade.steps import Grader

    with WorkingFolder(work) as place:
        executor = executor or LocalExecutor(place.log)
        if executor.warning:
            report(executor.warning)
        grader = Grader(place, executor, limits or Limits())
        for name in sorted({submission.chapter for submission in batch.submissions}):
            grader.prepare(chapters[name])
        console = Console(stderr=True)
        shown = track(batch.submissions, "Grading", console=console, transient=True, disable=not sys.stderr.isatty())
        results = [grader.grade(submission) for submission in shown]
        path = place.path / "marks.csv"
        write_csv(path, results)
    result = GradeResult(place.path, path, batch.layout, results, batch.problems, time.monotonic() - started)
    report(summary(result))
    return result


def _demand_submissions_folder(folder: Path, root: Path) -> None:
    if not folder.exists():
        raise ClassroomError(f"There is no {folder}. Give the folder or zip archive that holds the submissions.", USAGE)
    if not folder.is_dir() and not zipfile.is_zipfile(folder):
        raise ClassroomError(
            f"{folder} is neither a folder nor a zip archive. Give the one that holds the submissions.",
            USAGE,
        )
    if root.resolve().is_relative_to(folder.resolve()):
        raise ClassroomError(f"{folder} holds the course itself. Give the folder that holds only submissions.", USAGE)


def _folder_name(folder: Path) -> str:
    name = folder.resolve().stem if folder.is_file() else folder.resolve().name
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "submissions"


def _nothing_found(folder: Path, batch: Collection, chapters: list[str]) -> str:
    sentence = f"There is no submission for {' or '.join(chapters)} in {folder}."
    if batch.problems:
        seen = "; ".join(f"{problem.where}: {problem.what}" for problem in batch.problems[:5])
        return f"{sentence} What was found: {seen}. If these files belong to a chapter, name it with --chapter."
    return f"{sentence} Expected are notebooks (.ipynb), as nbgrader, Moodle or Canvas lay them out, or zips of them."
