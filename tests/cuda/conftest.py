"""Tests on a real GPU: `pytest -m cuda tests/cuda tests/cuda_kernels`, which ends with a table.

Without a GPU the tests themselves are tested: on the stand-in, with kernels on the processor (tests/cuda_kernels); of
the long suites, which run there anyway, a part.
"""

import re
import time
from collections import Counter
from pathlib import Path

import kernels_on_host
import pytest
from cpu_numbers import numbers_of_the_cpu  # noqa: F401  a fixture
from values import launched, make  # noqa: F401  fixtures

import course_lib
from course_lib.backends import cuda

HERE = Path(__file__).parent
ON_GPU = cuda.device_count() > 0
collect_ignore = [] if ON_GPU or kernels_on_host.compiler() else [
    path.name for path in HERE.glob("test_*.py") if path.name != "test_gpu.py"
]  # fmt: skip


# What runs of the long suites without a GPU.
PARTS = {
    "test_modules.py": r"\[nn\.(Linear|Conv2d|BatchNorm2d|LayerNorm|Embedding|GRU)\]",
    "test_ops.py": r"\[(softmax|mul|sum|index_add|nn\.functional\.(layer_norm|conv2d|max_pool2d|embedding)) float32\]",
    "test_products.py": "long_sums",  # the others ask what real cuBLAS does
    "test_programs.py": r"\[(optim: Adam|losses|layers: .*norm)",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mine = [item for item in items if item.path.parent == HERE]
    for item in mine:
        item.add_marker(pytest.mark.cuda)
    left_out = [] if ON_GPU else [item for item in mine if not re.search(PARTS.get(item.path.name, ""), item.name)]
    config.hook.pytest_deselected(items=left_out)
    left_out = set(left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def gpu(monkeypatch):
    """The GPU, or what stands for it. Convolutions compute in float32, not in TF32, to be compared with the CPU's."""
    monkeypatch.setattr(course_lib.backends.cudnn, "allow_tf32", False)
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
            if "cuda" in report.keywords and (report.when == "call" or outcome != "passed"):
                counts[file.name, outcome] += 1
                seconds[file.name] += report.duration
    if not any(outcome != "skipped" for _, outcome in counts):
        return
    name = cuda.cupy().cuda.runtime.getDeviceProperties(0)["name"].decode() if ON_GPU else "a stand-in GPU"
    terminalreporter.section(f"on {name}, {time.strftime('%Y-%m-%d')}")
    terminalreporter.write_line(f"{'':32s}{'passed':>9s}{'failed':>9s}{'skipped':>9s}{'seconds':>9s}")
    for name in sorted(seconds):
        found = "".join(f"{counts[name, outcome]:9d}" for outcome in ("passed", "failed", "skipped"))
        terminalreporter.write_line(f"{name:32s}{found}{seconds[name]:9.1f}")
