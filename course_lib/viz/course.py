"""Pictures of the course itself: the tower of its chapters, and the road through an exercise."""

from .canvas import Canvas
from .figure import Figure
from .style import BLUE, INK, MUTED, ORANGE, PAPER, SMALL, TEXT, VERMILLION, series, tint

CHAPTERS = (
    ("Start here", "JupyterLab, checks, hints"),
    ("Tensors", "memory, shapes, views"),
    ("Broadcasting", "shapes that stretch"),
    ("Autograd: the graph", "the chain rule, by hand"),
    ("Autograd: tensors", "gradients of anything"),
    ("nn.Module", "layers and parameters"),
    ("Losses and optimizers", "which way is down"),
    ("Training loops", "data, epochs, honest tests"),
    ("Convolutional networks", "seeing with small windows"),
    ("The GPU", "thousands of threads"),
    ("Save and deploy", "out of the notebook"),
    ("Attention", "a small GPT"),
)


def course_map(chapter: int | None = None) -> Figure:
    """Draw the twelve chapters as a tower that grows from the ground up, with `chapter` (0 to 11) lit."""
    if chapter is not None and not 0 <= chapter < len(CHAPTERS):
        raise ValueError(f"chapter {chapter} does not exist: the chapters are 0 to {len(CHAPTERS) - 1}")
    canvas = Canvas()
    height, gap, widest, narrowest = 30, 4, 560, 400
    for number, (title, content) in enumerate(CHAPTERS):
        width = widest - (widest - narrowest) * number / (len(CHAPTERS) - 1)
        x, y = (widest - width) / 2, (len(CHAPTERS) - 1 - number) * (height + gap)
        here, done = number == chapter, chapter is not None and number < chapter
        color = ORANGE if here else BLUE
        strength = 0.8 if here else 0.34 if done or chapter is None else 0.12
        canvas.box(
            x, y, width, height, fill=tint(color, strength), edge=VERMILLION if here else "none", line=2, radius=6
        )
        canvas.text(x + 14, y + height / 2, f"{number:02d}", mono=True, bold=True, color=INK if here else MUTED)
        canvas.text(x + 46, y + height / 2, title, bold=here or chapter is None)
        canvas.text(x + width - 14, y + height / 2, content, size=SMALL, color=INK if here else MUTED, align="right")
        if here:
            canvas.text(x + width + 12, y + height / 2, "◀ you are here", size=SMALL, color=VERMILLION, bold=True)
    ground = len(CHAPTERS) * (height + gap) + 2
    canvas.line((-24, ground), (widest + 24, ground), color=MUTED, width=2)
    alt = "The course as a tower, from the ground up: " + ", ".join(
        f"{number:02d} {title}" for number, (title, _) in enumerate(CHAPTERS)
    )
    return canvas.figure(alt + ("." if chapter is None else f". You are in chapter {chapter:02d}."))


def exercise_cycle() -> Figure:
    """Draw the road through an exercise: read, write, check (and again), validate, submit."""
    steps = (
        ("Read", "the task and\nits example"),
        ("Write", "your answer\nin the cell"),
        ("Check", "run the cell\nbelow it"),
        ("Validate", "the whole\nnotebook"),
        ("Submit", "hand in\nthe file"),
    )
    canvas = Canvas()
    width, height, gap = 112, 92, 28
    for number, (title, text) in enumerate(steps):
        x, color = number * (width + gap), series(number)
        canvas.box(x, 0, width, height, fill=tint(color, 0.22), radius=9)
        canvas.disk(x + 23, 0, 13, fill=color, edge=PAPER, line=2.5)
        canvas.text(x + 23, 0, str(number + 1), size=TEXT, bold=True, align="center", color=PAPER)
        canvas.text(x + width / 2, 30, title, size=15, bold=True, align="center")
        canvas.text(x + width / 2, 62, text, size=SMALL + 1, align="center", color=MUTED)
        if number:
            canvas.arrow((x - gap + 4, height / 2), (x - 4, height / 2), color=MUTED, width=2)
    write, check = width + gap + width / 2, 2 * (width + gap) + width / 2
    canvas.curve(
        (check, height + 6), (write, height + 6), pull=((write + check) / 2, height + 64), color=VERMILLION, width=2
    )
    middle = (write + check) / 2
    canvas.text(middle, height + 50, "not yet? read the message,", size=SMALL + 1, align="center", color=VERMILLION)
    canvas.text(middle, height + 67, "open a hint, try again", size=SMALL + 1, align="center", color=VERMILLION)
    alt = (
        "The road through an exercise: 1 read the task, 2 write your answer, 3 run the check. If it does not pass yet, "
        "its message and the hints lead back to step 2. Then 4 validate the whole notebook and 5 submit it."
    )
    return canvas.figure(alt)
