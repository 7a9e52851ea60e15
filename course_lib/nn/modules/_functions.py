"""Backward hooks of a module: identity functions around its inputs and outputs, whose nodes call the hooks.

The gradients of the outputs pass the node around the outputs first; it keeps them. When the gradients of the inputs
pass the other node, the hooks are called with both, and may put other gradients of the inputs in their place.
"""

from __future__ import annotations

import warnings

from ...autograd.function import Function
from ...autograd.grad_mode import GRAD
from ...tensor import Tensor


class BackwardHookFunction(Function):
    """The identity, recorded: its node is where the hooks of a module hang."""

    @staticmethod
    def forward(ctx, *tensors):
        ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx, *grads):
        return grads


class BackwardHook:
    """The backward hooks of one call of a module.

    `setup_input_hook(args)` and `setup_output_hook(result)` return their argument with the identity around its tensors.
    """

    def __init__(self, module, user_hooks, user_pre_hooks):
        self.module, self.user_hooks, self.user_pre_hooks = module, user_hooks, user_pre_hooks
        self.grad_outputs = None
        self.input_places = self.output_places = None  # which arguments are tensors
        self.n_inputs = self.n_outputs = -1

    def setup_input_hook(self, args: tuple) -> tuple:
        args, self.input_places = _through_identity(args, self._inputs_arrived)
        self.n_inputs = len(args)
        return args

    def setup_output_hook(self, result):
        several = isinstance(result, tuple)
        outputs, self.output_places = _through_identity(result if several else (result,), self._outputs_arrived)
        self.n_outputs = len(outputs)
        return outputs if several else outputs[0]

    def _inputs_arrived(self, grad_inputs, _):
        """After the gradients of the inputs were computed: call the hooks, which may return others."""
        if self.grad_outputs is None:  # no output took part in this backward
            return None
        grads = _spread(grad_inputs, self.input_places, self.n_inputs)
        for hook in self.user_hooks:
            others = hook(self.module, grads, self.grad_outputs)
            if others is None:
                continue
            if len(others) != len(grads):
                raise RuntimeError(
                    f"Backward hook returned an invalid number of grad_input, got {len(others)}, but expected "
                    f"{len(grads)}"
                )
            grads = others
        self.grad_outputs = None
        return tuple([grads[place] for place in self.input_places])

    def _outputs_arrived(self, _, grad_outputs):
        """When the gradients of the outputs arrived: keep them, after the pre-hooks put others in their place."""
        grads = _spread(grad_outputs, self.output_places, self.n_outputs)
        for hook in self.user_pre_hooks:
            others = hook(self.module, grads)
            if others is None:
                continue
            if len(others) != len(grads):
                raise RuntimeError(
                    f"Backward pre hook returned an invalid number of grad_output, got {len(others)}, but expected "
                    f"{len(grads)}"
                )
            grads = others
        self.grad_outputs = grads
        if self.input_places is None:
            self._call_without_inputs(grads)
        return tuple([grads[place] for place in self.output_places])

    def _call_without_inputs(self, grad_outputs) -> None:
        """No input needs a gradient, so no node waits for them: the hooks are called now."""
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#"
            "torch.nn.Module.register_full_backward_hook for more details.",
            stacklevel=8,
        )
        for hook in self.user_hooks:
            others = hook(self.module, (None,) * self.n_inputs, grad_outputs)
            if others is not None and not (isinstance(others, tuple) and all(g is None for g in others)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for "
                    "all gradients."
                )
        self.grad_outputs = None


def _through_identity(values: tuple, hook) -> tuple:
    """The values with their tensors sent through the identity whose node calls `hook`, and the tensors' places.

    Without a tensor that requires grad there is nothing to hook, and the places are None.
    """
    places = [place for place, value in enumerate(values) if isinstance(value, Tensor)]
    tensors = [values[place] for place in places]
    if not GRAD.enabled or not any(tensor.requires_grad for tensor in tensors):
        return values, None
    passed = BackwardHookFunction.apply(*tensors)
    next(t.grad_fn for t in passed if t.grad_fn is not None).register_hook(hook)
    made = list(values)
    for place, tensor in zip(places, passed, strict=True):
        made[place] = tensor
    return (type(values)(*made) if hasattr(values, "_fields") else tuple(made)), places


def _spread(grads, places, count: int) -> tuple:
    """One gradient for each argument: None for those that are no tensors, and for outputs at the end without one."""
    made = [None] * count
    for place, grad in zip(places, grads, strict=False):
        made[place] = grad
    return tuple(made)
