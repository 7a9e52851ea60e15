"""From a folder or archive of files to submissions: one notebook for each student and chapter.

`collect` finds whose each file is (places.py), which chapter it belongs to (its name, then the grade ids in it), and
of several files for one chapter takes the newest. Everything that is left out is reported as a Problem.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course_lib.classroom.grade.cells import grade_ids, read_cells
from course_lib.classroom.grade.chapters import Chapter, chapter_in_name
from course_lib.classroom.grade.files import Found, Unreadable, find_files, is_archive, is_notebook_name
from course_lib.classroom.grade.places import Place, find_places, safe_ids

MOST_FILES = 50  # notebooks of one student that are opened


@dataclass(frozen=True)
class Problem:
    """Something the instructor should know: where it is, and what it is."""

    where: str
    what: str


@dataclass(frozen=True)
class Submission:
    """What one student sent for one chapter.

    Attributes:
        student: the id in the gradebook, also a safe file name; name: as the platform wrote it.
        file: the notebook; None when the student sent other files only.
        timestamp: the text of nbgrader's timestamp.txt, if there is one.
        notes: what was noticed while collecting, for the student and the instructor.
    """

    student: str
    name: str
    chapter: str
    file: Found | None
    timestamp: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Collection:
    """The submissions of a batch sorted by student and chapter, how the batch is laid out, and what was left out."""

    layout: str
    submissions: list[Submission]
    problems: list[Problem]


def collect(
    place: Path, chapters: dict[str, Chapter], only: str | None = None, leave_out: Path | None = None
) -> Collection:
    """Return the submissions in the folder or archive `place`, of the chapter `only` if one is given."""
    files = list(find_files(place, leave_out))
    sent = list(zip(files, find_places(files, chapters, place.stem), strict=True))
    student = safe_ids(where.key for _, where in sent)
    by_student: dict[str, list[tuple[Found, Place]]] = defaultdict(list)
    for found, where in sent:
        by_student[student[where.key]].append((found, where))
    timestamps = {found.parts[:-1]: found for found in files if found.name == "timestamp.txt"}

    problems = [Problem(str(found), found.refusal) for found in files if found.refusal and not _is_notebook(found)]
    sorted_out = {who: _by_chapter(its, chapters, problems) for who, its in by_student.items()}
    seen = {chapter for chosen in sorted_out.values() for chapter in chosen if chapter}
    default = only or (seen.pop() if len(seen) == 1 else None)
    submissions = [
        submission
        for who, chosen in sorted_out.items()
        for submission in _submissions(who, by_student[who], chosen, default, only, timestamps, problems)
    ]
    submissions.sort(key=lambda submission: (submission.student.casefold(), submission.chapter))
    layouts = Counter(where.layout for found, where in sent if _is_notebook(found))
    return Collection(layouts.most_common(1)[0][0] if layouts else "", submissions, problems)


def _is_notebook(found: Found) -> bool:
    """Whether this may be a notebook. An archive is found as a file only if it could not be read."""
    return is_notebook_name(found.name) or is_archive(found.name)


def _by_chapter(
    sent: list[tuple[Found, Place]], chapters: dict[str, Chapter], problems: list[Problem]
) -> dict[str | None, list[tuple[Found, Place]]]:
    """One student's notebooks by chapter (None: cannot be told), the one to grade first."""
    notebooks = sorted((pair for pair in sent if _is_notebook(pair[0])), key=_newest_first)
    for found, _ in notebooks[MOST_FILES:]:
        problems.append(Problem(str(found), f"left out: the student sent more than {MOST_FILES} notebooks"))
    chosen: dict[str | None, list[tuple[Found, Place]]] = defaultdict(list)
    for found, where in notebooks[:MOST_FILES]:
        chosen[_chapter_of(found, where, chapters)].append((found, where))
    return chosen


def _newest_first(pair: tuple[Found, Place]) -> tuple:
    found, where = pair
    return (-where.attempt, -found.modified, len(found.parts), str(found))


def _chapter_of(found: Found, where: Place, chapters: dict[str, Chapter]) -> str | None:
    """The chapter by the file's name; by the exercises in it where the name says nothing or something else."""
    named = chapter_in_name(where.rest[-1] if where.rest else "", chapters)
    named = named or next((name for name in (chapter_in_name(part, chapters) for part in where.rest) if name), None)
    try:
        ids = grade_ids(read_cells(found.read()))
    except Unreadable:
        return named
    shared = {name: len(ids & chapter.ids) for name, chapter in chapters.items()}
    if named and shared[named]:
        return named
    best = max(shared, key=shared.__getitem__)
    return best if shared[best] else named


def _submissions(
    who: str,
    sent: list[tuple[Found, Place]],
    chosen: dict[str | None, list[tuple[Found, Place]]],
    default: str | None,
    only: str | None,
    timestamps: dict[tuple[str, ...], Found],
    problems: list[Problem],
) -> Iterable[Submission]:
    """One student's submissions, one a chapter; what cannot be placed counts for the chapter `default`."""
    unplaced = chosen.pop(None, [])
    if default and default not in chosen and unplaced:
        chosen[default], unplaced = unplaced, []
    for found, _ in unplaced:
        problems.append(Problem(str(found), "left out: it is not a notebook of a chapter of this course"))
    if not chosen and not unplaced:
        yield from _without_notebook(who, sent, default, problems)
    for chapter, candidates in sorted(chosen.items()):
        found, where = candidates[0]
        if only and chapter != only:
            problems.append(Problem(str(found), f"left out: it belongs to {chapter}"))
            continue
        for other, _ in candidates[1:]:
            problems.append(Problem(str(other), f"left out: {who} also sent {found.name}, which is newer"))
        stamp = timestamps.get(found.parts[:-1])
        yield Submission(
            student=who,
            name=where.name,
            chapter=chapter,
            file=found,
            timestamp=stamp.read(1000).decode("utf-8", "replace").strip() if stamp else "",
            notes=tuple(_notes(chapter, candidates)),
        )


def _notes(chapter: str, candidates: list[tuple[Found, Place]]) -> Iterable[str]:
    found, where = candidates[0]
    if where.late:
        yield "The platform marked it as late."
    if not any(chapter_in_name(part, [chapter]) for part in where.rest):
        yield f"The file is called {where.rest[-1] if where.rest else found.name}, not {chapter}.ipynb."
    if len(candidates) > 1:
        yield f"{len(candidates)} files were sent for this chapter; the newest, {found.name}, was graded."


def _without_notebook(
    who: str, sent: list[tuple[Found, Place]], default: str | None, problems: list[Problem]
) -> Iterable[Submission]:
    """A student who sent files but no notebook. A lone file outside of any student's folder is nobody's submission."""
    others = [found for found, where in sent if where.layout != "a file a student" and found.name != "timestamp.txt"]
    if not others:
        return
    names = ", ".join(found.name for found in others[:5])
    if default:
        yield Submission(who, sent[0][1].name, default, None, notes=(f"Only other files were sent: {names}.",))
    else:
        problems.append(Problem(who, f"left out: there is no notebook among the files sent ({names})"))
