"""Softmax and its relatives: numbers along one dimension become positive weights that sum to 1.

The largest number of each row is taken off before the exponential, so that nothing overflows.
"""

from __future__ import annotations

from ..autograd.grad_mode import GRAD
from ..backends import GPU, backend_of
from ..errors import warn
from ..tensor import normalize_dim, wrap
from ._numeric import narrow, require_kind, wide
from ._op import function, op
from .creation import zeros_like


def _of(input, dim, dtype=None):
    """The operands of softmax over `dim`, converted to `dtype` first."""
    input = input if dtype is None else input.to(dtype)
    return (input,), {"dim": normalize_dim(dim, input.ndim)}


def _by_kernel(name: str, g, y, dim: int):
    """A gradient that nothing records, by the GPU's kernel; None where there is none."""
    if GRAD.enabled or type(y._array) is not GPU.array or not y.ndim:
        return None
    slope = GPU.module.ascontiguousarray(g._array)
    run = GPU.backend.kernel(name, slope, y._array)
    return None if run is None else wrap(run(slope, y._array, dim))


@op()
class softmax:
    """softmax(input, dim, *, dtype=None, out=None) -> Tensor

    `exp(x) / sum(exp(x))` along `dim`. With `dtype` the input is converted first. NotImplementedError for integers.

    >>> import course_lib as torch
    >>> torch.softmax(torch.tensor([0., 0.]), dim=0)
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html
    """

    arguments = _of

    def forward(xp, a, *, dim):
        require_kind("softmax_lastdim_kernel_impl" if dim == a.ndim - 1 or not a.ndim else "softmax_kernel_impl", a)
        if a.size == 0 or a.ndim == 0:
            return xp.ones_like(a)
        a = xp.ascontiguousarray(a)
        run = backend_of(xp).kernel("softmax", a)
        if run is not None:
            return run(a, dim)
        x = wide(a)
        weights = xp.exp(x - xp.max(x, axis=dim, keepdims=True))
        weights /= xp.add.reduce(weights, axis=dim, keepdims=True)
        return narrow(weights, a.dtype)

    def save(ctx, out, a, *, dim):
        ctx.save_output(out)
        ctx.dim = dim

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        made = _by_kernel("softmax_backward", g, y, ctx.dim)
        if made is not None:
            return made
        weighted = g * y
        return weighted - y * weighted.sum(ctx.dim, True) if y.ndim else weighted - y * weighted


@op()
class log_softmax:
    """log_softmax(input, dim, *, dtype=None, out=None) -> Tensor: the logarithm of `softmax`, computed without
    overflow.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.log_softmax.html
    """

    arguments = _of

    def forward(xp, a, *, dim):
        last = dim == a.ndim - 1 or not a.ndim
        require_kind("log_softmax_lastdim_kernel_impl" if last else "softmax_log_kernel_impl", a)
        if a.size == 0 or a.ndim == 0:
            return xp.zeros_like(a)
        a = xp.ascontiguousarray(a)
        run = backend_of(xp).kernel("log_softmax", a)
        if run is not None:
            return run(a, dim)
        x = wide(a)
        shifted = x - xp.max(x, axis=dim, keepdims=True)
        shifted -= xp.log(xp.add.reduce(xp.exp(shifted), axis=dim, keepdims=True))
        return narrow(shifted, a.dtype)

    def save(ctx, out, a, *, dim):
        ctx.save_output(out)
        ctx.dim = dim

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        made = _by_kernel("log_softmax_backward", g, y, ctx.dim)
        if made is not None:
            return made
        return g - y.exp() * (g.sum(ctx.dim, True) if y.ndim else g)


def _implicit_dim(name: str, ndim: int) -> int:
    warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument."
    )
    return 0 if ndim in (0, 1, 3) else 1


def _functional(name: str, made):
    def chosen(input, dim=None, _stacklevel=3, dtype=None):
        return made(input, _implicit_dim(name, input.ndim) if dim is None else dim, dtype)

    chosen.__name__ = chosen.__qualname__ = name
    chosen.__doc__ = made.__doc__
    return function(namespace="nn.functional")(chosen)


_softmax, _log_softmax = _functional("softmax", softmax), _functional("log_softmax", log_softmax)


@function(namespace="nn.functional")
def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmin(input, dim, dtype=None) -> Tensor: `softmax(-input)`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmin.html
    """
    return softmax(-input, _implicit_dim("softmin", input.ndim) if dim is None else dim, dtype)


@function(namespace="nn.functional")
def gumbel_softmax(logits, tau=1.0, hard=False, eps=1e-10, dim=-1):
    """gumbel_softmax(logits, tau=1, hard=False, dim=-1) -> Tensor

    A random choice along `dim` that gradients can pass: softmax of the logits plus Gumbel noise, divided by the
    temperature `tau`. hard=True gives one-hot vectors with the gradient of the soft ones.

    Source: Jang, Gu & Poole (2016), arXiv:1611.01144
    """
    gumbels = -logits.detach().clone().exponential_().log()
    soft = softmax((logits + gumbels) / tau, dim)
    if not hard:
        return soft
    chosen = soft.detach().argmax(dim, keepdim=True)
    one_hot = zeros_like(logits).detach().scatter(dim, chosen, 1.0)
    return one_hot - soft.detach() + soft
