"""torch.accelerator: the GPU, whatever its kind; here that is a CUDA device, or none.

Source: https://docs.pytorch.org/docs/stable/accelerator.html
"""

from __future__ import annotations

from . import cuda
from .device import device as torch_device


def is_available() -> bool:
    """Whether there is a GPU."""
    return cuda.is_available()


def device_count() -> int:
    """How many GPUs there are."""
    return cuda.device_count()


def current_accelerator(check_available: bool = False) -> torch_device | None:
    """The kind of GPU as a device without a number, None where there is none."""
    return torch_device("cuda") if cuda.is_available() else None


def _require() -> None:
    if not cuda.is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")


def current_device_index() -> int:
    """The number of the current GPU."""
    _require()
    return cuda.current_device()


def set_device_index(device) -> None:
    """Make a GPU the current one."""
    _require()
    cuda.set_device(device)


def synchronize(device=None) -> None:
    """Wait until the GPU has done all that was asked of it."""
    _require()
    cuda.synchronize(device)


def current_stream(device=None) -> cuda.Stream:
    """The stream that gets the work."""
    _require()
    return cuda.current_stream(device)


def set_stream(stream: cuda.Stream) -> None:
    """Let a stream get the work from now on."""
    _require()
    cuda.set_stream(stream)


def device_index(device: int | None) -> cuda.device:
    """A context manager that makes a GPU the current one; None changes nothing."""
    return cuda.device(device)


current_device_idx, set_device_idx = current_device_index, set_device_index
empty_cache, memory_allocated, memory_reserved = cuda.empty_cache, cuda.memory_allocated, cuda.memory_reserved
max_memory_allocated, max_memory_reserved = cuda.max_memory_allocated, cuda.max_memory_reserved
memory_stats, reset_peak_memory_stats = cuda.memory_stats, cuda.reset_peak_memory_stats
