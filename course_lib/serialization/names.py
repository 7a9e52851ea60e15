"""What the classes and functions of this library are called in a file: by PyTorch's names.

`course_lib.nn.modules.linear.Linear` is written as `torch.nn.modules.linear.Linear`, so real PyTorch can read the file,
and read from that name. Only the library's own name is translated; what a user wrote keeps its own.
"""

from __future__ import annotations

import importlib
import sys

from ..ops import FUNCTIONS

LIBRARY = __name__.partition(".")[0]  # "course_lib"

# (module, name) here → (module, name) in a file, where more differs than the first part of the module's name.
_ELSEWHERE = {
    ("tensor", "Tensor"): ("torch", "Tensor"),
    ("size", "Size"): ("torch", "Size"),
    ("device", "device"): ("torch", "device"),
    ("random", "Generator"): ("torch._C", "Generator"),
    ("layouts", "_get_layout"): ("torch.serialization", "_get_layout"),
    ("_utils", "_rebuild_from_type_v2"): ("torch._tensor", "_rebuild_from_type_v2"),
}
# What is divided into several modules here, or lies in one of another name.
_TOGETHER = {
    "distributions.transforms": "torch.distributions.transforms",
    "nn.modules.attention": "torch.nn.modules.activation",
    "nn.modules.rnn_cells": "torch.nn.modules.rnn",
    "optim.adafactor": "torch.optim",
    "optim.lr_scheduler": "torch.optim.lr_scheduler",
    "optim.muon": "torch.optim",
}
_PUBLISHED_AT_THE_TOP = {"dtypes", "layouts", "legacy"}  # modules whose names PyTorch has in `torch` itself

_BACK = {there: here for here, there in _ELSEWHERE.items()}
_MODULES_BACK = {"tensor": "_utils", "_tensor": "_utils", "_C._nn": "nn.functional", "_C": ""}
_NOTHING = object()


def name_in_file(obj, name: str | None = None) -> tuple[str, str] | None:
    """(module, name) under which a class, a function or a constant of this library is written; None for others."""
    if name is None:
        name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    module = getattr(obj, "__module__", None)
    if name is None or not isinstance(module, str) or module.partition(".")[0] != LIBRARY:
        return None
    public = _public_function(obj)
    if public is not None:
        return public
    inside = module.removeprefix(LIBRARY).lstrip(".")
    if (inside, name) in _ELSEWHERE:
        return _ELSEWHERE[inside, name]
    if inside in _PUBLISHED_AT_THE_TOP or not inside:
        return "torch", name
    for place, there in _TOGETHER.items():
        if inside == place or inside.startswith(f"{place}."):
            return there, name
    library = "torch" if inside.partition(".")[0] == "vision" else "torch."  # torchvision is a library of its own
    return library + inside, name


def path_in_file(obj) -> str:
    """`module.name` of any class or function, as the allow-list and its messages spell it."""
    found = name_in_file(obj)
    return ".".join(found) if found else f"{obj.__module__}.{obj.__qualname__}"


def _public_function(obj) -> tuple[str, str] | None:
    """Ops are made by one decorator, in one module: what they are called stands in the table of public functions."""
    name = getattr(obj, "__name__", None)
    for namespace in ("nn.functional", "torch", *FUNCTIONS):
        if FUNCTIONS[namespace].get(name) is obj:
            return ("torch" if namespace == "torch" else f"torch.{namespace}"), name
    return None


def is_library_name(module: str) -> bool:
    """Whether a name in a file means something of PyTorch or torchvision, and so of this library."""
    return module.partition(".")[0] in ("torch", "torchvision")


def find(module: str, name: str):
    """What `module.name` in a file means here; AttributeError where the library has no such thing."""
    if name == "_VariableFunctionsClass":  # PyTorch pickles torch.relu as an attribute of this class
        return sys.modules[LIBRARY]
    if (module, name) in _BACK:
        inside, name = _BACK[module, name]
    else:
        inside = module.removeprefix("torch").lstrip(".")
        inside = _MODULES_BACK.get(inside, inside)
    for place in _modules_from(inside):
        found = place
        for part in name.split("."):
            found = getattr(found, part, _NOTHING)
        if found is not _NOTHING:
            return found
    raise AttributeError(
        f"the file needs {module}.{name}, which this version of {LIBRARY} does not have; torch.load(..., "
        "weights_only=True) reads tensors, containers and numbers only, so save a state_dict() rather than the object"
    )


def is_found(obj, module: str, name: str) -> bool:
    """Whether a reader of the file would find this very object under the name."""
    try:
        return find(module, name) is obj
    except AttributeError:
        return False


def _modules_from(inside: str):
    """The module itself, then the packages around it: PyTorch may keep a class in a file of its own."""
    while inside:
        place = f"{LIBRARY}.{inside}"
        try:
            yield importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{place}.".startswith(f"{error.name}."):
                raise  # an optional package that the module needs
        inside = inside.rpartition(".")[0]
    yield sys.modules[LIBRARY]


__all__ = ["find", "is_found", "is_library_name", "name_in_file", "path_in_file"]
