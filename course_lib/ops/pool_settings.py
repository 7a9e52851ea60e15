"""What poolings ask of their settings and their input: whole numbers for each dimension, in PyTorch's words if not."""

from __future__ import annotations

import functools
import operator

from ._arguments import type_name

_POSITIONS = {"kernel_size": 2, "output_size": 2, "stride": 3, "padding": 4, "dilation": 5}
_TUPLES = {2: "a tuple of two ints", 3: "a tuple of three ints"}
_AXES = ("T", "H", "W")


def remembered(plan):
    """Keep what a function of a shape and settings found: a network asks the same again and again."""
    known = functools.lru_cache(maxsize=1024, typed=True)(plan)

    @functools.wraps(plan)
    def call(*given):
        given = tuple([tuple(value) if type(value) is list else value for value in given])
        try:
            hash(given)
        except TypeError:  # something that is no setting: `plan` says so
            return plan(*given)
        return known(*given)

    return call


def whole_numbers(name: str, parameter: str, value) -> tuple[int, ...]:
    """One number, or a tuple or list of them, as a tuple; TypeError for anything else."""
    if type(value) is int:
        return (value,)
    if not isinstance(value, (tuple, list)):
        number = _index(value)
        if number is None:
            place = f"argument '{parameter}' (position {_POSITIONS[parameter]})"
            raise TypeError(f"{name}(): {place} must be tuple of ints, not {type_name(value)}")
        return (number,)
    numbers = tuple([_index(v) for v in value])
    for place, (number, given) in enumerate(zip(numbers, value, strict=True)):
        if number is None and place == 0:
            raise TypeError(
                f"{name}(): argument '{parameter}' (position {_POSITIONS[parameter]}) must be tuple of ints, but found "
                f"element of type {type_name(given)} at pos 0"
            )
        if number is None:
            raise TypeError(
                f"{name}(): argument '{parameter}' failed to unpack the object at pos {place + 1} with error \"type "
                f'must be tuple of ints,but got {type_name(given)}"'
            )
    return numbers


def _index(value) -> int | None:
    """A whole number, also one of NumPy's or a tensor of one; None for anything else."""
    if type(value) is int:
        return value
    if isinstance(value, (bool, float, str)) or value is None:
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def pool_setting(name: str, parameter: str, value, dims: int, called: str | None = None) -> tuple[int, ...]:
    """One number for all dimensions, or one for each; RuntimeError for another count. called: the name for errors."""
    numbers = whole_numbers(called or name, parameter, value)
    if len(numbers) == 1:
        return numbers * dims
    if len(numbers) != dims:
        raise RuntimeError(_wrong_count(name, parameter, dims, len(numbers)))
    return numbers


def _wrong_count(name: str, parameter: str, dims: int, count: int) -> str:
    if dims == 1:
        return f"{name}() argument '{parameter}' should contain one int (got {count})"
    either = "must be" if name == "avg_pool3d" else "must be either" if parameter == "dilation" else "must either be"
    omitted = " omitted," if parameter == "stride" else ""
    return f"{name}: {parameter} {either}{omitted} a single int, or {_TUPLES[dims]}"


def stride_setting(name: str, stride, kernel: tuple[int, ...], called: str | None = None) -> tuple[int, ...]:
    """The stride; the kernel's size where it is not given."""
    if stride is None or stride == [] or stride == ():
        return kernel
    return pool_setting(name, "stride", stride, len(kernel), called)


def pooled_size(n: int, kernel: int, stride: int, pad: int, dilation: int, ceil_mode: bool) -> int:
    """How many windows fit; with ceil_mode also one that begins inside the input or its left padding."""
    span = n + 2 * pad - dilation * (kernel - 1) - 1
    size = -(-span // stride) + 1 if ceil_mode else span // stride + 1
    if ceil_mode and (size - 1) * stride >= n + pad:
        size -= 1
    return size


def check_pool(name: str, shape, kernel, stride, padding, dilation, size) -> None:
    """What PyTorch refuses in the settings and the input's shape of a pooling, two- or three-dimensional."""
    dims = len(kernel)
    if any(s == 0 for s in stride):
        raise RuntimeError("stride should not be zero")
    parts = (("kernel size", "k", kernel), ("stride", "d", stride), ("dilation", "dilation", dilation))
    for what, prefix, values in parts:
        if any(v <= 0 for v in values):
            given = " ".join(f"{prefix}{axis}: {v}" for axis, v in zip(_AXES[-dims:], values, strict=True))
            raise RuntimeError(f"{what} should be greater than zero, but got {given}")
    for p, k, d in zip(padding, kernel, dilation, strict=True):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > ((k - 1) * d + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and "
                f"dilation={d}"
            )
    _check_shape(name, list(shape), dims)
    if any(n < 1 for n in size):
        sizes = ["x".join(map(str, (shape[-dims - 1], *s))) for s in (shape[-dims:], size)]
        raise RuntimeError(
            f"Given input size: ({sizes[0]}). Calculated output size: ({sizes[1]}). Output size is too small"
        )


def _check_shape(name: str, shape: list[int], dims: int) -> None:
    has_dims = len(shape) in (dims + 1, dims + 2)
    if has_dims and 0 not in shape[len(shape) - dims - 1 :]:
        return
    if dims == 2 and (has_dims or name == "avg_pool2d"):
        raise RuntimeError(
            f"Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:{shape}"
        )
    if dims == 3 and has_dims:
        called = "avg_pool3d()" if name == "avg_pool3d" else "max_pool3d_with_indices_out_cpu_template()"
        raise RuntimeError(
            f"{called}: Expected input's non-batch dimensions to have positive length, but input has a shape of "
            f"{shape} and non-batch dimension 0 has length zero!"
        )
    raise RuntimeError(f"non-empty {dims + 1}D or {dims + 2}D (batch mode) tensor expected for input")


def check_1d(name: str, input) -> None:
    """RuntimeError unless the input is (N, C, L) or (C, L)."""
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for argument #1 'self' (while "
            f"checking arguments for {name})"
        )
