"""ONNX for attention: matrix products and a softmax, with masks; heads are a dimension of their own."""

from __future__ import annotations

import math

from .. import dtypes
from .builder import Builder, Ref, handles
from .pointwise import number


@handles("scaled_dot_product_attention")
def _attention(g, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None, enable_gqa=False):
    if dropout_p:
        g.refuse("attention with dropout has no ONNX operator here: call eval() first")
    if enable_gqa:
        key, value = [_repeated_heads(g, t, query.shape[-3] // t.shape[-3]) for t in (key, value)]
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    return _attended(g, query, key, value, attn_mask, scale, is_causal, False)[0]


@handles("ops.attend")  # the op of the heads whose weights are wanted
def _attend(g, q, k, v, mask, noise, *, scale, causal, blind_is_nan, with_weights, may_forget, kept):
    if noise is not None:
        g.refuse("attention with dropout has no ONNX operator here: call eval() first")
    made, weights = _attended(g, q, k, v, mask, scale, causal, blind_is_nan)
    return (made, weights) if with_weights else made


def _attended(g, query, key, value, mask, scale: float, is_causal: bool, blind_is_nan: bool):
    """Attention and its weights; a query that may look nowhere gives zeros unless `blind_is_nan`."""
    order = [*range(key.ndim - 2), key.ndim - 1, key.ndim - 2]
    scores = g.op("MatMul", g.op("Mul", query, number(g, scale, query)), g.transpose(key, order))
    lowest = g.constant(-math.inf, query.dtype)
    if is_causal:
        sizes = g.op("Concat", g.shape_of(query, -2, query.ndim - 1), g.shape_of(key, -2, key.ndim - 1), axis=0)
        seen = g.op("Trilu", g.op("Expand", g.constant(1), sizes), upper=0)
        scores = g.op("Where", g.op("Cast", seen, to=g.type_of(dtypes.bool)), scores, lowest)
    blind = None
    if mask is not None:
        is_bool = mask.dtype is dtypes.bool
        scores = g.op("Where", mask, scores, lowest) if is_bool else g.op("Add", scores, mask)
        if not blind_is_nan:
            largest = g.reduce("ReduceMax", scores, [query.ndim - 1 if query.ndim >= mask.ndim else -1], True)
            blind = g.op("Equal", largest, lowest)
    weights = g.op("Softmax", scores, axis=-1)
    if blind is not None:
        weights = g.op("Where", blind, g.constant(0.0, query.dtype), weights)
    return g.op("MatMul", weights, value), weights


def _repeated_heads(g: Builder, x: Ref, times: int) -> Ref:
    shape = (*x.shape[:-3], x.shape[-3] * times, *x.shape[-2:])
    return Ref(g.call("repeat_interleave", x, times, x.ndim - 3), shape, x.dtype)


# ---- several heads -------------------------------------------------------------------------------------------------


@handles("multi_head_attention_forward")
def _multi_head(g, query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v,
                add_zero_attn, dropout_p, out_proj_weight, out_proj_bias, training=True, key_padding_mask=None,
                need_weights=True, attn_mask=None, use_separate_proj_weight=False, q_proj_weight=None,
                k_proj_weight=None, v_proj_weight=None, static_k=None, static_v=None, average_attn_weights=True,
                is_causal=False):  # fmt: skip
    if static_k is not None or static_v is not None:
        g.refuse("attention with static_k or static_v has no ONNX operator here")
    if dropout_p and training:
        g.refuse("attention with dropout has no ONNX operator here: call eval() first")
    batched = query.ndim == 3
    inputs = [x.name if batched else g.unsqueeze(x, 1) for x in (query, key, value)]
    weights = [q_proj_weight, k_proj_weight, v_proj_weight]
    if not use_separate_proj_weight:
        weights = _thirds(g, in_proj_weight)
    biases = [None] * 3 if in_proj_bias is None else _thirds(g, in_proj_bias)
    q, k, v = [_heads(g, x, w, b, num_heads) for x, w, b in zip(inputs, weights, biases, strict=True)]
    width = out_proj_weight.shape[1] // num_heads
    more = [(bias_k, bias_v)] * (bias_k is not None) + [(0.0, 0.0)] * bool(add_zero_attn)
    for for_keys, for_values in more:
        k, v = [_one_more(g, x, row, [num_heads, 1, width], query) for x, row in ((k, for_keys), (v, for_values))]
    q = g.op("Mul", q, number(g, 1 / math.sqrt(width), query))
    scores = g.op("MatMul", q, g.transpose(k, (0, 1, 3, 2)))  # (batch, heads, queries, keys)
    if attn_mask is not None:
        groups = [1, 1] if attn_mask.ndim == 2 else [-1, num_heads]  # otherwise (batch · heads, queries, keys)
        sizes = g.op("Concat", g.constant(groups), g.shape_of(attn_mask, attn_mask.ndim - 2), axis=0)
        mask = g.op("Reshape", attn_mask, sizes)
        scores = _masked(g, scores, Ref(mask, (1,) * 4, attn_mask.dtype), query, len(more))
    if key_padding_mask is not None:
        mask = g.unsqueeze(key_padding_mask, *((1, 2) if batched else (0, 1, 2)))
        scores = _masked(g, scores, Ref(mask, (1,) * 4, key_padding_mask.dtype), query, len(more))
    shares = g.op("Softmax", scores, axis=-1)
    joined = g.reshape(g.transpose(g.op("MatMul", shares, v), (2, 0, 1, 3)), [0, 0, -1])
    out = g.op("MatMul", joined, g.transpose(out_proj_weight, (1, 0)))
    out = out if out_proj_bias is None else g.op("Add", out, out_proj_bias)
    shares = g.reduce("ReduceMean", shares, [1]) if average_attn_weights else shares
    if not batched:
        out, shares = g.squeeze(out, 1), g.squeeze(shares, 0)
    return (out, shares) if need_weights else (out,)


def _thirds(g: Builder, weight: Ref) -> list[str]:
    """The parts of a weight for queries, keys and values."""
    return g.op("Split", weight, g.constant([weight.shape[0] // 3] * 3), outputs=3, axis=0)


def _heads(g: Builder, x: str, weight, bias, heads: int) -> str:
    """Projected and split: (length, batch, width) to (batch, heads, length, width of a head)."""
    x = g.op("MatMul", x, g.transpose(weight, (1, 0)))
    x = x if bias is None else g.op("Add", x, bias)
    return g.transpose(g.reshape(x, [0, 0, heads, -1]), (1, 2, 0, 3))


def _one_more(g: Builder, x: str, row, sizes: list[int], like: Ref) -> str:
    """Keys or values (batch, heads, length, width) with the same row appended to each sequence."""
    row = g.constant(row, like.dtype) if isinstance(row, float) else g.reshape(row, [1, *sizes])
    wide = g.op("Expand", row, g.op("Concat", g.shape_of(x, 0, 1), g.constant(sizes), axis=0))
    return g.op("Concat", x, wide, axis=2)


def _masked(g: Builder, scores: str, mask: Ref, like: Ref, seen: int) -> str:
    """True, or -inf, where a query may not look; the `seen` last keys, which the mask does not have, are for all."""
    if mask.dtype is dtypes.bool:
        added = g.op("Where", mask, g.constant(-math.inf, like.dtype), g.constant(0.0, like.dtype))
    else:
        added = g.cast(mask, like.dtype)
    if seen:
        added = g.op("Pad", added, g.constant([0] * 7 + [seen]))
    return g.op("Add", scores, added)
