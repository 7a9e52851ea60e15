"""Random numbers of the CPU on a GPU: for tests that compare what tensors on both give."""

import importlib

import numpy as np
import pytest

from course_lib import random
from course_lib.backends import cuda
from course_lib.ops import random_arguments

attention = importlib.import_module("course_lib.ops.attention")


class NumbersOfTheHost:
    """The CPU's numbers for tensors of a GPU."""

    def __init__(self, stream):
        self.__dict__["_stream"] = stream

    def __getattr__(self, name: str):
        return getattr(self._stream, name)

    def __setattr__(self, name: str, value) -> None:
        setattr(self._stream, name, value)

    def dropout_kept(self, shape, itemsize: int, p: float) -> np.ndarray:
        return self._stream.bernoulli(shape, np.dtype("f8" if itemsize == 8 else "f4"), 1 - p).astype(bool)


@pytest.fixture
def numbers_of_the_cpu(monkeypatch):
    """Tensors on a GPU draw from the CPU's generator, so that they can be compared with tensors on the CPU.

    Kernels that draw by themselves do not run, attention among them as soon as it drops weights.
    """
    find, attend = cuda.kernel, attention._on_gpu

    def stream_of(generator, place=None):
        stream = (generator or random.default_generator).stream
        return stream if place is None or place.type == "cpu" else NumbersOfTheHost(stream)

    def kernel(name, *arrays):
        found = find(name, *arrays)
        return None if found is not None and found.__module__.endswith(".random") else found

    def attend_without_dropout(query, key, value, mask, p, *settings):
        return None if p > 0 else attend(query, key, value, mask, p, *settings)

    monkeypatch.setattr(random_arguments, "stream_of", stream_of)
    monkeypatch.setattr(cuda, "kernel", kernel)
    monkeypatch.setattr(attention, "_on_gpu", attend_without_dropout)
