"""The norms on a GPU: which of the library's kernels computes one, and on which operands.

Each function gives None where there is no kernel for these operands; norm.py then computes with array operations.
"""

from __future__ import annotations

import math

from ..autograd.grad_mode import GRAD
from ..backends import GPU
from ..tensor import wrap
from ._fused import Fused, all_wide, recorded
from ._numeric import is_half, wide
from ._op import op


def normalized(name: str, a, weight, bias, shape, dims, eps, running):
    """What forward gives: the result, the means and the rates."""
    a, weight, bias = _dense(a, name == "batch_norm"), _dense(weight), _dense(bias)
    run = GPU.backend.kernel(name, a, weight, bias, *running[:2])
    if run is None:
        return None
    if name == "layer_norm":
        out, mean, rate = run(a, weight, bias, math.prod([shape[d] for d in dims]), eps)
    elif name == "group_norm":
        out, mean, rate = run(a, weight, bias, shape[1], eps)
    else:
        out, mean, rate = run(a, weight, bias, eps, *running)
    kept = [1 if d in dims else n for d, n in enumerate(shape)]
    return out, mean.reshape(kept), rate.reshape(kept)


def slopes(name: str, g, a, weight, mean, rate, shape, affine, ctx):
    """The gradients by input, weight and bias."""
    a, weight = _dense(a, name == "batch_norm"), _dense(weight)
    run = GPU.backend.kernel(f"{name}_backward", a, weight)
    if run is None or g.dtype != a.dtype:
        return None
    dtypes = [given[1] for given in ctx.inputs[1:] if given is not None]
    rule = {"needed": ctx.needs_input_grad, "dtype": dtypes[0] if dtypes else None}
    if name == "layer_norm":
        return run(_dense(g), a, weight, mean, rate, affine, **rule)
    if name == "group_norm":
        return run(_dense(g), a, weight, mean, rate, shape[1], **rule)
    return run(g, a, weight, mean, rate, **rule)


def _dense(a, channels_last: bool = False):
    """The array itself if it is contiguous, or if its channels may lie last and do; else a copy."""
    if a is None or a.flags.c_contiguous:
        return a
    if channels_last and a.ndim > 2 and GPU.module.moveaxis(a, 1, -1).flags.c_contiguous:
        return a
    return GPU.module.ascontiguousarray(a)


def normalized_with_known(a, weight, bias, mean, variance, eps):
    """The input normalised with a mean and a variance that are given."""
    operands = [_dense(a, True), *[_dense(part) for part in (weight, bias, mean, variance)]]
    run = GPU.backend.kernel("batch_norm_known", *operands)
    return run and run(*operands, eps)


def slopes_with_known(g, a, weight, mean, variance, ctx):
    """The gradients by input, weight and bias, mean and variance being given."""
    a, weight = _dense(a, True), _dense(weight)
    run = GPU.backend.kernel("batch_norm_backward", a, weight, mean, variance)
    if run is None or g.dtype != a.dtype:
        return None
    mean, rate = all_wide(mean, 1 / GPU.module.sqrt(wide(variance) + wide(variance).dtype.type(ctx.eps)))
    return run(g, a, weight, mean, rate, ctx.needs_input_grad[:3], variance.dtype, known=True)


# ---- RMS norm -----------------------------------------------------------------------------------------------------


@op(method=False, namespace=None, node="FusedRmsNorm")
class rms_norm_at_once(Fused):
    """RMS norm by the GPU's kernel."""

    def forward(xp, a, weight, *, kept, dims, eps):
        operands = [_dense(a), _dense(weight)]
        run = GPU.backend.kernel("rms_norm", *operands)
        made, rate = run(*operands, math.prod([a.shape[d] for d in dims]), eps)
        kept.append(rate)
        return made

    def backward(ctx, g):
        (a, weight, rate), (_, rule) = ctx.saved_tensors, ctx.setting
        if GRAD.enabled:
            return recorded(rms_norm_step_by_step, (a, weight), ctx.needs_input_grad, (g,), rule)
        shape = [a.shape[d] for d in rule["dims"]]
        g, a, weight = [None if t is None else _dense(t._array) for t in (g, a, weight)]
        run = GPU.backend.kernel("layer_norm_backward", a, weight)
        found = run(g, a, weight, None, rate._array, shape, (*ctx.needs_input_grad, False), a.dtype)
        return tuple([None if array is None else wrap(array) for array in found[:2]])


def has_rms_kernel(input, weight) -> bool:
    """Whether the GPU has a kernel; weights of another dtype than the input's make the result theirs."""
    if type(input._array) is not GPU.array or (weight is not None and weight.dtype is not input.dtype):
        return False
    return GPU.backend.kernel("rms_norm", input._array) is not None


def rms_norm_step_by_step(input, weight, *, dims, eps):
    """RMS norm in Tensor ops."""
    x = input.float() if is_half(input._array.dtype) else input
    made = x * (x.pow(2).mean(dims, True) + eps).rsqrt()
    if made.dtype is not input.dtype and (weight is None or weight.dtype is input.dtype):
        return (made if weight is None else made * weight.float()).to(input.dtype)
    return made if weight is None else made * weight
