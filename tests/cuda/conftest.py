"""Tests on a real GPU: `pytest -m cuda tests/cuda`, which ends with a table.

Without a GPU the tests themselves are tested: on the stand-in, with kernels on the processor (tests/cuda_kernels); of
the long suites, which run there anyway, a part.
"""

import time
from collections import Counter
from pathlib import Path

import kernels_on_host
import pytest
from cpu_numbers import numbers_of_the_cpu  # noqa: F401  a fixture
from values import launched, make  # noqa: F401  fixtures

from course_lib.backends import cuda

HERE = Path(__file__).parent
ON_GPU = cuda.device_count() > 0
collect_ignore = [] if ON_GPU or kernels_on_host.compiler() else [
    path.name for path in HERE.glob("test_*.py") if path.name != "test_gpu.py"
]  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.cuda)


@pytest.fixture(autouse=True)
def gpu():
    """The GPU, or what stands for it."""
    if not ON_GPU:
        cuda.use(kernels_on_host.module())
    yield
    cuda.use(None)


@pytest.fixture
def xp(gpu):
    """CuPy itself, for the tests of kernels."""
    return cuda.cupy()


def pytest_terminal_summary(terminalreporter) -> None:
    """A table: how many tests of each file passed, failed or were skipped, and how long they took."""
    counts, seconds = Counter(), Counter()
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.getreports(outcome):
            file = Path(report.nodeid.split("::")[0])
            if file.parent.name == HERE.name and (report.when == "call" or outcome != "passed"):
                counts[file.name, outcome] += 1
                seconds[file.name] += report.duration
    if not any(outcome != "skipped" for _, outcome in counts):
        return
    name = cuda.cupy().cuda.runtime.getDeviceProperties(0)["name"].decode() if ON_GPU else "a stand-in GPU"
    terminalreporter.section(f"on {name}, {time.strftime('%Y-%m-%d')}")
    terminalreporter.write_line(f"{'':24s}{'passed':>9s}{'failed':>9s}{'skipped':>9s}{'seconds':>9s}")
    for name in sorted(seconds):
        found = "".join(f"{counts[name, outcome]:9d}" for outcome in ("passed", "failed", "skipped"))
        terminalreporter.write_line(f"{name:24s}{found}{seconds[name]:9.1f}")
