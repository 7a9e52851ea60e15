"""Kernels with one mistake each, and what the simulator has to say of it.

Each entry of BUGS: name → (error, words that the message contains, a function that launches the kernel). The line that
the error has to name carries the comment `# BUG`.
"""

import numpy as np

from course_lib import cudasim as cuda
from course_lib.cudasim import (
    BarrierDivergence,
    KernelError,
    KernelTypeError,
    OutOfBounds,
    Race,
    StepLimit,
    Uninitialized,
    float32,
    int32,
)  # fmt: skip

BLOCK = 64
BUGS: dict[str, tuple] = {}


def planted(error, *words):
    """Note a function that launches a wrong kernel."""

    def note(launch):
        BUGS[launch.__name__] = (error, words, launch)
        return launch

    return note


def numbers(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


# ---- outside the array ---------------------------------------------------------------------------------------------


@cuda.jit
def no_guard_kernel(x):
    i = cuda.grid(1)
    x[i] = 1  # BUG


@planted(OutOfBounds, "uses x[100], but its size is 100", "thread (36, 0, 0) of block (1, 0, 0)")
def no_guard():
    no_guard_kernel[2, BLOCK](numbers(100))


@cuda.jit
def one_too_far_kernel(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = x[i + 1] - x[i]  # BUG


@planted(OutOfBounds, "uses x[50], but its size is 50", "thread (49, 0, 0)")
def one_too_far():
    one_too_far_kernel[1, BLOCK](numbers(50), numbers(50))


@cuda.jit
def guard_lets_one_more_in_kernel(x):
    i = cuda.grid(1)
    if i <= x.size:
        x[i] = 0  # BUG


@planted(OutOfBounds, "uses x[40], but its size is 40")
def guard_lets_one_more_in():
    guard_lets_one_more_in_kernel[1, BLOCK](numbers(40))


@cuda.jit
def left_neighbour_of_the_first_kernel(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = x[i] - x[i - 1]  # BUG


@planted(OutOfBounds, "uses x[-1]", "reads in front of the array in C++")
def left_neighbour_of_the_first():
    left_neighbour_of_the_first_kernel[1, BLOCK](numbers(10), numbers(10))


@cuda.jit
def rows_and_columns_swapped_kernel(x):
    row, column = cuda.grid(2)
    if row < x.shape[1] and column < x.shape[0]:
        x[row, column] = 0  # BUG


@planted(OutOfBounds, "its shape is (3, 5)")
def rows_and_columns_swapped():
    rows_and_columns_swapped_kernel[1, (8, 8)](numbers(3, 5))


@cuda.jit
def tile_without_halo_kernel(x, out):
    tile = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    out[t] = tile[t] + tile[t + 1]  # BUG


@planted(OutOfBounds, "uses tile[64], but its size is 64")
def tile_without_halo():
    tile_without_halo_kernel[1, BLOCK](numbers(BLOCK), numbers(BLOCK))


@cuda.jit
def class_number_too_large_kernel(x, counts):
    i = cuda.grid(1)
    if i < x.size:
        cuda.atomic.add(counts, x[i], 1)  # BUG


@planted(OutOfBounds, "uses counts[10], but its size is 10")
def class_number_too_large():
    class_number_too_large_kernel[1, BLOCK](np.array([1, 3, 10]), np.zeros(10, np.int64))


@cuda.jit
def local_array_too_small_kernel(out):
    window = cuda.local.array(3, float32)
    i = cuda.grid(1)
    for k in range(4):
        window[k] = k  # BUG
    out[i] = window[0]


@planted(OutOfBounds, "uses window[3], but its size is 3")
def local_array_too_small():
    local_array_too_small_kernel[1, 4](numbers(4))


@cuda.jit
def both_sides_of_a_ternary_kernel(x, out):
    i = cuda.grid(1)
    value = x[i]  # BUG
    out[i % 4] = value if i < x.size else 0


@planted(OutOfBounds, "uses x[4], but its size is 4")
def read_before_the_guard():
    both_sides_of_a_ternary_kernel[1, 8](numbers(4), numbers(4))


# ---- races in shared memory ----------------------------------------------------------------------------------------


@cuda.jit
def no_barrier_kernel(x, out):
    tile = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    out[t] = tile[BLOCK - 1 - t]  # BUG


@planted(Race, "race on shared array `tile`", "reads tile[63]", "put cuda.syncthreads() between them")
def no_barrier():
    no_barrier_kernel[1, BLOCK](numbers(BLOCK), numbers(BLOCK))


@cuda.jit
def reduction_without_barrier_kernel(x, out):
    tile = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    width = BLOCK // 2
    while width > 0:
        if t < width:
            tile[t] += tile[t + width]  # BUG
        width //= 2
    if t == 0:
        out[0] = tile[0]


@planted(Race, "race on shared array `tile`")
def reduction_without_barrier():
    reduction_without_barrier_kernel[1, BLOCK](numbers(BLOCK), numbers(1))


@cuda.jit
def second_barrier_missing_kernel(a, b, out):
    left = cuda.shared.array((8, 8), float32)
    right = cuda.shared.array((8, 8), float32)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    total = float32(0)
    for step in range(2):
        left[ty, tx] = a[ty, step * 8 + tx]  # BUG
        right[ty, tx] = b[step * 8 + ty, tx]
        cuda.syncthreads()
        for k in range(8):
            total += left[ty, k] * right[k, tx]
    out[ty, tx] = total


@planted(Race, "race on shared array `left`", "writes left[")
def second_barrier_missing():
    second_barrier_missing_kernel[1, (8, 8)](numbers(8, 16), numbers(16, 8), numbers(8, 8))


@cuda.jit
def running_sum_in_place_kernel(x):
    tile = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    reach = 1
    while reach < BLOCK:
        if t >= reach:
            tile[t] += tile[t - reach]  # BUG
        cuda.syncthreads()
        reach *= 2
    x[t] = tile[t]


@planted(Race, "race on shared array `tile`", "writes tile[")
def running_sum_in_place():
    running_sum_in_place_kernel[1, BLOCK](numbers(BLOCK))


@cuda.jit
def all_write_one_place_kernel(x, out):
    total = cuda.shared.array(1, float32)
    t = cuda.threadIdx.x
    total[0] = x[t]  # BUG
    cuda.syncthreads()
    out[t] = total[0]


@planted(Race, "writes total[0]", "also writes in the same instruction", "Let one thread write the element")
def all_write_one_place():
    all_write_one_place_kernel[1, BLOCK](numbers(BLOCK), numbers(BLOCK))


@cuda.jit
def clears_while_others_count_kernel(x, counts):
    mine = cuda.shared.array(8, int32)
    t = cuda.threadIdx.x
    if t < 8:
        mine[t] = 0
    cuda.atomic.add(mine, x[t], 1)  # BUG
    cuda.syncthreads()
    if t < 8:
        cuda.atomic.add(counts, t, mine[t])


@planted(Race, "race on shared array `mine`")
def clears_while_others_count():
    clears_while_others_count_kernel[1, BLOCK](np.arange(BLOCK) % 8, np.zeros(8, np.int32))


@cuda.jit
def reads_while_others_count_kernel(x, counts):
    mine = cuda.shared.array(8, int32)
    t = cuda.threadIdx.x
    if t < 8:
        mine[t] = 0
    cuda.syncthreads()
    cuda.atomic.add(mine, x[t], 1)
    if t < 8:
        counts[t] = mine[t]  # BUG


@planted(Race, "race on shared array `mine`", "reads mine[")
def reads_while_others_count():
    reads_while_others_count_kernel[1, BLOCK](np.arange(BLOCK) % 8, np.zeros(8, np.int32))


@cuda.jit
def counts_without_atomic_kernel(x, counts):
    mine = cuda.shared.array(8, int32)
    t = cuda.threadIdx.x
    if t < 8:
        mine[t] = 0
    cuda.syncthreads()
    mine[x[t]] += 1  # BUG
    cuda.syncthreads()
    if t < 8:
        counts[t] = mine[t]


@planted(Race, "race on shared array `mine`", "cuda.atomic")
def counts_without_atomic():
    counts_without_atomic_kernel[1, BLOCK](np.arange(BLOCK) % 8, np.zeros(8, np.int32))


@cuda.jit
def warp_counts_on_lockstep_kernel(x, out):
    tile = cuda.shared.array(32, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    out[t] = tile[(t + 1) % 32]  # BUG


@planted(Race, "race on shared array `tile`")
def warp_counts_on_lockstep():
    warp_counts_on_lockstep_kernel[1, 32](numbers(32), numbers(32))


@cuda.jit
def syncwarp_for_a_block_kernel(x, out):
    tile = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncwarp()
    out[t] = tile[BLOCK - 1 - t]  # BUG


@planted(Race, "race on shared array `tile`")
def syncwarp_for_a_block():
    syncwarp_for_a_block_kernel[1, BLOCK](numbers(BLOCK), numbers(BLOCK))


@cuda.jit
def result_read_too_early_kernel(x, out):
    best = cuda.shared.array(1, float32)
    t = cuda.threadIdx.x
    if t == 0:
        best[0] = x[0]
    out[t] = best[0]  # BUG


@planted(Race, "race on shared array `best`", "thread (0, 0, 0) of the same block wrote")
def result_read_too_early():
    result_read_too_early_kernel[1, BLOCK](numbers(BLOCK), numbers(BLOCK))


# ---- races in global memory ----------------------------------------------------------------------------------------


@cuda.jit
def sum_without_atomic_kernel(x, out):
    i = cuda.grid(1)
    out[0] += x[i]  # BUG


@planted(Race, "race on global array `out`", "cuda.atomic")
def sum_without_atomic():
    sum_without_atomic_kernel[2, BLOCK](numbers(128), numbers(1))


@cuda.jit
def shift_in_place_kernel(x):
    i = cuda.grid(1)
    if i + 1 < x.size:
        x[i] = x[i + 1]  # BUG


@planted(Race, "race on global array `x`")
def shift_in_place():
    shift_in_place_kernel[1, BLOCK](numbers(BLOCK))


@cuda.jit
def blur_in_place_kernel(x):
    i = cuda.grid(1)
    if i > 0 and i < x.size - 1:
        left = x[i - 1]
        right = x[i + 1]
        x[i] = (left + right) / 2  # BUG


@planted(Race, "race on global array `x`", "writes x[")
def blur_in_place():
    blur_in_place_kernel[2, BLOCK](numbers(128))


@cuda.jit
def blocks_wait_for_nobody_kernel(x, parts, out):
    i = cuda.grid(1)
    if cuda.threadIdx.x == 0:
        parts[cuda.blockIdx.x] = x[i]
    cuda.syncthreads()
    if i == 0:
        out[0] = parts[0] + parts[1]  # BUG


@planted(Race, "race on global array `parts`", "Nothing orders the blocks of a grid")
def barrier_is_not_for_the_grid():
    blocks_wait_for_nobody_kernel[2, BLOCK](numbers(128), numbers(2), numbers(1))


@cuda.jit
def two_threads_one_row_kernel(x, out):
    i = cuda.grid(1)
    out[i // 2] = x[i]  # BUG


@planted(Race, "race on global array `out`", "also writes")
def two_threads_one_element():
    two_threads_one_row_kernel[1, BLOCK](numbers(BLOCK), numbers(32))


@cuda.jit
def transpose_in_place_kernel(x):
    row, column = cuda.grid(2)
    kept = x[row, column]
    x[column, row] = kept  # BUG


@planted(Race, "race on global array `x`")
def transpose_in_place():
    transpose_in_place_kernel[1, (8, 8)](numbers(8, 8))


@cuda.jit
def scatter_kernel(index, x, out):
    i = cuda.grid(1)
    if i < index.size:
        out[index[i]] = x[i]  # BUG


@planted(Race, "writes out[3]", "also writes in the same instruction")
def scatter_to_repeated_places():
    scatter_kernel[1, 32](np.array([0, 3, 1, 3]), numbers(4), numbers(5))


@cuda.jit
def same_array_twice_kernel(x, out):
    i = cuda.grid(1)
    if i > 0 and i < x.size:
        out[i] = x[i] + x[i - 1]  # BUG


@planted(Race, "race on global array")
def output_is_the_input():
    x = numbers(BLOCK)
    same_array_twice_kernel[1, BLOCK](x, x)


# ---- barriers ------------------------------------------------------------------------------------------------------


@cuda.jit
def barrier_in_a_branch_kernel(x):
    tile = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    if t < 32:
        tile[t] = x[t]
        cuda.syncthreads()  # BUG
    x[t] = 0


@planted(BarrierDivergence, "32 of 64 threads", "thread (32, 0, 0) never comes", "the `if` on line", "keeps it away")
def barrier_in_a_branch():
    barrier_in_a_branch_kernel[1, BLOCK](numbers(BLOCK))


@cuda.jit
def return_before_the_barrier_kernel(x, out):
    tile = cuda.shared.array(BLOCK, float32)
    i, t = cuda.grid(1), cuda.threadIdx.x
    if i >= x.size:
        return
    tile[t] = x[i]
    cuda.syncthreads()  # BUG
    out[i] = tile[0]


@planted(BarrierDivergence, "thread (36, 0, 0) never comes", "it has returned on line")
def return_before_the_barrier():
    return_before_the_barrier_kernel[2, BLOCK](numbers(100), numbers(100))


@cuda.jit
def barrier_in_a_loop_of_different_length_kernel(x):
    t = cuda.threadIdx.x
    for _ in range(t // 32 + 1):
        x[t] += 1
        cuda.syncthreads()  # BUG


@planted(BarrierDivergence, "32 of 64 threads", "the loop on line")
def barrier_in_a_loop_of_different_length():
    barrier_in_a_loop_of_different_length_kernel[1, BLOCK](numbers(BLOCK))


@cuda.jit
def a_barrier_for_each_side_kernel(x):
    t = cuda.threadIdx.x
    if t % 2 == 0:
        x[t] = 0
        cuda.syncthreads()  # BUG
    else:
        x[t] = 1
        cuda.syncthreads()


@planted(BarrierDivergence, "32 of 64 threads", "must reach the same barrier")
def a_barrier_for_each_side():
    a_barrier_for_each_side_kernel[1, BLOCK](numbers(BLOCK))


@cuda.jit
def break_before_the_barrier_kernel(x):
    t = cuda.threadIdx.x
    for k in range(4):
        if t == 5 and k == 2:
            break
        x[t] += k
        cuda.syncthreads()  # BUG


@planted(BarrierDivergence, "thread (5, 0, 0) never comes")
def break_before_the_barrier():
    break_before_the_barrier_kernel[1, BLOCK](numbers(BLOCK))


@cuda.jit
def shuffle_in_a_branch_kernel(x):
    t = cuda.threadIdx.x
    if t < 16:
        x[t] += cuda.shfl_down_sync(0xFFFFFFFF, x[t], 8)  # BUG


@planted(BarrierDivergence, "cuda.shfl_down_sync", "lane 16 of its warp")
def shuffle_in_a_branch():
    shuffle_in_a_branch_kernel[1, 32](numbers(32))


@cuda.jit
def mask_without_the_caller_kernel(x):
    t = cuda.threadIdx.x
    x[t] = cuda.shfl_sync(0xFFFF, x[t], 0)  # BUG


@planted(KernelError, "with a mask that does not name it", "thread (16, 0, 0)")
def mask_without_the_caller():
    mask_without_the_caller_kernel[1, 32](numbers(32))


# ---- values that nobody has written --------------------------------------------------------------------------------


@cuda.jit
def shared_memory_not_cleared_kernel(x, counts):
    mine = cuda.shared.array(8, int32)
    t = cuda.threadIdx.x
    cuda.atomic.add(mine, x[t], 1)  # BUG
    cuda.syncthreads()
    if t < 8:
        counts[t] = mine[t]


@planted(Uninitialized, "reads mine[0], which nobody has written", "shared memory starts with whatever")
def shared_memory_not_cleared():
    shared_memory_not_cleared_kernel[1, BLOCK](np.arange(BLOCK) % 8, np.zeros(8, np.int32))


@cuda.jit
def last_tile_half_filled_kernel(x, out):
    tile = cuda.shared.array(BLOCK, float32)
    i, t = cuda.grid(1), cuda.threadIdx.x
    if i < x.size:
        tile[t] = x[i]
    cuda.syncthreads()
    if t == 0:
        total = float32(0)
        for k in range(BLOCK):
            total += tile[k]  # BUG
        out[cuda.blockIdx.x] = total


@planted(Uninitialized, "reads tile[36]")
def last_tile_half_filled():
    last_tile_half_filled_kernel[2, BLOCK](numbers(100), numbers(2))


@cuda.jit
def halo_not_filled_kernel(x, out):
    tile = cuda.shared.array(BLOCK + 2, float32)
    t = cuda.threadIdx.x
    tile[t + 1] = x[t]
    cuda.syncthreads()
    out[t] = tile[t] + tile[t + 2]  # BUG


@planted(Uninitialized, "reads tile[0]")
def halo_not_filled():
    halo_not_filled_kernel[1, BLOCK](numbers(BLOCK), numbers(BLOCK))


@cuda.jit
def local_sum_from_nothing_kernel(x, out):
    total = cuda.local.array(1, float32)
    i = cuda.grid(1)
    total[0] += x[i]  # BUG
    out[i] = total[0]


@planted(Uninitialized, "reads total[0]", "local memory")
def local_sum_from_nothing():
    local_sum_from_nothing_kernel[1, 4](numbers(4), numbers(4))


@cuda.jit
def variable_of_one_branch_kernel(x):
    i = cuda.grid(1)
    if x[i] > 3:
        factor = 2
    x[i] *= factor  # BUG


@planted(Uninitialized, "uses the variable `factor`", "Give `factor` a value before the `if`", "thread (0, 0, 0)")
def variable_of_one_branch():
    variable_of_one_branch_kernel[1, 8](numbers(8))


@cuda.jit
def device_array_without_values_kernel(out, x):
    i = cuda.grid(1)
    if i < x.size:
        x[i] = out[i] + 1  # BUG


@planted(Uninitialized, "reads out[0], which nobody has written", "global memory")
def device_array_without_values():
    device_array_without_values_kernel[1, 8](cuda.device_array(4), numbers(4))


# ---- numbers of the wrong kind -------------------------------------------------------------------------------------


@cuda.jit
def index_from_a_division_kernel(x):
    i = cuda.grid(1)
    x[i / 2] = 1  # BUG


@planted(KernelTypeError, "is a float64, but only integers can index an array", "use `//`")
def index_from_a_division():
    index_from_a_division_kernel[1, 8](numbers(8))


@cuda.jit
def division_by_zero_kernel(x, out):
    i = cuda.grid(1)
    out[i] = 10 // x[i]  # BUG


@planted(KernelError, "thread (2, 0, 0) of block (0, 0, 0) divides an integer by zero")
def division_by_zero():
    division_by_zero_kernel[1, 4](np.array([2, 1, 0, 3]), np.zeros(4, np.int64))


@cuda.jit
def too_few_indices_kernel(x):
    i = cuda.grid(1)
    x[i] = 1  # BUG


@planted(KernelTypeError, "has 2 dimensions, but 1 index was given")
def too_few_indices():
    too_few_indices_kernel[1, 2](numbers(2, 2))


@cuda.jit
def shape_from_an_argument_kernel(x, n):
    tile = cuda.shared.array(cuda.threadIdx.x, float32)  # BUG
    tile[0] = x[0]


@planted(KernelTypeError, "must be known before it starts")
def shape_from_a_variable():
    shape_from_an_argument_kernel[1, 8](numbers(8), 8)


@cuda.jit
def constant_memory_written_kernel(x):
    i = cuda.grid(1)
    TABLE[i] = x[i]  # BUG


TABLE = np.zeros(4, np.float32)


@planted(KernelTypeError, "lies in constant memory, which a kernel cannot write")
def constant_memory_written():
    constant_memory_written_kernel[1, 4](numbers(4))


@cuda.jit
def too_much_shared_memory_kernel(x):
    tile = cuda.shared.array((128, 128), float32)  # BUG
    tile[0, 0] = x[0]


@planted(KernelError, "the shared arrays take 65536 bytes, but a block has 49152", "smaller tiles")
def too_much_shared_memory():
    too_much_shared_memory_kernel[1, 1](numbers(1))


# ---- kernels that never end ----------------------------------------------------------------------------------------


@cuda.jit
def counter_not_moved_kernel(x):
    i = cuda.grid(1)
    while i < x.size:  # BUG
        x[i] += 1


@planted(StepLimit, "this loop never ends for thread (0, 0, 0)", "nothing in it changes `i`")
def counter_not_moved():
    counter_not_moved_kernel[1, 4](numbers(4))


@cuda.jit
def waits_for_a_flag_kernel(flag, out):
    if cuda.blockIdx.x == 0:
        while flag[0] == 0:  # BUG
            pass
        out[0] = 1
    else:
        flag[0] = 1


@planted(StepLimit, "this loop never ends", "Waiting for another thread does not work")
def waits_for_a_flag():
    waits_for_a_flag_kernel[2, 1](np.zeros(1, np.int64), np.zeros(1, np.int64))


@cuda.jit
def lock_inside_a_warp_kernel(lock, total):
    while cuda.atomic.cas(lock, 0, 0, 1) != 0:  # BUG
        pass
    total[0] += 1
    cuda.atomic.exch(lock, 0, 0)


@planted(StepLimit, "this loop never ends", "Waiting for another thread does not work")
def lock_inside_a_warp():
    lock_inside_a_warp_kernel[1, 32](np.zeros(1, np.int64), np.zeros(1, np.int64))


@cuda.jit
def condition_never_false_kernel(x):
    i = cuda.grid(1)
    step = 8
    while step >= 0:  # BUG
        step //= 2
    x[i] = step


@planted(StepLimit, "stopped after")
def condition_never_false():
    condition_never_false_kernel[1, 4](numbers(4))
