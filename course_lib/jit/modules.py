"""The modules and functions that `jit.trace`, `jit.script` and `jit.load` give.

A `ScriptModule` is an ordinary `nn.Module`: its parameters train, its `state_dict` has the keys of the module it was
made from. Its methods are programs: traced graphs (`TracedMethod`) or scripted source (`script.py`).
"""

from __future__ import annotations

from ..nn.modules.module import Module
from .graph import Program


class TracedMethod:
    """A traced graph as a method: brings arguments to their names, and the weights from the modules that own them."""

    __slots__ = ("graph", "_program", "_places")

    def __init__(self, graph, module: Module | None = None):
        self._program, self.graph = Program(graph), graph
        self._places = []  # (name of the weight, the table of its module, its name there)
        for name in graph.weights:
            path, _, leaf = name.rpartition(".")
            owner = module.get_submodule(path)
            self._places.append((name, owner._parameters if leaf in owner._parameters else owner._buffers, leaf))

    def __call__(self, *args, **kwargs):
        names = list(self.graph.inputs)
        if len(args) > len(names):
            raise RuntimeError(
                f"{self.graph.name}() expected at most {len(names) + 1} argument(s) but received {len(args) + 1} "
                f"argument(s). Declaration: {self._declaration()}"
            )
        given = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name not in names or name in given:
                raise RuntimeError(f"Unknown keyword argument '{name}'. Declaration: {self._declaration()}")
            given[name] = value
        for name in names:
            if name not in given:
                raise RuntimeError(
                    f"{self.graph.name}() is missing value for argument '{name}'. Declaration: {self._declaration()}"
                )
        return self._program.run(given, {name: table[leaf] for name, table, leaf in self._places})

    def _declaration(self) -> str:
        return f"{self.graph.name}({', '.join(['self', *[f'Tensor {name}' for name in self.graph.inputs]])}) -> Tensor"

    @property
    def code(self) -> str:
        return self.graph.code()


class ScriptModule(Module):
    """A module whose methods are programs that `save` can write down, without the class they came from.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.jit.ScriptModule.html
    """

    def __init__(self, original_name: str = ""):
        super().__init__()
        self.original_name = original_name or type(self).__name__
        self._methods: dict[str, object] = {}  # by name: what runs when the method is called
        self._attributes: list[str] = []  # the names of the plain attributes that scripted methods read

    def _method(self, name: str):
        try:
            return self._methods[name]
        except KeyError:
            raise NotImplementedError(
                f'Module [{type(self).__name__}] is missing the required "{name}" function'
            ) from None

    def __getattr__(self, name: str):
        methods = self.__dict__.get("_methods", {})
        return methods[name] if name in methods else super().__getattr__(name)

    @property
    def graph(self):
        """The traced graph of `forward`."""
        return self._method("forward").graph

    inlined_graph = graph

    @property
    def code(self) -> str:
        """`forward` as Python text, to read."""
        return self._method("forward").code

    def save(self, f, _extra_files=None) -> None:
        """Write the program and its weights into a file; see `torch.jit.save`."""
        from .archive import save

        save(self, f, _extra_files)

    def extra_repr(self) -> str:
        return f"original_name={self.original_name}"


class RecursiveScriptModule(ScriptModule):
    """What `jit.script` and `jit.load` give for a module, and for each module inside it."""

    def forward(self, *args, **kwargs):
        return self._method("forward")(*args, **kwargs)

    # A class of one's own that inherits from a container loops over its parts.

    def __iter__(self):
        return iter(self._modules.values())

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, index):
        return self._modules[index] if isinstance(index, str) else list(self._modules.values())[index]

    def __bool__(self) -> bool:
        return True


class TracedModule(RecursiveScriptModule):
    """A module inside a traced one: it holds the weights."""

    def _get_name(self) -> str:
        return self.original_name


class TopLevelTracedModule(TracedModule):
    """What `jit.trace` gives for a module.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.jit.trace.html
    """


class ScriptFunction:
    """A function as a program: what `jit.script` and `jit.trace` give for a function.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.jit.ScriptFunction.html
    """

    def __init__(self, name: str, method):
        self.name = self.__name__ = self.qualified_name = name
        self._method = method

    def __call__(self, *args, **kwargs):
        return self._method(*args, **kwargs)

    graph = inlined_graph = property(lambda self: self._method.graph)
    code = property(lambda self: self._method.code, doc="The program as Python text.")

    def save(self, f, _extra_files=None) -> None:
        """Write the program into a file; see `torch.jit.save`."""
        from .archive import save

        save(self, f, _extra_files)
