"""The kernels run on the processor, with the strict stand-in for arrays."""

from pathlib import Path

import kernels_on_host
import pytest
from values import launched, make  # noqa: F401  fixtures

from course_lib.backends import cuda

WITHOUT_COMPILER = ("test_compile.py", "test_compiler.py")
collect_ignore = [] if kernels_on_host.compiler() else [
    path.name for path in Path(__file__).parent.glob("test_*.py") if path.name not in WITHOUT_COMPILER
]  # fmt: skip


@pytest.fixture
def xp():
    """The stand-in for CuPy, with kernels."""
    module = kernels_on_host.module()
    cuda.use(module)
    cuda.cupy()  # as any op would
    yield module
    cuda.use(None)
