"""Transformers: encoder and decoder layers of attention and a feed-forward network, stacks of them, and both together.

Sequences are (length, batch, d_model), (batch, length, d_model) with `batch_first`, or (length, d_model). In masks,
True hides a key and a number is added to its score.
"""

from __future__ import annotations

import copy
import math
import warnings

from ..._dispatch import current
from ...ops.creation import full
from ...ops.multi_head import canonical_mask
from ...ops.ranges import arange
from ...tensor import Tensor
from .. import functional as F
from .. import init
from .activation import GELU, ReLU
from .attention import MultiheadAttention, recorded
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm

__all__ = ["Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer",
           "TransformerDecoderLayer"]  # fmt: skip

# ---- one layer ---------------------------------------------------------------------------------------------------


class _Layer(Module):
    """Self-attention, in a decoder attention to the memory, and a feed-forward network, each added to its own input
    (a residual connection) and normalised before (`norm_first`) or after that.
    """

    __constants__ = ["norm_first"]
    _attentions = ("self_attn",)

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1, activation=F.relu,
        layer_norm_eps: float = 1e-5, batch_first: bool = False, norm_first: bool = False, bias: bool = True,
        device=None, dtype=None,
    ) -> None:  # fmt: skip
        factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__()
        for name in self._attentions:
            attention = MultiheadAttention(
                d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **factory_kwargs
            )
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **factory_kwargs)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **factory_kwargs)
        self.norm_first = norm_first
        steps = range(1, len(self._attentions) + 2)
        for number in steps:
            setattr(self, f"norm{number}", LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **factory_kwargs))
        for number in steps:
            setattr(self, f"dropout{number}", Dropout(dropout))
        self._set_activation(_get_activation_fn(activation) if isinstance(activation, str) else current(activation))

    def _set_activation(self, activation) -> None:
        self.activation = activation

    def _add(self, x: Tensor, norm: LayerNorm, step, *args) -> Tensor:
        """One step with its residual connection and its norm."""
        if self.norm_first:
            return x + step(norm(x), *args)
        return norm(x + step(x, *args))

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


def _get_activation_fn(name: str):
    found = {"relu": F.relu, "gelu": F.gelu}.get(name)
    if found is None:
        raise RuntimeError(f"activation should be relu/gelu, not {name}")
    return found


class TransformerEncoderLayer(_Layer):
    """TransformerEncoderLayer(d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=relu, layer_norm_eps=1e-5,
    batch_first=False, norm_first=False, bias=True): `x = norm(x + attention(x))`, then `x = norm(x + linear2(relu(
    linear1(x))))`; with `norm_first` `x + attention(norm(x))`. `activation`: "relu", "gelu" or a function.

    >>> import course_lib as torch
    >>> layer = torch.nn.TransformerEncoderLayer(d_model=8, nhead=2, batch_first=True)
    >>> layer(torch.ones(3, 5, 8)).shape
    torch.Size([3, 5, 8])

    Source: Vaswani et al. (2017), arXiv:1706.03762
    """

    def _set_activation(self, activation) -> None:
        kinds = ((F.relu, ReLU, 1), (F.gelu, GELU, 2))
        known = [number for function, kind, number in kinds if activation is function or isinstance(activation, kind)]
        self.activation_relu_or_gelu = known[0] if known else 0
        self.activation = activation

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        padding = canonical_mask(src_key_padding_mask, "src_key_padding_mask", src.dtype, src_mask, "src_mask")
        mask = canonical_mask(src_mask, "src_mask", src.dtype)
        x = self._add(src, self.norm1, self._sa_block, mask, padding, is_causal)
        return self._add(x, self.norm2, self._ff_block)

    def _sa_block(
        self, x: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool = False
    ) -> Tensor:
        blind_is_nan = key_padding_mask is not None and self._is_fused(x)
        made = self.self_attn(
            x, x, x, attn_mask=attn_mask, key_padding_mask=key_padding_mask, need_weights=blind_is_nan,
            is_causal=is_causal,
        )  # fmt: skip
        return self.dropout1(made[0])

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout2(self._feed_forward(x))

    def _is_fused(self, src: Tensor) -> bool:
        """Whether PyTorch computes the layer in its fused kernel for inference; see MultiheadAttention."""
        same = self.norm1.eps == self.norm2.eps
        fused = self.activation_relu_or_gelu and same and not self.training and self.self_attn._can_be_fused()
        return bool(fused) and src.dim() == 3 and not recorded(self, src)


class TransformerDecoderLayer(_Layer):
    """TransformerDecoderLayer(d_model, nhead, …), as TransformerEncoderLayer, with attention to `memory` between
    self-attention and feed-forward: `forward(tgt, memory)` gives a tensor like tgt.

    Source: Vaswani et al. (2017), arXiv:1706.03762
    """

    _attentions = ("self_attn", "multihead_attn")

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        x = self._add(tgt, self.norm1, self._sa_block, tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        x = self._add(x, self.norm2, self._mha_block, memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        return self._add(x, self.norm3, self._ff_block)

    def _sa_block(
        self, x: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool = False
    ) -> Tensor:
        return self.dropout1(_attended(self.self_attn, x, x, attn_mask, key_padding_mask, is_causal))

    def _mha_block(
        self,
        x: Tensor,
        mem: Tensor,
        attn_mask: Tensor | None,
        key_padding_mask: Tensor | None,
        is_causal: bool = False,
    ) -> Tensor:
        return self.dropout2(_attended(self.multihead_attn, x, mem, attn_mask, key_padding_mask, is_causal))

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout3(self._feed_forward(x))


def _attended(attention, x, keys, attn_mask, key_padding_mask, is_causal: bool) -> Tensor:
    return attention(x, keys, keys, key_padding_mask, False, attn_mask, is_causal=is_causal)[0]


# ---- stacks ------------------------------------------------------------------------------------------------------


def _get_clones(layer: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class TransformerEncoder(Module):
    """TransformerEncoder(encoder_layer, num_layers, norm=None, enable_nested_tensor=True, mask_check=True): num_layers
    copies of a layer, one after the other, and a norm if given.

    Where PyTorch would use nested tensors (inference, padding after each sequence, no other mask), the outputs at
    padded places are zeros, as there.

    Source: Vaswani et al. (2017), arXiv:1706.03762
    """

    __constants__ = ["norm"]

    def __init__(
        self,
        encoder_layer: TransformerEncoderLayer,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _get_clones(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = self.use_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check
        reason = _why_not_nested(encoder_layer)
        if enable_nested_tensor and reason:
            warnings.warn(
                f"enable_nested_tensor is True, but self.use_nested_tensor is False because encoder_layer{reason}",
                stacklevel=2,
            )
            self.use_nested_tensor = False

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        padding = canonical_mask(src_key_padding_mask, "src_key_padding_mask", src.dtype, mask, "mask")
        mask = canonical_mask(mask, "mask", src.dtype)
        hidden = self._nested(src, mask, padding)
        if hidden is not None:
            padding = canonical_mask(hidden, "src_key_padding_mask", src.dtype)
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=padding, is_causal=bool(is_causal))
        if hidden is not None:
            src = src.masked_fill(hidden.unsqueeze(-1), 0.0)
        return src if self.norm is None else self.norm(src)

    def _nested(self, src: Tensor, mask: Tensor | None, padding: Tensor | None) -> Tensor | None:
        """Where PyTorch would compute on nested tensors: the places behind the end of each sequence, else None."""
        first = self.layers[0] if self.num_layers else None
        if not self.use_nested_tensor or padding is None or mask is not None or first is None:
            return None
        if first.training or src.dim() != 3 or recorded(first, src):
            return None
        given = padding != 0
        lengths = given.logical_not().sum(1)
        behind = arange(src.size(1), device=src.device) >= lengths.unsqueeze(1)
        return None if self.mask_check and not bool((behind == given).all()) else behind


def _why_not_nested(layer: Module) -> str:
    """Why PyTorch has no nested tensors for this layer, as its warning words it; "" where it has."""
    if not isinstance(layer, TransformerEncoderLayer):
        return " was not TransformerEncoderLayer"
    attention = layer.self_attn
    reasons = {
        ".norm_first was True": layer.norm_first,
        ".self_attn.batch_first was not True(use batch_first for better inference performance)": (
            not attention.batch_first
        ),
        ".self_attn._qkv_same_embed_dim was not True": not attention._qkv_same_embed_dim,
        ".self_attn was passed bias=False": attention.in_proj_bias is None,
        ".activation_relu_or_gelu was not True": not layer.activation_relu_or_gelu,
        ".norm1.eps was not equal to encoder_layer.norm2.eps": layer.norm1.eps != layer.norm2.eps,
        ".self_attn.num_heads is odd": attention.num_heads % 2,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


class TransformerDecoder(Module):
    """TransformerDecoder(decoder_layer, num_layers, norm=None): num_layers copies of a layer, one after the other, each
    of which also attends to `memory`, and a norm if given.

    Source: Vaswani et al. (2017), arXiv:1706.03762
    """

    __constants__ = ["norm"]

    def __init__(self, decoder_layer: TransformerDecoderLayer, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _get_clones(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        for layer in self.layers:
            tgt = layer(
                tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=bool(tgt_is_causal),
                memory_is_causal=memory_is_causal,
            )  # fmt: skip
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """Transformer(d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048, dropout=0.1,
    activation=relu, custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-5, batch_first=False, norm_first=False,
    bias=True): `forward(src, tgt)` encodes src and decodes tgt with it, a tensor like tgt.

    RuntimeError where batch or features do not fit.

    >>> import course_lib as torch
    >>> model = torch.nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    >>> model(torch.ones(3, 5, 8), torch.ones(3, 7, 8)).shape
    torch.Size([3, 7, 8])

    Source: Vaswani et al. (2017), arXiv:1706.03762
    """

    def __init__(
        self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6,
        dim_feedforward: int = 2048, dropout: float = 0.1, activation=F.relu, custom_encoder=None, custom_decoder=None,
        layer_norm_eps: float = 1e-5, batch_first: bool = False, norm_first: bool = False, bias: bool = True,
        device=None, dtype=None,
    ) -> None:  # fmt: skip
        super().__init__()
        factory_kwargs = {"device": device, "dtype": dtype}
        layer = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **factory_kwargs)

        if custom_encoder is None:
            custom_encoder = TransformerEncoder(
                TransformerEncoderLayer(*layer, **factory_kwargs), num_encoder_layers, norm()
            )
        self.encoder = custom_encoder
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(
                TransformerDecoderLayer(*layer, **factory_kwargs), num_decoder_layers, norm()
            )
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self) -> None:
        for weight in self.parameters():
            if weight.dim() > 1:
                init.xavier_uniform_(weight)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        batch_dim = 0 if self.batch_first else 1
        if src.dim() == 3 and src.size(batch_dim) != tgt.size(batch_dim):
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.size(-1) != self.d_model or tgt.size(-1) != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device=None, dtype=None) -> Tensor:
        """The causal mask (sz, sz): 0 up to the diagonal, -inf behind it.

        >>> import course_lib as torch
        >>> torch.nn.Transformer.generate_square_subsequent_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
        """
        return full((sz, sz), -math.inf, device=device, dtype=dtype).triu_(1)
