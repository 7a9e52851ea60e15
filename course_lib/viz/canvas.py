"""A sheet of paper in CSS pixels, y pointing down: boxes, text, lines and arrows, drawn by matplotlib at the end.

Drawing calls are kept with the area they cover; `figure` then crops the sheet to its content, draws it at twice the
size (for sharp screens) and writes a PNG whose bytes depend on nothing but the content.
"""

import functools
import io
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve
from PIL import Image

from .figure import Figure
from .style import FAINT, INK, PAPER, TEXT

PIXELS_PER_INCH = 100
SHARPNESS = 2
_POINTS = 72 / PIXELS_PER_INCH


@functools.lru_cache(maxsize=1)
def _measuring_renderer() -> RendererAgg:
    return RendererAgg(1, 1, PIXELS_PER_INCH)


def _font(size: float, mono: bool, bold: bool) -> FontProperties:
    """DejaVu from matplotlib's own files: what a computer has installed makes no difference."""
    name = ("DejaVuSansMono" if mono else "DejaVuSans") + ("-Bold" if bold else "")
    return FontProperties(fname=Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf", size=size * _POINTS)


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float = TEXT, mono: bool = False, bold: bool = False) -> float:
    """The width of one line of `text`, in pixels."""
    return _measuring_renderer().get_text_width_height_descent(text, _font(size, mono, bold), ismath=False)[0]


class Canvas:
    """Collects drawing calls; positions may be negative, the sheet grows to hold everything drawn."""

    def __init__(self):
        self._calls: list[Callable] = []
        self._photographic = False
        self._left = self._top = float("inf")
        self._right = self._bottom = float("-inf")

    def _cover(self, left: float, top: float, right: float, bottom: float) -> None:
        self._left, self._top = min(self._left, left), min(self._top, top)
        self._right, self._bottom = max(self._right, right), max(self._bottom, bottom)

    @property
    def bottom(self) -> float:
        """The lowest point drawn so far."""
        return self._bottom

    @property
    def right(self) -> float:
        """The rightmost point drawn so far."""
        return self._right

    def space(self, left: float, top: float, right: float, bottom: float) -> None:
        """Keep this area inside the picture although nothing is drawn there."""
        self._cover(left, top, right, bottom)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = TEXT,
        color: str = INK,
        align: str = "left",
        mono: bool = False,
        bold: bool = False,
        rotated: bool = False,
    ) -> float:
        """Write `text` with its vertical middle at y and its left, center or right at x; returns its width."""
        lines = text.split("\n")
        width = max(text_width(line, size, mono, bold) for line in lines)
        height = size * 1.3 * len(lines)
        left = x - {"left": 0, "center": width / 2, "right": width}[align]
        if rotated:
            self._cover(x - height / 2, y - width / 2, x + height / 2, y + width / 2)
        else:
            self._cover(left, y - height / 2, left + width, y + height / 2)
        self._calls.append(
            lambda axes, order: axes.text(
                x,
                y,
                text,
                fontproperties=_font(size, mono, bold),
                color=color,
                ha="center" if rotated else align,
                va="center" if rotated else "center_baseline" if len(lines) == 1 else "center",
                zorder=order,
                rotation=90 if rotated else 0,
                linespacing=1.35,
                parse_math=False,
            )
        )
        return width

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "none",
        edge: str = "none",
        line: float = 1.0,
        radius: float = 5,
        dashed: bool = False,
    ) -> None:
        """Draw a rectangle with rounded corners; (x, y) is its top left."""
        self._cover(x, y, x + width, y + height)
        radius = min(radius, width / 2, height / 2)
        self._calls.append(
            lambda axes, order: axes.add_patch(
                FancyBboxPatch(
                    (x + radius, y + radius),
                    width - 2 * radius,
                    height - 2 * radius,
                    boxstyle=f"round,pad={radius},rounding_size={radius}",
                    facecolor=fill,
                    edgecolor=edge,
                    linewidth=line * _POINTS if edge != "none" else 0,
                    linestyle=(0, (3, 2)) if dashed else "solid",
                    zorder=order,
                )
            )
        )

    def disk(self, x: float, y: float, radius: float, *, fill: str, edge: str = "none", line: float = 1.0) -> None:
        """Draw a disk around (x, y)."""
        self._cover(x - radius, y - radius, x + radius, y + radius)
        width = line * _POINTS if edge != "none" else 0
        self._calls.append(
            lambda axes, order: axes.add_patch(
                Circle((x, y), radius, facecolor=fill, edgecolor=edge, linewidth=width, zorder=order)
            )
        )

    def cell(
        self,
        x: float,
        y: float,
        text: str,
        *,
        fill: str,
        width: float,
        height: float,
        color: str = INK,
        bold: bool = False,
        edge: str = "none",
        line: float = 1.0,
        size: float = TEXT,
        dashed: bool = False,
    ) -> None:
        """Draw a tile with a centred text, made smaller where it would not fit."""
        self.box(x, y, width, height, fill=fill, edge=edge, line=line, radius=4, dashed=dashed)
        if text:
            needed = text_width(text, size, True, bold)
            size = max(7, size * min(1, (width - 5) / needed)) if needed else size
            self.text(x + width / 2, y + height / 2, text, size=size, align="center", mono=True, bold=bold, color=color)

    def line(self, *points: tuple[float, float], color: str = FAINT, width: float = 1.5, dashed: bool = False) -> None:
        """Draw a straight or broken line through `points`."""
        xs, ys = [x for x, _ in points], [y for _, y in points]
        self._cover(min(xs), min(ys), max(xs), max(ys))
        self._calls.append(
            lambda axes, order: axes.plot(
                xs,
                ys,
                color=color,
                linewidth=width * _POINTS,
                linestyle=(0, (3, 2)) if dashed else "solid",
                solid_capstyle="round",
                solid_joinstyle="round",
                zorder=order,
            )
        )

    def curve(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        pull: tuple[float, float],
        color: str = INK,
        width: float = 1.6,
        arrow: bool = True,
        dashed: bool = False,
    ) -> None:
        """Draw a curve from `start` to `end` that bends towards the point `pull` (a Bézier curve of degree two)."""
        # The curve's own middle lies half way between the chord's middle and `pull`.
        middle = tuple((a + 2 * p + b) / 4 for a, p, b in zip(start, pull, end, strict=True))
        for point in (start, middle, end):
            self._cover(point[0] - 2, point[1] - 2, point[0] + 2, point[1] + 2)
        path = Curve([start, pull, end], [Curve.MOVETO, Curve.CURVE3, Curve.CURVE3])
        style = (0, (3, 2)) if dashed else "solid"

        def draw(axes, order: int) -> None:
            if arrow:
                axes.add_patch(
                    FancyArrowPatch(
                        path=path,
                        arrowstyle="-|>,head_length=5,head_width=2.6",
                        color=color,
                        linewidth=width * _POINTS,
                        linestyle=style,
                        mutation_scale=_POINTS,
                        shrinkA=0,
                        shrinkB=0,
                        capstyle="round",
                        zorder=order,
                    )
                )
            else:
                axes.add_patch(
                    PathPatch(
                        path,
                        facecolor="none",
                        edgecolor=color,
                        linewidth=width * _POINTS,
                        linestyle=style,
                        zorder=order,
                    )
                )

        self._calls.append(draw)

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], *, color: str = INK, width: float = 1.6
    ) -> None:
        """Draw a straight arrow."""
        middle = tuple((a + b) / 2 for a, b in zip(start, end, strict=True))
        self.curve(start, end, pull=middle, color=color, width=width)

    def picture(self, x: float, y: float, width: float, height: float, pixels) -> None:
        """Show an array of pixels (H, W, 3) of uint8 without smoothing."""
        self._photographic = True
        self._cover(x, y, x + width, y + height)
        self._calls.append(
            lambda axes, order: axes.imshow(
                pixels, extent=(x, x + width, y + height, y), interpolation="nearest", aspect="auto", zorder=order
            )
        )

    def figure(self, alt: str, *, margin: float = 14) -> Figure:
        """Crop to what was drawn, draw it, and return the picture together with its alternative text."""
        left, top = self._left - margin, self._top - margin
        width, height = round(self._right + margin - left), round(self._bottom + margin - top)
        # rcParams are the reader's: a figure of the course looks the same whatever they set there.
        with matplotlib.rc_context():
            matplotlib.rcParams.update(
                {key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")}
            )
            sheet = MatplotlibFigure((width / PIXELS_PER_INCH, height / PIXELS_PER_INCH), facecolor=PAPER)
            canvas = FigureCanvasAgg(sheet)
            sheet.set_dpi(PIXELS_PER_INCH * SHARPNESS)
            axes = sheet.add_axes((0, 0, 1, 1))
            axes.axis("off")
            axes.autoscale(False)
            for order, call in enumerate(self._calls):
                call(axes, order)
            axes.set_xlim(left, left + width)
            axes.set_ylim(top + height, top)
            canvas.draw()
            pixels = canvas.buffer_rgba()
        return Figure(_png(np.asarray(pixels), self._photographic), alt, width, height)


def _png(pixels: np.ndarray, photographic: bool) -> bytes:
    """Encode pixels without a date or a program's name; drawings with 256 colours, at a third of the size."""
    image = Image.fromarray(pixels).convert("RGB")
    if not photographic:
        image = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()
