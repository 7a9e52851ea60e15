"""Linear maps of features: Linear, Bilinear, and Identity, which changes nothing.

A weight is drawn from U(-1/sqrt(n), 1/sqrt(n)) for n input features, so that outputs begin about as large as inputs.
"""

from __future__ import annotations

import math

from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter
from .lazy import LazyModuleMixin
from .module import Module
from .utils import new_parameter


class Identity(Module):
    """Identity(*args, **kwargs): gives its input back, whatever it was made with. It takes the place of a layer.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Identity.html
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """Linear(in_features, out_features, bias=True): `y = x Wᵀ + b`, applied to the last dimension.

    Input (…, in_features), result (…, out_features); weight (out_features, in_features), bias (out_features,) or None.

    >>> import course_lib as torch
    >>> layer = torch.nn.Linear(3, 2)
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    >>> layer(torch.ones(5, 3)).shape
    torch.Size([5, 2])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html
    """

    __constants__ = ["in_features", "out_features"]

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device=None, dtype=None) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self._make_parameters(bias, device, dtype)

    def _make_parameters(self, bias: bool, device, dtype) -> None:
        self.weight = new_parameter((self.out_features, self.in_features), device, dtype)
        self.register_parameter("bias", new_parameter(self.out_features, device, dtype, bias))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # this slope makes the bound 1 / sqrt(in_features)
        if self.bias is not None:
            draw_bias(self.bias, self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


def draw_bias(bias: Parameter, weight: Parameter) -> None:
    """U(-1/sqrt(n), 1/sqrt(n)), n being the number of inputs that one output of `weight` adds up."""
    inputs, _ = init._calculate_fan_in_and_fan_out(weight)
    bound = 1 / math.sqrt(inputs) if inputs > 0 else 0
    init.uniform_(bias, -bound, bound)


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear that PyTorch's quantisation leaves alone; here it is only another name, in MultiheadAttention."""


class Bilinear(Module):
    """Bilinear(in1_features, in2_features, out_features, bias=True): `y[k] = x1ᵀ W[k] x2 + b[k]`.

    Inputs (…, in1_features) and (…, in2_features), result (…, out_features). ValueError where in1_features is not
    positive.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Bilinear.html
    """

    __constants__ = ["in1_features", "in2_features", "out_features"]

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device=None, dtype=None
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got (in1_features={in1_features})")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = new_parameter((out_features, in1_features, in2_features), device, dtype)
        self.register_parameter("bias", new_parameter(out_features, device, dtype, bias))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        bound = 1 / math.sqrt(self.weight.size(1))
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class LazyLinear(LazyModuleMixin, Linear):
    """LazyLinear(out_features, bias=True): a Linear that learns in_features from its first input.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LazyLinear.html
    """

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device=None, dtype=None) -> None:
        super().__init__(0, out_features, bias, device=device, dtype=dtype)

    def _make_parameters(self, bias: bool, device, dtype) -> None:
        self.weight = new_parameter(None, device, dtype)
        self.register_parameter("bias", new_parameter(None, device, dtype, bias))

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Give the parameters the shapes that fit this input, and draw them."""
        if self.has_uninitialized_params():
            self.in_features = input.shape[-1]
            self.weight.materialize((self.out_features, self.in_features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()
        elif self.in_features == 0:  # a state dict gave them their shapes
            if input.shape[-1] != self.weight.shape[-1]:
                raise AssertionError(
                    f"The in_features inferred from input: {input.shape[-1]} is not equal to in_features from "
                    f"self.weight: {self.weight.shape[-1]}"
                )
            self.in_features = input.shape[-1]
