"""The kernels that learners write for course_lib.cudasim run unchanged on a real GPU, through numba-cuda.

Without a GPU the stock simulator of numba takes them (tests/cudasim).
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.backends import cuda

KERNELS = Path(__file__).parents[1] / "cudasim" / "correct_kernels.py"
NUMBA = "import numba.cuda; numba.cuda.current_context()"


@pytest.mark.skipif(not cuda.device_count(), reason="there is no GPU, and numba's simulator has them in tests/cudasim")
def test_correct_kernels_run_on_the_gpu():
    environment = {**os.environ, "CUDA_FROM": "numba", "NUMBA_ENABLE_CUDASIM": "0", "PYTHONWARNINGS": "ignore"}
    probe = subprocess.run([sys.executable, "-c", NUMBA], env=environment, capture_output=True, text=True, timeout=120)
    if probe.returncode:
        pytest.skip(f"numba finds no GPU (pip install numba-cuda[cu13]): {probe.stderr.strip().splitlines()[-1]}")
    done = subprocess.run([sys.executable, KERNELS], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr[-2000:]
    assert done.stdout.count("ok ") >= 40
