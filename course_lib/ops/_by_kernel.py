"""Elementwise ops and reductions on a GPU by the library's own kernels: one launch, where array operations would be
several.

All give None where there is nothing to launch: on the CPU, where a gradient shall itself be differentiated, for dtypes
that the kernels do not know. The op then computes with array operations.
"""

from __future__ import annotations

from ..autograd.grad_mode import GRAD
from ..backends import GPU
from ..tensor import Tensor, wrap


def activated(name: str, a, constants=(), out=None):
    """The activation `name` of an array, in `out` if it is given."""
    if type(a) is not GPU.array:
        return None
    run = GPU.backend.kernel("activation", a)
    return run and run(name, a, *constants, out=out)


def activation_gradient(name: str, g, x, *constants):
    """`g` times the slope of the activation: of two arrays, or of two tensors where nothing is recorded."""
    return _gradient("activation_backward", name, (g, x), constants)


def combined(name: str, operands, constants=(), out=None):
    """A function of two or three arrays; numbers among them count as constants and stand in `constants`."""
    if type(operands[0]) is not GPU.array or any(type(a) is not GPU.array for a in operands):
        return None
    run = GPU.backend.kernel("combined", *operands)
    return run and run(name, *operands, constants=constants, out=out)


def combined_gradient(name: str, *operands):
    """A function of two or three arrays, or of tensors where nothing is recorded."""
    return _gradient("combined", name, operands, ())


LARGE = 1 << 20  # elements from which on the GPU's work is longer than the call


def in_packs(names, arrays, out=None):
    """What CuPy could compute, one number at a time, in packs of 16 bytes: for large arrays that lie alike.

    `names`: the kernel for an array or for two, and the one for an array and a number.
    """
    first, *others = arrays
    if others and type(others[0]) is not GPU.array:
        number = others[0]
        if number is None or number.dtype != first.dtype:
            return None
        return activated(names[1], first, (number,), out)
    if not others:
        return activated(names[0], first, (), out)
    return combined(names[0], arrays, (), out) if first.shape == others[0].shape else None


def reduced(how: str, a, dims, keepdim: bool = False, constant: float = 1.0, places: bool = False):
    """A reduction of an array over `dims` (None: all); with `places`, the values and their positions."""
    if type(a) is not GPU.array:
        return None
    run = GPU.backend.kernel("reduce", a)
    return run and run(how, a, tuple(range(a.ndim)) if dims is None else dims, keepdim, constant, places)


def compared(name: str, a, b, reduction: str, constant: float = 0.0):
    """A loss of two arrays of one shape."""
    if type(a) is not GPU.array or a.shape != b.shape:
        return None
    run = GPU.backend.kernel("loss", a, b)
    return run and run(name, a, b, reduction, constant)


def loss_gradients(name: str, g, a, b, share: float, needed, constant: float = 0.0):
    """The gradients by both tensors, None for one that is not needed, where nothing is recorded."""
    if GRAD.enabled or type(a._array) is not GPU.array or a._array.shape != b._array.shape:
        return None
    g, a, b = g._array, a._array, b._array
    if g.size > 1 and not g.flags.c_contiguous:
        return None
    run = GPU.backend.kernel("loss_backward", a, b)
    if run is None or g.dtype != a.dtype:
        return None
    by_a = wrap(run(name, g, a, b, share, constant)) if needed[0] else None
    return by_a, wrap(run(name, g, a, b, share, constant, other=True)) if needed[1] else None


def _gradient(kernel: str, name: str, operands, constants):
    if isinstance(operands[0], Tensor):
        if GRAD.enabled:
            return None
        made = _gradient(kernel, name, [t._array for t in operands], constants)
        return None if made is None else wrap(made)
    if type(operands[0]) is not GPU.array:
        return None
    run = GPU.backend.kernel(kernel, *operands)
    return run and run(name, *operands, *constants)
