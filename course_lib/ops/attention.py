"""Attention: every query gets a weighted mean of the values, the weights being the softmax of query · key.

All functions are compositions of matmul, softmax and dropout.
"""

from __future__ import annotations

import math

from ..tensor import Tensor
from ._numeric import is_half
from ._op import function
from .creation import ones
from .dropout import dropout
from .joining import cat
from .linear import linear
from .matmul import _c_name as c_name
from .matmul import matmul
from .padding import pad
from .softmax import softmax

# ---- one step of attention ---------------------------------------------------------------------------------------


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
    if is_half(query._array.dtype):
        wide_mask = attn_mask if attn_mask is None or attn_mask._array.dtype.kind == "b" else attn_mask.float()
        made = scaled_dot_product_attention(
            query.float(),
            key.float(),
            value.float(),
            wide_mask,
            dropout_p,
            is_causal,
            scale=scale,
            enable_gqa=enable_gqa,
        )
        return made.to(query.dtype)
    if enable_gqa:
        key, value = [t.repeat_interleave(query.shape[-3] // t.shape[-3], -3) for t in (key, value)]
    rate = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = matmul(query * rate, key.transpose(-2, -1))
    if is_causal:
        attn_mask = ones(scores.shape[-2:]).bool().tril()
    if attn_mask is None:
        weights = softmax(scores, -1)
    else:
        scores = _masked(scores, attn_mask)
        blind = (scores.detach() == -math.inf).all(-1, True)  # a query that may look nowhere gets zeros
        weights = softmax(scores, -1).masked_fill(blind, 0)
    if dropout_p:
        weights = dropout(weights, dropout_p)
    return matmul(weights, value)


def _masked(scores: Tensor, mask: Tensor) -> Tensor:
    if mask._array.dtype.kind != "b":
        return scores + mask
    return scores.masked_fill(mask.logical_not(), -math.inf)


def _check(query, key, value, attn_mask, is_causal: bool) -> None:
    if not query.dtype is key.dtype is value.dtype:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {c_name(query.dtype)} "
            f"key.dtype: {c_name(key.dtype)} and value.dtype: {c_name(value.dtype)} instead."
        )
    if query.ndim < 2 or key.ndim < 2 or value.ndim < 2:
        raise RuntimeError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {query.ndim} "
            f"key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if attn_mask is None:
        return
    if attn_mask._array.dtype.name not in ("bool", "float32", query._array.dtype.name):
        raise RuntimeError(
            f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{c_name(attn_mask.dtype)} and  query.dtype: {c_name(query.dtype)} instead."
        )
    if is_causal:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")


# ---- several heads -----------------------------------------------------------------------------------------------


def _projected(query, key, value, weights, bias):
    """query, key and value times their projection matrices."""
    biases = [None] * 3 if bias is None else bias.chunk(3)
    return [linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]


def _split_heads(t: Tensor, heads: int) -> Tensor:
    """(length, batch, heads * width) -> (batch, heads, length, width)"""
    length, batch, width = t.shape
    return t.reshape(length, batch * heads, width // heads).transpose(0, 1).view(batch, heads, length, width // heads)


def _number_mask(mask, like: Tensor, name: str):
    """A mask as numbers to add: -inf where a bool mask says True."""
    if mask is None:
        return None
    kind = mask._array.dtype.kind
    if kind not in "bfV":
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if kind == "b":
        return mask.new_zeros(mask.shape, dtype=like.dtype).masked_fill(mask, -math.inf)
    return mask


def _all_masks(attn_mask, key_padding_mask, batch: int, heads: int, shape):
    """Both masks as one that broadcasts to (batch, heads, L, S)."""
    if attn_mask is not None:
        wanted = (*shape,) if attn_mask.ndim == 2 else (batch * heads, *shape)
        if attn_mask.ndim not in (2, 3):
            raise RuntimeError(f"attn_mask's dimension {attn_mask.ndim} is not supported")
        if attn_mask.shape != wanted:
            raise RuntimeError(
                f"The shape of the {attn_mask.ndim}D attn_mask is {attn_mask.shape}, but should be {tuple(wanted)}."
            )
        attn_mask = attn_mask.view(batch, heads, *shape) if attn_mask.ndim == 3 else attn_mask.view(1, 1, *shape)
    if key_padding_mask is None:
        return attn_mask
    if key_padding_mask.shape != (batch, shape[1]):
        raise AssertionError(
            f"expecting key_padding_mask shape of {(batch, shape[1])}, but got {key_padding_mask.shape}"
        )
    hidden = key_padding_mask.view(batch, 1, 1, shape[1])
    return hidden if attn_mask is None else attn_mask + hidden


def _padded_mask(mask):
    """A mask for keys of which one was appended: it is seen."""
    return None if mask is None else pad(mask, (0, 1))


@function(namespace="nn.functional")
def multi_head_attention_forward(
    query,
    key,
    value,
    embed_dim_to_check,
    num_heads,
    in_proj_weight,
    in_proj_bias,
    bias_k,
    bias_v,
    add_zero_attn,
    dropout_p,
    out_proj_weight,
    out_proj_bias,
    training=True,
    key_padding_mask=None,
    need_weights=True,
    attn_mask=None,
    use_separate_proj_weight=False,
    q_proj_weight=None,
    k_proj_weight=None,
    v_proj_weight=None,
    static_k=None,
    static_v=None,
    average_attn_weights=True,
    is_causal=False,
):
    """multi_head_attention_forward(query, key, value, embed_dim_to_check, num_heads, …) -> (Tensor, Tensor or None)

    query (L, N, E), key and value (S, N, E), projected, split into `num_heads` heads that attend separately, joined and
    projected again: (L, N, E), and with `need_weights` the attention weights (N, L, S), or (N, heads, L, S) unless
    `average_attn_weights`. key_padding_mask (N, S) and attn_mask (L, S) or (N * heads, L, S): True, or -inf, hides a
    key. Without the batch dimension N everywhere it goes too. bias_k, bias_v and add_zero_attn append a key and a
    value.

    Source: Vaswani et al. (2017), arXiv:1706.03762
    """
    batched = query.ndim == 3
    if query.ndim not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query tensor"
        )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, width = query.shape
    if width != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}")
    if width % num_heads:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")
    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight.chunk(3)
    q, k, v = _projected(query, key, value, weights, in_proj_bias)
    mask, hidden = _number_mask(attn_mask, q, "attn_mask"), _number_mask(key_padding_mask, q, "key_padding_mask")
    if bias_k is not None and bias_v is not None:
        k, v = cat([k, bias_k.repeat(1, batch, 1)]), cat([v, bias_v.repeat(1, batch, 1)])
        mask, hidden = _padded_mask(mask), _padded_mask(hidden)
    q = _split_heads(q, num_heads)
    k = _split_heads(k, num_heads) if static_k is None else static_k.view(batch, num_heads, -1, width // num_heads)
    v = _split_heads(v, num_heads) if static_v is None else static_v.view(batch, num_heads, -1, width // num_heads)
    if add_zero_attn:
        k, v = [cat([t, t.new_zeros((batch, num_heads, 1, t.shape[-1]))], 2) for t in (k, v)]
        mask, hidden = _padded_mask(mask), _padded_mask(hidden)
    mask = _all_masks(mask, hidden, batch, num_heads, (length, k.shape[2]))
    dropout_p = dropout_p if training else 0.0
    if need_weights:
        scores = matmul(q * math.sqrt(1.0 / q.shape[-1]), k.transpose(-2, -1))
        attention = softmax(scores if mask is None else scores + mask, -1)
        if dropout_p > 0:
            attention = dropout(attention, dropout_p)
        made = matmul(attention, v)
    else:
        made = scaled_dot_product_attention(q, k, v, mask, dropout_p)
    made = made.permute(2, 0, 1, 3).reshape(length * batch, width)
    made = linear(made, out_proj_weight, out_proj_bias).view(length, batch, -1)
    if not batched:
        made = made.squeeze(1)
    if not need_weights:
        return made, None
    attention = attention.mean(1) if average_attn_weights else attention
    return made, attention if batched else attention.squeeze(0)
