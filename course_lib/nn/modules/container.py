"""Containers: modules that hold other modules (Sequential, ModuleList, ModuleDict) or parameters in order or by name.

What they hold lies in `_modules` or `_parameters` under its index or key, so state dicts and hooks find it there.
"""

from __future__ import annotations

import operator
import warnings
from collections import OrderedDict
from collections.abc import Container as Containing
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from ...tensor import Tensor
from ..parameter import Parameter
from .module import Module, indented


def _kept_index(container, index) -> int:
    """An index counted from the front; IndexError outside the container."""
    index = operator.index(index)
    if not -len(container) <= index < len(container):
        raise IndexError(f"index {index} is out of range")
    return index % len(container)


class _Chain(Module):
    """What Sequential and ModuleList share: modules under the keys "0", "1", … in order."""

    def _key(self, index) -> str:
        """The key of the module with this index."""
        return list(self._modules)[_kept_index(self, index)]

    def _renumber(self, modules: Iterable[Module]) -> None:
        self._modules.clear()
        self._modules.update((str(number), module) for number, module in enumerate(modules))

    def __setitem__(self, index, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index) -> None:
        keys = list(self._modules)[index] if isinstance(index, slice) else [self._key(index)]
        for key in keys:
            delattr(self, key)
        self._renumber(list(self._modules.values()))

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def pop(self, key):
        """Take a module out and return it."""
        module = self[key]
        del self[key]
        return module


class Container(Module):
    """Deprecated: a module with the children given by name. Subclass Module instead."""

    def __init__(self, **kwargs):
        super().__init__()
        warnings.warn(
            "`nn.Container` is deprecated. All of its functionality is now implemented in `nn.Module`. Subclass that "
            "instead.",
            FutureWarning,
            stacklevel=2,
        )
        for name, module in kwargs.items():
            self.add_module(name, module)


class Sequential(_Chain):
    """Modules one after the other: each gets what the one before returns.

    Sequential(*modules), or Sequential(OrderedDict) to name them.

    >>> import course_lib as torch
    >>> torch.nn.Sequential(torch.nn.Identity(), torch.nn.Identity())
    Sequential(
      (0): Identity()
      (1): Identity()
    )

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Sequential.html
    """

    def __init__(self, *args):
        super().__init__()
        named = args[0] if len(args) == 1 and isinstance(args[0], OrderedDict) else dict(enumerate(args))
        for name, module in named.items():
            self.add_module(str(name) if isinstance(name, int) else name, module)

    def forward(self, input):
        for module in self:
            input = module(input)
        return input

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def append(self, module: Module):
        """Put a module at the end; returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module):
        """Put a module before the one with this index; returns the container."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        count = len(self)
        if not -count <= index <= count:
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def extend(self, sequential):
        """Put modules at the end; returns the container."""
        for module in sequential:
            self.append(module)
        return self

    def __add__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return Sequential(*self, *other)

    def __iadd__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return self.extend(list(other))

    def __mul__(self, other: int):
        _check_factor(self, other)
        return Sequential(*[module for _ in range(other) for module in self])

    __rmul__ = __mul__

    def __imul__(self, other: int):
        _check_factor(self, other)
        return self.extend([module for _ in range(other - 1) for module in list(self)])


def _check_factor(container, factor) -> None:
    if not isinstance(factor, int):
        raise TypeError(f"unsupported operand type(s) for *: {type(container)} and {type(factor)}")
    if factor <= 0:
        raise ValueError(f"Non-positive multiplication factor {factor} for {type(container)}")


class ModuleList(_Chain):
    """A list of modules whose parameters belong to the module that holds the list.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
    """

    def __init__(self, modules: Iterable[Module] | None = None):
        super().__init__()
        if modules is not None:
            self += modules

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(list(self._modules.values())[index])
        return self._modules[self._key(index)]

    def append(self, module: Module):
        """Put a module at the end; returns the list."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Put a module before the one with this index."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)

    def extend(self, modules: Iterable[Module]):
        """Put modules at the end; returns the list."""
        if not isinstance(modules, Iterable):
            raise TypeError("ModuleList.extend should be called with an iterable, but got " + type(modules).__name__)
        for module in list(modules):
            self.append(module)
        return self

    __iadd__ = extend

    def __add__(self, other: Iterable[Module]):
        return ModuleList(list(self) + list(other))

    def __repr__(self) -> str:
        """As Module's, but equal neighbours share a line: (0-2): 3 x Linear(…)."""
        if not len(self):
            return f"{self._get_name()}()"
        lines, start = [], 0
        for text, group in groupby(repr(module) for module in self):
            count = len(list(group))
            where = f"({start})" if count == 1 else f"({start}-{start + count - 1})"
            text = text if count == 1 else f"{count} x {text}"
            lines.append(indented(f"{where}: {text}"))
            start += count
        body = "\n  ".join(lines)
        return f"{self._get_name()}(\n  {body}\n)"


class ModuleDict(Module):
    """A dictionary of modules whose parameters belong to the module that holds it; it keeps the order of insertion.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html
    """

    def __init__(self, modules: Mapping[str, Module] | None = None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take everything out."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take a module out and return it."""
        module = self[key]
        del self[key]
        return module

    def keys(self):
        return self._modules.keys()

    def items(self):
        return self._modules.items()

    def values(self):
        return self._modules.values()

    def update(self, modules) -> None:
        """Take over the modules of a mapping, or of (key, module) pairs."""
        for key, module in _pairs(modules, "ModuleDict.update", "ModuleDict"):
            self[key] = module


def _pairs(given, update: str, name: str) -> list[tuple]:
    """The (key, value) pairs that a container's `update` was given; its errors where it was given something else."""
    if not isinstance(given, Containing) or not isinstance(given, Iterable):
        raise TypeError(
            f"{update} should be called with an iterable of key/value pairs, but got {type(given).__name__}"
        )
    if hasattr(given, "items"):
        return list(given.items())
    pairs = []
    for number, pair in enumerate(given):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{name} update sequence element #{number} should be Iterable; is{type(pair).__name__}")
        if len(pair) != 2:
            raise ValueError(f"{name} update sequence element #{number} has length {len(pair)}; 2 is required")
        pairs.append((pair[0], pair[1]))
    return pairs


# ---- of parameters -----------------------------------------------------------------------------------------------


class ParameterList(Module):
    """A list of parameters; tensors put in become parameters, other values stay as they are.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ParameterList.html
    """

    def __init__(self, values: Iterable | None = None):
        super().__init__()
        self._size = 0
        if values is not None:
            self += values

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)([self[i] for i in range(*index.indices(len(self)))])
        return getattr(self, str(_kept_index(self, index)))

    def __setitem__(self, index: int, param) -> None:
        setattr(self, str(_kept_index(self, index)), _as_parameter(param))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator:
        return iter(self[i] for i in range(len(self)))

    def append(self, value):
        """Put a value at the end; returns the list."""
        self._size += 1
        self[len(self) - 1] = value
        return self

    def extend(self, values: Iterable):
        """Put values at the end; returns the list."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in values:
            self.append(value)
        return self

    __iadd__ = extend

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def __call__(self, *args, **kwargs):
        raise RuntimeError("ParameterList should not be called.")

    def extra_repr(self) -> str:
        return "\n".join(
            f"  ({number}): {_described(value, getattr(value, 'dtype', ''))}" for number, value in enumerate(self)
        )


class ParameterDict(Module):
    """A dictionary of parameters; tensors put in become parameters, other values stay as they are.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ParameterDict.html
    """

    def __init__(self, parameters=None):
        super().__init__()
        self._keys: dict = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key):
        return getattr(self, self._key_to_attr(key))

    def __setitem__(self, key, value) -> None:
        self._keys[key] = None
        setattr(self, self._key_to_attr(key), _as_parameter(value))

    def __delitem__(self, key) -> None:
        del self._keys[key]
        delattr(self, self._key_to_attr(key))

    def _key_to_attr(self, key) -> str:
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string (type is '"
                f"{type(key).__name__}'). Open an issue on github if you need non-string keys."
            )
        return key

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key) -> bool:
        return key in self._keys

    def __or__(self, other):
        copied = self.copy()
        copied.update(other)
        return copied

    def __ror__(self, other):
        copied = other.copy()
        copied.update(self)
        return copied

    def __ior__(self, other):
        self.update(other)
        return self

    def copy(self):
        """Another ParameterDict with the same parameters."""
        return ParameterDict(OrderedDict((key, self[key]) for key in self._keys))

    def setdefault(self, key, default=None):
        """The value of `key`, which is `default` from now on where there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        """Take everything out."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key):
        """Take a value out and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple:
        """Take the last (key, value) out and return it."""
        key, _ = self._keys.popitem()
        self._keys[key] = None  # pop takes it out
        return key, self.pop(key)

    def get(self, key, default=None):
        """The value of `key`, or `default` where there is none."""
        return self[key] if key in self._keys else default

    def fromkeys(self, keys: Iterable, default=None):
        """Another ParameterDict in which each of the keys has the value `default`."""
        return ParameterDict(dict.fromkeys(keys, default))

    def keys(self):
        return self._keys.keys()

    def items(self):
        return ((key, self[key]) for key in self._keys)

    def values(self):
        return (self[key] for key in self._keys)

    def update(self, parameters) -> None:
        """Take over the values of a mapping (a plain dict's in the order of the keys), or of (key, value) pairs."""
        pairs = _pairs(parameters, "ParametersDict.update", "ParameterDict")
        in_order = not isinstance(parameters, Mapping) or isinstance(parameters, OrderedDict)
        for key, value in pairs if in_order else sorted(pairs):
            self[key] = value

    def __call__(self, input):
        raise RuntimeError("ParameterDict should not be called.")

    def extra_repr(self) -> str:
        from ...settings import typename

        return "\n".join(f"  ({key}): {_described(value, typename(value))}" for key, value in self.items())


def _as_parameter(value):
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _described(value, kind: str) -> str:
    """One line about a value: its `kind` and size for a tensor, the type of anything else."""
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    name = "Parameter" if isinstance(value, Parameter) else "Tensor"
    size = "x".join(str(n) for n in value.size())
    place = f" ({value.device})" if value.is_cuda else ""
    return f"{name} containing: [{kind} of size {size}{place}]"


__all__ = ["Container", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]
