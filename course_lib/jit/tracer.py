"""Tracing: run a program once on example tensors and write down every operation it performs, as a `Graph`.

The program runs with real tensors. `call_watch` tells the tracer of each call of an operation; the tracer knows which
`Value` each tensor is (by identity, and it keeps them all alive), so that the arguments of a call become edges. While
it runs, the sizes of traced tensors are whole numbers that remember where they come from (`TracedInt`), so that
`x.view(x.shape[0], -1)` holds for every batch size.
"""

from __future__ import annotations

import contextlib
import os
import warnings

from .. import call_watch, dtypes
from ..device import device
from ..layouts import layout, memory_format
from ..ops._autocast import AUTOCAST
from ..size import Size
from ..tensor import Tensor, normalize_dim
from .graph import Graph, Node, Value, leaves, replaced

LIBRARY = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
CONSTANTS = (type(None), bool, int, float, complex, str, dtypes.dtype, device, memory_format, layout, type(Ellipsis))
active: list[Tracer] = []  # the tracers at work; a trace inside a trace is possible


class TracerWarning(Warning):
    """The trace may be wrong for other inputs: a tensor became a Python value, or two runs differed."""


class TracedInt(int):
    """A size of a traced tensor: a whole number that knows its value in the graph, and so does arithmetic with it."""

    def __new__(cls, number: int, value: Value, tracer: Tracer):
        made = int.__new__(cls, number)
        made.value, made.tracer = value, tracer
        return made

    def __index__(self):
        return self  # what Size asks of its entries

    def __reduce__(self):
        return int, (int(self),)


def _traced_operator(name: str, reflected: bool):
    plain = getattr(int, f"__{'r' if reflected else ''}{name}__")

    def method(self, *others):
        result = plain(self, *others)
        if type(result) is not int or self.tracer not in active:
            return result
        operands = (*others, self) if reflected else (self, *others)
        return self.tracer.integer(f"operator.{name}", operands, result)

    return method


for _name in ("add", "sub", "mul", "floordiv", "mod", "pow"):
    setattr(TracedInt, f"__{_name}__", _traced_operator(_name, False))
    setattr(TracedInt, f"__r{_name}__", _traced_operator(_name, True))
TracedInt.__neg__ = _traced_operator("neg", False)


class Tracer:
    """Writes the graph of one run.

    modules: the names of the root's modules by id, for messages. leaf(target) says whether the operation becomes a node
    of its own; if not, the operations it consists of do.
    """

    def __init__(self, root=None, leaf=None):
        self.graph = Graph()
        self.leaf = leaf or (lambda target: True)
        self.values: dict[int, tuple[Tensor, Value]] = {}  # by id of the tensor, which stays alive here
        self.sharing: dict[int, set[int]] = {}  # by id of the memory: the ids of the traced tensors in it
        self.stale: dict[int, str] = {}  # tensors whose memory was written through another tensor, and where
        self.names: dict[str, int] = {}
        self.open = False  # inside an operation that is a node
        self.weights: dict[int, str] = {}
        self.modules = {}
        if root is not None:
            self.modules = {id(m): name for name, m in root.named_modules()}
            for name, tensor in (*root.named_parameters(), *root.named_buffers()):
                self.weights.setdefault(id(tensor), name)
                self.names[name] = 1

    # -- values -------------------------------------------------------------------------------------------------

    def unique(self, name: str) -> str:
        count = self.names.get(name, 0)
        self.names[name] = count + 1
        return self.unique(f"{name}_{count}") if count else name

    def value_for(self, tensor: Tensor, name: str, traced: bool) -> Value:
        """A new value that is this tensor from now on."""
        value = Value(self.unique(name), tuple(tensor._array.shape), tensor.dtype, traced, tensor)
        self.values[id(tensor)] = tensor, value
        self.sharing.setdefault(id(tensor._storage.array), set()).add(id(tensor))
        self.stale.pop(id(tensor), None)
        return value

    def value_of(self, tensor: Tensor) -> Value:
        """The value of a tensor: known, a weight of the module, or a constant."""
        if id(tensor) in self.stale:
            self.stale_used(self.stale[id(tensor)])
        if id(tensor) in self.values:
            return self.values[id(tensor)][1]
        if id(tensor) in self.weights:
            name = self.weights[id(tensor)]
            value = self.value_for(tensor, "weight", True)
            value.name, value.weight = name, True
            self.graph.weights[name] = value
            return value
        if tensor.requires_grad:
            raise RuntimeError(
                "Cannot insert a Tensor that requires grad as a constant. Consider making it a parameter or input, or "
                f"detaching the gradient\nTensor:\n{tensor}"
            )
        value = self.value_for(tensor, "constant", False)
        self.graph.constants[value.name] = value, tensor
        return value

    def stale_used(self, where: str) -> None:
        """A tensor is used whose memory another one has changed; running the graph again does the same."""

    def integer(self, target: str, operands, result: int) -> int:
        """The whole number that arithmetic on sizes gave."""
        value = Value(self.unique(target.partition(".")[2]), example=int(result))
        self.graph.nodes.append(Node(target, self.lowered(tuple(operands)), {}, value))
        return TracedInt(result, value, self)

    def size_of(self, tensor: Tensor) -> Size:
        """The shape of a tensor as whole numbers that remember it."""
        shape = tensor._array.shape
        known = self.values.get(id(tensor))
        if self.open or known is None or not known[1].traced or known[1].name in self.graph.weights:
            return Size(shape)
        sizes = [self.integer("Tensor.size", (tensor, dim), n) for dim, n in enumerate(shape)]
        return tuple.__new__(Size, sizes)  # Size(…) would make plain numbers of them

    def lowered(self, tree):
        """Arguments with values in the place of tensors and sizes; TypeError for what a graph cannot hold."""
        if isinstance(tree, Size):
            tree = tuple(tree)
        return replaced(tree, self._lowered_leaf)

    def _lowered_leaf(self, leaf):
        if isinstance(leaf, Tensor):
            return self.value_of(leaf)
        if type(leaf) is TracedInt:
            return leaf.value if leaf.tracer is self else int(leaf)
        if isinstance(leaf, CONSTANTS):
            return leaf
        if hasattr(leaf, "__index__"):
            return int(leaf)
        target = call_watch.target_of_function(leaf) if callable(leaf) else None
        if target is None:
            raise TypeError(f"a graph cannot hold a {type(leaf).__name__} as argument")
        return call_watch.resolve(target, internal=True)

    # -- calls --------------------------------------------------------------------------------------------------

    def enter(self, target: str, frame):
        if self.open:
            return None
        name = target.rpartition(".")[2]
        if name in call_watch.PYTHON_VALUES:
            self._warn(name, frame)
            self.open = name != "__iter__"
            return ("value",) if self.open else None
        if not self.leaf(target):
            return None
        call = call_watch.Call(target, frame)
        tensors = list(_tensors((call.args, call.kwargs)))
        try:
            args, kwargs = self.lowered(call.args), self.lowered(call.kwargs)
        except TypeError:
            return None  # a callable, a generator, …: perhaps the operation consists of others that can be written down
        self.open = True
        return target, args, kwargs, [(t, t._storage.version) for t in tensors], frame

    def leave(self, token, result) -> None:
        self.open = False
        if len(token) == 1:
            return
        target, args, kwargs, operands, frame = token
        written = [t for t, version in operands if t._storage.version != version]
        node = Node(target, args, kwargs, None, writes=bool(written), autocast=_autocast())
        traced = any(self.value_of(t).traced for t, _ in operands) or any(
            type(v) is Value and v.shape is None for v in node.used()
        )
        before = [(t, self.values[id(t)][1]) for t in written]
        name = target.rpartition(".")[2].strip("_")
        node.outputs = self._assigned(result, name, traced)
        made = {id(t) for t in _tensors(result)}
        for tensor, old in before:
            if id(tensor) not in made:
                made.add(id(tensor))
                node.rebinds.append((old, self.value_for(tensor, name, True)))
        if node.outputs is None and not node.rebinds:
            return
        node.where, node.scope, node.called = self._place(frame)
        for tensor in written:
            for other in self.sharing[id(tensor._storage.array)] - made:
                self.stale[other] = node.where
        self.graph.nodes.append(node)

    def _assigned(self, result, name: str, traced: bool):
        if isinstance(result, Tensor):
            return self.value_for(result, name, traced)
        if isinstance(result, (list, tuple)) and any(True for _ in _tensors(result)):
            return [self._assigned(part, name, traced) for part in result]
        return None

    def _warn(self, name: str, frame) -> None:
        known = self.values.get(id(frame.f_locals.get(frame.f_code.co_varnames[0])))
        if known is not None and known[1].traced:
            text = _WARNINGS.get(name) or _BECOMES_CONSTANT.format(_KINDS.get(name, "Python number"))
            user = _user_frame(frame)
            warnings.warn_explicit(text, TracerWarning, user.f_code.co_filename, user.f_lineno)

    def _place(self, frame) -> tuple[str, str, str]:
        """File and line of the call in the traced program, the module whose forward made it, and what it called."""
        user, called, scope = _user_frame(frame), "", ""
        targets = call_watch.known_targets()
        while frame is not None:
            inner = targets.get(frame.f_code)
            called = inner if type(inner) is str else inner(frame.f_locals) if inner is not None else called
            name = self.modules.get(id(frame.f_locals.get("self"))) if frame.f_code.co_name == "forward" else None
            if name is not None:
                scope = name
                break
            frame = frame.f_back
        return f"{os.path.basename(user.f_code.co_filename)}:{user.f_lineno}", scope, called

    # -- running ------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def tracing(self):
        """Write down what runs inside the `with` block, in this thread."""
        active.append(self)
        try:
            with _remembered_sizes(self), call_watch.watch(self.enter, self.leave):
                yield
        finally:
            active.remove(self)


_KINDS = {"__bool__": "Python boolean", "__int__": "Python integer", "__float__": "Python float",
          "__complex__": "Python complex", "__index__": "Python index", "tolist": "Python list", "numpy": "NumPy array",
          "equal": "Python boolean", "allclose": "Python boolean", "is_nonzero": "Python boolean"}  # fmt: skip
_BECOMES_CONSTANT = (
    "Converting a tensor to a {} might cause the trace to be incorrect. We can't record the data flow of Python "
    "values, so this value will be treated as a constant in the future. This means that the trace might not generalize "
    "to other inputs!"
)
_WARNINGS = {
    "__iter__": "Iterating over a tensor might cause the trace to be incorrect. Passing a tensor of different shape "
    "won't change the number of iterations executed (and might lead to errors or silently give incorrect results).",
    "__len__": "Using len to get tensor shape might cause the trace to be incorrect. Recommended usage would be "
    "tensor.shape[0]. Passing a tensor of different shape might lead to errors or silently give incorrect results.",
}


def _autocast() -> str:
    """The dtype that autocast lowers to on the CPU; empty where it is off."""
    lower = AUTOCAST.lower.get("cpu") if AUTOCAST.on else None
    return "" if lower is None else str(dtypes.from_numpy(lower)).removeprefix("torch.")


def _tensors(tree):
    return (leaf for leaf in leaves(tree) if isinstance(leaf, Tensor))


def _user_frame(frame):
    """The innermost frame outside the library, or the outermost at all."""
    while frame.f_back is not None and frame.f_code.co_filename.startswith(LIBRARY):
        frame = frame.f_back
    return frame


@contextlib.contextmanager
def _remembered_sizes(tracer: Tracer):
    """Let `shape`, `size()` and `numel()` give numbers that remember their tensor, until the trace ends."""

    def shape(self):
        return tracer.size_of(self)

    def size(self, dim=None):
        sizes = tracer.size_of(self)
        return sizes if dim is None else sizes[normalize_dim(dim, len(sizes))]

    def numel(self):
        count = 1
        for n in tracer.size_of(self):
            count = n * count
        return count

    changed = {"shape": property(shape), "size": size, "numel": numel, "nelement": numel}
    before = {name: vars(Tensor)[name] for name in changed}
    for name, made in changed.items():
        setattr(Tensor, name, made)
    try:
        yield
    finally:
        for name, made in before.items():
            setattr(Tensor, name, made)


def is_tracing() -> bool:
    """True while `jit.trace` or `onnx.export` runs the program."""
    return bool(active)
