"""What grading finds out, as plain records: about an exercise, a submission, a batch."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from course_lib.classroom.grade.submissions import Problem, Submission


@dataclass(frozen=True)
class Exercise:
    """A graded check cell with the answer cells before it.

    Attributes:
        name: the grade id of the check; title: the heading over the exercise.
        answers: the grade ids of the answer cells.
    """

    name: str
    title: str
    points: float
    answers: tuple[str, ...]


class State(Enum):
    """How an exercise ended."""

    PASSED = "passed"
    FAILED = "not right yet"
    BLANK = "not attempted"
    STOPPED = "could not be checked"
    TO_MARK = "to be marked by a person"


@dataclass(frozen=True)
class ExerciseOutcome:
    """One exercise of one submission.

    Attributes:
        points: what the gradebook says; None while a person has to mark it.
        message: why the check did not pass; answer_error: the error that the answer cell itself ended with.
        answer: the student's source; empty if it was left as released.
    """

    exercise: Exercise
    state: State
    points: float | None
    message: str = ""
    answer_error: str = ""
    answer: str = ""


class Status(Enum):
    """How a submission ended: graded; graded although cells hung or stopped the kernel; not readable, so 0 points;
    not gradable on this machine, so without a mark."""

    GRADED = "graded"
    PARTLY = "graded in part"
    REFUSED = "refused"
    FAILED = "not graded"


@dataclass(frozen=True)
class SubmissionResult:
    """One submission after grading: `reason` says why it is not simply graded, `notes` what was noticed besides."""

    submission: Submission
    title: str
    status: Status
    most: float
    outcomes: tuple[ExerciseOutcome, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def points(self) -> float | None:
        """The sum of the points given so far; None for a submission without a mark."""
        return None if self.status is Status.FAILED else sum(outcome.points or 0 for outcome in self.outcomes)


@dataclass(frozen=True)
class GradeResult:
    """What `grade` returns: the results sorted by student and chapter, the problems, and where everything was put."""

    work: Path
    csv: Path
    layout: str
    results: list[SubmissionResult]
    problems: list[Problem] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_minute(self) -> float:
        """Submissions graded a minute."""
        return 60 * len(self.results) / self.seconds if self.seconds else 0.0
