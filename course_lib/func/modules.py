"""Modules in the world of functions: a module called with other parameters, and many models' parameters stacked."""

from __future__ import annotations

from ..ops.joining import stack


def functional_call(
    module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights: bool = True, strict: bool = False
):
    """`module(*args, **kwargs)` with other tensors in the place of its parameters and buffers.

    `parameter_and_buffer_dicts`: dotted name → tensor, or several such dictionaries. What is not named there is the
    module's own, unless `strict`. One argument need not be in a tuple. With `tie_weights` a tensor given for one name
    of a shared parameter stands for all of them. Gradients flow to the given tensors.

    >>> import course_lib as torch
    >>> model = torch.nn.Linear(2, 1)
    >>> def loss(weights, x):
    ...     return torch.func.functional_call(model, weights, x).sum()
    >>> weights = {name: param.detach() for name, param in model.named_parameters()}
    >>> torch.func.grad(loss)(weights, torch.tensor([1., 2.]))
    {'weight': tensor([[1., 2.]]), 'bias': tensor([1.])}

    Source: https://docs.pytorch.org/docs/stable/generated/torch.func.functional_call.html
    """
    from ..nn.utils.stateless import _functional_call

    return _functional_call(
        module, _as_one(parameter_and_buffer_dicts), args, kwargs, tie_weights=tie_weights, strict=strict
    )


def _as_one(dicts) -> dict:
    """One dictionary with the entries of all; the errors for what is none."""
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, (list, tuple)):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
        )
    if not all(isinstance(each, dict) for each in dicts):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    keys = [key for each in dicts for key in each]
    repeated = [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
    if repeated:
        raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    return {key: value for each in dicts for key, value in each.items()}


def stack_module_state(models) -> tuple[dict, dict]:
    """(parameters, buffers) of several models of one class: under each name the stacked tensors, fresh leaves.

    With `vmap` over them and `functional_call`, all models run as one. RuntimeError where models do not fit.

    >>> import course_lib as torch
    >>> models = [torch.nn.Linear(2, 3) for _ in range(4)]
    >>> parameters, buffers = torch.func.stack_module_state(models)
    >>> parameters["weight"].shape
    torch.Size([4, 3, 2])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.func.stack_module_state.html
    """
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if any(m.training != models[0].training for m in models):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return tuple(
        {name: _stacked(name, [each[name] for each in dicts]) for name in dicts[0]} for dicts in (parameters, buffers)
    )


def _stacked(name: str, tensors: list):
    requires_grad = tensors[0].requires_grad
    if any(t.requires_grad != requires_grad for t in tensors):
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    return stack(tensors).detach().requires_grad_(requires_grad)


__all__ = ["functional_call", "stack_module_state"]
