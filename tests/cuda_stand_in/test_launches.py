"""How often training steps launch work on a GPU, and that they never wait for it: counted, not timed.

PyTorch 2.13 launches about 32 kernels in the MLP's step, 53 in the CNN's and 100 in that of the GPT with two blocks:
the operations of a forward and backward pass that its profiler lists on the CPU, without those that only look at
memory, and 12 launches of the optimizer, which steps all CUDA tensors together. Some of these operations are several
kernels on a GPU, so the true numbers are higher.
"""

import sys
from pathlib import Path

import pytest
from watched import watched

import course_lib as torch

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import gpu_cases

MOST = {"MLP": 23, "CNN": 48, "GPT": 105}


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """A GPU that is large enough."""
    import cupy_on_numpy

    monkeypatch.setattr(cupy_on_numpy, "_MEMORY", 1 << 33)


@pytest.mark.parametrize(("precision", "more"), [("fp32", 0), ("bf16", 60)])  # casts, there and back
@pytest.mark.parametrize("name", MOST)
def test_a_training_step(name, precision, more):
    with watched() as seen:
        step = gpu_cases.SMALL_STEPS[name](torch, "cuda", precision=precision)
        step()
        seen.clear()
        seen.waits_allowed = False  # nor is anything brought from the host
        step()
        assert seen.launches <= MOST[name] + more, seen.counts


CASES = [case for case in gpu_cases.cases(16) if case.group != "training step"]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.group} {case.name}" for case in CASES])
def test_no_benchmark_waits(case):
    with watched() as seen:
        step = case.make(torch, "cuda")
        step()
        seen.waits_allowed = False
        step()
