"""The library's CUDA kernels as functions of device arrays: kernels/*.cu under plain names, a file a family.

Each takes C-contiguous arrays of one dtype (float32, float64, float16 or bfloat16; attention not float64) on one GPU
and gives new ones, except where it says "in place". Means, rates, sums and losses come in float32 (float64 for
float64). `cuda.kernel(name, *arrays)` says whether a kernel can be had for some arrays.
"""

from __future__ import annotations

from ..kernels.loading import ELEMENTS, MOST
from .attention import attention, attention_backward
from .elementwise import activation, activation_backward, add_product, bias_activation, bias_activation_backward
from .norms import (
    batch_norm,
    batch_norm_backward,
    layer_norm,
    layer_norm_backward,
    norm_backward,
    norm_parameters_backward,
    rms_norm,
)
from .optimizers import adam, sgd, sgd_momentum
from .random import dropout, dropout_backward, normal, random_launch, uniform
from .reductions import reduce_all, reduce_rows, sum_columns
from .rows import cross_entropy, cross_entropy_backward, log_softmax, log_softmax_backward, softmax, softmax_backward
from .scatter import embedding_backward, index_add
from .windows import (
    avg_pool,
    avg_pool_backward,
    col2im,
    depthwise_conv,
    depthwise_conv_backward,
    im2col,
    max_pool,
    max_pool_backward,
)


def takes(*arrays) -> bool:
    """Whether the kernels can work on these arrays: contiguous, of one of their dtypes, not empty and not too large."""
    arrays = [a for a in arrays if a is not None]
    dtype = arrays[0].dtype
    return dtype.name in ELEMENTS and all(
        a.dtype == dtype and a.flags.c_contiguous and 0 < a.size <= MOST for a in arrays
    )
