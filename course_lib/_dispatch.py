"""`__torch_function__`: classes that answer calls of torch functions themselves, such as subclasses of Tensor.

Nothing is paid for it until somebody wants it. The first subclass of Tensor, the first TorchFunctionMode and the import
of `torch.overrides` call `install`, which puts `dispatching` around every public function, method and property. Such a
wrapper looks for an argument whose class has a `__torch_function__`, and lets it answer; without one it goes on to the
function itself. While an answer is computed with `off()`, and in backward, all tensors are plain.
"""

from __future__ import annotations

import contextlib
import functools
import threading

from .autograd.engine import RUNNING
from .ops import FUNCTIONS
from .ops._op import republish
from .tensor import Tensor


class _State(threading.local):
    off = False  # whether subclasses of Tensor are taken as plain tensors
    modes: tuple = ()  # the TorchFunctionModes that are entered, the innermost last


STATE = _State()
# Functions that make or inspect tensors and never ask an argument's class.
WITHOUT_CLASSES = {"tensor", "as_tensor", "asarray", "from_numpy", "from_dlpack", "is_tensor", "is_storage"}
# Methods that no class is asked about: they make tensors of a class, or belong to Python.
_LEFT_ALONE = {"as_subclass", "__new__", "__init__", "__init_subclass__", "__torch_function__", "__getattribute__",
               "__setattr__", "__hash__", "__dir__", "__iter__", "__class__", "__reduce__",
               "__subclasshook__"}  # fmt: skip
# The method that an operator is known by.
_SPOKEN = {"__add__": "add", "__radd__": "add", "__sub__": "sub", "__mul__": "mul", "__rmul__": "mul",
           "__truediv__": "div", "__mod__": "remainder", "__pow__": "pow", "__matmul__": "matmul", "__neg__": "neg",
           "__pos__": "positive", "__abs__": "abs", "__gt__": "gt", "__ge__": "ge", "__lt__": "lt", "__le__": "le",
           "__ne__": "ne", "__iadd__": "add_", "__isub__": "sub_", "__imul__": "mul_",
           "__itruediv__": "div_"}  # fmt: skip

_SPARSE = ("_indices", "_values", "_nnz")  # methods of sparse tensors
_NAMED = {"__rtruediv__": "__rdiv__"}
_IN_NAMES = ("linalg", "fft", "special")  # torch.linalg.norm is called linalg_norm


@contextlib.contextmanager
def _plain(wanted: bool):
    before, STATE.off = STATE.off, wanted
    try:
        yield
    finally:
        STATE.off = before


def off():
    """A block in which subclasses of Tensor are plain tensors."""
    return _plain(True)


def on():
    """A block in which the classes of tensors answer, also inside an answer."""
    return _plain(False)


def disabled(func, types, args=(), kwargs=None):
    """The `__torch_function__` of a class that does not want to be asked, such as Parameter."""
    with off():
        return func(*args, **(kwargs or {}))


# ---- who answers ---------------------------------------------------------------------------------------------------


@functools.cache
def answers(kind: type) -> bool:
    """Whether calls with an argument of this class go to its `__torch_function__`."""
    own = getattr(kind, "__torch_function__", None)
    if own is None or own is disabled:
        return False
    by_default = getattr(own, "__func__", None) is Tensor.__torch_function__.__func__
    return not (by_default and kind.__module__.startswith("course_lib."))  # the library's own classes stay plain


def claimants(args, named=None) -> list:
    """The arguments, also those in lists, whose classes answer: one of each class, subclasses before their bases."""
    found: list = []
    for value in (*args, *named.values()) if named else args:
        for part in value if type(value) in (list, tuple) else (value,):
            kind = type(part)
            if kind is not Tensor and answers(kind) and all(type(other) is not kind for other in found):
                before = next((i for i, other in enumerate(found) if issubclass(kind, type(other))), len(found))
                found.insert(before, part)
    return found


def answer(func, found: list, args, named):
    """What the modes and the classes of the arguments in `found` say to a call; TypeError if none of them knows."""
    types = tuple(map(type, found))
    if STATE.modes:
        modes = STATE.modes
        STATE.modes = modes[:-1]  # a mode is not asked about its own calls
        try:
            made = modes[-1].__torch_function__(func, types, args, named)
        finally:
            STATE.modes = modes
        if made is not NotImplemented:
            return made
    for value in found:
        if not answers(type(value)):
            continue
        made = type(value).__torch_function__(func, types, args, named)
        if made is not NotImplemented:
            return made
    lines = "".join(f"\n  - tensor subclass {kind}" for kind in types)
    raise TypeError(
        f"Multiple dispatch failed for '{name_of(func)}'; all __torch_function__ handlers returned NotImplemented:\n"
        f"{lines}\n\nReturn NotImplemented only for arguments of classes that you do not know"
    )


def as_class(made, cls):
    """A result with its tensors, also those in lists and tuples, as tensors of `cls`."""
    if isinstance(made, Tensor):
        return made if isinstance(made, cls) else made.as_subclass(cls)
    if isinstance(made, (list, tuple)):
        parts = [as_class(part, cls) for part in made]
        return type(made)(*parts) if hasattr(made, "_fields") else type(made)(parts)
    return made


def name_of(func) -> str:
    """torch.add, torch.nn.functional.relu, torch.Tensor.add."""
    return getattr(func, "full_name", None) or getattr(func, "__name__", str(func))


# ---- the wrappers --------------------------------------------------------------------------------------------------


_REPLACED: dict = {}  # function -> what `install` put in its place


def current(function):
    """The public function of now for one that was looked up before `install`: `F.relu` as a default, for example."""
    return _REPLACED.get(function, function)


def dispatching(made, full_name: str, known_as=None, classes: bool = True):
    """`made`, which first asks the classes of its arguments. known_as: the function that they are told was called."""
    _, *space, name = full_name.split(".")

    @functools.wraps(made)
    def call(*args, **named):
        if not STATE.off and RUNNING.nodes is None:
            found = claimants(args, named) if classes else []
            if found or STATE.modes:
                return answer(known_as or call, found, args, named)
        return made(*args, **named)

    call.full_name = full_name
    if space == ["Tensor"]:  # where pickle finds it
        call.__module__, call.__qualname__ = "course_lib", f"Tensor.{name}"
    call.__name__ = f"{space[0]}_{name}" if space and space[0] in _IN_NAMES else _NAMED.get(name, name)
    return call


@functools.cache
def install() -> None:
    """Put `dispatching` around all public functions, methods and properties; from the second time on, do nothing."""
    for namespace, functions in FUNCTIONS.items():
        path = "torch" if namespace == "torch" else f"torch.{namespace}"
        for name, made in list(functions.items()):
            republish(namespace, name, dispatching(made, f"{path}.{name}", classes=name not in WITHOUT_CLASSES))
            _REPLACED[made] = functions[name]
    methods = {name: made for name, made in vars(Tensor).items() if _is_asked(name, made)}
    for name, made in methods.items():
        if name not in _SPOKEN:
            setattr(Tensor, name, _of_class(name, made))
    for name in _SPOKEN.keys() & methods.keys():
        known_as = vars(Tensor).get(_SPOKEN[name])
        setattr(Tensor, name, dispatching(methods[name], f"torch.Tensor.{name}", known_as))


def _is_asked(name: str, member) -> bool:
    private = name.startswith("_") and not (name.startswith("__") and name.endswith("__")) and name not in _SPARSE
    if private or name in _LEFT_ALONE:
        return False
    return isinstance(member, property) or (callable(member) and not isinstance(member, type))


def _of_class(name: str, member):
    """A method or property of Tensor, with the question in front."""
    full_name = f"torch.Tensor.{name}"
    if not isinstance(member, property):
        return dispatching(member, full_name)
    hows, parts = ("__get__", "__set__", "__delete__"), (member.fget, member.fset, member.fdel)
    parts = [part and accessor(part, full_name, how) for part, how in zip(parts, hows, strict=True)]
    made = property(*parts, member.__doc__)
    for part, how in zip(parts, hows, strict=True):
        if part is not None:
            part.known_as = getattr(made, how)
    return made


def accessor(made, full_name: str, how: str):
    """A property's function. It is known as `Tensor.NAME.__get__`, which is what PyTorch's classes compare with."""

    @functools.wraps(made)
    def call(*args):
        if not STATE.off and RUNNING.nodes is None:
            found = claimants(args)
            if found or STATE.modes:
                return answer(call.known_as, found or args[:1], args, {})
        return made(*args)

    call.full_name = f"{full_name}.{how}"
    return call
