"""cudasim: CUDA kernels in Python, run on the CPU by a simulator that sees their mistakes.

    from course_lib import cudasim as cuda      # on a GPU: from numba import cuda

    @cuda.jit
    def add(x, y, out):
        i = cuda.grid(1)
        if i < out.size:
            out[i] = x[i] + y[i]

    add[blocks, threads](x, y, out)

The names are numba.cuda's. All threads of a block run side by side as elements of NumPy arrays, in a fixed order, so
results are the same in every run. Races, missing barriers, indices outside and unwritten memory raise an error that
names the line and the threads; `kernel.report` tells what the memory system and the warps had to do.
"""

from __future__ import annotations

from numpy import (
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)

from .arrays import (
    DeviceArray,
    close,
    default_stream,
    device_array,
    device_array_like,
    event,
    event_elapsed_time,
    get_current_device,
    is_available,
    is_cuda_array,
    managed_array,
    mapped_array,
    pinned_array,
    select_device,
    stream,
    synchronize,
    to_device,
)
from .atomics import atomic
from .counting import Machine
from .errors import (
    BarrierDivergence,
    KernelError,
    KernelTypeError,
    OutOfBounds,
    Race,
    StepLimit,
    Uninitialized,
    UnsupportedSyntax,
)
from .intrinsics import (
    activemask,
    all_sync,
    any_sync,
    ballot_sync,
    blockDim,
    blockIdx,
    brev,
    cbrt,
    clz,
    const,
    ffs,
    fma,
    grid,
    gridDim,
    gridsize,
    laneid,
    lanemask_lt,
    local,
    nanosleep,
    popc,
    rsqrt,
    selp,
    shared,
    shfl_down_sync,
    shfl_sync,
    shfl_up_sync,
    shfl_xor_sync,
    syncthreads,
    syncthreads_and,
    syncthreads_count,
    syncthreads_or,
    syncwarp,
    threadfence,
    threadfence_block,
    threadfence_system,
    threadIdx,
)
from .kernel import jit
from .lanes import WARP as warpsize
from .report import Report
