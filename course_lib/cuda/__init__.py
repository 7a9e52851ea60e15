"""torch.cuda: GPUs, their memory, streams and generators.

On a machine without a GPU (or without CuPy) every question gets the answer that PyTorch gives there: no device, no
memory; only what cannot be done raises. Nothing here is loaded by `import course_lib`.
"""

from __future__ import annotations

import importlib

from ..errors import OutOfMemoryError
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
    empty_cache,
    max_memory_allocated,
    max_memory_cached,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_cached,
    memory_reserved,
    memory_stats,
    memory_summary,
    reset_max_memory_allocated,
    reset_max_memory_cached,
    reset_peak_memory_stats,
    set_per_process_memory_fraction,
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
from .streams import Event, ExternalStream, Stream, StreamContext, current_stream, default_stream, set_stream, stream

_SUBMODULES = {"amp", "devices", "graphs", "memory", "random", "streams"}


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
