"""torch.overrides: seeing and answering calls of torch functions, by classes (`__torch_function__`) and by modes.

Source: https://docs.pytorch.org/docs/stable/torch.overrides.html
"""

from __future__ import annotations

import functools

from . import _dispatch
from ._dispatch import STATE, WITHOUT_CLASSES, answer, answers, as_class, claimants, install, name_of, off
from .ops import FUNCTIONS
from .tensor import Tensor

install()


def compute_as(cls, func, types, args, kwargs):
    """`func` on plain tensors, the results of class `cls`; NotImplemented with classes that are none of its bases."""
    if not all(issubclass(cls, kind) for kind in types):
        return NotImplemented
    with off():
        made = func(*args, **(kwargs or {}))
    return made if func in get_default_nowrap_functions() else as_class(made, cls)


def get_default_nowrap_functions() -> set:
    """The functions whose results keep their class: a gradient is a plain tensor."""
    return {Tensor.grad.__get__, Tensor._base.__get__}


def has_torch_function(relevant_args) -> bool:
    """Whether one of these arguments has a class that answers calls itself, or a mode is entered."""
    return not STATE.off and bool(STATE.modes or claimants(relevant_args))


def has_torch_function_unary(arg) -> bool:
    """`has_torch_function` for one argument."""
    return has_torch_function((arg,))


def has_torch_function_variadic(*args) -> bool:
    """`has_torch_function` for these arguments."""
    return has_torch_function(args)


def handle_torch_function(public_api, relevant_args, *args, **kwargs):
    """Let modes and the classes of `relevant_args` answer the call `public_api(*args, **kwargs)`.

    TypeError if none of them knows an answer.
    """
    return answer(public_api, claimants(relevant_args), args, kwargs)


def wrap_torch_function(dispatcher):
    """Decorate a function of your own so that classes can answer it: `dispatcher(…)` gives the arguments to ask.

    >>> import course_lib as torch
    >>> @torch.overrides.wrap_torch_function(lambda x: (x,))
    ... def double(x):
    ...     return x * 2
    >>> double(torch.ones(2))
    tensor([2., 2.])
    """

    def decorate(made):
        @functools.wraps(made)
        def call(*args, **kwargs):
            asked = dispatcher(*args, **kwargs)
            if has_torch_function(asked):
                return handle_torch_function(call, asked, *args, **kwargs)
            return made(*args, **kwargs)

        return call

    return decorate


def is_tensor_like(inp) -> bool:
    """Whether it is a tensor, or of a class that answers torch functions."""
    return isinstance(inp, Tensor) or answers(type(inp))


def is_tensor_method_or_property(func) -> bool:
    """Whether it is a method of Tensor or the `__get__` of a property."""
    return name_of(func).startswith("torch.Tensor.") or getattr(func, "__name__", "") == "__get__"


def resolve_name(f) -> str | None:
    """The name by which a function is public, "torch.Tensor.add"; None for one that cannot be overridden."""
    if isinstance(f, str):
        return f
    name = getattr(f, "full_name", None)
    if name is None and isinstance(getattr(f, "__self__", None), property):
        name = getattr(f.__self__.fget, "full_name", None)
    return name


@functools.cache
def get_ignored_functions() -> set:
    """The functions that never ask the classes of their arguments."""
    return {FUNCTIONS["torch"][name] for name in WITHOUT_CLASSES if name in FUNCTIONS["torch"]}


@functools.cache
def get_overridable_functions() -> dict:
    """The functions that classes can answer, by the namespace in which they are found."""
    import course_lib

    found = {}
    for namespace, functions in FUNCTIONS.items():
        place = course_lib
        for part in () if namespace == "torch" else namespace.split("."):
            place = getattr(place, part)
        found[place] = [made for name, made in functions.items() if name not in WITHOUT_CLASSES]
    found[Tensor] = [member for member in vars(Tensor).values() if hasattr(member, "full_name")]
    return found


class TorchFunctionMode:
    """A context in which every call of a torch function goes to `__torch_function__(self, func, types, args, kwargs)`.

    Inside that method the mode is left, so that it may call torch functions itself.

    >>> import course_lib as torch
    >>> class Names(torch.overrides.TorchFunctionMode):
    ...     def __torch_function__(self, func, types, args=(), kwargs=None):
    ...         print(func.__name__)
    ...         return func(*args, **(kwargs or {}))
    >>> with Names():
    ...     _ = torch.ones(2).sum()
    ones
    sum

    Source: https://docs.pytorch.org/docs/stable/torch.overrides.html
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise NotImplementedError

    def __enter__(self):
        STATE.modes += (self,)
        return self

    def __exit__(self, *exception) -> None:
        STATE.modes = STATE.modes[:-1]

    @classmethod
    def push(cls, *args, **kwargs):
        """A new mode, to be entered."""
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that lets every call pass."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def enable_reentrant_dispatch():
    """Inside a `__torch_function__`: let the classes of tensors answer calls again."""
    return _dispatch.on()


__all__ = ["BaseTorchFunctionMode", "TorchFunctionMode", "enable_reentrant_dispatch", "get_default_nowrap_functions",
           "get_ignored_functions", "get_overridable_functions", "handle_torch_function", "has_torch_function",
           "is_tensor_like", "is_tensor_method_or_property", "resolve_name", "wrap_torch_function"]  # fmt: skip
