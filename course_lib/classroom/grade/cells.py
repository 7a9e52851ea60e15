"""The cells of a notebook that somebody unknown has sent, read without trusting anything in it.

`read_cells` turns the bytes of a file into plain Cells, or raises Unreadable with the reason. It does not validate the
notebook: whatever format or nbgrader version it claims, a cell has a kind, a source and perhaps a grade id. Nothing
else of the file (outputs, metadata, attachments) goes any further.
"""

import json
from dataclasses import dataclass

from course_lib.classroom.grade.files import Unreadable

CELLS = 2_000
SOURCE_CHARACTERS = 200_000
ID_CHARACTERS = 200


@dataclass(frozen=True)
class Cell:
    """A cell as it was sent: `kind` is code, markdown or raw; `grade_id` is empty where nbgrader has no part in it."""

    kind: str
    source: str
    grade_id: str = ""
    cell_id: str = ""


def read_cells(data: bytes) -> list[Cell]:
    """Return the cells of the notebook in `data`. Raises Unreadable."""
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Unreadable("it is damaged and cannot be read as a notebook") from None
    raw = _raw_cells(notebook)
    if raw is None:
        raise Unreadable("it is not a notebook: it has no list of cells")
    if len(raw) > CELLS:
        raise Unreadable(f"it has {len(raw)} cells and at most {CELLS} are read")
    cells = [_read_cell(cell) for cell in raw if isinstance(cell, dict)]
    longest = max((len(cell.source) for cell in cells), default=0)
    if longest > SOURCE_CHARACTERS:
        raise Unreadable(f"one of its cells has {longest} characters and at most {SOURCE_CHARACTERS} are read")
    return cells


def grade_ids(cells: list[Cell]) -> set[str]:
    return {cell.grade_id for cell in cells if cell.grade_id}


def _raw_cells(notebook: object) -> list | None:
    """The list of cells: at the top since format 4, in worksheets before."""
    if not isinstance(notebook, dict):
        return None
    if isinstance(notebook.get("cells"), list):
        return notebook["cells"]
    if isinstance(notebook.get("worksheets"), list):
        sheets = [sheet.get("cells") for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        return [cell for cells in sheets if isinstance(cells, list) for cell in cells]
    return None


def _read_cell(cell: dict) -> Cell:
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return Cell(
        kind=str(cell.get("cell_type")),
        source=_text(cell.get("source", cell.get("input"))),
        grade_id=_identifier(nbgrader.get("grade_id")) if isinstance(nbgrader, dict) else "",
        cell_id=_identifier(cell.get("id")),
    )


def _text(value: object) -> str:
    """A source: one string or a list of lines. Characters that no file can hold become question marks."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def _identifier(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= ID_CHARACTERS else ""
