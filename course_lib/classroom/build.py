"""`classroom build`: from solutions/NN/NN.py to solutions/NN/NN.ipynb and course/NN/NN.ipynb.

A chapter becomes a mapping from path to bytes (`build_chapter`, a pure function of its folder, one process a chapter);
`build` writes what differs from the files on disk, or, with verify, only reports it.
"""

import difflib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat

from course_lib.classroom.errors import ClassroomError
from course_lib.classroom.execute import error_of, run_notebook, settle_outputs
from course_lib.classroom.notebook import answer_id, assemble
from course_lib.classroom.release import notebook_bytes, release
from course_lib.classroom.source import find_chapters, read_chapter

_LINES_SHOWN = 20


def build(
    chapters: Sequence[str], root: Path, *, verify: bool = False, report: Callable[[str], object] = print
) -> list[Path]:
    """Build chapters and return the paths that changed.

    Args:
        chapters: folder names or numbers; none means all.
        root: the course's root, with solutions/ and course/.
        verify: write nothing; report and return what would change.
        report: receives one line for each thing that happens.

    Raises:
        ClassroomError: a source breaks the format, a cell raises or writes on stderr, nbgrader refuses.
    """
    sources = find_chapters(root, chapters)
    changed, errors = [], []
    for files in in_processes(_build_or_say_why_not, sources):
        if isinstance(files, ClassroomError):
            errors.append(str(files))
            continue
        for path, content in files.items():
            target = root / path
            before = target.read_bytes() if target.is_file() else None
            if before == content:
                continue
            changed.append(target)
            if verify:
                report(f"{path} differs from its source:\n{_difference(before, content)}")
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                report(f"wrote {path}")
    if errors:
        raise ClassroomError("\n\n".join(errors))
    if not changed:
        report(f"{len(sources)} chapter{'s' if len(sources) > 1 else ''} up to date")
    return changed


def _build_or_say_why_not(source: Path) -> dict[str, bytes] | ClassroomError:
    """One chapter's files, or its error as a value: the other chapters are built all the same."""
    try:
        return build_chapter(source)
    except ClassroomError as error:
        return error


def build_chapter(source: Path) -> dict[str, bytes]:
    """Everything that is made from one chapter's folder, by path below the root."""
    chapter = read_chapter(source)
    notebook = run_notebook(assemble(chapter), source.parent)
    _demand_success(notebook, source)
    settle_outputs(notebook, chapter.name)
    stubs = {answer_id(exercise.name): exercise.stub for exercise in chapter.exercises}
    released = release(notebook, chapter.name, stubs, other_files(source.parent))
    built = {f"solutions/{chapter.name}/{chapter.name}.ipynb": notebook_bytes(notebook)}
    return built | {f"course/{chapter.name}/{path}": content for path, content in released.items()}


def in_processes(function: Callable, items: Sequence) -> list:
    """Map over the items, one process each where there are several items and processors.

    Processes, because nbgrader changes the working folder, which belongs to the whole process. They come from a server
    that has loaded nbgrader once, except on Windows, which has no such server.
    """
    workers = min(len(items), os.cpu_count() or 1)
    if workers < 2:
        return [function(item) for item in items]
    context = get_context("spawn" if os.name == "nt" else "forkserver")
    if os.name != "nt":
        context.set_forkserver_preload(["course_lib.classroom.prove"])
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        return list(pool.map(function, items))


def _demand_success(notebook, source: Path) -> None:
    for number, cell in enumerate(notebook.cells, 1):
        may_raise = "raises-exception" in cell.metadata.get("tags", ()) and "nbgrader" not in cell.metadata
        error = error_of(cell)
        if error and not may_raise:
            first = next((line for line in cell.source.splitlines() if line.strip()), "")
            raise ClassroomError(f"{source.name}, cell {number} ({first.strip()!r}) must run silently, but:\n{error}")


def other_files(folder: Path) -> dict[str, bytes]:
    """The data files and pictures of a chapter: all but the source, notebooks and what tools leave behind."""
    files = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not hidden and path.suffix not in (".py", ".ipynb"):
            files["/".join(parts)] = path.read_bytes()
    return files


def _difference(before: bytes | None, after: bytes) -> str:
    """The first lines in which a file on disk differs from what its source gives."""
    if before is None:
        return "  it does not exist"
    try:
        old, new = (_as_lines(content) for content in (before, after))
    except (UnicodeDecodeError, nbformat.reader.NotJSONError):
        return "  its bytes differ"
    lines = [line[:160] for line in difflib.unified_diff(old, new, "on disk", "from the source", n=1, lineterm="")]
    if not lines:
        return "  only its layout differs"
    more = [f"… and {len(lines) - _LINES_SHOWN} lines more"] if len(lines) > _LINES_SHOWN else []
    return "\n".join("  " + line for line in lines[:_LINES_SHOWN] + more)


def _as_lines(content: bytes) -> list[str]:
    return content.decode().splitlines()
