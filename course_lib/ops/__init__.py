"""Every operation, a file a family. Importing this package declares them all."""

from __future__ import annotations

from . import (
    activation,
    blending,
    casting,
    comparison,
    complex_numbers,
    conv,
    creation,
    cross_entropy,
    dropout,
    indexing,
    joining,
    linear,
    loss,
    matmul,
    pairs,
    pointwise,
    polynomials,
    reduce,
    sampling,
    softmax,
    sorting,
    special,
    views,
)
from ._op import FUNCTIONS, OPS

__all__ = ["FUNCTIONS", "OPS", "activation", "blending", "casting", "comparison", "complex_numbers", "conv",
           "creation", "cross_entropy", "dropout", "indexing", "joining", "linear", "loss", "matmul", "pairs",
           "pointwise", "polynomials", "reduce", "sampling", "softmax", "sorting", "special", "views"]  # fmt: skip
