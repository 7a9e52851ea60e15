"""Whose file is it? Read from where a file lies in the export of a learning platform, before anything is opened.

Moodle writes `Jane Doe_123456_assignsubmission_file_01_tensors.ipynb` (or a folder of that name), Canvas
`doejane_LATE_12345_67890_01_tensors-1.ipynb`, nbgrader `submitted/<student>/<chapter>/<notebook>.ipynb`. Anything else
is taken as one folder (or one archive) a student, or one file a student.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from course_lib.classroom.grade.chapters import chapter_in_name
from course_lib.classroom.grade.files import Found, is_archive, is_notebook_name

MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_(?P<file>.*)", re.DOTALL)
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:(?P<late>LATE)_)?(?P<user>\d+)_\d{3,}_(?P<file>.+)", re.DOTALL)
CANVAS_ATTEMPT = re.compile(r"-(\d{1,4})(?=\.[^.]+$)")
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


@dataclass(frozen=True)
class Place:
    """What a file's place says: the layout, the student (a key that tells students apart, and a name to show),
    the rest of the path as the student named it, the attempt, and whether the platform calls it late."""

    layout: str
    key: str
    name: str
    rest: tuple[str, ...]
    attempt: int = 0
    late: bool = False


def find_places(files: list[Found], chapters: Iterable[str], batch: str) -> list[Place]:
    """Return the Place of each file; `batch` is the name of the folder that holds them all.

    A platform's pattern counts only so deep in the folders as most notebooks show it: a student may give a file a name
    that looks like somebody else's.
    """
    chapters = tuple(chapters)
    depths = Counter(_platform_depth(found.parts) for found in files if is_notebook_name(found.name))
    depth = max(depths, key=lambda depth: (depths[depth], depth is not None), default=None)
    wrapper = _wrapper([_folders(found.parts) for found in files])
    return [
        (_platform(found.parts, depth) if depth is not None else None)
        or _folder_or_file(found.parts, chapters, wrapper, batch)
        for found in files
    ]


def safe_ids(keys: Iterable[str]) -> dict[str, str]:
    """Return a student id for each key: a name that is a file name on every system, and no id twice.

    >>> safe_ids(["Jane Doe_12", "../x", "Ünal", "con"])
    {'../x': 'x', 'Jane Doe_12': 'Jane_Doe_12', 'con': 'con_', 'Ünal': 'Ünal'}
    """
    ids: dict[str, str] = {}
    taken: set[str] = set()
    for key in sorted(set(keys)):
        text = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", key)).strip("._-")[:60] or "student"
        text = f"{text}_" if text.split(".")[0].casefold() in RESERVED else text
        if text.casefold() in taken:
            text = f"{text}_{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:8]}"
        taken.add(text.casefold())
        ids[key] = text
    return ids


def _platform_depth(parts: tuple[str, ...]) -> int | None:
    """How many folders stand before the first part that looks like Moodle's or Canvas's; None without such a part."""
    return next((depth for depth, part in enumerate(parts) if MOODLE.fullmatch(part) or CANVAS.fullmatch(part)), None)


def _platform(parts: tuple[str, ...], depth: int) -> Place | None:
    """The place in an export of Moodle or Canvas, whose pattern stands below `depth` folders."""
    part, below = (parts[depth], parts[depth + 1 :]) if depth < len(parts) else ("", ())
    if moodle := MOODLE.fullmatch(part):
        rest = (moodle["file"], *below) if moodle["file"] else below
        return Place("Moodle", f"{moodle['name']}_{moodle['number']}", moodle["name"].strip(), rest)
    if canvas := CANVAS.fullmatch(part):
        attempt = CANVAS_ATTEMPT.search(canvas["file"])
        return Place(
            "Canvas",
            f"{canvas['name']}_{canvas['user']}",
            canvas["name"],
            (canvas["file"], *below),
            attempt=int(attempt[1]) if attempt else 0,
            late=bool(canvas["late"]),
        )
    return None


def _folders(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The folders of a file outside of a platform's export, below `submitted` if there is one."""
    folders = tuple(part[:-4] if is_archive(part) else part for part in parts[:-1])
    return folders[folders.index("submitted") + 1 :] if "submitted" in folders else folders


def _wrapper(paths: list[tuple[str, ...]]) -> int:
    """How many folders all files share before the folders of the students begin."""
    depth = 0
    while all(len(path) > depth + 1 for path in paths) and len({path[: depth + 1] for path in paths}) == 1:
        depth += 1
    return depth if len({path[: depth + 1] for path in paths}) > 1 else 0


def _folder_or_file(parts: tuple[str, ...], chapters: tuple[str, ...], wrapper: int, batch: str) -> Place:
    folders, file = _folders(parts), parts[-1]
    names = [folder.casefold() for folder in folders]
    chapter = next((index for index, name in enumerate(names) if name in chapters), None)
    if chapter is not None and len(folders) > 1:
        student = chapter - 1 if chapter else 1
        return Place("nbgrader", folders[student], folders[student], (folders[chapter], file))
    if chapter is None and len(folders) > wrapper:
        return Place("a folder a student", folders[wrapper], folders[wrapper], (*folders[wrapper + 1 :], file))
    name = _without_chapter(file.partition(".")[0], chapters) or batch
    return Place("a file a student", name, name, (*folders, file))


def _without_chapter(stem: str, chapters: tuple[str, ...]) -> str:
    """The part of a file name that is not the chapter's: `01_tensors_jane` gives `jane`, `01_tensors (1)` nothing."""
    chapter = chapter_in_name(stem, chapters)
    if chapter:
        stem = re.sub(re.sub(r"[^0-9a-z]+", "[^0-9a-z]+", chapter.casefold()), "", stem, count=1, flags=re.IGNORECASE)
    stem = re.sub(r"(\b|_)(copy|final|submission|solution)(\b|_)", "", stem, flags=re.IGNORECASE).strip(" _.-()")
    return "" if stem.isdigit() and chapter else stem
