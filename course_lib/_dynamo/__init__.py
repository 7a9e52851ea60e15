"""torch._dynamo: what programs ask the compiler's front end for. Nothing is compiled here: functions run as written.

Source: https://docs.pytorch.org/docs/stable/torch.compiler.html
"""

from __future__ import annotations

import types

from ..compiler import allow_in_graph, assume_constant_result, disable, is_compiling, list_backends, reset


class _Settings(types.SimpleNamespace):
    """`torch._dynamo.config`: any setting can be written, none has an effect; `patch` is a decorator and a context."""

    def patch(self, *args, **kwargs):
        from ..compiler import set_stance

        return set_stance()


config = _Settings(cache_size_limit=8, recompile_limit=8, suppress_errors=False, verbose=False)


class OptimizedModule:
    """The class of PyTorch's compiled modules: no module is an instance of it here."""


def graph_break(msg: str = "") -> None:
    """Accepted."""


def mark_dynamic(t, index=None, *args, **kwargs) -> None:
    """Accepted."""


mark_static = maybe_mark_dynamic = mark_unbacked = mark_static_address = mark_dynamic


def optimize(*args, **kwargs):
    """A decorator that gives the function itself."""
    return lambda function: function


def is_inductor_supported() -> bool:
    """False: there is no compiler."""
    return False


def run(fn=None):
    """`fn`, unchanged."""
    return optimize() if fn is None else fn


__all__ = ["OptimizedModule", "allow_in_graph", "assume_constant_result", "config", "disable", "graph_break",
           "is_compiling", "list_backends", "mark_dynamic", "mark_static", "maybe_mark_dynamic", "optimize", "reset",
           "run"]  # fmt: skip
