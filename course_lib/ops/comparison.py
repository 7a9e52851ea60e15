"""Comparisons and logic: the results are bool tensors and carry no gradient."""

from __future__ import annotations

import numpy as np

from ._arguments import only_tensors, require_tensors
from ._numeric import require_kind
from ._op import COMPARE, function, op


def _comparison(name: str, ufunc: str, operator: str | None, sign: str, alias=()):
    ordered = sign[0] in "<>"

    def forward(xp, a, b):
        if ordered and a.dtype.kind == "c":
            require_kind(f"{name}_cpu", a)
        if ufunc.startswith("logical"):
            a, b = _truth(xp, a), _truth(xp, b)
        return getattr(xp, ufunc)(a, b)

    document = f"""{name}(input, other, *, out=None) -> Tensor: bool, True where `input {sign} other`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"forward": forward, "__doc__": document, "__module__": __name__}
    if operator is None:
        members["arguments"] = only_tensors(name)
    return op(inplace=True, dtype=COMPARE, operator=operator, alias=alias)(type(name, (), members))


def _truth(xp, a):
    """What a logical function of an array module takes: CuPy's take no complex numbers."""
    return a if xp is np or a.dtype.kind != "c" else a != 0


eq = _comparison("eq", "equal", "eq", "==")
ne = _comparison("ne", "not_equal", "ne", "!=", "not_equal")
lt = _comparison("lt", "less", "lt", "<", "less")
le = _comparison("le", "less_equal", "le", "<=", "less_equal")
gt = _comparison("gt", "greater", "gt", ">", "greater")
ge = _comparison("ge", "greater_equal", "ge", ">=", "greater_equal")
logical_and = _comparison("logical_and", "logical_and", None, "and")
logical_or = _comparison("logical_or", "logical_or", None, "or")
logical_xor = _comparison("logical_xor", "logical_xor", None, "xor")


def _test(name: str, test, text: str):
    def forward(xp, a):
        return test(xp, a)

    document = f"""{name}(input) -> Tensor: bool, True where the element {text}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    changes = name == "logical_not"
    members = {"forward": forward, "elementwise": True, "__doc__": document, "__module__": __name__}
    return op(inplace=changes)(type(name, (), members))


logical_not = _test("logical_not", lambda xp, a: xp.logical_not(_truth(xp, a)), "is zero or False")
isnan = _test("isnan", lambda xp, a: a != a, "is NaN")
isinf = _test("isinf", lambda xp, a: xp.isinf(a), "is infinite")
isfinite = _test("isfinite", lambda xp, a: xp.isfinite(a), "is neither infinite nor NaN")
isposinf = _test("isposinf", lambda xp, a: a == float("inf"), "is positive infinity")
isneginf = _test("isneginf", lambda xp, a: a == float("-inf"), "is negative infinity")
signbit = _test(
    "signbit",
    lambda xp, a: xp.signbit(a) if a.dtype.kind not in "bu" else xp.zeros(a.shape, bool),
    "has its sign bit set",
)


@function(method=True)
def equal(input, other):
    """equal(input, other) -> bool: whether both have the same shape and the same elements.

    >>> import course_lib as torch
    >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
    True

    Source: https://docs.pytorch.org/docs/stable/generated/torch.equal.html
    """
    require_tensors("equal", input=input, other=other)
    return input.shape == other.shape and bool((input == other).all())


@function(method=True)
def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False) -> Tensor

    True where `|input - other| <= atol + rtol * |other|`, elementwise with broadcasting. RuntimeError for two dtypes.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.isclose.html
    """
    require_tensors("isclose", input=input, other=other)
    if input.dtype is not other.dtype:
        from ..dtypes import legacy_name

        raise RuntimeError(f"{legacy_name(input.dtype)} did not match {legacy_name(other.dtype)}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance:g}")
    close = input == other
    if equal_nan and input.dtype.category >= 2:
        close = close | (isnan(input) & isnan(other))
    if rtol == 0 and atol == 0:
        return close
    if input.dtype.category < 2:
        input, other = input.double(), other.double()
    distance = (input - other).abs()
    return close | (isfinite(distance) & (distance <= atol + (other * rtol).abs()))


@function(method=True)
def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False) -> bool: whether all elements are close.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.allclose.html
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).all())
