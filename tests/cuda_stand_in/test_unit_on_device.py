"""Unit tests with a stand-in GPU, with kernels, as default device; on_device.py says what is different there."""

import os
import subprocess
import sys
from pathlib import Path

import kernels_on_host
import on_device
import pytest

TESTS = Path(__file__).parents[1]
FILES = ["test_call_watch", "test_export", "test_functional_layers", "test_functional_losses", "test_jit_archive",
         "test_jit_script", "test_jit_trace", "test_modules", "test_optim", "test_parallel", "test_profiler",
         "test_recurrent", "test_selection"]  # the others compute nothing, read NumPy's numbers, or start processes


@pytest.mark.skipif(not kernels_on_host.compiler(), reason="there is no C++ compiler that runs the kernels")
def test_unit_tests_pass_on_a_gpu():
    folders = [TESTS / name for name in ("cuda_stand_in", "cuda_kernels")]
    paths = os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "on_device", *[TESTS / "unit" / f"{name}.py" for name in FILES]],
        env={**os.environ, "PYTHONPATH": paths}, cwd=TESTS.parent, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def test_no_exception_is_out_of_date():
    for name in on_device.DIFFERENT:
        file, test = name.split("::")
        assert file in FILES and f"def {test}(" in (TESTS / "unit" / f"{file}.py").read_text(encoding="utf-8")
