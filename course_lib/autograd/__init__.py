"""torch.autograd: backward and grad, and the names that go with them."""

from __future__ import annotations

import importlib
import warnings

import numpy as np

from ..backends import device_of, is_numpy, made_elsewhere
from ..tensor import Tensor, wrap
from .anomaly_mode import detect_anomaly, set_detect_anomaly
from .engine import run_backward
from .grad_mode import (
    GRAD,
    enable_grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from .node import Node

_LATER = {"Function": "function", "inference_mode": "inference", "gradcheck": "gradcheck", "gradgradcheck": "gradcheck",
          "Variable": "variable"}  # fmt: skip
_SUBMODULES = {"anomaly_mode", "forward_ad", "function", "functional", "grad_mode", "gradcheck", "graph", "profiler",
               "variable"}  # fmt: skip


def __getattr__(name: str):
    """Submodules and the names in them are loaded when they are first used."""
    if name in _LATER:
        made = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
        globals()[name] = made
        return made
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'torch.autograd' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER, *_SUBMODULES})


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None,
             inputs=None) -> None:  # fmt: skip
    """Add the gradients of `tensors` into the `.grad` of the leaves they depend on (or of `inputs` only).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.backward.html
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only "
                "use `grad_tensors`."
            )
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        grad_tensors = grad_variables
    if inputs is not None:
        inputs = (inputs,) if _is_one(inputs) else tuple(inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    outputs = (tensors,) if _is_one(tensors) else tuple(tensors)
    grads = _root_gradients(outputs, grad_tensors)
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        run_backward(outputs, grads, retain, create_graph)
        return
    for tensor in inputs:
        if not tensor.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    for tensor, grad in zip(inputs, run_backward(outputs, grads, retain, create_graph, inputs), strict=True):
        if grad is not None:
            tensor._grad = grad if tensor._grad is None else tensor._grad + grad


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True,
         allow_unused=None, is_grads_batched=False, materialize_grads=False) -> tuple:  # fmt: skip
    """The gradients of `outputs` with respect to `inputs`, as a tuple; no `.grad` changes.

    `is_grads_batched`: the first dimension of each of `grad_outputs` counts several gradients, which are sent back one
    after the other; so has each result. RuntimeError for an input that the outputs do not depend on, unless
    `allow_unused` (then None) or `materialize_grads` (then zeros).

    >>> import course_lib as torch
    >>> x = torch.tensor(2., requires_grad=True)
    >>> torch.autograd.grad(x ** 3, x)
    (tensor(12.),)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    outputs = (outputs,) if _is_one(outputs) else tuple(outputs)
    inputs = (inputs,) if _is_one(inputs) else tuple(inputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    retain = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        found = _batched(outputs, inputs, grad_outputs, retain, create_graph)
    else:
        grads = _root_gradients(outputs, grad_outputs)
        for tensor in inputs:
            if not tensor.requires_grad:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
        found = run_backward(outputs, grads, retain, create_graph, inputs)
    if materialize_grads:
        from ..ops.creation import zeros_like

        return tuple([zeros_like(t) if g is None else g for t, g in zip(inputs, found, strict=True)])
    missing = next((i for i, g in enumerate(found) if g is None), None)
    if not allow_unused and missing is not None:
        raise RuntimeError(
            f"The differentiated Tensor at index {missing} appears to not have been used in the graph. Set "
            "allow_unused=True if this is the desired behavior."
        )
    return tuple(found)


def _batched(outputs, inputs, grad_outputs, retain_graph: bool, create_graph: bool) -> list:
    """One backward for each row of `grad_outputs`, the results stacked."""
    from ..ops.joining import stack

    grads = _as_sequence(grad_outputs, len(outputs))
    for position, (output, gradient) in enumerate(zip(outputs, grads, strict=True)):
        if gradient is not None:
            _check_shape(position, output, gradient, batched=True)
    rows = []
    batch = next(len(g) for g in grads if g is not None)
    for row in range(batch):
        roots = [_implicit(output) if g is None else g[row] for output, g in zip(outputs, grads, strict=True)]
        rows.append(run_backward(outputs, roots, retain_graph or row + 1 < batch, create_graph, inputs))
    return [None if column[0] is None else stack(column) for column in zip(*rows, strict=True)]


def _is_one(given) -> bool:
    """Whether this is one tensor (or gradient edge) rather than a sequence of them."""
    return hasattr(given, "requires_grad")


def _as_sequence(grads, count: int) -> tuple:
    if grads is None:
        return (None,) * count
    grads = (grads,) if _is_one(grads) else tuple(grads)
    if len(grads) != count:
        raise RuntimeError(f"got {count} tensors and {len(grads)} gradients")
    return grads


def _root_gradients(outputs, given) -> list:
    """The gradient to start with at each output: what was given, or 1 for a tensor with one element."""
    if given is None and len(outputs) == 1 and outputs[0].requires_grad:
        return [_implicit(outputs[0])]
    grads = []
    for position, (output, gradient) in enumerate(zip(outputs, _as_sequence(given, len(outputs)), strict=True)):
        made = gradient
        if gradient is None and output.requires_grad:
            made = _implicit(output)
        elif gradient is not None:
            made = _checked_gradient(position, output, gradient)
        grads.append(made)
    for position, output in enumerate(outputs):
        if not output.requires_grad:
            raise RuntimeError(f"element {position} of tensors does not require grad and does not have a grad_fn")
    return grads


def _implicit(output):
    array = getattr(output, "_array", None)
    if array is None or array.size != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if array.dtype.kind == "c":
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {output.dtype}")
    if output.is_cpu:
        one = np.array(1, array.dtype)
        return wrap(one if array.ndim == 0 else one.reshape(array.shape))
    return wrap(made_elsewhere("ones", device_of(array), array.shape, array.dtype))


def _checked_gradient(position: int, output, gradient):
    if not isinstance(gradient, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
    if isinstance(output, Tensor):
        _check_shape(position, output, gradient)
        if gradient.dtype == output.dtype:
            return gradient
        if gradient.is_complex() or output.is_complex():
            raise RuntimeError(
                "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in "
                f"dtype: grad_output[{position}] has a dtype of {gradient.dtype} and output[{position}] has a dtype of "
                f"{output.dtype}."
            )
        return gradient.to(output.dtype)
    return gradient


def _check_shape(position: int, output, gradient, batched: bool = False) -> None:
    if not batched and gradient.shape != output.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{position}] has a shape of {gradient.shape} and output[{position}] has a "
            f"shape of {output.shape}."
        )
    if batched and gradient.shape[1:] != output.shape:
        raise RuntimeError(
            "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch dimension. "
            "The sizes of the remaining dimensions are expected to match the shape of corresponding output, but a "
            f"mismatch was detected: grad_output[{position}] has a shape of {gradient.shape} and output[{position}] "
            f"has a shape of {output.shape}. If you only want some tensors in `grad_output` to be considered batched, "
            "consider using vmap."
        )


__all__ = ["GRAD", "Node", "backward", "enable_grad", "grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]
