"""Lookups in a table of rows: embedding, embedding_bag (sums, means or maxima of rows) and one_hot."""

from __future__ import annotations

import numpy as np

from ..autograd.grad_mode import GRAD
from ..backends import array_module
from ..backends.selection import select
from ..tensor import Tensor, wrap
from ._arguments import argument_error
from ._numeric import narrow, wide
from ._op import function, op
from .gather_scatter import add_at, by_kernel, out_of_bounds
from .ranges import arange

_OF_PLACES = frozenset([np.dtype("int64"), np.dtype("int32")])

# ---- single rows -------------------------------------------------------------------------------------------------


def check_indices(indices, name: str) -> None:
    """RuntimeError unless `indices` holds int64 or int32."""
    if indices._array.dtype not in _OF_PLACES:
        raise RuntimeError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{indices.type()} instead (while checking arguments for {name})"
        )


@op(method=False, namespace=None, node="Embedding")
class rows_of:
    """The rows of a table that `indices` name."""

    def forward(xp, table, indices, *, padding_idx, by_frequency):
        run = by_kernel("take_rows", table, indices)
        if run is not None:
            return run(table, indices)
        if out_of_bounds(indices, table.shape[0]) is not None:
            raise IndexError("index out of range in self")
        return xp.take(table, indices, axis=0)

    def save(ctx, out, table, indices, *, padding_idx, by_frequency):
        ctx.save_for_backward(indices)
        ctx.shape, ctx.rule = tuple(table.shape), (padding_idx, by_frequency)

    def backward(ctx, g):
        (indices,) = ctx.saved_tensors
        padding_idx, by_frequency = ctx.rule
        flat, rows = indices.reshape(-1), g.reshape(indices.numel(), ctx.shape[1])
        if not GRAD.enabled and g.is_cuda:
            dense = array_module(rows._array).ascontiguousarray(rows._array)
            run = by_kernel("embedding_backward", dense, flat._array)
            if run is not None:
                padding = -1 if padding_idx is None else padding_idx
                return wrap(run(dense, flat._array, ctx.shape[0], padding, by_frequency)), None
        if padding_idx is not None:
            rows = rows.masked_fill((flat == padding_idx).unsqueeze(1), 0)
        if by_frequency:
            counts = flat.long().bincount(minlength=ctx.shape[0])[flat.long()]
            rows = rows / counts.unsqueeze(1)
        made = g.new_zeros(ctx.shape)
        return (made.index_add(0, flat, rows) if flat.numel() else made), None


def _padding_index(padding_idx, rows: int) -> int | None:
    """A padding index counted from the front; AssertionError outside the table."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


def _limit_norms(weight, input, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are looked up and longer than `max_norm` down to it, in place."""
    table = weight.detach()
    used = input.detach().reshape(-1).unique()
    rows = table.index_select(0, used)
    length = (rows.abs() ** norm_type).sum(1, keepdim=True) ** (1.0 / norm_type)
    scale = (max_norm / (length + 1e-7)).masked_fill(length <= max_norm, 1.0)
    table[used] = rows * scale


@function(namespace="nn.functional")
def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2., scale_grad_by_freq=False) -> Tensor

    The rows of `weight` (count, width) that the integers in `input` name; result (*input.shape, width). The row
    `padding_idx` gets no gradient; rows longer than `max_norm` are shortened in place. The gradient is dense, also with
    `sparse`. IndexError for a number outside the table.

    >>> import course_lib as torch
    >>> torch.nn.functional.embedding(torch.tensor([1, 0]), torch.tensor([[1., 2.], [3., 4.]]))
    tensor([[3., 4.],
            [1., 2.]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
    """
    padding_idx = _padding_index(padding_idx, weight.shape[0] if weight.ndim else 0)
    if not isinstance(input, Tensor):
        raise argument_error("embedding", "indices", 2, input)
    if max_norm is not None:
        _limit_norms(weight, input, max_norm, norm_type)
    return _embedding(weight, input, padding_idx, scale_grad_by_freq)


def _embedding(weight, indices, padding_idx=None, scale_grad_by_freq=False) -> Tensor:
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    check_indices(indices, "embedding")
    return rows_of(weight, indices, padding_idx=padding_idx, by_frequency=scale_grad_by_freq)


def _in_torch(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    """embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False) -> Tensor: see nn.functional.embedding."""
    return _embedding(weight, indices, padding_idx if padding_idx >= 0 else None, scale_grad_by_freq)


_in_torch.__name__ = _in_torch.__qualname__ = "embedding"
function()(_in_torch)


@function(namespace="nn.functional")
def one_hot(tensor, num_classes=-1):
    """one_hot(tensor, num_classes=-1) -> Tensor

    int64 (*tensor.shape, num_classes): 1 at the position that each element names, 0 elsewhere. -1 takes one more than
    the largest element. RuntimeError for negative or too large elements, and for another dtype than int64.

    >>> import course_lib as torch
    >>> torch.nn.functional.one_hot(torch.tensor([2, 0]))
    tensor([[0, 0, 1],
            [1, 0, 0]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html
    """
    if tensor._array.dtype.name != "int64":
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return tensor.new_zeros((*tensor.shape, num_classes))
    if tensor.is_cuda and num_classes > 0:  # the classes are not waited for
        out_of_bounds(tensor._array, num_classes)
        return (tensor.unsqueeze(-1) == arange(num_classes, device=tensor.device)).long()
    if int(tensor._array.min()) < 0:
        raise RuntimeError("Class values must be non-negative.")
    largest = int(tensor._array.max())
    if num_classes == -1:
        num_classes = largest + 1
    elif num_classes < 1:
        raise RuntimeError("num_classes should be positive")
    elif largest >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return tensor.new_zeros((*tensor.shape, num_classes)).scatter(-1, tensor.unsqueeze(-1), 1)


# ---- bags of rows ------------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="EmbeddingBag")
class combined_rows:
    """For each bag the sum, mean or maximum of the table rows that its indices name.

    `bags` says for each index which bag it belongs to; skipped indices (the padding) have bag -1. `layout` says the
    same to the GPU's kernel: where the bags begin (None: all have the same length), the length, the padding index.
    """

    def forward(xp, table, weights, indices, bags, *, count, mode, by_frequency, layout):
        run = by_kernel("embedding_bag", table, indices, weights) if count else None
        if run is not None:
            starts, length, padding = layout
            return run(table, indices, starts, weights, count, length, mode, padding, False)[0]
        bad = out_of_bounds(indices, table.shape[0])
        if bad is not None:
            raise RuntimeError(f"embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be {bad}")
        used = bags >= 0
        rows, to = wide(xp.take(table, indices[used], axis=0)), bags[used]
        if weights is not None:
            rows = rows * wide(weights)[used][:, None]
        made = xp.zeros((count, table.shape[1]), rows.dtype)
        if mode == "max":
            made[xp.unique(to)] = -xp.inf
            xp.maximum.at(made, to, rows)
            return narrow(made, table.dtype)
        add_at(xp, made, (to[:, None], xp.arange(table.shape[1])), rows)
        if mode == "mean":
            made /= xp.maximum(xp.bincount(to, minlength=count), 1).astype(rows.dtype)[:, None]
        return narrow(made, table.dtype)

    def save(ctx, out, table, weights, indices, bags, *, count, mode, by_frequency, layout):
        ctx.save_for_backward(table, weights, indices, bags)
        ctx.setting, ctx.layout = (count, mode, by_frequency), layout

    def backward(ctx, g):
        table, weights, indices, bags = ctx.saved_tensors
        count, mode, by_frequency = ctx.setting
        run = None
        if not GRAD.enabled and count:
            run = by_kernel("embedding_bag", *[t if t is None else t._array for t in (table, indices, weights)])
        if run is not None:
            made = _bags_by_kernels(run, ctx, *[t if t is None else t._array for t in (g, *ctx.saved_tensors)])
            return *[t if t is None else wrap(t) for t in made], None, None
        used = bags >= 0
        at, to = indices[used].long(), bags[used].long()
        rows = g.index_select(0, to)
        zeros = g.new_zeros(table.shape)
        if mode == "max":
            return _add_rows(zeros, at, rows * _first_largest(table, at, to, count)), None, None, None
        if mode == "mean":
            rows = rows / to.bincount(minlength=count)[to].unsqueeze(1)
        by_weight = None
        if weights is not None:
            if ctx.needs_input_grad[1]:
                products = (rows * table.index_select(0, at)).sum(1)
                by_weight = g.new_zeros(weights.shape).index_put((used.nonzero().squeeze(1),), products)
            rows = rows * weights[used].unsqueeze(1)
        if by_frequency:
            rows = rows / indices.bincount(minlength=table.shape[0])[at].unsqueeze(1)
        return _add_rows(zeros, at, rows), by_weight, None, None


def _bags_by_kernels(run, ctx, g, table, weights, indices, bags) -> tuple:
    """The gradients by the table and by the weights, as arrays of a GPU, which is not waited for: indices that do not
    count are not left out, their rows are multiplied with 0.
    """
    (count, mode, by_frequency), xp = ctx.setting, array_module(g)
    g, into, kept = xp.ascontiguousarray(g), xp.maximum(bags, 0), (bags >= 0)[:, None]
    if mode == "max":
        starts, length, padding = ctx.layout
        _, chosen = run(table, indices, starts, weights, count, length, mode, padding, True)
        made = xp.zeros(table.shape, g.dtype)
        g = select(xp, chosen >= 0, g, xp.zeros_like(g))
        by_kernel("add_elements", made, chosen, g)(made, xp.maximum(chosen, 0), g, 0)
        return made, None
    take, share = by_kernel("take_rows", g, into), kept.astype(g.dtype)
    rows, by_weights = take(g, into), None
    if mode == "mean":
        counts, ones = xp.zeros((count, 1), np.float32), kept.astype(np.float32)
        by_kernel("add_rows", counts, into, ones)(counts, into, ones)
        share = (share / xp.maximum(take(counts, into), 1)).astype(g.dtype)
    if weights is not None:
        if ctx.needs_input_grad[1]:
            by_weights = ((rows * take(table, indices)).sum(1, keepdims=True) * share)[:, 0]
        share = share * weights[:, None]
    if by_frequency:
        ones = xp.ones((indices.size, 1), np.float32)
        named = xp.zeros((len(table), 1), np.float32)
        by_kernel("add_rows", named, indices, ones)(named, indices, ones)
        share = (share / take(named, indices)).astype(g.dtype)
    rows = rows * share
    return by_kernel("embedding_backward", rows, indices)(rows, indices, len(table)), by_weights


def _add_rows(table: Tensor, at: Tensor, rows: Tensor) -> Tensor:
    return table.index_add(0, at, rows) if at.numel() else table


def _first_largest(table: Tensor, at: Tensor, to: Tensor, count: int) -> Tensor:
    """1 where a row is the first of its bag that holds the bag's maximum in a column."""
    rows, bag = table.detach()._array[at._array], to._array
    chosen = table.new_zeros(rows.shape)
    for b in range(count):
        (members,) = (bag == b).nonzero()
        if members.size:
            chosen._array[members[rows[members].argmax(0)], range(rows.shape[1])] = 1
    return chosen


def _bags(input, offsets, include_last_offset: bool, padding_idx):
    """(indices in one row, the bag of each, the number of bags, on a GPU how the bags are laid out)"""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
        (count, length), starts = input.shape, None
        bags = input.new_zeros((count, length)) + arange(count, device=input.device).unsqueeze(1).to(input.dtype)
        flat, bags = input.reshape(-1), bags.reshape(-1)
    elif input.ndim == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.ndim != 1:
            raise ValueError("offsets has to be a 1D Tensor")
        starts, length = offsets._array[: offsets.numel() - include_last_offset], 0
        count, flat = len(starts), input
        bags = arange(input.numel(), device=input.device)
        if input.is_cuda:  # the offsets are not waited for
            starts = starts.astype("int64")
            bags._array[...] = array_module(starts).searchsorted(starts, bags._array, side="right") - 1
        else:
            _check_offsets(input, starts)
            bags._array[...] = (starts[None, :] <= bags._array[:, None]).sum(1) - 1
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    layout = (starts, length, -1 if padding_idx is None else padding_idx) if input.is_cuda else None
    return flat, bags if padding_idx is None else bags.masked_fill(flat == padding_idx, -1), count, layout


def _check_offsets(input, starts) -> None:
    if len(starts) and starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
            f"However, got {starts[0]}"
        )
    if len(starts) and starts[-1] > input.numel():
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length({input.numel()}) but got offsets[-1] of {starts[-1]}"
        )


@function(namespace="nn.functional")
def embedding_bag(
    input,
    weight,
    offsets=None,
    max_norm=None,
    norm_type=2,
    scale_grad_by_freq=False,
    mode="mean",
    sparse=False,
    per_sample_weights=None,
    include_last_offset=False,
    padding_idx=None,
):
    """embedding_bag(input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode='mean',
    sparse=False, per_sample_weights=None, include_last_offset=False, padding_idx=None) -> Tensor

    The sum, mean or maximum ('max') of the table rows of each bag of indices: the rows of `input` (bags, length), or
    the stretches of `input` (N,) that begin at `offsets`. per_sample_weights (mode 'sum') multiply the rows.

    ValueError or RuntimeError for arguments that do not fit.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html
    """
    if weight._array.dtype.kind in "iu" and input._array.dtype.kind == "f":
        raise ValueError("Argument order of nn.functional.embedding_bag is embedding_bag(input, weight)")
    if per_sample_weights is not None and input.shape != per_sample_weights.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the "
            f"same shape as the input ({input.shape})"
        )
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    check_indices(input, "embedding_bag")
    if offsets is not None and offsets._array.dtype.kind not in "iu":
        raise RuntimeError(
            "Expected tensor for argument #1 'offsets' to have one of the following scalar types: Long, Int; but got "
            f"{offsets.type()} instead (while checking arguments for embedding_bag)"
        )
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got "
            f"mode='{mode}'). Please open a feature request on GitHub."
        )
    padding_idx = _padding_index(padding_idx, weight.shape[0])
    flat, bags, count, layout = _bags(input, offsets, include_last_offset, padding_idx)
    if max_norm is not None:
        _limit_norms(weight, input, max_norm, norm_type)
    weights = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    if weights is not None and weights.dtype is not weight.dtype:
        raise RuntimeError("embedding_bag: Expected per_sample_weights to have the same type as weight")
    return combined_rows(weight, weights, flat, bags, count=count, mode=mode, by_frequency=scale_grad_by_freq,
                         layout=layout)  # fmt: skip
