"""What the pictures read from a tensor, of course_lib or of PyTorch alike: its layout, dtype, values and memory.

Nothing here imports a tensor library; a tensor is anything with shape, stride(), storage_offset(), dtype and tolist().
"""

import math
from typing import Any

from .strides import Layout


def shape_of(t: Any) -> tuple[int, ...]:
    """The shape as a plain tuple."""
    return tuple(int(size) for size in t.shape)


def layout_of(t: Any) -> Layout:
    """Shape, strides and offset of a tensor."""
    return Layout(shape_of(t), tuple(int(s) for s in t.stride()), int(t.storage_offset()))


def dtype_name(dtype: Any) -> str:
    """'float32' for torch.float32, for a tensor of that dtype, and for the name itself."""
    dtype = dtype if isinstance(dtype, str) else getattr(dtype, "dtype", dtype)
    return str(dtype).rpartition(".")[2]


def flat_values(t: Any) -> list:
    """All values in reading order."""
    values = t.tolist()
    for _ in shape_of(t)[1:]:
        values = [value for part in values for value in part]
    return values if shape_of(t) else [values]


def memory_of(t: Any, base: Any = None) -> list:
    """The numbers in the memory of `t`, in the order of their addresses, as far as they can be seen.

    `base` (or the tensor of which `t` is a view) shows all of them; without one, those that `t` does not reach are
    None.
    """
    seen: dict[int, Any] = {}
    for tensor in (base if base is not None else getattr(t, "_base", None), t):
        if tensor is not None:
            seen.update(zip(layout_of(tensor).addresses(), flat_values(tensor), strict=True))
    return [seen.get(address) for address in range(max(seen, default=-1) + 1)]


def share_memory(a: Any, b: Any) -> bool:
    """Whether the two tensors have at least one element in the same place of memory."""
    return bool(_bytes_of(a) & _bytes_of(b))


def placed_in(t: Any, base: Any) -> list[int]:
    """The address of every element of `t`, in reading order, counted in the memory of `base`."""
    size = base.element_size()
    origin = base.data_ptr() - layout_of(base).offset * size
    layout = layout_of(t)
    start = (t.data_ptr() - origin) // size
    return [start + (address - layout.offset) for address in layout.addresses()]


def _bytes_of(t: Any) -> set[int]:
    """The place of every element of `t`, as an absolute byte address."""
    layout, size, start = layout_of(t), t.element_size(), t.data_ptr()
    return {start + (address - layout.offset) * size for address in layout.addresses()}


def written(value: Any) -> str:
    """A value as short as it can be read: 1 for an int, 1. for a float, True for a bool."""
    if value is None:
        return ""
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, complex):
        return f"{value.real:.3g}{value.imag:+.3g}j"
    if math.isfinite(value) and value == int(value) and abs(value) < 1e5:
        return f"{int(value)}."
    return f"{value:.3g}".replace("e+0", "e").replace("e-0", "e-")
