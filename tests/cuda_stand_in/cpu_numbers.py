"""Random numbers of the CPU on a GPU: for tests that compare what tensors on both give."""

import pytest

from course_lib import random
from course_lib.ops import random_arguments


@pytest.fixture
def numbers_of_the_cpu(monkeypatch):
    """Tensors on a GPU draw from the CPU's generator, so that they can be compared with tensors on the CPU."""

    def stream_of(generator, place=None):
        return (generator or random.default_generator).stream

    monkeypatch.setattr(random_arguments, "stream_of", stream_of)
