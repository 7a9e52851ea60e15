"""Every operation, a file a family. Importing this package declares them all."""

from __future__ import annotations

from . import casting, comparison, complex_numbers, creation, indexing, joining, matmul, pointwise, reduce, sorting, views
from ._op import FUNCTIONS, OPS

__all__ = ["FUNCTIONS", "OPS", "casting", "comparison", "complex_numbers", "creation", "indexing", "joining", "matmul", "pointwise", "reduce",
           "sorting", "views"]  # fmt: skip
