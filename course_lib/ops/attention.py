"""Attention: every query gets a weighted mean of the values, the weights being the softmax of query · key.

scaled_dot_product_attention is a composition of matmul, softmax and dropout; multi_head.py splits it into heads.
"""

from __future__ import annotations

import math

from .. import dtypes
from ..tensor import Tensor
from ._numeric import is_half
from ._op import function
from .dropout import dropout
from .matmul import _c_name as c_name
from .matmul import matmul
from .softmax import softmax


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
    if is_causal:  # every query sees at least the first key
        later = scores.new_ones(scores.shape[-2:], dtype=dtypes.bool).triu_(1)
        scores = scores.masked_fill(later, -math.inf)
    if attn_mask is None:
        weights = softmax(scores, -1)
    else:
        scores = _masked(scores, attn_mask)
        blind = (scores.detach() == -math.inf).all(-1, True)  # a query that may look nowhere gets zeros
        weights = softmax(scores.masked_fill(blind, 0), -1).masked_fill(blind, 0)  # 0 first: no nan in its gradient
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
