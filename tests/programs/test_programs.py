"""Every program says on course_lib what it says on PyTorch."""

from __future__ import annotations

import pytest
from program_cases import cases, outcome

import course_lib

CASES = [pytest.param(program, text, id=name) for name, program, text in cases()]


@pytest.mark.parametrize(("program", "text"), CASES)
def test_program_says_what_pytorch_said(program, text):
    assert outcome(course_lib, program) == text


@pytest.mark.parametrize(("program", "text"), CASES)
def test_recorded_text_is_pytorchs(program, text):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: the recorded texts are not compared with it")
    assert outcome(torch, program) == text
