"""Filling an array with random numbers: the checks and the order in which the elements get their numbers.

`fill_…(array, …, stream)` refuses what PyTorch refuses, with its texts, and lets the stream (backends/streams.py) fill
the array. The factories (sampling.py) and the methods (random_methods.py) are built on these. An array is filled in the
order in which its elements lie in memory, so that a transposed tensor gets its numbers transposed.
"""

from __future__ import annotations

import math

import numpy as np

from .. import dtypes
from ..backends import GPU, array_module, backend_of, beside, is_meta, is_numpy, memory_order, on_gpu
from ..backends.streams import MANTISSA_BITS
from ..errors import warn

_LARGEST = {"float16": 65504.0, "bfloat16": (2 - 2**-7) * 2.0**127, "float32": (2 - 2**-23) * 2.0**127,
            "float64": (2 - 2**-52) * 2.0**1023}  # fmt: skip

_EVERYWHERE = 65504.0 / 2  # bounds up to here, and their distance, fit every floating dtype

INT64 = np.iinfo(np.int64)
REAL = "fV"  # the array kinds of floating dtypes; V: bfloat16


# ---- filling an array --------------------------------------------------------------------------------------------


def fill_uniform(array, low: float, high: float, stream) -> None:
    """Uniform in [low, high); the real and the imaginary part of a complex number each."""
    array = _as_real(array)
    if array.dtype.kind not in REAL:
        raise not_implemented("check_uniform_bounds", array)
    if not -_EVERYWHERE <= low <= high <= _EVERYWHERE:
        _check_uniform(array, low, high)
    if filled_by_kernel("uniform", array, stream, low, high):
        return
    _in_memory_order(array, lambda out: stream.uniform(out.shape, out.dtype, low, high, out=out))


def fill_normal(array, mean: float, std: float, stream) -> None:
    """Normal with this mean and standard deviation; half of the variance for each part of a complex number."""
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    if array.dtype.kind == "c":
        array, std = _as_real(array), std / math.sqrt(2)
    if array.size and array.dtype.kind not in REAL:
        raise not_implemented("normal_kernel_cpu", array)
    if filled_by_kernel("normal", array, stream, mean, std):
        return
    whole = array.flags.c_contiguous
    _in_memory_order(array, lambda out: stream.normal(out.shape, out.dtype, mean, std, out=out, contiguous=whole))


def fill_integers(array, low: int, high: int | None, stream) -> None:
    """Whole numbers in [low, high), or from `low` up to the largest that the dtype counts exactly if `high` is None."""
    kind = array.dtype.kind
    if high is not None:
        if low >= high:
            raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        if kind in REAL:
            low, high = _representable(array.dtype, low, high)
            if low >= high:
                raise RuntimeError(
                    "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got "
                    f"from={low} >= to={high}"
                )
    elif low == INT64.min:
        if kind not in REAL + "i" or array.dtype.name in ("int8", "int16", "int32", "float16"):
            raise RuntimeError("random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16")
        _fill_whole(array, 0, 2**64, 2**64, stream)
        return
    elif kind in REAL:
        high = 2 ** MANTISSA_BITS[array.dtype.name]
        low = _representable(array.dtype, low, high)[0]
        if low >= high:
            raise RuntimeError(
                "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but got "
                f"from={low} > to_inc={high}"
            )
        high += 1
    elif kind in "bui":
        high = 2 if kind == "b" else min(int(np.iinfo(array.dtype).max), INT64.max) + 1
    else:
        raise RuntimeError("random_from_to_impl handles only integral, floating-point and boolean types")
    _check_range(array.dtype, low, high - 1)
    _fill_whole(array, low, high, high - low, stream)


def _fill_whole(array, low: int, high: int, width: int, stream) -> None:
    """Whole numbers in [low, high); from 2²⁸ on a number takes two words."""
    if not filled_by_kernel("integers", array, stream, low, width, width >= 1 << 28):
        _in_memory_order(array, lambda out: stream.integers(low, high, out.shape, out.dtype, out=out))


def fill_any_number(array, stream) -> None:
    """Whole numbers from 0 to the largest of the dtype (float dtypes: to the last that they count exactly)."""
    if array.dtype.kind == "c" or (array.dtype.kind == "u" and array.dtype.itemsize > 1):
        raise not_implemented("random_kernel_cpu", array)
    kind = array.dtype.kind
    if kind in REAL:
        width = 2 ** MANTISSA_BITS[array.dtype.name] + 1
    else:
        width = 2 if kind == "b" else int(np.iinfo(array.dtype).max) + 1
    if not filled_by_kernel("integers", array, stream, 0, width, array.dtype.itemsize == 8):
        _in_memory_order(array, lambda out: stream.any_number(out.shape, out.dtype, out=out))


def fill_bernoulli(array, p, stream) -> None:
    """1 with probability `p` (a number, or an array of this shape with one for each element), else 0.

    On a GPU nobody looks whether an array holds probabilities: that would have to wait for it.
    """
    if type(p) is GPU.array:
        _fill_bernoulli_there(array, p, stream)
        return
    if not isinstance(p, np.ndarray):
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
        if _has_no_counts(array):
            raise not_implemented("bernoulli_scalar_cpu_", array)
        kernel, settings = ("bernoulli", (p, 0.0)) if array.dtype.kind in REAL else ("yes_or_no", (p,))
        if filled_by_kernel(kernel, array, stream, *settings):
            return
        _in_memory_order(array, lambda out: stream.bernoulli(out.shape, out.dtype, p, out=out))
        return
    if _has_no_counts(array):
        raise not_implemented("bernoulli_tensor_cpu_self_", array)
    if p.dtype.kind not in REAL:
        raise not_implemented("bernoulli_tensor_cpu_p_", p)
    if not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If "
            "so, please report an enhancement request to PyTorch.)"
        )
    order = memory_order(array)
    _in_memory_order(array, lambda out: stream.bernoulli(out.shape, out.dtype, p.transpose(order), out=out))


def _fill_bernoulli_there(array, p, stream) -> None:
    """The same for arrays of a GPU; the host makes the numbers where there is no kernel for them."""
    order = memory_order(array)
    there = array_module(p).ascontiguousarray(p.transpose(order).astype("f8" if array.dtype == "f8" else "f4"))
    if array.dtype.kind not in REAL or not filled_by_kernel("bernoulli_by", array, stream, there):
        made = np.empty(array.shape, array.dtype)
        fill_bernoulli(made, p.get(), stream)
        array[...] = beside(array, made)


def fill_dropout_noise(array, p: float, stream) -> None:
    """What dropout multiplies with: 0 with probability p < 1, else 1/(1 - p)."""
    _in_memory_order(array, lambda out: stream.dropout_noise(out.shape, out.dtype, p, out=out))


def fill_exponential(array, lambd: float, stream) -> None:
    """Exponential with rate `lambd`."""
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    if array.dtype.kind not in REAL:
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating point but you "
            f"specified {kind_of(array)}"
        )
    if filled_by_kernel("exponential", array, stream, lambd, 0.0):
        return
    _in_memory_order(array, lambda out: stream.exponential(out.shape, out.dtype, lambd, out=out))


def fill_geometric(array, p: float, stream) -> None:
    """The number of trials up to the first success, which has probability `p`."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    if _has_no_counts(array) or array.dtype.kind == "b":
        raise not_implemented("geometric_cpu", array)
    if filled_by_kernel("geometric", array, stream, p, 0.0):
        return
    _in_memory_order(array, lambda out: stream.geometric(out.shape, out.dtype, p, out=out))


def fill_cauchy(array, median: float, sigma: float, stream) -> None:
    """Cauchy with this median and half width."""
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    if array.dtype.kind not in REAL:
        raise RuntimeError(
            "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you "
            f"specified {dtypes.c_name(dtypes.from_numpy(array.dtype))}"
        )
    if filled_by_kernel("cauchy", array, stream, median, sigma):
        return
    _in_memory_order(array, lambda out: stream.cauchy(out.shape, out.dtype, median, sigma, out=out))


def fill_log_normal(array, mean: float, std: float, stream) -> None:
    """exp of a normal number with this mean and standard deviation."""
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    if array.dtype.kind not in REAL:
        raise not_implemented("log_normal_cpu", array)
    if filled_by_kernel("log_normal", array, stream, mean, std):
        return
    _in_memory_order(array, lambda out: stream.log_normal(out.shape, out.dtype, mean, std, out=out))


# ---- memory ------------------------------------------------------------------------------------------------------


def _in_memory_order(array, draw) -> None:
    """Call `draw(out)` with a contiguous `out`, and have its numbers in `array` in the order of memory."""
    if array.size == 0 or is_meta(array):
        return
    if array.flags.c_contiguous and is_numpy(array):
        draw(array)
        return
    if any(step == 0 and n > 1 for step, n in zip(array.strides, array.shape, strict=True)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    target = array.transpose(memory_order(array))
    if is_numpy(array) and target.flags.c_contiguous:
        draw(target)
    else:
        numbers = np.empty(target.shape, array.dtype)
        draw(numbers)
        target[...] = beside(array, numbers)


def filled_by_kernel(name: str, array, stream, *settings) -> bool:
    """Let a GPU fill its array, where the library has the kernel: the numbers are those that the host would make."""
    if is_numpy(array) or not array.size:
        return False
    xp = array_module(array)
    if not array.flags.c_contiguous:
        array = array.transpose(memory_order(array))
    kernel = backend_of(xp).kernel(name, array)
    if kernel is None:
        return False
    with on_gpu(array.device.id):
        stream.drawn_elsewhere(lambda seed, offset: kernel(array, *settings, seed, offset))
    return True


def _as_real(array):
    """A complex array as its real and imaginary parts in a last dimension; others as they are."""
    return array[..., None].view(array.real.dtype) if array.dtype.kind == "c" else array


# ---- checks ------------------------------------------------------------------------------------------------------


def kind_of(array) -> str:
    """The name of an array's dtype in PyTorch's older error texts: `Float` for float32."""
    return dtypes.legacy_name(dtypes.from_numpy(array.dtype))


def not_implemented(kernel: str, array) -> NotImplementedError:
    """PyTorch's error for a dtype that one of its kernels does not know."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{kind_of(array)}'")


def _has_no_counts(array) -> bool:
    return array.dtype.kind == "c" or (array.dtype.kind == "u" and array.dtype.itemsize > 1)


def _check_uniform(array, low: float, high: float) -> None:
    """RuntimeError where a bound, or the distance between them, leaves the dtype, and where low > high."""
    limit = _LARGEST[array.dtype.name]
    if not (-limit <= low <= limit and -limit <= high <= limit):
        name = "to" if -limit <= low <= limit else "from"
        raise RuntimeError(f"{name} is out of bounds for {dtypes.c_name(dtypes.from_numpy(array.dtype))}")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > limit:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{kind_of(array)}>::max(), but found to={high:g} and "
            f"from={low:g} which result in to-from to exceed the limit"
        )


def _check_range(dtype, low: int, last: int) -> None:
    """RuntimeError where [low, last] leaves the dtype, a warning where a float dtype has gaps in it."""
    if dtype.kind == "c":
        raise RuntimeError("check_random_bounds handles only integral, floating-point and boolean types")
    if dtype.kind in REAL:
        largest = _LARGEST[dtype.name]
        smallest = -largest
    elif dtype.kind == "b":
        smallest, largest = 0, 1
    else:
        smallest, largest = int(np.iinfo(dtype).min), min(int(np.iinfo(dtype).max), INT64.max)
    kind = dtypes.c_name(dtypes.from_numpy(dtype))
    for name, value in (("from", low), ("to - 1", last)):
        if not smallest <= value <= largest:
            raise RuntimeError(f"{name} is out of bounds for {kind}")
        digits = MANTISSA_BITS[dtype.name] if dtype.kind in REAL else 64
        if abs(value) > 2**digits:
            warn(
                f"{name} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations "
                f"{kind} can support discrete uniform distribution only within this range. This "
                "warning will become an error in version 1.7 release, please fix the code in advance"
            )


def _representable(dtype, low: int, high: int) -> tuple[int, int]:
    """The bounds moved inwards where rounding a number next to them to the dtype would cross them."""
    digits = MANTISSA_BITS[dtype.name]

    def rounded(value: int) -> float:
        with np.errstate(over="ignore"):
            return float(np.array(value, np.float64).astype(np.float32 if dtype.itemsize < 4 else dtype).astype(dtype))

    if rounded(low + 1) < low:
        low = int(rounded(low + 1)) + 2 ** (abs(low + 1).bit_length() - digits)
    if math.isfinite(rounded(high - 1)) and rounded(high - 1) >= high:
        high = int(rounded(high - 1)) - 2 ** (abs(high - 1).bit_length() - digits)
    return low, high
