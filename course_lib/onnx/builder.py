"""From a traced graph to an ONNX graph: each node's handler writes ONNX nodes with a `Builder`.

A handler is a function of the builder and of the call's own arguments, registered under the operation's name; in the
place of a tensor or of a size that depends on one it gets a `Ref`, which names an ONNX value. It returns the name (or
names) of its result. Sizes are one-dimensional tensors with one element, so that they can be strung together to shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import call_watch, dtypes
from ..jit.graph import leaves
from ..ops import OPS
from .errors import OnnxExporterError

HANDLERS: dict[str, object] = {}
_SHARED = {"torch", "nn.functional", "Tensor"}  # namespaces whose equal names mean the same operation


def handles(*names: str):
    """Register a handler: "relu" is torch.relu, nn.functional.relu, Tensor.relu and Tensor.relu_, but "linalg.norm"."""

    def register(function):
        HANDLERS.update(dict.fromkeys(names, function))
        return function

    return register


def handler_of(target: str):
    """The handler of an operation, or None."""
    namespace, _, name = target.rpartition(".")
    if namespace not in _SHARED or target in HANDLERS:
        return HANDLERS.get(target)
    if name in call_watch.SUBSCRIPTS:
        return HANDLERS[name]
    return HANDLERS.get(name) or HANDLERS.get(name.rstrip("_"))


def is_leaf(target: str) -> bool:
    """Whether a call becomes a node: it has a handler, or consists of nothing simpler."""
    namespace, _, name = target.rpartition(".")
    return handler_of(target) is not None or namespace == "ops" or name.rstrip("_") in OPS


class OpenSize(int):
    """A size of the example that changes with an open dimension: no number of the ONNX graph may be made from it."""


def _open_operator(name: str):
    plain = getattr(int, name)

    def method(self, *others):
        result = plain(self, *others)
        return OpenSize(result) if type(result) is int else result

    return method


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    setattr(OpenSize, f"__{_name}__", _open_operator(f"__{_name}__"))
    setattr(OpenSize, f"__r{_name}__", _open_operator(f"__r{_name}__"))
OpenSize.__neg__ = _open_operator("__neg__")


@dataclass(eq=False)
class Ref:
    """A value of the ONNX graph; shape and dtype are those of the traced example. A size has no shape."""

    name: str
    shape: tuple[int, ...] | None
    dtype: dtypes.dtype
    example: object = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        return self.name


class Builder:
    """The ONNX graph under construction, and the parts that many handlers need."""

    def __init__(self, opset: int):
        import onnx

        self.onnx, self.opset = onnx, opset
        self.nodes: list = []
        self.initializers: dict[str, np.ndarray] = {}
        self.used: set[str] = set()
        self.where = ""  # the place in the model that is being exported
        self.out = None  # the traced result of the current node: a Value, or a list of them
        self._constants: dict = {}

    # -- nodes --------------------------------------------------------------------------------------------------

    def unique(self, name: str) -> str:
        made, count = name, 0
        while made in self.used:
            count += 1
            made = f"{name}_{count}"
        self.used.add(made)
        return made

    def op(self, kind: str, *inputs, outputs: int = 1, **attributes):
        """Add a node; returns the name of its result (a list of names for several). None is an input left out."""
        self._check_operator(kind)
        names = [self.unique(kind.lower()) for _ in range(outputs)]
        attributes = {key: value for key, value in attributes.items() if value is not None}
        self._check_fixed(attributes)
        given = ["" if i is None else str(self.name_of(i)) for i in inputs]
        while given and not given[-1]:  # onnxruntime's optimizer does not survive a named nothing at the end
            given.pop()
        node = self.onnx.helper.make_node(kind, given, names, name=self.unique(f"node_{kind}"), **attributes)
        if self.where:
            node.doc_string = self.where
        self.nodes.append(node)
        return names[0] if outputs == 1 else names

    def _check_fixed(self, numbers) -> None:
        """Refuse what holds for the example's sizes only."""
        if not isinstance(numbers, np.ndarray) and any(isinstance(n, OpenSize) for n in leaves(numbers)):
            self.refuse(
                "this operation is written with sizes of the example, which depend on an open dimension: leave the "
                "dimension fixed"
            )

    def _check_operator(self, kind: str) -> None:
        """Refuse an operator that came later than the chosen opset."""
        try:
            self.onnx.defs.get_schema(kind, self.opset, "")
        except self.onnx.defs.SchemaError:
            since = min(s.since_version for s in self.onnx.defs.get_all_schemas_with_history() if s.name == kind)
            self.refuse(f"ONNX has {kind} since opset_version {since}, not in {self.opset}")

    def name_of(self, value) -> str:
        """The ONNX name of a Ref, or of a Python number or array as constant."""
        if isinstance(value, (Ref, str)):
            return str(value)
        return self.constant(value)

    def constant(self, value, dtype=None) -> str:
        """An initializer with this value; integers are int64, floats float32, unless `dtype` says otherwise."""
        self._check_fixed(value)
        array = np.asarray(value, None if dtype is None else dtype.numpy)
        if dtype is None and array.dtype.kind in "fi":
            array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
        key = array.dtype.str, array.shape, array.tobytes()
        if array.size > 64:
            return self.initializer("constant", array)
        if key not in self._constants:
            self._constants[key] = self.initializer("constant", array)
        return self._constants[key]

    def initializer(self, name: str, array) -> str:
        name = self.unique(name)
        self.initializers[name] = array
        return name

    def type_of(self, dtype: dtypes.dtype) -> int:
        return self.onnx.helper.np_dtype_to_tensor_dtype(dtype.numpy)

    def refuse(self, why: str):
        raise OnnxExporterError(f"{why} ({self.where})" if self.where else why)

    def call(self, name: str, *args, **kwargs):
        """What another handler makes of these arguments."""
        return HANDLERS[name](self, *args, **kwargs)

    # -- dtypes and numbers -------------------------------------------------------------------------------------

    def cast(self, value, dtype: dtypes.dtype) -> str:
        """A Ref, name or number as a tensor of that dtype."""
        if isinstance(value, Ref):
            if value.shape is None:
                return self.op("Cast", self.scalar(value), to=self.type_of(dtype))
            return value.name if value.dtype is dtype else self.op("Cast", value, to=self.type_of(dtype))
        if isinstance(value, str):
            return self.op("Cast", value, to=self.type_of(dtype))
        return self.constant(value, dtype)

    def pair(self, a, b) -> tuple[str, str]:
        """Two operands brought to the dtype in which they meet."""
        from .. import result_type

        dtype = result_type(*[x.example if isinstance(x, Ref) else x for x in (a, b)])
        return self.cast(a, dtype), self.cast(b, dtype)

    # -- shapes -------------------------------------------------------------------------------------------------

    def scalar(self, size) -> str:
        """A size as a 0-dim int64 tensor."""
        if isinstance(size, Ref) and size.shape is None:
            return self.op("Squeeze", size, self.constant([0]))
        return self.name_of(size)

    def ints(self, sizes) -> str:
        """Whole numbers, some of them sizes of tensors, as one int64 tensor."""
        sizes = [sizes] if isinstance(sizes, (int, Ref)) else list(sizes)
        self._check_fixed(sizes)
        if all(isinstance(n, int) for n in sizes):
            return self.constant(np.asarray(sizes, np.int64))
        parts = [n if isinstance(n, Ref) and n.shape is None else self.constant([n]) if isinstance(n, int) else
                 self.op("Reshape", self.cast(n, dtypes.int64), self.constant([1])) for n in sizes]  # fmt: skip
        return parts[0].name if len(parts) == 1 and isinstance(parts[0], Ref) else self.op("Concat", *parts, axis=0)

    def shape_of(self, value, start: int = 0, end: int | None = None) -> str:
        """The sizes of some dimensions, as an int64 tensor."""
        if self.opset >= 15:
            return self.op("Shape", value, start=start or None, end=end)
        whole = self.op("Shape", value)
        return self.op("Slice", whole, self.constant([start]), self.constant([1 << 62 if end is None else end]))

    def reshape(self, value, sizes) -> str:
        return self.op("Reshape", value, sizes if isinstance(sizes, str) else self.ints(sizes))

    def unsqueeze(self, value, *dims: int) -> str:
        return self.op("Unsqueeze", value, self.constant(list(dims)))

    def squeeze(self, value, *dims: int) -> str:
        return self.op("Squeeze", value, self.constant(list(dims)))

    def transpose(self, value, order) -> str:
        return self.op("Transpose", value, perm=list(order)) if list(order) else self.name_of(value)

    def reduce(self, kind: str, value, dims, keepdim: bool = False) -> str:
        """ReduceSum, ReduceMean, …: over `dims`, or over all where that is None or empty."""
        keepdims = int(keepdim)
        if not dims:
            return self.op(kind, value, keepdims=keepdims)
        if self.opset >= 18 or kind == "ReduceSum":
            return self.op(kind, value, self.constant(list(dims)), keepdims=keepdims)
        return self.op(kind, value, axes=list(dims), keepdims=keepdims)


def dims_of(x: Ref, dim) -> list[int]:
    """`dim` as PyTorch takes it (None, a number, several) as a list counted from the front; empty for all."""
    if dim is None:
        return []
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    return [d % x.ndim if x.ndim else 0 for d in dims] if x.ndim else []
