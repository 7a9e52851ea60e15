"""The progress table: which exercises of this notebook have passed their checks since the kernel started.

Every `with check(name)` leaves its outcome in the record of this process; `progress({name: points})` shows it.
"""

from collections.abc import Mapping
from html import escape

PASSED, FAILED, NOT_ATTEMPTED = "passed", "not right yet", "not attempted"
_SIGNS = {PASSED: "✓", FAILED: "✗", NOT_ATTEMPTED: "○"}

# What the checks of this process found, by exercise. It lives as long as the notebook's kernel.
_record: dict[str, str] = {}


def remember(name: str, state: str) -> None:
    """Note the latest outcome of the check `name`."""
    _record[name] = state


def progress(points: Mapping[str, float]) -> "ProgressTable":
    """Show what has been solved so far.

    Args:
        points: the points of each exercise, in the order of the notebook.
    """
    return ProgressTable({name: (value, _record.get(name, NOT_ATTEMPTED)) for name, value in points.items()})


class ProgressTable:
    """The table, shown as HTML in a notebook and as text elsewhere."""

    def __init__(self, rows: dict[str, tuple[float, str]]):
        self.rows = rows

    @property
    def summary(self) -> str:
        """The last line of the table."""
        earned = sum(points for points, state in self.rows.values() if state == PASSED)
        total = sum(points for points, _ in self.rows.values())
        return f"{earned:g} of {total:g} points pass the checks that you see. Grading adds checks with other inputs."

    def __repr__(self) -> str:
        width = max((len(name) for name in self.rows), default=0)
        lines = [
            f"{_SIGNS[state]} {name:<{width}}  {points:>4g}  {state}" for name, (points, state) in self.rows.items()
        ]
        return "\n".join([*lines, self.summary])

    def _repr_html_(self) -> str:
        cell = '<td style="text-align:left;padding:2px 12px">'
        body = "".join(
            f"<tr>{cell}{_SIGNS[state]} {state}</td>{cell}{escape(name)}</td>{cell}{points:g}</td></tr>"
            for name, (points, state) in self.rows.items()
        )
        head = "".join(
            f'<th style="text-align:left;padding:2px 12px">{title}</th>' for title in ("State", "Exercise", "Points")
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{escape(self.summary)}</p>"
