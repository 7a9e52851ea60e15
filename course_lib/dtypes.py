"""Data types and PyTorch's promotion rules.

A `torch.dtype` names one element type and knows the NumPy dtype that stores it. Every op that mixes dtypes asks
`result_type` here, never NumPy: PyTorch sorts types into bool < int < float < complex, and a Python number or a
0-dim tensor changes the result only when it belongs to a higher category than every dimensioned tensor.

`bool`, `int` and `float` are dtypes in this module; Python's own types are called `builtins.bool` and so on.
"""

from __future__ import annotations

import builtins

import numpy as np

BOOL, INT, FLOAT, COMPLEX = range(4)
_CATEGORY_OF_KIND = {"b": BOOL, "u": INT, "i": INT, "f": FLOAT, "c": COMPLEX, "V": FLOAT}  # "V": bfloat16


class dtype:
    """The type of a tensor's elements, such as `torch.float32`.

    Attributes: `itemsize` (bytes an element), `is_floating_point`, `is_complex`, `is_signed`.

    >>> import course_lib as torch
    >>> torch.float32, torch.float32.itemsize
    (torch.float32, 4)

    Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html
    """

    __slots__ = ("_name", "_numpy", "category", "itemsize", "is_signed", "__weakref__")

    def __init__(self, name: str, category: int, itemsize: int, is_signed: bool = True):
        self._name = name
        self._numpy = None if name == "bfloat16" or name.startswith("float8") else np.dtype(name)
        self.category = category
        self.itemsize = itemsize
        self.is_signed = is_signed

    @property
    def numpy(self) -> np.dtype:
        """The NumPy dtype that stores this type (those NumPy lacks come from ml_dtypes, imported when needed)."""
        if self._numpy is None:
            import ml_dtypes

            self._numpy = np.dtype(getattr(ml_dtypes, self._name))
            _FROM_NUMPY[self._numpy] = self
        return self._numpy

    @property
    def is_floating_point(self) -> bool:
        return self.category == FLOAT

    @property
    def is_complex(self) -> bool:
        return self.category == COMPLEX

    def to_real(self) -> dtype:
        return _REAL_OF.get(self, self)

    def to_complex(self) -> dtype:
        return _COMPLEX_OF.get(self, self)

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self):
        return self._name  # pickled by its name in this module


bool = dtype("bool", BOOL, 1, is_signed=False)
uint8 = dtype("uint8", INT, 1, is_signed=False)
uint16 = dtype("uint16", INT, 2, is_signed=False)
uint32 = dtype("uint32", INT, 4, is_signed=False)
uint64 = dtype("uint64", INT, 8, is_signed=False)
int8 = dtype("int8", INT, 1)
int16 = short = dtype("int16", INT, 2)
int32 = int = dtype("int32", INT, 4)
int64 = long = dtype("int64", INT, 8)
float16 = half = dtype("float16", FLOAT, 2)
bfloat16 = dtype("bfloat16", FLOAT, 2)
float32 = float = dtype("float32", FLOAT, 4)
float64 = double = dtype("float64", FLOAT, 8)
float8_e4m3fn, float8_e5m2, float8_e4m3fnuz, float8_e5m2fnuz = FLOAT8 = tuple(
    [dtype(f"float8_{name}", FLOAT, 1) for name in ("e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz")]
)  # for storage: they are converted to be computed with
float8_e8m0fnu = dtype("float8_e8m0fnu", FLOAT, 1, is_signed=False)
FLOAT8 += (float8_e8m0fnu,)
complex64 = cfloat = dtype("complex64", COMPLEX, 8)
complex128 = cdouble = dtype("complex128", COMPLEX, 16)

ALL = (bool, uint8, uint16, uint32, uint64, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64,
       complex128)  # fmt: skip
NAMES = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "short", "int32", "int", "int64", "long",
         "float16", "half", "bfloat16", "float32", "float", "float64", "double", "complex64", "cfloat", "complex128",
         "cdouble", *[d._name for d in FLOAT8])  # fmt: skip
_FOREIGN = {d._name: d for d in (bfloat16, *FLOAT8)}  # dtypes of ml_dtypes, by their names

_FROM_NUMPY = {d._numpy: d for d in ALL if d is not bfloat16}
_COMPLEX_OF = {float16: complex64, bfloat16: complex64, float32: complex64, float64: complex128}
_REAL_OF = {complex64: float32, complex128: float64}
_LEGACY_NAME = {bool: "Bool", uint8: "Byte", uint16: "UInt16", uint32: "UInt32", uint64: "UInt64", int8: "Char",
                int16: "Short", int32: "Int", int64: "Long", float16: "Half", bfloat16: "BFloat16", float32: "Float",
                float64: "Double", complex64: "ComplexFloat", complex128: "ComplexDouble",
                **{d: d._name.capitalize() for d in FLOAT8}}  # fmt: skip


_FLOAT32 = float32.numpy


def from_numpy(array_dtype: np.dtype) -> dtype:
    """The dtype of an array that NumPy calls `array_dtype`; TypeError for one that no tensor can hold."""
    if array_dtype is _FLOAT32:  # by far the most frequent one: hashing a NumPy dtype costs more than this
        return float32
    found = _FROM_NUMPY.get(array_dtype)
    if found is None:
        found = _FOREIGN.get(array_dtype.name) or _FROM_NUMPY.get(array_dtype.newbyteorder("="))
        if not array_dtype.isnative:
            raise ValueError(
                "given numpy array has byte order different from the native byte order. Conversion between byte "
                "orders is currently not supported."
            )
        if found is None:
            raise TypeError(
                f"can't convert np.ndarray of type {array_dtype.type.__module__}.{array_dtype.type.__name__}. The only "
                "supported types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, "
                "uint64, uint32, uint16, uint8, and bool."
            )
        _FROM_NUMPY[array_dtype] = found
    return found


def legacy_name(of: dtype) -> str:
    """The name that older error texts use: `Float` for float32, `Long` for int64."""
    return _LEGACY_NAME[of]


def c_name(of: dtype) -> str:
    """The name that error texts of the C++ side use: `float` for float32, `long int` for int64."""
    names = {float16: "c10::Half", bfloat16: "c10::BFloat16", int64: "long int", uint8: "unsigned char",
             int8: "signed char", int16: "short int", uint16: "short unsigned int", uint32: "unsigned int",
             uint64: "long unsigned int", complex64: "c10::complex<float>", complex128: "c10::complex<double>",
             **{d: f"c10::{d._name.capitalize()}" for d in FLOAT8}}  # fmt: skip
    return names.get(of, _LEGACY_NAME[of].lower())


# ---- the default dtype -------------------------------------------------------------------------------------------

_default = float32


def get_default_dtype() -> dtype:
    """The dtype that Python floats become: float32 unless `set_default_dtype` changed it."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Make `d` (a floating dtype) the one that Python floats become.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.set_default_dtype.html
    """
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}")
    _default = d


# ---- promotion ---------------------------------------------------------------------------------------------------

_INT_RANK = {int8: 1, uint8: 1, int16: 2, uint16: 2, int32: 3, uint32: 3, int64: 4, uint64: 4}
_promoted: dict[tuple[dtype, dtype], dtype] = {}


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest dtype that both can be converted to without leaving the higher one's category.

    >>> import course_lib as torch
    >>> torch.promote_types(torch.int64, torch.float16)
    torch.float16

    Source: https://docs.pytorch.org/docs/stable/generated/torch.promote_types.html
    """
    if type1 is type2:
        return type1
    key = (type1, type2)
    found = _promoted.get(key)
    if found is None:
        found = _promoted[key] = _promote(type1, type2)
    return found


def _promote(a: dtype, b: dtype) -> dtype:
    if a in FLOAT8 or b in FLOAT8:
        names = f"{legacy_name(a)} and {legacy_name(b)}"
        raise RuntimeError(f"Promotion for Float8 Types is not supported, attempted to promote {names}")
    if a.category < b.category:
        a, b = b, a
    if a.category == COMPLEX and b.category == FLOAT:
        b = b.to_complex()
    elif a.category != b.category:
        return a
    if a.category == INT:
        return _promote_integers(a, b)
    if {a, b} == {float16, bfloat16}:
        return float32
    return a if a.itemsize >= b.itemsize else b


def _promote_integers(a: dtype, b: dtype) -> dtype:
    if a.is_signed == b.is_signed:
        return a if _INT_RANK[a] >= _INT_RANK[b] else b
    signed, unsigned = (a, b) if a.is_signed else (b, a)
    if unsigned is not uint8:
        raise RuntimeError(
            f"Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
            f"{legacy_name(a)} and {legacy_name(b)}"
        )
    return int16 if signed is int8 else signed


def of_number(value) -> dtype:
    """The dtype that a Python number stands for when it meets no tensor."""
    kind = category_of_number(value)
    return (bool, int64, _default, _default.to_complex())[kind]


def category_of_number(value) -> int:
    kind = _NUMBER_CATEGORY.get(type(value))
    if kind is None:
        kind = _CATEGORY_OF_KIND[np.asarray(value).dtype.kind]
    return kind


_NUMBER_CATEGORY = {
    np.bool_: BOOL,
    builtins.bool: BOOL,
    builtins.int: INT,
    builtins.float: FLOAT,
    complex: COMPLEX,
}


def combine(dimensioned: dtype | None, zero_dim: dtype | None, number: dtype | None) -> dtype:
    """Promote across the three priority groups: tensors with dimensions, 0-dim tensors, Python numbers."""
    return _combine(_combine(dimensioned, zero_dim), number)


def _combine(higher: dtype | None, lower: dtype | None) -> dtype | None:
    if higher is None or lower is None:
        return lower if higher is None else higher
    if higher.category >= lower.category:
        return higher
    if higher.category == FLOAT:  # float with a complex of lower priority: keep the float's width
        return higher.to_complex()
    return promote_types(higher, lower)


def can_cast(from_: dtype, to: dtype) -> builtins.bool:
    """Whether a result of dtype `from_` may be stored into `to`: never down in bool < int < float < complex.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.can_cast.html
    """
    return from_.category <= to.category and not (to is bool and from_ is not bool)


# ---- limits ------------------------------------------------------------------------------------------------------


class finfo:
    """The limits of a floating dtype: `eps`, `max`, `min`, `tiny`, `smallest_normal`, `resolution`, `bits`, `dtype`.

    >>> import course_lib as torch
    >>> torch.finfo(torch.float16).max
    65504.0

    Source: https://docs.pytorch.org/docs/stable/type_info.html
    """

    def __init__(self, type: dtype | None = None):
        type = _default if type is None else type
        if not isinstance(type, dtype) or type.category < FLOAT:
            raise TypeError(
                f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{type!r}'"
            )
        real = type.to_real()
        if real._name in _FOREIGN:
            import ml_dtypes

            limits = ml_dtypes.finfo(real.numpy)
        else:
            limits = np.finfo(real.numpy)
        as_float = builtins.float
        self.bits = real.itemsize * 8
        self.eps, self.max, self.min = as_float(limits.eps), as_float(limits.max), as_float(limits.min)
        self.tiny = self.smallest_normal = as_float(limits.smallest_normal)
        self.resolution = 1.0 if real in FLOAT8 else as_float(f"1e-{limits.precision}")
        self.dtype = real._name

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """The limits of an integer dtype: `min`, `max`, `bits`, `dtype`.

    >>> import course_lib as torch
    >>> torch.iinfo(torch.uint8)
    iinfo(min=0, max=255, dtype=uint8)

    Source: https://docs.pytorch.org/docs/stable/type_info.html
    """

    def __init__(self, type: dtype):
        if not isinstance(type, dtype) or type.category != INT:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{type!r}'")
        limits = np.iinfo(type.numpy)
        self.bits, self.min, self.max, self.dtype = limits.bits, limits.min, limits.max, type._name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
