"""Sequences of several lengths as one batch: padded to the longest, or packed without padding.

A padded batch is (length, batch, …), or (batch, length, …) with batch_first. A PackedSequence holds its time steps
one below the other, each with the rows of those sequences that are long enough, longest first: what the recurrent
layers read without wasting a step on padding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ...ops._op import function
from ...ops.creation import empty_like
from ...ops.from_data import as_tensor
from ...ops.ranges import arange
from ...ops.sorting import sort
from ...tensor import Tensor

__all__ = ["PackedSequence", "invert_permutation", "pack_padded_sequence", "pad_packed_sequence", "pad_sequence",
           "unpad_sequence", "pack_sequence", "unpack_sequence"]  # fmt: skip


class PackedSequence_(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """A packed batch of sequences: `pack_sequence` and `pack_padded_sequence` make one.

    data (rows, …): time step after time step; batch_sizes (int64): the number of rows of each time step;
    sorted_indices: where in the batch each sequence stood before they were sorted by length, unsorted_indices: the way
    back, both None where nothing was sorted.

    >>> import course_lib as torch
    >>> from course_lib.nn.utils.rnn import pack_sequence
    >>> packed = pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 5, 3]), tensor([2, 2, 1]))

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.PackedSequence.html
    """

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence and pack_padded_sequences in "
                f"nn.utils.rnn. Got: {batch_sizes.device}"
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args, **kwargs) -> PackedSequence:
        """The same sequences with data as `data.to(…)` gives it; self where nothing changes."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        indices = [None if i is None else i.to(data.device) for i in (self.sorted_indices, self.unsorted_indices)]
        return type(self)(data, self.batch_sizes, *indices)

    def cuda(self, *args, **kwargs) -> PackedSequence:
        return self if self.is_cuda else self.to(*args, device="cuda", **kwargs)

    def cpu(self) -> PackedSequence:
        return self.to(device="cpu")

    def _as(self, name: str) -> PackedSequence:
        return self.to(dtype=getattr(self.data, name)().dtype)

    def double(self) -> PackedSequence:
        return self._as("double")

    def float(self) -> PackedSequence:
        return self._as("float")

    def half(self) -> PackedSequence:
        return self._as("half")

    def long(self) -> PackedSequence:
        return self._as("long")

    def int(self) -> PackedSequence:
        return self._as("int")

    def short(self) -> PackedSequence:
        return self._as("short")

    def char(self) -> PackedSequence:
        return self._as("char")

    def byte(self) -> PackedSequence:
        return self._as("byte")

    def pin_memory(self) -> PackedSequence:
        """The same sequences with data in memory from which a GPU copies fast."""
        return self._replace(data=self.data.pin_memory())

    def is_pinned(self) -> bool:
        return self.data.is_pinned()

    @property
    def is_cuda(self) -> bool:
        return self.data.device.type == "cuda"


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes `permutation`, a vector of whole numbers; None for None."""
    if permutation is None:
        return None
    return empty_like(permutation).scatter_(0, permutation, arange(permutation.numel(), device=permutation.device))


# ---- padding -----------------------------------------------------------------------------------------------------


def pad_sequence(sequences, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"):
    """pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right") -> Tensor

    Sequences (length, …) as one tensor (longest, batch, …), filled up with `padding_value` on one side.
    RuntimeError for an empty list or an unknown side.

    >>> import course_lib as torch
    >>> from course_lib.nn.utils.rnn import pad_sequence
    >>> pad_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    longest = max([len(s) for s in sequences])
    shape = (len(sequences), longest) if batch_first else (longest, len(sequences))
    padded = sequences[0].new_full((*shape, *sequences[0].shape[1:]), padding_value)
    rows = padded if batch_first else padded.transpose(0, 1)
    for row, sequence in enumerate(sequences):
        start = longest - len(sequence) if padding_side == "left" else 0
        rows[row, start : start + len(sequence)] = sequence
    return padded


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each cut to its length.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.unpad_sequence.html
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    if len(lengths) != len(rows):
        raise ValueError(f"zip() argument 2 is {'shorter' if len(lengths) < len(rows) else 'longer'} than argument 1")
    return [row[:length] for row, length in zip(rows, lengths.tolist())]


# ---- packing -----------------------------------------------------------------------------------------------------


def pack_padded_sequence(input: Tensor, lengths, batch_first: bool = False, enforce_sorted: bool = True):
    """pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True) -> PackedSequence

    A padded batch (length, batch, …) without its padding; `lengths`, a list or tensor on the CPU, says how long each
    sequence is. RuntimeError for a length of zero or beyond the input, and, unless enforce_sorted is False, for
    lengths that are not sorted, longest first.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html
    """
    lengths = as_tensor(lengths, device="cpu").long()
    sorted_indices = None
    batch_dim = 0 if batch_first else 1
    if not enforce_sorted:
        lengths, sorted_indices = sort(lengths, descending=True)
        sorted_indices = sorted_indices.to(input.device)
        input = input.index_select(batch_dim, sorted_indices)
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if len(lengths) != input.size(batch_dim):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(lengths)} "
            f"(batch_size={input.size(batch_dim)})"
        )
    return PackedSequence(*_pack_padded_sequence(input, lengths, batch_first), sorted_indices)


@function()
def _pack_padded_sequence(input, lengths, batch_first):
    """The elements of a batch without padding, and how many sequences there are at each time step.

    An operation of its own, so that a trace (`torch.jit`) keeps it for other lengths.
    """
    if batch_first:
        input = input.transpose(0, 1)
    _check_lengths(lengths.tolist(), len(input))
    present = _present(lengths)
    return input[: len(present)][present.to(input.device)], present.sum(1)


def _check_lengths(lengths: list[int], longest: int) -> None:
    if min(lengths) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if lengths != sorted(lengths, reverse=True):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    if lengths[0] > longest:
        raise RuntimeError(f"'lengths' holds {lengths[0]}, but the padded sequences have only {longest} time steps")


def _present(lengths: Tensor) -> Tensor:
    """(time, batch): True where a sequence has an element."""
    return arange(int(lengths[0]), device="cpu").unsqueeze(1) < lengths


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
):
    """pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None) -> (Tensor, Tensor)

    The inverse of `pack_padded_sequence`: the padded batch and the lengths, in the order before sorting. The batch is
    as long as its longest sequence, or `total_length`; ValueError where that is too short.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_packed_sequence.html
    """
    data, sizes = sequence.data, sequence.batch_sizes
    longest = len(sizes)
    if total_length is not None and total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got total_length="
            f"{total_length} and max sequence length being {longest}"
        )
    padded, lengths = _pad_packed_sequence(data, sizes, batch_first, padding_value, total_length)
    if sequence.unsorted_indices is None:
        return padded, lengths
    order = sequence.unsorted_indices
    return padded.index_select(0 if batch_first else 1, order), lengths[order.cpu()]


@function()
def _pad_packed_sequence(data, batch_sizes, batch_first, padding_value, total_length):
    """The padded batch and the lengths of its sequences; the inverse of `_pack_padded_sequence`."""
    longest, batch = len(batch_sizes), int(batch_sizes[0])
    lengths = (batch_sizes.unsqueeze(1) > arange(batch, device="cpu")).sum(0)
    padded = data.new_full((longest if total_length is None else total_length, batch, *data.shape[1:]), padding_value)
    padded[:longest][_present(lengths).to(data.device)] = data
    return padded.transpose(0, 1) if batch_first else padded, lengths


def pack_sequence(sequences, enforce_sorted: bool = True) -> PackedSequence:
    """A list of sequences (length, …) packed: `pack_padded_sequence` of `pad_sequence`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_sequence.html
    """
    lengths = [len(s) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The list of sequences of which `pack_sequence` made a PackedSequence.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.unpack_sequence.html
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
