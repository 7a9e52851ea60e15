"""`onnx.export`: trace the model, let each operation's handler write ONNX nodes, put the model together.

The trace keeps sizes symbolic, so that the dimensions named in `dynamic_axes` or `dynamic_shapes` may change later; all
other sizes become constants. Tensors that depend on no input become constants, too.
"""

from __future__ import annotations

import os
import warnings

from ..autograd.grad_mode import no_grad
from ..jit.graph import Graph, Value, leaves
from ..nn.modules.module import Module
from ..tensor import Tensor
from .dynamic import named_dimensions
from .modes import TrainingMode, exporting, select_model_mode_for_export
from .program import ONNXProgram
from .tracing import run_with_larger_sizes, steady_values, traced
from .writer import Writer

DEFAULT_OPSET, LOWEST_OPSET = 20, 13
# Arguments of PyTorch's that change nothing here.
ACCEPTED = {"artifacts_dir", "autograd_inlining", "custom_opsets", "custom_translation_table", "dump_exported_program",
            "export_modules_as_functions", "fallback", "operator_export_type", "optimize", "profile",
            "report"}  # fmt: skip


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
    unknown = accepted.keys() - ACCEPTED
    if unknown:
        raise TypeError(f"export() got an unexpected keyword argument '{min(unknown)}'")
    _require_onnx()
    opset = _checked_opset(opset_version)
    args, kwargs = _arguments(args, kwargs)
    mode = training if isinstance(model, Module) else TrainingMode.PRESERVE
    with select_model_mode_for_export(model, mode), exporting(), no_grad():
        graph = traced(model, args, kwargs)
        if verbose:
            print(graph)
        names = _names(graph, input_names, output_names)
        dynamic = named_dimensions(graph.inputs, names, dynamic_axes, dynamic_shapes)
        again = dynamic and mode is not TrainingMode.TRAINING
        larger = run_with_larger_sizes(model, args, kwargs, graph, dynamic) if again else None
        writer = Writer(graph, opset, dynamic, names, steady_values(graph, larger))
        proto = writer.model(export_params, keep_initializers_as_inputs)
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


# ---- names ---------------------------------------------------------------------------------------------------------


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


__all__ = ["export"]
