"""torch.nn.grad: the gradients of a convolution by its input or its weight, as functions."""

from __future__ import annotations

from ..autograd import grad as gradient
from ..autograd.grad_mode import enable_grad
from ..ops import FUNCTIONS


def _pair(name: str):
    """The two functions of one convolution: by its input, and by its weight."""
    convolution = FUNCTIONS["nn.functional"][name]

    def by_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
        input = grad_output.new_zeros(tuple(input_size)).requires_grad_()
        return _pulled(convolution, input, weight.detach(), input, grad_output, (stride, padding, dilation, groups))

    def by_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
        weight = grad_output.new_zeros(tuple(weight_size)).requires_grad_()
        return _pulled(convolution, input.detach(), weight, weight, grad_output, (stride, padding, dilation, groups))

    for function, of, size in ((by_input, "input", "input_size"), (by_weight, "weight", "weight_size")):
        function.__name__ = function.__qualname__ = f"{name}_{of}"
        function.__doc__ = f"""The gradient of `{name}` by its {of} of shape `{size}`, given that of its output.

        Source: https://docs.pytorch.org/docs/stable/nn.html
        """
    return by_input, by_weight


def _pulled(convolution, input, weight, of, grad_output, settings):
    with enable_grad():
        output = convolution(input, weight, None, *settings)
    return gradient(output, of, grad_output.detach())[0]


conv1d_input, conv1d_weight = _pair("conv1d")
conv2d_input, conv2d_weight = _pair("conv2d")
conv3d_input, conv3d_weight = _pair("conv3d")

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]
