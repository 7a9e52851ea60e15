"""Calling a module with other tensors in the place of its parameters and buffers, which it gets back afterwards."""

from __future__ import annotations

import contextlib
import warnings

from ...tensor import Tensor


def functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights: bool = True, strict=False):
    """`torch.func.functional_call` by its older, deprecated name.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.stateless.functional_call.html
    """
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future "
        "version of PyTorch. Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)


def _functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights: bool = True, strict=False):
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _reparametrize_module(module, parameters_and_buffers, tie_weights=tie_weights, strict=strict):
        return module(*args, **(kwargs or {}))


@contextlib.contextmanager
def _reparametrize_module(module, parameters_and_buffers: dict, tie_weights: bool = False, strict: bool = False):
    """Inside the block the module has these tensors under these dotted names.

    A tensor that the module replaced by another one in the block is replaced in `parameters_and_buffers`, too.
    """
    tensors = _with_tied(module, parameters_and_buffers) if tie_weights else parameters_and_buffers
    if strict:
        _check_keys(module, tensors)
    owners: dict = {}  # the modules of the dotted names: many names lie in one module
    before: dict = {}
    try:
        for path, tensor in tensors.items():
            before[path] = _swap(module, owners, path, tensor)
        yield
    finally:
        for path in reversed(before):
            now = _swap(module, owners, path, before[path])
            if path in parameters_and_buffers and now is not _MISSING:
                parameters_and_buffers[path] = now


_MISSING = object()  # stands for an attribute that is not there


def _swap(module, owners: dict, path: str, tensor):
    """Put a tensor in the place with this dotted name, past all checks; returns what was there."""
    owner_path, _, name = path.rpartition(".")
    owner = owners.get(owner_path)
    if owner is None:
        owner = owners[owner_path] = module.get_submodule(owner_path)
    if not (isinstance(tensor, Tensor) or tensor is None or tensor is _MISSING):
        raise TypeError(f"{tensor} is not an instance of torch.Tensor")
    for table in (owner._parameters, owner._buffers):
        if name in table:
            previous, table[name] = table[name], tensor
            return previous
    previous = getattr(owner, name, _MISSING)
    if not (previous is _MISSING or isinstance(previous, Tensor)):
        raise TypeError(f"attribute `{name}`: {previous} is not an instance of torch.Tensor")
    if tensor is _MISSING:
        delattr(owner, name)
    else:
        setattr(owner, name, tensor)
    return previous


def _with_tied(module, given: dict) -> dict:
    """The given tensors, also under the other names of parameters that the module has under several names."""
    names_of: dict = {}
    for named in (module.named_parameters, module.named_buffers):
        for name, tensor in named(remove_duplicate=False):
            names_of.setdefault(tensor, []).append(name)
    made = dict(given)
    for names in names_of.values():
        ours = [name for name in names if name in given] if len(names) > 1 else []
        if len({id(given[name]) for name in ours}) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(ours)}, which are tied. Consider using "
                "tie_weights=False"
            )
        if ours:
            made.update(dict.fromkeys(names, given[ours[0]]))
    return made


def _check_keys(module, given: dict) -> None:
    names = {
        name for named in (module.named_parameters, module.named_buffers) for name, _ in named(remove_duplicate=False)
    }
    texts = []
    for kind, keys in (("Unexpected", given.keys() - names), ("Missing", names - given.keys())):
        if keys:
            listed = ", ".join(f"'{key}'" for key in sorted(keys))
            texts.append(f"{kind} key(s): {listed}.")
    if texts:
        listed = "\n\t".join(texts)
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t{listed}")


__all__ = ["functional_call"]
