"""The memory of a GPU: what tensors occupy, what CuPy's pool holds, the most of both so far.

A tensor's memory comes from a pool that asks the driver for large pieces and keeps them: `memory_reserved` counts what
the pool holds, `memory_allocated` what tensors use of it, and `empty_cache` gives the rest back.
"""

from __future__ import annotations

from ..backends import cuda as backend
from .devices import index_of, is_available, require


def memory_allocated(device=None) -> int:
    """Bytes of GPU memory that tensors occupy; 0 without a GPU.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.memory_allocated.html
    """
    return _pool(device).used_bytes() if is_available() else 0


def memory_reserved(device=None) -> int:
    """Bytes of GPU memory that the pool holds; 0 without a GPU.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.memory_reserved.html
    """
    return _pool(device).total_bytes() if is_available() else 0


def max_memory_allocated(device=None) -> int:
    """The most bytes that tensors occupied since the start or `reset_peak_memory_stats`; 0 without a GPU.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.max_memory_allocated.html
    """
    return _peaks(device)[0]


def max_memory_reserved(device=None) -> int:
    """The most bytes that the pool held since the start or `reset_peak_memory_stats`; 0 without a GPU."""
    return _peaks(device)[1]


def reset_peak_memory_stats(device=None) -> None:
    """Let the peaks start again from what is occupied now.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.reset_peak_memory_stats.html
    """
    index = index_of(device)
    backend.peaks().reset(index)


reset_max_memory_allocated = reset_max_memory_cached = reset_peak_memory_stats
memory_cached, max_memory_cached = memory_reserved, max_memory_reserved


def empty_cache() -> None:
    """Give memory that no tensor uses back to the driver; without a GPU there is none.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.empty_cache.html
    """
    if is_available():
        _pool(None).free_all_blocks()


def mem_get_info(device=None) -> tuple[int, int]:
    """(free, total) bytes of a GPU, other programs' use included.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.mem_get_info.html
    """
    with backend.cupy_device(index_of(device)):
        return tuple(backend.cupy().cuda.runtime.memGetInfo())


def set_per_process_memory_fraction(fraction: float, device=None) -> None:
    """Let tensors occupy at most this fraction of a GPU's memory.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.set_per_process_memory_fraction.html
    """
    require()
    if not isinstance(fraction, float):
        raise TypeError("Invalid type for fraction argument, must be `float`")
    if not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    with backend.cupy_device(index_of(device)):
        _pool(device).set_limit(fraction=fraction)


def get_per_process_memory_fraction(device=None) -> float:
    """The fraction of a GPU's memory that tensors may occupy; 1 if no limit was set."""
    require()
    limit, total = _pool(device).get_limit(), mem_get_info(device)[1]
    return limit / total if limit else 1.0


def get_allocator_backend() -> str:
    """The name of what gives tensors their memory; for CuPy's pool it is PyTorch's name for its own."""
    require()
    return "native"


def reset_accumulated_memory_stats(device=None) -> None:
    """Let the counts of allocations start again; none are kept here."""
    require()


class MemPool:
    """A pool of GPU memory of its own; `use_mem_pool` lets tensors take their memory from it.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.MemPool.html
    """

    def __init__(self, allocator=None, use_on_oom: bool = False):
        if not is_available():
            raise RuntimeError("Tried to instantiate dummy base class MemPool")
        self._pool = backend.cupy().cuda.MemoryPool()


def use_mem_pool(pool: MemPool, device=None):
    """A context manager: tensors that this thread makes inside take their memory from the pool.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.use_mem_pool.html
    """
    return backend.cupy().cuda.using_allocator(pool._pool.malloc)


def memory_stats_as_nested_dict(device=None) -> dict:
    """`memory_stats` with a dictionary for each part of the names."""
    nested: dict = {}
    for name, value in memory_stats(device).items():
        place = nested
        *parts, last = name.split(".")
        for part in parts:
            place = place.setdefault(part, {})
        place[last] = value
    return nested


def memory_stats(device=None) -> dict[str, int]:
    """The memory figures by PyTorch's names; empty without a GPU.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.memory_stats.html
    """
    if not is_available():
        return {}
    peaks = _peaks(device)
    return {
        "allocated_bytes.all.current": memory_allocated(device),
        "allocated_bytes.all.peak": peaks[0],
        "reserved_bytes.all.current": memory_reserved(device),
        "reserved_bytes.all.peak": peaks[1],
    }


def memory_summary(device=None, abbreviated: bool = False) -> str:
    """The memory figures as a table.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.memory_summary.html
    """
    index = index_of(device)
    peaks = _peaks(index)
    rows = (("Allocated memory", memory_allocated(index), peaks[0]),
            ("GPU reserved memory", memory_reserved(index), peaks[1]))  # fmt: skip
    lines = [f"PyTorch CUDA memory summary, device ID {index}", f"{'Metric':20s} | {'Cur Usage':>12s} | {'Peak':>12s}"]
    lines += [f"{name:20s} | {_readable(now):>12s} | {_readable(peak):>12s}" for name, now, peak in rows]
    width = max(map(len, lines))
    return "\n".join(["=" * width, lines[0], "-" * width, lines[1], "-" * width, *lines[2:], "=" * width, ""])


def _readable(size: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{round(size)} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _pool(device):
    """CuPy's pool; each GPU has one of its own inside it, that of the current device is asked."""
    index = index_of(device)
    with backend.cupy_device(index):
        return backend.cupy().get_default_memory_pool()


def _peaks(device) -> tuple[int, int]:
    """(most allocated, most reserved) bytes."""
    return backend.peaks().of(index_of(device)) if is_available() else (0, 0)
