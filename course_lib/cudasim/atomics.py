"""`cuda.atomic`: read, change and write an element as one step that no other thread can interrupt.

Each function returns the old value. The simulator takes the lanes in order, so results are the same in every run; on a
GPU the order differs from run to run, and with it the rounding of sums of floats.
"""

from __future__ import annotations

import numpy as np

from .device_functions import Intrinsic
from .memory import CONSTANT, LOCAL, KernelArray


def _one_by_one(step):
    """Apply `step(old, *values) -> new` to one lane after the other."""

    def change(flat, at, values):
        old = np.empty(len(at), dtype=flat.dtype)
        for position, element in enumerate(at):
            held = old[position] = flat[element]
            flat[element] = step(held, *[value[position] for value in values])
        return old

    return change


def _by_ufunc(ufunc, step):
    """As `_one_by_one`, all lanes at once where nobody meets or nobody asks for the old values."""
    slow = _one_by_one(step)

    def change(flat, at, values, unused: bool):
        if len(np.unique(at)) == len(at):
            old = flat[at]
            flat[at] = ufunc(old, values[0])
            return old
        if unused:
            ufunc.at(flat, at, values[0])
            return np.zeros(len(at), dtype=flat.dtype)
        return slow(flat, at, values)

    return change


def _only_slow(step):
    slow = _one_by_one(step)
    return lambda flat, at, values, unused: slow(flat, at, values)


_CHANGES = {
    "add": (1, _by_ufunc(np.add, lambda old, v: old + v)),
    "sub": (1, _by_ufunc(np.subtract, lambda old, v: old - v)),
    "max": (1, _by_ufunc(np.maximum, max)),
    "min": (1, _by_ufunc(np.minimum, min)),
    "nanmax": (1, _by_ufunc(np.fmax, lambda old, v: np.fmax(old, v))),
    "nanmin": (1, _by_ufunc(np.fmin, lambda old, v: np.fmin(old, v))),
    "and_": (1, _by_ufunc(np.bitwise_and, lambda old, v: old & v)),
    "or_": (1, _by_ufunc(np.bitwise_or, lambda old, v: old | v)),
    "xor": (1, _by_ufunc(np.bitwise_xor, lambda old, v: old ^ v)),
    "exch": (1, _only_slow(lambda old, v: v)),
    "inc": (1, _only_slow(lambda old, v: 0 if old >= v else old + 1)),
    "dec": (1, _only_slow(lambda old, v: v if old == 0 or old > v else old - 1)),
    "cas": (2, _only_slow(lambda old, wanted, v: v if old == wanted else old)),
}
_MEANING = {
    "add": "`array[index] += value`", "sub": "`array[index] -= value`", "max": "the larger of both",
    "min": "the smaller of both", "nanmax": "the larger of both, NaN counts as missing",
    "nanmin": "the smaller of both, NaN counts as missing", "and_": "`array[index] &= value`",
    "or_": "`array[index] |= value`", "xor": "`array[index] ^= value`", "exch": "`array[index] = value`",
    "inc": "one more, 0 behind `value`", "dec": "one less, `value` below 0",
    "cas": "`value` if the old one equals `old`",
}  # fmt: skip


def _atomic(name: str):
    operands, change = _CHANGES[name]

    def simulate(run, node, args, named):
        array, index, *values = run.calling(f"cuda.atomic.{name}", _signature(operands), args, named)
        if not isinstance(array, KernelArray) or array.space in (LOCAL, CONSTANT):
            raise run.type_error(f"cuda.atomic.{name} needs an array in global or shared memory")
        index = index if isinstance(index, tuple) else (index,)
        numbers = [run.number(value) for value in values]
        if name in ("and_", "or_", "xor") and array.dtype.kind == "f":
            raise run.type_error(f"cuda.atomic.{name} needs an array of integers, not of {array.dtype.name}")
        unused = run.statement_only is node

        def apply(flat, at, lanes):
            mine = [np.broadcast_to(v, run.lanes.count)[lanes].astype(array.dtype) for v in numbers]
            return change(flat, at, mine, unused)

        return array.update(run, index, run.active, apply)

    return Intrinsic(f"atomic.{name}", simulate, f"Atomically: {_MEANING[name]}; returns the old value.")


def _signature(operands: int):
    if operands == 2:
        return lambda run, array, index, old, value: (array, index, old, value)
    return lambda run, array, index, value: (array, index, value)


class _Atomic:
    """`cuda.atomic`."""

    def __init__(self):
        for name in _CHANGES:
            setattr(self, name, _atomic(name))

    def __repr__(self) -> str:
        return "<cuda.atomic>"


atomic = _Atomic()
