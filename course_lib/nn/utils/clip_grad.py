"""Clipping gradients before an optimizer's step: all of them together by their norm, or each element by its size."""

from __future__ import annotations

import math
import types
import warnings

import numpy as np

from ...autograd.grad_mode import no_grad
from ...ops import FUNCTIONS
from ...ops._many import in_one_launch
from ...tensor import Tensor, wrap

_vector_norm, _stack, _tensor = (
    FUNCTIONS["linalg"]["vector_norm"],
    FUNCTIONS["torch"]["stack"],
    FUNCTIONS["torch"]["tensor"],
)


def get_total_norm(tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach=None) -> Tensor:
    """The norm of all elements of the tensors together, as a 0-dim tensor; 0 where there are none.

    RuntimeError for a norm that is inf or nan, if `error_if_nonfinite`. `foreach` is accepted.

    >>> import course_lib as torch
    >>> torch.nn.utils.get_total_norm([torch.tensor([3.]), torch.tensor([0., 4.])])
    tensor(5.)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.get_total_norm.html
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return _tensor(0.0)
    with no_grad():
        run = in_one_launch("total_norm", tensors, changes=False) if norm_type > 0 else None
        total = wrap(run(norm_type)) if run else None
        if norm_type == 2.0 and total is None:
            total = _euclidean([t._array for t in tensors])
        if total is None:
            first = tensors[0].device
            norms = [_vector_norm(t, norm_type) for t in tensors]
            total = _vector_norm(_stack([n if n.device == first else n.to(first) for n in norms]), norm_type)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total


def _euclidean(arrays: list) -> Tensor | None:
    """The usual case without the layers of an op around each norm: NumPy's arrays, all float32 or all float64."""
    dtype = arrays[0].dtype
    if dtype.char not in "fd" or any(type(a) is not np.ndarray or a.dtype != dtype for a in arrays):
        return None
    flat = [a.ravel(order="K") for a in arrays]
    norms = np.array([np.sqrt(a.dot(a)) for a in flat])
    return wrap(np.asarray(np.sqrt(norms.dot(norms))))


def clip_grads_with_norm_(parameters, max_norm: float, total_norm: Tensor, foreach=None) -> None:
    """Multiply the gradients with min(1, max_norm / (total_norm + 1e-6)), in place.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grads_with_norm_.html
    """
    grads = _grads_of([parameters] if isinstance(parameters, Tensor) else parameters)
    run = in_one_launch("scale_to_norm", grads)
    if run and total_norm.device == grads[0].device:
        run(total_norm.detach().to(grads[0].dtype)._array, float(max_norm))
        return
    with no_grad():
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        if not factor.is_cuda:
            factor = factor.item()  # a number costs less; from a GPU it would have to be waited for
        for grad in grads:
            grad.mul_(factor)


def clip_grad_norm_(
    parameters, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach=None
) -> Tensor:
    """Scale the gradients of the parameters in place so that their norm together is at most `max_norm`.

    Returns the norm before. `norm_type` may be inf. RuntimeError as `get_total_norm`.

    >>> import course_lib as torch
    >>> p = torch.nn.Parameter(torch.zeros(2))
    >>> p.grad = torch.tensor([3., 4.])
    >>> torch.nn.utils.clip_grad_norm_([p], 1.0), p.grad
    (tensor(5.), tensor([0.6000, 0.8000]))

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
    """
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    else:
        is_generator = isinstance(parameters, types.GeneratorType)
        parameters = list(parameters)
        if is_generator and not parameters:
            warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    total = get_total_norm(_grads_of(parameters), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(
    parameters, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach=None
) -> Tensor:
    """`clip_grad_norm_` by its older, deprecated name."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters, clip_value: float, foreach=None) -> None:
    """Bring every element of the gradients into [-clip_value, clip_value], in place.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html
    """
    clip_value = float(clip_value)
    grads = _grads_of([parameters] if isinstance(parameters, Tensor) else parameters)
    run = in_one_launch("clip_values", grads)
    if run:
        run(clip_value)
        return
    with no_grad():
        for grad in grads:
            grad.clamp_(min=-clip_value, max=clip_value)


def _grads_of(parameters) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]


__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]
