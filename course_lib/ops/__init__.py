"""Every operation, a file a family. Importing this package declares them all."""

from __future__ import annotations

from . import (
    activation,
    casting,
    comparison,
    complex_numbers,
    creation,
    cross_entropy,
    dropout,
    indexing,
    joining,
    linear,
    loss,
    matmul,
    pointwise,
    reduce,
    sampling,
    softmax,
    sorting,
    views,
)
from ._op import FUNCTIONS, OPS

__all__ = ["FUNCTIONS", "OPS", "activation", "casting", "comparison", "complex_numbers", "creation", "cross_entropy", "dropout", "indexing", "joining", "linear", "loss", "matmul", "pointwise", "reduce",
           "sampling", "softmax", "sorting", "views"]  # fmt: skip
