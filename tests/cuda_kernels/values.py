"""What the tests of kernels' values share: the reference is computed in float64 from the same, rounded inputs, with
autograd."""

from types import SimpleNamespace

import numpy as np

import course_lib as torch

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
