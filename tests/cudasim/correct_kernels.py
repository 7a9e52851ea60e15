"""Kernels without a mistake: the simulator runs each of them without an alarm, and the numbers are right.

Each `case_…` launches a kernel and returns pairs (what came out, what should). The file runs unchanged on numba.cuda:
the variable CUDA_FROM=numba in the environment chooses it (a GPU, or numba's own slow simulator).
"""

import math
import os

import numpy as np

if os.environ.get("CUDA_FROM") == "numba":
    from numba import cuda, float32, float64, int32, int64
else:
    from course_lib import cudasim as cuda
    from course_lib.cudasim import float32, float64, int32, int64

random = np.random.default_rng(0)
BLOCK, TILE = 64, 8
WEIGHTS = np.array([0.25, 0.5, 0.25], np.float32)


def numbers(*shape):
    return random.standard_normal(shape).astype(np.float32)


# ---- one thread, one element ---------------------------------------------------------------------------------------


@cuda.jit
def add(x, y, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = x[i] + y[i]


def case_add():
    x, y, out = numbers(100), numbers(100), np.zeros(100, np.float32)
    add[2, BLOCK](x, y, out)
    return [(out, x + y)]


@cuda.jit
def early_return(x, out):
    i = cuda.grid(1)
    if i >= out.size:
        return
    out[i] = 2 * x[i]


def case_early_return():
    x, out = numbers(70), np.zeros(70, np.float32)
    early_return[2, BLOCK](x, out)
    return [(out, 2 * x)]


@cuda.jit
def grid_stride(x, out):
    start = cuda.grid(1)
    step = cuda.gridsize(1)
    for i in range(start, x.size, step):
        out[i] = x[i] * x[i]


def case_grid_stride():
    x, out = numbers(1000), np.zeros(1000, np.float32)
    grid_stride[2, BLOCK](x, out)
    return [(out, x * x)]


@cuda.jit
def two_dimensions(x, out):
    i, j = cuda.grid(2)
    if i < x.shape[0] and j < x.shape[1]:
        out[i, j] = x[i, j] + 10 * i + j


def case_two_dimensions():
    x, out = numbers(9, 13), np.zeros((9, 13), np.float32)
    two_dimensions[(2, 2), (8, 8)](x, out)
    return [(out, (x + 10 * np.arange(9)[:, None] + np.arange(13)).astype(np.float32))]


@cuda.jit
def three_dimensions(out):
    i, j, k = cuda.grid(3)
    if i < out.shape[0] and j < out.shape[1] and k < out.shape[2]:
        out[i, j, k] = 100 * i + 10 * j + k


def case_three_dimensions():
    out = np.zeros((3, 4, 5), np.int64)
    three_dimensions[(1, 1, 2), (4, 4, 4)](out)
    return [(out, 100 * np.arange(3)[:, None, None] + 10 * np.arange(4)[:, None] + np.arange(5))]


@cuda.jit
def branches(x, out):
    i = cuda.grid(1)
    if i < x.size:
        if x[i] > 0.5:
            out[i] = 1
        elif x[i] < -0.5:
            out[i] = -1
        else:
            out[i] = 0


def case_branches():
    x, out = numbers(100), np.zeros(100, np.int32)
    branches[2, BLOCK](x, out)
    return [(out, np.where(x > 0.5, 1, np.where(x < -0.5, -1, 0)))]


@cuda.jit
def loop_of_different_length(x, out):
    i = cuda.grid(1)
    if i < x.size:
        n, steps = x[i], 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        out[i] = steps


def case_collatz():
    x, out = np.arange(1, 40), np.zeros(39, np.int64)
    loop_of_different_length[1, BLOCK](x, out)
    steps = []
    for n in range(1, 40):
        count = 0
        while n != 1:
            n, count = n // 2 if n % 2 == 0 else 3 * n + 1, count + 1
        steps.append(count)
    return [(out, np.array(steps))]


@cuda.jit
def break_and_continue(x, out):
    i = cuda.grid(1)
    if i < x.shape[0]:
        total = 0
        for j in range(x.shape[1]):
            if x[i, j] < 0:
                continue
            if x[i, j] > 90:
                break
            total += x[i, j]
        out[i] = total


def case_break_and_continue():
    x, out = random.integers(-50, 100, (40, 30)), np.zeros(40, np.int64)
    break_and_continue[1, BLOCK](x, out)
    expected = []
    for row in x:
        total = 0
        for value in row:
            if value > 90:
                break
            total += max(value, 0)
        expected.append(total)
    return [(out, np.array(expected))]


@cuda.jit
def functions_of_math(x, out):
    i = cuda.grid(1)
    if i < x.size:
        smooth = math.exp(-x[i] * x[i]) + math.sqrt(abs(x[i])) + math.sin(x[i])
        out[i] = smooth - math.floor(x[i]) + max(x[i], float32(0))


def case_functions_of_math():
    x, out = numbers(100), np.zeros(100, np.float32)
    functions_of_math[2, BLOCK](x, out)
    return [(out, np.exp(-x * x) + np.sqrt(abs(x)) + np.sin(x) - np.floor(x) + np.maximum(x, 0))]


@cuda.jit(device=True)
def clamp(value, low, high):
    if value < low:
        return low
    if value > high:
        return high
    return value


@cuda.jit
def device_function(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = clamp(x[i], float32(-0.5), float32(0.5))


def case_device_function():
    x, out = numbers(100), np.zeros(100, np.float32)
    device_function[2, BLOCK](x, out)
    return [(out, np.clip(x, -0.5, 0.5))]


@cuda.jit
def global_constant(x, out):
    i = cuda.grid(1)
    if i > 0 and i < x.size - 1:
        out[i] = WEIGHTS[0] * x[i - 1] + WEIGHTS[1] * x[i] + WEIGHTS[2] * x[i + 1]


def case_global_constant():
    x, out = numbers(100), np.zeros(100, np.float32)
    global_constant[2, BLOCK](x, out)
    expected = np.zeros(100, np.float32)
    expected[1:-1] = 0.25 * x[:-2] + 0.5 * x[1:-1] + 0.25 * x[2:]
    return [(out, expected)]


@cuda.jit
def gather(x, index, out):
    i = cuda.grid(1)
    if i < index.size:
        out[i] = x[index[i]]


def case_gather():
    x, index, out = numbers(50), random.integers(0, 50, 100), np.zeros(100, np.float32)
    gather[2, BLOCK](x, index, out)
    return [(out, x[index])]


@cuda.jit
def local_memory(x, out):
    window = cuda.local.array(3, float32)
    i = cuda.grid(1)
    if i > 0 and i < x.size - 1:
        for k in range(3):
            window[k] = x[i - 1 + k]
        for a in range(2):  # sort the three
            for b in range(2 - a):
                if window[b] > window[b + 1]:
                    window[b], window[b + 1] = window[b + 1], window[b]
        out[i] = window[1]


def case_local_memory():
    x, out = numbers(60), np.zeros(60, np.float32)
    local_memory[1, BLOCK](x, out)
    expected = np.zeros(60, np.float32)
    expected[1:-1] = np.median(np.stack([x[:-2], x[1:-1], x[2:]]), axis=0)
    return [(out, expected)]


# ---- blocks that work together -------------------------------------------------------------------------------------


@cuda.jit
def reverse_block(x, out):
    tile = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    tile[t] = x[i]
    cuda.syncthreads()
    out[i] = tile[BLOCK - 1 - t]


def case_reverse_block():
    x, out = numbers(128), np.zeros(128, np.float32)
    reverse_block[2, BLOCK](x, out)
    return [(out, x.reshape(2, BLOCK)[:, ::-1].reshape(-1))]


@cuda.jit
def transpose(x, out):
    tile = cuda.shared.array((TILE, TILE + 1), float32)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    column = cuda.blockIdx.x * TILE + tx
    row = cuda.blockIdx.y * TILE + ty
    if row < x.shape[0] and column < x.shape[1]:
        tile[ty, tx] = x[row, column]
    cuda.syncthreads()
    row = cuda.blockIdx.x * TILE + ty
    column = cuda.blockIdx.y * TILE + tx
    if row < out.shape[0] and column < out.shape[1]:
        out[row, column] = tile[tx, ty]


def case_transpose():
    x, out = numbers(20, 13), np.zeros((13, 20), np.float32)
    transpose[(2, 3), (TILE, TILE)](x, out)
    return [(out, x.T)]


@cuda.jit
def tiled_matmul(a, b, out):
    left = cuda.shared.array((TILE, TILE), float32)
    right = cuda.shared.array((TILE, TILE), float32)
    column, row = cuda.grid(2)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    total = float32(0)
    for step in range((a.shape[1] + TILE - 1) // TILE):
        left[ty, tx] = 0
        right[ty, tx] = 0
        if row < a.shape[0] and step * TILE + tx < a.shape[1]:
            left[ty, tx] = a[row, step * TILE + tx]
        if step * TILE + ty < b.shape[0] and column < b.shape[1]:
            right[ty, tx] = b[step * TILE + ty, column]
        cuda.syncthreads()
        for k in range(TILE):
            total += left[ty, k] * right[k, tx]
        cuda.syncthreads()
    if row < out.shape[0] and column < out.shape[1]:
        out[row, column] = total


def case_tiled_matmul():
    a, b, out = numbers(20, 11), numbers(11, 17), np.zeros((20, 17), np.float32)
    tiled_matmul[(3, 3), (TILE, TILE)](a, b, out)
    return [(out, a @ b)]


@cuda.jit
def sum_of_block(x, out):
    tile = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    tile[t] = x[i] if i < x.size else 0
    cuda.syncthreads()
    width = BLOCK // 2
    while width > 0:
        if t < width:
            tile[t] += tile[t + width]
        cuda.syncthreads()
        width //= 2
    if t == 0:
        out[cuda.blockIdx.x] = tile[0]


def case_sum_of_block():
    x, out = numbers(100), np.zeros(2, np.float32)
    sum_of_block[2, BLOCK](x, out)
    return [(out, np.array([x[:64].sum(), x[64:].sum()]))]


@cuda.jit
def running_sum(x, out):
    tile = cuda.shared.array((2, BLOCK), int64)
    t = cuda.threadIdx.x
    source = 0
    tile[0, t] = x[t]
    cuda.syncthreads()
    reach = 1
    while reach < BLOCK:
        if t >= reach:
            tile[1 - source, t] = tile[source, t] + tile[source, t - reach]
        else:
            tile[1 - source, t] = tile[source, t]
        cuda.syncthreads()
        source = 1 - source
        reach *= 2
    out[t] = tile[source, t]


def case_running_sum():
    x, out = random.integers(0, 9, BLOCK), np.zeros(BLOCK, np.int64)
    running_sum[1, BLOCK](x, out)
    return [(out, np.cumsum(x))]


@cuda.jit
def running_sum_in_place(x, out):
    tile = cuda.shared.array(BLOCK, int64)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    reach = 1
    while reach < BLOCK:
        part = 0
        if t >= reach:
            part = tile[t - reach]
        cuda.syncthreads()
        tile[t] += part
        cuda.syncthreads()
        reach *= 2
    out[t] = tile[t]


def case_running_sum_in_place():
    x, out = random.integers(0, 9, BLOCK), np.zeros(BLOCK, np.int64)
    running_sum_in_place[1, BLOCK](x, out)
    return [(out, np.cumsum(x))]


@cuda.jit
def stencil(x, out):
    tile = cuda.shared.array(BLOCK + 2, float32)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    tile[t + 1] = x[i]
    if t == 0:
        tile[0] = x[i - 1] if i > 0 else 0
    if t == BLOCK - 1:
        tile[BLOCK + 1] = x[i + 1] if i + 1 < x.size else 0
    cuda.syncthreads()
    out[i] = tile[t] + tile[t + 1] + tile[t + 2]


def case_stencil():
    x, out = numbers(128), np.zeros(128, np.float32)
    stencil[2, BLOCK](x, out)
    padded = np.pad(x, 1)
    return [(out, padded[:-2] + padded[1:-1] + padded[2:])]


@cuda.jit
def bitonic_sort(x):
    tile = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    size = 2
    while size <= BLOCK:
        stride = size // 2
        while stride > 0:
            other = t ^ stride
            if other > t:
                rising = (t & size) == 0
                if (tile[t] > tile[other]) == rising:
                    kept = tile[t]
                    tile[t] = tile[other]
                    tile[other] = kept
            cuda.syncthreads()
            stride //= 2
        size *= 2
    x[t] = tile[t]


def case_bitonic_sort():
    x = numbers(BLOCK)
    expected = np.sort(x)
    bitonic_sort[1, BLOCK](x)
    return [(x, expected)]


@cuda.jit
def softmax_of_row(x, out):
    tile = cuda.shared.array(BLOCK, float32)
    t, row = cuda.threadIdx.x, cuda.blockIdx.x
    largest = float32(-1e30)
    for j in range(t, x.shape[1], BLOCK):
        largest = max(largest, x[row, j])
    tile[t] = largest
    cuda.syncthreads()
    width = BLOCK // 2
    while width > 0:
        if t < width:
            tile[t] = max(tile[t], tile[t + width])
        cuda.syncthreads()
        width //= 2
    largest = tile[0]
    cuda.syncthreads()
    total = float32(0)
    for j in range(t, x.shape[1], BLOCK):
        total += math.exp(x[row, j] - largest)
    tile[t] = total
    cuda.syncthreads()
    width = BLOCK // 2
    while width > 0:
        if t < width:
            tile[t] += tile[t + width]
        cuda.syncthreads()
        width //= 2
    for j in range(t, x.shape[1], BLOCK):
        out[row, j] = math.exp(x[row, j] - largest) / tile[0]


def case_softmax():
    x, out = numbers(3, 100), np.zeros((3, 100), np.float32)
    softmax_of_row[3, BLOCK](x, out)
    grown = np.exp(x - x.max(1, keepdims=True))
    return [(out, grown / grown.sum(1, keepdims=True))]


@cuda.jit
def matrix_and_vector(a, x, out):
    tile = cuda.shared.array(TILE, float32)
    row = cuda.grid(1)
    t = cuda.threadIdx.x
    total = float32(0)
    for step in range(0, x.size, TILE):
        if step + t < x.size:
            tile[t] = x[step + t]
        cuda.syncthreads()
        if row < a.shape[0]:
            for k in range(min(TILE, x.size - step)):
                total += a[row, step + k] * tile[k]
        cuda.syncthreads()
    if row < a.shape[0]:
        out[row] = total


def case_matrix_and_vector():
    a, x, out = numbers(21, 13), numbers(13), np.zeros(21, np.float32)
    matrix_and_vector[3, TILE](a, x, out)
    return [(out, a @ x)]


@cuda.jit
def one_thread_prepares(x, out):
    largest = cuda.shared.array(1, float32)
    t = cuda.threadIdx.x
    if t == 0:
        best = x[0]
        for i in range(1, x.size):
            best = max(best, x[i])
        largest[0] = best
    cuda.syncthreads()
    out[t] = x[t] - largest[0]


def case_one_thread_prepares():
    x, out = numbers(BLOCK), np.zeros(BLOCK, np.float32)
    one_thread_prepares[1, BLOCK](x, out)
    return [(out, x - x.max())]


@cuda.jit
def barrier_in_a_common_branch(x, flag, out):
    tile = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    if flag > 0:  # the same for all threads
        tile[t] = x[t]
        cuda.syncthreads()
        out[t] = tile[(t + 1) % BLOCK]
    else:
        out[t] = x[t]


def case_barrier_in_a_common_branch():
    x, out = numbers(BLOCK), np.zeros(BLOCK, np.float32)
    barrier_in_a_common_branch[1, BLOCK](x, 1, out)
    return [(out, np.roll(x, -1))]


@cuda.jit
def blocks_of_their_own_length(x, out):
    tile = cuda.shared.array(BLOCK, int64)
    t, b = cuda.threadIdx.x, cuda.blockIdx.x
    total = 0
    for _ in range(b + 1):  # each block has its own number of rounds
        tile[t] = x[b * BLOCK + t]
        cuda.syncthreads()
        total += tile[BLOCK - 1 - t]
        cuda.syncthreads()
    out[b * BLOCK + t] = total


def case_blocks_of_their_own_length():
    x, out = random.integers(0, 9, 3 * BLOCK), np.zeros(3 * BLOCK, np.int64)
    blocks_of_their_own_length[3, BLOCK](x, out)
    return [(out, (x.reshape(3, BLOCK)[:, ::-1] * np.arange(1, 4)[:, None]).reshape(-1))]


# ---- atomics -------------------------------------------------------------------------------------------------------


@cuda.jit
def histogram(x, counts):
    i = cuda.grid(1)
    if i < x.size:
        cuda.atomic.add(counts, x[i], 1)


def case_histogram():
    x, counts = random.integers(0, 10, 500), np.zeros(10, np.int64)
    histogram[8, BLOCK](x, counts)
    return [(counts, np.bincount(x, minlength=10))]


@cuda.jit
def histogram_in_shared_memory(x, counts):
    mine = cuda.shared.array(10, int32)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    if t < 10:
        mine[t] = 0
    cuda.syncthreads()
    if i < x.size:
        cuda.atomic.add(mine, x[i], 1)
    cuda.syncthreads()
    if t < 10:
        cuda.atomic.add(counts, t, mine[t])


def case_histogram_in_shared_memory():
    x, counts = random.integers(0, 10, 500), np.zeros(10, np.int32)
    histogram_in_shared_memory[8, BLOCK](x, counts)
    return [(counts, np.bincount(x, minlength=10))]


@cuda.jit
def dot(x, y, out):
    tile = cuda.shared.array(BLOCK, float64)
    t = cuda.threadIdx.x
    total = 0.0
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        total += x[i] * y[i]
    tile[t] = total
    cuda.syncthreads()
    if t == 0:
        total = 0.0
        for k in range(BLOCK):
            total += tile[k]
        cuda.atomic.add(out, 0, total)


def case_dot():
    x, y, out = random.random(1000), random.random(1000), np.zeros(1)
    dot[3, BLOCK](x, y, out)
    return [(out, np.array([x @ y]))]


@cuda.jit
def extremes(x, out):
    i = cuda.grid(1)
    if i < x.size:
        cuda.atomic.max(out, 0, x[i])
        cuda.atomic.min(out, 1, x[i])


def case_extremes():
    x, out = random.integers(-1000, 1000, 300), np.array([-(10**6), 10**6])
    extremes[5, BLOCK](x, out)
    return [(out, np.array([x.max(), x.min()]))]


@cuda.jit
def compact(x, out, count):
    i = cuda.grid(1)
    if i < x.size and x[i] > 0:
        place = cuda.atomic.add(count, 0, 1)
        out[place] = x[i]


def case_compact():
    x, out, count = random.integers(-9, 9, 200), np.zeros(200, np.int64), np.zeros(1, np.int64)
    compact[4, BLOCK](x, out, count)
    kept = np.sort(x[x > 0])
    return [(np.sort(out[: count[0]]), kept), (count, np.array([len(kept)]))]


@cuda.jit
def first_to_claim(owner, winners):
    i = cuda.grid(1)
    if cuda.atomic.cas(owner, 0, -1, i) == -1:
        cuda.atomic.add(winners, 0, 1)


def case_compare_and_swap():
    owner, winners = np.full(1, -1), np.zeros(1, np.int64)
    first_to_claim[2, BLOCK](owner, winners)
    return [(winners, np.array([1])), (np.array([0 <= owner[0] < 128]), np.array([True]))]


@cuda.jit
def last_block_adds_up(x, parts, count, out):
    tile = cuda.shared.array(BLOCK, float32)
    last = cuda.shared.array(1, int32)
    t = cuda.threadIdx.x
    tile[t] = x[cuda.grid(1)]
    cuda.syncthreads()
    width = BLOCK // 2
    while width > 0:
        if t < width:
            tile[t] += tile[t + width]
        cuda.syncthreads()
        width //= 2
    if t == 0:
        parts[cuda.blockIdx.x] = tile[0]
        cuda.threadfence()
        done = cuda.atomic.add(count, 0, 1)
        last[0] = 1 if done == cuda.gridDim.x - 1 else 0
    cuda.syncthreads()
    if last[0] == 1 and t == 0:
        total = float32(0)
        for b in range(cuda.gridDim.x):
            total += parts[b]
        out[0] = total


def case_last_block_adds_up():
    x, parts = numbers(4 * BLOCK), np.zeros(4, np.float32)
    count, out = np.zeros(1, np.int32), np.zeros(1, np.float32)
    last_block_adds_up[4, BLOCK](x, parts, count, out)
    return [(out, np.array([x.sum()]))]


# ---- warps ---------------------------------------------------------------------------------------------------------


@cuda.jit
def sum_of_warp(x, out):
    i = cuda.grid(1)
    value = x[i]
    offset = 16
    while offset > 0:
        value += cuda.shfl_down_sync(0xFFFFFFFF, value, offset)
        offset //= 2
    if cuda.laneid == 0:
        out[i // 32] = value


def case_sum_of_warp():
    x, out = random.integers(0, 100, 128), np.zeros(4, np.int64)
    sum_of_warp[2, BLOCK](x, out)
    return [(out, x.reshape(4, 32).sum(1))]


@cuda.jit
def butterfly(x, out):
    i = cuda.grid(1)
    value = x[i]
    mask = 1
    while mask < 32:
        value = max(value, cuda.shfl_xor_sync(0xFFFFFFFF, value, mask))
        mask *= 2
    out[i] = value


def case_butterfly():
    x, out = random.integers(0, 1000, BLOCK), np.zeros(BLOCK, np.int64)
    butterfly[1, BLOCK](x, out)
    return [(out, np.repeat(x.reshape(2, 32).max(1), 32))]


@cuda.jit
def votes(x, out):
    i = cuda.grid(1)
    ballot = cuda.ballot_sync(0xFFFFFFFF, x[i] > 0)
    out[i] = cuda.popc(ballot)


def case_votes():
    x, out = random.integers(-5, 5, BLOCK), np.zeros(BLOCK, np.int64)
    votes[1, BLOCK](x, out)
    return [(out, np.repeat((x.reshape(2, 32) > 0).sum(1), 32))]


@cuda.jit
def neighbours_of_the_warp(x, out):
    tile = cuda.shared.array(32, int64)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncwarp()
    out[t] = tile[(t + 1) % 32]


def case_syncwarp():
    x, out = random.integers(0, 9, 32), np.zeros(32, np.int64)
    neighbours_of_the_warp[1, 32](x, out)
    return [(out, np.roll(x, -1))]


@cuda.jit
def count_in_block(x, out):
    i = cuda.grid(1)
    positive = cuda.syncthreads_count(x[i] > 0)
    if cuda.threadIdx.x == 0:
        out[cuda.blockIdx.x] = positive


def case_syncthreads_count():
    x, out = random.integers(-5, 5, 2 * BLOCK), np.zeros(2, np.int64)
    count_in_block[2, BLOCK](x, out)
    return [(out, (x.reshape(2, BLOCK) > 0).sum(1))]


# ---- larger programs -----------------------------------------------------------------------------------------------


@cuda.jit
def mandelbrot(out, most):
    row, column = cuda.grid(2)
    if row < out.shape[0] and column < out.shape[1]:
        a, b = 3.0 * column / out.shape[1] - 2.0, 2.0 * row / out.shape[0] - 1.0
        x = y = 0.0
        count = 0
        while x * x + y * y <= 4.0 and count < most:
            x, y = x * x - y * y + a, 2.0 * x * y + b
            count += 1
        out[row, column] = count


def case_mandelbrot():
    out = np.zeros((12, 16), np.int32)
    mandelbrot[(2, 2), (8, 8)](out, 30)
    rows, columns = np.mgrid[:12, :16]
    c = (3.0 * columns / 16 - 2.0) + 1j * (2.0 * rows / 12 - 1.0)
    z, count = np.zeros_like(c), np.zeros(c.shape, int)
    for _ in range(30):
        going = abs(z) <= 2
        z[going] = z[going] ** 2 + c[going]
        count += going
    return [(out, count)]


@cuda.jit
def game_of_life(cells, after):
    row, column = cuda.grid(2)
    if row < cells.shape[0] and column < cells.shape[1]:
        around = 0
        for dr in range(-1, 2):
            for dc in range(-1, 2):
                if dr != 0 or dc != 0:
                    r, c = (row + dr) % cells.shape[0], (column + dc) % cells.shape[1]
                    around += cells[r, c]
        after[row, column] = 1 if around == 3 or (around == 2 and cells[row, column] == 1) else 0


def case_game_of_life():
    cells = random.integers(0, 2, (10, 12)).astype(np.int8)
    after = np.zeros_like(cells)
    game_of_life[(2, 2), (8, 8)](cells, after)
    around = sum(np.roll(cells, (a, b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b)
    return [(after, (around == 3) | ((around == 2) & (cells == 1)))]


@cuda.jit
def convolve_image(image, kernel, out):
    row, column = cuda.grid(2)
    if row < out.shape[0] and column < out.shape[1]:
        total = float32(0)
        for i in range(kernel.shape[0]):
            for j in range(kernel.shape[1]):
                total += image[row + i, column + j] * kernel[i, j]
        out[row, column] = total


def case_convolve_image():
    image, kernel, out = numbers(12, 14), numbers(3, 3), np.zeros((10, 12), np.float32)
    convolve_image[(2, 2), (8, 8)](image, kernel, out)
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    return [(out, (windows * kernel).sum((2, 3)))]


@cuda.jit
def layer_norm(x, out, eps):
    tile = cuda.shared.array(32, float32)
    row, t = cuda.blockIdx.x, cuda.threadIdx.x
    total = float32(0)
    for j in range(t, x.shape[1], 32):
        total += x[row, j]
    for offset in (16, 8, 4, 2, 1):
        total += cuda.shfl_xor_sync(0xFFFFFFFF, total, offset)
    mean = total / float32(x.shape[1])
    square = float32(0)
    for j in range(t, x.shape[1], 32):
        square += (x[row, j] - mean) * (x[row, j] - mean)
    tile[t] = square
    cuda.syncthreads()
    square = float32(0)
    for k in range(32):
        square += tile[k]
    scale = float32(1) / math.sqrt(square / float32(x.shape[1]) + float32(eps))
    for j in range(t, x.shape[1], 32):
        out[row, j] = (x[row, j] - mean) * scale


def case_layer_norm():
    x, out = numbers(5, 50), np.zeros((5, 50), np.float32)
    layer_norm[5, 32](x, out, 1e-5)
    return [(out, (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5))]


@cuda.jit
def adam(parameter, gradient, first, second, rate, step):
    i = cuda.grid(1)
    if i < parameter.size:
        first[i] = 0.9 * first[i] + 0.1 * gradient[i]
        second[i] = 0.999 * second[i] + 0.001 * gradient[i] ** 2
        m = first[i] / (1 - 0.9**step)
        v = second[i] / (1 - 0.999**step)
        parameter[i] -= rate * m / (math.sqrt(v) + 1e-8)


def case_adam():
    parameter, gradient = random.random(40), random.random(40)
    first, second = np.zeros(40), np.zeros(40)
    expected = parameter - 0.01 * gradient / (np.abs(gradient) + 1e-8)
    adam[1, BLOCK](parameter, gradient, first, second, 0.01, 1)
    return [(parameter, expected), (first, 0.1 * gradient)]


@cuda.jit
def everyone_says_the_same(flag, x):
    i = cuda.grid(1)
    if x[i] < 0:
        flag[0] = 1  # whoever writes last, the number is the same


def case_everyone_says_the_same():
    flag, x = np.zeros(1, np.int64), random.integers(-5, 5, BLOCK)
    everyone_says_the_same[1, BLOCK](flag, x)
    return [(flag, np.array([1]))]


@cuda.jit
def on_the_device(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = x[i] + 1


def case_device_arrays():
    x = cuda.to_device(np.arange(10.0))
    out = cuda.device_array_like(x)
    on_the_device[1, 32](x, out)
    on_the_device.forall(10)(out, x)
    return [(out.copy_to_host(), np.arange(10.0) + 1), (x.copy_to_host(), np.arange(10.0) + 2)]


@cuda.jit
def dynamic_shared(x, out):
    tile = cuda.shared.array(0, float64)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    out[t] = tile[cuda.blockDim.x - 1 - t]


def case_dynamic_shared():
    x, out = random.random(20), np.zeros(20)
    dynamic_shared[1, 20, 0, 160](x, out)
    return [(out, x[::-1])]


CASES = {name.removeprefix("case_"): made for name, made in list(globals().items()) if name.startswith("case_")}


def check(name: str) -> None:
    for got, expected in CASES[name]():
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


if __name__ == "__main__":
    import sys

    for case in sys.argv[1:] or CASES:
        check(case)
        print("ok", case)
