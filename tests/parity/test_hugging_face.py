"""Programs nobody wrote for this library: models of the package transformers run on it unmodified.

They compute what they compute on PyTorch: loss, gradients, initial weights, and the tokens of continuations.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch itself is not installed: pip install -e .[parity]")
pytest.importorskip("transformers", reason="transformers is not installed: pip install -e .[parity]")

PROGRAM = Path(__file__).with_name("hugging_face.py")
MODELS = re.findall(r'^    "(\w+)": \(', PROGRAM.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def lines() -> dict[str, dict[str, list]]:
    """What the program printed, by library and model."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    runs = {library: subprocess.Popen([sys.executable, str(PROGRAM), library], env=environment, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for library in ("torch", "course_lib")}  # fmt: skip
    found = {}
    for library, run in runs.items():
        out, err = run.communicate(timeout=900)
        assert run.returncode == 0, f"{library}:\n{out}\n{err[-3000:]}"
        printed = [json.loads(line) for line in out.splitlines() if line.startswith("[")]
        found[library] = {name: numbers for name, *numbers in printed}
    return found


@pytest.mark.parametrize("name", [*MODELS, "training"])
def test_it_computes_what_it_computes_on_pytorch(lines, name):
    expected, found = [lines[library][name] for library in ("torch", "course_lib")]
    numbers, tokens = [[[part for part in run if isinstance(part, kind)] for run in (expected, found)]
                       for kind in (float, list)]  # fmt: skip
    assert numbers[1] == pytest.approx(numbers[0], rel=2e-4) and len(numbers[0]) >= 3
    assert tokens[1] == tokens[0]
