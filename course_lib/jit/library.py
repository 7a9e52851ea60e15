"""The layers of `course_lib.nn` in an archive: by the name of their class and their plain attributes, without code."""

from __future__ import annotations

import copy
import functools
import inspect

from .. import nn
from ..nn.modules.module import Module
from ..tensor import Tensor
from .encoding import ArchiveError, decode, encode
from .modules import RecursiveScriptModule, ScriptModule

OF_MODULE = {*Module().__dict__, *ScriptModule("").__dict__}  # what every module has


class ScriptedLayer(ScriptModule):
    """What every layer of the library becomes in a program: the layer itself, that can also be saved."""

    @property
    def code(self) -> str:
        return inspect.getsource(super().forward)

    @property
    def graph(self) -> str:
        return self.code

    def _get_name(self) -> str:
        return "RecursiveScriptModule"

    __repr__ = Module.__repr__


def is_library_module(module: Module) -> bool:
    """Whether this is a layer of `course_lib.nn` itself."""
    return getattr(nn, type(module).__name__, None) is type(module)


def is_program(module) -> bool:
    """Whether a module has been traced, scripted or loaded; a class that the user derives from ScriptModule has not."""
    return isinstance(module, (RecursiveScriptModule, ScriptedLayer))


@functools.cache
def _scripted_class(cls: type) -> type:
    return type("RecursiveScriptModule", (ScriptedLayer, cls), {"__module__": __name__})


def scripted_layer(layer: Module) -> ScriptModule:
    """A layer of the library as a ScriptModule that has the same weights, and room for other children."""
    made = object.__new__(_scripted_class(type(layer)))
    tables = {name: copy.copy(value) for name, value in vars(layer).items() if name in OF_MODULE}
    vars(made).update(vars(layer) | vars(ScriptModule(type(layer).__name__)) | tables)
    return made


def encode_layer(module: ScriptedLayer) -> dict:
    """The class and the plain attributes of a layer."""
    own = [name for name in vars(module) if name not in OF_MODULE]
    own = [name for name in own if name not in {**module._parameters, **module._buffers, **module._modules}]
    return {"library": module.original_name, "attributes": encode_attributes(module, own)}


def encode_attributes(module: Module, names) -> dict:
    """Plain attributes by name; a tensor among them has to be a weight of the module, which is named instead."""
    weights = {id(t): name for name, t in (*module._parameters.items(), *module._buffers.items()) if t is not None}

    def weight(tensor: Tensor):
        if id(tensor) not in weights:
            raise TypeError("a program archive cannot hold a tensor that is neither parameter nor buffer")
        return {"value": weights[id(tensor)]}

    found = {}
    for name in names:
        try:
            found[name] = encode(vars(module)[name], weight)
        except TypeError as error:
            raise RuntimeError(f"the attribute '{name}' of {type(module).__name__}: {error}") from error
    return found


def decode_layer(name: str) -> ScriptModule:
    """A layer of that class, without weights yet."""
    cls = getattr(nn, name, None)
    if not (isinstance(cls, type) and issubclass(cls, Module)) or cls is Module:
        raise ArchiveError(f"the archive asks for a layer '{name}', which course_lib.nn does not have")
    layer = object.__new__(cls)
    Module.__init__(layer)
    return scripted_layer(layer)


def decode_attributes(module: ScriptModule, attributes: dict) -> None:
    weights = {**module._parameters, **module._buffers}
    for name, data in attributes.items():
        if name.startswith("__") or name in OF_MODULE or callable(getattr(type(module), name, None)):
            raise ArchiveError(f"the archive sets the attribute {name!r} of a module")
        vars(module)[name] = decode(data, weights)
        module._attributes.append(name)
