"""Steps of optimizers, in place, with the arguments of backends/compiled/optim.py."""

from __future__ import annotations

import numpy as np

from ..kernels.loading import BLOCK, accumulator, blocks_for, launch


def sgd(p, g, lr, weight_decay, maximize) -> None:
    """A step of optim/sgd.py without momentum."""
    _step("sgd", (p, g), lr, weight_decay, maximize)


def sgd_momentum(p, g, buffer, lr, weight_decay, maximize, momentum, share, nesterov) -> None:
    """A step of optim/sgd.py; share: how much of the gradient goes into the buffer."""
    _step("sgd_momentum", (p, g, buffer), lr, weight_decay, maximize, momentum, share, nesterov)


def adam(p, g, exp_avg, exp_avg_sq, size, gain1, keep2, gain2, root, eps, shrink, weight_decay, maximize) -> None:
    """A step of optim/adam.py without amsgrad."""
    constants = (size, gain1, keep2, gain2, root, eps, shrink, weight_decay)
    _step("adam", (p, g, exp_avg, exp_avg_sq), *constants, maximize)


def _step(name: str, arrays, *constants) -> None:
    p = arrays[0]
    real = accumulator(p.dtype).type
    constants = [bool(c) if isinstance(c, (bool, np.bool_)) else real(c) for c in constants]
    launch("optimizers", name, p, blocks_for(p.size), (BLOCK,), *arrays, p.size, *constants)
