"""assert_close: are two tensors, numbers, or nested lists and dicts of them equal within a tolerance?

Containers are walked in parallel (`_compare`); at the leaves stand a pair of tensors, of numbers, of bools, or of None.
What does not fit is told with where it is, how large the greatest difference is, and how much was allowed.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .. import dtypes
from ..tensor import Tensor

_PRECISION = {  # (rtol, atol) for each dtype; integers and bools must be equal
    dtypes.float16: (1e-3, 1e-5),
    dtypes.bfloat16: (1.6e-2, 1e-5),
    dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7),
    dtypes.complex64: (1.3e-6, 1e-5),
    dtypes.complex128: (1e-7, 1e-7),
}


@dataclass
class _Wanted:
    """What the caller asked for."""

    rtol: float | None
    atol: float | None
    equal_nan: bool
    allow_subclasses: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool

    def tolerances(self, *kinds: dtypes.dtype) -> tuple[float, float]:
        if self.rtol is not None:
            return self.rtol, self.atol
        found = [_PRECISION.get(kind, (0.0, 0.0)) for kind in kinds]
        return max(r for r, _ in found), max(a for _, a in found)


class _Mismatch(Exception):
    def __init__(self, text: str, kind=AssertionError):
        self.text, self.kind, self.path = text, kind, []


def assert_close(actual, expected, *, allow_subclasses=True, rtol=None, atol=None, equal_nan=False, check_device=True,
                 check_dtype=True, check_layout=True, check_stride=False, msg=None) -> None:  # fmt: skip
    """assert_close(actual, expected, *, rtol=None, atol=None, equal_nan=False, check_dtype=True, msg=None)

    AssertionError unless `|actual - expected| <= atol + rtol * |expected|` everywhere and shape, dtype and device
    are the same. Also for numbers, and for lists and dicts of all these. Without tolerances they follow from the dtype.
    `msg` replaces the message, or makes a new one from it.

    >>> import course_lib as torch
    >>> torch.testing.assert_close(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))

    Source: https://docs.pytorch.org/docs/stable/testing.html
    """
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    wanted = _Wanted(rtol, atol, equal_nan, allow_subclasses, check_device, check_dtype, check_layout, check_stride)
    failure = None
    try:
        _compare(actual, expected, wanted)
    except _Mismatch as found:
        text = found.text
        if found.path:
            text += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in reversed(found.path))}"
        if found.kind is AssertionError and msg is not None:
            text = msg(text) if callable(msg) else msg
        failure = found.kind(text)
    if failure is not None:
        raise failure


def assert_allclose(actual, expected, rtol=None, atol=None, equal_nan=True, msg="") -> None:
    """assert_allclose(actual, expected): the older name; `assert_close` without the checks of dtype and device."""
    from ..ops.from_data import as_tensor

    actual = actual if isinstance(actual, Tensor) else as_tensor(actual)
    expected = expected if isinstance(expected, Tensor) else as_tensor(expected, dtype=actual.dtype)
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=True, check_dtype=False,
                 msg=msg or None)  # fmt: skip


# ---- walking -----------------------------------------------------------------------------------------------------


def _compare(actual, expected, wanted: _Wanted) -> None:
    if _both(actual, expected, Sequence) and not isinstance(actual, str) and not isinstance(expected, str):
        if len(actual) != len(expected):
            raise _Mismatch(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}")
        for position, (a, e) in enumerate(zip(actual, expected, strict=True)):
            _compare_item(position, a, e, wanted)
    elif _both(actual, expected, Mapping):
        missing, additional = expected.keys() - actual.keys(), actual.keys() - expected.keys()
        if missing or additional:
            raise _Mismatch(
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(missing)}\n"
                f"Additional keys in the actual mapping: {sorted(additional)}"
            )
        for key in expected:
            _compare_item(key, actual[key], expected[key], wanted)
    else:
        _compare_leaves(actual, expected, wanted)


def _both(actual, expected, kind) -> bool:
    return isinstance(actual, kind) and isinstance(expected, kind)


def _compare_item(key, actual, expected, wanted: _Wanted) -> None:
    try:
        _compare(actual, expected, wanted)
    except _Mismatch as found:
        found.path.append(key)
        raise


def _compare_leaves(actual, expected, wanted: _Wanted) -> None:
    if actual is None or expected is None:
        if actual is not expected:
            raise _Mismatch(f"None mismatch: {actual} is not {expected}")
    elif _both(actual, expected, (bool, np.bool_)):
        if bool(actual) is not bool(expected):
            raise _Mismatch(f"Booleans mismatch: {bool(actual)} is not {bool(expected)}")
    elif _both(actual, expected, (int, float, complex, np.number)):
        _compare_numbers(actual, expected, wanted)
    elif _comparable_tensors(actual, expected, wanted):
        _compare_tensors(_as_tensor(actual), _as_tensor(expected), wanted)
    else:
        raise _Mismatch(
            f"No comparison pair was able to handle inputs of type {_type(actual)} and {_type(expected)}.", TypeError
        )


def _type(value) -> str:
    return "<class 'torch.Tensor'>" if type(value) is Tensor else repr(type(value))


def _comparable_tensors(actual, expected, wanted: _Wanted) -> bool:
    if not _both(actual, expected, (Tensor, np.ndarray)):
        return False
    if not wanted.allow_subclasses:
        return type(actual) is type(expected)
    return isinstance(actual, type(expected)) or isinstance(expected, type(actual))


def _as_tensor(value) -> Tensor:
    from ..ops.from_data import from_numpy

    return value.detach() if isinstance(value, Tensor) else from_numpy(value)


# ---- numbers -----------------------------------------------------------------------------------------------------


def _compare_numbers(actual, expected, wanted: _Wanted) -> None:
    actual, expected = (v.item() if isinstance(v, np.number) else v for v in (actual, expected))
    if wanted.check_dtype and type(actual) is not type(expected):
        raise _Mismatch(f"The (d)types do not match: {type(actual)} != {type(expected)}.")
    kinds = {int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128}
    rtol, atol = wanted.tolerances(kinds[type(actual)], kinds[type(expected)])
    if not _close(actual, expected, rtol, atol, wanted.equal_nan):
        raise _Mismatch(_scalars_differ(actual, expected, rtol, atol))


def _close(actual, expected, rtol: float, atol: float, equal_nan: bool) -> bool:
    if actual == expected or (equal_nan and cmath.isnan(actual) and cmath.isnan(expected)):
        return True
    distance = abs(actual - expected)
    return math.isfinite(distance) and distance <= atol + rtol * abs(expected)


def _scalars_differ(actual, expected, rtol: float, atol: float) -> str:
    distance = abs(actual - expected)
    relative = distance / abs(expected) if expected else math.inf
    same = not rtol and not atol
    return (
        f"Scalars are not {'equal' if same else 'close'}!\n\nExpected {expected} but got {actual}.\n"
        f"Absolute difference: {distance}{'' if same else f' (up to {atol} allowed)'}\n"
        f"Relative difference: {relative}{'' if same else f' (up to {rtol} allowed)'}"
    )


# ---- tensors -----------------------------------------------------------------------------------------------------


def _compare_tensors(actual: Tensor, expected: Tensor, wanted: _Wanted) -> None:
    for name, check in (("shape", True), ("layout", wanted.check_layout), ("device", wanted.check_device),
                        ("dtype", wanted.check_dtype)):  # fmt: skip
        a, e = getattr(actual, name), getattr(expected, name)
        if check and a != e:
            raise _Mismatch(f"The values for attribute '{name}' do not match: {a} != {e}.")
    if wanted.check_stride and actual.stride() != expected.stride():
        raise _Mismatch(f"The values for attribute 'stride()' do not match: {actual.stride()} != {expected.stride()}.")
    rtol, atol = wanted.tolerances(actual.dtype, expected.dtype)
    actual, expected = _in_one_dtype(actual.cpu(), expected.cpu())
    close = actual.isclose(expected, rtol=rtol, atol=atol, equal_nan=wanted.equal_nan)
    if bool(close.all()):
        return
    if actual.ndim == 0:
        raise _Mismatch(_scalars_differ(actual.item(), expected.item(), rtol, atol))
    raise _Mismatch(_tensors_differ(actual, expected, close, rtol, atol))


def _in_one_dtype(actual: Tensor, expected: Tensor) -> tuple[Tensor, Tensor]:
    dtype = dtypes.promote_types(actual.dtype, expected.dtype)
    dtype = dtypes.int64 if dtype.category < dtypes.FLOAT else dtype
    return actual.to(dtype), expected.to(dtype)


def _tensors_differ(actual: Tensor, expected: Tensor, close: Tensor, rtol: float, atol: float) -> str:
    distance = (actual - expected).abs().masked_fill(close, 0)
    relative = (distance / expected.abs()).masked_fill(close, 0)
    wrong, count = int((~close).sum()), close.numel()
    same = not rtol and not atol
    lines = [f"Tensor-likes are not {'equal' if same else 'close'}!", "",
             f"Mismatched elements: {wrong} / {count} ({wrong / count:.1%})"]  # fmt: skip
    for name, values, allowed in (("absolute", distance, atol), ("relative", relative, rtol)):
        place = int(values.reshape(-1).argmax())
        where = tuple(int(i) for i in np.unravel_index(place, tuple(values.shape)))
        limit = "" if same else f" (up to {allowed} allowed)"
        lines.append(f"Greatest {name} difference: {values.reshape(-1)[place].item()} at index {where}{limit}")
    return "\n".join(lines)
