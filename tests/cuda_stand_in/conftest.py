"""The tests here run with the strict stand-in in CuPy's place."""

import cupy_on_numpy
import pytest
from cpu_numbers import numbers_of_the_cpu  # noqa: F401  a fixture

from course_lib.backends import cuda


@pytest.fixture(autouse=True)
def stand_in():
    """Two GPUs made of NumPy memory."""
    cuda.use(cupy_on_numpy.module())
    yield
    cuda.use(None)
