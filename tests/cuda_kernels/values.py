"""What the tests of kernels share, on the processor and on a GPU: arrays, references, and which kernels were launched.

The reference is computed in float64 from the same, rounded inputs, with autograd. The fixtures want a fixture `xp`, the
array module of the GPU; the conftest.py of a folder has it, and imports them.
"""

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest

import course_lib as torch
from course_lib.backends import GPU

CLOSE = {"float64": 1e-12, "float32": 3e-5, "float16": 4e-3, "bfloat16": 3e-2}
HALVES = ["float32", "float16", "bfloat16"]
LENGTHS = [1, 31, 32, 33, 257, 700]


def tensor(array):
    """A device array as a float64 tensor of the CPU that wants a gradient."""
    host = array.get()
    if host.dtype.kind in "iub":
        return torch.tensor(host)
    return torch.tensor(host.astype("f8"), requires_grad=True)


def close(found, expected, dtype=None) -> bool:
    """Whether a device array holds the expected numbers, up to roundings of its dtype."""
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else np.asarray(expected)
    tolerance = CLOSE[dtype or found.dtype.name]
    host = found.get().astype("f8")
    scale = max(1.0, np.abs(expected[np.isfinite(expected)]).max(initial=0))
    return host.shape == expected.shape and np.allclose(host, expected, tolerance, tolerance * scale, equal_nan=True)


def reference(function, *arrays, g=None):
    """What function gives for the arrays in float64, and with g, the gradients by those that have one."""
    operands = [None if a is None else tensor(a) for a in arrays]
    value = function(*operands)
    if g is not None:
        value.backward(tensor(g).detach())
    return SimpleNamespace(value=value, grads=[None if t is None else t.grad for t in operands])


def both(function, *operands):
    """Value and gradients of the function on the CPU and on the GPU, in float32."""
    found = []
    for device in ("cpu", "cuda"):
        mine = [t.detach().to(device).requires_grad_() for t in operands]
        made = function(*mine)
        g = torch.linspace(0, 1, made.numel()).reshape(made.shape)
        made.backward(g.to(device, made.dtype))
        found.append([t.detach().cpu().float().numpy() for t in (made, *[t.grad for t in mine])])
    return found


@pytest.fixture
def make(xp):
    """Random arrays on the device, the same ones every time."""
    random = np.random.default_rng(0)

    def made(*shape, dtype="float32", scale=1.0):
        return xp.asarray((random.standard_normal(shape) * scale).astype(np.dtype(dtype)))

    return made


@pytest.fixture
def launched(xp, monkeypatch):
    """The names of the kernels that are launched, in their order."""
    names = []

    class Noting(dict):
        def get(self, key):
            names.append(key[1])
            return super().get(key)

    monkeypatch.setattr(GPU, "kernels", Noting())
    return names


@contextlib.contextmanager
def nothing_read():
    """Here nothing may be read from the GPU, which would mean to wait for it."""
    watched = ("get", "item", "tolist", "__bool__", "__float__", "__int__", "__index__", "__complex__")
    before = {name: getattr(GPU.array, name) for name in watched if hasattr(GPU.array, name)}

    def refuse(*_, **__):
        raise AssertionError("the host read from the GPU")

    for name in before:
        setattr(GPU.array, name, refuse)
    try:
        yield
    finally:
        for name, method in before.items():
            setattr(GPU.array, name, method)
