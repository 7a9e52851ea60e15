"""Writing the ONNX graph: each node of the trace through its handler, then inputs, outputs and weights around it."""

from __future__ import annotations

import numpy as np

from ..jit.graph import Graph, Value, leaves, replaced
from ..jit.trace import RANDOM
from . import (  # noqa: F401 - each registers its handlers
    activation,
    attention,
    creation,
    indexing,
    loss,
    normalization,
    pointwise,
    products,
    recurrent,
    reduction,
    shape,
    spatial,
)
from .builder import Builder, OpenSize, Ref, handler_of
from .errors import UnsupportedOperatorError

_TWO_GIGABYTES = 1 << 31


class Writer:
    """Runs the handlers over a traced graph."""

    def __init__(self, graph: Graph, opset: int, dynamic: dict, names, steady: dict[int, tuple[int, ...]]):
        self.graph, self.dynamic, self.steady = graph, dynamic, steady
        self.inputs, self.outputs = names
        self.builder = Builder(opset)
        self.refs: dict[int, Ref] = {}  # by id of the Value
        self.fixed: dict[int, int] = {}  # sizes that are constant, by id of the Value
        self.input_values = [v for v in leaves(graph.inputs) if isinstance(v, Value)]
        self.builder.used |= {*self.inputs, *self.outputs, *graph.weights}

    def model(self, export_params: bool, keep_initializers_as_inputs: bool):
        for number, (name, value) in enumerate(zip(self.inputs, self.input_values, strict=True)):
            dims = self.dynamic.get(number, ())
            self.steady[id(value)] = tuple([-1 if dim in dims else n for dim, n in enumerate(value.shape)])
            self.refs[id(value)] = self._known_as(name, value)
        for name, value in self.graph.weights.items():
            self.builder.initializers[name] = value.example.detach().cpu()._array
            self.refs[id(value)] = Ref(name, value.shape, value.dtype, value.example)
        for node in self.graph.nodes:
            self._write(node)
        for name, value in zip(self.outputs, self.graph.outputs, strict=True):
            self._rename(self._ref(value), name)
        return self._proto(export_params, keep_initializers_as_inputs)

    # -- nodes --------------------------------------------------------------------------------------------------

    def _write(self, node) -> None:
        namespace, _, name = node.target.partition(".")
        if namespace == "operator":
            self._write_integer(node, name)
        elif node.target == "Tensor.size":
            self._write_size(node)
        elif self._is_constant(node):
            for value in node.made():
                value.traced = False
        else:
            self._write_operation(node)

    def _is_constant(self, node) -> bool:
        """Whether no input and no weight plays a part: then the traced result is the result."""
        if node.target.rpartition(".")[2] in RANDOM:
            return False
        return not any(self._varies(value) for value in node.used())

    def _varies(self, value: Value) -> bool:
        return id(value) not in self.fixed if value.shape is None else id(value) in self.refs and value.traced

    def _write_operation(self, node) -> None:
        builder = self.builder
        place = f"at {node.where}" + (f", in {node.scope}" if node.scope else "")
        builder.where = f"{node.target} {place}"
        if node.autocast:
            builder.refuse("a model under autocast has no ONNX counterpart here: export it without, or call half()")
        handler = handler_of(node.target)
        if handler is None:
            raise UnsupportedOperatorError(f"{node.called or node.target} has no ONNX counterpart here ({place})")
        made = node.made()
        out = [self._known_as(value.name, value) for value in made]
        builder.out = out[0] if len(out) == 1 and not isinstance(node.outputs, list) else out
        try:
            results = handler(builder, *self._filled(node.args), **self._filled(node.kwargs))
        except (TypeError, LookupError, AttributeError, ValueError, ArithmeticError) as error:
            raise UnsupportedOperatorError(
                f"{node.target} with these arguments has no ONNX counterpart here ({place}): {error}"
            ) from error
        results = (results,) if isinstance(results, str) else results
        for value, name in zip(made, results, strict=False):
            value.traced = True
            self.refs[id(value)] = self._known_as(str(name), value)
        for _, new in node.rebinds:
            self.refs.setdefault(id(new), self._known_as(str(results[0]), new))

    def _known_as(self, name: str, value: Value) -> Ref:
        """The Ref of a value; its sizes that change with an open dimension are marked."""
        steady = self.steady.get(id(value), value.shape)
        sizes = [OpenSize(n) if known == -1 else n for n, known in zip(value.shape, steady, strict=True)]
        return Ref(name, tuple(sizes), value.dtype, value.example)

    def _filled(self, tree):
        return replaced(tree, lambda leaf: self._ref(leaf) if isinstance(leaf, Value) else leaf)

    def _ref(self, value: Value):
        """What stands for a value in a handler's arguments: a Ref, or the number that a fixed size is."""
        if id(value) in self.fixed:
            return self.fixed[id(value)]
        if id(value) not in self.refs:  # a constant
            name = self.builder.initializer(value.name, value.example.detach().cpu()._array)
            self.refs[id(value)] = Ref(name, value.shape, value.dtype, value.example)
        return self.refs[id(value)]

    def _write_size(self, node) -> None:
        """A size: a constant if it does not depend on the open dimensions, otherwise computed."""
        tensor, dim = node.args
        value = node.outputs
        known = tensor in self.input_values and dim not in self.dynamic.get(self.input_values.index(tensor), {})
        if known or value.example in self.steady.get(id(value), ()) or not (self.dynamic and self._varies(tensor)):
            self.fixed[id(value)] = value.example
            return
        size = self.builder.shape_of(self._ref(tensor), dim, dim + 1)
        self.refs[id(value)] = Ref(size, None, None, value.example)

    def _write_integer(self, node, name: str) -> None:
        operands = [self._ref(v) if isinstance(v, Value) else v for v in node.args]
        value = node.outputs
        if all(isinstance(n, int) for n in operands) or value.example in self.steady.get(id(value), ()):
            self.fixed[id(value)] = value.example
            return
        kinds = {"add": "Add", "sub": "Sub", "mul": "Mul", "floordiv": "Div", "mod": "Mod", "neg": "Neg", "pow": "Pow"}
        made = self.builder.op(kinds[name], *[self.builder.ints([n]) for n in operands])
        self.refs[id(value)] = Ref(made, None, None, value.example)

    # -- the model ----------------------------------------------------------------------------------------------

    def _rename(self, ref: Ref, name: str) -> None:
        """Give a result the name of an output: by renaming where nothing else has a claim, or by an Identity."""
        builder = self.builder
        made = next((n for n in builder.nodes if ref.name in n.output), None)
        if made is None or ref.name in self.outputs:
            node = builder.onnx.helper.make_node("Identity", [ref.name], [name], name=builder.unique("node_Identity"))
            builder.nodes.append(node)
            return
        for node in builder.nodes:
            for names in (node.input, node.output):
                for i, used in enumerate(names):
                    if used == ref.name:
                        names[i] = name
        old = ref.name
        for other in self.refs.values():
            if other.name == old:
                other.name = name

    def _proto(self, export_params: bool, keep_initializers_as_inputs: bool):
        builder, onnx = self.builder, self.builder.onnx
        nodes = _needed(builder.nodes, set(self.outputs))
        used = {name for node in nodes for name in node.input}
        infos = [self._info(name, v, self.dynamic.get(i, {})) for i, (name, v) in
                 enumerate(zip(self.inputs, self.input_values, strict=True))]  # fmt: skip
        outputs = [self._output_info(i) for i in range(len(self.outputs))]
        weights = {name: array for name, array in builder.initializers.items() if name in used}
        stored = weights if export_params else {n: a for n, a in weights.items() if n not in self.graph.weights}
        tensors = [onnx.numpy_helper.from_array(_contiguous(array), name) for name, array in stored.items()]
        if keep_initializers_as_inputs or not export_params:
            infos += [onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
                      for n, a in weights.items() if keep_initializers_as_inputs or n not in stored]  # fmt: skip
        graph = onnx.helper.make_graph(nodes, "main_graph", infos, outputs, tensors)
        imports = [onnx.helper.make_opsetid("", builder.opset)]
        version = onnx.helper.find_min_ir_version_for(imports)
        model = onnx.helper.make_model(
            graph, opset_imports=imports, producer_name="course_lib", ir_version=max(version, 8)
        )
        if model.ByteSize() < _TWO_GIGABYTES:
            onnx.checker.check_model(model)
        return model

    def _info(self, name: str, value: Value, dynamic: dict[int, str]):
        sizes = [dynamic.get(dim, n) for dim, n in enumerate(value.shape)]
        helper = self.builder.onnx.helper
        return helper.make_tensor_value_info(name, self.builder.type_of(value.dtype), sizes)

    def _output_info(self, index: int):
        """Sizes of an output: as named; as traced where they do not depend on open dimensions; otherwise open."""
        value, named = self.graph.outputs[index], self.dynamic.get(("output", index), {})
        steady = self.steady.get(id(value), (-1,) * len(value.shape) if self.dynamic else value.shape)
        open_sizes = {dim: f"{self.outputs[index]}_dim_{dim}" for dim, n in enumerate(steady) if n == -1}
        return self._info(self.outputs[index], value, open_sizes | named)


def _needed(nodes: list, wanted: set[str]) -> list:
    """The nodes that the outputs depend on."""
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted |= set(node.input)
    return kept[::-1]


def _contiguous(array):
    return np.ascontiguousarray(array).reshape(array.shape)
