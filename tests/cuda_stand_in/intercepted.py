"""Every call of the stand-in's functions and methods goes through `around(name, function, args, named)`.

Calls that these make among themselves do not: CuPy's insides are CuPy's.
"""

from __future__ import annotations

import contextlib
import types

import cupy_on_numpy
import numpy as np

_HOST = {"get", "set", "item", "tolist"}
_PYTHON = {"neg", "pos", "abs", "invert", "getitem", "setitem", "bool", "int", "float", "complex", "index"}
_PLAIN = {"get_default_memory_pool", "RawModule"}
_WAITS = {"get", "item", "tolist", "__bool__", "__int__", "__float__", "__complex__", "__index__", "asnumpy", "nonzero",
          "argwhere", "flatnonzero", "unique", "bincount", "histogram", "array_equal", "allclose"}  # fmt: skip


def waits(name: str, args) -> bool:
    """Whether the host waits for the GPU in this call: it needs numbers, or the size of the result depends on them."""
    return name in _WAITS or (name == "__getitem__" and _has_mask(args[1]))


def _has_mask(index) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, cupy_on_numpy.ndarray) and part.dtype == bool for part in parts)


def uploads(name: str, args) -> bool:
    """Whether this call brings numbers from the host."""
    if name == "set":
        return True
    return name in ("asarray", "array") and not isinstance(args[0], cupy_on_numpy.ndarray)


def arrays_in(values) -> list:
    """The stand-in's arrays among (nested) values."""
    found = []
    for value in values:
        if isinstance(value, cupy_on_numpy.ndarray):
            found.append(value)
        elif isinstance(value, (tuple, list)):
            found += arrays_in(value)
    return found


def new_arrays(made, given) -> list:
    """The arrays that a call made, without views of those that it was given."""
    return [array for array in arrays_in((made,)) if array.base is None and array._host.base is None
            and not any(np.may_share_memory(array._host, other._host) for other in given)]  # fmt: skip


def _methods() -> dict:
    """The methods of the stand-in's arrays that give the GPU work, or wait for it."""
    own, kinds = vars(cupy_on_numpy.ndarray), ("", "r", "i")
    names = {f"__{kind}{name}__" for name in cupy_on_numpy._OPERATORS for kind in kinds}
    names |= {f"__{name}__" for name in (*cupy_on_numpy._COMPARISONS, *_PYTHON)} | _HOST
    names |= set(cupy_on_numpy._NAMES["ndarray"])
    return {name: own[name] for name in names if isinstance(own.get(name), types.FunctionType)}


def _is_function(name: str, value) -> bool:
    return callable(value) and not isinstance(value, type) and name[0] != "_" and name not in _PLAIN


@contextlib.contextmanager
def intercepted(module: types.ModuleType, around):
    """Inside, calls of the module and of its arrays' methods go through `around`."""
    inside = [False]

    def wrapped(name: str, function):
        def call(*args, **named):
            if inside[0]:
                return function(*args, **named)
            inside[0] = True
            try:
                return around(name, function, args, named)
            finally:
                inside[0] = False

        return call

    places = [vars(place) for place in (module, module.special, module.linalg, module.fft)]
    functions = [{name: value for name, value in place.items() if _is_function(name, value)} for place in places]
    methods = _methods()
    for place, inside_it in zip(places, functions, strict=True):
        for name, function in inside_it.items():
            place[name] = made = wrapped(name, function)
            if hasattr(function, "nin"):  # a ufunc
                made.__name__, made.nin, made.nout = function.__name__, function.nin, function.nout
                for method in ("reduce", "accumulate", "at", "outer"):
                    setattr(made, method, wrapped(f"{name}.{method}", getattr(function, method)))
    for name, method in methods.items():
        setattr(cupy_on_numpy.ndarray, name, wrapped(name, method))
    try:
        yield
    finally:
        for place, inside_it in zip(places, functions, strict=True):
            place.update(inside_it)
        for name, method in methods.items():
            setattr(cupy_on_numpy.ndarray, name, method)
