"""`jit.trace`: from a function or module and example inputs to a program that runs without it."""

from __future__ import annotations

import inspect
import warnings

from .. import testing
from ..autograd.grad_mode import no_grad
from ..nn.modules.module import Module
from ..tensor import Tensor
from .graph import Graph, leaves, replaced
from .modules import ScriptFunction, ScriptModule, TopLevelTracedModule, TracedMethod, TracedModule
from .tracer import Tracer, TracerWarning

_ONLY = "Only Tensors and (possibly nested) Lists, Dicts, and Tuples of Tensors can be traced"
RANDOM = {"alpha_dropout", "bernoulli", "bernoulli_", "dropout", "dropout1d", "dropout2d", "dropout3d",
          "feature_alpha_dropout", "gumbel_softmax", "multinomial", "normal", "normal_", "poisson", "rand", "rand_like",
          "randint", "randint_like", "randn", "randn_like", "randperm", "rrelu", "uniform_"}  # fmt: skip


def trace(func, example_inputs=None, optimize=None, check_trace=True, check_inputs=None, check_tolerance=1e-5,
          strict=True, _force_outplace=False, _module_class=None, _compilation_unit=None, example_kwarg_inputs=None,
          _store_inputs=True):  # fmt: skip
    """trace(func, example_inputs) -> ScriptFunction or ScriptModule

    Run `func` (a function or a Module) on the example inputs and write down the operations it performs. What comes back
    runs these operations: for other values and sizes, but always along the same path. An `if` or a loop over a
    tensor's values keeps the way it took (TracerWarning), also in scripted parts; `torch.jit.script` of the whole keeps
    the decision.

    check_trace: run both once more and warn where they differ by more than `check_tolerance`. strict: refuse lists and
    dictionaries as outputs. `optimize` and names with an underscore are accepted for PyTorch's sake.

    >>> import course_lib as torch
    >>> double = torch.jit.trace(lambda x: x * 2, torch.ones(2))
    >>> double(torch.tensor([1., 2., 3.]))
    tensor([2., 4., 6.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.jit.trace.html
    """
    if isinstance(func, (ScriptModule, ScriptFunction)):
        warnings.warn(
            "The input to trace is already a ScriptModule, tracing it is a no-op. Returning the object as is.",
            stacklevel=2,
        )
        return func
    if isinstance(func, Module):
        inputs = example_kwarg_inputs if example_inputs is None else example_inputs
        return trace_module(func, {"forward": inputs}, optimize, check_trace, _checks(check_inputs), check_tolerance,
                            strict)  # fmt: skip
    args, kwargs = _as_arguments(example_inputs, example_kwarg_inputs)
    graph = traced_graph(func, args, kwargs, name=getattr(func, "__name__", "forward"), strict=strict)
    made = ScriptFunction(getattr(func, "__name__", "forward"), TracedMethod(graph))
    if check_trace:
        _check(
            func, made, graph, [(args, kwargs), *[_as_arguments(i, None) for i in check_inputs or ()]], check_tolerance
        )
    return made


def trace_module(mod, inputs, optimize=None, check_trace=True, check_inputs=None, check_tolerance=1e-5, strict=True,
                 _force_outplace=False, _module_class=None, _compilation_unit=None, example_inputs_is_kwarg=False,
                 _store_inputs=True):  # fmt: skip
    """trace_module(mod, inputs) -> ScriptModule: trace several methods of a module.

    `inputs` gives the example inputs of each method by its name: {"forward": x, "encode": (x, y)}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.jit.trace_module.html
    """
    if not isinstance(mod, Module):
        raise AttributeError("expected torch.nn.Module as the first argument")
    if not isinstance(inputs, dict):
        raise AttributeError("expected a dictionary of (method_name, input) pairs")
    made = _copy_of_tree(mod, TopLevelTracedModule)
    for name, given in inputs.items():
        args, kwargs = _as_arguments(None, given) if isinstance(given, dict) else _as_arguments(given, None)
        method = mod if name == "forward" else getattr(mod, name)
        graph = traced_graph(method, args, kwargs, root=mod, name=name, strict=strict)
        made._methods[name] = TracedMethod(graph, made)
        if check_trace:
            others = [_as_arguments(i[name], None) for i in check_inputs or ()]
            _check(method, made._methods[name], graph, [(args, kwargs), *others], check_tolerance)
    return made


def _checks(inputs):
    return None if inputs is None else [{"forward": given} for given in inputs]


def _as_arguments(inputs, kwargs) -> tuple[tuple, dict]:
    if inputs is None and kwargs is not None:
        if not isinstance(kwargs, dict):
            raise TypeError(f"example_kwarg_inputs should be a dict, not {type(kwargs).__name__}")
        return (), kwargs
    if isinstance(inputs, (Tensor, dict)):
        return (inputs,), {}
    return tuple(inputs), {}


# ---- writing the graph ---------------------------------------------------------------------------------------------


def traced_graph(func, args: tuple, kwargs: dict, root: Module | None = None, name="forward", strict=True) -> Graph:
    """The graph of one call; TypeError, RuntimeError where inputs or outputs are no (nested) tensors."""
    tracer = Tracer(root)
    graph = tracer.graph
    graph.name = name if name.isidentifier() else "forward"
    bound = bind_names(func.forward if isinstance(func, Module) else func, args, kwargs)
    for leaf in leaves(tuple(bound.values())):
        if not isinstance(leaf, Tensor):
            kinds = ", ".join([_kind(value) for value in bound.values()])
            raise RuntimeError(f"Type 'Tuple[{kinds}]' cannot be traced. {_ONLY}")
    fresh = {key: replaced(tree, copy_of_input) for key, tree in bound.items()}
    for key, tree in fresh.items():
        graph.inputs[key] = replaced(tree, lambda tensor, key=key: tracer.value_for(tensor, key, True))
    positional = [fresh[key] for key in list(fresh)[: len(args)]]
    with tracer.tracing():
        outputs = func(*positional, **{key: fresh[key] for key in kwargs})
    _check_outputs(outputs, strict)
    graph.outputs = tracer.lowered(outputs)
    graph.prune()
    for value in graph.values():
        value.example = None  # the graph outlives the tensors of the example
    return graph


def bind_names(func, args: tuple, kwargs: dict) -> dict:
    """The arguments by the names of the function's parameters."""
    try:
        bound = inspect.signature(func).bind(*args, **kwargs).arguments
    except ValueError:  # a builtin without a signature
        bound = {f"input_{i}": value for i, value in enumerate(args)} | kwargs
    found = {}
    for name, value in bound.items():
        kind = inspect.signature(func).parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            found |= {f"{name}_{i}": part for i, part in enumerate(value)}
        elif kind is inspect.Parameter.VAR_KEYWORD:
            found |= value
        else:
            found[name] = value
    return found


def copy_of_input(tensor: Tensor) -> Tensor:
    """A tensor of its own for the trace: the same object may be given twice, and may be written into."""
    copy = tensor.detach().clone()
    return copy.requires_grad_(tensor.requires_grad) if tensor.requires_grad else copy


def _kind(value) -> str:
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__.capitalize()}[{', '.join(map(_kind, value))}]"
    return type(value).__name__


def _check_outputs(outputs, strict: bool) -> None:
    if any(not isinstance(leaf, Tensor) for leaf in leaves(outputs)) or isinstance(outputs, slice):
        raise RuntimeError(
            "Only tensors, lists, tuples of tensors, or dictionary of tensors can be output from traced functions"
        )
    if strict and isinstance(outputs, dict):
        raise RuntimeError(
            "Encountering a dict at the output of the tracer might cause the trace to be incorrect, this is only valid "
            "if the container structure does not change based on the module's inputs. Consider using a constant "
            "container instead (e.g. for `list`, use a `tuple` instead. for `dict`, use a `NamedTuple` instead). If "
            "you absolutely need this and know the side effects, pass strict=False to trace() to allow this behavior."
        )


def _copy_of_tree(module: Module, cls=TracedModule) -> TracedModule:
    """Modules with the same weights and names, and nothing of the classes they came from."""
    made = cls(type(module).__name__)
    made._parameters.update(module._parameters)
    made._buffers.update(module._buffers)
    made._non_persistent_buffers_set.update(module._non_persistent_buffers_set)
    made.training = module.training
    for name, child in module._modules.items():
        made._modules[name] = None if child is None else _copy_of_tree(child)
    return made


# ---- checking ------------------------------------------------------------------------------------------------------


def _check(func, made, graph: Graph, examples, tolerance: float) -> None:
    """Warn where the program and the traced function differ."""
    random = [str(n.made()[0]) for n in graph.nodes if n.target.rpartition(".")[2] in RANDOM and not _is_off(n)]
    if random:
        listed = "\n".join(random)
        warnings.warn(
            f"Trace had nondeterministic nodes. Did you forget call .eval() on your model? Nodes:\n\t{listed}\n"
            "This may cause errors in trace checking. To disable trace checking, pass check_trace=False to "
            "torch.jit.trace()",
            TracerWarning,
            stacklevel=4,
        )
    for args, kwargs in examples:
        with no_grad():
            expected = leaves(func(*replaced(args, copy_of_input), **replaced(kwargs, copy_of_input)))
            got = leaves(made(*replaced(args, copy_of_input), **replaced(kwargs, copy_of_input)))
        for number, (a, b) in enumerate(zip(got, expected, strict=True), 1):
            try:
                testing.assert_close(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
            except AssertionError as error:
                warnings.warn(
                    f"Output nr {number}. of the traced function does not match the corresponding output of the Python "
                    f"function. Detailed error:\n{error}",
                    TracerWarning,
                    stacklevel=4,
                )


def _is_off(node) -> bool:
    """A dropout that does nothing: it was called with training=False."""
    return False in (*node.args, *node.kwargs.values()) and "dropout" in node.target


__all__ = ["trace", "trace_module", "traced_graph"]
