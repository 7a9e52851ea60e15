"""What the interactive widgets have in common: state in Python, a view in JavaScript, a picture where no kernel runs.

A widget's state is traitlets. JavaScript only sets the few that a learner moves; everything that follows from them is
worked out in Python by one observer and sent back, so a test (or the learner) can do in Python all that a mouse can.
"""

from pathlib import Path

import anywidget
import traitlets

from .figure import Figure

_FOLDER = Path(__file__).parent


def script(name: str) -> str:
    """The JavaScript of a widget: the parts that all widgets share, then its own file."""
    return "\n".join((_FOLDER / file).read_text(encoding="utf-8") for file in ("explorer.js", f"{name}.js"))


STYLESHEET = (_FOLDER / "explorer.css").read_text(encoding="utf-8")


class Explorer(anywidget.AnyWidget):
    """A widget that is shown as a picture of its state where it cannot be moved."""

    _css = STYLESHEET

    def picture(self) -> Figure:
        """The present state as a static figure."""
        raise NotImplementedError(f"{type(self).__name__} has no picture")

    def summary(self) -> str:
        """The present state in one line of text."""
        raise NotImplementedError(f"{type(self).__name__} has no summary")

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.summary()}"

    def _repr_mimebundle_(self, **options) -> tuple[dict, dict]:
        """The live view for JupyterLab, and next to it the picture and the line of text for everyone else."""
        live = super()._repr_mimebundle_(**options)
        live = live[0] if isinstance(live, tuple) else live or {}
        still, metadata = self.picture()._repr_mimebundle_()
        return still | live | {"text/plain": repr(self)}, metadata


def positive_sizes(shape, most_dims: int, most_cells: int) -> list[int]:
    """Check the shape of a tensor that is to be explored, and return it as a list."""
    sizes = [int(size) for size in shape]
    cells = 1
    for size in sizes:
        cells *= size
    if not 1 <= len(sizes) <= most_dims or min(sizes) < 1 or cells > most_cells:
        raise ValueError(
            f"an explorer shows 1 to {most_dims} dimensions and up to {most_cells} cells, not the shape {tuple(shape)}"
        )
    return sizes


def synced(kind: type[traitlets.TraitType], *arguments, **options):
    """A trait that is kept the same in Python and in the browser."""
    return kind(*arguments, **options).tag(sync=True)
