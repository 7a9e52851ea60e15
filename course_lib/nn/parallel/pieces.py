"""The steps of DataParallel as functions: a batch cut into pieces, copies of a module, their results joined again.

Each device gets one piece. The devices may all be the CPU, so that the steps can be seen without a GPU; the copies
then work one after the other.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from ...ops import FUNCTIONS
from ...tensor import Tensor

cat = FUNCTIONS["torch"]["cat"]


def scatter(inputs, target_gpus: Sequence, dim: int = 0):
    """scatter(inputs, target_gpus, dim=0): one piece of `inputs` for each device.

    Tensors are cut along `dim`; tuples, lists and dictionaries keep their form; anything else goes to every device.

    >>> import course_lib as torch
    >>> [piece.shape for piece in torch.nn.parallel.scatter(torch.zeros(5, 2), ["cpu", "cpu"])]
    [torch.Size([3, 2]), torch.Size([2, 2])]
    """
    if isinstance(inputs, Tensor):
        pieces = inputs.chunk(len(target_gpus), dim)
        return tuple([piece.to(device) for piece, device in zip(pieces, target_gpus, strict=False)])
    if isinstance(inputs, dict):
        rows = zip(*[scatter(value, target_gpus, dim) for value in inputs.values()], strict=False)
        return [type(inputs)(zip(inputs, row, strict=True)) for row in rows] if inputs else [{} for _ in target_gpus]
    if isinstance(inputs, (tuple, list)) and inputs:
        rows = zip(*[scatter(value, target_gpus, dim) for value in inputs], strict=False)
        return [_as(inputs, row) for row in rows]
    return [inputs for _ in target_gpus]


def gather(outputs: Sequence, target_device, dim: int = 0):
    """gather(outputs, target_device, dim=0): the devices' results as one, on `target_device`.

    Tensors are joined along `dim` (those without dimensions become a vector), tuples and dictionaries entry by entry.

    >>> import course_lib as torch
    >>> torch.nn.parallel.gather([torch.zeros(3, 2), torch.zeros(2, 2)], "cpu").shape
    torch.Size([5, 2])
    """
    first = outputs[0]
    if isinstance(first, Tensor):
        return cat([(out if out.ndim else out.reshape(1)).to(target_device) for out in outputs], dim)
    if first is None:
        return None
    if isinstance(first, dict):
        if any(len(out) != len(first) for out in outputs):
            raise ValueError("All dicts must have the same number of keys")
        return type(first)((key, gather([out[key] for out in outputs], target_device, dim)) for key in first)
    return _as(first, [gather(row, target_device, dim) for row in zip(*outputs, strict=True)])


def _as(like, values):
    """The values as a tuple, a list or a named tuple, as `like` is."""
    return type(like)(*values) if hasattr(like, "_fields") else type(like)(values)


def replicate(network, devices: Sequence, detach: bool = False) -> list:
    """replicate(network, devices, detach=False) -> list: a copy of a module for each device.

    The copies' parameters are computed from the module's, so that their gradients reach it, unless `detach`.
    """
    return [_replica(network, device, detach, {}) for device in devices]


def _replica(module, device, detach: bool, made: dict):
    """A copy of a module and of those in it; a module or tensor that stands in two places is copied once."""
    if id(module) in made:
        return made[id(module)]
    replica = made[id(module)] = copy.copy(module)
    replica.__dict__ = module.__dict__.copy()
    replica._parameters, replica._buffers = {}, {}
    for name, tensor in (*module._parameters.items(), *module._buffers.items()):
        if tensor is not None and id(tensor) not in made:
            made[id(tensor)] = (tensor.detach() if detach else tensor.view_as(tensor)).to(device)
        copied = None if tensor is None else made[id(tensor)]
        if name in module._buffers:
            replica._buffers[name] = copied
        else:
            setattr(replica, name, copied)
    replica._modules = {
        name: None if child is None else _replica(child, device, detach, made)
        for name, child in module._modules.items()
    }
    return replica


def parallel_apply(modules: Sequence, inputs: Sequence, kwargs_tup: Sequence | None = None, devices=None) -> list:
    """parallel_apply(modules, inputs, kwargs_tup=None, devices=None) -> list: each module called with its own inputs.

    An entry of `inputs` is a tuple of arguments, a list of them, or the single argument.
    """
    if len(modules) != len(inputs):
        raise AssertionError(f"The number of modules {len(modules)} is not equal to the number of inputs {len(inputs)}")
    named = kwargs_tup or [{}] * len(modules)
    given = [value if isinstance(value, (tuple, list)) else (value,) for value in inputs]
    return [module(*args, **more) for module, args, more in zip(modules, given, named, strict=True)]


__all__ = ["gather", "parallel_apply", "replicate", "scatter"]
