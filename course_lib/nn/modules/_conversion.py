"""Converting all of a module at once: to another dtype or device, into other memory.

`_apply(fn)` is the one walk: it replaces the data of each parameter, of its gradient and of each buffer by what `fn`
makes of it. Parameters stay the same objects, so that optimizers keep working.
"""

from __future__ import annotations

import warnings

from ...autograd.grad_mode import no_grad
from ...device import device as device_type
from ...dtypes import bfloat16, float16, float32, float64
from ...dtypes import dtype as dtype_type
from ...ops.creation import empty_like
from ...tensor import Tensor
from ..parameter import Parameter


class Conversion:
    """The part of Module that converts its tensors."""

    def _apply(self, fn, recurse: bool = True):
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, param in self._parameters.items():
            if param is not None:
                _convert(self._parameters, name, param, fn)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """to(device), to(dtype), to(device, dtype), to(other) -> Module

        Move parameters and buffers to a device, and those of floating dtype to a floating dtype, in place; returns the
        module. TypeError for a dtype of whole numbers.

        >>> import course_lib as torch
        >>> torch.nn.Linear(2, 2).to(torch.float64).weight.dtype
        torch.float64

        Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.to
        """
        device, dtype, non_blocking, memory_format = _parsed(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        if dtype is not None and dtype.is_complex:
            warnings.warn(
                "Complex modules are a new feature under active development whose design may change, and some modules "
                "might not work as expected when using complex tensors as parameters or buffers. Please file an issue "
                "at https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a complex module does not "
                "work as expected.",
                stacklevel=2,
            )

        def convert(tensor):
            if device is not None and device.type != "meta" and tensor.device.type == "meta":
                raise NotImplementedError(
                    "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of "
                    "torch.nn.Module.to() when moving module from meta to a different device."
                )
            converts = tensor.is_floating_point() or tensor.is_complex()
            layout = {} if memory_format is None or tensor.dim() not in (4, 5) else {"memory_format": memory_format}
            return tensor.to(device=device, dtype=dtype if converts else None, non_blocking=non_blocking, **layout)

        return self._apply(convert)

    def to_empty(self, *, device, recurse: bool = True):
        """Move parameters and buffers to a device without their numbers, which are uninitialised afterwards."""
        return self._apply(lambda tensor: empty_like(tensor, device=device), recurse=recurse)

    def type(self, dst_type):
        """Convert all parameters and buffers to a dtype, whatever theirs is; returns the module."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def cpu(self):
        """Move all parameters and buffers into host memory; returns the module."""
        return self._apply(lambda tensor: tensor.cpu())

    def cuda(self, device=None):
        """Move all parameters and buffers to a GPU; returns the module."""
        return self._apply(lambda tensor: tensor.cuda(device))

    def float(self):
        """Convert parameters and buffers of floating dtype to float32; returns the module."""
        return self._to_floating(float32)

    def double(self):
        """Convert parameters and buffers of floating dtype to float64; returns the module."""
        return self._to_floating(float64)

    def half(self):
        """Convert parameters and buffers of floating dtype to float16; returns the module."""
        return self._to_floating(float16)

    def bfloat16(self):
        """Convert parameters and buffers of floating dtype to bfloat16; returns the module."""
        return self._to_floating(bfloat16)

    def _to_floating(self, dtype):
        return self._apply(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor)

    def share_memory(self):
        """Have `share_memory_()` called on every parameter and buffer; returns the module."""
        return self._apply(lambda tensor: tensor.share_memory_())


def _convert(table: dict, name: str, param: Parameter, fn) -> None:
    """Put the converted data into the parameter itself, and likewise its gradient."""
    with no_grad():
        converted = fn(param)
    if converted is not param:
        grad = param._grad
        param._grad = None
        param.data = converted
        if grad is not None:
            with no_grad():
                converted = fn(grad)
            param._grad = converted.requires_grad_(grad.requires_grad)
    table[name] = param


def _parsed(*args, tensor=None, device=None, dtype=None, non_blocking=False, copy=False, memory_format=None) -> tuple:
    """(device, dtype, non_blocking, memory_format) of a call of `to`."""
    for value in (*args, tensor):
        if isinstance(value, Tensor):
            device, dtype = value.device, value.dtype
        elif isinstance(value, dtype_type):
            dtype = value
        elif isinstance(value, bool):
            non_blocking = value
        elif value is not None:
            device = value
    return device if device is None else device_type(device), dtype, non_blocking, memory_format
