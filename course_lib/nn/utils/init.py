"""skip_init: a module without the work of giving its parameters their first values."""

from __future__ import annotations

import inspect

from ...random import default_generator


def skip_init(module_cls, *args, **kwargs):
    """A `module_cls(*args, **kwargs)` whose parameters and buffers are uninitialised; it draws no random number.

    RuntimeError for a class without the argument `device`.

    >>> import course_lib as torch
    >>> torch.nn.utils.skip_init(torch.nn.Linear, 2, 3).weight.shape
    torch.Size([3, 2])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.skip_init.html
    """
    from ..modules.module import Module

    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    parameters = inspect.signature(module_cls).parameters
    if "device" not in parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = default_generator.get_state()
    try:
        module = module_cls(*args, **kwargs)
    finally:
        default_generator.set_state(state)
    return module.to_empty(device=kwargs.get("device") or "cpu")


__all__ = ["skip_init"]
