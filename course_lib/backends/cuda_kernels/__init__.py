"""The library's CUDA kernels as functions of device arrays: kernels/*.cu under plain names, a file a family.

Each takes C-contiguous arrays of one dtype (float32, float64, float16 or bfloat16; attention not float64) on one GPU
and gives new ones, except where it says "in place". Means, rates, sums and losses come in float32 (float64 for
float64). `cuda.kernel(name, *arrays)` says whether a kernel can be had for some arrays.
"""

from __future__ import annotations

from ..kernels.loading import LETTERS, MOST
from .adaptive import adaptive_avg_pool, adaptive_avg_pool_backward, adaptive_max_pool, adaptive_max_pool_backward
from .attention import attention, attention_backward, attention_noise
from .convolution import convolve, correlate, transposed
from .elementwise import (
    activation,
    activation_backward,
    add_product,
    bias_activation,
    bias_activation_backward,
    bias_rows,
    combined,
    gated_backward,
)
from .gather import embedding_bag, gather_elements, look_at_index, take_rows
from .gradients import (
    clip_values,
    fill_with_zeros,
    move_averages,
    scale_to_norm,
    total_norm,
    unscale,
    update_scale,
)
from .losses import loss, loss_backward
from .many import Table, kernel_for_all, tables
from .norms import (
    batch_norm,
    batch_norm_backward,
    batch_norm_known,
    group_norm,
    group_norm_backward,
    layer_norm,
    layer_norm_backward,
    rms_norm,
)
from .optimizers import adam_moments, optimizer_step
from .random import (
    bernoulli,
    bernoulli_by,
    cauchy,
    dropout,
    dropout_backward,
    exponential,
    geometric,
    integers,
    log_normal,
    normal,
    random_launch,
    uniform,
    yes_or_no,
)
from .reading import join_places, read_places, spread_places
from .recurrent import recurrent_step
from .reductions import reduce, sum_columns
from .resample import resample
from .rows import (
    cross_entropy,
    cross_entropy_backward,
    log_softmax,
    log_softmax_backward,
    nll_loss,
    nll_loss_backward,
    softmax,
    softmax_backward,
)
from .scatter import add_elements, add_rows, count_places, embedding_backward, reduce_elements
from .windows import (
    avg_pool,
    avg_pool_backward,
    col2im,
    im2col,
    max_pool,
    max_pool_backward,
    max_pool_pick,
    max_pool_with_places,
)


def takes(*arrays) -> bool:
    """Whether the kernels can work on these arrays: contiguous, of one of their dtypes, not empty and not too large."""
    dtype = None
    for array in arrays:
        if array is None:
            continue
        if dtype is None:
            dtype = array.dtype
            if dtype.char not in LETTERS:
                return False
        elif array.dtype is not dtype and array.dtype != dtype:
            return False
        if not 0 < array.size <= MOST or not array.flags.c_contiguous:
            return False
    return dtype is not None
