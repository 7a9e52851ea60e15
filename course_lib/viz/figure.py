"""What a drawing function returns: a PNG, its alternative text, and the forms in which notebooks show them.

JupyterLab and nbconvert drop the alternative text of a bare image, so the picture is shown as HTML `<img alt="…">`;
the same PNG goes along for exports without HTML, and the alternative text for terminals.
"""

import base64
import html
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """A finished picture: `png` holds its bytes, `alt` says in words what it shows."""

    png: bytes
    alt: str
    width: int
    height: int

    def to_html(self) -> str:
        """The picture as one HTML tag, with the PNG inside."""
        data = base64.b64encode(self.png).decode("ascii")
        return (
            f'<img alt="{html.escape(self.alt)}" width="{self.width}" height="{self.height}" '
            f'src="data:image/png;base64,{data}" style="max-width: 100%; height: auto">'
        )

    def save(self, path: str | Path) -> None:
        """Write the PNG to a file."""
        Path(path).write_bytes(self.png)

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        size = {"width": self.width, "height": self.height}
        bundle = {
            "text/html": self.to_html(),
            "image/png": base64.b64encode(self.png).decode("ascii"),
            "text/plain": f"[figure] {self.alt}",
        }
        return bundle, {"image/png": size}

    def __repr__(self) -> str:
        return f"Figure({self.width}×{self.height}: {self.alt})"
