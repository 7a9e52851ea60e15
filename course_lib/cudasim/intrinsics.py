"""The functions of `cuda` inside a kernel: who am I, barriers, memory of the block, shuffles and votes of a warp, bits.

Names and meanings are those of numba.cuda. Each function here gets the run (all lanes at once) and its arguments.

Source: https://nvidia.github.io/numba-cuda/reference/kernel.html
"""

from __future__ import annotations

import ast

import numpy as np

from .device_functions import Intrinsic, PerThread
from .errors import BarrierDivergence, KernelError
from .expressions import is_varying
from .lanes import WARP
from .memory import CONSTANT, LOCAL, SHARED, KernelArray, widened

SHARED_LIMIT = 48 * 1024  # bytes of shared memory a block may use


def intrinsic(function):
    """Make a function of `cuda` out of `function(run, …)`."""

    def simulate(run, node, args, named):
        return run.calling(f"cuda.{function.__name__}", function, args, named)

    return Intrinsic(function.__name__, simulate, function.__doc__)


# ---- who and where -----------------------------------------------------------------------------------------------


class Coordinates:
    """`cuda.threadIdx` and its like: `.x`, `.y`, `.z`, inside a kernel only."""

    axis_of = {"x": 0, "y": 1, "z": 2}

    def __init__(self, name: str, get):
        self._name, self._get = name, get

    def in_kernel(self, run, axis: str):
        if axis not in self.axis_of:
            raise run.error(KernelError, f"cuda.{self._name} has x, y and z, not `{axis}`")
        found = self._get(run.lanes)[self.axis_of[axis]]
        return found if is_varying(found) else np.int64(found)

    def __getattr__(self, name: str):
        if name in self.axis_of:
            raise KernelError(f"cuda.{self._name}.{name} has a value only inside a kernel")
        raise AttributeError(f"cuda.{self._name} has x, y and z, not {name!r}")

    def __repr__(self) -> str:
        return f"<cuda.{self._name}>"


laneid = PerThread("laneid", lambda run: run.lanes.lane)
threadIdx = Coordinates("threadIdx", lambda lanes: lanes.thread_idx)
blockIdx = Coordinates("blockIdx", lambda lanes: lanes.block_idx)
blockDim = Coordinates("blockDim", lambda lanes: lanes.block_dim)
gridDim = Coordinates("gridDim", lambda lanes: lanes.grid_dim)


def _absolute(run, axis: int):
    return run.lanes.block_idx[axis] * np.int64(run.lanes.block_dim[axis]) + run.lanes.thread_idx[axis]


def _dimensions(run, ndim) -> int:
    if is_varying(ndim) or int(ndim) not in (1, 2, 3):
        raise run.type_error("the number of dimensions must be 1, 2 or 3")
    return int(ndim)


@intrinsic
def grid(run, ndim):
    """The thread's absolute position in the grid: a number for `grid(1)`, a tuple (x, y) or (x, y, z) otherwise."""
    found = tuple([_absolute(run, axis) for axis in range(_dimensions(run, ndim))])
    return found[0] if len(found) == 1 else found


@intrinsic
def gridsize(run, ndim):
    """How many threads the grid has along each dimension, as `grid` gives them."""
    lanes = run.lanes
    found = tuple([np.int64(lanes.grid_dim[a] * lanes.block_dim[a]) for a in range(_dimensions(run, ndim))])
    return found[0] if len(found) == 1 else found


# ---- barriers and fences -----------------------------------------------------------------------------------------


def _barrier(run):
    """All threads of each block must be here; raises where one is missing."""
    active, lanes = run.active, run.lanes
    here = active.reshape(-1, lanes.threads)
    waiting = here.any(axis=1)
    if active is not lanes.everyone:
        torn = waiting & ~here.all(axis=1)
        if torn.any():
            _report_divergence(run, here, int(np.argmax(torn)))
    run.counts.barriers += int(np.count_nonzero(waiting))
    blocks = np.flatnonzero(waiting) + lanes.first_block
    run.order.phase[blocks] += 1
    return here, waiting


def _report_divergence(run, here, block: int):
    lanes = run.lanes
    waits = block * lanes.threads + int(np.argmax(here[block]))
    missing = block * lanes.threads + int(np.argmin(here[block]))
    count = int(np.count_nonzero(here[block]))
    returned = run.returned_at(missing)
    if returned:
        why = f"it has returned on line {returned}"
    elif run.branches:
        line, what = run.branches[-1]
        why = f"{what} on line {line} keeps it away"
    else:
        why = "it goes another way"
    raise run.error(
        BarrierDivergence,
        f"{count} of {lanes.threads} threads of block {lanes.who(waits)[1]} wait at this barrier, but "
        f"thread {lanes.who(missing)[0]} never comes: {why}. All threads of a block must reach the same barrier: take "
        "it out of the branch",
        waits,
    )


@intrinsic
def syncthreads(run):
    """A barrier: no thread of the block goes on before all have come; what they wrote is visible to all behind it."""
    _barrier(run)


def _vote(run, predicate, combine):
    here, _ = _barrier(run)
    truth = np.broadcast_to(run.truth(predicate), run.lanes.count).reshape(here.shape)
    return np.repeat(combine(truth), run.lanes.threads)


@intrinsic
def syncthreads_count(run, predicate):
    """A barrier that gives each thread the number of threads of the block whose predicate is true."""
    return _vote(run, predicate, lambda truth: np.count_nonzero(truth, axis=1).astype(np.int64))


@intrinsic
def syncthreads_and(run, predicate):
    """A barrier that gives 1 if the predicate is true for all threads of the block, else 0."""
    return _vote(run, predicate, lambda truth: truth.all(axis=1).astype(np.int64))


@intrinsic
def syncthreads_or(run, predicate):
    """A barrier that gives 1 if the predicate is true for any thread of the block, else 0."""
    return _vote(run, predicate, lambda truth: truth.any(axis=1).astype(np.int64))


@intrinsic
def syncwarp(run, mask=None):
    """A barrier of the threads of a warp."""
    _require_members(run, mask, "syncwarp")
    lanes = run.lanes
    first = lanes.first_block * lanes.warps_a_block
    run.order.warp_step[np.unique(lanes.warp[run.active]) + first] += 1


def _fence(run):
    run.order.fences[run.lanes.global_id[run.active]] += 1


@intrinsic
def threadfence(run):
    """What this thread has written is visible to all threads of the device before what it writes next."""
    _fence(run)


@intrinsic
def threadfence_block(run):
    """As threadfence, for the threads of the block."""
    _fence(run)


@intrinsic
def threadfence_system(run):
    """As threadfence, for the host too."""
    _fence(run)


@intrinsic
def nanosleep(run, nanoseconds):
    """Accepted: waiting changes nothing in the simulator."""


# ---- memory ------------------------------------------------------------------------------------------------------


def element_type(run, dtype) -> np.dtype:
    """A NumPy dtype, numba's types included."""
    if dtype is None or is_varying(dtype):
        raise run.type_error("the dtype of the array is missing, e.g. float32")
    try:
        return np.dtype(getattr(dtype, "name", dtype) if not isinstance(dtype, type) else dtype)
    except TypeError:
        raise run.type_error(f"{dtype!r} is no dtype that an array can have") from None


def _shape(run, shape) -> tuple[int, ...]:
    sizes = shape if isinstance(shape, tuple) else (shape,)
    if any(is_varying(n) or not isinstance(n, np.integer) for n in sizes):
        raise run.type_error("the shape of an array in a kernel must be known before it starts: use constants")
    if any(n < 0 for n in sizes):
        raise run.type_error(f"an array cannot have the shape {tuple([int(n) for n in sizes])}")
    return tuple([int(n) for n in sizes])


def _refuse_parameters(run, node) -> None:
    """The compiler must know the shape: it cannot depend on what the kernel is called with."""
    given = [*node.args[:1], *[keyword.value for keyword in node.keywords if keyword.arg == "shape"]]
    for part in (part for shape in given for part in ast.walk(shape)):
        if isinstance(part, ast.Name) and part.id in run.frame.function.parameters:
            raise run.type_error(
                f"the shape of an array in a kernel must be known before it is compiled, but `{part.id}` is an "
                "argument: use a constant, or dynamic shared memory (shape 0, its bytes in the launch)"
            )


def _shared_array(run, node, args, named):
    """`cuda.shared.array(shape, dtype)`: one array for all threads of the block."""
    shape, dtype = run.calling("cuda.shared.array", lambda run, shape, dtype=None, alignment=None: (shape, dtype),
                               args, named)  # fmt: skip
    _refuse_parameters(run, node)
    shape, dtype = _shape(run, shape), element_type(run, dtype)
    if shape == (0,):
        shape = (run.dynamic_shared // dtype.itemsize,)
        if not shape[0]:
            raise run.error(
                KernelError,
                "this shared array takes its size from the launch, but none was given: kernel[grid, block, stream, "
                "bytes](…)",
            )
    made = run.block_memory(node, shape, dtype, SHARED, len(run.lanes.blocks))
    if run.shared_bytes() > SHARED_LIMIT:
        raise run.error(
            KernelError,
            f"the shared arrays take {run.shared_bytes()} bytes, but a block has {SHARED_LIMIT}. Use smaller tiles",
        )
    return made


def _local_array(run, node, args, named):
    """`cuda.local.array(shape, dtype)`: an array of its own for each thread."""
    shape, dtype = run.calling("cuda.local.array", lambda run, shape, dtype=None, alignment=None: (shape, dtype),
                               args, named)  # fmt: skip
    _refuse_parameters(run, node)
    made = run.block_memory(node, _shape(run, shape), element_type(run, dtype), LOCAL, run.lanes.count)
    made.written.reshape(run.lanes.count, -1)[run.active] = False  # made anew, it holds no values
    return made


def _constant_array(run, node, args, named):
    """`cuda.const.array_like(array)`: a copy in constant memory."""
    held = run.calling("cuda.const.array_like", lambda run, array: array, args, named)
    if not isinstance(held, KernelArray):
        raise run.type_error("cuda.const.array_like needs an array that the kernel sees as a global name")
    return KernelArray(held.name, held.shape, held.flat, CONSTANT, offset=held.offset, steps=held.steps)


class _Memory:
    """`cuda.shared`, `cuda.local`, `cuda.const`."""

    def __init__(self, name: str, **functions):
        self.__name__ = name
        for function, simulate in functions.items():
            setattr(self, function, Intrinsic(f"{name}.{function}", simulate, simulate.__doc__))

    def __repr__(self) -> str:
        return f"<cuda.{self.__name__}>"


shared = _Memory("shared", array=_shared_array)
local = _Memory("local", array=_local_array)
const = _Memory("const", array_like=_constant_array)


# ---- warps -------------------------------------------------------------------------------------------------------


def _require_members(run, mask, name: str) -> None:
    """Every lane that `mask` names must be here, and every lane that is here must be named."""
    lanes, active = run.lanes, run.active
    if mask is None:
        mask = np.int64(0xFFFFFFFF)
    named = (np.broadcast_to(run.number(mask), lanes.count).astype(np.int64) >> lanes.lane) & 1 == 1
    present = np.zeros(lanes.warps, dtype=np.int64)
    np.add.at(present, lanes.warp[active], np.int64(1) << lanes.lane[active])
    exists = np.zeros(lanes.warps, dtype=np.int64)
    np.add.at(exists, lanes.warp, np.int64(1) << lanes.lane)
    outsider = active & ~named
    if outsider.any():
        lane = int(np.argmax(outsider))
        raise run.error(KernelError, f"{run.who(lane)} calls cuda.{name} with a mask that does not name it", lane)
    wanted = np.broadcast_to(mask, lanes.count).astype(np.int64) & exists[lanes.warp]
    missing = active & ((wanted & ~present[lanes.warp]) != 0)
    if missing.any():
        lane = int(np.argmax(missing))
        gone = int(wanted[lane] & ~present[lanes.warp[lane]])
        number = (gone & -gone).bit_length() - 1
        raise run.error(
            BarrierDivergence,
            f"{run.who(lane)} waits in cuda.{name} for lane {number} of its warp, which the mask names but which is "
            "not here. Let all threads of the warp take part",
            lane,
        )


def _shuffle(run, mask, value, source, name: str):
    """The value of lane `source` of the warp (its own where that is outside)."""
    _require_members(run, mask, name)
    lanes = run.lanes
    value = np.broadcast_to(run.number(value), lanes.count)
    inside = (source >= 0) & (source < WARP)
    number = lanes.thread - lanes.lane + source  # in the block
    inside &= number < lanes.threads
    from_lane = np.where(inside, lanes.block * lanes.threads + number, lanes.all_lanes)
    absent = run.active & ~run.active[from_lane]
    if absent.any():
        lane = int(np.argmax(absent))
        raise run.error(
            KernelError,
            f"{run.who(lane)} takes a value from lane {lanes.lane[from_lane[lane]]} of its warp, which does not take "
            "part: what it would get is undefined",
            lane,
        )
    run.counts.instruction(run, run.active, None)
    return widened(value[from_lane])


def _integers(run, value):
    return np.broadcast_to(run.number(value), run.lanes.count).astype(np.int64)


@intrinsic
def shfl_sync(run, mask, value, src_lane):
    """The `value` of lane `src_lane` of the warp."""
    return _shuffle(run, mask, value, _integers(run, src_lane) % WARP, "shfl_sync")


@intrinsic
def shfl_up_sync(run, mask, value, delta):
    """The `value` of the lane `delta` below; lanes without one keep their own."""
    return _shuffle(run, mask, value, run.lanes.lane - _integers(run, delta), "shfl_up_sync")


@intrinsic
def shfl_down_sync(run, mask, value, delta):
    """The `value` of the lane `delta` above; lanes without one keep their own."""
    return _shuffle(run, mask, value, run.lanes.lane + _integers(run, delta), "shfl_down_sync")


@intrinsic
def shfl_xor_sync(run, mask, value, lane_mask):
    """The `value` of the lane whose number is this lane's xor `lane_mask`."""
    return _shuffle(run, mask, value, run.lanes.lane ^ _integers(run, lane_mask), "shfl_xor_sync")


def _ballot(run, mask, predicate, name: str):
    """For each warp the lanes (as bits) whose predicate is true, and those that take part."""
    _require_members(run, mask, name)
    lanes = run.lanes
    truth = np.broadcast_to(run.truth(predicate), lanes.count) & run.active
    found, here = np.zeros((2, lanes.warps), dtype=np.int64)
    np.add.at(found, lanes.warp[truth], np.int64(1) << lanes.lane[truth])
    np.add.at(here, lanes.warp[run.active], np.int64(1) << lanes.lane[run.active])
    return found[lanes.warp], here[lanes.warp]


@intrinsic
def ballot_sync(run, mask, predicate):
    """A number whose bit k tells whether the predicate is true for lane k of the warp."""
    return _ballot(run, mask, predicate, "ballot_sync")[0]


@intrinsic
def all_sync(run, mask, predicate):
    """Whether the predicate is true for all lanes that take part."""
    found, here = _ballot(run, mask, predicate, "all_sync")
    return found == here


@intrinsic
def any_sync(run, mask, predicate):
    """Whether the predicate is true for any lane."""
    return _ballot(run, mask, predicate, "any_sync")[0] != 0


@intrinsic
def activemask(run):
    """A number whose bit k tells whether lane k of the warp is active here."""
    lanes = run.lanes
    here = np.zeros(lanes.warps, dtype=np.int64)
    np.add.at(here, lanes.warp[run.active], np.int64(1) << lanes.lane[run.active])
    return here[lanes.warp]


@intrinsic
def lanemask_lt(run):
    """A number with the bits of all lanes below this one."""
    return (np.int64(1) << run.lanes.lane) - 1


# ---- bits and numbers --------------------------------------------------------------------------------------------


def _elementwise(run, function, *values):
    made = function(*[run.number(value) for value in values])
    run.counts.instruction(run, run.active, made)
    return made


@intrinsic
def popc(run, value):
    """How many bits are set."""
    return _elementwise(run, lambda v: np.bitwise_count(v.astype(np.uint64)).astype(np.int64), value)


@intrinsic
def brev(run, value):
    """The 32 bits in reverse order."""

    def reverse(v):
        v, made = v.astype(np.int64) & 0xFFFFFFFF, np.zeros_like(v, dtype=np.int64)
        for bit in range(32):
            made = made | ((v >> bit & 1) << (31 - bit))
        return made[()]

    return _elementwise(run, reverse, value)


@intrinsic
def clz(run, value):
    """How many zeros stand before the highest set bit of 32."""

    def zeros(v):
        v = v.astype(np.int64) & 0xFFFFFFFF
        return (32 - np.ceil(np.log2(v.astype(np.float64) + 1))).astype(np.int64)[()]

    return _elementwise(run, zeros, value)


@intrinsic
def ffs(run, value):
    """The position of the lowest set bit, counted from 1; 0 if there is none."""

    def lowest(v):
        v = v.astype(np.int64)
        bit = v & -v
        return np.where(bit == 0, 0, np.log2(np.maximum(bit, 1).astype(np.float64)) + 1).astype(np.int64)[()]

    return _elementwise(run, lowest, value)


@intrinsic
def fma(run, a, b, c):
    """`a * b + c` with one rounding (computed in float64)."""

    def fused(a, b, c):
        wide = a.astype(np.float64) * b.astype(np.float64) + c.astype(np.float64)
        return wide.astype(np.result_type(a, b, c))[()]

    return _elementwise(run, fused, a, b, c)


@intrinsic
def selp(run, condition, yes, no):
    """`yes` where the condition holds, else `no`."""
    return np.where(run.truth(condition), run.number(yes), run.number(no))[()]


@intrinsic
def cbrt(run, value):
    """The cube root."""
    return _elementwise(run, np.cbrt, value)


@intrinsic
def rsqrt(run, value):
    """`1 / sqrt(value)`."""
    return _elementwise(run, lambda v: (1 / np.sqrt(v)).astype(np.result_type(v, np.float32))[()], value)
