"""`jit.save` and `jit.load`: a program and its weights in one file that runs without the classes it came from.

The file is a zip archive, stored without compression:

    program.json     {"format": "course_lib.jit", "version": 1, "module": tree or "function": method, "functions": …,
                      "tensors": [{"dtype": "float32", "shape": [4, 3]}, …]}
    tensors/0        the numbers of tensor 0, row-major and little-endian
    extra/NAME       the caller's own texts

A module's tree has its name, mode, weights (as numbers of tensors), children, plain attributes and methods. A method is
a traced graph (`encoding.py`) or source text in the checked subset of Python (`subset.py`). The reader trusts nothing:
every part is checked, and no pickle and no code of the file's author is run outside that subset.
"""

from __future__ import annotations

import json
import math
import os
import zipfile

import numpy as np

from .. import dtypes
from ..nn.modules.module import Module
from ..nn.parameter import Parameter
from ..serialization.atomic import replacing
from ..serialization.locations import restorer
from ..tensor import Tensor, wrap
from .encoding import ArchiveError, decode_graph, encode_graph
from .modules import RecursiveScriptModule, ScriptFunction, ScriptModule, TracedMethod
from .subset import may_be_declared

FORMAT, VERSION = "course_lib.jit", 1
_LIMIT = 1 << 28  # bytes of program.json
_NO_PROGRAM = "this zip file has no program.json: torch.jit.save did not write it"
_FOREIGN = {  # what other archives hold
    "/constants.pkl": "this is an archive of PyTorch's own TorchScript, which course_lib does not read; trace or "
    "script the model again",
    "/data.pkl": "this is a file of torch.save: read it with torch.load",
}


def save(m, f, _extra_files=None) -> None:
    """save(m, f): write a ScriptModule or ScriptFunction into a file or a binary file object.

    The file appears under its name only when it is complete. RuntimeError where the folder does not exist, or where the
    program has a part that cannot be written down.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.jit.save.html
    """
    if not isinstance(m, (ScriptModule, ScriptFunction)):
        raise AttributeError(f"'{type(m).__name__}' object has no attribute 'save'")
    writer = _Writer()
    program = {"format": FORMAT, "version": VERSION} | writer.program(m)
    if hasattr(f, "write"):
        _write(f, program, writer.arrays, _extra_files or {})
        return
    with replacing(f) as file:
        _write(file, program, writer.arrays, _extra_files or {})


def _write(file, program: dict, arrays: list, extra: dict) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("program.json", json.dumps(program, allow_nan=False))
        for number, array in enumerate(arrays):
            little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
            archive.writestr(f"tensors/{number}", little.tobytes())
        for name, content in extra.items():
            archive.writestr(f"extra/{name}", content)


class _Writer:
    """Turns modules into trees, and collects their tensors."""

    def __init__(self):
        self.arrays: list[np.ndarray] = []
        self.tensors: list[dict] = []
        self.numbers: dict[int, int] = {}  # by id of the tensor: a shared weight is written once
        self.kept: list[Tensor] = []

    def program(self, m) -> dict:
        from .script import functions_of, script

        m = script(m)  # a class that the user derived from ScriptModule; anything else is a program already
        if isinstance(m, ScriptFunction):
            made = {"function": self.method(m._method, m.name) | {"name": m.name}}
        else:
            made = {"module": self.tree(m)}
        sources = {name: method.code for name, method in functions_of(m).items()}
        return made | {"functions": sources, "tensors": self.tensors}

    def tensor(self, tensor: Tensor) -> int:
        if id(tensor) not in self.numbers:
            self.numbers[id(tensor)] = len(self.tensors)
            self.kept.append(tensor)
            array = tensor.detach().cpu()._array
            self.arrays.append(array.view(f"u{array.itemsize}") if array.dtype.kind == "V" else array)
            entry = {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(array.shape)}
            self.tensors.append(entry if tensor.is_cpu else entry | {"device": str(tensor.device)})
        return self.numbers[id(tensor)]

    def tree(self, module: Module) -> dict:
        for name in (*module._parameters, *module._buffers, *module._modules):
            if not (may_be_declared(name) or name.isdigit()):
                raise RuntimeError(f"a program cannot have a part called '{name}': give it another name")
        from .library import ScriptedLayer, encode_attributes, encode_layer

        weights = {
            "parameters": {
                name: None if p is None else {"tensor": self.tensor(p), "requires_grad": p.requires_grad}
                for name, p in module._parameters.items()
            },
            "buffers": {
                name: None
                if b is None
                else {"tensor": self.tensor(b), "persistent": name not in module._non_persistent_buffers_set}
                for name, b in module._buffers.items()
            },
            "children": {name: None if c is None else self.tree(c) for name, c in module._modules.items()},
            "training": module.training,
        }
        if isinstance(module, ScriptedLayer):
            return weights | encode_layer(module)
        methods = {name: self.method(method, name) for name, method in module._methods.items()}
        attributes = encode_attributes(module, module._attributes)
        return weights | {"name": module.original_name, "methods": methods, "attributes": attributes}

    def method(self, method, name: str) -> dict:
        if isinstance(method, TracedMethod):
            return {"graph": encode_graph(method.graph, self.tensor)}
        if not hasattr(method, "code"):
            raise RuntimeError(
                f"Could not export Python function call '{name}'. Remove calls to Python functions before export. "
                "Did you forget to add @script or @script_method annotation? If this is a nn.ModuleList, add it to "
                "__constants__"
            )
        return {"source": method.code}


# ---- reading -------------------------------------------------------------------------------------------------------


def load(f, map_location=None, _extra_files=None, _restore_shapes=False):
    """load(f, map_location=None) -> ScriptModule or ScriptFunction: what `save` wrote.

    ValueError for a file that does not exist, RuntimeError for one that is no such archive or is damaged. Nothing in
    the file is run before it has been checked. `_extra_files` is filled with the texts saved under its keys.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.jit.load.html
    """
    if not hasattr(f, "read"):
        f = os.fspath(f)
        if not os.path.exists(f):
            raise ValueError(f"The provided filename {f} does not exist")
        if os.path.isdir(f):
            raise ValueError(f"The provided filename {f} is a directory")
    try:
        with zipfile.ZipFile(f) as archive:
            reader = _Reader(archive, map_location)
            made = reader.program()
            for name in _extra_files or ():
                if f"extra/{name}" in archive.namelist():
                    _extra_files[name] = archive.read(f"extra/{name}")
            return made
    except ArchiveError:
        raise
    except Exception as error:  # whatever a damaged or hostile file makes the parts below stumble over
        raise ArchiveError(f"this is no program that torch.jit.save wrote, or it is damaged: {error}") from error


class _Reader:
    """Makes modules of the trees in an archive."""

    def __init__(self, archive: zipfile.ZipFile, map_location):
        self.archive, self.map_location = archive, map_location
        names = archive.namelist()
        if "program.json" not in names:
            found = [text for end, text in _FOREIGN.items() if any(name.endswith(end) for name in names)]
            raise ArchiveError([*found, _NO_PROGRAM][0])
        if archive.getinfo("program.json").file_size > _LIMIT:
            raise ArchiveError(f"program.json is larger than {_LIMIT} bytes")
        try:
            self.data = json.loads(archive.read("program.json"))
        except (ValueError, RecursionError) as error:
            raise ArchiveError(f"program.json is damaged: {error}") from error
        if not isinstance(self.data, dict) or self.data.get("format") != FORMAT:
            raise ArchiveError(f"program.json is not in the format {FORMAT}")
        if self.data.get("version") != VERSION:
            raise ArchiveError(f"the archive has version {self.data.get('version')!r}; this course_lib reads {VERSION}")
        self.tensors = table(self.data, "tensors", list)
        self.made: dict[int, Tensor] = {}

    def program(self):
        from .script import load_functions

        self.functions = load_functions(table(self.data, "functions", dict))
        self.declared = declared_names(self.data.get("module"))
        if "function" in self.data:
            entry = table(self.data, "function", dict)
            name = table(entry, "name", str)
            return ScriptFunction(name, self.method(entry, None))
        try:
            return self.tree(table(self.data, "module", dict))
        except RecursionError:
            raise ArchiveError("the modules of the archive are nested too deeply") from None

    def tensor(self, number) -> Tensor:
        if type(number) is not int or not 0 <= number < len(self.tensors):
            raise ArchiveError(f"the archive refers to tensor {number!r}, of which there are {len(self.tensors)}")
        if number not in self.made:
            self.made[number] = self._read(number)
        return self.made[number]

    def _read(self, number: int) -> Tensor:
        entry = self.tensors[number]
        shape = table(entry, "shape", list)
        name = table(entry, "dtype", str)
        if name not in dtypes.NAMES or any(type(n) is not int or n < 0 for n in shape):
            raise ArchiveError(f"tensor {number} of the archive has the dtype {name!r} and the shape {shape!r}")
        dtype = getattr(dtypes, name).numpy
        try:
            info = self.archive.getinfo(f"tensors/{number}")
        except KeyError:
            raise ArchiveError(f"the archive has no numbers for tensor {number}") from None
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != math.prod(shape) * dtype.itemsize:
            raise ArchiveError(
                f"tensor {number} should have {math.prod(shape) * dtype.itemsize} bytes, not {info.file_size}"
            )
        stored = np.dtype(f"u{dtype.itemsize}") if dtype.kind == "V" else dtype
        array = np.frombuffer(self.archive.read(info), stored.newbyteorder("<")).astype(stored).reshape(shape)
        tensor = wrap(array.view(dtype) if dtype.kind == "V" else array)
        return self._placed(tensor, entry.get("device", "cpu"))

    def _placed(self, tensor: Tensor, tag) -> Tensor:
        """The tensor where `map_location` says, or where it was when it was saved."""
        if tag == "cpu" and self.map_location is None:
            return tensor
        try:
            storage = restorer(self.map_location)(tensor.untyped_storage(), str(tag))
        except RuntimeError as error:
            raise ArchiveError(str(error)) from None
        return tensor if storage.device.type == "cpu" else tensor.to(storage.device)

    def tree(self, entry) -> Module:
        from .library import decode_attributes, decode_layer

        if "library" in entry:
            module = decode_layer(table(entry, "library", str))
        else:
            module = RecursiveScriptModule(table(entry, "name", str))
        for name, weight in table(entry, "parameters", dict).items():
            weight = None if weight is None else self._parameter(weight)
            module._parameters[identifier(name)] = weight
        for name, weight in table(entry, "buffers", dict).items():
            module._buffers[identifier(name)] = None if weight is None else self.tensor(table(weight, "tensor", int))
            if weight is not None and not table(weight, "persistent", bool):
                module._non_persistent_buffers_set.add(name)
        for name, child in table(entry, "children", dict).items():
            if "." in name or not name:
                raise ArchiveError(f"the archive has a module with the name {name!r}")
            module._modules[name] = None if child is None else self.tree(child)
        decode_attributes(module, table(entry, "attributes", dict) if "attributes" in entry else {})
        module.training = table(entry, "training", bool)
        for name, method in entry.get("methods", {}).items():
            module._methods[identifier(name)] = self.method(method, module)
        return module

    def _parameter(self, weight: dict) -> Parameter:
        number = table(weight, "tensor", int)
        tensor = self.tensor(number)
        if not isinstance(tensor, Parameter):
            self.made[number] = tensor = Parameter(tensor, requires_grad=table(weight, "requires_grad", bool))
        return tensor

    def method(self, entry, module):
        from .script import load_method

        if "source" in entry:
            return load_method(table(entry, "source", str), self.functions, module, self.declared)
        graph = decode_graph(table(entry, "graph", dict), self.tensor)
        try:
            return TracedMethod(graph, module)
        except AttributeError as error:
            raise ArchiveError(f"the archive's program uses a weight that its modules do not have: {error}") from error


def table(entry, name: str, kind: type):
    """The part `name` of an entry, which has to be of that kind."""
    found = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(found, kind):
        raise ArchiveError(f"the archive has no valid '{name}' where one should stand")
    return found


def identifier(name: str) -> str:
    """A name that a part of a module may have."""
    if not (may_be_declared(name) or name.isdigit()):  # the parts of lists have numbers for names
        raise ArchiveError(f"the archive gives a part of a module the name {name!r}")
    return name


def declared_names(tree) -> set[str]:
    """The names of all parts of the modules in an archive that a method may name."""
    found: set[str] = set()
    pending = [tree]
    while pending:
        entry = pending.pop()
        for kind in ("parameters", "buffers", "children", "attributes", "methods"):
            names = entry.get(kind) if isinstance(entry, dict) else None
            if isinstance(names, dict):
                found |= {name for name in names if may_be_declared(name)}
                pending += names.values() if kind == "children" else ()
    return found
