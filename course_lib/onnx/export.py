"""`onnx.export`: trace the model, let each operation's handler write ONNX nodes, put the model together.

The trace keeps sizes symbolic, so that the dimensions named in `dynamic_axes` or `dynamic_shapes` may change later; all
other sizes become constants. Tensors that depend on no input become constants, too.
"""

from __future__ import annotations

import os
import warnings

from ..autograd.grad_mode import no_grad
from ..jit.graph import Graph, Value, leaves, replaced
from ..jit.modules import ScriptFunction
from ..jit.trace import RANDOM, bind_names, copy_of_input
from ..jit.tracer import Tracer
from ..nn.modules.module import Module
from ..tensor import Tensor
from . import (  # noqa: F401 - each registers its handlers
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
from .builder import Builder, Ref, handler_of, is_leaf
from .dynamic import named_dimensions
from .errors import OnnxExporterError, UnsupportedOperatorError
from .modes import TrainingMode, exporting, select_model_mode_for_export
from .program import ONNXProgram

DEFAULT_OPSET, LOWEST_OPSET = 20, 13
_TWO_GIGABYTES = 1 << 31


def export(model, args=(), f=None, *, kwargs=None, verbose=None, input_names=None, output_names=None,
           opset_version=None, dynamo=True, external_data=True, dynamic_shapes=None, export_params=True,
           keep_initializers_as_inputs=False, dynamic_axes=None, training=TrainingMode.EVAL, do_constant_folding=True,
           verify=False, **accepted):  # fmt: skip
    """export(model, args, f=None, *, input_names, output_names, dynamic_axes, dynamic_shapes, opset_version=20, …)
    -> ONNXProgram

    Write a model as an ONNX file that onnxruntime and others run. The model runs once on `args` (a tuple of example
    inputs, or one tensor) and its operations are written down, so that an `if` over values keeps the way it took.

    dynamic_axes: {"input": {0: "batch"}} names the dimensions that may change; dynamic_shapes: the same by the
    parameter's name or place, {"x": {0: "batch"}} or ({0: "batch"},). training: EVAL exports the model as `eval()`
    leaves it. verify: compare with onnxruntime. verbose: print the traced graph. f=None writes no file.

    OnnxExporterError names the operation that ONNX has no counterpart for, and where the model calls it. Needs the
    package `onnx`.

    >>> import course_lib as torch
    >>> program = torch.onnx.export(torch.nn.Linear(3, 2), torch.ones(1, 3), dynamic_axes={"input": {0: "n"}})
    >>> [node.op_type for node in program.model_proto.graph.node]
    ['Gemm']

    Source: https://docs.pytorch.org/docs/stable/onnx.html
    """
    _require_onnx()
    opset = _checked_opset(opset_version)
    args, kwargs = _arguments(args, kwargs)
    mode = training if isinstance(model, Module) else TrainingMode.PRESERVE
    with select_model_mode_for_export(model, mode), exporting(), no_grad():
        graph, tracer = _traced(model, args, kwargs)
        if verbose:
            print(graph)
        names = _names(graph, input_names, output_names)
        dynamic = named_dimensions(graph.inputs, names, dynamic_axes, dynamic_shapes)
        proto = _Exporter(graph, tracer, opset, dynamic, names).model(export_params, keep_initializers_as_inputs)
        program = ONNXProgram(proto, [t for t in leaves((args, kwargs)) if isinstance(t, Tensor)])
    if verify:
        program.verify(model, args, kwargs)
    if f is not None:
        program.save(os.fspath(f) if not hasattr(f, "write") else f)
    return program


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise ModuleNotFoundError(
            "torch.onnx.export needs the package 'onnx': install it with `pip install onnx`"
        ) from None


def _checked_opset(version) -> int:
    import onnx

    version = DEFAULT_OPSET if version is None else version
    if version < LOWEST_OPSET:
        warnings.warn(
            f"opset_version {version} is too old for this exporter: the model is written with {LOWEST_OPSET}",
            stacklevel=3,
        )
        return LOWEST_OPSET
    if version > onnx.defs.onnx_opset_version():
        raise ValueError(f"opset_version {version}: the installed onnx knows up to {onnx.defs.onnx_opset_version()}")
    return version


def _arguments(args, kwargs) -> tuple[tuple, dict]:
    """The example inputs; a dictionary that ends the tuple holds keyword arguments."""
    args = (args,) if isinstance(args, Tensor) or not isinstance(args, (tuple, list)) else tuple(args)
    kwargs = dict(kwargs or {})
    if args and isinstance(args[-1], dict) and not kwargs:
        *args, kwargs = args
    return tuple(args), kwargs


# ---- the graph -----------------------------------------------------------------------------------------------------


class _ExportTracer(Tracer):
    """Writes down the operations that have a handler, and takes the others apart."""

    def __init__(self, root):
        super().__init__(root, is_leaf)

    def stale_used(self, where: str) -> None:
        raise OnnxExporterError(
            f"the model writes in place into a view of a tensor that it uses later (at {where}): ONNX has no tensors "
            "that share memory; write `x = x.clone()` before, or build the result without the in-place change"
        )

    def value_of(self, tensor: Tensor) -> Value:
        if id(tensor) not in self.values and id(tensor) not in self.weights and tensor.requires_grad:
            self.weights[id(tensor)] = self.unique("weight")  # a parameter that belongs to no module
        return super().value_of(tensor)


def _traced(model, args: tuple, kwargs: dict) -> tuple[Graph, _ExportTracer]:
    root = model if isinstance(model, Module) else None
    function = model._method if isinstance(model, ScriptFunction) else model
    tracer = _ExportTracer(root)
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
    return graph, tracer


def _output_leaves(outputs):
    """The tensors of the outputs, in order; an object with attributes (a dataclass) gives those of its attributes."""
    if hasattr(outputs, "__dict__") and not isinstance(outputs, (Tensor, dict, tuple, list)):
        outputs = vars(outputs)
    return leaves(outputs)


def _names(graph: Graph, input_names, output_names) -> tuple[list[str], list[str]]:
    """The names of the inputs and outputs of the ONNX graph."""
    values = [v for v in leaves(graph.inputs) if isinstance(v, Value)]
    inputs = list(input_names or [])[: len(values)]
    inputs += [v.name for v in values[len(inputs) :]]
    outputs = list(output_names or [])[: len(graph.outputs)]
    taken = {*inputs, *outputs}
    for value in graph.outputs[len(outputs) :]:
        name = value.name
        while name in taken:
            name += "_out"
        taken.add(name)
        outputs.append(name)
    return inputs, outputs


class _Exporter:
    """Runs the handlers over a traced graph."""

    def __init__(self, graph: Graph, tracer, opset: int, dynamic: dict, names):
        self.graph, self.tracer, self.dynamic = graph, tracer, dynamic
        self.inputs, self.outputs = names
        self.builder = Builder(opset)
        self.refs: dict[int, Ref] = {}  # by id of the Value
        self.fixed: dict[int, int] = {}  # sizes that are constant, by id of the Value
        self.input_values = [v for v in leaves(graph.inputs) if isinstance(v, Value)]
        self.builder.used |= {*self.inputs, *self.outputs, *graph.weights}

    def model(self, export_params: bool, keep_initializers_as_inputs: bool):
        for name, value in zip(self.inputs, self.input_values, strict=True):
            self.refs[id(value)] = Ref(name, value.shape, value.dtype, value.example)
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
        handler = handler_of(node.target)
        if handler is None:
            raise UnsupportedOperatorError(f"{node.called or node.target} has no ONNX counterpart here ({place})")
        made = node.made()
        builder.out = made[0] if len(made) == 1 and not isinstance(node.outputs, list) else made
        try:
            results = handler(builder, *self._filled(node.args), **self._filled(node.kwargs))
        except (TypeError, KeyError, AttributeError, IndexError, ValueError) as error:
            raise UnsupportedOperatorError(
                f"{node.target} with these arguments has no ONNX counterpart here ({place}): {error}"
            ) from error
        results = (results,) if isinstance(results, str) else results
        for value, name in zip(made, results, strict=False):
            value.traced = True
            self.refs[id(value)] = Ref(str(name), value.shape, value.dtype, value.example)
        for _, new in node.rebinds:
            value = self.refs.setdefault(id(new), Ref(str(results[0]), new.shape, new.dtype, new.example))

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
        """A size: fixed, unless the dimension is named as dynamic or nobody knows where the tensor has it from."""
        tensor, dim = node.args
        value = node.outputs
        known = tensor in self.input_values and dim not in self.dynamic.get(self.input_values.index(tensor), {})
        if known or not any(self.dynamic.values()) or not self._varies(tensor):
            self.fixed[id(value)] = value.example
            return
        size = self.builder.shape_of(self._ref(tensor), dim, dim + 1)
        self.refs[id(value)] = Ref(size, None, None, value.example)

    def _write_integer(self, node, name: str) -> None:
        operands = [self._ref(v) if isinstance(v, Value) else v for v in node.args]
        value = node.outputs
        if all(isinstance(n, int) for n in operands):
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
        """Sizes of an output: as named; without dynamic dimensions as traced; otherwise open."""
        value, named = self.graph.outputs[index], self.dynamic.get(("output", index), {})
        is_open = any(dims for key, dims in self.dynamic.items() if isinstance(key, int))
        open_sizes = {dim: f"{self.outputs[index]}_dim_{dim}" for dim in range(len(value.shape))} if is_open else {}
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
    import numpy as np

    return np.ascontiguousarray(array).reshape(array.shape)


__all__ = ["export"]
