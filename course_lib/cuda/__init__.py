"""torch.cuda: GPUs, their memory, streams and generators.

On a machine without a GPU (or without CuPy) every question gets the answer that PyTorch gives there: no device, no
memory; only what cannot be done raises. Nothing here is loaded by `import course_lib`.
"""

from __future__ import annotations

import importlib

from ..errors import AcceleratorError, OutOfMemoryError
from .devices import (
    can_device_access_peer,
    current_device,
    device,
    device_count,
    device_of,
    get_arch_list,
    get_device_capability,
    get_device_name,
    get_device_properties,
    init,
    ipc_collect,
    is_available,
    is_bf16_supported,
    is_initialized,
    is_tf32_supported,
    set_device,
    synchronize,
)
from .graphs import (
    CUDAGraph,
    graph,
    graph_pool_handle,
    is_current_stream_capturing,
    make_graphed_callables,
)
from .memory import (
    MemPool,
    empty_cache,
    get_allocator_backend,
    get_per_process_memory_fraction,
    max_memory_allocated,
    max_memory_cached,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_cached,
    memory_reserved,
    memory_stats,
    memory_stats_as_nested_dict,
    memory_summary,
    reset_accumulated_memory_stats,
    reset_max_memory_allocated,
    reset_max_memory_cached,
    reset_peak_memory_stats,
    set_per_process_memory_fraction,
    use_mem_pool,
)
from .random import (
    get_rng_state,
    get_rng_state_all,
    initial_seed,
    manual_seed,
    manual_seed_all,
    seed,
    seed_all,
    set_rng_state,
    set_rng_state_all,
)
from .sensors import (
    clock_rate,
    device_memory_used,
    list_gpu_processes,
    memory_usage,
    power_draw,
    temperature,
    utilization,
)
from .streams import (
    Event,
    ExternalStream,
    Stream,
    StreamContext,
    current_stream,
    default_stream,
    get_stream_from_external,
    set_stream,
    stream,
)

has_half, has_magma = True, False
_SUBMODULES = {"amp", "devices", "graphs", "memory", "nvtx", "profiler", "random", "sensors", "streams"}


class CudaError(RuntimeError):
    """An error of the CUDA runtime, by its number."""

    def __init__(self, code: int):
        from ..backends import cuda

        text = str(cuda.cupy().cuda.runtime.CUDARuntimeError(code)) if is_available() else "unknown error"
        super().__init__(f"{text} ({code})")


class DeferredCudaCallError(Exception):
    """What could not be done when CUDA was initialised."""


def check_error(res: int) -> None:
    """CudaError if this status of the CUDA runtime is no success."""
    if res != 0:
        raise CudaError(res)


def current_blas_handle() -> int:
    """cuBLAS' handle of the current GPU, as an address."""
    init()
    from ..backends import cuda

    return cuda.cupy().cuda.device.get_cublas_handle()


def get_gencode_flags() -> str:
    """The compiler's flags for `get_arch_list`; kernels are compiled for the GPU that is there."""
    return ""


def __getattr__(name: str):
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "default_generators":
        from .random import generator_of

        return tuple([generator_of(index) for index in range(device_count())])
    if name.endswith("Tensor"):
        from ..legacy import cuda_type

        return cuda_type(name)
    raise AttributeError(f"module 'torch.cuda' has no attribute '{name}'")
