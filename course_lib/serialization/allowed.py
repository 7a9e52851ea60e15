"""What a file may name when it is read with `weights_only=True`, and what may be called with which arguments.

The allow-list is a dictionary from the name in a file to what it means. Calling is allowed for few of them, and through
the checks below: no call may run the file's code, ask for memory that the file does not fill, or take forever.
`add_safe_globals` adds classes and functions that the user trusts; those are called as they are.
"""

from __future__ import annotations

import codecs
from collections import Counter, OrderedDict
from pickle import UnpicklingError

from .. import _utils, dtypes, legacy
from ..device import device
from ..layouts import _get_layout
from ..size import Size
from ..storage import TypedStorage, UntypedStorage
from ..tensor import Tensor
from . import names
from .storage_types import STORAGE_TYPES

BLOCKED_MODULES = {"sys", "os", "posix", "nt"}  # nobody can allow these

# ---- calls that are checked --------------------------------------------------------------------------------------


def _encode(text="", encoding="utf-8") -> bytes:
    """Pickles of protocol 2 hold bytes as text in latin1."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "ascii", "utf-8", "utf8"):
        raise UnpicklingError(f"_codecs.encode is allowed for text in latin1, ascii and utf-8 only, not {encoding!r}")
    return text.encode(encoding)


def _bytearray(content=b"", encoding="latin-1") -> bytearray:
    if isinstance(content, str):
        content = _encode(content, encoding)
    if not isinstance(content, (bytes, bytearray)):
        raise UnpicklingError(f"bytearray is allowed for bytes and text only, not for {type(content).__name__}")
    return bytearray(content)


def _complex(real=0.0, imag=0.0) -> complex:
    if not {type(real), type(imag)} <= {int, float}:
        raise UnpicklingError("complex is allowed for numbers only")
    return complex(real, imag)


def _set(entries=()) -> set:
    return set(map(checked_key, _listed(entries, (list, tuple, set, frozenset))))


def _ordered_dict(pairs=()) -> OrderedDict:
    made = OrderedDict()
    for pair in pairs.items() if isinstance(pairs, dict) else _listed(pairs, (list, tuple)):
        key, made_value = _listed(pair, (list, tuple))
        made[checked_key(key)] = made_value
    return made


def _counter(counts=()) -> Counter:
    if isinstance(counts, dict):
        return Counter(counts)  # its keys were checked when it was made
    return Counter(map(checked_key, _listed(counts, (list, tuple))))


def _size(sizes=()) -> Size:
    if not all(type(n) is int for n in _listed(sizes, (tuple, list))):
        raise UnpicklingError("torch.Size is allowed for whole numbers only")
    return Size(sizes)


def _from_type(func, new_type, args, state) -> Tensor:
    """`_rebuild_from_type_v2`, for attributes that hide no method of a tensor."""
    if CALLS.get(func) is not func or not (isinstance(new_type, type) and issubclass(new_type, Tensor)):
        raise UnpicklingError("_rebuild_from_type_v2 needs a function that makes tensors and a class of tensors")
    if new_type in (Tensor, parameter_class()):  # a class that the user allowed takes care of itself
        _check_attributes(state)
    return _utils._rebuild_from_type_v2(func, new_type, args, state)


def _parameter_with_state(data, requires_grad, backward_hooks, state):
    _check_attributes(state)
    return _utils._rebuild_parameter_with_state(data, requires_grad, backward_hooks, state)


def _check_attributes(state) -> None:
    """The state of a tensor may add attributes to it, but not stand before what its class has."""
    if type(state) is not dict or not all(type(name) is str for name in state):
        raise UnpicklingError(f"the attributes of a tensor must be a dict with names, but got {type(state).__name__}")
    for name in state:
        if hasattr(Tensor, name) or name in _utils.INTERNAL_ATTRIBUTES:
            raise UnpicklingError(f"a file must not replace the attribute '{name}' of a tensor")


def _listed(value, kinds):
    if not isinstance(value, kinds):
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise UnpicklingError(f"expected {expected}, but got {type(value).__name__}")
    return value


def checked_key(key, limit: int = 1000):
    """A key of a dictionary or set. Hashing nested tuples takes as long as they are when written out: not forever."""
    if type(key) is tuple or type(key) is frozenset:
        waiting, seen = [key], 0
        while waiting:
            part = waiting.pop()
            seen += 1
            if seen > limit:
                raise UnpicklingError(f"a key of more than {limit} parts")
            if isinstance(part, (tuple, frozenset)):
                waiting.extend(part)
    return key


# ---- the list ----------------------------------------------------------------------------------------------------

_REBUILD = (_utils._rebuild_tensor, _utils._rebuild_tensor_v2, _utils._rebuild_tensor_v3, _utils._rebuild_parameter,
            _utils._rebuild_meta_tensor_no_storage, _utils._rebuild_nested_tensor, _utils._rebuild_qtensor,
            _utils._rebuild_sparse_tensor)  # fmt: skip

ALLOWED = {
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "builtins.set": set,
    "builtins.complex": complex,
    "builtins.bytearray": bytearray,
    "_codecs.encode": codecs.encode,
    "torch.Size": Size,
    "torch.Tensor": Tensor,
    "torch.device": device,
    "torch.serialization._get_layout": _get_layout,
    "torch.storage.TypedStorage": TypedStorage,
    "torch.storage.UntypedStorage": UntypedStorage,
    "torch._tensor._rebuild_from_type_v2": _utils._rebuild_from_type_v2,
    "torch._utils._rebuild_parameter_with_state": _utils._rebuild_parameter_with_state,
    **{f"torch._utils.{function.__name__}": function for function in _REBUILD},
    **{repr(dtype): dtype for dtype in (*dtypes.ALL, *dtypes.FLOAT8)},
    **{f"torch.{place}{name}": kind for place in ("", "cuda.") for name, kind in STORAGE_TYPES.items()},
    **{f"torch.{name}": kind for name, kind in legacy.TYPES.items()},  # the classes of tensors in very old files
}  # torch.nn.parameter.Parameter belongs to the list, too: see `meaning_of`

CALLS = {
    OrderedDict: _ordered_dict,
    Counter: _counter,
    set: _set,
    complex: _complex,
    bytearray: _bytearray,
    codecs.encode: _encode,
    Size: _size,
    device: device,
    _get_layout: _get_layout,
    _utils._rebuild_from_type_v2: _from_type,
    _utils._rebuild_parameter_with_state: _parameter_with_state,
    **{function: function for function in _REBUILD},
}


def parameter_class():
    from ..nn.parameter import Parameter  # loaded when a file needs it, so that torch.load does not load all of nn

    return Parameter


def meaning_of(path: str):
    """What an allowed name stands for; None where it is not allowed."""
    if path == "torch.nn.parameter.Parameter":
        return parameter_class()
    found = ALLOWED.get(path)
    return users_list().get(path) if found is None else found


def may_be_called(function):
    """What to call where a file calls `function`; None where it must not be called."""
    try:
        checked = CALLS.get(function)
    except TypeError:  # something that cannot be hashed, such as a list
        return None
    if checked is None and (function is parameter_class() or is_users(function)):
        return function
    return checked


# ---- the user's additions ----------------------------------------------------------------------------------------

_added: list = []


def add_safe_globals(safe_globals: list) -> None:
    """Allow classes and functions to be named, called and filled with state by files read with `weights_only=True`.

    Each is a class or function, or a pair of one with the name that the file has for it.

    >>> import course_lib as torch
    >>> class Point:
    ...     pass
    >>> torch.serialization.add_safe_globals([Point])
    >>> torch.serialization.get_safe_globals() == [Point]
    True
    >>> torch.serialization.clear_safe_globals()

    Source: https://docs.pytorch.org/docs/stable/notes/serialization.html#torch.serialization.add_safe_globals
    """
    _added.extend(entry for entry in safe_globals if entry not in _added)


def get_safe_globals() -> list:
    """What `add_safe_globals` added.

    Source: https://docs.pytorch.org/docs/stable/notes/serialization.html#torch.serialization.get_safe_globals
    """
    return list(_added)


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` added.

    Source: https://docs.pytorch.org/docs/stable/notes/serialization.html#torch.serialization.clear_safe_globals
    """
    _added.clear()


class safe_globals:
    """A `with` block in which the given classes and functions are allowed, as by `add_safe_globals`.

    Source: https://docs.pytorch.org/docs/stable/notes/serialization.html#torch.serialization.safe_globals
    """

    def __init__(self, safe_globals: list):
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exception) -> None:
        _added[:] = [entry for entry in _added if entry not in self.safe_globals]


def users_list() -> dict:
    made = {}
    for entry in _added:
        if isinstance(entry, tuple):
            if len(entry) != 2:
                raise ValueError(
                    "Expected tuple of length 2 (global, str of callable full path), but got tuple of length: "
                    f"{len(entry)}"
                )
            if type(entry[1]) is not str:
                raise TypeError(
                    f"Expected second item in tuple to be str of callable full path, but got: {type(entry[1])}"
                )
            made[entry[1]] = entry[0]
        else:
            made[names.path_in_file(entry)] = entry
    return made


def is_users(obj) -> bool:
    """Whether the user allowed this very object."""
    return any(obj is allowed for allowed in users_list().values())


__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]
