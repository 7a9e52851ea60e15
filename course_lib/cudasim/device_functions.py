"""What a kernel may call: math functions, casts, a few of Python's builtins, and the functions of `cuda` itself.

`Intrinsic` is a function of `cuda` that means something inside a kernel only (intrinsics.py and atomics.py make them),
`PerThread` a name that is a number of its own in each thread.
"""

from __future__ import annotations

import ast
import math

import numpy as np

from .errors import KernelError
from .memory import KernelArray


class Intrinsic:
    """A function such as `cuda.syncthreads`: `simulate(run, node, args, named)` does its work for all lanes."""

    def __init__(self, name: str, simulate, documentation: str | None):
        self.__name__, self.simulate, self.__doc__ = name, simulate, documentation

    def __call__(self, *args, **named):
        raise KernelError(f"cuda.{self.__name__} can be called only inside a kernel")

    def __repr__(self) -> str:
        return f"<function cuda.{self.__name__}>"


class PerThread:
    """A name of `cuda` that is a number of its own for each thread."""

    def __init__(self, name: str, get):
        self._name, self.value_in_kernel = name, get

    def __repr__(self) -> str:
        return f"<cuda.{self._name}>"


class DeviceFunction:
    """A function declared with @cuda.jit(device=True): kernels may call it."""

    def __init__(self, source):
        self.source = source
        self.__name__, self.__doc__ = source.name, source.function.__doc__

    def __call__(self, *args, **named):
        """Outside a kernel it is an ordinary Python function, which is handy for tests."""
        return self.source.function(*args, **named)


def _erf(x):
    from scipy.special import erf

    return erf(x)


def _erfc(x):
    from scipy.special import erfc

    return erfc(x)


def _gamma(x):
    from scipy.special import gamma

    return gamma(x)


def _lgamma(x):
    from scipy.special import gammaln

    return gammaln(x)


def _whole(rounding):
    return lambda x: rounding(x).astype(np.int64)[()]


_SAME = ("sqrt", "exp", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh", "fabs",
         "hypot", "copysign", "fmod", "isnan", "isinf", "isfinite", "degrees", "radians", "ldexp")  # fmt: skip
FUNCTIONS = {
    **{getattr(math, name): getattr(np, name) for name in _SAME},
    math.asin: np.arcsin, math.acos: np.arccos, math.atan: np.arctan, math.atan2: np.arctan2,
    math.asinh: np.arcsinh, math.acosh: np.arccosh, math.atanh: np.arctanh, math.pow: np.power,
    math.floor: _whole(np.floor), math.ceil: _whole(np.ceil), math.trunc: _whole(np.trunc),
    math.erf: _erf, math.erfc: _erfc, math.gamma: _gamma, math.lgamma: _lgamma,
}  # fmt: skip

CASTS = {int: np.int64, float: np.float64, bool: np.bool_,
         **{kind: kind for kind in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
                                    np.float16, np.float32, np.float64, np.bool_)}}  # fmt: skip


def _extreme(choose):
    def apply(run, first, *others):
        first, *others = first if isinstance(first, tuple) and first and not others else (first, *others)
        made = run.number(first)
        for value in others:
            made = choose(made, run.number(value))
            run.counts.instruction(run, run.active, made)
        return made

    return apply


def _absolute(run, value):
    value = run.number(value)
    return np.abs(value.astype(np.int64) if value.dtype.kind in "bi" else value)


def _length(run, value):
    if isinstance(value, tuple):
        return np.int64(len(value))
    if not isinstance(value, KernelArray):
        raise run.type_error("len() needs an array or a tuple")
    return np.int64(value.shape[0])


def _round(run, value, digits=None):
    value = run.number(value)
    if digits is None:
        return np.rint(value).astype(np.int64)[()]
    if not isinstance(digits, np.integer):
        raise run.type_error("round() needs the number of digits as an integer, the same for all threads")
    return np.round(value, int(digits))


def _print(run, *values):
    """Print once for each active thread, in order of the threads."""
    if any(isinstance(value, KernelArray) for value in values):
        raise run.type_error("print() shows numbers and strings, not whole arrays")

    def of(value, lane: int):
        if isinstance(value, tuple):
            return tuple([of(part, lane) for part in value])
        value = value[lane] if isinstance(value, np.ndarray) else value
        return value.item() if isinstance(value, np.generic) else value

    for lane in run.lanes_of(run.active):
        print(*[of(value, lane) for value in values])


def _range(run, *_):
    raise run.type_error("`range` can be used only in `for … in range(…)`")


BUILTINS = {min: _extreme(np.minimum), max: _extreme(np.maximum), abs: _absolute,
            len: _length, round: _round, print: _print, range: _range,
            pow: lambda run, base, exponent: run.operate(ast.Pow(), base, exponent)}  # fmt: skip
