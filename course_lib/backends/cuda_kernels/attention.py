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

_DTYPES = ("float32", "float16", "bfloat16")
_MASKS = {"bool": "bool", **{name: ELEMENTS[name] for name in _DTYPES}}
# For the length of rows that a kernel is compiled for: rows of a block and its warps, forward and backward.
_PLAIN = {32: (32, 2, 32, 2), 64: (64, 4, 32, 2), 128: (32, 2, 16, 2), 256: (16, 2, 8, 1)}
_CORES = dict.fromkeys((32, 64, 128), (64, 4, 64, 4))  # by tensor cores
_LONGEST = max(_PLAIN)

# The kernels' struct Problem: sizes, and steps (batch, head, row) in elements for each operand.
_SIZES = ("heads", "shared", "queries", "keys", "width", "value_width", "causal", "dropped")
_OPERANDS = ("q", "k", "v", "out", "by_out", "by_q", "by_k", "by_v", "mask")
_PROBLEM = np.dtype([(name, "i8") for name in _SIZES] + [(name, "3i8") for name in _OPERANDS] + [("column", "i8")])


def attention_takes(q, k, v, mask=None, shared: int = 1) -> bool:
    """Whether the kernels take these arrays."""
    return (
        q.dtype.name in _DTYPES
        and q.dtype == k.dtype == v.dtype
        and max(q.shape[-1], v.shape[-1]) <= _LONGEST
        and all(0 < a.size <= MOST for a in (q, k, v))
        and (mask is None or (mask.dtype.name in _MASKS and _reach(mask) < 2 * MOST))
        and (shared == 1 or k.shape[:-2] == v.shape[:-2])
        and (max(q.ndim, k.ndim, v.ndim) <= 4 or _are_of_one_batch(q, k, v, mask))
    )


def _reach(array) -> int:
    """How far apart its first and its last element lie, in elements: the kernels find a mask's by 32 bits."""
    return sum((n - 1) * step for n, step in zip(array.shape, array.strides)) // array.itemsize


def _are_of_one_batch(q, k, v, mask) -> bool:
    """Whether all dimensions before the last three can be taken for one."""
    return q.shape[:-3] == k.shape[:-3] == v.shape[:-3] and (mask is None or mask.ndim <= 3)


def attention(q, k, v, mask=None, *, scale: float, causal: bool = False, shared: int = 1, drop=None):
    """softmax(q · kᵀ · scale + mask) · v; and log₂ Σ exp of each query's scores, for backward."""
    of = _Problem(q, k, v, mask, shared)
    out, log_sum = of.new("out", of.q), sums(q, (of.heads, of.queries))
    of.run("forward", of.queries, of.heads, of.q, of.k, of.v, of.mask, out, log_sum, scale=scale,
           causal=causal, drop=drop)  # fmt: skip
    return of.with_batch(out), log_sum


attention.takes = attention_takes


def attention_backward(g, q, k, v, mask, out, log_sum, *, scale: float, causal: bool = False, shared: int = 1,
                       drop=None):  # fmt: skip
    """The gradients by q, k and v, for batches that broadcast in the shape of the whole batch."""
    of = _Problem(q, k, v, mask, shared)
    g, out, balance = of.place("by_out", g), of.place("out", out), sums(q, log_sum.shape)
    by_q, by_k, by_v = of.new("by_q", of.q), of.new("by_k", of.k), of.new("by_v", of.v)
    launch("attention", "attention_balance", q, (-(-balance.size * WARP // BLOCK),), (BLOCK,), g, out, balance,
           of.packed(causal, drop), len(balance) // of.across, HEAD=32, **of.defines(drop))  # fmt: skip
    settings = {"scale": scale, "causal": causal, "drop": drop}
    operands = (g, of.q, of.k, of.v, of.mask, log_sum, balance)
    of.run("by_query", of.queries, of.heads, *operands, by_q, **settings)
    of.run("by_key", of.keys, of.heads // shared, *operands, by_k, by_v, **settings)
    return tuple([of.with_batch(array) for array in (by_q, by_k, by_v)])


def attention_noise(q, k, *, shared: int = 1, drop):
    """What dropout multiplied the weights by: 0 or 1 / (1 - p) for all of (…, L, S)."""
    of = _Problem(q, k, k, None, shared)
    noise = like(q, (*of.batch, of.queries, of.keys))
    launch("attention", "attention_noise", q, blocks_for(noise.size), (BLOCK,), noise, of.packed(False, drop),
           np.uint64(drop[1]), np.uint64(drop[2]), noise.size, HEAD=32, **of.defines(drop))  # fmt: skip
    return noise


class _Problem:
    """Operands as (batch, heads, length, width), and where their rows lie."""

    def __init__(self, q, k, v, mask, shared: int):
        self.batch = _together(q.shape[:-2], *[_in_heads_of_q(a.shape[:-2], shared) for a in (k, v)])
        self.shared, self.across = shared, self.batch[-1] if self.batch else 1
        self.queries, self.keys, self.width, self.value_width = *q.shape[-2:-1], *k.shape[-2:], v.shape[-1]
        self.heads = math.prod(self.batch)
        self.steps = dict.fromkeys(_OPERANDS, (0, 0, 0))
        self.q, self.k, self.v = self.place("q", q), self.place("k", k), self.place("v", v)
        self.mask, self.column = mask, 0
        if mask is not None:
            *self.steps["mask"], self.column = _steps(mask, mask.shape, 4)

    def place(self, name: str, array):
        """Note where an operand's rows lie; the operand, or a copy if the numbers of its rows are apart."""
        if array.ndim > 4:
            array = array.reshape(-1, *array.shape[-3:])
        if array.strides[-1] != array.itemsize and array.shape[-1] > 1:
            array = cuda.cupy().ascontiguousarray(array)
        self.steps[name] = _steps(array, array.shape[:-1], 3)
        return array

    def new(self, name: str, beside):
        """A result in the memory order of an operand: whoever moved dimensions there may move them back for nothing."""
        width = self.width if name in ("by_q", "by_k") else self.value_width
        key = name in ("by_k", "by_v")
        across = self.across // self.shared if key else self.across
        shape = (self.heads // self.across, across, self.keys if key else self.queries)
        steps = _steps(beside, beside.shape[:-1], 3)
        order = sorted(range(3), key=lambda dim: -steps[dim])
        made = like(beside, (*[shape[dim] for dim in order], width))
        made = made.transpose(*[order.index(dim) for dim in range(3)], 3)
        return self.place(name, made)

    def with_batch(self, array):
        """A result with the dimensions that the operands have."""
        if len(self.batch) == 2:
            return array
        batch = self.batch if array.shape[1] == self.across else (*self.batch[:-1], self.across // self.shared)
        return array.reshape(*batch, *array.shape[2:])

    def packed(self, causal: bool, drop):
        """The kernels' struct."""
        dropped = 0 if drop is None else min(round(drop[0] * 2**32), 2**32 - 1)
        sizes = (self.across, self.shared, self.queries, self.keys, self.width, self.value_width, causal, dropped)
        steps = [step for name in _OPERANDS for step in self.steps[name]]
        return np.array([*sizes, *steps, self.column], np.int64).view(_PROBLEM)

    def defines(self, drop) -> dict:
        masked = self.mask is not None
        return {"MASK": _MASKS[self.mask.dtype.name] if masked else "bool", "MASKED": int(masked),
                "DROPS": int(drop is not None)}  # fmt: skip

    def run(self, name: str, length: int, heads: int, *arrays, scale: float, causal: bool, drop) -> None:
        """Launch a kernel whose blocks own a few of `length` rows in each head."""
        widest, forward = max(self.width, self.value_width), name == "forward"
        longest = 128 if self.q.dtype.itemsize == 2 else 64  # what registers and 48 KiB of shared memory hold
        by_cores = widest <= longest and has_tensor_cores(self.q)
        table = _CORES if by_cores else _PLAIN
        head = next(head for head in table if widest <= head)
        rows, warps = table[head][:2] if forward else table[head][2:]
        defines = {"HEAD": head, **self.defines(drop)}
        if by_cores and forward:
            defines["STRIPS"] = strips = self._strips(head, drop)
            rows *= strips
        family = "attention_cores" if by_cores else "attention"
        file = "attention_cores_backward" if by_cores and not forward else family
        _, seed, offset = drop or (0, 0, 0)
        launch(file, f"{family}_{name}", self.q, (-(-length // rows) * heads,), (warps * WARP,), *arrays,
               self.packed(causal, drop), float(scale), np.uint64(seed), np.uint64(offset), **defines)  # fmt: skip

    def _strips(self, head: int, drop) -> int:
        """How many strips of 16 queries a warp has: two read shared memory half as often, if enough blocks are left for
        the GPU and a thread's registers are not needed for other things."""
        if head > 64 or self.q.dtype.itemsize == 4 or self.mask is not None or drop is not None:
            return 1
        count, _ = processors(GPU.module, self.q.device.id)
        return 2 if -(-self.queries // 128) * self.heads >= 2 * count else 1


def has_tensor_cores(x) -> bool:
    """Whether the GPU has tensor cores for x's dtype: for float16 from Turing on, else from Ampere on."""
    return _capability(GPU.module, x.device.id) >= ((7, 5) if x.dtype.name == "float16" else (8, 0))


@functools.cache
def _capability(xp, device: int) -> tuple[int, int]:
    properties = xp.cuda.runtime.getDeviceProperties(device)
    return properties["major"], properties["minor"]


def _in_heads_of_q(batch: tuple, shared: int) -> tuple:
    return batch if shared == 1 else (*batch[:-1], batch[-1] * shared)


def _together(*batches) -> tuple:
    """The batch to which all broadcast."""
    return batches[0] if batches[0] == batches[1] == batches[2] else np.broadcast_shapes(*batches)


def _steps(array, shape, count: int) -> tuple:
    """How far apart the neighbours in each of `count` dimensions lie, in elements; 0 where there is one or none."""
    steps = [0 if n == 1 else step // array.itemsize for n, step in zip(shape, array.strides)]
    return (*[0] * (count - len(steps)), *steps)
