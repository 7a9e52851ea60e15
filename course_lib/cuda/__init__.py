"""torch.cuda: what a program asks before it uses a GPU.

This installation computes on the CPU, so every question gets the answer that PyTorch gives on a machine without a GPU.
"""

from __future__ import annotations

import importlib


def is_available() -> bool:
    """Whether tensors can be moved to a GPU.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.is_available.html
    """
    return False


def device_count() -> int:
    """How many GPUs there are.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.device_count.html
    """
    return 0


def is_initialized() -> bool:
    """Whether a GPU has been used yet."""
    return False


def manual_seed(seed: int) -> None:
    """Seed the current GPU's generator; without a GPU there is nothing to seed, which is no error.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.manual_seed.html
    """


def manual_seed_all(seed: int) -> None:
    """Seed the generators of all GPUs; without one there is nothing to seed, which is no error.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.manual_seed_all.html
    """


def empty_cache() -> None:
    """Give cached GPU memory back; without a GPU there is none.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.empty_cache.html
    """


def memory_allocated(device=None) -> int:
    """Bytes of GPU memory that tensors occupy."""
    return 0


def memory_reserved(device=None) -> int:
    """Bytes of GPU memory that the caching allocator holds."""
    return 0


def current_device() -> int:
    """The index of the current GPU; AssertionError where there is none."""
    return _refuse()


def synchronize(device=None) -> None:
    """Wait for the GPU; AssertionError where there is none.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.synchronize.html
    """
    _refuse()


def get_device_name(device=None) -> str:
    """The name of a GPU; AssertionError where there is none."""
    return _refuse()


def _refuse():
    raise AssertionError("Torch not compiled with CUDA enabled")


def __getattr__(name: str):
    if name == "amp":
        return importlib.import_module(f"{__name__}.amp")
    raise AttributeError(f"module 'torch.cuda' has no attribute '{name}'")


__all__ = ["current_device", "device_count", "empty_cache", "get_device_name", "is_available", "is_initialized",
           "manual_seed", "manual_seed_all", "memory_allocated", "memory_reserved", "synchronize"]  # fmt: skip
