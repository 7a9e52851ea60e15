"""torch.nn.common_types: names for "one number or one for each dimension", for the annotations of layers."""

from __future__ import annotations

from ..tensor import Tensor


def _one_or(kind, count: int):
    return kind | tuple[(kind,) * count]


_scalar_or_tuple_any_t = int | tuple[int, ...]
_size_any_t, _ratio_any_t = int | tuple[int, ...], float | tuple[float, ...]
_size_1_t, _size_2_t, _size_3_t, _size_4_t, _size_5_t, _size_6_t = (_one_or(int, count) for count in range(1, 7))
_size_any_opt_t = int | None | tuple[int | None, ...]
_size_2_opt_t, _size_3_opt_t = (int | None | tuple[(int | None,) * count] for count in (2, 3))
_ratio_2_t, _ratio_3_t = (_one_or(float, count) for count in (2, 3))
_tensor_list_t = Tensor | list[Tensor]
_maybe_indices_t = Tensor | tuple[Tensor, Tensor]  # of a pool: the values, or the values and their places
