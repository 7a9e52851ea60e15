"""Small programs with what PyTorch 2.13 printed for them.

NAME.py holds many programs, each after a line `# --- title`; NAME.txt holds, after the same lines, what real PyTorch
printed or raised. `test_programs.py` runs them on course_lib; with PyTorch installed, tests/parity checks what is recorded.

    python tests/programs/program_cases.py      record the texts anew (needs PyTorch)
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
MARK = "\n# --- "


def files() -> list[Path]:
    return [path for path in sorted(HERE.glob("*.py")) if MARK in path.read_text(encoding="utf-8") and path.stem != "program_cases"]


def parts(text: str) -> dict[str, str]:
    """Title → what stands below it."""
    return dict(part.split("\n", 1) if "\n" in part else (part, "") for part in ("\n" + text).split(MARK)[1:])


def cases() -> list[tuple[str, str, str]]:
    """(file: title, program, PyTorch's text) of every program."""
    found = []
    for path in files():
        recorded = path.with_suffix(".txt")
        texts = parts(recorded.read_text(encoding="utf-8")) if recorded.exists() else {}
        for title, program in parts(path.read_text(encoding="utf-8")).items():
            found.append((f"{path.stem}: {title}", program, texts.get(title, "not recorded").rstrip("\n")))
    return found


def outcome(library, program: str) -> str:
    """What a program prints, followed by the error that ends it, if one does."""
    printed = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(printed):
        warnings.simplefilter("ignore")
        try:
            exec(compile(program, "<program>", "exec"), {"torch": library, "__name__": "program"})
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    return re.sub(r"0x[0-9a-f]+", "0x…", printed.getvalue()).rstrip("\n")  # where an object lies differs from run to run


def record() -> None:
    import torch

    for path in files():
        texts = [f"# --- {title}\n{outcome(torch, program)}" for title, program in parts(path.read_text(encoding="utf-8")).items()]
        path.with_suffix(".txt").write_text("\n".join(texts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(record())
