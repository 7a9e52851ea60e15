"""Constructors of early PyTorch versions: `torch.FloatTensor(2, 3)`, `torch.LongTensor([1, 2])`, …

Each stands for one dtype. They are types only for `isinstance` and `tensor.type(…)`: what they make are plain tensors.
"""

from __future__ import annotations

import numpy as np

from . import dtypes
from .errors import warn
from .ops.creation import legacy_tensor
from .tensor import Tensor


class _LegacyType(type):
    """The type of torch.FloatTensor and its kin: `isinstance(t, torch.FloatTensor)` asks for the dtype."""

    dtype: dtypes.dtype

    def __instancecheck__(cls, instance) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.is_cpu

    def __call__(cls, *args, **named) -> Tensor:
        if len(args) == 1:
            given = args[0]
            if isinstance(given, Tensor) and given.dtype is not cls.dtype:
                raise TypeError(f"expected {_options(cls.dtype)} (got {_options(given.dtype)})")
            if isinstance(given, str):
                raise TypeError("new(): invalid data type 'str'")
            if isinstance(given, float):
                raise TypeError("new(): data must be a sequence (got float)")
        return legacy_tensor(Tensor, *args, dtype=cls.dtype, **named)

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def _options(dtype: dtypes.dtype) -> str:
    name = {"Long": "long int"}.get(dtypes.legacy_name(dtype), dtypes.legacy_name(dtype).lower())
    return (
        f"TensorOptions(dtype={name}, device=cpu, layout=Strided, requires_grad=false (default), pinned_memory=false "
        "(default), memory_format=(nullopt))"
    )


def _legacy_type(dtype: dtypes.dtype) -> _LegacyType:
    name = f"{dtypes.legacy_name(dtype)}Tensor"
    text = f"{name}(…) -> Tensor: an uninitialised {dtype} tensor of a shape, or one with the values of a list."
    return _LegacyType(name, (), {"dtype": dtype, "__module__": "torch", "__doc__": text})


_KINDS = (dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16, dtypes.uint8, dtypes.int8, dtypes.int16,
          dtypes.int32, dtypes.int64, dtypes.bool)  # fmt: skip
TYPES = {made.__name__: made for made in map(_legacy_type, _KINDS)}
globals().update(TYPES)


def cuda_type(name: str) -> type:
    """torch.cuda.FloatTensor and its kin: for `isinstance` and `type()`; TypeError when called without a GPU."""
    if name not in TYPES:
        raise AttributeError(f"module 'torch.cuda' has no attribute '{name}'")
    if name not in _CUDA_TYPES:
        members = {"dtype": TYPES[name].dtype, "__module__": "torch.cuda", "__doc__": TYPES[name].__doc__}
        _CUDA_TYPES[name] = _CudaType(name, (), members)
    return _CUDA_TYPES[name]


class _CudaType(_LegacyType):
    """The type of torch.cuda.FloatTensor and its kin."""

    def __instancecheck__(cls, instance) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.is_cuda

    def __call__(cls, *args, **named) -> Tensor:
        from .cuda import is_available

        if not is_available():
            raise TypeError(
                f"type torch.cuda.{cls.__name__} not available. Torch not compiled with CUDA enabled."
            )
        return legacy_tensor(Tensor, *args, dtype=cls.dtype, **named).cuda()

    def __repr__(cls) -> str:
        return f"<class 'torch.cuda.{cls.__name__}'>"


_CUDA_TYPES: dict[str, type] = {}


def set_default_tensor_type(t) -> None:
    """set_default_tensor_type(t): make the dtype of a floating type, such as torch.DoubleTensor, the default one.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.set_default_tensor_type.html
    """
    warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives."
    )
    if isinstance(t, str):
        found = TYPES.get(t.removeprefix("torch."))
        if found is None:
            raise TypeError(f"invalid type object: {t!r}; expected a name such as 'torch.DoubleTensor'")
        t = found
    if not isinstance(t, _LegacyType):
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    if not t.dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    dtypes.set_default_dtype(t.dtype)


def new(self, *args, device=None) -> Tensor:
    """new(*size), new(values) -> Tensor: as the legacy constructor of this tensor's dtype."""
    if not args:
        return legacy_tensor(Tensor, dtype=self.dtype)
    if isinstance(args[0], np.ndarray):
        return self.new_tensor(args[0])
    return TYPES[f"{dtypes.legacy_name(self.dtype)}Tensor"](*args)
