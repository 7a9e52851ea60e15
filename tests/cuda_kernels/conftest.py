"""The kernels run on the processor, with the strict stand-in for arrays."""

import kernels_on_host
import pytest

from course_lib.backends import cuda


@pytest.fixture
def xp():
    """The stand-in for CuPy, with kernels."""
    module = kernels_on_host.module()
    cuda.use(module)
    yield module
    cuda.use(None)
