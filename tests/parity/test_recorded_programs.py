"""What tests/programs/*.txt records is what real PyTorch prints."""

from __future__ import annotations

import pytest
from program_cases import cases, outcome

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the recorded texts are not compared with it")


@pytest.mark.parametrize(("program", "text"), [pytest.param(program, text, id=name) for name, program, text in cases()])
def test_recorded_text_is_pytorchs(program, text):
    assert outcome(torch, program) == text
