"""Every program says on course_lib what it says on PyTorch."""

from __future__ import annotations

import pytest
from program_cases import cases, outcome

import course_lib

@pytest.mark.parametrize(("program", "text"), [pytest.param(program, text, id=name) for name, program, text in cases()])
def test_program_says_what_pytorch_said(program, text):
    assert outcome(course_lib, program) == text
