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
    max_pool,
    norm,
    padding,
    pairs,
    pointwise,
    polynomials,
    pool,
    reduce,
    running,
    sampling,
    softmax,
    sorting,
    special,
    statistics,
    views,
)
from ._op import FUNCTIONS, OPS

__all__ = ["FUNCTIONS", "OPS", "activation", "blending", "casting", "comparison", "complex_numbers", "conv",
           "creation", "cross_entropy", "dropout", "indexing", "joining", "linear", "loss", "matmul", "max_pool",
           "pairs", "pointwise", "pool", "polynomials", "pool", "reduce", "running", "sampling", "softmax", "sorting",
           "special", "statistics", "views"]  # fmt: skip
