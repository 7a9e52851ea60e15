"""All parameters of a model as one vector, and back."""

from __future__ import annotations

from ...ops import FUNCTIONS
from ...tensor import Tensor


def parameters_to_vector(parameters) -> Tensor:
    """All elements of the parameters, one after the other, in one vector; differentiable.

    TypeError where they lie on different devices.

    >>> import course_lib as torch
    >>> torch.nn.utils.parameters_to_vector([torch.ones(1, 2), torch.zeros(1)])
    tensor([1., 1., 0.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parameters_to_vector.html
    """
    parameters = list(parameters)
    _check_one_device(parameters)
    return FUNCTIONS["torch"]["cat"]([param.view(-1) for param in parameters])


def vector_to_parameters(vec: Tensor, parameters) -> None:
    """Make the parameters look into a vector, one after the other, as `parameters_to_vector` laid them out.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.vector_to_parameters.html
    """
    from ...settings import typename

    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    parameters = list(parameters)
    _check_one_device(parameters)
    start = 0
    for param in parameters:
        count = param.numel()
        param.data = vec[start : start + count].view_as(param).data
        start += count


def _check_one_device(parameters: list) -> None:
    if any(param.device != parameters[0].device for param in parameters):
        raise TypeError("Found two parameters on different devices, this is currently not supported.")


__all__ = ["parameters_to_vector", "vector_to_parameters"]
