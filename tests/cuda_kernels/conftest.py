"""The kernels run on the processor, with the strict stand-in for arrays; those tests that ask for numbers only run on a
real GPU where there is one: `pytest -m cuda tests/cuda tests/cuda_kernels`."""

from pathlib import Path

import kernels_on_host
import pytest
from values import launched, make  # noqa: F401  fixtures

from course_lib.backends import cuda

HERE = Path(__file__).parent
ON_GPU = cuda.device_count() > 0
OF_NUMBERS = ("_values.py", "_ops.py")  # how the names of files end whose tests may run on a GPU
WITHOUT_COMPILER = ("test_compile.py", "test_compiler.py", "test_cupys_compiler.py")
collect_ignore = [] if kernels_on_host.compiler() else [
    path.name for path in HERE.glob("test_*.py")
    if path.name not in WITHOUT_COMPILER and not (ON_GPU and path.name.endswith(OF_NUMBERS))
]  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if ON_GPU and item.path.parent == HERE and item.path.name.endswith(OF_NUMBERS):
            item.add_marker(pytest.mark.cuda)


@pytest.fixture
def xp(request):
    """The stand-in for CuPy, with kernels; CuPy itself on a GPU."""
    if ON_GPU and request.path.name.endswith(OF_NUMBERS):
        yield cuda.cupy()
        return
    module = kernels_on_host.module()
    cuda.use(module)
    cuda.cupy()  # as any op would
    yield module
    cuda.use(None)
