"""Seeing every call of a torch function: what the tracer (`jit`, `onnx`) and the profiler stand on.

Python reports each call and return to the function given to `sys.setprofile`. `watch` picks out the calls of the
operations in `ops/` and of Tensor's methods, by their code objects, however the caller got hold of the function. An
operation is named by its `target`: "torch.relu", "nn.functional.linear", "Tensor.view", or "ops.view_shape" for one
that is no public function. `resolve` finds the function of a target again. While nobody watches, nothing is paid.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import sys
from types import CodeType, FrameType, FunctionType

from . import _dispatch
from .ops import FUNCTIONS, OPS, _call, _in_place
from .ops._autocast import with_autocast
from .tensor import Tensor

NAMESPACES = ("torch", "nn.functional", "linalg", "fft", "special", "signal.windows")
SUBSCRIPTS = ("__getitem__", "__setitem__")
PROPERTIES = ("T", "mT", "H", "mH", "real", "imag", "data")  # those that are views of the tensor
# Methods that turn a tensor into Python values; a tracer warns of them.
PYTHON_VALUES = ("__bool__", "__int__", "__float__", "__complex__", "__index__", "__len__", "__iter__", "item",
                 "tolist", "numpy", "equal", "allclose", "is_nonzero")  # fmt: skip
# What gives or takes Python values instead of computing a tensor: never an operation of a graph.
NO_OPERATION = {"apply_", "as_subclass", "backward", "data_ptr", "from_dlpack", "from_file", "from_numpy",
                "frombuffer", "map_", "map2_", "nelement", "new", "numel", "numpy", "record_stream", "register_hook",
                "register_post_accumulate_grad_hook", "requires_grad_", "resize_", "retain_grad", "share_memory_",
                "size", "storage", "to_dlpack", "untyped_storage"}  # fmt: skip


class Call:
    """One call of an operation: its target, and what it was given."""

    __slots__ = ("target", "args", "kwargs", "frame")

    def __init__(self, target: str, frame: FrameType):
        self.target, self.frame = target, frame
        self.args, self.kwargs = _given(target, frame)


@contextlib.contextmanager
def watch(enter, leave, also=None):
    """Inside the `with` block of this thread, tell of each call of an operation.

    enter(target, frame) says whether it wants to know of the end of this call: it returns None, or a token for
    leave(token, result), which is called when the function has returned (with None where it raised). `also` gives
    targets of other functions by their code: a name, or a function of the frame's variables that finds one.
    """
    targets, tokens = known_targets() | (also or {}), {}

    def see(frame, event, value):
        if event == "call":
            target = targets.get(frame.f_code)
            if target is not None and type(target) is not str:
                target = target(frame.f_locals)
            if target is not None:
                token = enter(target, frame)
                if token is not None:
                    tokens[frame] = token
        elif event == "return" and frame in tokens:
            leave(tokens.pop(frame), value)

    previous = sys.getprofile()
    sys.setprofile(see)
    try:
        yield
    finally:
        sys.setprofile(previous)


def _given(target: str, frame: FrameType) -> tuple[tuple, dict]:
    """Positional and keyword arguments of a call that is just beginning, without those that are the defaults."""
    code, values = frame.f_code, frame.f_locals
    function = None if target.startswith("ops.") else resolve(target)
    own = _inside(function)
    defaults = dict(getattr(own, "__kwdefaults__", None) or {}, out=None)
    names = code.co_varnames
    count = code.co_argcount
    args = [values[name] for name in names[:count]]
    end = count + code.co_kwonlyargcount
    kwargs = {name: values[name] for name in names[count:end]}
    open_ended = code.co_flags & inspect.CO_VARARGS
    if open_ended:
        args += values[names[end]]
        end += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        kwargs |= values[names[end]]
    if not open_ended:
        for default in reversed(getattr(own, "__defaults__", None) or ()):
            if len(args) == 1 or args[-1] is not default:
                break
            args.pop()
    return tuple(args), {k: v for k, v in kwargs.items() if k not in defaults or v is not defaults[k]}


# ---- from code objects to targets ----------------------------------------------------------------------------------


def known_targets() -> dict[CodeType, object]:
    """The target of each code object, or a function that finds it in the frame's variables.

    Ops are closures that share their code: which op it is, their variable `cls` says.
    """
    return _targets(sum(map(len, FUNCTIONS.values())))


@functools.cache
def _targets(registered: int) -> dict[CodeType, object]:  # made anew when modules imported later registered more
    found = _machinery()
    for namespace in NAMESPACES:
        functions = FUNCTIONS.get(namespace, {})
        for name, made in functions.items():
            if name not in NO_OPERATION:
                _add(found, _inside(made), f"{namespace}.{made.__name__ if made.__name__ in functions else name}")
    for name, made in vars(Tensor).items():
        made = made.fget if name in PROPERTIES else made
        if name in (*SUBSCRIPTS, *PYTHON_VALUES) or (name[0] != "_" and name not in NO_OPERATION):
            _add(found, _inside(made), f"Tensor.{name}")
    _add(found, _inside(vars(Tensor)["__matmul__"]), "torch.matmul")
    found[_WITH_OUT] = lambda seen: None if seen["out"] is None else target_of_function(seen["made"])
    return found


def _machinery() -> dict[CodeType, object]:
    """The closures that `@op` and `@function` make: whose they are, their free variables say."""
    found: dict[CodeType, object] = {}
    for maker in (_call.binary, _call.unary, _call.general):
        found.update(dict.fromkeys(_inner_codes(maker, "call"), _of_op))
    found.update(dict.fromkeys(_inner_codes(_call.with_arguments, "public"), _of_op))
    found.update(dict.fromkeys(_inner_codes(_in_place.in_place, "call_"), lambda seen: f"Tensor.{seen['cls'].name}_"))
    (of_function,) = _inner_codes(_in_place.function_in_place, "call_")
    found[of_function] = lambda seen: f"Tensor.{seen['made'].__name__}_"
    return found


def _inside(function):
    """The function in the wrappers that give it an `out=` argument, autocast and `__torch_function__`; their calls are
    not looked at."""
    while getattr(function, "__code__", None) in _WRAPPERS:
        function = _free_variable(function, "made")
    return function


def _free_variable(function: FunctionType, name: str):
    return function.__closure__[function.__code__.co_freevars.index(name)].cell_contents


def _add(found: dict, function, target: str) -> None:
    """Enter a function under its code; those that one factory made are told apart by their free variables."""
    code = getattr(function, "__code__", None)
    if code is None or (code in found and not isinstance(found[code], _Siblings)):
        return
    if function.__closure__:
        found.setdefault(code, _Siblings(code)).add(function, target)
    else:
        found[code] = target


class _Siblings:
    """Functions that one factory made (conv1d, conv2d, …): they share their code and differ in their free variables."""

    def __init__(self, code: CodeType):
        self.code, self.targets = code, {}

    def add(self, function: FunctionType, target: str) -> None:
        self.targets.setdefault(tuple([id(cell.cell_contents) for cell in function.__closure__]), target)

    def __call__(self, seen: dict) -> str | None:
        return self.targets.get(tuple([id(seen.get(name)) for name in self.code.co_freevars]))


def _inner_codes(maker: FunctionType, name: str) -> list[CodeType]:
    """The code objects of the functions called `name` that `maker` defines."""
    return [c for c in maker.__code__.co_consts if isinstance(c, CodeType) and c.co_name == name]


(_WITH_OUT,) = _inner_codes(_call.with_out, "public")
_WRAPPERS = (_WITH_OUT, *_inner_codes(with_autocast, "public"), *_inner_codes(_dispatch.dispatching, "call"),
             *_inner_codes(_dispatch.accessor, "call"))  # fmt: skip


def _of_op(seen: dict) -> str:
    return target_of_op(seen["cls"])


@functools.cache
def target_of_op(cls) -> str:
    """The public name of an op; "ops.NAME" for one that only other ops use."""
    for namespace in NAMESPACES:
        for name in (cls.__name__, cls.name):
            if _op_behind(FUNCTIONS.get(namespace, {}).get(name)) is cls:
                return f"{namespace}.{name}"
    if cls.rule is not None and cls.operands == 2 and cls.name in FUNCTIONS["torch"]:
        return f"torch.{cls.name}"  # the op behind an operator: `a / b` is true_divide(a, b)
    return f"{'Tensor' if _op_behind(vars(Tensor).get(cls.__name__)) is cls else 'ops'}.{cls.__name__}"


def _op_behind(function) -> type | None:
    """The class of the op that a function was made for."""
    function = _inside(function)
    code = getattr(function, "__code__", None)
    if code is None or "cls" not in code.co_freevars:
        return None
    return _free_variable(function, "cls")


# ---- from targets to functions -------------------------------------------------------------------------------------


@functools.cache
def resolve(target: str, internal: bool = False):
    """The function of a target; LookupError for anything that is no operation of the library.

    internal: also those that only other operations use. They trust their arguments: never for a target from a file.
    """
    namespace, _, name = target.rpartition(".")
    if name not in NO_OPERATION:
        if namespace in FUNCTIONS and name in FUNCTIONS[namespace]:
            return FUNCTIONS[namespace][name]
        if namespace == "Tensor" and (name[:1] != "_" or name in SUBSCRIPTS):
            found = vars(Tensor).get(name)
            found = found.fget if name in PROPERTIES else found
            if callable(found):
                return found
        if internal and namespace == "ops" and name in OPS and (found := _function_of(OPS[name])) is not None:
            return found
    raise LookupError(f"there is no operation '{target}'")


def _function_of(cls):
    """The function that `@op` put in the place of the class."""
    return getattr(importlib.import_module(cls.__module__), cls.__name__, None)


def target_of_function(function) -> str | None:
    """The target of a function that was passed as a value (an activation, say); None if it is no operation."""
    function = _inside(inspect.unwrap(function, stop=lambda f: hasattr(f, "__code__")))
    target = known_targets().get(getattr(function, "__code__", None))
    if callable(target):
        target = target(inspect.getclosurevars(function).nonlocals)
    return target


__all__ = ["NO_OPERATION", "PYTHON_VALUES", "Call", "known_targets", "resolve", "target_of_function", "watch"]
