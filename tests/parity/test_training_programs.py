"""Whole training programs on both libraries: their losses must agree, step for step.

Each file in training/ is one program, `train(torch) -> list[float]`. It seeds the library it is given; equal random
numbers, initial weights, gradients and updates then give equal losses. What a program shall not do is to blow up
rounding (a bias in front of batch norm under Adam, a seed with a tie at a ReLU): PyTorch with weights changed by 1e-7
must keep to the tolerance, too.
"""

from __future__ import annotations

import runpy
import warnings
from pathlib import Path

import pytest

import course_lib

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with (extra `parity`)")

PROGRAMS = sorted((Path(__file__).parent / "training").glob("*.py"))
STEPS, RELATIVE = 50, 1e-4


@pytest.fixture(autouse=True)
def one_thread():
    """The programs are small: a second thread would mostly wait, longest where other tests run beside this one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_losses_are_pytorchs(path):
    train = runpy.run_path(str(path))["train"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected, got = train(torch), train(course_lib)
    assert len(got) == len(expected) >= STEPS
    assert got[:STEPS] == pytest.approx(expected[:STEPS], rel=RELATIVE, abs=1e-7)
    assert got[STEPS:] == pytest.approx(expected[STEPS:], rel=10 * RELATIVE, abs=1e-6)
