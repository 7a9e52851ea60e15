"""Weight normalization with a hook, the older spelling: before each forward the weight is computed from two parameters.

w = g · v / ‖v‖ (Salimans & Kingma, 2016): `name_g` holds the lengths, `name_v` the directions.
"""

from __future__ import annotations

import warnings

from ...ops import FUNCTIONS
from ..parameter import Parameter, UninitializedParameter

_norm_except_dim = FUNCTIONS["torch"]["norm_except_dim"]


def scaled_directions(v, g, dim: int):
    """g · v / ‖v‖, with one norm for each index along `dim` (-1: one for all)."""
    return v * (g / _norm_except_dim(v, 2, dim))


class WeightNorm:
    """The hook on a module's forward that computes its parameter `name`."""

    def __init__(self, name: str, dim: int | None):
        self.name, self.dim = name, -1 if dim is None else dim

    def compute_weight(self, module):
        return scaled_directions(getattr(module, self.name + "_v"), getattr(module, self.name + "_g"), self.dim)

    @staticmethod
    def apply(module, name: str, dim: int | None) -> WeightNorm:
        warnings.warn(
            "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
            FutureWarning,
            stacklevel=3,
        )
        if _find(module, name) is not None:
            raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
        hook = WeightNorm(name, dim)
        weight = getattr(module, name)
        if isinstance(weight, UninitializedParameter):
            raise ValueError(
                "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to run the dummy "
                "forward before applying weight normalization"
            )
        del module._parameters[name]
        module.register_parameter(name + "_g", Parameter(_norm_except_dim(weight, 2, hook.dim).data))
        module.register_parameter(name + "_v", Parameter(weight.data))
        setattr(module, name, hook.compute_weight(module))
        module.register_forward_pre_hook(hook)
        return hook

    def remove(self, module) -> None:
        weight = self.compute_weight(module)
        delattr(module, self.name)
        del module._parameters[self.name + "_g"], module._parameters[self.name + "_v"]
        setattr(module, self.name, Parameter(weight.data))

    def __call__(self, module, inputs) -> None:
        setattr(module, self.name, self.compute_weight(module))


def _find(module, name: str):
    """The key of the hook of this parameter, None where there is none."""
    hooks = module._forward_pre_hooks.items()
    return next((key for key, hook in hooks if isinstance(hook, WeightNorm) and hook.name == name), None)


def weight_norm(module, name: str = "weight", dim: int | None = 0):
    """Compute the parameter `name` before each forward as g · v / ‖v‖; returns the module. Deprecated.

    `dim`: along which each slice has a length of its own; None: one length for all. RuntimeError if it has one.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.weight_norm.html
    """
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module, name: str = "weight"):
    """Make the weight that `weight_norm` computes an ordinary parameter again; returns the module.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.remove_weight_norm.html
    """
    key = _find(module, name)
    if key is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    module._forward_pre_hooks.pop(key).remove(module)
    return module


__all__ = ["remove_weight_norm", "weight_norm"]
