"""The chapters that can be graded: what the course knows about each before any submission is opened.

A chapter is a built notebook in solutions/NN_topic and the released one in course/NN_topic. Its grade ids tell which
chapter a renamed notebook belongs to.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course_lib.classroom.errors import USAGE, ClassroomError
from course_lib.classroom.grade.cells import grade_ids, read_cells


@dataclass(frozen=True)
class Chapter:
    """A chapter by name (01_tensors), with its notebooks and the ids of its checks and answer cells."""

    name: str
    solution: Path
    released: Path
    ids: frozenset[str]


def find_chapters(root: Path) -> dict[str, Chapter]:
    """Return the chapters under root that have something to grade, by name."""
    chapters = {}
    for released in sorted((root / "course").glob("*/*.ipynb")):
        name = released.stem
        solution = root / "solutions" / name / released.name
        ids = grade_ids(read_cells(released.read_bytes())) if solution.is_file() else None
        if ids:
            chapters[name] = Chapter(name, solution, released, frozenset(ids))
    if not chapters:
        raise ClassroomError(f"There is no built chapter under {root}: run `classroom build` first.")
    return chapters


def choose_chapter(wanted: str, chapters: Iterable[str]) -> str:
    """Return the chapter that a person means by `wanted`: its name, its number or its topic."""
    key = wanted.strip().rstrip("/").casefold()
    for name in chapters:
        number, _, topic = name.casefold().partition("_")
        if key in (name.casefold(), topic, number, number.lstrip("0")):
            return name
    raise ClassroomError(f"There is no chapter {wanted!r} to grade. The chapters are: {', '.join(chapters)}.", USAGE)


def chapter_in_name(text: str, chapters: Iterable[str]) -> str | None:
    """Return the chapter whose name stands in a file or folder name, for example in `my_01_tensors-2`."""
    words = f"_{re.sub(r'[^0-9a-z]+', '_', text.casefold())}_"
    return max((name for name in chapters if f"_{name.casefold()}_" in words), key=len, default=None)
