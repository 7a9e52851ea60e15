"""Calling a module that has hooks, and registering hooks: of one module, or of all (`register_module_…`).

The order of a call: forward pre-hooks (global ones first), forward, forward hooks. Around it lie the backward hooks
(_functions.py). A hook that returns something puts it in the place of what it was given.
"""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict

from ...autograd.node import RemovableHandle
from ...tensor import Tensor
from ._functions import BackwardHook

# key → (kind, hook, options): one table for all kinds, so that a call without hooks asks one question
GLOBAL_HOOKS: OrderedDict = OrderedDict()
_REGISTRATION_HOOKS: dict[str, OrderedDict] = {
    "parameter": OrderedDict(), "buffer": OrderedDict(), "module": OrderedDict()}  # fmt: skip
_full_global_backward: list = []  # True or False once a global backward hook was registered: all of one kind


class ModuleHandle(RemovableHandle):
    """The handle of a hook whose key is also in further tables, `marks`: those of the hooks that want more."""

    __slots__ = ("_marks",)

    def __init__(self, hooks: dict, hook, marks: tuple[dict, ...] = (), prepend: bool = False):
        super().__init__(hooks, hook)
        self._marks = marks
        for table in marks:
            table[self._key] = True
        if prepend:
            hooks.move_to_end(self._key, last=False)

    @property
    def id(self) -> int:
        """The key of the hook in its module's table."""
        return self._key

    def remove(self) -> None:
        super().remove()
        for table in self._marks:
            table.pop(self._key, None)


def run_registration_hooks(kind: str, module, name: str, value):
    """What the global hooks on registration make of a parameter, buffer or module."""
    for hook in _REGISTRATION_HOOKS[kind].values():
        other = hook(module, name, value)
        if other is not None:
            value = other
    return value


def _global(kind: str) -> list[tuple]:
    """(key, hook, options) of the global hooks of one kind."""
    return [(key, hook, options) for key, (of, hook, options) in GLOBAL_HOOKS.items() if of == kind]


class _Call:
    """How far a call with hooks has come, for what has to happen after an error."""

    __slots__ = ("args", "kwargs", "result", "hooks_done")

    def __init__(self, args: tuple, kwargs: dict):
        self.args, self.kwargs, self.result = args, kwargs, None
        self.hooks_done: set = set()


class Hooked:
    """The part of Module that calls and registers hooks."""

    # -- calling ------------------------------------------------------------------------------------------------

    def _call_with_hooks(self, args: tuple, kwargs: dict):
        """`forward` with everything around it."""
        call = _Call(args, kwargs)
        try:
            return self._forward_with_hooks(call)
        except Exception:
            self._call_after_error(call)
            raise

    def _forward_with_hooks(self, call: _Call):
        if self._forward_pre_hooks or GLOBAL_HOOKS:
            call.args, call.kwargs = self._run_pre_hooks(call.args, call.kwargs)
        args, kwargs = call.args, call.kwargs
        full, legacy, pre = (), (), ()
        if self._backward_hooks or self._backward_pre_hooks or GLOBAL_HOOKS:
            full, legacy, pre = self._hooks_of_backward()
        backward = BackwardHook(self, full, pre) if full or pre else None
        if backward is not None:
            args = backward.setup_input_hook(args)
        call.result = self.forward(*args, **kwargs)
        for key, hook, with_kwargs in self._forward_hooks_in_order():
            call.hooks_done.add(key)
            other = hook(self, args, kwargs, call.result) if with_kwargs else hook(self, args, call.result)
            if other is not None:
                call.result = other
        result = call.result
        if backward is not None:
            if not isinstance(result, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but "
                    f"received {type(result)}",
                    stacklevel=4,
                )
            result = backward.setup_output_hook(result)
        if legacy:
            _hang_legacy(self, legacy, call.args, result)
        return result

    def _run_pre_hooks(self, args: tuple, kwargs: dict) -> tuple:
        for _, hook, with_kwargs in (
            *_global("forward_pre"),
            *((key, hook, key in self._forward_pre_hooks_with_kwargs) for key, hook in self._forward_pre_hooks.items()),
        ):
            other = hook(self, args, kwargs) if with_kwargs else hook(self, args)
            if other is None:
                continue
            if not with_kwargs:
                args = other if isinstance(other, tuple) else (other,)
            elif isinstance(other, tuple) and len(other) == 2:
                args, kwargs = other
            else:
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {other}."
                )
        return args, kwargs

    def _forward_hooks_in_order(self):
        """(key, hook, with_kwargs) of the forward hooks, the global ones first."""
        with_kwargs = self._forward_hooks_with_kwargs
        ours = [(key, hook, key in with_kwargs) for key, hook in self._forward_hooks.items()]
        if not GLOBAL_HOOKS:
            return ours
        return [(key, hook, options.get("with_kwargs")) for key, hook, options in _global("forward")] + ours

    def _hooks_of_backward(self) -> tuple[list, list, list]:
        """The full backward hooks, the legacy ones and the pre-hooks, the global ones first."""
        ours = list(self._backward_hooks.values())
        everyones = [hook for _, hook, _ in _global("backward")]
        full_everywhere = bool(_full_global_backward and _full_global_backward[0])
        full = (everyones if full_everywhere else []) + (ours if self._is_full_backward_hook is True else [])
        legacy = ([] if full_everywhere else everyones) + (ours if self._is_full_backward_hook is False else [])
        pre = [*(hook for _, hook, _ in _global("backward_pre")), *self._backward_pre_hooks.values()]
        return full, legacy, pre

    def _call_after_error(self, call: _Call) -> None:
        """After an error, forward hooks with `always_call` that did not run yet run with the result so far, or None."""
        always = [("global ", key) for key, _, options in _global("forward") if options.get("always_call")]
        always += [("", key) for key in self._forward_hooks_always_called]
        by_key = {key: (hook, with_kwargs) for key, hook, with_kwargs in self._forward_hooks_in_order()}
        for whose, key in always:
            if key in call.hooks_done or key not in by_key:
                continue
            hook, with_kwargs = by_key[key]
            try:
                hook(self, call.args, *((call.kwargs,) if with_kwargs else ()), call.result)
            except Exception as error:
                warnings.warn(
                    f"{whose}module forward hook with ``always_call=True`` raised an exception that was silenced as "
                    f"another error was raised in forward: {error}",
                    stacklevel=4,
                )

    # -- registering --------------------------------------------------------------------------------------------

    def register_forward_pre_hook(self, hook, *, prepend: bool = False, with_kwargs: bool = False) -> RemovableHandle:
        """Call `hook(module, args)` before every forward; it may return other arguments.

        With `with_kwargs`, `hook(module, args, kwargs)` returns None or (args, kwargs). `prepend`: before the others.

        Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_forward_pre_hook
        """
        marks = (self._forward_pre_hooks_with_kwargs,) if with_kwargs else ()
        return ModuleHandle(self._forward_pre_hooks, hook, marks, prepend)

    def register_forward_hook(
        self, hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after every forward; it may return another output.

        With `with_kwargs`, `hook(module, args, kwargs, output)`. `always_call`: also after an error, with None.

        >>> import course_lib as torch
        >>> layer = torch.nn.Identity()
        >>> handle = layer.register_forward_hook(lambda module, args, output: output + 1)
        >>> layer(torch.zeros(2))
        tensor([1., 1.])
        >>> handle.remove()

        Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_forward_hook
        """
        marks = (self._forward_hooks_with_kwargs,) if with_kwargs else ()
        marks += (self._forward_hooks_always_called,) if always_call else ()
        return ModuleHandle(self._forward_hooks, hook, marks, prepend)

    def register_full_backward_pre_hook(self, hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the gradients of the output arrive; it may return others.

        Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_pre_hook
        """
        return ModuleHandle(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are there.

        It may return other gradients of the inputs. Both are tuples, with None where there is no gradient.

        Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook
        """
        if self._is_full_backward_hook is False:
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only "
                "one of them."
            )
        self._is_full_backward_hook = True
        return ModuleHandle(self._backward_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook) -> RemovableHandle:
        """Deprecated: hangs `hook(module, grad_input, grad_output)` on the last operation of forward alone."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only "
                "one of them."
            )
        self._is_full_backward_hook = False
        return ModuleHandle(self._backward_hooks, hook)


def _hang_legacy(module, hooks: list, args, result) -> None:
    """Hang legacy backward hooks on the node that made the (first) output."""
    tensor = result
    while not isinstance(tensor, Tensor):
        tensor = next(v for v in tensor.values() if isinstance(v, Tensor)) if isinstance(tensor, dict) else tensor[0]
    node = tensor.grad_fn
    if node is None:
        return
    for hook in hooks:
        node.register_hook(functools.partial(hook, module))
    _warn_of_legacy(args, result, node)


def _warn_of_legacy(args: tuple, result, node) -> None:
    """Say what a legacy backward hook will not see."""
    results = (result,) if isinstance(result, Tensor) else result
    if not (isinstance(results, tuple) and all(isinstance(r, Tensor) for r in results)):
        return _deprecated(
            "s on a Module that does not return a single Tensor or a tuple of Tensors", "of the grad_output"
        )
    if not all(isinstance(a, Tensor) for a in args):
        return _deprecated(
            "s on a Module that does not take as input a single Tensor or a tuple of Tensors", "of the grad_input"
        )
    makers = {r.grad_fn for r in results if r.grad_fn is not None}
    if makers == {node}:
        if {a.grad_fn for a in args if a.grad_fn is not None} != {before for before, _ in node.next_functions}:
            _deprecated(" when the forward contains multiple autograd Nodes", "grad_input")
    elif len(makers) > 1:
        _deprecated(" when outputs are generated by different autograd Nodes", "grad_output")
    else:
        _deprecated(" when outputs are nested in python data structure", "grad_output")


def _deprecated(use: str, missing: str) -> None:
    warnings.warn(
        f"Using {'a ' if use.startswith(' ') else ''}non-full backward hook{use} is deprecated and will be removed in "
        f"future versions. This hook will be missing some {missing}. Please use register_full_backward_hook to get the "
        "documented behavior.",
        FutureWarning,
        stacklevel=6,
    )


# ---- for all modules ---------------------------------------------------------------------------------------------


def register_module_forward_pre_hook(hook) -> RemovableHandle:
    """Call `hook(module, args)` before the forward of every module.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.modules.module.register_module_forward_pre_hook.html
    """
    return RemovableHandle(GLOBAL_HOOKS, ("forward_pre", hook, False))


def register_module_forward_hook(hook, *, with_kwargs: bool = False, always_call: bool = False) -> RemovableHandle:
    """Call `hook(module, args, output)` after the forward of every module.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.modules.module.register_module_forward_hook.html
    """
    return RemovableHandle(GLOBAL_HOOKS, ("forward", hook, {"with_kwargs": with_kwargs, "always_call": always_call}))


def register_module_full_backward_pre_hook(hook) -> RemovableHandle:
    """Call `hook(module, grad_output)` when the gradients of any module's output arrive."""
    return RemovableHandle(GLOBAL_HOOKS, ("backward_pre", hook, None))


def register_module_full_backward_hook(hook) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` when the gradients of any module's inputs are there.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.modules.module.register_module_full_backward_hook.html
    """
    return _register_global_backward(hook, full=True)


def register_module_backward_hook(hook) -> RemovableHandle:
    """Deprecated: like `Module.register_backward_hook`, for every module."""
    return _register_global_backward(hook, full=False)


def _register_global_backward(hook, full: bool) -> RemovableHandle:
    if _full_global_backward and _full_global_backward[0] is not full:
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module hook. Please use only "
            "one of them."
        )
    _full_global_backward[:] = [full]
    return RemovableHandle(GLOBAL_HOOKS, ("backward", hook, None))


def register_module_parameter_registration_hook(hook) -> RemovableHandle:
    """Call `hook(module, name, parameter)` whenever a parameter is registered; it may return another."""
    return RemovableHandle(_REGISTRATION_HOOKS["parameter"], hook)


def register_module_buffer_registration_hook(hook) -> RemovableHandle:
    """Call `hook(module, name, buffer)` whenever a buffer is registered; it may return another."""
    return RemovableHandle(_REGISTRATION_HOOKS["buffer"], hook)


def register_module_module_registration_hook(hook) -> RemovableHandle:
    """Call `hook(module, name, submodule)` whenever a module is registered; it may return another."""
    return RemovableHandle(_REGISTRATION_HOOKS["module"], hook)
