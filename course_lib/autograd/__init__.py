"""torch.autograd: backward and grad, and the names that go with them."""

from __future__ import annotations

from .engine import run_backward
from .grad_mode import GRAD, enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .node import Node


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None) -> None:
    """Add the gradients of `tensors` into the `.grad` of the leaves they depend on (or of `inputs` only).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.backward.html
    """
    outputs = _as_tuple(tensors)
    grads = _root_gradients(outputs, grad_tensors, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        run_backward(outputs, grads, retain, create_graph)
        return
    inputs = _as_tuple(inputs)
    if not inputs:
        raise RuntimeError("'inputs' argument to backward() cannot be empty.")
    for tensor, grad in zip(inputs, run_backward(outputs, grads, retain, create_graph, inputs), strict=True):
        if grad is not None:
            tensor._grad = grad if tensor._grad is None else tensor._grad + grad


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True,
         allow_unused=None, is_grads_batched=False, materialize_grads=False) -> tuple:  # fmt: skip
    """The gradients of `outputs` with respect to `inputs`, as a tuple; no `.grad` changes.

    RuntimeError for an input that the outputs do not depend on, unless `allow_unused`.

    >>> import course_lib as torch
    >>> x = torch.tensor(2., requires_grad=True)
    >>> torch.autograd.grad(x ** 3, x)
    (tensor(12.),)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html
    """
    outputs, inputs = _as_tuple(outputs), _as_tuple(inputs)
    for tensor in inputs:
        if not tensor.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    grads = _root_gradients(outputs, grad_outputs, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    found = run_backward(outputs, grads, retain, create_graph, inputs)
    if materialize_grads:
        from ..ops.creation import zeros_like

        return tuple(zeros_like(t) if g is None else g for t, g in zip(inputs, found, strict=True))
    if not allow_unused and any(g is None for g in found):
        raise RuntimeError(
            f"The differentiated Tensor at index {next(i for i, g in enumerate(found) if g is None)} appears to not have been used in the graph. Set "
            "allow_unused=True if this is the desired behavior."
        )
    return tuple(found)


def _as_tuple(tensors) -> tuple:
    return tuple(tensors) if isinstance(tensors, (tuple, list)) else (tensors,)


def _root_gradients(outputs, given, create_graph: bool) -> list:
    """The gradient to start with at each output: what was given, or 1 for a tensor with one element."""
    given = (None,) * len(outputs) if given is None else _as_tuple(given)
    if len(given) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(given)} gradients")
    grads = []
    for position, (output, gradient) in enumerate(zip(outputs, given, strict=True)):
        if not output.requires_grad:
            raise RuntimeError(f"element {position} of tensors does not require grad and does not have a grad_fn")
        grads.append(_implicit(output) if gradient is None else _checked(position, output, gradient))
    return grads


def _implicit(output):
    if output.numel() != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if output.is_complex():
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {output.dtype}")
    from ..ops.creation import ones_like

    return ones_like(output)


def _checked(position: int, output, gradient):
    from ..tensor import Tensor

    if not isinstance(gradient, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
    if gradient.shape != output.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{position}] has a shape of {gradient.shape} and output[{position}] has a "
            f"shape of {output.shape}."
        )
    return gradient


__all__ = ["GRAD", "Node", "backward", "enable_grad", "grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]
