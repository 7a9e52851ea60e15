"""Reading any object as plain data, without trusting it.

`read(value)` is the only way in which a check looks at what a student's code produced. It recognises a value by its
exact type, calls only methods of that trusted type, and returns a `Plain`: numbers in a NumPy array, or items, or a
text. An object of any other class is just "an object of class X": its own `__eq__`, `__repr__` or `tolist` never run.
Tensors of course_lib and of PyTorch read the same.
"""

import sys
import types
from dataclasses import dataclass

import numpy as np

_LIBRARIES = ("course_lib", "torch")
_DEEPEST = 20
_NUMPY_SCALARS = frozenset(kind for kind in np.sctypeDict.values() if issubclass(kind, (np.number, np.bool)))
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodWrapperType)
_WORDS = {
    bool: "a bool",
    int: "an int",
    float: "a float",
    complex: "a complex number",
    str: "a string",
    list: "a list",
    tuple: "a tuple",
    dict: "a dictionary",
    set: "a set",
    types.NoneType: "None",
    types.EllipsisType: "...",
}


@dataclass(frozen=True, eq=False)
class Plain:
    """One value as plain data.

    Args:
        kind: tensor, array, number, string, list, tuple, dict, symbol (a dtype or a device), nothing, other.
        name: the type in words, "a tensor".
        source: the value itself; printed only if its kind is trusted.
        dtype: of a tensor or an array, as text; of a number, its Python type.
        array: the numbers of a tensor, an array or a number.
        items: the items of a list, a tuple or a dictionary.
        keys: the keys of a dictionary.
        text: a string, or the text of a symbol.
    """

    kind: str
    name: str
    source: object = None
    dtype: str = ""
    array: np.ndarray | None = None
    items: tuple["Plain", ...] = ()
    keys: tuple = ()
    text: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a tensor or an array; () for everything else."""
        return () if self.array is None else self.array.shape


def read(value, depth: int = 0) -> Plain:
    """Read a value as plain data, to a bounded depth."""
    if depth > _DEEPEST:
        return Plain("other", "a structure nested too deeply")
    kind = type(value)
    name = type_name(value)
    if value is None or value is ...:
        return Plain("nothing", name, value)
    if kind in (bool, int, float, complex):
        return Plain("number", name, value, kind.__name__, _number_array(value))
    if is_numpy_scalar(value):
        item = value.item()
        return Plain("number", name, item, type(item).__name__, _number_array(item))
    if kind is str:
        return Plain("string", name, value, text=value)
    if is_tensor(value):
        return Plain("tensor", name, value, str(value.dtype), _tensor_array(value))
    if is_array(value):
        return Plain("array", name, value, str(value.dtype), np.array(value))
    if is_symbol(value):
        return Plain("symbol", name, value, text=str(value))
    if issubclass(kind, tuple):
        return Plain("tuple", name, value, items=tuple(read(item, depth + 1) for item in tuple.__iter__(value)))
    if issubclass(kind, list):
        return Plain("list", name, value, items=tuple(read(item, depth + 1) for item in list.__iter__(value)))
    if issubclass(kind, dict):
        pairs = [(key, item) for key, item in dict.items(value) if type(key) in (str, int, bool)]
        if len(pairs) == dict.__len__(value):
            items = tuple(read(item, depth + 1) for _, item in pairs)
            return Plain("dict", name, value, items=items, keys=tuple(key for key, _ in pairs))
    return Plain("other", name, value)


def unanswered(plain: Plain) -> bool:
    """Whether a value is the blank of a stub: None or ..., or a collection of nothing else."""
    return plain.kind == "nothing" or bool(plain.items) and all(unanswered(item) for item in plain.items)


def is_tensor(value) -> bool:
    """Whether a value is a tensor of a library that we trust (a subclass written by a student is not)."""
    return _is_one_of(value, ("", "Tensor"), (".nn", "Parameter"))


def is_symbol(value) -> bool:
    """Whether a value is a dtype or a device of a library that we trust."""
    return _is_one_of(value, ("", "dtype"), ("", "device"))


def is_array(value) -> bool:
    """Whether a value is a NumPy array of numbers."""
    return type(value) is np.ndarray and value.dtype.kind in "biufc"


def is_numpy_scalar(value) -> bool:
    """Whether a value is one of NumPy's own numbers, such as np.float32(1.5)."""
    return type(value) in _NUMPY_SCALARS


def _is_one_of(value, *classes: tuple[str, str]) -> bool:
    """Whether a value's type is one of the (module, class) pairs, in whichever of the libraries is loaded."""
    for library in _LIBRARIES:
        for module, name in classes:
            found = getattr(sys.modules.get(library + module), name, None)
            if found is not None and type(value) is found:
                return True
    return False


def _number_array(value) -> np.ndarray:
    if type(value) is int and not -(2**63) <= value < 2**63:
        return np.array(value, dtype=object)
    return np.array(value)


def _tensor_array(tensor) -> np.ndarray:
    kind = str(tensor.dtype).split(".")[-1]
    if "complex" in kind:
        dtype = np.complex128
    elif "float" in kind:
        dtype = np.float64
    elif kind == "bool":
        dtype = np.bool_
    else:
        dtype = np.uint64 if kind == "uint64" else np.int64
    return np.array(type(tensor).tolist(tensor), dtype=dtype).reshape(tuple(tensor.shape))


def class_name(kind: type) -> str:
    """The name of a class, asked from `type` itself and not from a metaclass."""
    return type.__dict__["__name__"].__get__(kind)


def type_name(value) -> str:
    """The type of a value in words, with its article: "a tensor", "an int", "a method"."""
    kind = type(value)
    if kind in _WORDS:
        return _WORDS[kind]
    if is_tensor(value):
        return "a tensor"
    if is_symbol(value):
        return f"a {kind.__name__}"
    if is_array(value):
        return "a NumPy array"
    if is_numpy_scalar(value):
        return f"a NumPy {kind.__name__}"
    if kind in _FUNCTIONS:
        return "a function"
    if kind is type:
        return "a class"
    if _is_one_of(value, ("", "Size")):
        return "a torch.Size"
    return f"an object of class {class_name(kind)[:60]}"
