"""Pinned memory, and copies that do not wait."""

import weakref

import numpy as np
import pytest

import course_lib as torch
from course_lib.backends import cuda
from course_lib.utils.data import DataLoader


@pytest.fixture
def copies(monkeypatch):
    """The copies that a stream makes by itself: ("set" or "get", the stream)."""
    found, array = [], cuda.cupy().ndarray
    put, take = array.set, array.get

    def noted_set(self, source, stream=None):
        found.append(("set", stream))
        put(self, source, stream)

    def noted_get(self, stream=None, order="C", out=None, blocking=True):
        found.append(("get", stream)) if not blocking else None
        return take(self, stream, order, out, blocking)

    monkeypatch.setattr(array, "set", noted_set)
    monkeypatch.setattr(array, "get", noted_get)
    return found


def test_what_is_pinned():
    x = torch.arange(6.0).view(2, 3)
    assert not x.is_pinned()
    y = x.t().pin_memory()
    assert y.is_pinned() and y[1:].is_pinned() and y.pin_memory() is y
    assert y.tolist() == x.t().tolist() and y.device == torch.device("cpu")
    assert torch.empty(3, pin_memory=True).is_pinned() and torch.tensor([1, 2], pin_memory=True).is_pinned()
    assert torch.zeros(0, 3).pin_memory().shape == (0, 3)
    assert torch.ones(2, dtype=torch.bfloat16).pin_memory().is_pinned()
    assert not x.cuda().is_pinned()
    with pytest.raises(RuntimeError, match=r"cannot pin 'torch.cuda.FloatTensor' only dense CPU tensors can be pinned"):
        x.cuda().pin_memory()


def test_the_current_stream_copies_what_is_pinned(copies):
    stream = torch.cuda.Stream()
    x = torch.arange(4.0).pin_memory()
    with torch.cuda.stream(stream):
        y = x.to("cuda", non_blocking=True)
        z = y.to("cpu", non_blocking=True)
        x.cuda()
        torch.arange(4.0).cuda(non_blocking=True)  # not pinned
        torch.zeros(4, device="cuda").copy_(x, non_blocking=True)
    stream.synchronize()
    assert z.is_pinned() and z.tolist() == [0, 1, 2, 3] and y.is_cuda
    assert copies == [("set", stream._stream), ("get", stream._stream), ("set", stream._stream)]


def test_memory_that_is_copied_is_kept(monkeypatch):
    """CuPy would give it to the next array while the GPU still reads it."""
    monkeypatch.setattr(cuda.cupy().cuda.Event, "done", False)
    x = torch.arange(4.0).pin_memory()
    memory = weakref.ref(x._array)
    y = x.to("cuda", non_blocking=True)
    del x
    assert memory() is not None
    monkeypatch.setattr(cuda.cupy().cuda.Event, "done", True)
    y.to("cpu", non_blocking=True)
    assert memory() is None


def test_memory_that_another_stream_uses_is_kept(monkeypatch):
    side, x = torch.cuda.Stream(), torch.ones(3, device="cuda")
    with torch.cuda.stream(side):
        (x * 2).sum()
    x.record_stream(side)
    memory, streams = weakref.ref(x._array), []
    record = cuda.cupy().cuda.Event.record
    monkeypatch.setattr(cuda.cupy().cuda.Event, "done", False)
    monkeypatch.setattr(cuda.cupy().cuda.Event, "record",
                        lambda self, stream=None: (streams.append(stream), record(self, stream)))  # fmt: skip
    del x
    assert memory() is not None and streams == [side._stream]
    monkeypatch.setattr(cuda.cupy().cuda.Event, "done", True)
    torch.ones(1).pin_memory().to("cuda", non_blocking=True)
    assert memory() is None


def test_data_loader():
    rows = [(torch.tensor([1.0 * i]), {"number": i, "name": "a"}) for i in range(4)]
    for numbers, rest in DataLoader(rows, batch_size=2, pin_memory=True):
        assert numbers.is_pinned() and rest["number"].is_pinned() and rest["name"] == ["a", "a"]
    for (numbers,) in DataLoader(torch.utils.data.TensorDataset(torch.arange(4)), batch_size=2):
        assert not numbers.is_pinned()


def test_gradients_pass_through_copies_that_do_not_wait():
    x = torch.ones(3).pin_memory().requires_grad_()
    (x.to("cuda", non_blocking=True) * 2).sum().backward()
    assert np.array_equal(x.grad.numpy(), [2, 2, 2])
