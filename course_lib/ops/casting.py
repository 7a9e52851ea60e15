"""Conversions of dtype and device: `to`, `float`, `long`, `cpu`, `cuda`, `type`, …"""

from __future__ import annotations

from .. import dtypes
from ..backends import device_of, is_numpy, moved
from ..device import CPU, resolve
from ..device import device as device_type
from ..layouts import is_in, laid_out, preserve_format
from ..tensor import Tensor
from ._arguments import cast
from ._op import function, op


@op(method=False, namespace=None, node="ToCopy")
class cast_copy:
    """A copy of a tensor in another dtype, or on another device."""

    def forward(xp, a, *, dtype, device=None, memory_format=None, non_blocking=False):
        if device is not None and device != device_of(a):
            made = moved(cast(a, dtype.numpy), device, non_blocking)
            return made if memory_format is None else laid_out(made, memory_format)
        made = cast(a, dtype.numpy)
        return laid_out(made, memory_format) if made is a or memory_format is not None else made

    def save(ctx, out, a, **settings):
        ctx.dtype, ctx.device = a.dtype, a.device

    def backward(ctx, g):
        return g.to(device=ctx.device, dtype=ctx.dtype)


@function(method=True, namespace=None)
def to(self, *args, device=None, dtype=None, non_blocking=False, copy=False, memory_format=None):
    """to(dtype), to(device), to(device, dtype), to(other) -> Tensor

    This tensor with another dtype or on another device; itself if nothing changes and `copy` is False.

    >>> import course_lib as torch
    >>> torch.tensor([1.7, -1.7]).to(torch.int64)
    tensor([ 1, -1])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.to.html
    """
    for value in args:
        if isinstance(value, dtypes.dtype):
            dtype = value
        elif isinstance(value, Tensor):
            dtype, device = value.dtype, value.device
        elif isinstance(value, bool):
            non_blocking, copy = value, non_blocking
        elif value in (float, int, bool, complex):
            dtype = value
        elif value is not None:
            device = value
    if dtype is not None and not isinstance(dtype, dtypes.dtype):
        dtype = python_dtype(dtype)
    wanted_device = self.device if device is None else resolve(device)
    wanted_dtype = self.dtype if dtype is None else dtype
    as_it_lies = memory_format is None or memory_format is preserve_format or is_in(self._array, memory_format)
    if as_it_lies and not copy and wanted_dtype is self.dtype and wanted_device == self.device:
        return self
    return cast_copy(self, dtype=wanted_dtype, device=wanted_device, memory_format=memory_format,
                     non_blocking=non_blocking)  # fmt: skip


def python_dtype(kind) -> dtypes.dtype:
    """float, int, bool and complex stand for dtypes, as in `torch.tensor(…, dtype=float)`."""
    found = {float: dtypes.float64, int: dtypes.int64, bool: dtypes.bool, complex: dtypes.complex128}.get(kind)
    if found is None:
        raise TypeError(f"expected a torch.dtype, but got {kind!r}")
    return found


def _conversion(name: str, dtype: dtypes.dtype):
    def convert(self, memory_format=None):
        return to(self, dtype, memory_format=memory_format)

    convert.__name__ = name
    convert.__doc__ = f"{name}() -> Tensor: this tensor as {dtype}."
    return function(method=True, namespace=None)(convert)


for _name, _dtype in (("float", dtypes.float32), ("double", dtypes.float64), ("half", dtypes.float16),
                      ("bfloat16", dtypes.bfloat16), ("long", dtypes.int64), ("int", dtypes.int32),
                      ("short", dtypes.int16), ("char", dtypes.int8), ("byte", dtypes.uint8), ("bool", dtypes.bool),
                      ("cfloat", dtypes.complex64), ("cdouble", dtypes.complex128)):  # fmt: skip
    _conversion(_name, _dtype)


@function(method=True, namespace=None)
def cpu(self, memory_format=None):
    """cpu() -> Tensor: this tensor in host memory; itself if it is there."""
    return to(self, CPU)


@function(method=True, namespace=None)
def cuda(self, device=None, non_blocking=False, memory_format=None):
    """cuda(device=None) -> Tensor: this tensor on a GPU; itself if it is there."""
    place = device_type("cuda") if device is None else device_type(device)
    return to(self, place, non_blocking=non_blocking, memory_format=memory_format)


@function(method=True, namespace=None)
def type_as(self, other):
    """type_as(other) -> Tensor: this tensor with `other`'s dtype and device."""
    return to(self, other)


@function(method=True, namespace=None)
def type(self, dtype=None, non_blocking=False):
    """type() -> str, type(dtype) -> Tensor

    The name of this tensor's type, such as 'torch.FloatTensor', or the tensor converted to `dtype` (which may also be
    such a name).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.type.html
    """
    place = "" if is_numpy(self._array) else "cuda."
    if dtype is None:
        return f"torch.{place}{dtypes.legacy_name(self.dtype)}Tensor"
    if isinstance(dtype, str):
        by_name = {f"torch.{dtypes.legacy_name(d)}Tensor": d for d in dtypes.ALL}
        if dtype not in by_name:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = by_name[dtype]
    return to(self, dtype if isinstance(dtype, dtypes.dtype) else getattr(dtype, "dtype", None) or python_dtype(dtype))
