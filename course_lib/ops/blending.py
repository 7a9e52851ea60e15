"""Three tensors in one step: products and quotients added to a tensor, and the way from one tensor to another."""

from __future__ import annotations

import numpy as np

from ..dtypes import FLOAT as FLOAT_CATEGORY
from ..dtypes import c_name
from ..tensor import Tensor
from ._arguments import require_tensors
from ._by_kernel import combined
from ._numeric import narrow, require_kind, wide
from ._op import PROMOTE, op


def _together(xp, kernel: str, formula, operands, out, constants=()):
    """The formula in one CUDA kernel, or in array operations; half precision is rounded once. In `out` if given."""
    made = None if xp is np else combined(kernel, operands, constants, out)
    if made is not None:
        return made
    made = narrow(formula(*[wide(a) for a in operands]), operands[0].dtype)
    if out is None:
        return made
    out[...] = made
    return out


def _shapes(*tensors):
    return tuple([(t._array.shape, t._array.dtype) if isinstance(t, Tensor) else None for t in tensors])


@op(inplace=True, dtype=PROMOTE)
class addcmul:
    """addcmul(input, tensor1, tensor2, *, value=1, out=None) -> Tensor: `input + value * tensor1 * tensor2`.

    >>> import course_lib as torch
    >>> torch.addcmul(torch.zeros(2), torch.tensor([1., 2.]), torch.tensor([3., 4.]), value=10)
    tensor([30., 80.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addcmul.html
    """

    def arguments(input, tensor1, tensor2, *, value=1):
        return (input, tensor1, tensor2), {"value": value}

    def forward(xp, a, b, c, *, value, out=None):
        require_kind("addcmul_cpu_out", a, "iufVc")
        product = lambda a, b, c: a + a.dtype.type(value) * b * c
        return _together(xp, "add_product", product, (a, b, c), out, constants=(value,))

    def save(ctx, out, a, b, c, *, value):
        ctx.save_for_backward(b, c)
        ctx.value = value

    def backward(ctx, g):
        b, c = ctx.saved_tensors
        _, needs_b, needs_c = ctx.needs_input_grad
        by_b = g * (c * ctx.value).conj() if needs_b else None
        return g, by_b, g * (b * ctx.value).conj() if needs_c else None


@op(inplace=True, dtype=PROMOTE)
class addcdiv:
    """addcdiv(input, tensor1, tensor2, *, value=1, out=None) -> Tensor: `input + value * tensor1 / tensor2`.

    RuntimeError where both are integers.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addcdiv.html
    """

    def arguments(input, tensor1, tensor2, *, value=1):
        if tensor1.dtype.category < FLOAT_CATEGORY and tensor2.dtype.category < FLOAT_CATEGORY:
            raise RuntimeError(
                "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will "
                "perform a true "
                "division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * "
                "torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / "
                "tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input "
                "+ value * "
                "tensor1 / tensor2), for all dtypes."
            )
        return (input, tensor1, tensor2), {"value": value}

    def forward(xp, a, b, c, *, value, out=None):
        quotient = lambda a, b, c: a + a.dtype.type(value) * b / c
        return _together(xp, "add_quotient", quotient, (a, b, c), out, constants=(value,))

    def save(ctx, out, a, b, c, *, value):
        ctx.save_for_backward(b, c)
        ctx.value = value

    def backward(ctx, g):
        b, c = ctx.saved_tensors
        _, needs_b, needs_c = ctx.needs_input_grad
        by_b = g * (ctx.value / c).conj() if needs_b else None
        return g, by_b, -g * (ctx.value * b / (c * c)).conj() if needs_c else None


@op(inplace=True)
class lerp:
    """lerp(input, end, weight, *, out=None) -> Tensor

    `input + weight * (end - input)`, the point at `weight` of the way.

    >>> import course_lib as torch
    >>> torch.lerp(torch.tensor([0., 10.]), torch.tensor([1., 20.]), 0.5)
    tensor([ 0.5000, 15.0000])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.lerp.html
    """

    def arguments(input, end, weight):
        require_tensors("lerp", input=input, end=end)
        for name, value in (("end", end), ("weight", weight)):
            scalar = name == "weight" and isinstance(value, Tensor) and value.ndim == 0
            if isinstance(value, Tensor) and value.dtype is not input.dtype and not scalar:
                have, got = c_name(input.dtype), c_name(value.dtype)
                raise RuntimeError(f"expected dtype {have} for `{name}` but got dtype {got}")
        if isinstance(weight, Tensor) and weight.dtype is not input.dtype:
            weight = weight.to(input.dtype)
        return (input, end, weight), {}

    def forward(xp, a, b, weight, *, out=None):
        by_tensor = hasattr(weight, "strides")
        require_kind("lerp_kernel_tensor" if by_tensor else "lerp_kernel_scalar", a, "fVc")

        def between(a, b, share=None):
            share = a.dtype.type(weight) if share is None else share
            near = xp.abs(share) < 0.5  # from the nearer end, so that weight 1 gives `end` exactly
            return xp.where(near, a + share * (b - a), b - (b - a) * (1 - share))

        if by_tensor:
            return _together(xp, "between", between, (a, b, weight), out)
        return _together(xp, "part_of_the_way", between, (a, b), out, constants=(weight,))

    def save(ctx, out, a, b, weight):
        needs_weight = ctx.needs_input_grad[2]
        ctx.save_for_backward(a if needs_weight else None, b if needs_weight else None, weight)
        ctx.inputs = _shapes(a, b, weight)

    def backward(ctx, g):
        a, b, weight = ctx.saved_tensors
        conj = weight.conj() if isinstance(weight, Tensor) else weight.conjugate()
        needs_a, needs_b, _ = ctx.needs_input_grad
        by_a, by_b = g * (1 - conj) if needs_a else None, g * conj if needs_b else None
        return by_a, by_b, (g * (b - a).conj() if ctx.needs_input_grad[2] else None)
