"""Attention on a GPU by the library's own kernels, which never write the weights down: backends/kernels/attention.cu.

Queries, keys and values are read where they lie, grouped heads are not repeated, a mask is not expanded, and dropout's
numbers are made where they are used.
"""

from __future__ import annotations

import numpy as np

from ..backends import array_module, backend_of
from ..tensor import wrap
from ._fused import Fused, fused_backward
from ._op import op
from .attention_formula import in_tensors
from .random_arguments import stream_beside


def fits(q, k, v, mask, shared: int) -> bool:
    """Whether these tensors lie on a GPU and the kernels take them; a mask that learns needs all weights."""
    if type(q._array) is np.ndarray or (mask is not None and mask.requires_grad):
        return False
    arrays = [None if t is None else t._array for t in (q, k, v, mask)]
    return backend_of(array_module(q._array)).kernel("attention", *arrays, shared) is not None


def draw(q, p: float) -> tuple[float, int, int]:
    """Dropout's numbers: (p, seed, offset) of the generator, which goes on behind them."""
    found = [p]

    def note(*place) -> int:
        found.extend(place)
        return 4  # numbers that one call of the generator makes

    stream_beside("dropout", None, q).drawn_elsewhere(note)
    return tuple(found)


def _kernels():
    """Imported where they run: most programs have no GPU."""
    from ..backends import cuda_kernels

    return cuda_kernels


def _gradients(xp, grads, operands, kept, needed, **settings):
    found = _kernels().attention_backward(*grads, *operands, *kept, **settings)
    return *[g if need else None for g, need in zip(found, needed)], None


def _in_tensors(q, k, v, mask, *, shared, drop, **settings):
    noise = None
    if drop is not None:
        noise = wrap(_kernels().attention_noise(q._array, k._array, shared=shared, drop=drop))
    if shared > 1:
        k, v = k.repeat_interleave(shared, -3), v.repeat_interleave(shared, -3)
    return in_tensors(q, k, v, mask, noise, **settings)


@op(method=False, namespace=None, node="ScaledDotProductEfficientAttention")
class attend_in_tiles(Fused):
    """softmax(q @ k.T * scale + mask) @ v for q (…, L, E), k (…, S, E), v (…, S, Ev) on a GPU; `shared` heads of q look
    at one head of k and v; drop: None, or (p, seed, offset) of dropout."""

    def forward(xp, q, k, v, mask, *, scale, causal, shared, drop, kept):
        made = _kernels().attention(
            q, k, v, mask, scale=scale, causal=causal, shared=shared, drop=drop
        )
        kept += made
        return made[0]

    def save(ctx, out, q, k, v, mask, **settings):
        Fused.save(ctx, out, q, k, v, mask, **settings)
        ctx.inputs = tuple([None if t is None else (t._array.shape, t._array.dtype) for t in (q, k, v, mask)])

    backward = fused_backward(_gradients, _in_tensors, widened=False)
