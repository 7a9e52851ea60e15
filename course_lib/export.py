"""torch.export: a module as a traced graph with its weights, under PyTorch's newer names.

`export` traces as `torch.jit.trace` does, with sizes kept open, and gives an `ExportedProgram`; `save` and `load` use
the file format of `torch.jit`. `Dim` names dimensions that may change, for `dynamic_shapes` here and in `onnx.export`.
"""

from __future__ import annotations

import enum

from .jit import archive
from .jit.trace import trace
from .nn.modules.module import Module


class _Hint(enum.Enum):
    """Dimensions without a name: AUTO and DYNAMIC may change, STATIC may not."""

    AUTO = 0
    DYNAMIC = 1
    STATIC = 2


class Dim:
    """Dim(name, *, min=None, max=None): the name of a dimension that may change.

    Source: https://docs.pytorch.org/docs/stable/export.html
    """

    AUTO, DYNAMIC, STATIC = _Hint.AUTO, _Hint.DYNAMIC, _Hint.STATIC

    def __init__(self, name: str, *, min: int | None = None, max: int | None = None):
        assert name.isidentifier(), f"Dim name must be a valid identifier, got {name}"
        self.__name__, self.min, self.max = name, min, max

    def __repr__(self) -> str:
        return f"Dim('{self.__name__}')"


class ExportedProgram:
    """What `export` gives: `module()` runs it, `graph` shows it, `state_dict` holds its weights.

    Source: https://docs.pytorch.org/docs/stable/export.html
    """

    def __init__(self, traced: Module):
        self._traced = traced

    def module(self) -> Module:
        """The program as a module."""
        return self._traced

    @property
    def graph(self):
        return self._traced.graph

    @property
    def state_dict(self):
        return self._traced.state_dict()

    def __str__(self) -> str:
        return f"ExportedProgram:\n{self._traced.code}"


def export(mod: Module, args: tuple, kwargs=None, *, dynamic_shapes=None, strict: bool = False, **accepted):
    """export(mod, args, kwargs=None, *, dynamic_shapes=None, strict=False) -> ExportedProgram

    The operations that `mod` performs on these example inputs, as a program. All sizes that come from inputs stay open,
    whether `dynamic_shapes` names them or not. ValueError for what is no Module.

    >>> import course_lib as torch
    >>> program = torch.export.export(torch.nn.Linear(2, 1), (torch.ones(3, 2),))
    >>> program.module()(torch.ones(5, 2)).shape
    torch.Size([5, 1])

    Source: https://docs.pytorch.org/docs/stable/export.html
    """
    if not isinstance(mod, Module):
        raise ValueError(f"Expected `mod` to be an instance of `torch.nn.Module`, got {type(mod)}.")
    if kwargs and args:
        raise NotImplementedError("export takes example inputs either by position or by name, not both")
    traced = trace(mod, tuple(args) if args else None, example_kwarg_inputs=kwargs, strict=False, check_trace=False)
    return ExportedProgram(traced)


def save(ep: ExportedProgram, f, *, extra_files=None, **accepted) -> None:
    """Write an exported program into a file; `load` reads it."""
    archive.save(ep.module(), f, extra_files)


def load(f, *, extra_files=None, **accepted) -> ExportedProgram:
    """The exported program in a file that `save` wrote; RuntimeError for any other file."""
    return ExportedProgram(archive.load(f, _extra_files=extra_files))


__all__ = ["Dim", "ExportedProgram", "export", "load", "save"]
