"""Module: the base class of every layer and model.

A module keeps its parameters, buffers and child modules in three dictionaries, `_parameters`, `_buffers` and
`_modules`: assigning one to an attribute files it there, and reading the attribute finds it there. Everything that
concerns the whole tree walks these dictionaries. The parts: _tree.py (walking and naming), _hooks.py (calls and their
hooks), _state_dict.py (saving and loading), _conversion.py (`to`, `half`, …).
"""

from __future__ import annotations

from collections import OrderedDict

from ...tensor import Tensor
from ..parameter import Buffer, Parameter
from ._conversion import Conversion
from ._hooks import (
    GLOBAL_HOOKS,
    Hooked,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
    run_registration_hooks,
)
from ._state_dict import _EXTRA_STATE_KEY_SUFFIX, StateDict, _WrappedHook  # noqa: F401  others look for them here
from ._tree import Tree

_HOOK_TABLES = (
    "_backward_pre_hooks",
    "_backward_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)  # each an OrderedDict: handle's key → hook (or a flag of the hook with that key)


class Module(Tree, Hooked, StateDict, Conversion):
    """The base class of layers and models: a tree of modules with parameters, and a `forward` that you write.

    Parameters, buffers and modules assigned to attributes are registered by themselves; call the module, not
    `forward`, so that hooks run.

    >>> import course_lib as torch
    >>> class Line(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = torch.nn.Parameter(torch.tensor(2.))
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> Line()(torch.tensor([1., 3.]))
    tensor([2., 6.], grad_fn=<MulBackward0>)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
    """

    _version = 1
    dump_patches = False
    call_super_init = False
    training: bool
    _is_full_backward_hook: bool | None
    _compiled_call_impl = None

    def __init__(self, *args, **kwargs):
        if not self.call_super_init:
            _refuse_arguments(self, args, kwargs)
        own = self.__dict__  # straight into it: __setattr__ would look for each name in the tables
        own["training"] = True
        own["_parameters"] = {}
        own["_buffers"] = {}
        own["_non_persistent_buffers_set"] = set()
        own["_is_full_backward_hook"] = None
        for name in _HOOK_TABLES:
            own[name] = OrderedDict()
        own["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *input):
        """What the module computes; every subclass writes its own."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args, **kwargs):
        own = self.__dict__
        if (own["_forward_hooks"] or own["_forward_pre_hooks"] or own["_backward_hooks"] or own["_backward_pre_hooks"]
                or GLOBAL_HOOKS):  # fmt: skip
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    # -- registration -------------------------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Make `param` (or None, to reserve the name) the parameter `name` of this module.

        TypeError for what is no Parameter, KeyError for a name that is taken, empty or has a dot, ValueError for a
        tensor with a history.

        Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_parameter
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        _check_name(self, "parameter", name, self._parameters)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{_type_name(param)}' object to parameter '{name}' (torch.nn.Parameter or None "
                    "required)"
                )
            if param.grad_fn:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    "explicitly. To express "
                    f"'{name}' as a function of another Tensor, compute the value in the forward() method."
                )
            param = run_registration_hooks("parameter", self, name, param)
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Make `tensor` (or None) the buffer `name`: state that is not learned; in `state_dict` if `persistent`.

        Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_buffer
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        _check_name(self, "buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_type_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = run_registration_hooks("buffer", self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Make `module` (or None) the child `name` of this module.

        Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.add_module
        """
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{_type_name(module)} is not a Module subclass")
        _check_name(self, "module", name, self._modules)
        self._modules[name] = run_registration_hooks("module", self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """`add_module` by its other name."""
        self.add_module(name, module)

    # -- attributes ---------------------------------------------------------------------------------------------

    def __getattr__(self, name: str):
        own = self.__dict__
        if "_modules" in own:  # __init__ makes it last
            if name in (table := own["_parameters"]):
                return table[name]
            if name in (table := own["_buffers"]):
                return table[name]
            if name in (table := own["_modules"]):
                return table[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value) -> None:
        own = self.__dict__
        is_tensor = isinstance(value, Tensor)  # asked first: whether it is a Parameter or Buffer is a longer question
        if is_tensor and isinstance(value, Parameter):
            if "_parameters" not in own:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            _forget(self, name, ("__dict__", "_buffers", "_modules"))
            self.register_parameter(name, value)
        elif name in own.get("_parameters", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, value)
        elif not is_tensor and isinstance(value, Module):
            if "_modules" not in own:
                raise AttributeError("cannot assign module before Module.__init__() call")
            _forget(self, name, ("__dict__", "_parameters", "_buffers"))
            self._modules[name] = run_registration_hooks("module", self, name, value)
        elif name in own.get("_modules", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            self._modules[name] = run_registration_hooks("module", self, name, value)
        elif name in own.get("_buffers", ()):
            if value is not None and not is_tensor:
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None "
                    "expected)"
                )
            if is_tensor and isinstance(value, Buffer):
                self.register_buffer(name, value, value.persistent)
            else:
                self._buffers[name] = run_registration_hooks("buffer", self, name, value)
        elif is_tensor and isinstance(value, Buffer):
            if "_buffers" not in own:
                raise AttributeError("cannot assign buffer before Module.__init__() call")
            self.register_buffer(name, value, value.persistent)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        for table in (self._parameters, self._buffers, self._modules):
            if name in table:
                del table[name]
                if table is self._buffers:
                    self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted({name for name in names if not name[:1].isdigit()})

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        for name in _HOOK_TABLES:  # what an older pickle does not have
            self.__dict__.setdefault(name, OrderedDict())
        self.__dict__.setdefault("_non_persistent_buffers_set", set())
        self.__dict__.setdefault("_is_full_backward_hook", None)

    # -- training -----------------------------------------------------------------------------------------------

    def train(self, mode: bool = True):
        """Put this module and all below it into training mode (or out of it); returns the module.

        Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.train
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """`train(False)`: dropout passes everything on, batch norm uses its running statistics."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True):
        """Ask (or stop asking) for gradients of all parameters; returns the module."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros where `set_to_none` is False."""
        for param in self.parameters():
            if param.grad is not None:
                if set_to_none:
                    param.grad = None
                else:
                    if param.grad.grad_fn is not None:
                        param.grad.detach_()
                    else:
                        param.grad.requires_grad_(False)
                    param.grad.zero_()

    def compile(self, *args, **kwargs) -> None:
        """Accepted; there is nothing to compile here, the module runs as it is written."""

    # -- printing -----------------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the brackets of the printed module; a subclass says what sets it apart."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        body = "\n  ".join(lines + children)
        return f"{self._get_name()}(\n  {body}\n)" if body else f"{self._get_name()}()"


def indented(text: str, spaces: int = 2) -> str:
    """The text with every line but the first moved to the right."""
    return text.replace("\n", "\n" + " " * spaces)


def _type_name(value) -> str:
    from ...settings import typename

    return typename(value)


def _refuse_arguments(module, args: tuple, kwargs: dict) -> None:
    name = type(module).__name__
    if kwargs:
        raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'")
    if args:
        raise TypeError(f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given")


def _check_name(module, kind: str, name, table: dict) -> None:
    """The errors for a name that cannot be registered."""
    if not isinstance(name, str):
        raise TypeError(f"{kind} name should be a string. Got {_type_name(name)}")
    if kind == "module":
        if hasattr(module, name) and name not in table:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'module name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError('module name can\'t be empty string ""')
        return
    if "." in name:
        raise KeyError(f'{kind} name can\'t contain "."')
    if name == "":
        raise KeyError(f'{kind} name can\'t be empty string ""')
    if hasattr(module, name) and name not in table:
        raise KeyError(f"attribute '{name}' already exists")


def _forget(module, name: str, places: tuple[str, ...]) -> None:
    """Take the name out of the tables that it was in, before it goes into another."""
    for place in places:
        table = module.__dict__ if place == "__dict__" else module.__dict__[place]
        table.pop(name, None)
    module.__dict__["_non_persistent_buffers_set"].discard(name)


__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]
