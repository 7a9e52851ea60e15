"""torch.sparse: functions of sparse tensors. The tensors themselves are in coo.py.

Source: https://docs.pytorch.org/docs/stable/sparse.html
"""

from __future__ import annotations

import contextlib

import course_lib as torch

from .coo import SparseTensor, addmm, coalesce, made, matmul, parts, sparse_coo_tensor, sum_along, to_sparse


def mm(sparse, dense, reduce: str | None = None):
    """mm(sparse, dense) -> Tensor: the product of a sparse matrix (n, m) and a matrix (m, p); sparse if both are.

    >>> import course_lib as torch
    >>> torch.sparse.mm(torch.eye(2).to_sparse(), torch.ones(2, 1))
    tensor([[1.],
            [1.]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sparse.mm.html
    """
    return matmul(sparse, dense)


def sum(input, dim=None, dtype=None):
    """sum(input, dim=None, dtype=None) -> Tensor: the sum of all numbers, or along dimensions, which stays sparse.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sparse.sum.html
    """
    return parts(input)[1].sum(dtype=dtype) if dim is None else sum_along(input, dim, dtype)


def softmax(input, dim: int, *, dtype=None):
    """softmax(input, dim) -> Tensor: softmax along a dimension over the numbers that are stored.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sparse.softmax.html
    """
    return _along(input, dim, dtype, torch.softmax)


def log_softmax(input, dim: int, *, dtype=None):
    """log_softmax(input, dim) -> Tensor: the logarithm of `softmax`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sparse.log_softmax.html
    """
    return _along(input, dim, dtype, torch.log_softmax)


def _along(input, dim: int, dtype, function):
    """A function of rows, in which what is not stored counts as minus infinity."""
    input = coalesce(input)
    indices, values = parts(input)
    scores = torch.full(input._array.shape, -torch.inf, dtype=dtype or values.dtype, device=values.device)
    found = function(scores.index_put(tuple(indices), values.to(scores.dtype)), dim)
    return made(indices, found[tuple(indices)], input._array.shape, True)


class check_sparse_tensor_invariants(contextlib.ContextDecorator):
    """A context in which new sparse tensors shall be checked: accepted; `check_invariants=True` checks one.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.sparse.check_sparse_tensor_invariants.html
    """

    def __init__(self, enable: bool = True):
        self.on = enable

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        pass

    @staticmethod
    def is_enabled() -> bool:
        return False

    enable = disable = staticmethod(lambda: None)


__all__ = ["SparseTensor", "addmm", "check_sparse_tensor_invariants", "log_softmax", "mm", "softmax",
           "sparse_coo_tensor", "sum", "to_sparse"]  # fmt: skip
