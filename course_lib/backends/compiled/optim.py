"""Compiled optimizer rules: one pass over the numbers where NumPy makes a dozen, with the same roundings.

The arrays are flat; the constants are float32, as NumPy rounds Python numbers that meet float32 arrays.
"""

from __future__ import annotations

import math

from . import declare

_ARRAY = "float32[::1]"


@declare(f"void({_ARRAY}, {_ARRAY}, float32, float32, boolean)")
def sgd(p, g, lr, weight_decay, maximize):
    """optim/sgd.py without momentum."""
    for i in range(len(p)):
        slope = -g[i] if maximize else g[i]
        if weight_decay != 0:
            slope += weight_decay * p[i]
        p[i] -= lr * slope


@declare(f"void({_ARRAY}, {_ARRAY}, {_ARRAY}, float32, float32, boolean, float32, float32, boolean)")
def sgd_momentum(p, g, buffer, lr, weight_decay, maximize, momentum, share, nesterov):
    """optim/sgd.py; share: how much of the gradient goes into the buffer."""
    for i in range(len(p)):
        slope = -g[i] if maximize else g[i]
        if weight_decay != 0:
            slope += weight_decay * p[i]
        moved = buffer[i] * momentum + share * slope
        buffer[i] = moved
        p[i] -= lr * (slope + momentum * moved if nesterov else moved)


@declare(
    f"void({_ARRAY}, {_ARRAY}, {_ARRAY}, {_ARRAY}, float32, float32, float32, float32, float32, float32, float32, "
    "float32, boolean)"
)
def adam(p, g, exp_avg, exp_avg_sq, size, gain1, keep2, gain2, root, eps, shrink, weight_decay, maximize):
    """optim/adam.py without amsgrad; shrink: what decoupled weight decay leaves of p."""
    for i in range(len(p)):
        slope = -g[i] if maximize else g[i]
        if weight_decay != 0:
            slope += weight_decay * p[i]
        m = exp_avg[i] + (slope - exp_avg[i]) * gain1
        v = exp_avg_sq[i] * keep2 + gain2 * slope * slope
        exp_avg[i], exp_avg_sq[i] = m, v
        p[i] = p[i] * shrink - size * m / (math.sqrt(v) / root + eps)


@declare(f"void({_ARRAY}, {_ARRAY}, {_ARRAY}, float32, float32, float32, float32, float32, boolean)")
def rmsprop(p, g, square_avg, lr, keep, gain, eps, weight_decay, maximize):
    """optim/rmsprop.py, neither centered nor with momentum."""
    for i in range(len(p)):
        slope = -g[i] if maximize else g[i]
        if weight_decay != 0:
            slope += weight_decay * p[i]
        v = square_avg[i] * keep + gain * slope * slope
        square_avg[i] = v
        p[i] -= lr * (slope / (math.sqrt(v) + eps))


@declare(f"void({_ARRAY}, {_ARRAY}, {_ARRAY}, float32, float32, float32, boolean)")
def adagrad(p, g, total, size, eps, weight_decay, maximize):
    """optim/adagrad.py."""
    for i in range(len(p)):
        slope = -g[i] if maximize else g[i]
        if weight_decay != 0:
            slope += weight_decay * p[i]
        s = total[i] + slope * slope
        total[i] = s
        p[i] -= size * slope / (math.sqrt(s) + eps)
