"""Steps of optimizers, in place, for all parameters of a table (many.py) at once."""

from __future__ import annotations

import numpy as np

from ..kernels.loading import BLOCK, accumulator, launch
from ._new import like
from .many import Table


def optimizer_step(name: str, table: Table, found_inf, weight_decay: float, maximize: bool, *constants) -> None:
    """Run a kernel of optimizers.cu; the rows of the table are parameters, gradients and state.

    found_inf: an array of one float32 number; if that is not 0, nothing is done. None: it is done.
    """
    constants = [float(c) if isinstance(c, (int, float, np.number)) and type(c) is not bool else c for c in constants]
    table.launch("optimizers", name, found_inf, float(weight_decay), bool(maximize), *constants)


def adam_moments(steps: Table, like_parameters, found_inf, lr, beta1: float, beta2: float, decoupled: float):
    """Count the steps of Adam, which lie on the GPU; (size, root, shrink) for each parameter (optimizers.cu).

    lr: a number, or an array with one float32 number.
    """
    moments = like(like_parameters, (steps.count, 3), accumulator(like_parameters.dtype))
    lr_at, lr = (lr, 0.0) if hasattr(lr, "strides") else (None, lr)
    numbers = [np.float64(value) for value in (lr, beta1, beta2, decoupled)]
    launch("optimizers", "adam_moments", like_parameters, (-(-steps.count // BLOCK),), (BLOCK,), steps.kernel_argument,
           found_inf, moments, lr_at, *numbers)  # fmt: skip
    return moments
