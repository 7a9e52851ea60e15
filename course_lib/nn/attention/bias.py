"""torch.nn.attention.bias: causal masks for queries and keys of different numbers."""

from __future__ import annotations

import enum
import warnings

from ...dtypes import bool as torch_bool
from ...ops.creation import ones
from ...tensor import Tensor

__all__ = ["causal_upper_left", "causal_lower_right", "CausalVariant", "CausalBias"]


class CausalVariant(enum.IntEnum):
    """Where the diagonal of a causal mask begins: first query at first key, or last query at last key."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """A causal mask (seq_len_q, seq_len_kv): True where a query may look. `causal_upper_left` and `causal_lower_right`
    make one; it is the `attn_mask` of scaled_dot_product_attention.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.attention.bias.CausalBias.html
    """

    def __new__(cls, variant: CausalVariant, seq_len_q: int, seq_len_kv: int):
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be CausalVariant, got {type(variant).__name__}")
        diagonal = 0 if variant is CausalVariant.UPPER_LEFT else seq_len_kv - seq_len_q
        if diagonal < 0:
            warnings.warn(
                "Lower right causal bias will produce NaNs in the output when seq_len_q > seq_len_kv!", stacklevel=3
            )
        made = ones((seq_len_q, seq_len_kv), dtype=torch_bool).tril(diagonal).as_subclass(cls)
        made.variant, made.seq_len_q, made.seq_len_kv = variant, seq_len_q, seq_len_kv
        return made

    def __repr__(self) -> str:
        return repr(self.as_subclass(Tensor))


def causal_upper_left(*size: int) -> CausalBias:
    """The mask in which query i looks at keys 0 … i.

    >>> import course_lib as torch
    >>> torch.nn.attention.bias.causal_upper_left(2, 3).tolist()
    [[True, False, False], [True, True, False]]

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.attention.bias.causal_upper_left.html
    """
    if len(size) != 2:
        raise AssertionError("causal_upper_left only supports 2D tensors")
    return CausalBias(CausalVariant.UPPER_LEFT, *size)


def causal_lower_right(*size: int) -> CausalBias:
    """The mask in which the last query looks at all keys, and each query before it at one less.

    >>> import course_lib as torch
    >>> torch.nn.attention.bias.causal_lower_right(2, 3).tolist()
    [[True, True, False], [True, True, True]]

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.attention.bias.causal_lower_right.html
    """
    if len(size) != 2:
        raise AssertionError("causal_lower_right only supports 2D tensors")
    return CausalBias(CausalVariant.LOWER_RIGHT, *size)
