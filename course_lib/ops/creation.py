"""Tensors of a shape: filled with a value (`zeros`, `full`), like another tensor (`zeros_like`), with chosen strides.

`shape_of` reads the shape from all of PyTorch's spellings; `checked_value` refuses a number that the dtype cannot hold.
"""

from __future__ import annotations

import math
from contextlib import nullcontext

import numpy as np

from .. import dtypes
from ..backends import array_module, is_meta, made_elsewhere, on_gpu
from ..device import CPU, resolve
from ..dtypes import BOOL, COMPLEX, INT
from ..layouts import empty_laid_out, laid_out, preserve_format, sparse_coo
from ..size import Size
from ..tensor import Tensor, wrap
from ._arguments import cast
from ._op import function, write_out
from .casting import python_dtype
from .from_data import array_of, finished, flagged, in_pinned_memory

# ---- filled ------------------------------------------------------------------------------------------------------


def shape_of(size, name: str = "empty") -> tuple[int, ...]:
    """A shape from `(2, 3)`, `((2, 3),)` or `([2, 3],)`; RuntimeError for a negative size."""
    sizes = size
    if len(size) == 1 and not isinstance(size[0], (int, np.integer, str)) and hasattr(size[0], "__len__"):
        size = size[0]
    try:
        shape = tuple([s if type(s) is int else s.__index__() for s in size])
    except AttributeError:
        bad = next(i for i, n in enumerate(size) if not hasattr(n, "__index__"))
        kind = type(size[bad]).__name__
        if bad == 0:
            found = f", not {kind}" if size is sizes else f", but found element of type {kind} at pos 0"
            raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints{found}") from None
        raise TypeError(
            f"{name}(): argument 'size' failed to unpack the object at pos {bad + 1} with error \"type must be tuple "
            f'of ints,but got {kind}"'
        ) from None
    if shape and min(shape) < 0:
        if name in ("zeros", "ones"):
            raise RuntimeError(f"{name}: Dimension size must be non-negative.")
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape


def _filled(name: str, make, text: str):
    def create(
        *size,
        out=None,
        dtype=None,
        layout=None,
        device=None,
        pin_memory=False,
        requires_grad=False,
        **named,
    ):
        size = (named.pop("size"),) if "size" in named else size
        wanted = named.pop("memory_format", None) if make is np.empty else None
        if named:
            raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(named))}'")
        dtype = dtypes.get_default_dtype() if dtype is None else dtype
        dtype = dtype if isinstance(dtype, dtypes.dtype) else python_dtype(dtype)
        shape, place = shape_of(size, name), resolve(device)
        if layout is sparse_coo:
            from ..sparse import sparse_coo_tensor

            return sparse_coo_tensor(shape, dtype=dtype, device=place, requires_grad=requires_grad)
        array = make(shape, dtype.numpy) if place is CPU else made_elsewhere(name, place, shape, dtype.numpy)
        if wanted is preserve_format:
            raise RuntimeError("unsupported memory format Preserve")
        array = array if wanted is None else laid_out(array, wanted)
        made = flagged(array, requires_grad)
        made = in_pinned_memory(made) if pin_memory else made
        return made if out is None else write_out(name, out, (), made)

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
    value, place = checked_value(fill_value, dtype), resolve(device)
    array = np.empty(shape, dtype.numpy) if place is CPU else made_elsewhere("empty", place, shape, dtype.numpy)
    array[...] = value
    made = flagged(array, requires_grad)
    return in_pinned_memory(made) if pin_memory else made


_C_NAMES = {"uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "float16": "c10::Half",
            "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double", "complex64": "c10::complex<float>",
            "complex128": "c10::complex<double>"}  # fmt: skip


def checked_value(value, dtype: dtypes.dtype, halves: bool = False):
    """A number as `dtype` stores it; RuntimeError where it does not fit: an integer, or a finite float, out of range.

    For float16 and bfloat16 only where `halves` is true; otherwise such numbers become infinite.
    """
    if dtype.category == BOOL:
        return bool(value)
    if isinstance(value, (complex, np.complexfloating)) and dtype.category < COMPLEX:
        if value.imag:
            raise _overflow(dtype)
        value = value.real
    if dtype.category != INT:
        if math.inf > abs(value) > 65504 and (halves or dtype.itemsize > 2) and abs(value) > dtypes.finfo(dtype).max:
            raise _overflow(dtype)
        return value
    if isinstance(value, float) and not math.isfinite(value):
        raise _overflow(dtype)
    value, limits = int(value), np.iinfo(dtype.numpy)
    if not limits.min <= value <= limits.max and not (not dtype.is_signed and -limits.max <= value < 0):
        raise _overflow(dtype)
    return np.int64(value).astype(dtype.numpy) if value < 0 and not dtype.is_signed else value


def _overflow(dtype: dtypes.dtype) -> RuntimeError:
    kind = _C_NAMES.get(dtype._name, "int64_t")
    return RuntimeError(f"value cannot be converted to type {kind} without overflow")


def _like(name: str, value, text: str):
    def create(
        input, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None, pin_memory=False
    ):
        x = input._array
        if device is not None and is_meta(x):
            x = x.view(np.ndarray)
        wanted = (input.dtype if dtype is None else dtype).numpy
        xp = array_module(x)
        with nullcontext() if xp is np else on_gpu(x.device.id):
            if value == 0 and memory_format is None and x.flags.c_contiguous and not is_meta(x):
                array = xp.zeros(x.shape, wanted)  # the quickest way to zeros
            else:
                array = empty_laid_out(xp, x, wanted, memory_format)
                if value is not None:
                    array[...] = value
        if is_meta(x):
            array = array.view(type(x))
        if device is not None:
            return finished(array, None, device, requires_grad)
        made = wrap(array)
        return made.requires_grad_() if requires_grad else made

    create.__name__ = create.__qualname__ = name
    create.__doc__ = f"""{name}(input, *, dtype=None, device=None, requires_grad=False) -> Tensor

    {text}, with the input's shape, dtype, device and order in memory.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    return function()(create)


zeros_like = _like("zeros_like", 0, "A tensor of zeros")
ones_like = _like("ones_like", 1, "A tensor of ones")
empty_like = _like("empty_like", None, "An uninitialised tensor")


@function()
def full_like(input, fill_value, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    """full_like(input, fill_value, *, dtype=None) -> Tensor: filled with a value, with the input's shape and dtype.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.full_like.html
    """
    made = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
    made._array[...] = checked_value(fill_value, made.dtype)
    return made.requires_grad_() if requires_grad else made


def legacy_tensor(cls, *args, device=None, dtype=None, **named) -> Tensor:
    """`torch.Tensor(2, 3)` (uninitialised) and `torch.Tensor([1, 2])`: the constructor of early PyTorch versions."""
    dtype = dtype or dtypes.get_default_dtype()
    if len(args) == 1 and isinstance(args[0], Tensor):
        made = wrap(args[0]._array, cls)
        made._storage = args[0]._storage
        return made
    if len(args) == 1 and isinstance(args[0], (list, tuple, np.ndarray)) and not isinstance(args[0], Size):
        return wrap(cast(array_of(args[0]), dtype.numpy), cls)
    shape = shape_of(args) if args else (0,)
    return wrap(np.empty(shape, dtype.numpy), cls)


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
            f"{len(size)} is not equal to len(physical_layout) = {len(physical_layout)}"
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


@function()
def scalar_tensor(s, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """scalar_tensor(s, *, dtype=None, device=None) -> Tensor: a 0-dim tensor, of the default float dtype."""
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    return full((), s, dtype=dtype, device=device, requires_grad=requires_grad)
