"""Making tensors: from data, filled with a value, ranges, and `*_like`."""

from __future__ import annotations

import builtins
import math

import numpy as np

from .. import dtypes
from ..device import CPU, resolve
from ..dtypes import FLOAT
from ..tensor import Tensor, wrap
from ._arguments import cast
from ._op import function
from .casting import python_dtype

# ---- from data ---------------------------------------------------------------------------------------------------


def _finish(array, dtype, device, requires_grad: bool) -> Tensor:
    """An array as a tensor of the dtype, on the device, and with the flag that were asked for."""
    if dtype is not None:
        array = cast(array, (dtype if isinstance(dtype, dtypes.dtype) else python_dtype(dtype)).numpy)
    made = wrap(array)
    place = resolve(device)
    if place is not CPU:
        made = made.to(place)
    if requires_grad and array.dtype.kind not in "fcV":
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return made.requires_grad_() if requires_grad else made


@function()
def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """tensor(data, *, dtype=None, device=None, requires_grad=False) -> Tensor

    A new tensor with a copy of `data` (a number, nested lists, a NumPy array). Python floats become the default dtype,
    ints int64, bools bool. ValueError for rows of different lengths.

    >>> import course_lib as torch
    >>> torch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.tensor.html
    """
    if isinstance(data, Tensor):
        import warnings

        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            stacklevel=2,
        )
        array = data._array.copy()
    else:
        array = _array_of(data, dtype)
    return _finish(array, dtype, device, requires_grad)


def _array_of(data, dtype=None):
    """A fresh array with PyTorch's dtype for `data`."""
    if isinstance(data, (np.ndarray, np.generic)):
        array = np.array(data)
        dtypes.from_numpy(array.dtype)
        return array
    if isinstance(data, (list, tuple)):
        shape = _shape_of(data, 0)
        if 0 in shape or not shape:
            return np.zeros(shape, (dtypes.get_default_dtype()).numpy)
        array = np.array(_plain(data))
        if array.shape != shape:
            array = np.array(_plain(data, force=True))
    else:
        array = np.array(data)
    return _inferred(array, data, dtype)


def _shape_of(data, depth: int) -> tuple[int, ...]:
    """The shape of nested sequences; ValueError where two lengths of one level differ."""
    if not isinstance(data, (list, tuple)):
        return tuple(data.shape) if isinstance(data, (np.ndarray, Tensor)) else ()
    if not data:
        return (0,)
    inner = _shape_of(data[0], depth + 1)
    if not inner:
        nested = next((item for item in data if isinstance(item, (list, tuple))), None)
        if nested is not None:
            raise TypeError(f"'{type(nested).__name__}' object cannot be interpreted as an integer")
    if inner:
        for item in data:
            if not hasattr(item, "__len__"):
                raise TypeError(
                    f"not a sequence: expected a sequence of length {inner[0]} at dim {depth + 1}, got {item!r}"
                )
            if len(item) != inner[0]:
                raise ValueError(f"expected sequence of length {inner[0]} at dim {depth + 1} (got {len(item)})")
            if isinstance(item, (list, tuple)) and len(inner) > 1:
                _shape_of(item, depth + 1)
    return (len(data), *inner)


def _plain(data, force: bool = False):
    """Nested lists with tensors replaced by their values."""
    if isinstance(data, Tensor):
        return data.detach().tolist() if force else data.detach()._array
    return [_plain(item, force) for item in data] if isinstance(data, (list, tuple)) else data


def _inferred(array, data, dtype):
    kind = array.dtype.kind
    if kind == "O" or kind in "US":
        first = data
        while isinstance(first, (list, tuple)):
            first = first[0]
        if isinstance(first, int) and kind == "O":
            raise ValueError("Overflow when unpacking long long")
        first = _first_unusable(data)
        raise TypeError(f"new(): invalid data type '{type(first).__name__}'")
    if kind == "u" and _holds_python_numbers(data):
        raise ValueError("Overflow when unpacking long long")
    if kind in "fc" and _holds_python_numbers(data):
        default = dtypes.get_default_dtype()
        return cast(array, (default if kind == "f" else default.to_complex()).numpy) if dtype is None else array
    if dtype is not None and kind == "i" and isinstance(dtype, dtypes.dtype) and dtype.category == 1:
        _refuse_overflow(array, dtype)
    return array


def _first_unusable(data):
    """The first entry of nested lists that is no number."""
    if isinstance(data, (list, tuple)):
        return next((found for item in data if (found := _first_unusable(item)) is not None), None)
    return None if isinstance(data, (int, float, complex, np.number)) else data


def _holds_python_numbers(data) -> bool:
    while isinstance(data, (list, tuple)):
        data = data[0]
    return isinstance(data, (int, float, complex))


def _refuse_overflow(array, dtype) -> None:
    limits = np.iinfo(dtype.numpy)
    if array.size and (array.max() > limits.max or (dtype.is_signed and array.min() < limits.min)):
        raise RuntimeError(f"value cannot be converted to type {dtype._name} without overflow")


@function()
def as_tensor(data, dtype=None, device=None):
    """as_tensor(data, dtype=None, device=None) -> Tensor: as `tensor`, but sharing memory where that is possible.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.as_tensor.html
    """
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    if isinstance(data, np.ndarray):
        return from_numpy(data).to(dtype=dtype, device=device)
    return tensor(data, dtype=dtype, device=device)


@function()
def from_numpy(ndarray):
    """from_numpy(ndarray) -> Tensor: a tensor that shares memory with a NumPy array.

    TypeError for what is no array or for a dtype that no tensor has; ValueError for negative strides.

    >>> import numpy as np, course_lib as torch
    >>> a = np.zeros(2); t = torch.from_numpy(a); a[0] = 7; t
    tensor([7., 0.], dtype=torch.float64)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.from_numpy.html
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.from_numpy(ndarray.dtype)
    if any(step < 0 for step in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  with "
            "array.copy().) "
        )
    if not ndarray.flags.writeable:
        import warnings

        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means "
            "writing to this tensor will result in undefined behavior. You may want to copy the array to protect its "
            "data or make it writable before converting it to a tensor.",
            stacklevel=2,
        )
    return wrap(ndarray.view(np.ndarray))


def legacy_tensor(cls, *args, device=None, dtype=None, **named) -> Tensor:
    """`torch.Tensor(2, 3)` (uninitialised) and `torch.Tensor([1, 2])`: the constructor of early PyTorch versions."""
    dtype = dtype or dtypes.get_default_dtype()
    if len(args) == 1 and isinstance(args[0], Tensor):
        made = wrap(args[0]._array, cls)
        made._storage = args[0]._storage
        return made
    if len(args) == 1 and isinstance(args[0], (list, tuple, np.ndarray)) and not isinstance(args[0], torch_size()):
        return wrap(cast(_array_of(args[0]), dtype.numpy), cls)
    shape = shape_of(args) if args else (0,)
    return wrap(np.empty(shape, dtype.numpy), cls)


def torch_size():
    from ..size import Size

    return Size


# ---- filled ------------------------------------------------------------------------------------------------------


def shape_of(size, name: str = "empty") -> tuple[int, ...]:
    """A shape from `(2, 3)`, `((2, 3),)` or `([2, 3],)`; RuntimeError for a negative size."""
    if len(size) == 1 and not isinstance(size[0], (int, np.integer)) and hasattr(size[0], "__len__"):
        size = size[0]
    try:
        shape = tuple([s if type(s) is int else s.__index__() for s in size])
    except AttributeError:
        bad = next(i for i, n in enumerate(size) if not hasattr(n, "__index__"))
        kind = type(size[bad]).__name__
        raise TypeError(
            f"{name}(): argument 'size' failed to unpack the object at pos {bad + 1} with error \"type must be "
            "tuple of "
            f'ints,but got {kind}"'
        ) from None
    if shape and min(shape) < 0:
        if name in ("zeros", "ones"):
            raise RuntimeError(f"{name}: Dimension size must be non-negative.")
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape


def _filled(name: str, make, text: str):
    def create(*size, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
               memory_format=None, **named):  # fmt: skip
        size = (named.pop("size"),) if "size" in named else size
        if named:
            raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(named))}'")
        dtype = dtypes.get_default_dtype() if dtype is None else dtype
        dtype = dtype if isinstance(dtype, dtypes.dtype) else python_dtype(dtype)
        made = _finish(make(shape_of(size, name), dtype.numpy), None, device, requires_grad)
        if out is None:
            return made
        from ._op import write_out

        return write_out(name, out, (), made)

    create.__name__ = create.__qualname__ = name
    create.__doc__ = f"""{name}(*size, dtype=None, device=None, requires_grad=False) -> Tensor: {text}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    return function()(create)


zeros = _filled("zeros", np.zeros, "a tensor of this shape filled with 0")
ones = _filled("ones", np.ones, "a tensor of this shape filled with 1")
empty = _filled("empty", np.empty, "an uninitialised tensor of this shape")


@function(out=True)
def full(size, fill_value, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """full(size, fill_value, *, dtype=None, device=None, requires_grad=False) -> Tensor

    A tensor of this shape filled with `fill_value`; its dtype follows the value (bool, int64 or the default float).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.full.html
    """
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    dtype = dtypes.of_number(fill_value) if dtype is None else dtype
    dtype = dtype if isinstance(dtype, dtypes.dtype) else python_dtype(dtype)
    shape = shape_of((size,) if not isinstance(size, (tuple, list)) else size)
    array = np.empty(shape, dtype.numpy)
    array[...] = checked_value(fill_value, dtype)
    return _finish(array, None, device, requires_grad)


def checked_value(value, dtype: dtypes.dtype):
    """A number that is to be stored in `dtype`; RuntimeError where an integer does not fit."""
    if dtype.category == 1 and isinstance(value, (int, float, np.number)):
        if isinstance(value, float) and not math.isfinite(value):
            raise RuntimeError(f"value cannot be converted to type {dtype._name} without overflow")
        value = int(value)
        limits = np.iinfo(dtype.numpy)
        if not limits.min <= value <= limits.max and not (not dtype.is_signed and -limits.max <= value < 0):
            names = {"uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int"}
            raise RuntimeError(
                f"value cannot be converted to type {names.get(dtype._name, 'int64_t')} without overflow"
            )
        return np.array(value, np.int64).astype(dtype.numpy) if value < 0 and not dtype.is_signed else value
    if dtype.category < 3 and isinstance(value, complex):
        raise RuntimeError(f"value cannot be converted to type {dtype._name} without overflow")
    return value


def _like(name: str, make, text: str):
    def create(
        input, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None, pin_memory=False
    ):
        wanted = input.dtype if dtype is None else dtype
        made = make(input._array, wanted.numpy)
        if device is None:
            made = wrap(made)
            return made.requires_grad_() if requires_grad else made
        return _finish(made, None, device, requires_grad)

    create.__name__ = create.__qualname__ = name
    create.__doc__ = f"""{name}(input, *, dtype=None, device=None, requires_grad=False) -> Tensor

    {text}, with the input's shape, dtype and device.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    return function()(create)


zeros_like = _like("zeros_like", lambda a, d: np.zeros(a.shape, d) if a.flags.c_contiguous else np.zeros_like(a, d),
                   "A tensor of zeros")  # fmt: skip
ones_like = _like("ones_like", lambda a, d: np.ones_like(a, d), "A tensor of ones")
empty_like = _like("empty_like", lambda a, d: np.empty_like(a, d), "An uninitialised tensor")


@function()
def full_like(input, fill_value, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    """full_like(input, fill_value, *, dtype=None) -> Tensor: filled with a value, with the input's shape and dtype.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.full_like.html
    """
    made = empty_like(input, dtype=dtype, device=device)
    made._array[...] = checked_value(fill_value, made.dtype)
    return made.requires_grad_() if requires_grad else made


@function(method=True, namespace=None)
def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False):
    """new_tensor(data) -> Tensor: `torch.tensor` with this tensor's dtype and device as defaults."""
    return tensor(data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)


def _new(name: str, create):
    def method(self, *size, dtype=None, device=None, requires_grad=False, **named):
        return create(
            *size, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad, **named
        )

    method.__name__ = f"new_{name}"
    method.__doc__ = f"new_{name}(…) -> Tensor: `torch.{name}` with this tensor's dtype and device as defaults."
    return function(method=True, namespace=None)(method)


new_zeros, new_ones, new_empty, new_full = (
    _new(name, make) for name, make in (("zeros", zeros), ("ones", ones), ("empty", empty), ("full", full))
)

# ---- ranges ------------------------------------------------------------------------------------------------------


@function(out=True)
def arange(start, end=None, step=1, *, dtype=None, layout=None, device=None, requires_grad=False,
           pin_memory=False):  # fmt: skip
    """arange(start=0, end, step=1, *, dtype=None, device=None, requires_grad=False) -> Tensor

    The values from `start` up to but without `end`, `step` apart: int64 if all three are integers.

    >>> import course_lib as torch
    >>> torch.arange(1, 10, 3)
    tensor([1, 4, 7])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.arange.html
    """
    start, end, step = (v.item() if isinstance(v, Tensor) else v for v in ((0, start, step) if end is None else
                                                                          (start, end, step)))  # fmt: skip
    whole = all(isinstance(v, (int, np.integer)) for v in (start, end, step))
    dtype = (dtypes.int64 if whole else dtypes.get_default_dtype()) if dtype is None else dtype
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if isinstance(dtype, dtypes.dtype) and dtype.category == 1 and not whole:
        count = math.ceil((end - start) / step)
        start, end, step = int(start), int(end), int(step)
        count = len(builtins.range(start, end, step)) if dtype is dtypes.int64 else count
        array = start + np.arange(count) * step
    elif whole:
        array = np.arange(start, start + len(builtins.range(start, end, step)) * step, step, dtype=np.int64)
    else:
        array = start + np.arange(math.ceil((end - start) / step), dtype=np.float64) * step
    return _finish(array, dtype, device, requires_grad)


@function(out=True)
def linspace(start, end, steps, *, dtype=None, layout=None, device=None, requires_grad=False):
    """linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False) -> Tensor

    `steps` values from `start` to `end`, both included, equally far apart.

    >>> import course_lib as torch
    >>> torch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linspace.html
    """
    start, end = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    if not isinstance(steps, int):
        raise TypeError(f"linspace(): argument 'steps' must be int, not {type(steps).__name__}")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    kind = np.float32 if dtype.category == FLOAT and dtype.itemsize <= 4 else np.float64
    if dtype.category == 3:
        kind = dtype.numpy.type
    if dtype.category == 1:
        start, end = int(start), int(end)
    index = np.arange(steps)
    gap = (kind(end) - kind(start)) / kind(max(steps - 1, 1))
    array = np.where(index < steps // 2 if steps > 1 else index < 1, kind(start) + gap * index.astype(kind),
                     kind(end) - gap * (steps - 1 - index).astype(kind)).astype(kind)  # fmt: skip
    return _finish(array, dtype, device, requires_grad)


@function(out=True)
def logspace(start, end, steps, base=10.0, *, dtype=None, layout=None, device=None, requires_grad=False):
    """logspace(start, end, steps, base=10.0, *, dtype=None) -> Tensor

    `base` to the powers of `linspace(start, end, steps)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.logspace.html
    """
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    if dtype.category == 1:
        start, end = (int(v.item() if isinstance(v, Tensor) else v) for v in (start, end))
    exponents = linspace(start, end, steps, dtype=dtypes.complex128 if dtype.is_complex else dtypes.float64)
    return _finish(base**exponents._array, dtype, device, requires_grad)


@function(out=True)
def eye(n, m=None, *, dtype=None, layout=None, device=None, requires_grad=False):
    """eye(n, m=None, *, dtype=None, device=None, requires_grad=False) -> Tensor: n × m with ones on the diagonal.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.eye.html
    """
    for name, value in (("n", n), ("m", n if m is None else m)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {value}")
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    return _finish(np.eye(n, m, dtype=dtype.numpy), None, device, requires_grad)


@function()
def is_tensor(obj) -> bool:
    """is_tensor(obj) -> bool: whether `obj` is a Tensor."""
    return isinstance(obj, Tensor)


@function()
def numel(input) -> int:
    """numel(input) -> int: the number of elements."""
    return input.numel()


@function()
def is_floating_point(input) -> bool:
    """is_floating_point(input) -> bool: whether the dtype is a floating one."""
    return input.is_floating_point()


@function()
def is_complex(input) -> bool:
    """is_complex(input) -> bool: whether the dtype is complex."""
    return input.is_complex()


@function()
def result_type(tensor1, tensor2) -> dtypes.dtype:
    """result_type(tensor1, tensor2) -> dtype: the dtype in which two tensors or numbers meet.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.result_type.html
    """
    from ._arguments import result_dtype

    return result_dtype(tensor1, tensor2)


# ---- memory in a given order -------------------------------------------------------------------------------------


@function()
def empty_strided(size, stride, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """empty_strided(size, stride, *, dtype=None, device=None, requires_grad=False) -> Tensor

    An uninitialised tensor of this shape with these strides.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.empty_strided.html
    """
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    for n in size:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(size)}")
    count = 0 if 0 in size else 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    made = empty(count, dtype=dtype, device=device).as_strided(size, stride)
    own = made.detach()
    own._storage.array = made._storage.array
    return own.requires_grad_() if requires_grad else own


@function()
def empty_permuted(
    size, physical_layout, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False
):
    """empty_permuted(size, physical_layout, *, dtype=None, device=None) -> Tensor

    An uninitialised tensor of this shape, dense in memory, whose dimensions lie in the given order (outermost first).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.empty_permuted.html
    """
    if len(physical_layout) != len(size):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(size)} is "
            f"not equal to len(physical_layout) = {len(physical_layout)}"
        )
    strides, step = [0] * len(size), 1
    for dim in reversed(list(physical_layout)):
        if not 0 <= dim < len(size):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {dim} at index "
                f"{list(physical_layout).index(dim)}).  NB: negative dims not currently supported; file an issue "
                "if you want it."
            )
        if list(physical_layout).count(dim) > 1:
            raise RuntimeError("Duplicate dim not allowed")
        strides[dim] = step
        step *= max(size[dim], 1)
    return empty_strided(size, strides, dtype=dtype, device=device, requires_grad=requires_grad)


@function(method=True, namespace=None)
def new_empty_strided(
    self, size, stride, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False
):
    """new_empty_strided(size, stride) -> Tensor

    `torch.empty_strided` with this tensor's dtype and device as defaults.
    """
    return empty_strided(
        size, stride, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad
    )


# ---- single numbers, closed ranges, triangles --------------------------------------------------------------------


@function()
def scalar_tensor(s, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """scalar_tensor(s, *, dtype=None, device=None) -> Tensor: a 0-dim tensor, of the default float dtype."""
    return full((), s, dtype=dtypes.get_default_dtype() if dtype is None else dtype, device=device,
                requires_grad=requires_grad)  # fmt: skip


@function(out=True)
def range(start=0, end=None, step=1, *, dtype=None, layout=None, device=None, requires_grad=False):
    """range(start=0, end, step=1, *, dtype=None, device=None) -> Tensor

    As `arange`, but `end` is included; deprecated.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.range.html
    """
    import warnings

    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        stacklevel=2,
    )
    start, end = (0, start) if end is None else (start, end)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    count = math.floor((end - start) / step) + 1
    return _finish(start + np.arange(count) * step, dtype or dtypes.get_default_dtype(), device, requires_grad)


def _triangle_indices(name: str, find, text: str):
    def indices(row, col, offset=0, *, dtype=None, layout=None, device=None):
        for what, value in (("row", row), ("col", col)):
            if value < 0:
                raise RuntimeError(f"{what} must be non-negative, got{value}")
        dtype = dtypes.int64 if dtype is None else dtype
        if dtype.category != 1:
            raise NotImplementedError(f"\"{name}\" not implemented for '{dtypes.legacy_name(dtype)}'")
        return _finish(np.stack(find(row, offset, col)), dtype, device, False)

    indices.__name__ = indices.__qualname__ = name
    indices.__doc__ = f"""{name}(row, col, offset=0, *, dtype=torch.int64, device=None) -> Tensor

    Row and column numbers of {text} of a matrix, row by row, as a 2 × n tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    return function()(indices)


tril_indices = _triangle_indices("tril_indices", np.tril_indices, "the elements on and below a diagonal")
triu_indices = _triangle_indices("triu_indices", np.triu_indices, "the elements on and above a diagonal")


@function()
def vander(x, N=None, increasing=False):
    """vander(x, N=None, increasing=False) -> Tensor: the powers of each element as a row, the highest first.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.vander.html
    """
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    made = x.unsqueeze(-1) ** arange(count, device=x.device)
    return made if increasing else made.flip(-1)
