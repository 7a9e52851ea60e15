"""The one look of every picture: its colours and sizes.

Colours are the eight of Okabe and Ito (https://jfly.uni-koeln.de/color/), which people with any kind of colour vision
can tell apart; fills are tints of them, so that black text on a fill is always legible. Sizes are in CSS pixels.
"""

INK, MUTED, FAINT, PAPER = "#1f2933", "#5a6673", "#c9d1d9", "#ffffff"
EMPTY = "#f3f5f7"

BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#e69f00", "#009e73", "#cc79a7"
SKY, VERMILLION, YELLOW, BLACK = "#56b4e9", "#d55e00", "#f0e442", "#000000"

#: The order in which rows, parts and series take their colours: neighbours differ in hue and in lightness.
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, YELLOW)

CELL = 42  # the side of a cell that shows a number
GAP = 3  # between neighbouring cells
TEXT, SMALL, TITLE = 13, 11, 16  # heights of type
WIDEST = 720  # a picture wider than a notebook's column would be shrunk until it cannot be read


def tint(color: str, strength: float = 0.3) -> str:
    """Mix `color` with white: 0 gives white, 1 gives the colour itself."""
    channels = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (channel - 255) * strength):02x}" for channel in channels)


def series(number: int) -> str:
    """The colour of row (or part, or series) `number`; the colours repeat after seven."""
    return SERIES[number % len(SERIES)]
