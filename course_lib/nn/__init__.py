"""torch.nn: neural networks. Layers lie in modules/, what they compute in functional.py, initial weights in init.py."""

from __future__ import annotations

from . import attention, functional, grad, init, modules, parallel, parameter, utils
from .parallel import DataParallel
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

globals().update({name: getattr(modules, name) for name in modules.__all__})  # torch.nn.Linear, …


def factory_kwargs(kwargs: dict | None) -> dict:
    """What of a layer's keyword arguments says how to make its tensors: `device`, `dtype`, `memory_format`.

    They may also come together in a dictionary `factory_kwargs`. TypeError for any other name, or one given twice.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.factory_kwargs.html
    """
    if kwargs is None:
        return {}
    names = {"device", "dtype", "memory_format"}
    unexpected = kwargs.keys() - names - {"factory_kwargs"}
    if unexpected:
        raise TypeError(f"unexpected kwargs {unexpected}")
    made = dict(kwargs.get("factory_kwargs", {}))
    for name in names & kwargs.keys():
        if name in made:
            raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
        made[name] = kwargs[name]
    return made


__all__ = [
    "Buffer",
    "DataParallel",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "attention",
    "factory_kwargs",
    "functional",
    "grad",
    "init",
    "modules",
    "parallel",
    "parameter",
    "utils",
    *modules.__all__,
]
