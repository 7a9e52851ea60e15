"""einsum: sums of products written with a letter for each dimension.

The equation becomes a list of labels (integers) for each operand. Operands are then joined two at a time, each pair by
one (batched) matrix product, so that gradients come from permute, reshape and bmm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from ..tensor import Tensor
from ._op import function
from .matmul import bmm, mm

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ELLIPSIS = -1  # stands in a list of labels for "the remaining dimensions", which get the labels 52, 53, …


@function()
def einsum(*args):
    """einsum(equation, *operands) -> Tensor

    Sums products of the operands' elements over every letter of the equation that is missing after `->`. `...` stands
    for further dimensions, which broadcast; a letter twice in one operand takes its diagonal. Instead of an equation,
    each operand may be followed by a list of numbers: `einsum(a, [0, 1], b, [1, 2], [0, 2])`.

    >>> import course_lib as torch
    >>> torch.einsum("ij,jk->ik", torch.ones(2, 3), torch.ones(3, 2))
    tensor([[3., 3.],
            [3., 3.]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.einsum.html
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    if isinstance(args[0], Tensor):
        labels, output, operands = _from_lists(args)
    else:
        operands = args[1] if len(args) == 2 and isinstance(args[1], (list, tuple)) else args[1:]
        labels, output = _from_equation(args[0], len(operands))
    tensors, plain, dots = _with_plain_labels(operands, labels)
    output = _output_labels(output, labels, dots)  # a letter twice in one operand counts twice: "ii" is a sum
    sizes = _sizes(tensors, plain)
    return _contract(tensors, plain, output, sizes)


# ---- reading the equation ----------------------------------------------------------------------------------------


def _from_lists(args):
    """The sublist format: operand, labels, operand, labels, …, [labels of the result]."""
    operands, lists = list(args[: len(args) // 2 * 2 : 2]), list(args[1::2])
    output = args[-1] if len(args) % 2 else None

    def checked(subscripts):
        for s in subscripts:
            if s is not Ellipsis and not 0 <= s < 52:
                raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
        return [_ELLIPSIS if s is Ellipsis else int(s) for s in subscripts]

    return [checked(s) for s in lists], None if output is None else checked(output), operands


@lru_cache(1024)  # a training step asks for the same few equations again and again
def _from_equation(equation: str, count: int):
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    labels, start = [], 0
    for i, term in enumerate(terms):
        labels.append(_labels_of(term, start, f"operand {i}"))
        start += len(term) + 1
    if len(terms) != count:
        found = "fewer" if count < len(terms) else "more"
        raise RuntimeError(f"einsum(): {found} operands were provided than specified in the equation")
    return labels, _labels_of(right, start + 1, "output") if arrow else None


def _labels_of(term: str, start: int, owner: str) -> list[int]:
    """The labels of one operand's letters; `start` is where its text begins in the equation."""
    found: list[int] = []
    i = 0
    while i < len(term):
        letter = term[i]
        if letter == ".":
            if _ELLIPSIS in found:
                raise RuntimeError(f"einsum(): found '.' for {owner} for which an ellipsis was already found")
            if term[i : i + 3] != "...":
                where = f"{owner} that is not part of any ellipsis" + (" (...)" if owner == "output" else "")
                raise RuntimeError(f"einsum(): found '.' for {where}")
            found.append(_ELLIPSIS)
            i += 2
        elif letter in _LETTERS:
            found.append(_LETTERS.index(letter))
        elif letter != " ":
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {start + i} in the equation string, subscripts must be "
                "in [a-zA-Z]"
            )
        i += 1
    return found


def _with_plain_labels(operands: Sequence[Tensor], labels):
    """Replace `...` by labels of its own and take the diagonals of repeated labels."""
    for i, (operand, term) in enumerate(zip(operands, labels, strict=True)):
        letters = len(term) - (_ELLIPSIS in term)
        if letters != operand.ndim and (_ELLIPSIS not in term or letters > operand.ndim):
            what = (
                "does not match the number of dimensions"
                if _ELLIPSIS not in term
                else ("is more than the number of dimensions")
            )
            tail = " and no ellipsis was given" if _ELLIPSIS not in term else ""
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({letters}) {what} ({operand.ndim}) for operand "
                f"{i}{tail}"
            )
    spare = [t.ndim - (len(term) - 1) if _ELLIPSIS in term else 0 for t, term in zip(operands, labels, strict=True)]
    dots = max(spare, default=0)
    tensors, plain = [], []
    for i, (operand, term, own) in enumerate(zip(operands, labels, spare, strict=True)):
        full: list[int] = []
        for label in term:
            full += range(52 + dots - own, 52 + dots) if label == _ELLIPSIS else [label]
        for label in sorted(set(full)):
            while full.count(label) > 1:
                first = full.index(label)
                second = full.index(label, first + 1)
                n, m = operand.shape[first], operand.shape[second]
                if n != m:
                    raise RuntimeError(
                        f"einsum(): subscript {_LETTERS[label]} is repeated for operand {i} but the sizes don't match, "
                        f"{m} != {n}"
                    )
                operand = operand.diagonal(0, first, second)  # the diagonal becomes the last dimension
                full = [one for at, one in enumerate(full) if at not in (first, second)] + [label]
        tensors.append(operand)
        plain.append(full)
    return tensors, plain, dots


def _output_labels(output, labels, dots: int) -> list[int]:
    """The labels of the result; without `->` those of `...` and then, in order, all letters that occur once."""
    ellipsis = list(range(52, 52 + dots))
    seen = [label for term in labels for label in term]
    if output is None:
        return ellipsis + [label for label in range(52) if seen.count(label) == 1]
    full: list[int] = []
    for label in output:
        if label != _ELLIPSIS and label in full:
            raise RuntimeError(f"einsum(): output subscript {_LETTERS[label]} appears more than once in the output")
        if label != _ELLIPSIS and label not in seen:
            raise RuntimeError(
                f"einsum(): output subscript {_LETTERS[label]} does not appear in the equation for any input operand"
            )
        full += ellipsis if label == _ELLIPSIS else [label]
    return full


def _sizes(tensors, labels) -> dict[int, int]:
    """The size of every label; a size of 1 broadcasts."""
    sizes: dict[int, int] = {}
    for i, (tensor, term) in enumerate(zip(tensors, labels, strict=True)):
        for label, n in zip(term, tensor.shape, strict=True):
            known = sizes.get(label, 1)
            if known != 1 and n not in (1, known):
                if label >= 52:
                    raise RuntimeError(
                        f"einsum(): dimension {label - 52} covered by ellipsis in operand {i}has size {n} which does "
                        "not "
                        f"broadcast with previously seen ellipsis with size {known} for the respective dimension"
                    )
                raise RuntimeError(
                    f"einsum(): subscript {_LETTERS[label]} has size {n} for operand {i} which does not broadcast with "
                    f"previously seen size {known}"
                )
            sizes[label] = n if known == 1 else known
    return sizes


# ---- computing it ------------------------------------------------------------------------------------------------


def _contract(tensors, labels, output, sizes) -> Tensor:
    """Join operands two at a time, the pair with the smallest result first, then order what is left."""
    pending = [_squeezed(t, term, sizes) for t, term in zip(tensors, labels, strict=True)]
    while len(pending) > 1:
        i, j = _next_pair(pending, output, sizes)
        second, first = pending.pop(j), pending.pop(i)
        needed = {*output, *[label for _, term in pending for label in term]}
        pending.insert(i, _join(first, second, needed, sizes))
    tensor, term = _summed(*pending[0], set(output))
    kept = [label for label in output if label in term]
    tensor = _arranged(tensor, [term.index(label) for label in kept])
    for position, label in enumerate(output):  # dimensions that were 1 in every operand
        if label not in term:
            tensor = tensor.unsqueeze(position)
    return tensor


def _squeezed(tensor: Tensor, term, sizes):
    """Drop dimensions of size 1: they broadcast against the other operands, or come back at the end."""
    single = [d for d, n in enumerate(tensor.shape) if n == 1]
    if single:
        tensor = tensor.squeeze(single)
        term = [label for d, label in enumerate(term) if d not in single]
    return tensor, term


def _next_pair(pending, output, sizes) -> tuple[int, int]:
    if len(pending) == 2:
        return 0, 1

    def size_of_result(pair):
        joined = {*pending[pair[0]][1], *pending[pair[1]][1]}
        others = {*output, *[label for k, (_, term) in enumerate(pending) if k not in pair for label in term]}
        return math.prod([sizes[label] for label in joined & others])

    pairs = [(i, j) for j in range(len(pending)) for i in range(j)]
    return min(pairs, key=size_of_result)


def _summed(tensor: Tensor, term, needed):
    """Sum over the labels that nobody needs any more."""
    gone = [d for d, label in enumerate(term) if label not in needed]
    if gone:
        tensor, term = tensor.sum(gone, dtype=tensor.dtype), [label for label in term if label in needed]
    return tensor, term


def _join(first, second, needed, sizes):
    """The product of two operands, summed over the labels that only they share."""
    (a, in_a), (b, in_b) = first, second
    a, in_a = _summed(a, in_a, {*needed, *in_b})
    b, in_b = _summed(b, in_b, {*needed, *in_a})
    batch = [label for label in in_a if label in in_b and label in needed]
    inner = [label for label in in_a if label in in_b and label not in needed]
    only_a, only_b = [k for k in in_a if k not in in_b], [k for k in in_b if k not in in_a]
    a = _arranged(a, [in_a.index(label) for label in batch + only_a + inner])
    b = _arranged(b, [in_b.index(label) for label in batch + inner + only_b])

    def count(labels):
        return math.prod([sizes[label] for label in labels])

    shape = [sizes[label] for label in batch + only_a + only_b]
    if not inner:  # no sum: multiply elements
        a = a.reshape([sizes[k] for k in batch + only_a] + [1] * len(only_b))
        b = b.reshape([sizes[k] for k in batch] + [1] * len(only_a) + [sizes[k] for k in only_b])
        return a * b, batch + only_a + only_b
    if batch:
        a = _shaped(a, [count(batch), count(only_a), count(inner)])
        product = bmm(a, _shaped(b, [count(batch), count(inner), count(only_b)]))
    else:
        product = mm(_shaped(a, [count(only_a), count(inner)]), _shaped(b, [count(inner), count(only_b)]))
    return _shaped(product, shape), batch + only_a + only_b


def _arranged(tensor: Tensor, order: list[int]) -> Tensor:
    """Dimensions in another order; the tensor itself where that is the order already."""
    return tensor if order == list(range(len(order))) else tensor.permute(order)


def _shaped(tensor: Tensor, shape: list[int]) -> Tensor:
    return tensor if list(tensor._array.shape) == shape else tensor.reshape(shape)
