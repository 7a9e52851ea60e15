"""The unpickler of `torch.load(..., weights_only=True)`: a stack machine that can build data and nothing else.

A pickle is a program of one-byte instructions for a machine with a stack. Most push a number or a text, or collect what
lies on the stack into a list, tuple or dict. The dangerous ones name a global (GLOBAL), call it (REDUCE) and hand state
to an object (BUILD): `pickle` itself would run whatever they ask for. Here each looks into the allow-list of
allowed.py first. An instruction that is not in the table below is refused.
"""

from __future__ import annotations

import _compat_pickle
import pickle
import struct
from collections import Counter, OrderedDict
from pickle import UnpicklingError

from . import allowed
from .outside import users
from .storage_types import StorageType

_CHUNK = 1 << 20  # more than this is not asked for before it is known that the file has it
_LONGEST_NAME = 1000
_DICTS = (dict, OrderedDict, Counter)


class Unpickler:
    """Reads one pickle from a file; `persistent_load(id)` gives what the file keeps outside the pickle (storages)."""

    def __init__(self, file, *, encoding: str = "utf-8", persistent_load=None):
        self.file = file
        self.encoding = encoding
        self.persistent_load = persistent_load or _no_persistent_ids

    def load(self):
        """The object; UnpicklingError for a pickle that is damaged or asks for what is not allowed."""
        allowed.users_list()  # an error in it is the user's, not the file's
        self.stack, self.marked, self.memo = [], [], {}
        try:
            return self._run()
        except (UnpicklingError, EOFError):
            raise
        except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
                struct.error) as error:  # fmt: skip
            raise UnpicklingError(f"the pickle is damaged ({type(error).__name__}: {error})") from error

    def _run(self):
        instructions, read = _INSTRUCTIONS, self.file.read
        while True:
            code = read(1)
            if not code:
                raise EOFError("Ran out of input")
            if code == b".":
                return self.stack.pop()
            instruction = instructions.get(code)
            if instruction is None:
                raise UnpicklingError(f"Unsupported operand {code[0]}")
            instruction(self)

    # -- reading --------------------------------------------------------------------------------------------------

    def read(self, n: int) -> bytes:
        """Exactly n bytes."""
        found = self.file.read(min(n, _CHUNK))
        if len(found) == n:
            return found
        parts, missing = [found], n - len(found)
        while missing and (part := self.file.read(min(missing, _CHUNK))):
            parts.append(part)
            missing -= len(part)
        if missing:
            raise UnpicklingError(f"pickle data was truncated: {missing} of {n} bytes are missing")
        return b"".join(parts)

    def number(self, form: str) -> int:
        return struct.unpack(form, self.read(struct.calcsize(form)))[0]

    def line(self) -> str:
        found = self.file.readline(_CHUNK)
        if not found.endswith(b"\n"):
            raise UnpicklingError("pickle data was truncated")
        return found[:-1].decode("utf-8")

    def text(self, form: str) -> str:
        return self.read(self.number(form)).decode("utf-8", "surrogatepass")

    def old_text(self, form: str):
        """A text of Python 2: bytes in some encoding."""
        found = self.read(self.number(form))
        return found if self.encoding == "bytes" else found.decode(self.encoding)

    def long(self, form: str) -> int:
        return int.from_bytes(self.read(self.number(form)), "little", signed=True)

    # -- the stack ------------------------------------------------------------------------------------------------

    def push(self, value) -> None:
        self.stack.append(value)

    def mark(self) -> None:
        self.marked.append(self.stack)
        self.stack = []

    def since_mark(self) -> list:
        """What was pushed since the last mark; it is taken off the stack."""
        found, self.stack = self.stack, self.marked.pop()
        return found

    def push_items(self, make) -> None:
        """`make` of what was pushed since the last mark, such as a tuple."""
        items = self.since_mark()
        self.push(make(items))

    def last(self, n: int) -> tuple:
        found = tuple(self.stack[-n:])
        if len(found) < n:
            raise UnpicklingError("the pickle takes more from the stack than it put there")
        del self.stack[-n:]
        return found

    def remember(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def recall(self, index: int) -> None:
        self.stack.append(self.memo[index])

    # -- containers -----------------------------------------------------------------------------------------------

    def extend(self, items: list, verb: str) -> None:
        if type(self.stack[-1]) is not list:
            raise UnpicklingError(f"Can only {verb} lists, but got {type(self.stack[-1])}")
        self.stack[-1].extend(items)

    def set_items(self, items, name: str) -> None:
        target = self.stack[-1]
        if type(target) not in _DICTS:
            raise UnpicklingError(
                f"Can only {name} for dict, collections.OrderedDict, collections.Counter, but got {type(target)}"
            )
        if len(items) % 2:
            raise UnpicklingError("odd number of items for a dictionary")
        for i in range(0, len(items), 2):
            target[allowed.checked_key(items[i])] = items[i + 1]

    def add_items(self, items) -> None:
        if type(self.stack[-1]) is not set:
            raise UnpicklingError(f"Can only add items to sets, but got {type(self.stack[-1])}")
        self.stack[-1].update(map(allowed.checked_key, items))

    # -- what could be dangerous ----------------------------------------------------------------------------------

    def push_global(self, module: str, name: str) -> None:
        """GLOBAL: push a class or function, if the allow-list has it."""
        module, name = in_python_3(module, name)
        path = f"{module}.{name}"
        if len(path) > _LONGEST_NAME:
            raise UnpicklingError(f"the name of a class or function has {len(path)} characters")
        if module in allowed.BLOCKED_MODULES:
            raise UnpicklingError(f"Trying to load unsupported GLOBAL {path} whose module {module} is blocked.")
        found = allowed.meaning_of(path)
        if found is None:
            path = path.removeprefix("builtins.")
            raise UnpicklingError(
                f"Unsupported global: GLOBAL {path} was not an allowed global by default. Please use "
                f"`torch.serialization.add_safe_globals([{path}])` or the "
                f"`torch.serialization.safe_globals([{path}])` context manager to allowlist this global if you trust "
                "this class/function."
            )
        self.push(found)

    def push_named(self) -> None:
        module, name = self.last(2)
        if type(module) is not str or type(name) is not str:
            raise UnpicklingError("STACK_GLOBAL requires str")
        self.push_global(module, name)

    def call(self) -> None:
        """REDUCE: call a function, if it may be called; its arguments are checked there."""
        function, arguments = self.last(2)
        checked = allowed.may_be_called(function)
        if checked is None:
            raise UnpicklingError(f"Trying to call reduce for unrecognized function {_described(function)}")
        if type(arguments) is not tuple:
            raise UnpicklingError(f"the arguments of a call must be a tuple, but got {type(arguments).__name__}")
        self.push(users(checked, *arguments) if allowed.is_users(checked) else checked(*arguments))

    def new_object(self, cls, arguments, named=None) -> None:
        """NEWOBJ: make an object without calling `__init__`."""
        if cls is allowed.parameter_class():
            self.push(cls(*arguments))
        elif isinstance(cls, type) and allowed.is_users(cls):
            self.push(users(cls.__new__, cls, *arguments, **(named or {})))
        else:
            raise UnpicklingError(
                "Can only create new object for nn.Parameter or classes allowlisted via `add_safe_globals` but got "
                f"{_described(cls)}"
            )

    def build(self) -> None:
        """BUILD: hand state to an object. An OrderedDict may get attributes: a state dict has its `_metadata`."""
        state = self.stack.pop()
        target = self.stack[-1]
        if type(target) is OrderedDict:
            if type(state) is not dict or not all(type(k) is str and not hasattr(OrderedDict, k) for k in state):
                raise UnpicklingError("the state of an OrderedDict must be a dict that replaces none of its methods")
            target.__dict__.update(state)
        elif allowed.is_users(type(target)):
            users(_set_state, target, state)
        else:
            raise UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got "
                f"{type(target)}"
            )

    def push_persistent(self) -> None:
        """BINPERSID: push what the file keeps outside the pickle."""
        identifier = self.stack.pop()
        if type(identifier) not in (tuple, int, str):  # a number, also as a text, in tar archives
            raise UnpicklingError(f"persistent_load id must be tuple or int, but got {type(identifier)}")
        if type(identifier) is tuple and identifier[:1] not in (("storage",), (b"storage",)):
            kind = type(identifier[0]) if identifier else tuple
            raise UnpicklingError(f"Only persistent_load of storage is allowed, but got {kind}")
        self.push(self.persistent_load(identifier))


def _set_state(target, state) -> None:
    """What BUILD does with objects of classes that the user allowed: as `pickle` does."""
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        target.__dict__.update(state)
    for name, value in (slots or {}).items():
        setattr(target, name, value)


def in_python_3(module: str, name: str) -> tuple[str, str]:
    """Pickles of protocol 2 use the names of Python 2, such as `__builtin__.set`."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return _compat_pickle.NAME_MAPPING[module, name]
    return _compat_pickle.IMPORT_MAPPING.get(module, module), name


def _described(value) -> str:
    """A class or function in a message; of anything else only the type, as its repr might be endless."""
    return repr(value) if isinstance(value, (type, StorageType)) or callable(value) else f"of type {type(value)}"


def _no_persistent_ids(identifier):
    raise UnpicklingError("unsupported persistent id encountered")


_INSTRUCTIONS = {
    pickle.PROTO: lambda m: m.read(1),
    pickle.FRAME: lambda m: m.read(8),
    pickle.NONE: lambda m: m.push(None),
    pickle.NEWTRUE: lambda m: m.push(True),
    pickle.NEWFALSE: lambda m: m.push(False),
    pickle.BININT: lambda m: m.push(m.number("<i")),
    pickle.BININT1: lambda m: m.push(m.number("<B")),
    pickle.BININT2: lambda m: m.push(m.number("<H")),
    pickle.LONG1: lambda m: m.push(m.long("<B")),
    pickle.LONG4: lambda m: m.push(m.long("<I")),
    pickle.BINFLOAT: lambda m: m.push(m.number(">d")),
    pickle.BINUNICODE: lambda m: m.push(m.text("<I")),
    pickle.SHORT_BINUNICODE: lambda m: m.push(m.text("<B")),
    pickle.BINUNICODE8: lambda m: m.push(m.text("<Q")),
    pickle.BINSTRING: lambda m: m.push(m.old_text("<I")),
    pickle.SHORT_BINSTRING: lambda m: m.push(m.old_text("<B")),
    pickle.BINBYTES: lambda m: m.push(m.read(m.number("<I"))),
    pickle.SHORT_BINBYTES: lambda m: m.push(m.read(m.number("<B"))),
    pickle.BINBYTES8: lambda m: m.push(m.read(m.number("<Q"))),
    pickle.BYTEARRAY8: lambda m: m.push(bytearray(m.read(m.number("<Q")))),
    pickle.MARK: lambda m: m.mark(),
    pickle.POP_MARK: lambda m: m.since_mark(),
    pickle.POP: lambda m: m.last(1),
    pickle.EMPTY_TUPLE: lambda m: m.push(()),
    pickle.TUPLE1: lambda m: m.push(m.last(1)),
    pickle.TUPLE2: lambda m: m.push(m.last(2)),
    pickle.TUPLE3: lambda m: m.push(m.last(3)),
    pickle.TUPLE: lambda m: m.push_items(tuple),
    pickle.EMPTY_LIST: lambda m: m.push([]),
    pickle.APPEND: lambda m: m.extend(m.last(1), "append to"),
    pickle.APPENDS: lambda m: m.extend(m.since_mark(), "extend"),
    pickle.EMPTY_DICT: lambda m: m.push({}),
    pickle.SETITEM: lambda m: m.set_items(m.last(2), "SETITEM"),
    pickle.SETITEMS: lambda m: m.set_items(m.since_mark(), "SETITEMS"),
    pickle.EMPTY_SET: lambda m: m.push(set()),
    pickle.ADDITEMS: lambda m: m.add_items(m.since_mark()),
    pickle.FROZENSET: lambda m: m.push_items(lambda items: frozenset(map(allowed.checked_key, items))),
    pickle.BINGET: lambda m: m.recall(m.number("<B")),
    pickle.LONG_BINGET: lambda m: m.recall(m.number("<I")),
    pickle.BINPUT: lambda m: m.remember(m.number("<B")),
    pickle.LONG_BINPUT: lambda m: m.remember(m.number("<I")),
    pickle.MEMOIZE: lambda m: m.remember(len(m.memo)),
    pickle.GLOBAL: lambda m: m.push_global(m.line(), m.line()),
    pickle.STACK_GLOBAL: lambda m: m.push_named(),
    pickle.REDUCE: lambda m: m.call(),
    pickle.NEWOBJ: lambda m: m.new_object(*m.last(2)),
    pickle.NEWOBJ_EX: lambda m: m.new_object(*m.last(3)),
    pickle.BUILD: lambda m: m.build(),
    pickle.BINPERSID: lambda m: m.push_persistent(),
}

__all__ = ["Unpickler", "in_python_3"]
