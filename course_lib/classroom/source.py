"""The one source of a chapter: from NN_topic.py (jupytext py:percent) to a `Chapter`.

The text between two `# %%` lines is a cell; what stands on the marker line (exercise="…", check="…", mutant="…") gives
it a role. `read_chapter` sorts the cells into the notebook's own cells and the parts of exercises, and refuses a source
that breaks the format, with file and line.
"""

import ast
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from course_lib.classroom.errors import USAGE, ClassroomError

KINDS = ("predict", "use", "implement", "debug", "milestone")
HINT_TITLES = ("the idea", "the tool", "almost the line")
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"

_ROLES = ("exercise", "stub", "prompt", "hints", "check", "mutant", "progress")
_DETAILS = {
    "exercise": {"kind", "points", "minutes", "difficulty"},
    "mutant": {"name", "says"},
}
_FOR_ANY = {"tags", "library_only"}
_MARKDOWN_ROLES = ("prompt", "hints")
_OUTPUT_TAGS = {"nbval-ignore-output", "nbval-skip", "raises-exception"}


@dataclass(frozen=True)
class Cell:
    """One cell of the chapter's notebook.

    Args:
        kind: markdown or code.
        source: its text.
        line: where it begins in the source file.
        role: "", or prompt, solution, check, hints, progress.
        exercise: the grade id of the exercise that it is a part of, or "".
        tags: passed on to the notebook.
        library_only: it uses what only course_lib has.
    """

    kind: str
    source: str
    line: int
    role: str = ""
    exercise: str = ""
    tags: tuple[str, ...] = ()
    library_only: bool = False


@dataclass(frozen=True)
class Mutant:
    """A plausible wrong answer: the whole text of the student's cell, and words that the student must then read."""

    name: str
    source: str
    says: str
    line: int


@dataclass(frozen=True)
class Exercise:
    """One graded exercise, with everything that proves it."""

    name: str
    kind: str
    points: float
    minutes: int
    difficulty: int
    prompt: str
    solution: str
    stub: str
    check: str
    hints: tuple[str, str, str]
    mutants: tuple[Mutant, ...]
    line: int


@dataclass(frozen=True)
class Chapter:
    """A chapter: the cells of its notebook in order, and its exercises.

    Args:
        name: the folder's name, NN_topic.
        path: the source file.
        title: the first heading.
        cells: what the notebook shows (stubs and mutants are not among them).
        exercises: in the order of the notebook.
    """

    name: str
    path: Path
    title: str
    cells: tuple[Cell, ...]
    exercises: tuple[Exercise, ...]


@dataclass(frozen=True)
class _Raw:
    """A cell as it stands in the file."""

    kind: str
    source: str
    line: int
    metadata: dict


def find_chapters(root: Path, names=()) -> list[Path]:
    """The source files of the chapters called `names` (all of them if none is named), in the order of the course.

    A chapter may be called by its folder's name or by its number alone: 01_tensors, 01 or 1.
    """
    sources = sorted(path for path in (root / "solutions").glob("*/*.py") if path.stem == path.parent.name)
    if not sources:
        raise ClassroomError(f"No chapter was found: {root / 'solutions'} holds no NN_topic/NN_topic.py.", USAGE)
    return [_find_chapter(name, sources) for name in names] or sources


def _find_chapter(name: str, sources: list[Path]) -> Path:
    for path in sources:
        number = path.stem.split("_")[0]
        if name in (path.stem, number) or name.isdigit() and number.isdigit() and int(name) == int(number):
            return path
    known = ", ".join(path.stem for path in sources)
    raise ClassroomError(f"There is no chapter {name!r}. The chapters are: {known}.", USAGE)


def read_chapter(path: Path) -> Chapter:
    """Parse and examine one source file."""
    raw_cells = _read_cells(path)
    parts: dict[str, dict] = {}
    cells = []
    for raw in raw_cells:
        role, name = _role_of(raw, path)
        if role in ("", "progress"):
            cells.append(_plain_cell(raw, role))
            continue
        part = parts.setdefault(name, {"mutant": []})
        if role == "mutant":
            part["mutant"].append(raw)
            continue
        if role in part:
            _refuse(path, raw.line, f"{role}={name!r} occurs twice, first in line {part[role].line}")
        part[role] = raw
        if role != "stub":
            cells.append(_part_cell(raw, role, name))
    exercises = tuple(_exercise(name, part, path) for name, part in parts.items())
    order = [cell.exercise for cell in cells if cell.role == "solution"]
    exercises = tuple(sorted(exercises, key=lambda exercise: order.index(exercise.name)))
    return Chapter(path.stem, path, _title(raw_cells, path), tuple(cells), exercises)


# ---- cells -----------------------------------------------------------------------------------------------------------


def _read_cells(path: Path) -> list[_Raw]:
    import jupytext  # only building needs it
    from nbformat import ValidationError

    text = path.read_text(encoding="utf-8")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"# ?%%", line)]
    if not lines:
        _refuse(path, 1, "no cell was found: a cell begins with a line `# %%`")
    try:
        notebook = jupytext.reads(text, fmt="py:percent")
    except ValidationError as error:
        _refuse(path, lines[0], f"the metadata of a cell below is malformed: {error.message}")
    if len(notebook.cells) != len(lines):
        _refuse(path, lines[0], "only the header may stand before the first `# %%`, and no string may hold such a line")
    return [
        _Raw(cell.cell_type, cell.source.rstrip(), line, _metadata(cell))
        for cell, line in zip(notebook.cells, lines, strict=True)
    ]


def _metadata(cell) -> dict:
    layout = ("lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker")
    return {key: value for key, value in cell.metadata.items() if key not in layout}


def _role_of(raw: _Raw, path: Path) -> tuple[str, str]:
    roles = [key for key in raw.metadata if key in _ROLES]
    if len(roles) > 1:
        _refuse(path, raw.line, f"a cell has one role, this one has {' and '.join(roles)}")
    role = roles[0] if roles else ""
    unknown = set(raw.metadata) - _FOR_ANY - set(roles) - _DETAILS.get(role, set())
    if unknown:
        _refuse(path, raw.line, f"unknown metadata: {', '.join(sorted(unknown))}")
    if raw.kind not in ("markdown", "code"):
        _refuse(path, raw.line, f"a cell is markdown or code, not {raw.kind}")
    if role:
        wanted = "markdown" if role in _MARKDOWN_ROLES else "code"
        if raw.kind != wanted:
            _refuse(path, raw.line, f"a {role} cell is a {wanted} cell")
    if role not in ("exercise",) and any(marker in raw.source for marker in (BEGIN_SOLUTION, END_SOLUTION)):
        _refuse(path, raw.line, "only an exercise cell holds a solution region")
    if role != "check" and any(marker in raw.source for marker in (BEGIN_HIDDEN, END_HIDDEN)):
        _refuse(path, raw.line, "only a check cell holds hidden tests")
    name = raw.metadata.get(role, "") if role not in ("", "progress") else ""
    if role not in ("", "progress") and not re.fullmatch(r"[a-z][a-z0-9_]*", str(name)):
        _refuse(path, raw.line, f"a grade id is lower case with underscores, not {name!r}")
    return role, name


def _plain_cell(raw: _Raw, role: str) -> Cell:
    library_only = bool(raw.metadata.get("library_only")) or role == "progress"
    return Cell(raw.kind, raw.source, raw.line, role, "", tuple(raw.metadata.get("tags", ())), library_only)


def _part_cell(raw: _Raw, role: str, name: str) -> Cell:
    library_only = bool(raw.metadata.get("library_only")) or role == "check"
    role = "solution" if role == "exercise" else role
    return Cell(raw.kind, raw.source, raw.line, role, name, tuple(raw.metadata.get("tags", ())), library_only)


def _title(raw_cells: list[_Raw], path: Path) -> str:
    for raw in raw_cells:
        heading = re.search(r"^# +(.+)$", raw.source, re.MULTILINE) if raw.kind == "markdown" else None
        if heading:
            return heading.group(1).strip()
    return _refuse(path, 1, "no markdown cell has a title: a line `# Title`")


# ---- exercises -------------------------------------------------------------------------------------------------------


def _exercise(name: str, part: dict, path: Path) -> Exercise:
    anywhere = next(iter(part["mutant"] or [cell for cell in part.values() if isinstance(cell, _Raw)]))
    if "exercise" not in part:
        _refuse(path, anywhere.line, f"there is no exercise {name!r} for this cell")
    solution: _Raw = part["exercise"]
    for role in ("prompt", "check", "hints"):
        if role not in part:
            _refuse(path, solution.line, f"exercise {name!r} has no {role}")
    _examine_order(name, part, path)
    _examine_check(part["check"], name, path)
    regions = _regions(solution, BEGIN_SOLUTION, END_SOLUTION, "solution", path)
    details = _details(solution, path)
    return Exercise(
        name=name,
        **details,
        prompt=part["prompt"].source,
        solution=solution.source,
        stub=part["stub"].source if "stub" in part else _stub(solution, regions, name, path),
        check=part["check"].source,
        hints=_hints(part["hints"], name, path),
        mutants=_mutants(part["mutant"], solution, name, path),
        line=solution.line,
    )


def _examine_order(name: str, part: dict, path: Path) -> None:
    cells = [part[role] for role in ("prompt", "exercise", "stub", "check", "hints") if role in part] + part["mutant"]
    for before, after in zip(cells, cells[1:], strict=False):
        if after.line < before.line:
            _refuse(path, after.line, f"the parts of {name!r} come as prompt, exercise, stub, check, hints, mutants")


def _examine_check(raw: _Raw, name: str, path: Path) -> None:
    _regions(raw, BEGIN_HIDDEN, END_HIDDEN, "hidden tests", path)
    if _OUTPUT_TAGS & set(raw.metadata.get("tags", ())):
        _refuse(path, raw.line, "the output of a check is always compared: a check cell takes no nbval tag")
    try:
        statements = ast.parse(raw.source).body
    except SyntaxError as error:
        _refuse(path, raw.line + (error.lineno or 0), f"a check cell is plain Python: {error.msg}")
    if isinstance(statements[-1], ast.Expr):
        last = raw.line + statements[-1].lineno
        _refuse(path, last, "a check cell must not end in an expression: nbgrader takes a number there for points")
    if f"with check({name!r})" not in ast.unparse(ast.Module(statements, [])):
        _refuse(path, raw.line, f'the check of {name!r} has no line `with check("{name}") as c:`')


def _details(raw: _Raw, path: Path) -> dict:
    details = {}
    for key, examples in (("kind", KINDS), ("points", (0, 1, 2.5)), ("minutes", (1, 5, 20)), ("difficulty", (1, 2, 3))):
        value = raw.metadata.get(key)
        right = value in examples if key in ("kind", "difficulty") else _is_number(value)
        if not right:
            choice = ", ".join(map(str, examples))
            _refuse(
                path, raw.line, f"{key}={value!r}: write {key}= with {'one of' if key == 'kind' else 'e.g.'} {choice}"
            )
        details[key] = value
    return details


def _is_number(value) -> bool:
    return type(value) in (int, float) and value >= 0


def _hints(raw: _Raw, name: str, path: Path) -> tuple[str, str, str]:
    starts = list(re.finditer(r"^(\d+)\. +", raw.source, re.MULTILINE))
    if [start.group(1) for start in starts] != ["1", "2", "3"] or raw.source[: starts[0].start()].strip():
        _refuse(path, raw.line, f"the hints of {name!r} are a list of three, numbered 1. 2. 3., and nothing else")
    ends = [start.start() for start in starts[1:]] + [len(raw.source)]
    hints = []
    for start, end in zip(starts, ends, strict=True):
        first, *more = raw.source[start.end() : end].rstrip().split("\n")
        hints.append("\n".join([first, textwrap.dedent("\n".join(more))]).rstrip())
    return tuple(hints)


def _mutants(raw_cells: list[_Raw], solution: _Raw, name: str, path: Path) -> tuple[Mutant, ...]:
    if len(raw_cells) < 2:
        _refuse(path, solution.line, f"exercise {name!r} has {len(raw_cells)} mutants, expected at least two")
    mutants = []
    for raw in raw_cells:
        for key in ("name", "says"):
            if type(raw.metadata.get(key)) is not str or not raw.metadata[key].strip():
                _refuse(path, raw.line, f'a mutant of {name!r} needs {key}="…"')
        if raw.metadata["name"] in ["solution", "stub", *(mutant.name for mutant in mutants)]:
            _refuse(path, raw.line, f"the name {raw.metadata['name']!r} of this mutant of {name!r} is taken")
        mutants.append(Mutant(raw.metadata["name"], raw.source, raw.metadata["says"], raw.line))
    return tuple(mutants)


# ---- regions ---------------------------------------------------------------------------------------------------------


def _stub(raw: _Raw, regions: list[tuple[int, int]], name: str, path: Path) -> str:
    """The student's cell: each solution region becomes a line that says where to write."""
    lines = raw.source.split("\n")
    for begin, end in reversed(regions):
        indent = re.match(r"\s*", lines[begin]).group()
        if not indent:
            text = f"the solution of {name!r} stands outside a function, so write its stub: a cell `# %% stub={name!r}`"
            _refuse(path, raw.line + 1 + begin, text)
        lines[begin : end + 1] = [
            f"{indent}# YOUR CODE HERE, in place of the next line",
            f'{indent}raise NotImplementedError("{name} is not written yet.")',
        ]
    return "\n".join(lines)


def _regions(raw: _Raw, begin: str, end: str, what: str, path: Path) -> list[tuple[int, int]]:
    """The pairs of lines, counted from 0, between which a region lies."""
    regions, opened = [], None
    for number, line in enumerate(raw.source.split("\n")):
        if line.strip() == begin and opened is None:
            opened = number
        elif line.strip() == end and opened is not None:
            regions.append((opened, number))
            opened = None
        elif begin in line or end in line:
            _refuse(path, raw.line + 1 + number, f"{line.strip()!r} does not fit: {begin} and {end} alternate")
    if opened is not None:
        _refuse(path, raw.line + 1 + opened, f"{begin} has no {end}")
    if not regions:
        _refuse(path, raw.line, f"this cell has no {what}: they stand between {begin} and {end}")
    return regions


def region_texts(source: str, begin: str, end: str) -> list[str]:
    """What stands between the markers of a cell that has passed `read_chapter`."""
    return re.findall(rf"^[ \t]*{re.escape(begin)}[ \t]*\n(.*?)^[ \t]*{re.escape(end)}[ \t]*$", source, re.M | re.S)


def _refuse(path: Path, line: int, sentence: str):
    raise ClassroomError(f"{path}:{line}: {sentence}.")
