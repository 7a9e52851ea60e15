"""The elementwise functions and reductions of the stand-in: CuPy's loops, NumPy's numbers.

What CuPy computes otherwise than NumPy is computed so here: half precision adds up in float32, an integer divided by
zero is zero, limits that are NaN do not count in `clip`, a result lies in memory in C's order, and `ufunc.at` takes
the dtypes of CUDA's atomic operations only.
"""

from __future__ import annotations

import math

import cupy_loops
import numpy as np
from cupy_on_numpy import _MEMORY, _NAMES, OutOfMemoryError, _device, _device_of, _index, _plain, _wrap, ndarray

# What 14.2 says: "cupy.add.at only supports …"
_ATOMIC = {
    "add": ("int32", "int64", "float16", "float32", "float64", "uint32", "uint64"),
    "subtract": ("int32", "uint32"),
    "maximum": ("int32", "int64", "float32", "float64", "uint32", "uint64"),
    "minimum": ("int32", "int64", "float32", "float64", "uint32", "uint64"),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), ("int32", "int64", "uint32", "uint64")),
}


def _host(value, dtype, device_id: int):
    """An operand on the host in the dtype of a loop; Python's numbers must fit into it."""
    plain = _plain(value, device_id)
    return plain.astype(dtype, copy=False) if isinstance(plain, np.ndarray) else np.array(plain, dtype)


def _given(out, made: np.ndarray, casting: str = "same_kind"):
    """`out` with a result written into it."""
    cupy_loops.check_cast(made.dtype, out.dtype, casting)
    if made.shape != out.shape and np.broadcast_shapes(made.shape, out.shape) != out.shape:
        raise ValueError(f"Out shape is mismatched: {made.shape} and {out.shape}")
    out._host[...] = made
    return out


def _check_memory(shape, itemsize: int) -> None:
    """The host would try to find room for a result that no GPU has room for."""
    size = math.prod(shape) * itemsize
    if size > _MEMORY:
        raise OutOfMemoryError(f"Out of memory allocating {size:,} bytes (allocated so far: 0 bytes).")


class ufunc:
    """An elementwise function; it can do on the device what CuPy's can."""

    def __init__(self, name: str, function, table: str | None = None):
        self.__name__, self._compute = name, _COMPUTED.get(name, function)
        self._numpy, self._table = function, table or _NAMES["loops"][name]
        self._by_result = _NAMES["loops_by_result"].get(name, self._table)
        first = cupy_loops.loops(self._table)[0]
        self.nin, self.nout = len(first.takes), len(first.gives)

    def __call__(self, *args, **named):
        unknown = named.keys() - {"out", "dtype", "casting"}
        if unknown:
            raise TypeError(f"cupy.{self.__name__}() got an unexpected argument {sorted(unknown)[0]!r}")
        if not self.nin <= len(args) <= self.nin + self.nout:
            raise TypeError(f"Wrong number of arguments for 'cupy_{self.__name__}'")
        operands, outs = args[: self.nin], args[self.nin :] or named.get("out")
        outs = outs if isinstance(outs, tuple) else (outs,) * self.nout
        if any(out is not None and not isinstance(out, ndarray) for out in outs):
            raise TypeError(f"cupy.{self.__name__}() writes into arrays of the device only")
        if named.get("dtype") is None:
            exact = self.__name__ in _NAMES["exact_integers"]
            loop = cupy_loops.chosen(self.__name__, self._table, operands, exact_integers=exact)
        else:
            loop = cupy_loops.chosen_by_result(self.__name__, self._by_result, np.dtype(named["dtype"]))
        device_id = _device_of((*operands, *outs))
        device_id = _device[-1] if device_id is None else device_id
        hosts = [_host(value, dtype, device_id) for value, dtype in zip(operands, loop.takes, strict=True)]
        _check_memory(np.broadcast_shapes(*[host.shape for host in hosts]), loop.gives[0].itemsize)
        with np.errstate(all="ignore"):
            made = self._compute(*hosts)
            made = [np.array(part, dtype, order="C") for part, dtype in
                    zip(made if self.nout > 1 else (made,), loop.gives, strict=True)]  # fmt: skip
        found = [_wrap(part, device_id) if out is None else _given(out, part, named.get("casting", "same_kind"))
                 for part, out in zip(made, outs, strict=True)]  # fmt: skip
        return tuple(found) if self.nout > 1 else found[0]

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        if self.__name__ not in ("add", "multiply"):
            raise NotImplementedError(f"`cupy_{self.__name__}.reduce` is not supported yet")
        return getattr(array, "sum" if self.__name__ == "add" else "prod")(axis, dtype, out, keepdims)

    def accumulate(self, array, axis=0, dtype=None, out=None):
        if self.__name__ not in ("add", "multiply"):
            raise NotImplementedError(f"`cupy_{self.__name__}.accumulate` is not supported yet")
        return getattr(array, "cumsum" if self.__name__ == "add" else "cumprod")(axis, dtype, out)

    def at(self, a, indices, b=None) -> None:
        if self.__name__ not in _NAMES["scatter"]:
            raise NotImplementedError(f"`cupy_{self.__name__}.at` is not supported yet")
        if a.dtype.name not in _ATOMIC[self.__name__]:
            raise TypeError(f"cupy.{self.__name__}.at only supports {_ATOMIC[self.__name__]} as data type")
        values = _plain(b, a._device_id)
        values = values.astype(a.dtype) if isinstance(values, np.ndarray) else np.array(values, a.dtype)
        with np.errstate(all="ignore"):
            self._numpy.at(a._host, _index(indices, a._device_id, a.shape), values)

    def outer(self, A, B, **named):
        return self(A.reshape(A.shape + (1,) * B.ndim), B.reshape((1,) * A.ndim + B.shape), **named)


def _power(a, b):
    """A whole number to a negative power is 0, except for 1 and -1."""
    if a.dtype.kind not in "iu":
        return np.power(a, b)
    sign = np.where(b % 2 == 0, 1, a)
    return np.where(b < 0, np.where(np.abs(a) == 1, sign, 0), np.power(a, np.maximum(b, 0)))


def _clip(a, low, high):
    inside = np.where(a < low, low, np.where(a > high, high, a))
    return np.where(low > high, high, inside)


_COMPUTED = {"power": _power, "clip": _clip}


# ---- functions with loops that NumPy calls by other rules ----------------------------------------------------------


def _where(condition, x=None, y=None):
    if x is None and y is None:
        return condition.nonzero()
    if x is None or y is None:
        raise ValueError("Must provide both 'x' and 'y' or neither.")
    return _WHERE(condition.astype("?", copy=False), x, y)


def _clipped(a, a_min=None, a_max=None, out=None):
    """A missing limit becomes the least or greatest number, where a holds floats or integers of NumPy."""
    if a.dtype.kind == "f":
        least, most = a.dtype.type("-inf"), a.dtype.type("inf")
    elif a.dtype.kind in "iu":
        least, most = np.iinfo(a.dtype).min, np.iinfo(a.dtype).max
    else:
        least = most = None
    return _CLIP(a, least if a_min is None else a_min, most if a_max is None else a_max, out=out)


def _rounded(a, decimals=0, out=None):
    return _ROUND(a, decimals, out=out)


def _angle(z, deg=False):
    return _ANGLE(z) * (180 / np.pi if deg else 1)


def _triangle(name: str):
    def part(m, k=0):
        mask = np.tri(*m.shape[-2:], k=k if name == "tril" else k - 1, dtype=bool)
        mask, zero = _wrap(mask, m._device_id), m.dtype.type(0)
        return _WHERE(mask, m, zero) if name == "tril" else _WHERE(mask, zero, m)

    return part


def functions() -> dict:
    """Functions of the module that are not CuPy's ufuncs, but choose loops as they do."""
    made = {"where": _where, "clip": _clipped, "round": _rounded, "around": _rounded, "angle": _angle,
            "tril": _triangle("tril"), "triu": _triangle("triu")}  # fmt: skip
    return made | {name: _reduction(name, of_function=True) for name in _REDUCTIONS}


def methods() -> dict:
    """The methods of arrays among them."""
    made = {name: _reduction(name, of_function=False) for name in _REDUCTIONS
            if name not in ("amax", "amin", "count_nonzero")}  # fmt: skip
    return made | {"clip": _clipped, "round": _rounded}


# ---- reductions ----------------------------------------------------------------------------------------------------

# Function: (NumPy's, CuPy's kernel, CuPy's kernel where dtype= is given, parameters of the function, of the method).
_USUAL, _PLAIN = ("axis", "dtype", "out", "keepdims"), ("axis", "out", "keepdims")
_REDUCTIONS = {
    "sum": (np.sum, "cupy_sum", "cupy_sum_with_dtype", _USUAL, _USUAL),
    "prod": (np.prod, "cupy_prod", "cupy_prod_with_dtype", _USUAL, _USUAL),
    "mean": (np.mean, "cupy_mean", "cupy_mean", _USUAL, _USUAL),
    "max": (np.max, "cupy_max", "cupy_max", _PLAIN, _PLAIN),
    "min": (np.min, "cupy_min", "cupy_min", _PLAIN, _PLAIN),
    "amax": (np.max, "cupy_max", "cupy_max", _PLAIN, _PLAIN),
    "amin": (np.min, "cupy_min", "cupy_min", _PLAIN, _PLAIN),
    "argmax": (np.argmax, "cupy_argmax", "cupy_argmax", _USUAL, ("axis", "out", "dtype", "keepdims")),
    "argmin": (np.argmin, "cupy_argmin", "cupy_argmin", _USUAL, ("axis", "out", "dtype", "keepdims")),
    "all": (np.all, "cupy_all", "cupy_all", _PLAIN, _PLAIN),
    "any": (np.any, "cupy_any", "cupy_any", _PLAIN, _PLAIN),
    "count_nonzero": (np.count_nonzero, "cupy_count_nonzero", "cupy_count_nonzero", ("axis",), ()),
}
_ADDED_UP = ("sum", "prod", "mean")


def _reduction(name: str, of_function: bool):
    compute, kernel, kernel_with_dtype, of_module, of_array = _REDUCTIONS[name]
    parameters = of_module if of_function else of_array

    def reduced(a, *args, **named):
        if len(args) > len(parameters) or not named.keys() <= set(parameters):
            raise TypeError(f"cupy.{name}() takes {parameters}")
        settings = dict(zip(parameters, args, strict=False)) | named
        out, dtype = settings.pop("out", None), settings.pop("dtype", None)
        if not isinstance(a, ndarray):
            raise TypeError(f"cupy.{name}() wants an array of the device")
        if dtype is None:
            loop = cupy_loops.chosen(name, _NAMES["reductions"][kernel], (a,))
        else:
            loop = cupy_loops.chosen_by_result(name, _NAMES["reductions"][kernel_with_dtype], np.dtype(dtype))
        half = loop.gives[0].itemsize == 2 and loop.gives[0].kind not in "iu"
        within = np.dtype("f4") if half and name in _ADDED_UP else loop.takes[0]
        with np.errstate(all="ignore"):
            of_sums = {"dtype": np.dtype("f4") if half else loop.gives[0]} if name in _ADDED_UP else {}
            made = compute(a._host.astype(within, copy=False), **settings, **of_sums)
        made = np.array(made, loop.gives[0], order="C")
        return _wrap(made, a._device_id) if out is None else _given(out, made)

    reduced.__name__ = name
    return reduced


_WHERE, _CLIP = ufunc("where", np.where), ufunc("clip", np.clip)
_ROUND, _ANGLE = ufunc("round", np.round), ufunc("angle", np.angle)
