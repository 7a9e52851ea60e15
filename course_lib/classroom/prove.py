"""`classroom check`: proof, through real nbgrader, that every exercise grades as it should.

For each chapter a course folder is made as an instructor's would be: nbgrader releases the notebook, and a few invented
students hand it in. One has every solution, one has touched nothing, and the others have one wrong answer to every
exercise. nbgrader grades them, and the scores are read from its gradebook: the solution must have full points, the stub
none, a mutant less than full, with its own message in front of the student. What is released is searched for leaks.
"""

import copy
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from course_lib.classroom.build import in_processes, other_files
from course_lib.classroom.execute import error_of
from course_lib.classroom.notebook import answer_id, assemble
from course_lib.classroom.release import autograde, generate_assignment, notebook_bytes
from course_lib.classroom.source import (
    BEGIN_HIDDEN,
    BEGIN_SOLUTION,
    END_HIDDEN,
    END_SOLUTION,
    Chapter,
    Exercise,
    find_chapters,
    read_chapter,
    region_texts,
)

_CELL_KEYS = {"deletable", "editable", "jupyter", "nbgrader", "tags"}
_TELLING = 24  # a hidden line shorter than this may stand in the open by chance


@dataclass(frozen=True)
class Row:
    """One proved case.

    Args:
        exercise: the grade id, or "" for what concerns the whole notebook.
        case: solution, stub, a mutant's name, or what was examined.
        score: what nbgrader gave.
        points: what it gives at most.
        message: what the student reads; where the case is not ok, what is wrong with it.
    """

    chapter: str
    exercise: str
    case: str
    score: float
    points: float
    ok: bool
    message: str


@dataclass(frozen=True)
class ProofReport:
    """The rows of a proof; it holds if all of them do."""

    rows: list[Row] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every case behaved as it must."""
        return all(row.ok for row in self.rows)

    @property
    def failures(self) -> list[Row]:
        """The cases that did not."""
        return [row for row in self.rows if not row.ok]


@dataclass(frozen=True)
class _Student:
    """An invented student: for each exercise, the case and the text of the answer cell."""

    name: str
    answers: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class _Job:
    """Students to be graded together, in a process of their own."""

    course: Path
    chapter: str
    students: list[_Student]


@dataclass(frozen=True)
class _Graded:
    """What nbgrader gave one answer, and what the student then reads."""

    student: str
    exercise: str
    score: float
    error: str | None


def prove(chapters: Sequence[str], root: Path, *, report: Callable[[str], object] = print) -> ProofReport:
    """Prove chapters through nbgrader.

    Args:
        chapters: folder names or numbers; none means all.
        root: the course's root.
        report: receives one line a chapter, and one for each case that failed.

    Raises:
        ClassroomError: a source breaks the format, or nbgrader refuses the notebook.
    """
    proof = ProofReport()
    for path in find_chapters(root, chapters):
        rows = _prove_chapter(read_chapter(path))
        proof.rows.extend(rows)
        failed = [row for row in rows if not row.ok]
        report(f"{path.stem}: {len(rows) - len(failed)} of {len(rows)} cases hold")
        for row in failed:
            report(f"  {row.exercise or 'notebook'}, {row.case}: {row.message}")
    return proof


def _prove_chapter(chapter: Chapter) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="prove-", ignore_cleanup_errors=True) as scratch:
        course = Path(scratch).resolve() / "course"
        released = _release(chapter, course)
        rows = [leak_row(chapter, released)]
        students = _students(chapter)
        graded = _grade(chapter, course, released, students)
        rows.append(_other_cells_row(chapter, course, students[1]))
        rows += _rows(chapter, students, graded)
        return [_prove_alone(chapter, course, released, row) for row in rows]


def _release(chapter: Chapter, course: Path) -> NotebookNode:
    source = course / "source" / chapter.name
    for path, content in other_files(chapter.path.parent).items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(content)
    source.mkdir(parents=True, exist_ok=True)
    (source / f"{chapter.name}.ipynb").write_bytes(notebook_bytes(assemble(chapter)))
    stubs = {answer_id(exercise.name): exercise.stub for exercise in chapter.exercises}
    folder = generate_assignment(course, chapter.name, stubs)
    return nbformat.read(folder / f"{chapter.name}.ipynb", as_version=4)


def _students(chapter: Chapter) -> list[_Student]:
    """The solution, the stub, and as many more as the exercise with the most mutants needs."""
    solutions = {exercise.name: ("solution", exercise.solution) for exercise in chapter.exercises}
    stubs = {exercise.name: ("stub", exercise.stub) for exercise in chapter.exercises}
    students = [_Student("solution", solutions), _Student("stub", stubs)]
    for number in range(max((len(exercise.mutants) for exercise in chapter.exercises), default=0)):
        mutants = {
            exercise.name: (exercise.mutants[number].name, exercise.mutants[number].source)
            for exercise in chapter.exercises
            if number < len(exercise.mutants)
        }
        students.append(_Student(f"mutants-{number + 1}", solutions | mutants))
    return students


# ---- grading ---------------------------------------------------------------------------------------------------------


def _grade(chapter: Chapter, course: Path, released: NotebookNode, students: list[_Student]) -> list[_Graded]:
    """Hand in and grade, in as many processes as there are processors, each with a copy of the course."""
    workers = min(len(students), os.cpu_count() or 1, 4)
    jobs = []
    for worker in range(workers):
        place = course.with_name(f"{course.name}-{worker}")
        shutil.copytree(course, place)
        mine = students[worker::workers]
        for student in mine:
            _hand_in(released, chapter, student, place)
        jobs.append(_Job(place, chapter.name, mine))
    graded = [row for rows in in_processes(_grade_job, jobs) for row in rows]
    for job in jobs:
        shutil.copytree(job.course / "autograded", course / "autograded", dirs_exist_ok=True)
        shutil.rmtree(job.course, ignore_errors=True)
    return graded


def _hand_in(released: NotebookNode, chapter: Chapter, student: _Student, course: Path) -> None:
    notebook = copy.deepcopy(released)
    answers = {answer_id(name): source for name, (_, source) in student.answers.items()}
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    place = course / "submitted" / student.name / chapter.name
    shutil.copytree(course / "release" / chapter.name, place)
    (place / f"{chapter.name}.ipynb").write_bytes(notebook_bytes(notebook))


def _grade_job(job: _Job) -> list[_Graded]:
    autograde(job.course, job.chapter)
    graded = []
    with Gradebook(f"sqlite:///{job.course / 'gradebook.db'}") as gradebook:
        for student in job.students:
            grades = gradebook.find_submission_notebook(job.chapter, job.chapter, student.name).grades
            scores = {grade.name: grade.auto_score for grade in grades}
            cells = _graded_cells(job.course, job.chapter, student.name)
            graded += [
                _Graded(student.name, exercise, scores[exercise], error_of(cells[exercise]))
                for exercise in student.answers
            ]
    return graded


def _graded_cells(course: Path, chapter: str, student: str) -> dict[str, NotebookNode]:
    """The cells with a grade id of what nbgrader ran for a student, by that id."""
    path = course / "autograded" / student / chapter / f"{chapter}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    return {cell.metadata.nbgrader["grade_id"]: cell for cell in cells if "nbgrader" in cell.metadata}


# ---- judging ---------------------------------------------------------------------------------------------------------


def _rows(chapter: Chapter, students: list[_Student], graded: list[_Graded]) -> list[Row]:
    cases = {(student.name, name): case for student in students for name, (case, _) in student.answers.items()}
    results = {}
    for result in graded:
        case = cases[result.student, result.exercise]
        if case != "solution" or result.student == "solution":  # the others have it where they had no further mutant
            results[result.exercise, case] = result
    return [
        _row(chapter, exercise, case, results[exercise.name, case])
        for exercise in chapter.exercises
        for case in ("solution", "stub", *(mutant.name for mutant in exercise.mutants))
    ]


def _row(chapter: Chapter, exercise: Exercise, case: str, result: _Graded) -> Row:
    says = next((mutant.says for mutant in exercise.mutants if mutant.name == case), "")
    wrong = _what_is_wrong(case, says, result, exercise.points)
    message = wrong or result.error or ""
    return Row(chapter.name, exercise.name, case, result.score, exercise.points, not wrong, message)


def _what_is_wrong(case: str, says: str, result: _Graded, points: float) -> str:
    """Why a case does not hold, or ""."""
    read = result.error or "nothing: the check passed"
    if case == "solution":
        right = result.score == points and result.error is None
        return "" if right else f"the solution earns {result.score:g} of {points:g}. The student reads:\n{read}"
    if result.error is None or points and result.score == points:
        return f"this wrong answer earns all {points:g} points: the checks do not see it"
    if case == "stub":
        return "" if result.score == 0 else f"the untouched stub earns {result.score:g} points"
    if _words(says) not in _words(result.error):
        return f"the message does not say {says!r}. The student reads:\n{read}"
    return ""


def _words(text: str) -> str:
    return " ".join(text.split())


def _prove_alone(chapter: Chapter, course: Path, released: NotebookNode, row: Row) -> Row:
    """Give a mutant that failed among others a second chance: another exercise's mutant may have disturbed it."""
    exercise = next((exercise for exercise in chapter.exercises if exercise.name == row.exercise), None)
    mutant = next((mutant for mutant in exercise.mutants if mutant.name == row.case), None) if exercise else None
    if row.ok or mutant is None:
        return row
    answers = {other.name: ("solution", other.solution) for other in chapter.exercises}
    student = _Student(f"alone-{row.exercise}-{row.case}", answers | {row.exercise: (row.case, mutant.source)})
    graded = _grade(chapter, course, released, [student])
    result = next(result for result in graded if result.exercise == row.exercise)
    return _row(chapter, exercise, row.case, result)


# ---- what is released ------------------------------------------------------------------------------------------------


def _other_cells_row(chapter: Chapter, course: Path, student: _Student) -> Row:
    """In the untouched notebook only graded cells may fail: everything else must run without answers."""
    path = course / "autograded" / student.name / chapter.name / f"{chapter.name}.ipynb"
    wrong = []
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells, 1):
        error = error_of(cell) if "raises-exception" not in cell.metadata.get("tags", ()) else None
        if error:
            wrong.append(f"cell {number} of the released notebook fails though it is not graded:\n{error}")
    return Row(chapter.name, "", "only graded cells fail", 0, 0, not wrong, "\n".join(wrong))


def leak_row(chapter: Chapter, released: NotebookNode) -> Row:
    """Whether the released notebook holds a solution, a hidden check, an output, or metadata that it should not."""
    leaks = find_leaks(chapter, released)
    return Row(chapter.name, "", "nothing leaks", 0, 0, not leaks, "\n".join(leaks))


def find_leaks(chapter: Chapter, released: NotebookNode) -> list[str]:
    """What a released notebook gives away, one sentence each."""
    leaks = []
    cells = {cell.metadata.nbgrader["grade_id"]: cell for cell in released.cells if "nbgrader" in cell.metadata}
    text = json.dumps(released, ensure_ascii=False)
    for marker in (BEGIN_SOLUTION, END_SOLUTION, BEGIN_HIDDEN, END_HIDDEN):
        if marker.strip("# ") in text:
            leaks.append(f"the released notebook holds the marker {marker!r}")
    everything = "\n".join(cell.source for cell in released.cells)
    for exercise in chapter.exercises:
        if cells[answer_id(exercise.name)].source != exercise.stub:
            leaks.append(f"the answer cell of {exercise.name} is not its stub")
        hidden = region_texts(exercise.check, BEGIN_HIDDEN, END_HIDDEN)
        visible = cells[exercise.name].source
        for region in region_texts(exercise.solution, BEGIN_SOLUTION, END_SOLUTION):
            if len(region.strip()) >= _TELLING and _words(region) in _words(everything):
                leaks.append(f"the released notebook holds a solution of {exercise.name}")
        for line in {line.strip() for region in hidden for line in region.split("\n")}:
            if len(line) >= _TELLING and line in visible:
                leaks.append(f"the check of {exercise.name} shows the hidden line {line!r}")
    for number, cell in enumerate(released.cells, 1):
        if set(cell.metadata) - _CELL_KEYS:
            leaks.append(f"cell {number} has metadata {sorted(set(cell.metadata) - _CELL_KEYS)}")
        if cell.get("outputs") or cell.get("execution_count"):
            leaks.append(f"cell {number} has outputs")
    return leaks
