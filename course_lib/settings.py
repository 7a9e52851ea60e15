"""Switches of the whole library: threads, determinism, precision of products. Most describe hardware and libraries that
are not used here; they are remembered, so that a program that sets and reads them runs.
"""

from __future__ import annotations

import os
import warnings

_state = {"threads": os.cpu_count() or 1, "interop": os.cpu_count() or 1, "debug_mode": 0, "precision": "highest",
          "warn_always": False}  # fmt: skip
_MODES = ("default", "warn", "error")


def _set_threads(name: str, key: str, count) -> None:
    if not isinstance(count, int):
        raise RuntimeError(f"{name} expects an int, but got {type(count).__name__}")
    if count <= 0:
        raise RuntimeError(f"{name} expects a positive integer")
    _state[key] = count


def get_num_threads() -> int:
    """get_num_threads() -> int: how many threads one operation may use."""
    return _state["threads"]


def set_num_threads(count: int) -> None:
    """set_num_threads(count): how many threads one operation may use."""
    _set_threads("set_num_threads", "threads", count)


def get_num_interop_threads() -> int:
    """get_num_interop_threads() -> int: how many operations may run at the same time."""
    return _state["interop"]


def set_num_interop_threads(count: int) -> None:
    """set_num_interop_threads(count): how many operations may run at the same time."""
    _set_threads("set_num_interop_threads", "interop", count)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """use_deterministic_algorithms(mode, *, warn_only=False): ask for the same result on every run.

    On the CPU every operation gives it anyway. On a GPU sums at places that an index names (`index_add`, `scatter_add`
    and the gradients of `gather` and `index_select`) are then added up in a fixed order instead of with atomics.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html
    """
    if not isinstance(mode, bool):
        raise TypeError(
            f"_set_deterministic_algorithms(): argument 'mode' (position 1) must be bool, not {type(mode).__name__}"
        )
    _state["debug_mode"] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """are_deterministic_algorithms_enabled() -> bool: what `use_deterministic_algorithms` was given."""
    return _state["debug_mode"] > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """is_deterministic_algorithms_warn_only_enabled() -> bool: whether only a warning was asked for."""
    return _state["debug_mode"] == 1


def get_deterministic_debug_mode() -> int:
    """get_deterministic_debug_mode() -> int: 0 (default), 1 (warn) or 2 (error)."""
    return _state["debug_mode"]


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """set_deterministic_debug_mode(debug_mode): "default", "warn" or "error", or 0, 1, 2."""
    if isinstance(debug_mode, str):
        if debug_mode not in _MODES:
            raise RuntimeError(
                f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
            )
        debug_mode = _MODES.index(debug_mode)
    elif debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    _state["debug_mode"] = debug_mode


def get_float32_matmul_precision() -> str:
    """get_float32_matmul_precision() -> str: "highest", "high" or "medium"."""
    from .backends.cuda_settings import matmul

    if not matmul.allow_tf32:
        return "highest"
    return "high" if _state["precision"] == "highest" else _state["precision"]


def set_float32_matmul_precision(precision: str) -> None:
    """set_float32_matmul_precision(precision): how exact products of float32 matrices must be.

    "highest": float32. "high" and "medium": a GPU may multiply in TF32; the CPU does not change.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.set_float32_matmul_precision.html
    """
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current setting stays the same.",
            stacklevel=2,
        )
        return
    from .backends.cuda_settings import matmul

    _state["precision"] = precision
    matmul.allow_tf32 = precision != "highest"


def set_flush_denormal(mode: bool) -> bool:
    """set_flush_denormal(mode) -> bool: False; NumPy keeps numbers near 0 as they are."""
    return False


def set_warn_always(b: bool) -> None:
    """set_warn_always(b): whether warnings that come once should come always."""
    _state["warn_always"] = bool(b)


def is_warn_always_enabled() -> bool:
    """is_warn_always_enabled() -> bool: what `set_warn_always` was given."""
    return _state["warn_always"]


def typename(obj) -> str:
    """typename(obj) -> str: the type's name with its module; for a tensor such as 'torch.FloatTensor'.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.typename.html
    """
    from .tensor import Tensor

    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if isinstance(obj, type) else type(obj)
    module = getattr(obj, "__module__", None) or kind.__module__
    name = getattr(obj, "__qualname__", None) or kind.__qualname__
    return name if module in ("", "builtins", "__builtin__") else f"{module}.{name}"
