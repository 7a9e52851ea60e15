"""The trace that an export starts from: operations with a handler are nodes, all others are taken apart.

Where dimensions may change, the model runs a second time with larger ones. A size that is the same in both runs does
not depend on them and becomes a constant; the others are computed in the ONNX graph. What differs between the runs in
another way cannot be written down for every size, and is refused.
"""

from __future__ import annotations

import builtins
import contextlib
import warnings

from ..jit.graph import Graph, Value, leaves, replaced
from ..jit.modules import ScriptFunction
from ..jit.trace import bind_names, copy_of_input
from ..jit.tracer import Tracer, TracerWarning
from ..nn.modules.module import Module
from ..ops.joining import cat
from ..tensor import Tensor
from .builder import is_leaf
from .errors import OnnxExporterError


class ExportTracer(Tracer):
    """Writes down the operations that have a handler, and takes the others apart."""

    def __init__(self, root):
        super().__init__(root, is_leaf)

    @contextlib.contextmanager
    def tracing(self):
        """As for `jit.trace`; also, `len(x)` gives a number that remembers x, which only the builtin itself can do."""
        plain = builtins.len

        def length(sized) -> int:
            return self.size_of(sized)[0] if isinstance(sized, Tensor) and sized.ndim else plain(sized)

        builtins.len = length
        try:
            with super().tracing():
                yield
        finally:
            builtins.len = plain

    def enter(self, target: str, frame):
        """Before a tensor is written into, its value gets a copy of the numbers: it may become a constant."""
        names = frame.f_code.co_varnames
        writes = target.endswith("_") and target != "Tensor.__getitem__"
        if not self.open and (writes or "out" in names or "inplace" in names):
            given = frame.f_locals[names[0]], frame.f_locals.get("out")
            for tensor in [t for t in leaves(given) if id(t) in self.values]:
                value = self.values[id(tensor)][1]
                if value.example is tensor:
                    value.example = tensor.detach().clone()
        return super().enter(target, frame)

    def stale_used(self, where: str) -> None:
        raise OnnxExporterError(
            f"the model writes in place into a view of a tensor that it uses later (at {where}): ONNX has no tensors "
            "that share memory; write `x = x.clone()` before, or build the result without the in-place change"
        )

    def value_of(self, tensor: Tensor) -> Value:
        if id(tensor) not in self.values and id(tensor) not in self.weights and tensor.requires_grad:
            self.weights[id(tensor)] = self.unique("weight")  # a parameter that belongs to no module
        return super().value_of(tensor)


def traced(model, args: tuple, kwargs: dict) -> Graph:
    root = model if isinstance(model, Module) else None
    function = model._method if isinstance(model, ScriptFunction) else model
    tracer = ExportTracer(root)
    graph = tracer.graph
    named = bind_names(model.forward if root is not None else function, args, kwargs) if args or kwargs else {}
    fresh = {
        name: replaced(tree, lambda x: copy_of_input(x) if isinstance(x, Tensor) else x) for name, tree in named.items()
    }
    for name, tree in fresh.items():
        made = replaced(tree, lambda x, name=name: tracer.value_for(x, name, True) if isinstance(x, Tensor) else x)
        graph.inputs[name] = made
    positional = [fresh[name] for name in list(fresh)[: len(args)]]
    with tracer.tracing():
        outputs = model(*positional, **{name: fresh[name] for name in kwargs})
    tensors = [leaf for leaf in _output_leaves(outputs) if isinstance(leaf, Tensor)]
    if not tensors:
        raise OnnxExporterError("the model returns no tensor")
    graph.outputs = [tracer.value_of(t) for t in tensors]
    graph.prune()
    return graph


def _output_leaves(outputs):
    """The tensors of the outputs, in order; an object with attributes (a dataclass) gives those of its attributes."""
    if hasattr(outputs, "__dict__") and not isinstance(outputs, (Tensor, dict, tuple, list)):
        outputs = vars(outputs)
    return leaves(outputs)


# ---- the second run ------------------------------------------------------------------------------------------------


def run_with_larger_sizes(model, args: tuple, kwargs: dict, graph: Graph, dynamic: dict) -> Graph | None:
    """The graph for inputs whose open dimensions are larger; None where the model does not run on them."""
    inputs = iter(range(len([v for v in leaves(graph.inputs) if isinstance(v, Value)])))

    def larger(leaf):
        if not isinstance(leaf, Tensor):
            return leaf
        for dim in dynamic.get(next(inputs), ()):
            leaf = cat([leaf, leaf, leaf.narrow(dim, 0, 1)], dim)
        return leaf

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = traced(model, replaced(args, larger), replaced(kwargs, larger))
    except Exception:  # a model may well be made for its sizes only
        return None
    if [node.target for node in graph.nodes] != [node.target for node in other.nodes]:
        warnings.warn(
            "The model runs other operations on larger inputs (an `if` or a loop over sizes): the exported model does "
            "what it did with the example, and may be wrong for other sizes.",
            TracerWarning,
            stacklevel=4,
        )
        return None
    _refuse_hidden_sizes(graph, other)
    return other


def _refuse_hidden_sizes(graph: Graph, other: Graph) -> None:
    """OnnxExporterError for a number or constant that depends on an open dimension without the trace knowing how."""
    for (_, ours), (_, theirs) in zip(graph.constants.values(), other.constants.values(), strict=False):
        if ours.shape != theirs.shape:
            raise OnnxExporterError(
                f"a constant of the model has the shape {tuple(ours.shape)} for the example and {tuple(theirs.shape)} "
                "for larger inputs: it is not made by torch functions from sizes of the inputs (x.shape), so that it "
                "cannot be exported for every size"
            )
    for node, twin in zip(graph.nodes, other.nodes, strict=True):
        if len(node.made()) != len(twin.made()):
            raise OnnxExporterError(
                f"{node.called or node.target} at {node.where} gives {len(node.made())} tensors for the example and "
                f"{len(twin.made())} for larger inputs: their number cannot depend on an open dimension"
            )
        pairs = zip(leaves((node.args, node.kwargs)), leaves((twin.args, twin.kwargs)), strict=False)
        for a, b in pairs:
            if isinstance(a, (int, float)) and isinstance(b, (int, float)) and a != b and a == a:
                raise OnnxExporterError(
                    f"{node.called or node.target} at {node.where} gets the number {a} for the example and {b} for "
                    "larger inputs: the number was computed from a size in a way that a trace cannot follow (int(), "
                    "float(), len(), math); use x.shape and + - * // on it, or leave the dimension fixed"
                )


def steady_values(graph: Graph, other: Graph | None) -> dict[int, tuple[int, ...]]:
    """For values of the graph, by id, the numbers that the two runs agree on: of a size (n,), of a shape (n, …, -1)."""
    found: dict[int, tuple[int, ...]] = {}
    if other is None:
        return found
    pairs = [
        pair for a, b in zip(graph.nodes, other.nodes, strict=True) for pair in zip(a.made(), b.made(), strict=False)
    ]
    for value, twin in [*pairs, *zip(graph.outputs, other.outputs, strict=True)]:
        ours, theirs = [(v.example,) if v.shape is None else v.shape for v in (value, twin)]
        if len(ours) == len(theirs):
            found[id(value)] = tuple([n if n == m else -1 for n, m in zip(ours, theirs, strict=True)])
    return found
