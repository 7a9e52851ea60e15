"""The tests here run with the strict stand-in in CuPy's place."""

import cupy_on_numpy
import pytest

from course_lib import random
from course_lib.backends import cuda
from course_lib.ops import random_arguments


@pytest.fixture(autouse=True)
def stand_in():
    """Two GPUs made of NumPy memory."""
    cuda.use(cupy_on_numpy.module())
    yield
    cuda.use(None)


@pytest.fixture
def numbers_of_the_cpu(monkeypatch):
    """Tensors on a GPU draw from the CPU's generator, so that they can be compared with tensors on the CPU."""

    def stream_of(generator, place=None):
        return (generator or random.default_generator).stream

    monkeypatch.setattr(random_arguments, "stream_of", stream_of)
