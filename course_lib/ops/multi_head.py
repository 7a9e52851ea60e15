"""Attention in several heads: the inputs are projected, split into heads that attend separately, joined and projected.

Masks become numbers that are added to the scores (`canonical_mask`): -inf where a bool mask says True. Note that this
is the opposite of scaled_dot_product_attention, where True says that a query may look.
"""

from __future__ import annotations

import math

from ..dtypes import c_name
from ..errors import warn
from ..tensor import Tensor
from ._autocast import AUTOCAST
from ._op import function
from .attention import attend, check_sizes, dropout_noise, scaled_dot_product_attention
from .joining import cat
from .linear import linear
from .padding import pad

# ---- masks -------------------------------------------------------------------------------------------------------


def canonical_mask(mask, name: str, dtype, other=None, other_name: str = "", check_other: bool = True):
    """A mask as numbers to add, of `dtype`; AssertionError unless it is bool or floating, None for None.

    A warning says so where another mask is of another dtype.
    """
    if mask is None:
        return None
    kind = mask._array.dtype.kind
    if kind not in "bfV":
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if check_other and other is not None and other.dtype is not mask.dtype:
        warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead."
        )
    return mask.new_zeros(mask.shape, dtype=dtype).masked_fill_(mask, -math.inf) if kind == "b" else mask


def _both_masks(attn_mask, key_padding_mask, batch: int, heads: int):
    """Both masks as one that broadcasts to (batch, heads, L, S), or None."""
    if attn_mask is not None:
        shape = attn_mask.shape[-2:]
        attn_mask = attn_mask.view(batch, heads, *shape) if attn_mask.ndim == 3 else attn_mask.view(1, 1, *shape)
    if key_padding_mask is None:
        return attn_mask
    hidden = key_padding_mask.view(batch, 1, 1, -1)
    return hidden if attn_mask is None else attn_mask + hidden


# ---- checks ------------------------------------------------------------------------------------------------------


def _check_dimensions(query, key, value, key_padding_mask, attn_mask, heads: int) -> None:
    if query.ndim not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query tensor"
        )
    batched = query.ndim == 3
    given = "batched (3-D)" if batched else "unbatched (2-D)"
    if not key.ndim == value.ndim == query.ndim:
        raise AssertionError(
            f"For {given} `query`, expected `key` and `value` to be {query.ndim}-D but found {key.ndim}-D and "
            f"{value.ndim}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.ndim != query.ndim - 1:
        raise AssertionError(
            f"For {given} `query`, expected `key_padding_mask` to be `None` or {query.ndim - 1}-D but found "
            f"{key_padding_mask.ndim}-D tensor instead"
        )
    if attn_mask is None:
        return
    if attn_mask.ndim not in (2, 3):
        raise AssertionError(
            f"For {given} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.ndim}-D tensor "
            "instead"
        )
    wanted = (heads, query.shape[0], key.shape[0])
    if not batched and attn_mask.ndim == 3 and attn_mask.shape != wanted:
        raise AssertionError(f"Expected `attn_mask` shape to be {wanted} but got {attn_mask.shape}")


def _check_sizes(query, key, value, width: int, heads: int, attn_mask) -> None:
    """For a batched query; its masks are looked at, too."""
    if query.shape[2] != width:
        raise AssertionError(f"was expecting embedding dimension of {width}, but got {query.shape[2]}")
    if width // heads * heads != width:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {heads}")
    if attn_mask is not None:
        wanted = (query.shape[0], key.shape[0])
        if attn_mask.ndim == 3:
            wanted = (query.shape[1] * heads, *wanted)
        if attn_mask.shape != wanted:
            raise RuntimeError(
                f"The shape of the {attn_mask.ndim}D attn_mask is {attn_mask.shape}, but should be {wanted}."
            )


def _check_padding_mask(mask, batch: int, length: int) -> None:
    for dim, wanted in enumerate((batch, length)):
        if mask is not None and mask.shape[dim] != wanted:
            raise AssertionError(f"Expected key_padded_mask.shape[{dim}] to be {wanted}, but got {mask.shape[dim]}")


# ---- parts -------------------------------------------------------------------------------------------------------


def _projected(query, key, value, weight, separate, bias, heads: int):
    """query, key and value times their projection matrices (one of all three, or `separate` ones), in heads."""
    if separate is None:
        if weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        if key.shape != value.shape:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        if query is key is value:  # one product for all three
            length, batch, width = query._array.shape
            made = linear(query, weight, bias).view(length, batch, 3, heads, width // heads)
            return made.permute(2, 1, 3, 0, 4).unbind(0)
        separate = weight.chunk(3)
    else:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
            )
        for name, given in zip(("q_proj_weight", "k_proj_weight", "v_proj_weight"), separate):
            if given is None:
                raise AssertionError(f"use_separate_proj_weight is True but {name} is None")
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return [_in_heads(linear(x, w, b), heads) for x, w, b in zip((query, key, value), separate, biases)]


def _one_more(keys: Tensor, last, name: str, other: str, static) -> Tensor:
    """`last` (1, 1, width) appended to the keys or values of every sequence."""
    if last is None:
        raise AssertionError(f"bias_{other} is set but bias_{name[0]} is None")
    if static is not None:
        raise AssertionError(f"bias cannot be added to static {name}.")
    batch, heads = keys.shape[:2]
    return cat([keys, _in_heads(last.expand(1, 1, -1), heads).expand(batch, -1, -1, -1)], 2)


def _in_heads(t: Tensor, heads: int) -> Tensor:
    """(length, batch, heads * width) -> (batch, heads, length, width)"""
    length, batch, width = t._array.shape
    return t.view(length, batch, heads, width // heads).permute(1, 2, 0, 3)


def _static(given: Tensor, name: str, batch: int, heads: int, _, width: int) -> Tensor:
    """Keys or values that are given in heads already, (batch * heads, length, width)."""
    for dim, wanted in ((0, batch * heads), (2, width)):
        if given.shape[dim] != wanted:
            raise AssertionError(f"expecting {name}.size({dim}) of {wanted}, but got {given.shape[dim]}")
    return given.view(batch, heads, -1, width)


def _attend(q, k, v, mask, dropout_p: float):
    """(batch, heads, length, width) and the weights (batch, heads, length, keys)."""
    if mask is not None and AUTOCAST.on:
        mask = mask.to(q.dtype)
    if mask is not None and mask.dtype is not q.dtype:
        raise RuntimeError(
            f"Input dtypes must be the same, got: input {c_name(mask.dtype)}, batch1: {c_name(q.dtype)}, batch2: "
            f"{c_name(k.dtype)}"
        )
    check_sizes(q._array.shape, k._array.shape, v._array.shape, mask)
    noise = dropout_noise(q, k, dropout_p) if dropout_p > 0 else None
    return attend(q, k, v, mask, noise, scale=math.sqrt(1.0 / q.shape[-1]), causal=False, blind_is_nan=True,
                  with_weights=True, may_forget=False, kept=[])  # fmt: skip


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
    value. `is_causal` says that attn_mask is the causal mask. AssertionError or RuntimeError where shapes do not fit.

    Source: Vaswani et al. (2017), arXiv:1706.03762
    """
    _check_dimensions(query, key, value, key_padding_mask, attn_mask, num_heads)
    batched = query.ndim == 3
    if not batched:
        same = query is key is value
        query = query.unsqueeze(1)
        key, value = (query, query) if same else (key.unsqueeze(1), value.unsqueeze(1))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    hidden = canonical_mask(key_padding_mask, "key_padding_mask", query.dtype, attn_mask, "attn_mask")
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    is_causal = is_causal and key_padding_mask is None and not need_weights
    mask = None if is_causal else canonical_mask(attn_mask, "attn_mask", query.dtype)
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, mask)
    length, batch, width = query._array.shape

    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    q, k, v = _projected(query, key, value, in_proj_weight, separate, in_proj_bias, num_heads)
    added = 0
    if bias_k is not None or bias_v is not None:
        k, v = _one_more(k, bias_k, "key", "v", static_k), _one_more(v, bias_v, "value", "k", static_v)
        added += 1
    k = k if static_k is None else _static(static_k, "static_k", *q.shape)
    v = v if static_v is None else _static(static_v, "static_v", *q.shape)
    if add_zero_attn:
        k, v = [cat([t, t.new_zeros((batch, num_heads, 1, t.shape[3]))], 2) for t in (k, v)]
        added += 1
    if added:  # what was appended is seen by all
        mask, hidden = [None if m is None else pad(m, (0, added)) for m in (mask, hidden)]
    _check_padding_mask(hidden, batch, k.shape[2])

    mask = _both_masks(mask, hidden, batch, num_heads)
    dropout_p = dropout_p if training else 0.0
    if need_weights:
        made, weights = _attend(q, k, v, mask, dropout_p)
    else:
        made, weights = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal), None
    made = made.permute(2, 0, 1, 3).reshape(length * batch, width)
    made = linear(made, out_proj_weight, out_proj_bias).view(length, batch, -1)
    if need_weights:
        weights = weights.mean(1) if average_attn_weights else weights
        weights = weights if batched else weights.squeeze(0)
    return made if batched else made.squeeze(1), weights
