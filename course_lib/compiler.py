"""torch.compile and torch.compiler: accepted, and the identity.

Functions run as they are written: there is no compiler here, and a program that asks for one gives the same numbers.
PyTorch wraps a compiled module and puts `_orig_mod.` in front of its state-dict keys; here the module stays itself.
"""

from __future__ import annotations

import contextlib


def compile(model=None, *, fullgraph=False, dynamic=None, backend=None, mode=None, options=None, name=None,
            disable=False, recompile_limit=None, isolate_recompiles=False, shapes_spec=None):  # fmt: skip
    """compile(model) -> model, unchanged; also a decorator, with or without arguments.

    All arguments are accepted and have no effect. RuntimeError where both `mode` and `options` are given.

    >>> import course_lib as torch
    >>> @torch.compile(mode="max-autotune")
    ... def double(x):
    ...     return x * 2
    >>> double(torch.ones(2))
    tensor([2., 2.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.compile.html
    """
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    return (lambda decorated: decorated) if model is None else model


def disable(fn=None, recursive=True, *, reason=None):
    """Decorator: the function is not compiled, as nothing is."""
    return (lambda decorated: decorated) if fn is None else fn


def allow_in_graph(fn):
    """Accepted; returns `fn`."""
    return fn


assume_constant_result = allow_in_graph


def is_compiling() -> bool:
    """False: nothing is ever compiled."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def list_backends(exclude_tags=("debug", "experimental")) -> list[str]:
    """The compilers there are: none."""
    return []


def reset() -> None:
    """Accepted; there is nothing to forget."""


cudagraph_mark_step_begin = reset


def set_stance(stance: str = "default", *, skip_guard_eval_unsafe=False, force_backend=None):
    """Accepted, as a function and as a context manager."""
    return contextlib.nullcontext()


__all__ = ["allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable",
           "is_compiling", "is_dynamo_compiling", "is_exporting", "list_backends", "reset", "set_stance"]  # fmt: skip
