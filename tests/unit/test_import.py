"""`import course_lib` is quick: it loads NumPy and nothing heavy, and what it postpones is there when asked for."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "numba", "cupy", "scipy", "ml_dtypes", "matplotlib", "IPython", "jupyterlab", "nbgrader", "nbformat",
         "anywidget", "ipywidgets")  # fmt: skip


def run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_import_loads_nothing_heavy():
    loaded = run(f"import sys, course_lib; print([name for name in {HEAVY!r} if name in sys.modules])")
    assert loaded.strip() == "[]"


def test_import_leaves_numpys_warnings_alone():
    program = """
import warnings, numpy
import course_lib as torch
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("default")
    numpy.array([1.0]) / numpy.array([0.0])
print(len(seen))
"""
    assert run(program).strip() == "1"


def test_overflow_and_division_by_zero_are_silent():
    program = "import course_lib as torch; print(torch.tensor([1.0]) / 0, torch.tensor([1e30]) * 1e30)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (result.stdout.strip(), result.stderr) == ("tensor([inf]) tensor([inf])", "")


def test_submodules_come_when_they_are_asked_for():
    names = "['autograd', 'cuda', 'fft', 'func', 'linalg', 'nn', 'special', 'testing', 'utils', 'distributions']"
    assert run(f"import course_lib as torch; print(all(hasattr(torch, name) for name in {names}))").strip() == "True"
