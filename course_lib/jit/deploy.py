"""Preparing a program for use: `freeze`, `optimize_for_inference`, and the spellings of work done at the same time."""

from __future__ import annotations

import contextlib
import copy

from ..nn.modules.module import Module
from .modules import ScriptModule


def freeze(mod, preserved_attrs=None, optimize_numerics: bool = True):
    """freeze(mod) -> ScriptModule: a copy for inference, whose weights need no gradients.

    RuntimeError for a module in training mode. `preserved_attrs`, `optimize_numerics` are accepted: nothing is dropped.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.jit.freeze.html
    """
    if not isinstance(mod, ScriptModule):
        raise RuntimeError(
            "Freezing expects a ScriptModule as input. Please use torch.jit.script or torch.jit.trace to script your "
            "'nn.Module'."
        )
    if mod.training:
        raise RuntimeError(
            "Freezing is currently only implemented for modules in eval mode. Please call .eval() on your module "
            "before freezing."
        )
    return copy.deepcopy(mod).requires_grad_(False)


def optimize_for_inference(mod, other_methods=None):
    """optimize_for_inference(mod) -> ScriptModule: the frozen module; there is nothing else to optimize.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.jit.optimize_for_inference.html
    """
    return freeze(mod.eval()) if isinstance(mod, Module) else mod


@contextlib.contextmanager
def optimized_execution(should_optimize: bool):
    """Accepted; programs run in one way."""
    yield


def fork(func, *args, **kwargs):
    """Run `func` now; `wait` gives what it returned."""
    return _Done(func(*args, **kwargs))


def wait(future):
    """The result of `fork`."""
    return future.value()


class _Done:
    def __init__(self, value):
        self._value = value

    def value(self):
        return self._value

    wait = value
