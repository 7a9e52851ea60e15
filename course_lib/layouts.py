"""How elements lie in memory: `torch.strided`, and the memory formats that copies may ask for.

A memory format is a wish for the order of the dimensions in memory. `laid_out` gives an array in that order: the same
shape and numbers, other strides. channels_last means that for (N, C, H, W) the channels of one pixel are neighbours.
"""

from __future__ import annotations


class layout:
    """How a tensor's elements are stored: `torch.strided` or `torch.sparse_coo`; other kinds have only their names."""

    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self):
        return _get_layout, (repr(self),)


class memory_format:
    """The order of the dimensions in memory, such as `torch.channels_last`.

    Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch-memory-format
    """

    def __init__(self, name: str, ndim: int | None = None):
        self.name = name
        self.ndim = ndim  # the number of dimensions that a tensor of this format has, None for any

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self):
        return self.name  # pickled by its name in this module


LAYOUTS = {name: layout(name) for name in ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr",
                                           "sparse_bsc", "jagged")}  # fmt: skip
strided, sparse_coo = LAYOUTS["strided"], LAYOUTS["sparse_coo"]
contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
channels_last, channels_last_3d = memory_format("channels_last", 4), memory_format("channels_last_3d", 5)


def _get_layout(name: str) -> layout:
    """The layout that PyTorch's files call `name`; RuntimeError for one of which there are no tensors here."""
    found = LAYOUTS.get(name.removeprefix("torch."))
    if found is not strided and found is not sparse_coo:
        raise RuntimeError(f"course_lib has strided and sparse_coo tensors only, not the layout '{name}'")
    return found


def channels_moved_last(array, wanted: memory_format):
    """The array with dimension 1 moved to the end; RuntimeError unless it has the format's number of dimensions."""
    if array.ndim != wanted.ndim:
        raise RuntimeError(f"required rank {wanted.ndim} tensor to use {wanted.name} format")
    return array.transpose(0, *range(2, array.ndim), 1)


def laid_out(array, wanted: memory_format | None):
    """A copy of the array in the memory format; None and preserve_format keep the array's own order."""
    if wanted is None or wanted is preserve_format:
        return array.copy(order="C" if is_overlapping(array) else "K")
    if wanted is contiguous_format:
        return array.copy(order="C")
    return channels_moved_last(array, wanted).copy(order="C").transpose(0, array.ndim - 1, *range(1, array.ndim - 1))


def empty_laid_out(xp, array, dtype, wanted: memory_format | None):
    """An uninitialised array of the array's shape, in the order in which `laid_out` would copy it."""
    if wanted is contiguous_format or (array.flags.c_contiguous and (wanted is None or wanted is preserve_format)):
        return xp.empty(array.shape, dtype)
    if wanted is None or wanted is preserve_format:
        return xp.empty_like(array, dtype, order="C" if is_overlapping(array) else "K")
    made = xp.empty(channels_moved_last(array, wanted).shape, dtype)
    return made.transpose(0, array.ndim - 1, *range(1, array.ndim - 1))


def is_overlapping(array) -> bool:
    """Whether elements may share memory with others, as after `expand`: such an array has no order worth keeping."""
    reach = array.itemsize  # the bytes that the dimensions looked at so far span
    for n, stride in sorted(zip(array.shape, array.strides, strict=True), key=lambda pair: pair[1]):
        if n > 1:
            if stride < reach:
                return True
            reach += stride * (n - 1)
    return False


def is_in(array, wanted: memory_format | None) -> bool:
    """Whether the array lies in memory as the format says."""
    if wanted is None or wanted is contiguous_format:
        return bool(array.flags.c_contiguous)
    if wanted is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    return array.ndim == wanted.ndim and bool(channels_moved_last(array, wanted).flags.c_contiguous)


__all__ = ["channels_last", "channels_last_3d", "contiguous_format", "is_in", "laid_out", "layout", "memory_format",
           "preserve_format", "strided"]  # fmt: skip
