"""Attention: every query gets a weighted mean of the values, the weights being the softmax of query · key.

One op computes it from arrays, for scaled_dot_product_attention here and for the heads of multi_head.py. On a GPU
tiled_attention.py computes it where it can, and no weights are asked for.
"""

from __future__ import annotations

import math

from .. import dtypes
from ..tensor import Tensor
from . import long_attention, tiled_attention
from ._fused import Fused, all_wide, fused_backward
from ._numeric import kind_name, narrow
from ._op import function, op
from .attention_formula import in_tensors
from .creation import ones
from .dropout import dropout
from .matmul import broadcast_batches

# ---- the op ------------------------------------------------------------------------------------------------------


def _gradients(xp, grads, operands, kept, needed, *, scale, causal, **_):
    by_made, by_weights = grads if len(grads) == 2 else (*grads, None)
    q, k, v, mask, noise = operands
    if len(kept) == 2:
        found = long_attention.gradients(xp, by_made, q, k, v, mask, *kept, scale, causal)
        return *[g if need else None for g, need in zip(found, needed)], None, None
    (weights,) = kept
    by_q = by_k = by_v = by_scores = None
    if needed[2]:
        by_v = xp.matmul((weights if noise is None else weights * noise).swapaxes(-1, -2), by_made)
    if needed[0] or needed[1] or needed[3]:
        by_scores = xp.matmul(by_made, v.swapaxes(-1, -2))
        if by_weights is not None:
            by_scores += by_weights
        if noise is not None:
            by_scores *= noise
        by_scores -= xp.add.reduce(by_scores * weights, axis=-1, keepdims=True)
        by_scores *= weights
    if needed[0]:
        by_q = xp.matmul(by_scores, k)
        by_q *= scale
    if needed[1]:
        by_k = xp.matmul(by_scores.swapaxes(-1, -2), q)
        by_k *= scale
    return by_q, by_k, by_v, by_scores if needed[3] else None, None


@op(method=False, namespace=None, node="ScaledDotProductAttention")
class attend(Fused):
    """softmax(q @ k.T * scale + mask) * noise @ v for q (…, L, E), k (…, S, E), v (…, S, Ev); mask: numbers to add, or
    True where a query may look; causal: query i looks at keys 0 … i; noise: the factors of dropout. A query that may
    look nowhere gives zeros, or with `blind_is_nan` nan. With `with_weights` the weights, too; without, and without
    noise, `may_forget`: many weights are not kept (long_attention.py).
    """

    def forward(xp, q, k, v, mask, noise, *, scale, causal, blind_is_nan, with_weights, may_forget, kept):
        dtype = q.dtype
        q, k, v, mask, noise = all_wide(q, k, v, mask, noise)
        if may_forget and long_attention.pays(q, k, v, mask):
            kept += long_attention.forward(xp, q, k, v, mask, scale, causal)
            return narrow(kept[0], dtype)
        weights = xp.matmul(q * q.dtype.type(scale), k.swapaxes(-1, -2))
        if causal:
            weights += xp.triu(xp.full(weights.shape[-2:], -math.inf, weights.dtype), 1)
        if mask is not None:
            weights += mask if mask.dtype.kind != "b" else xp.where(mask, 0, weights.dtype.type(-math.inf))
        if weights.size:
            _softmax(xp, weights, blind_is_nan or (mask is None))
        kept.append(weights)
        if noise is not None:
            weights = weights * noise
        made = narrow(xp.matmul(weights, v), dtype)
        return (made, narrow(weights, dtype)) if with_weights else made

    def save(ctx, outs, q, k, v, mask, noise, **settings):
        operands = (q, k, v, mask, noise)
        Fused.save(ctx, outs, *operands, **settings)
        ctx.inputs = tuple([None if t is None else (t._array.shape, t._array.dtype) for t in operands])

    backward = fused_backward(_gradients, in_tensors)


def _softmax(xp, scores, blind_is_nan: bool) -> None:
    """In place, along the last dimension."""
    high = xp.max(scores, axis=-1, keepdims=True)
    if not blind_is_nan:
        high[high == -math.inf] = 0
    scores -= high
    xp.exp(scores, out=scores)
    total = xp.add.reduce(scores, axis=-1, keepdims=True)
    if not blind_is_nan:
        total[total == 0] = 1
    scores /= total


def dropout_noise(q, k, p: float) -> Tensor:
    """The factors 0 and 1 / (1 - p) for all weights, drawn as `dropout` of the weights would draw them."""
    shape = (*broadcast_batches(q.shape[:-2], k.shape[:-2]), q.shape[-2], k.shape[-2])
    return dropout(ones(shape, dtype=q.dtype, device=q.device), p)


# ---- the function ------------------------------------------------------------------------------------------------


@function(namespace="nn.functional")
def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None, enable_gqa=False
):
    """scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None,
    enable_gqa=False) -> Tensor

    `softmax(query @ key.T * scale + mask) @ value`: query (…, L, E), key (…, S, E), value (…, S, Ev), result (…, L,
    Ev). attn_mask broadcasts to (…, L, S): True where a query may look, or a number that is added. is_causal: query i
    looks at keys 0 … i. scale is 1/√E if not given. enable_gqa: several heads of the query share one head of key and
    value.

    RuntimeError where shapes or dtypes do not fit, or with a mask and is_causal.

    Source: Vaswani et al. (2017), arXiv:1706.03762
    """
    _check(query, key, value, attn_mask, is_causal)
    if query.is_cuda:
        made = _on_gpu(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)
        if made is not None:
            return made
    if enable_gqa:
        key, value = [_repeated(t, query.shape[-3]) for t in (key, value)]
    check_sizes(query._array.shape, key._array.shape, value._array.shape, attn_mask)
    if dropout_p > 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p:g}")
    rate = _scale(query, scale)
    noise = dropout_noise(query, key, dropout_p) if dropout_p > 0 else None
    learned = attn_mask is not None and attn_mask.requires_grad
    return attend(query, key, value, attn_mask, noise, scale=rate, causal=is_causal, blind_is_nan=False,
                  with_weights=False, may_forget=noise is None and not learned, kept=[])  # fmt: skip


def _on_gpu(query, key, value, mask, p: float, causal: bool, scale, enable_gqa: bool):
    """The result by the GPU's kernels; None where they do not take the operands, or something is wrong with them."""
    shared = 1
    shapes = [t._array.shape for t in (query, key, value)]
    if enable_gqa and min(map(len, shapes)) > 2:
        heads = [shape[-3] for shape in shapes]
        shared = heads[0] // heads[1] if heads[1] == heads[2] and heads[0] % heads[1] == 0 else 0
    if not (shared and p < 1 and tiled_attention.fits(query, key, value, mask, shared)):
        return None
    batches = [(*shape[:-3], shape[-3] * shared, *shape[-2:]) for shape in shapes[1:]] if shared > 1 else shapes[1:]
    check_sizes(shapes[0], *batches, mask)
    drop = tiled_attention.draw(query, p) if p > 0 else None
    return tiled_attention.attend_in_tiles(query, key, value, mask, scale=_scale(query, scale), causal=causal,
                                           shared=shared, drop=drop, kept=[])  # fmt: skip


def _scale(query, scale) -> float:
    return 1 / math.sqrt(query._array.shape[-1]) if scale is None else scale


def _check(query, key, value, attn_mask, is_causal: bool) -> None:
    if not query.dtype is key.dtype is value.dtype:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {dtypes.c_name(query.dtype)} "
            f"key.dtype: {dtypes.c_name(key.dtype)} and value.dtype: {dtypes.c_name(value.dtype)} instead."
        )
    if query.ndim < 2 or key.ndim < 2 or value.ndim < 2:
        raise RuntimeError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {query.ndim} "
            f"key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if query._array.dtype.kind in "biu":
        raise RuntimeError(f"expected scalar type Float but found {kind_name(query)}")
    if attn_mask is None:
        return
    if attn_mask._array.dtype.name not in ("bool", "float32", query._array.dtype.name):
        raise RuntimeError(
            f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{dtypes.c_name(attn_mask.dtype)} and  query.dtype: {dtypes.c_name(query.dtype)} instead."
        )
    if is_causal:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")


def _repeated(t: Tensor, heads: int) -> Tensor:
    """Each head of the keys or values as often as queries share it."""
    if heads % t.shape[-3]:
        raise RuntimeError("Number of heads in key and value must divide the number of heads in ")
    return t.repeat_interleave(heads // t.shape[-3], -3)


def check_sizes(q: tuple, k: tuple, v: tuple, mask) -> None:
    """RuntimeError where the products cannot be formed, or the mask does not broadcast to the scores."""
    batch = broadcast_batches(q[:-2], k[:-2])
    broadcast_batches(batch, v[:-2])
    for wanted, given in ((q[-1], k[-1]), (k[-2], v[-2])):
        if given != wanted:
            count = math.prod(batch)
            raise RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{count}, {wanted}] but got: "
                f"[{count}, {given}]."
            )
    if mask is not None:
        broadcast_batches((*batch, q[-2], k[-2]), mask._array.shape)
