"""What ops share about numbers: half precision is computed in float32, complex derivatives take conjugates, and an
array of a dtype that a function does not know is refused in PyTorch's words.
"""

from __future__ import annotations

from numpy import ndarray

from ..backends import backend_of
from ..dtypes import from_numpy, legacy_name


def is_half(dtype) -> bool:
    """float16 and bfloat16 (which NumPy knows as a foreign type, kind "V")."""
    return dtype.itemsize == 2 and dtype.kind in "fV"


def wide(array):
    """The array in the precision in which it is computed: float32 for half precision, else itself."""
    return array.astype("f4") if is_half(array.dtype) else array


def narrow(array, dtype):
    """A result brought back to `dtype`, rounded once; the same object if it already has it."""
    return array if array.dtype == dtype else array.astype(dtype)


def conjugate(value):
    """What a complex derivative needs of a tensor, an array or a number: its conjugate; what is real stays as it is."""
    try:
        kind = (value if type(value) is ndarray else getattr(value, "_array", value)).dtype.kind
    except AttributeError:
        return value.conjugate()  # a Python number
    return value.conj() if kind == "c" else value


def in_layout_of(xp, made, array):
    """The result in PyTorch's order of memory: channels last where the input's channels lie last."""
    if array.ndim not in (4, 5) or array.flags.c_contiguous or made.ndim != array.ndim:
        return made
    if not xp.moveaxis(array, 1, -1).flags.c_contiguous:
        return made
    return xp.moveaxis(xp.ascontiguousarray(xp.moveaxis(made, 1, -1)), -1, 1)


def require_kind(kernel: str, array, kinds: str = "fV") -> None:
    """NotImplementedError with PyTorch's text unless the array's dtype is of one of the NumPy kinds (floats)."""
    if array.dtype.kind not in kinds:
        kind = legacy_name(from_numpy(array.dtype))
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{kind}'")


def kind_name(tensor) -> str:
    """A tensor's dtype as PyTorch's errors name it: Float, Long, …"""
    return legacy_name(tensor.dtype)


def tuple_of(value, count: int) -> tuple[int, ...]:
    """One number for all dimensions, or one for each."""
    if isinstance(value, (tuple, list)):
        return tuple([int(v) for v in value]) if len(value) != 1 else (int(value[0]),) * count
    return (int(value),) * count


def special(xp):
    """scipy.special, or CuPy's copy of it; loaded when a function first needs it."""
    if xp.__name__ == "numpy":
        import scipy.special

        return scipy.special
    return backend_of(xp).special()
