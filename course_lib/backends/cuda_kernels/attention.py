"""Scaled dot-product attention without the matrix of weights, forward and backward.

q is (…, L, E), k (…, S, E), v (…, S, Ev): batches broadcast, any memory order is read where it lies as long as the
numbers of a row are neighbours. `shared` heads of q look at one head of k and v. mask: None, or bool or numbers to add,
which broadcasts to (…, L, S). drop: None, or (p, seed, offset) of dropout.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from .. import GPU, cuda
from ..kernels.loading import BLOCK, ELEMENTS, MOST, WARP, blocks_for, launch, processors
from ._new import like, sums

_DTYPES = {name: np.dtype(name).itemsize if name != "bfloat16" else 2 for name in ("float32", "float16", "bfloat16")}
_MASKS = {"bool": ("bool", 1), **{name: (ELEMENTS[name], size) for name, size in _DTYPES.items()}}
_NO_MASK = {"MASK": "bool", "MASKED": 0}
# For the length of rows that a kernel is compiled for: rows of a block and its warps, forward and backward.
_BY_THREADS = {32: (32, 2, 32, 2), 64: (64, 4, 32, 2), 128: (32, 2, 16, 2), 256: (16, 2, 8, 1)}
_BY_CORES = dict.fromkeys((32, 64, 128), (64, 4, 64, 4))
_LONGEST = max(_BY_THREADS)

# The kernels' struct Problem: sizes, and steps (batch, head, row) in elements for each operand.
_SIZES = ("heads", "shared", "queries", "keys", "width", "value_width", "causal", "dropped")
_OPERANDS = ("q", "k", "v", "out", "by_out", "by_q", "by_k", "by_v", "mask")
_PROBLEM = np.dtype([(name, "i8") for name in _SIZES] + [(name, "3i8") for name in _OPERANDS] + [("column", "i8")])


def attention(q, k, v, mask=None, *, scale: float, causal: bool = False, shared: int = 1, drop=None):
    """softmax(q · kᵀ · scale + mask) · v; and log₂ Σ exp of each query's scores, for backward."""
    rows_of_q, k, v = _readable(q), _readable(k), _readable(v)
    plan = _plan(rows_of_q, k, v, mask, None, None, causal, shared, drop)
    out, log_sum = plan.new("out", q), sums(q, (plan.heads, plan.queries))
    _launch(plan.forward, q, (rows_of_q, k, v, mask, out, log_sum), scale, drop)
    return plan.finished("out", out, q), log_sum


def attention_backward(g, q, k, v, mask, out, log_sum, *, scale: float, causal: bool = False, shared: int = 1,
                       drop=None):  # fmt: skip
    """The gradients by q, k and v, for batches that broadcast in the shape of the whole batch."""
    given = q, k, v
    g, q, k, v, out = _readable(g), _readable(q), _readable(k), _readable(v), _readable(out)
    plan = _plan(q, k, v, mask, g, out, causal, shared, drop)
    balance = sums(q, log_sum.shape)
    by_q, by_k, by_v = made = plan.new("by_q", q), plan.new("by_k", k), plan.new("by_v", v)
    launch("attention_parts", "attention_balance", q, (-(-balance.size * 8 // BLOCK),), (BLOCK,), g, out, balance,
           plan.struct, balance.size, **_NO_MASK, DROPS=0)  # fmt: skip
    operands = (g, q, k, v, mask, log_sum, balance)
    _launch(plan.by_query, q, (*operands, by_q), scale, drop)
    _launch(plan.by_key, q, (*operands, by_k, by_v), scale, drop)
    return tuple([plan.finished(name, *pair) for name, *pair in zip(("by_q", "by_k", "by_v"), made, given)])


def attention_noise(q, k, *, shared: int = 1, drop):
    """What dropout multiplied the weights by: 0 or 1 / (1 - p) for all of (…, L, S)."""
    plan = _plan(_readable(q), _readable(k), _readable(k), None, None, None, False, shared, drop)
    noise = like(q, (*(q.shape[:-2] if q.ndim > 4 else plan.batch), plan.queries, plan.keys))
    launch("attention_parts", "attention_noise", q, blocks_for(noise.size), (BLOCK,), noise, plan.struct,
           np.uint64(drop[1]), np.uint64(drop[2]), noise.size, **_NO_MASK, DROPS=1)  # fmt: skip
    return noise


def _launch(kernel, like, arrays, scale: float, drop) -> None:
    file, name, blocks, threads, struct, defines = kernel
    _, seed, offset = drop or (0, 0, 0)
    launch(file, name, like, (blocks,), (threads,), *arrays, struct, float(scale), np.uint64(seed), np.uint64(offset),
           **defines)  # fmt: skip


# ---- what the kernels take -----------------------------------------------------------------------------------------


def _takes(q, k, v, mask=None, shared: int = 1) -> bool:
    """Whether the kernels take these arrays."""
    return (
        q.dtype.char in "efE"
        and q.dtype == k.dtype == v.dtype
        and max(q.shape[-1], v.shape[-1]) <= _LONGEST
        and all(0 < a.size <= MOST for a in (q, k, v))
        and (shared == 1 or k.shape[:-2] == v.shape[:-2])
        and (max(q.ndim, k.ndim, v.ndim) <= 4 or _are_of_one_batch(q, k, v, mask))
        and (mask is None or _takes_mask(mask, q, k))
    )


def _are_of_one_batch(q, k, v, mask) -> bool:
    """Whether all dimensions before the last three can be taken for one."""
    return q.shape[:-3] == k.shape[:-3] == v.shape[:-3] and (mask is None or mask.ndim <= 3)


def _takes_mask(mask, q, k) -> bool:
    """Whether a mask broadcasts to the scores and not they to it, and its elements are found by 32 bits."""
    reach = sum((n - 1) * step for n, step in zip(mask.shape, mask.strides))
    scores = (*q.shape[:-1], k.shape[-2])
    fits = mask.ndim <= len(scores) and all(m in (1, n) for m, n in zip(mask.shape[::-1], scores[::-1]))
    return fits and mask.dtype.name in _MASKS and reach < 2 * MOST


attention.takes = _takes


def _readable(x):
    """An array with at most four dimensions, or a copy if the numbers of its rows are apart."""
    if x.ndim > 4:
        x = x.reshape(-1, *x.shape[-3:])
    return x if x.strides[-1] == x.itemsize or x.shape[-1] == 1 else cuda.cupy().ascontiguousarray(x)


# ---- plans ---------------------------------------------------------------------------------------------------------


def _plan(q, k, v, mask, by_out, out, causal: bool, shared: int, drop) -> _Plan:
    """How arrays of these shapes and strides are worked on: found once, since a training step is like the last."""
    layouts = tuple([None if a is None else (a.shape, a.strides) for a in (q, k, v, mask, by_out, out)])
    device = 0 if GPU.alone else q.device.id
    return _made_plan(GPU.module, device, q.dtype.char, None if mask is None else mask.dtype.name, layouts, causal,
                      shared, None if drop is None else drop[0])  # fmt: skip


class _Plan:
    """Operands as (batch, heads, length, width): where their rows lie, what is new, and the launches."""

    def __init__(self, xp, device: int, char: str, masked: str | None, layouts, causal: bool, shared: int, p):
        q, k, v, mask, by_out, out = layouts
        size = 4 if char == "f" else 2
        given = [layout[0][:-2] for layout in (q, k, v)]
        given[1:] = [batch if shared == 1 else (*batch[:-1], batch[-1] * shared) for batch in given[1:]]
        self.batch = given[0] if given[0] == given[1] == given[2] else np.broadcast_shapes(*given)
        self.heads, self.across = math.prod(self.batch), self.batch[-1] if self.batch else 1
        self.batches, self.shared = self.heads // self.across, shared
        (*_, self.queries, self.width), (*_, self.keys, self.value_width) = q[0], v[0]
        self.steps = dict.fromkeys(_OPERANDS, (0, 0, 0))
        for name, layout in (("q", q), ("k", k), ("v", v), ("by_out", by_out), ("out", out)):
            if layout is not None:
                self.steps[name] = _steps(layout[0][:-1], layout[1], size, 3)
        column = 0
        if mask is not None:
            *self.steps["mask"], column = _steps(*mask, _MASKS[masked][1], 4)
        self.results = {}
        for name in ("by_q", "by_k", "by_v") if by_out else ("out",):
            self._place_result(name)
        dropped = 0 if p is None else min(round(p * 2**32), 2**32 - 1)
        sizes = (self.across, shared, self.queries, self.keys, self.width, self.value_width, causal, dropped)
        steps = [step for name in _OPERANDS for step in self.steps[name]]
        self.struct = np.array([*sizes, *steps, column], np.int64).view(_PROBLEM)
        masks = {"MASK": _MASKS[masked][0], "MASKED": 1} if masked else _NO_MASK
        self.defines = {**masks, "DROPS": int(p is not None)}
        self._choose_kernels(xp, device, char)

    def _place_result(self, name: str) -> None:
        """The memory order of an operand for a result: whoever moved its dimensions may move them back for nothing."""
        length, width, across = self.queries, self.width, self.across
        if name in ("by_k", "by_v"):
            length, across = self.keys, across // self.shared
        if name in ("out", "by_v"):
            width = self.value_width
        shape, beside = (self.batches, across, length), self.steps["q" if name == "out" else name[-1]]
        order = sorted(range(3), key=lambda dim: -beside[dim])
        back = (*[order.index(dim) for dim in range(3)], 3)
        steps, reach = [0, 0, 0], width
        for dim in reversed(order):
            steps[dim], reach = reach, reach * shape[dim]
        self.steps[name] = tuple(steps)
        batch = self.batch[:-1] + (across,) if self.batch else ()
        self.results[name] = (*[shape[dim] for dim in order], width), back, (*batch, length, width)

    def new(self, name: str, beside):
        """A result as (batch, heads, length, width)."""
        shape, back, _ = self.results[name]
        made = like(beside, shape)
        return made if back == (0, 1, 2, 3) else made.transpose(back)

    def finished(self, name: str, array, beside):
        """A result with the dimensions that its operand was given with."""
        shape = self.results[name][2] if beside.ndim <= 4 else (*beside.shape[:-1], array.shape[-1])
        return array if len(shape) == 4 else array.reshape(shape)

    def _choose_kernels(self, xp, device: int, char: str) -> None:
        widest = max(self.width, self.value_width)
        longest = 64 if char == "f" else 128  # what registers and 48 KiB of shared memory hold
        by_cores = widest <= longest and has_tensor_cores(xp, device, char)
        table, family = (_BY_CORES, "attention_cores") if by_cores else (_BY_THREADS, "attention")
        head = next(head for head in table if widest <= head)
        rows, warps, back_rows, back_warps = table[head]
        forward = backward = {"HEAD": head, **self.defines}
        if by_cores:
            strips = self._strips(xp, device, char, head)
            forward, rows = {**forward, "STRIPS": strips}, rows * strips
        kernel = lambda file, step, length, heads, rows, warps, defines: (
            file, f"{family}_{step}", -(-length // rows) * heads, warps * WARP, self.struct, defines
        )  # fmt: skip
        back_file = "attention_cores_backward" if by_cores else family
        self.forward = kernel(family, "forward", self.queries, self.heads, rows, warps, forward)
        self.by_query = kernel(back_file, "by_query", self.queries, self.heads, back_rows, back_warps, backward)
        self.by_key = kernel(back_file, "by_key", self.keys, self.heads // self.shared, back_rows, back_warps, backward)

    def _strips(self, xp, device: int, char: str, head: int) -> int:
        """How many strips of 16 queries a warp has: two read shared memory half as often, if enough blocks are left for
        the GPU and a thread's registers are not needed for other things."""
        if head > 64 or char == "f" or self.defines["MASKED"] or self.defines["DROPS"]:
            return 1
        count, _ = processors(xp, device)
        return 2 if -(-self.queries // 128) * self.heads >= 2 * count else 1


_made_plan = functools.lru_cache(maxsize=256)(_Plan)


def _steps(shape, strides, size: int, count: int) -> tuple:
    """How far apart the neighbours in each of `count` dimensions lie, in elements; 0 where there is one or none."""
    steps = [0 if n == 1 else step // size for n, step in zip(shape, strides)]
    return (*[0] * (count - len(steps)), *steps)


@functools.cache
def has_tensor_cores(xp, device: int, char: str) -> bool:
    """Whether a GPU has tensor cores for a dtype: for float16 ("e") from Turing on, else from Ampere on."""
    properties = xp.cuda.runtime.getDeviceProperties(device)
    return (properties["major"], properties["minor"]) >= ((7, 5) if char == "e" else (8, 0))
