"""autocast: regions in which products of matrices run in half precision, and what needs range runs in float32.

The mode is kept for each kind of device: `AUTOCAST.lower` has a dtype where it is on. The ops look there, and cast
their operands themselves (ops/_autocast.py).
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Mapping

import numpy as np

from .. import cuda, dtypes
from ..device import device as device_type_of
from ..ops._autocast import AUTOCAST, for_gpu
from ..tensor import Tensor

_DTYPES = {"cpu": dtypes.bfloat16, "cuda": dtypes.float16}  # what ops are lowered to where it is on
_SUPPORTED = (dtypes.bfloat16, dtypes.float16)
_CACHE = {"enabled": True, "nesting": 0}


def _switch(kind: str, enabled: bool, dtype) -> None:
    """Autocast to this dtype on a kind of device, or none."""
    _DTYPES[kind] = dtype
    if kind == "cuda" and enabled:
        for_gpu()
    others = {other: lower for other, lower in AUTOCAST.lower.items() if other != kind}
    AUTOCAST.lower = {**others, kind: dtype.numpy} if enabled else others
    AUTOCAST.on = bool(AUTOCAST.lower)


def _kind(function: str, device_type) -> str:
    """The kind of device; the errors of PyTorch for what is none, or has no autocast here."""
    if not isinstance(device_type, str):
        raise TypeError(
            f"{function}(): argument 'device_type' (position 1) must be str, not {type(device_type).__name__}"
        )
    kind = device_type_of(device_type).type
    if kind not in _DTYPES:
        raise RuntimeError("unsupported scalarType")
    return kind


# ---- the mode ------------------------------------------------------------------------------------------------------


def is_autocast_available(device_type: str) -> bool:
    """Whether there is autocast for this kind of device: "cpu" and "cuda".

    Source: https://docs.pytorch.org/docs/stable/amp.html
    """
    return device_type_of(device_type).type in _DTYPES


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether autocast is on for this kind of device.

    Source: https://docs.pytorch.org/docs/stable/amp.html
    """
    return _kind("is_autocast_enabled", device_type) in AUTOCAST.lower


def set_autocast_enabled(device_type, enabled: bool | None = None) -> None:
    """Turn autocast on or off for a kind of device, "cuda" if none is given; `autocast` does it in a region."""
    if enabled is None:
        device_type, enabled = "cuda", device_type
    kind = _kind("set_autocast_enabled", device_type)
    _switch(kind, bool(enabled), _DTYPES[kind])


def get_autocast_dtype(device_type: str):
    """The dtype that autocast lowers to on this kind of device.

    >>> import course_lib as torch
    >>> torch.get_autocast_dtype("cpu"), torch.get_autocast_dtype("cuda")
    (torch.bfloat16, torch.float16)

    Source: https://docs.pytorch.org/docs/stable/amp.html
    """
    return _DTYPES[_kind("get_autocast_dtype", device_type)]


def set_autocast_dtype(device_type: str, dtype) -> None:
    """Set the dtype that autocast lowers to on this kind of device."""
    kind = _kind("set_autocast_dtype", device_type)
    _switch(kind, kind in AUTOCAST.lower, dtype)


def is_autocast_cache_enabled() -> bool:
    """The setting of `set_autocast_cache_enabled`; this library casts weights anew each time."""
    return _CACHE["enabled"]


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Accepted, and told by `is_autocast_cache_enabled`."""
    _CACHE["enabled"] = bool(enabled)


def clear_autocast_cache() -> None:
    """Accepted: there is no cache of cast weights."""


def autocast_increment_nesting() -> int:
    """Count one more region; returns the number of regions."""
    _CACHE["nesting"] += 1
    return _CACHE["nesting"]


def autocast_decrement_nesting() -> int:
    """Count one region less; returns the number of regions."""
    _CACHE["nesting"] -= 1
    return _CACHE["nesting"]


def _older(name: str, signature: str, instead: str, function):
    """A function under the name it has for one kind of device, which warns."""

    def called(*args):
        warnings.warn(
            f"torch.{name}({signature}) is deprecated. Please use torch.{instead} instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        return function(*args)

    called.__name__ = called.__qualname__ = name
    called.__doc__ = f"An older spelling of `torch.{instead}`."
    return called


is_autocast_cpu_enabled = _older("is_autocast_cpu_enabled", "", "is_autocast_enabled('cpu')",
                                 functools.partial(is_autocast_enabled, "cpu"))  # fmt: skip
set_autocast_cpu_enabled = _older("set_autocast_cpu_enabled", "enabled", "set_autocast_enabled('cpu', enabled)",
                                  functools.partial(set_autocast_enabled, "cpu"))  # fmt: skip
get_autocast_cpu_dtype = _older("get_autocast_cpu_dtype", "", "get_autocast_dtype('cpu')",
                                functools.partial(get_autocast_dtype, "cpu"))  # fmt: skip
set_autocast_cpu_dtype = _older("set_autocast_cpu_dtype", "dtype", "set_autocast_dtype('cpu', dtype)",
                                functools.partial(set_autocast_dtype, "cpu"))  # fmt: skip
get_autocast_gpu_dtype = _older("get_autocast_gpu_dtype", "", "get_autocast_dtype('cuda')",
                                functools.partial(get_autocast_dtype, "cuda"))  # fmt: skip
set_autocast_gpu_dtype = _older("set_autocast_gpu_dtype", "dtype", "set_autocast_dtype('cuda', dtype)",
                                functools.partial(set_autocast_dtype, "cuda"))  # fmt: skip


# ---- the region ----------------------------------------------------------------------------------------------------


class autocast:
    """A region, or a decorated function, in which matrix products run in `dtype` and losses and the like in float32.

    device_type: "cpu" or "cuda", whose tensors are concerned. dtype: bfloat16 on the CPU and float16 on a GPU, if None.
    Regions nest; `enabled=False` makes one without casts. Parameters stay in float32; so do their gradients.

    >>> import course_lib as torch
    >>> a = torch.ones(2, 2)
    >>> with torch.autocast("cpu"):
    ...     product, total = a @ a, a + a
    >>> product.dtype, total.dtype
    (torch.bfloat16, torch.float32)

    Source: https://docs.pytorch.org/docs/stable/amp.html#torch.autocast
    """

    def __init__(self, device_type: str, dtype=None, enabled: bool = True, cache_enabled: bool | None = None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self.device = device_type
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        self._enabled = enabled and self._can_be_enabled()
        self._before: list[tuple] = []  # a stack: one object may be entered again while it is active

    def _can_be_enabled(self) -> bool:
        if self.device == "cuda":
            if cuda.is_available():
                return True
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=3)
            return False
        if self.fast_dtype in _SUPPORTED:
            return True
        name = self.device.upper()
        warnings.warn(
            f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n{name} Autocast only "
            f"supports dtypes of {', '.join(map(str, _SUPPORTED))} currently.",
            stacklevel=3,
        )
        return False

    def __enter__(self):
        kind = device_type_of(self.device).type
        self._before.append((kind in AUTOCAST.lower, _DTYPES[kind], _CACHE["enabled"]))
        _CACHE["enabled"] = self._cache_enabled
        autocast_increment_nesting()
        _switch(kind, self._enabled, self.fast_dtype)
        return self

    def __exit__(self, *exception) -> bool:
        kind = device_type_of(self.device).type
        enabled, dtype, _CACHE["enabled"] = self._before.pop()
        autocast_decrement_nesting()
        _switch(kind, enabled, dtype)
        return False

    def __call__(self, func):
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. Did you mean to use autocast "
                "as a context manager? For example:\n    with torch.autocast(device_type=...):\n        output = "
                "model(input)"
            )

        @functools.wraps(func)
        def in_region(*args, **kwargs):
            with self:
                return func(*args, **kwargs)

        return in_region


# ---- functions of one's own ----------------------------------------------------------------------------------------


def _cast(value, device_type: str, dtype):
    """`value` with its float tensors on this kind of device in `dtype`, inside collections too; not float64."""
    if isinstance(value, Tensor):
        fits = value.is_floating_point() and value.device.type == device_type and value.dtype is not dtypes.float64
        return value.to(dtype) if fits else value
    if isinstance(value, (str, bytes, np.ndarray)) or not isinstance(value, Iterable):
        return value
    if isinstance(value, Mapping):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    parts = (_cast(part, device_type, dtype) for part in value)
    return type(value)(parts) if isinstance(value, (list, tuple)) else parts


def _check_device_type(device_type) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def custom_fwd(fwd=None, *, device_type: str, cast_inputs=None):
    """Decorates `forward` of an autograd.Function: under autocast, cast its inputs to `cast_inputs` and turn it off.

    With `cast_inputs=None` forward runs under autocast as it is. `custom_bwd` makes backward do the same.

    Source: https://docs.pytorch.org/docs/stable/amp.html#torch.amp.custom_fwd
    """
    _check_device_type(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(ctx, *args, **kwargs):
        ctx._dtype = get_autocast_dtype(device_type)
        enabled = is_autocast_enabled(device_type)
        ctx._fwd_used_autocast = enabled and cast_inputs is None
        if not enabled or cast_inputs is None:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(ctx, *_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs))

    return forward


def custom_bwd(bwd=None, *, device_type: str):
    """Decorates `backward` of an autograd.Function: it runs under autocast where `custom_fwd`'s forward did.

    Source: https://docs.pytorch.org/docs/stable/amp.html#torch.amp.custom_bwd
    """
    _check_device_type(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(ctx, *args, **kwargs):
        with autocast(device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(ctx, *args, **kwargs)

    return backward


__all__ = ["autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
