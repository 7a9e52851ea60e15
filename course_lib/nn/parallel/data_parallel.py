"""DataParallel: a wrapper that in PyTorch splits a batch over several GPUs; here the module runs where it is."""

from __future__ import annotations

from ..modules.module import Module


class DataParallel(Module):
    """A module around `module`, as PyTorch's on a machine without a GPU: it calls the module with all that it is given.

    The wrapped module is `.module`, so its parameters' names begin with "module." in a state dict. `device_ids`,
    `output_device` and `dim` are accepted.

    >>> import course_lib as torch
    >>> list(torch.nn.DataParallel(torch.nn.Linear(2, 3)).state_dict())
    ['module.weight', 'module.bias']

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.DataParallel.html
    """

    def __init__(self, module: Module, device_ids=None, output_device=None, dim: int = 0):
        super().__init__()
        self.module = module
        self.device_ids: list = []

    def forward(self, *inputs, **kwargs):
        return self.module(*inputs, **kwargs)


def data_parallel(module: Module, inputs, device_ids=None, output_device=None, dim: int = 0, module_kwargs=None):
    """The module called with one input or a tuple of them, as DataParallel does.

    Source: https://docs.pytorch.org/docs/stable/nn.functional.html#torch.nn.parallel.data_parallel
    """
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*inputs, **(module_kwargs or {}))
