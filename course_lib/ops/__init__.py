"""Every operation, a file a family. Importing this package declares them all."""

from __future__ import annotations

import sys

from . import (
    activation,
    addmm,
    arithmetic,
    arranging,
    attention,
    bits,
    blending,
    broadcasting,
    casting,
    cholesky,
    comparison,
    complex_numbers,
    control_flow,
    conv,
    copying,
    creation,
    cross_entropy,
    ctc,
    decompositions,
    distance,
    dropout,
    einsum,
    embedding,
    extremes,
    factorizations,
    fourier,
    fractional_pool,
    from_data,
    gamma_sampling,
    gather_scatter,
    grid,
    histograms,
    index_writing,
    indexing,
    interchange,
    joining,
    least_squares,
    likelihood_loss,
    linear,
    linear_systems,
    loss,
    margin_loss,
    masks,
    mathematics,
    matmul,
    matrix_functions,
    max_pool,
    max_unpool,
    multi_head,
    norm,
    norms,
    padding,
    pairs,
    polynomials,
    pool,
    products,
    ranges,
    rearrange,
    recurrent,
    reduce,
    removed,
    resize,
    rounding,
    running,
    sampling,
    scatter_views,
    smooth_activation,
    softmax,
    sorting,
    special,
    spectrogram,
    spread,
    statistics,
    strides,
    tensor_methods,
    views,
    views_in_place,
    windows,
)
from ._op import FUNCTIONS, OPS


def __getattr__(name: str):
    """`torch.ops.mylib`: the operations of a namespace of torch.library; `torch.ops.aten`: those of PyTorch's own."""
    made = sys.modules.get("course_lib.library")
    if name not in ("aten", "load_library") and (made is None or name not in made.OPS):
        raise AttributeError(f"module 'torch.ops' has no attribute {name!r}")
    from .. import _ops

    return _ops.load_library if name == "load_library" else _ops.namespace(name)


__all__ = ["FUNCTIONS", "OPS"]
