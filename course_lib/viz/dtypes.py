"""Pictures of data types: what their bits mean, which type two of them give, what comes after the largest value."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .canvas import Canvas, text_width
from .figure import Figure
from .reading import dtype_name
from .style import BLUE, FAINT, GREEN, INK, MUTED, ORANGE, PAPER, PURPLE, SKY, SMALL, TEXT, TITLE, VERMILLION, tint


@dataclass(frozen=True)
class Format:
    """The bits of one number: sign, exponent and fraction, or sign and whole number, or a truth value."""

    kind: str  # bool, unsigned, signed, float or complex
    exponent: int = 0
    value: int = 0  # bits of the fraction (floats) or of the number (integers)

    @property
    def fields(self) -> list[tuple[str, int]]:
        """(meaning, number of bits) from the highest bit to the lowest."""
        if self.kind == "bool":
            return [("unused", 7), ("truth", 1)]
        if self.kind == "unsigned":
            return [("number", self.value)]
        if self.kind == "signed":
            return [("sign", 1), ("number", self.value)]
        number = [("sign", 1), ("exponent", self.exponent), ("fraction", self.value)]
        return number * (2 if self.kind == "complex" else 1)

    @property
    def bits(self) -> int:
        return sum(count for _, count in self.fields)

    @property
    def range(self) -> str:
        """The values that can be held, in few words."""
        if self.kind == "bool":
            return "False, True"
        if self.kind == "unsigned":
            return f"0 … {2**self.value - 1:,}"
        if self.kind == "signed":
            largest = 2**self.value - 1
            return (
                f"±{largest:.1e}".replace("e+0", "e").replace("e+", "e")
                if largest > 10**6
                else f"{-largest - 1:,} … {largest:,}"
            )
        power = (2 ** (self.exponent - 1) - 1 + math.log2(2 - 2.0**-self.value)) * math.log10(2)
        mantissa, exponent = 10 ** (power % 1), int(power)
        return f"{'2 × ' if self.kind == 'complex' else ''}±{mantissa:.1f}e{exponent}"

    @property
    def digits(self) -> str:
        """How exact a number is."""
        if self.kind not in ("float", "complex"):
            return "exact"
        return f"{round((self.value + 1) * math.log10(2)):d} digits"


FORMATS = {
    "bool": Format("bool"),
    "uint8": Format("unsigned", value=8),
    "int8": Format("signed", value=7),
    "int16": Format("signed", value=15),
    "int32": Format("signed", value=31),
    "int64": Format("signed", value=63),
    "float16": Format("float", 5, 10),
    "bfloat16": Format("float", 8, 7),
    "float32": Format("float", 8, 23),
    "float64": Format("float", 11, 52),
    "complex64": Format("complex", 8, 23),
    "complex128": Format("complex", 11, 52),
}
_FIELD_COLORS = {
    "sign": VERMILLION,
    "exponent": GREEN,
    "fraction": BLUE,
    "number": ORANGE,
    "truth": PURPLE,
    "unused": FAINT,
}


def format_of(dtype: Any) -> tuple[str, Format]:
    """The name and bit layout of a dtype (or of its name)."""
    name = dtype_name(dtype)
    if name not in FORMATS:
        raise ValueError(f"no picture for the dtype {name!r}: known are {', '.join(FORMATS)}")
    return name, FORMATS[name]


def compare_dtypes(names: Sequence[Any]) -> Figure:
    """Draw the bits of each dtype with their meaning, and its size, range and precision.

    `names` holds dtypes or their names, such as `["uint8", "float32", torch.bfloat16]`.
    """
    rows = [format_of(dtype) for dtype in names]
    canvas = Canvas()
    widest = max(number.bits for _, number in rows)
    bit = min(13, 340 / widest)
    left = max(text_width(name, TEXT, True, True) for name, _ in rows) + 18
    columns = (left + bit * widest + 16, left + bit * widest + 62, left + bit * widest + 172)
    for x, title in zip((0, left, *columns), ("dtype", "bits", "bytes", "values", "precision"), strict=True):
        canvas.text(x, 0, title, size=SMALL, color=MUTED)
    top, used = 18, []
    for name, number in rows:
        canvas.text(0, top + 11, name, mono=True, bold=True)
        x = left
        for meaning, count in number.fields:
            used += [meaning] if meaning not in used else []
            for _ in range(count):
                gap = 1 if bit > 4 else 0.6
                fill = tint(_FIELD_COLORS[meaning], 0.35 if meaning == "unused" else 0.75)
                canvas.box(x + gap / 2, top, bit - gap, 22, fill=fill, radius=1.5)
                x += bit
        for x, text in zip(columns, (str(number.bits // 8), number.range, number.digits), strict=True):
            canvas.text(x, top + 11, text, size=12, mono=x != columns[2])
        top += 31
    x = left
    for meaning in used:
        canvas.box(
            x, top + 8, 12, 12, fill=tint(_FIELD_COLORS[meaning], 0.35 if meaning == "unused" else 0.75), radius=3
        )
        x += 18 + canvas.text(x + 18, top + 14, meaning, size=SMALL, color=MUTED) + 18
    parts = []
    for name, number in rows:
        bits = ", ".join(f"{count} {meaning}" for meaning, count in number.fields)
        size = "1 byte" if number.bits == 8 else f"{number.bits // 8} bytes"
        parts.append(f"{name}: {size} ({bits}), values {number.range}, {number.digits}")
    return canvas.figure("The bits of data types. " + "; ".join(parts) + ".")


def promotion_table(dtypes: Sequence[Any], promote: Callable[[Any, Any], Any]) -> Figure:
    """Draw which dtype the sum of two tensors has, for every pair; `promote` is `torch.promote_types`."""
    names = [dtype_name(dtype) for dtype in dtypes]
    results = {(a, b): dtype_name(promote(a, b)) for a in dtypes for b in dtypes}
    canvas = Canvas()
    width, height = 82, 30
    left = max(text_width(name, TEXT - 1, True, True) for name in names) + 14
    canvas.text(left - 14, 12, "a + b", mono=True, color=MUTED, align="right", size=SMALL)
    for column, name in enumerate(names):
        x = left + column * (width + 3) + width / 2
        canvas.text(x, 12, name, size=TEXT - 1, mono=True, bold=True, align="center")
    for row, first in enumerate(dtypes):
        y = 28 + row * (height + 3)
        canvas.text(left - 14, y + height / 2, names[row], size=TEXT - 1, mono=True, bold=True, align="right")
        for column, second in enumerate(dtypes):
            result = results[first, second]
            same = result == names[row] == names[column]
            canvas.cell(
                left + column * (width + 3),
                y,
                result,
                width=width,
                height=height,
                size=12,
                fill=tint(_KIND_COLORS[FORMATS[result].kind], 0.36),
                bold=same,
            )
    y = 28 + len(names) * (height + 3) + 16
    x = left
    for kind in dict.fromkeys(FORMATS[result].kind for result in results.values()):
        canvas.box(x, y - 6, 12, 12, fill=tint(_KIND_COLORS[kind], 0.5), radius=3)
        words = {"unsigned": "unsigned whole number", "signed": "whole number"}.get(kind, kind)
        x += 18 + canvas.text(x + 18, y, words, size=SMALL, color=MUTED) + 18
    pairs = [
        f"{a} + {b} = {results[p, q]}"
        for p, a in zip(dtypes, names, strict=True)
        for q, b in zip(dtypes, names, strict=True)
        if a < b
    ]
    return canvas.figure("The dtype of a + b for every pair of dtypes: " + ", ".join(pairs) + ".")


_KIND_COLORS = {"bool": PURPLE, "unsigned": SKY, "signed": BLUE, "float": ORANGE, "complex": GREEN}


def wrap_around(start: int = 200, step: int = 100, dtype: Any = "uint8") -> Figure:
    """Draw `start + step` on the ring of the values of a whole-number dtype: past the largest comes the smallest."""
    name, number = format_of(dtype)
    if number.kind not in ("unsigned", "signed"):
        raise ValueError(f"only whole numbers wrap around, and {name} is not a dtype of whole numbers")
    count = 2**number.bits
    lowest = 0 if number.kind == "unsigned" else -count // 2
    highest = lowest + count - 1
    if not lowest <= start <= highest or not 0 < step < count:
        raise ValueError(f"start must lie in {lowest} … {highest} and step in 1 … {count - 1}, not {start} and {step}")
    end = (start + step - lowest) % count + lowest
    canvas, radius = Canvas(), 92

    def on_ring(value: float, distance: float = 0) -> tuple[float, float]:
        angle = 2 * math.pi * value / count
        return (radius + distance) * math.sin(angle), -(radius + distance) * math.cos(angle)

    turn = [on_ring(count * part / 180) for part in range(181)]
    canvas.line(*turn, color="#e3e8ed", width=14)
    walked = [on_ring(start + step * part / 60) for part in range(61)]
    canvas.line(*walked, color=tint(VERMILLION, 0.55), width=14)
    for part in range(8):
        value = lowest + count * part // 8
        canvas.line(on_ring(value, -14), on_ring(value, -9), color=MUTED, width=1.2)
        x, y = on_ring(value, -32)
        text = f"{value:,}" if number.bits <= 16 else f"{value:.1e}"
        canvas.text(x, y, text, size=SMALL, color=MUTED, align="center", mono=True)
    seam = lowest - 0.5
    canvas.line(on_ring(seam, -9), on_ring(seam, 13), color=INK, width=2)
    x, y = on_ring(seam, 26)
    canvas.text(x, y, f"{highest} │ {lowest}", size=SMALL, align="center", mono=True, bold=True)
    for value, color in ((start, BLUE), (end, VERMILLION)):
        x, y = on_ring(value)
        canvas.disk(x, y, 9, fill=color, edge=PAPER, line=2.5)
        x, y = on_ring(value, 34)
        canvas.text(x, y, str(value), align="center", mono=True, bold=True, color=color, size=TITLE)
    total = start + step
    lines = [f"{start} + {step} = {total}"]
    if total > highest:
        lines += [f"{name} ends at {highest},", f"so {total} − {count} = {end}"]
    for row, text in enumerate(lines):
        canvas.text(
            168,
            -14 + 26 * (row - 0.5 * (len(lines) - 2)),
            text,
            mono=True,
            size=TITLE if row != 1 else TEXT,
            bold=row != 1,
        )
    words = (
        f"counting on past {highest} starts again at {lowest}, which gives {end}"
        if total > highest
        else f"which gives {end}"
    )
    alt = f"The values of {name} on a ring, from {lowest} to {highest}. From {start}, {step} steps onwards: {words}."
    return canvas.figure(alt)
