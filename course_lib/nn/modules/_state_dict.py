"""Saving and loading: `state_dict` gathers a module's parameters and persistent buffers by name, `load_state_dict`
copies such a dictionary back.

Each module fills in and reads its own entries (`_save_to_state_dict`, `_load_from_state_dict`; a subclass may override
both); the walk over the tree adds the dotted prefixes and calls the hooks.
"""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict, namedtuple
from collections.abc import Mapping

from ...autograd.grad_mode import no_grad
from ...autograd.node import RemovableHandle
from ...tensor import Tensor
from ..parameter import Parameter, is_lazy

_EXTRA_STATE_KEY_SUFFIX = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """What `load_state_dict` returns."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


class StateDict:
    """The part of Module that saves and loads."""

    def get_extra_state(self):
        """What else belongs into `state_dict`, where a subclass has something; its counterpart is `set_extra_state`."""
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called. Please file an issue at "
            "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report this bug."
        )

    def set_extra_state(self, state) -> None:
        """Take back what `get_extra_state` gave."""
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called. Please file an issue at "
            "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report this bug."
        )

    def _overrides(self, name: str) -> bool:
        return getattr(type(self), name) is not getattr(StateDict, name)

    # -- saving -------------------------------------------------------------------------------------------------

    def state_dict(self, *args, destination=None, prefix: str = "", keep_vars: bool = False):
        """All parameters and persistent buffers of the tree, by dotted name.

        The tensors are detached but share memory with the module; `keep_vars` gives the parameters themselves.

        >>> import course_lib as torch
        >>> list(torch.nn.Sequential(torch.nn.Linear(2, 2)).state_dict())
        ['0.weight', '0.bias']

        Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.state_dict
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead. Refer to "
                "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details.",
                FutureWarning,
                stacklevel=2,
            )
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and prefix == "" else prefix
            keep_vars = args[2] if len(args) > 2 and keep_vars is False else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            other = hook(self, destination, prefix, local_metadata)
            if not getattr(hook, "_from_public_api", False):
                destination = destination if other is None else other
            elif other is not None:
                raise RuntimeError("state_dict post-hook must return None")
        return destination

    def _save_to_state_dict(self, destination, prefix: str, keep_vars: bool) -> None:
        """Put this module's own entries into `destination`."""
        for name, tensor in self._saved_entries():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if self._overrides("get_extra_state"):
            destination[prefix + _EXTRA_STATE_KEY_SUFFIX] = self.get_extra_state()

    def _saved_entries(self) -> list[tuple]:
        """(name, tensor) of this module's own parameters and persistent buffers."""
        buffers = [item for item in self._buffers.items() if item[0] not in self._non_persistent_buffers_set]
        return [(name, value) for name, value in (*self._parameters.items(), *buffers) if value is not None]

    # -- loading ------------------------------------------------------------------------------------------------

    def load_state_dict(self, state_dict: Mapping, strict: bool = True, assign: bool = False):
        """Copy the tensors of a state dict into the parameters and buffers of the same names.

        RuntimeError where shapes differ and, if `strict`, where keys are missing or unexpected. With `assign` the
        module takes over the tensors themselves. Returns the missing and the unexpected keys.

        >>> import course_lib as torch
        >>> layer = torch.nn.Linear(2, 2)
        >>> layer.load_state_dict(torch.nn.Linear(2, 2).state_dict())
        <All keys matched successfully>

        Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing, unexpected, errors = [], [], []
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata
        self._load_tree(state_dict, "", strict, assign, missing, unexpected, errors)
        if strict:
            for kind, keys in (("Unexpected", unexpected), ("Missing", missing)):
                if keys:
                    names = ", ".join(f'"{key}"' for key in keys)
                    errors.insert(0, f"{kind} key(s) in state_dict: {names}. ")
        if errors:
            listed = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        return _IncompatibleKeys(missing, unexpected)

    def _load_tree(self, state_dict, prefix: str, strict: bool, assign: bool, missing, unexpected, errors) -> None:
        """Load this module's entries and those of all below it."""
        metadata = getattr(state_dict, "_metadata", None)
        local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
        if assign:
            local_metadata["assign_to_params_buffers"] = assign
        self._load_from_state_dict(state_dict, prefix, local_metadata, True, missing, unexpected, errors)
        for name, module in self._modules.items():
            if module is not None:
                inner = f"{prefix}{name}."
                ours = OrderedDict((key, value) for key, value in state_dict.items() if key.startswith(inner))
                if metadata is not None:
                    ours._metadata = metadata
                module._load_tree(ours, inner, strict, assign, missing, unexpected, errors)
        keys = _IncompatibleKeys(missing, unexpected)
        for hook in self._load_state_dict_post_hooks.values():
            if hook(self, keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                    "values, if incompatible_keys need to be modified, it should be done inplace."
                )

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ) -> None:
        """Load this module's own entries, those that begin with `prefix`; the lists collect what is wrong."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        assign = local_metadata.get("assign_to_params_buffers", False)
        entries = dict(self._saved_entries())
        for name, param in entries.items():
            key = prefix + name
            if key in state_dict:
                self._load_one(name, param, key, state_dict[key], assign, error_msgs)
            elif strict:
                missing_keys.append(key)
        extra = prefix + _EXTRA_STATE_KEY_SUFFIX
        if self._overrides("set_extra_state"):
            if extra in state_dict:
                self.set_extra_state(state_dict[extra])
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra:
                    name, _, rest = key[len(prefix) :].partition(".")
                    known = name in self._modules if rest else name in entries
                    if not known:
                        unexpected_keys.append(key)

    def _load_one(self, name: str, param, key: str, given, assign: bool, errors: list) -> None:
        """Copy (or assign) one tensor of the state dict; what cannot be copied becomes an error text."""
        if not isinstance(given, Tensor):
            errors.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(given)}"
            )
            return
        lazy = is_lazy(param)
        if lazy and is_lazy(given) and not assign:
            return  # there is nothing to copy yet
        if not lazy and param.dim() == 0 and given.dim() == 1 and given.shape == (1,):
            given = given[0]  # state dicts of PyTorch before 0.4 had no 0-dim tensors
        if not lazy and given.shape != param.shape:
            errors.append(
                f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in "
                f"current model is {param.shape}."
            )
            return
        try:
            with no_grad():
                if not assign:
                    param.copy_(given)
                elif isinstance(param, Parameter):
                    if not isinstance(given, Parameter):
                        given = Parameter(given, requires_grad=param.requires_grad)
                    else:
                        given.requires_grad_(param.requires_grad)
                    setattr(self, name, given)
                else:
                    setattr(self, name, given)
        except Exception as error:
            errors.append(
                f'While copying the parameter named "{key}", whose dimensions in the model are {param.size()} and '
                f"whose dimensions in the checkpoint are {given.size()}, an exception occurred : {error.args}."
            )

    # -- hooks --------------------------------------------------------------------------------------------------

    def register_state_dict_pre_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict` gathers this module's entries."""
        return RemovableHandle(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` afterwards; it may change them in place."""
        hook._from_public_api = True
        return RemovableHandle(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook) -> RemovableHandle:
        """As `register_state_dict_post_hook`, and what the hook returns is used in place of the state dict."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was previously registered via "
                "register_state_dict_post_hook"
            )
        return RemovableHandle(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, …)` before this module loads its entries; it may change them in place.

        The further arguments are those of `_load_from_state_dict`.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook, with_module: bool = False) -> RemovableHandle:
        return RemovableHandle(self._load_state_dict_pre_hooks, _WrappedHook(hook, self if with_module else None))

    def register_load_state_dict_post_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after this module and all below it loaded theirs."""
        return RemovableHandle(self._load_state_dict_post_hooks, hook)


class _WrappedHook:
    """A hook before loading, with the module that it may get first (held weakly: the module holds the hook).

    Pickles name it as PyTorch's do, and keep the same.
    """

    __module__ = "course_lib.nn.modules.module"

    def __init__(self, hook, module=None):
        self.hook = hook
        self.module = None if module is None else weakref.ref(module)

    def __getstate__(self) -> dict:
        state = {"hook": self.hook, "with_module": self.module is not None}
        if self.module is not None:
            state["module"] = self.module()  # so that the hook of a copied module gets the copy
        return state

    def __setstate__(self, state: dict) -> None:
        self.__init__(state["hook"], state.get("module"))

    def __call__(self, *args) -> None:
        self.hook(*(() if self.module is None else (self.module(),)), *args)
