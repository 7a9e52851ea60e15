"""Gamma and Dirichlet numbers, and their derivatives with respect to the concentration.

The numbers are PyTorch's for the same seed (backends/gamma.py). A sample x of concentration a keeps its place in the
distribution when a changes: F(x; a) stays the same, hence dx/da = -(∂F/∂a) / (∂F/∂x), with ∂F/∂x the density
(Figurnov, Mohamed, Mnih: "Implicit reparameterization gradients", 2018).
"""

from __future__ import annotations

import numpy as np

from ..backends import is_numpy
from ..backends.gamma import standard_gamma
from ._numeric import special
from ._op import op
from .random_arguments import stream_beside
from .random_fill import not_implemented

F64 = np.dtype("float64")


def _require_full_precision(kernel: str, array) -> None:
    if array.dtype.name not in ("float32", "float64"):
        raise not_implemented(kernel, array)


def _on_host(array) -> np.ndarray:
    return array if is_numpy(array) else array.get()


@op(method=False, node="StandardGammaBackward0")
class _standard_gamma:
    """_standard_gamma(input, generator=None) -> Tensor: a gamma number of rate 1 for each concentration in `input`."""

    def arguments(input, generator=None):
        return (input,), {"stream": stream_beside("_standard_gamma", generator, input)}

    def forward(xp, a, *, stream):
        _require_full_precision("gamma_cpu", a)
        tiny = float(np.finfo(a.dtype).tiny)
        return xp.asarray(np.maximum(standard_gamma(stream, _on_host(a)), tiny).astype(a.dtype))

    def save(ctx, out, a, *, stream):
        ctx.save_for_backward(a, out)

    def backward(ctx, g):
        a, x = ctx.saved_tensors
        return g * _standard_gamma_grad(a, x)


@op(method=False)
class _standard_gamma_grad:
    """_standard_gamma_grad(input, output) -> Tensor: dx/da for a gamma number x = output of concentration a = input."""

    def forward(xp, a, x):
        _require_full_precision("_standard_gamma_grad_cpu", a)
        sc, dtype = special(xp), a.dtype
        a, x = a.astype(F64), x.astype(F64)
        step = 1e-4 * xp.minimum(a, xp.sqrt(a))  # F changes over √a (over a, if a is small): a ten-thousandth of that
        left = (sc.gammainc(a + step, x) - sc.gammainc(a - step, x)) / (2 * step)
        right = (sc.gammaincc(a - step, x) - sc.gammaincc(a + step, x)) / (2 * step)  # exact where F is nearly 1
        density = xp.exp((a - 1) * xp.log(x) - x - sc.gammaln(a))
        return (-xp.where(x < a, left, right) / density).astype(dtype)


@op(method=False, node="SampleDirichletBackward0")
class _sample_dirichlet:
    """_sample_dirichlet(input, generator=None) -> Tensor: probabilities for each row of concentrations (…, K)."""

    def arguments(input, generator=None):
        return (input,), {"stream": stream_beside("_sample_dirichlet", generator, input)}

    def forward(xp, a, *, stream):
        _require_full_precision("dirichlet", a)
        numbers = np.maximum(standard_gamma(stream, _on_host(a).astype(F64)), np.finfo(F64).tiny)
        shares, limits = numbers / np.add.reduce(numbers, axis=-1, keepdims=True), np.finfo(a.dtype)
        return xp.asarray(np.clip(shares, float(limits.tiny), 1 - float(limits.epsneg)).astype(a.dtype))

    def save(ctx, out, a, *, stream):
        ctx.save_for_backward(a, out)

    def backward(ctx, g):
        a, x = ctx.saved_tensors
        return _dirichlet_grad(x, a, a.sum(-1, True).expand(a.shape)) * (g - (x * g).sum(-1, True))


@op(method=False)
class _dirichlet_grad:
    """_dirichlet_grad(x, alpha, total) -> Tensor: (dx/da) / (1 - x), x a beta number (alpha, total - alpha)."""

    def forward(xp, x, alpha, total):
        _require_full_precision("_dirichlet_grad_cpu", x)
        sc, dtype = special(xp), x.dtype
        x, a = x.astype(F64), alpha.astype(F64)
        b = total.astype(F64) - a
        step = 1e-4 * xp.minimum(a, xp.sqrt(a))
        left = (sc.betainc(a + step, b, x) - sc.betainc(a - step, b, x)) / (2 * step)
        right = (sc.betainc(b, a - step, 1 - x) - sc.betainc(b, a + step, 1 - x)) / (2 * step)
        density = xp.exp((a - 1) * xp.log(x) + (b - 1) * xp.log1p(-x) - sc.betaln(a, b))
        return (-xp.where(x < a / (a + b), left, right) / density / (1 - x)).astype(dtype)


__all__ = ["_dirichlet_grad", "_sample_dirichlet", "_standard_gamma", "_standard_gamma_grad"]
