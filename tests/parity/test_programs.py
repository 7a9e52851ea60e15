"""Small programs run twice, with real PyTorch and with course_lib, and compared by what they print or raise."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from pathlib import Path

import pytest

import course_lib

torch = pytest.importorskip("torch", reason="PyTorch is not installed: programs cannot be compared with it")

PROGRAMS = Path(__file__).parent / "programs"


def outcome(library, source: str) -> str:
    """What a program prints, followed by the error that ends it, if one does."""
    printed = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(printed):
        warnings.simplefilter("ignore")
        try:
            exec(compile(source, "<program>", "exec"), {"torch": library, "__name__": "program"})
        except Exception as error:
            return f"{printed.getvalue()}{type(error).__name__}: {error}"
    return re.sub(r"0x[0-9a-f]+", "0x…", printed.getvalue())  # where an object lies differs from run to run


def cases() -> list:
    """Each file holds many programs, separated by a line `# --- name`."""
    found = []
    for path in sorted(PROGRAMS.glob("*.py")):
        for part in path.read_text(encoding="utf-8").split("\n# --- ")[1:]:
            name, source = part.split("\n", 1)
            found.append(pytest.param(source, id=f"{path.stem}:{name.strip()}"))
    return found


@pytest.mark.parametrize("source", cases())
def test_program_says_what_pytorch_says(source):
    expected = outcome(torch, source)
    assert outcome(course_lib, source) == expected
