"""MultiheadAttention: several attention heads over one query, key and value. It is public in activation.py.

The module holds the projections; nn.functional.multi_head_attention_forward computes.
"""

from __future__ import annotations

from ...autograd import is_grad_enabled
from ...ops.creation import empty
from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter
from .linear import NonDynamicallyQuantizableLinear
from .module import Module


class MultiheadAttention(Module):
    """MultiheadAttention(embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False,
    kdim=None, vdim=None, batch_first=False): `concat(head_1, …) W_out`, each head being
    `softmax(Q K.T / sqrt(d)) V` of its own projections of query, key and value, d = embed_dim / num_heads wide.

    query (L, N, embed_dim), key (S, N, kdim), value (S, N, vdim), or N first with `batch_first`, or without N; results
    the output, as query, and the weights (N, L, S). In `key_padding_mask` (N, S) and `attn_mask` (L, S) or
    (N * num_heads, L, S) True hides a key, a number is added to its score. add_bias_kv, add_zero_attn: one more key and
    value, learned or zero. ValueError or AssertionError where sizes do not fit.

    >>> import course_lib as torch
    >>> attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = torch.ones(3, 5, 8)
    >>> out, weights = attention(x, x, x)
    >>> out.shape, weights.shape
    (torch.Size([3, 5, 8]), torch.Size([3, 5, 5]))

    Source: Vaswani et al. (2017), arXiv:1706.03762
    """

    __constants__ = ["batch_first"]

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device=None,
        dtype=None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        self._make_parameters(bias, add_bias_kv, {"device": device, "dtype": dtype})
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _make_parameters(self, bias: bool, add_bias_kv: bool, factory_kwargs: dict) -> None:
        """One projection matrix for all three where their sizes are equal, else three."""
        width = self.embed_dim
        separate = {"q_proj_weight": width, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        if self._qkv_same_embed_dim:
            self.in_proj_weight = Parameter(empty((3 * width, width), **factory_kwargs))
            for name in separate:
                self.register_parameter(name, None)
        else:
            for name, inputs in separate.items():
                setattr(self, name, Parameter(empty((width, inputs), **factory_kwargs)))
            self.register_parameter("in_proj_weight", None)
        self.register_parameter("in_proj_bias", Parameter(empty(3 * width, **factory_kwargs)) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(width, width, bias=bias, **factory_kwargs)
        self.bias_k = self.bias_v = None
        if add_bias_kv:
            self.bias_k = Parameter(empty((1, 1, width), **factory_kwargs))
            self.bias_v = Parameter(empty((1, 1, width), **factory_kwargs))

    def _reset_parameters(self) -> None:
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for last in (self.bias_k, self.bias_v):
            if last is not None:
                init.xavier_normal_(last)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        batch_first = self.batch_first and query.dim() == 3
        blind_is_nan = query is key is value and self._is_fused(query, attn_mask, key_padding_mask)
        if batch_first:
            same = query is key is value
            query = query.transpose(0, 1)
            key, value = (query, query) if same else (key.transpose(0, 1), value.transpose(0, 1))
        out, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k,
            self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, self.training,
            key_padding_mask, need_weights or blind_is_nan, attn_mask, not self._qkv_same_embed_dim, self.q_proj_weight,
            self.k_proj_weight, self.v_proj_weight, None, None, average_attn_weights, is_causal,
        )  # fmt: skip
        return out.transpose(0, 1) if batch_first else out, weights if need_weights else None

    def _is_fused(self, query: Tensor, *masks: Tensor | None) -> bool:
        """Whether PyTorch computes this self-attention, with padding, in its fused kernel for inference. A query whose
        keys are all hidden gives nan there, as it does where weights are needed; zeros elsewhere.
        """
        if masks[-1] is None or any(mask is not None and mask.is_floating_point() for mask in masks):
            return False
        return self._can_be_fused() and query.dim() == 3 and not recorded(self, query)

    def _can_be_fused(self) -> bool:
        even = self.num_heads % 2 == 0
        own = self.in_proj_weight is not None and self.in_proj_bias is not None
        return (
            not self.training and self.batch_first and even and own and self.bias_k is None and not self.add_zero_attn
        )

    def merge_masks(
        self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, query: Tensor
    ) -> tuple[Tensor | None, int | None]:
        """Both masks as one, and its kind: None, 1 for (batch, keys), 2 for (batch, heads, queries, keys)."""
        if attn_mask is None:
            return key_padding_mask, None if key_padding_mask is None else 1
        batch, length, _ = query.shape
        if attn_mask.dim() == 3:
            merged = attn_mask.view(batch, -1, length, length)
        else:
            merged = attn_mask.view(1, 1, length, length).expand(batch, self.num_heads, -1, -1)
        if key_padding_mask is not None:
            merged = merged + key_padding_mask.view(batch, 1, 1, length).expand(-1, self.num_heads, -1, -1)
        return merged, 2


def recorded(module: Module, input: Tensor) -> bool:
    """Whether running the module on the input will be recorded for backward."""
    return is_grad_enabled() and (input.requires_grad or any(p.requires_grad for p in module.parameters()))
