"""Running results of an associative function, by pairs: about 2 n calls of it on whole tensors in log n rounds.

Source: Blelloch (1990), Prefix sums and their applications, CMU-CS-90-190
"""

from __future__ import annotations

import course_lib as torch

from ..utils._pytree import tree_flatten


def associative_scan(combine_fn, xs, dim: int, reverse: bool = False, combine_mode: str = "pointwise"):
    """associative_scan(combine_fn, xs, dim, reverse=False) -> xs, accumulated along `dim`.

    `xs` is a tensor or a tree of tensors of one length along `dim`; combine_fn(a, b) takes and gives such trees and
    must be associative. reverse: from the end. ValueError for tensors of several lengths, or none.

    >>> import course_lib as torch
    >>> from course_lib._higher_order_ops.associative_scan import associative_scan
    >>> associative_scan(lambda a, b: a + b, torch.tensor([1, 2, 3, 4]), dim=0)
    tensor([ 1,  3,  6, 10])
    """
    leaves, spec = tree_flatten(xs)
    if not leaves or not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
        raise ValueError("Expected xs leaves to be of torch.Tensor type, and at least one of them")
    if len({leaf.shape[dim] for leaf in leaves}) > 1:
        raise ValueError(f"All xs tensors must have the same length along dim {dim}, got "
                         f"{[tuple(leaf.shape) for leaf in leaves]}")  # fmt: skip

    def combined(a: list, b: list) -> list:
        return tree_flatten(combine_fn(spec.unflatten(a), spec.unflatten(b)))[0]

    if reverse:
        leaves = [leaf.flip(dim) for leaf in leaves]
    made = _scanned(combined, [leaf.movedim(dim, 0) for leaf in leaves])
    made = [leaf.movedim(0, dim) for leaf in made]
    return spec.unflatten([leaf.flip(dim) for leaf in made] if reverse else made)


def _scanned(combined, leaves: list) -> list:
    """The running results along the first dimension: those at odd places from pairs, the others from these."""
    count = len(leaves[0])
    if count < 2:
        return leaves
    odd = _scanned(combined, combined([x[0 : count - 1 : 2] for x in leaves], [x[1::2] for x in leaves]))
    even = [x[:1] for x in leaves]
    if count > 2:
        before = odd if count % 2 else [x[:-1] for x in odd]
        later = combined(before, [x[2::2] for x in leaves])
        even = [torch.cat([first, rest]) for first, rest in zip(even, later, strict=True)]
    return [_interleaved(a, b) for a, b in zip(even, odd, strict=True)]


def _interleaved(even, odd):
    """Elements of two tensors in turn; `even` may have one more."""
    pairs = torch.stack([even[: len(odd)], odd], 1).flatten(0, 1)
    return torch.cat([pairs, even[len(odd) :]]) if len(even) > len(odd) else pairs


__all__ = ["associative_scan"]
