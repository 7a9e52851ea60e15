"""The nodes of the computation graph.

An op that has to be recorded makes one Node. The node keeps an edge to the node behind each input (`edges`), what its
backward formula needs (`saved_tensors`), and the inputs' shapes and dtypes, so that gradients of broadcast or
promoted operands are summed and cast in one place (`fit`). A leaf is represented by its AccumulateGrad node.
"""

from __future__ import annotations

import itertools
import weakref

from .grad_mode import GRAD, enable_grad

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)

NOTHING = (None, None)  # in `Node.saved`: what backward does not need
next_sequence = itertools.count().__next__


class Node:
    """One recorded operation; `tensor.grad_fn` is one.

    `next_functions` lists (node, output index) for each input, as PyTorch does; `name()` is PyTorch's name.
    """

    __slots__ = ("edges", "sequence", "saved", "inputs", "outputs", "hooks", "__dict__", "__weakref__")
    on_arrays = False  # whether backward consists of operators only, which bare arrays have too
    looks_at = float("inf")  # at how many outputs' gradients backward looks: where they are missing it gets zeros
    output_metas = ()  # of a node that a Function made: (shape, dtype, device) of each output, None for no tensor
    view_outputs = ()  # numbers of the outputs that are views which must not be changed in place
    overload = 0  # which of the op's signatures was called; PyTorch counts them at the end of the node's name

    def __init__(self, edges, inputs=None):
        self.edges = edges  # for each input: None or (node, output index), and for a leaf the leaf, to keep it alive
        self.sequence = next_sequence()
        self.saved = ()
        self.inputs = inputs  # for each input (shape, numpy dtype), or None where no gradient can need fitting
        self.outputs = None  # (shape, dtype) of each output where there are several: missing gradients become zeros
        self.hooks = None

    def __lt__(self, other: Node) -> bool:
        return self.sequence > other.sequence  # in the engine's heap the node recorded last comes first

    def name(self) -> str:
        name = type(self).__name__
        return f"{name[:-1]}{self.overload}" if self.overload else name

    def __repr__(self) -> str:
        return f"<{self.name().rpartition('::')[2]} object at {hex(id(self))}>"

    @property
    def next_functions(self):
        return tuple((None, 0) if edge is None else edge[:2] for edge in self.edges)

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        return tuple([edge is not None for edge in self.edges])

    @property
    def metadata(self) -> dict:
        """Room for notes about this node; anomaly mode keeps the traceback of the forward call here."""
        return self.__dict__.setdefault("_metadata", {})

    def __getattr__(self, name: str):
        """`_saved_self`, `_saved_other`, `_saved_result`: what the op kept for backward, by PyTorch's names."""
        if name in _SAVED_NAMES and self.saved != ():
            wanted = _SAVED_NAMES[name]
            with enable_grad():  # under no_grad some nodes get bare arrays
                tensors = self.saved_tensors
            kinds = [self._is_output(value) for value, _ in self.saved]
            places = [place for place, is_output in enumerate(kinds) if is_output == (wanted is None)]
            if len(places) > (wanted or 0):
                return tensors[places[wanted or 0]]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    @staticmethod
    def _is_output(value) -> bool:
        if type(value) is Packed:
            return value.edge is not None and value.edge[0] is None
        return type(value) is SavedOutput

    # -- what backward needs ------------------------------------------------------------------------------------

    def save_for_backward(self, *values) -> None:
        """Keep inputs (tensors, numbers or None) for backward, with the version that each tensor has now."""
        self.saved = [NOTHING if value is None else kept(value) for value in values]

    @property
    def saved_tensors(self) -> list:
        saved = self.saved
        if saved is None:
            raise RuntimeError(FREED)
        found = []
        bare = self.on_arrays and not GRAD.enabled
        for value, version in saved:
            if version is not None:
                shared = value._shared
                if shared is not None and shared.version != version:
                    _raise_modified(value, version, self)
                if bare:
                    value = value._array
                elif type(value) is SavedOutput:
                    value = value.unpack(self)
            elif type(value) is Packed:
                value = value.unpack(self)
            found.append(value)
        return found

    def save_output(self, out) -> None:
        """Keep the op's own result: without its history, or node and tensor would hold each other for ever."""
        self.saved = [(SavedOutput(out, 0), out._storage.version)]

    def release(self) -> None:
        self.saved = None

    # -- running ------------------------------------------------------------------------------------------------

    def apply(self, grads) -> tuple:
        """The gradients of this node's inputs, given those of its outputs."""
        found = self.backward(*grads)
        if type(found) is not tuple:
            found = (found,)
        inputs = self.inputs
        if inputs is None:
            return found
        return tuple([None if g is None or edge is None else g if meta is None else fit(g, meta)
                      for g, meta, edge in zip(found, inputs, self.edges, strict=True)])  # fmt: skip

    # -- hooks --------------------------------------------------------------------------------------------------

    def register_hook(self, hook):
        """Call `hook(grad_inputs, grad_outputs)` after this node ran; it may return other grad_inputs."""
        return self._hooks().add(self._hooks().after, hook)

    def register_prehook(self, hook):
        """Call `hook(grad_outputs)` before this node runs; it may return other grad_outputs."""
        return self._hooks().add(self._hooks().before, hook)

    def _hooks(self) -> Hooks:
        if self.hooks is None:
            self.hooks = Hooks()
        return self.hooks


def kept(value) -> tuple:
    """An entry of `Node.saved`: a tensor and the version that it has now, or a number."""
    if not hasattr(value, "_shared"):
        return (value, None)
    shared = value._shared
    return (value, 0 if shared is None else shared.version)


class SavedOutput:
    """An output that its own node saved: the numbers, and on unpacking a tensor that is tied to the node again."""

    __slots__ = ("_array", "_shared", "index")

    def __init__(self, out, index: int):
        self._array, self._shared, self.index = out._array, out._storage, index

    @property
    def _storage(self):
        return self._shared

    def unpack(self, node):
        from ..tensor import Tensor, wrap

        out = wrap(self._array, Tensor)
        out._shared = self._shared
        out._node, out._nr, out._requires_grad = node, self.index, True
        return out

    @property
    def shape(self):
        return self._array.shape


class Packed:
    """A saved tensor that a hook of `saved_tensors_hooks` turned into something else; see graph.py."""

    __slots__ = ("made", "unpack_hook", "edge")

    def __init__(self, made, unpack_hook, edge):
        self.made, self.unpack_hook, self.edge = made, unpack_hook, edge

    def unpack(self, node):
        """The tensor that the hook gives back, tied to the history of the one that was saved."""
        from ..tensor import Tensor, wrap

        value = self.unpack_hook(self.made)
        if not isinstance(value, Tensor):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(value).__name__}"
            )
        if node.on_arrays and not GRAD.enabled:
            return value._array
        tied = wrap(value._array, type(value))
        tied._shared = value._storage
        if self.edge is not None:
            tie(tied, self.edge if self.edge[0] is not None else (node, self.edge[1]))
        return tied


def tie(tensor, edge) -> None:
    """Make `edge` the history of a tensor that has none: gradients for it go that way."""
    node = edge[0]
    tensor._requires_grad = True
    if type(node) is AccumulateGrad:
        tensor._accumulator = node
        tensor.__dict__["_stands_for"] = edge  # the leaf lives as long as this stand-in
    else:
        tensor._node, tensor._nr = node, edge[1]


_SAVED_NAMES = {"_saved_self": 0, "_saved_other": 1, "_saved_result": None}  # which saved input, or the output


def _raise_modified(value, expected: int, saver: Node):
    from .. import dtypes

    kind = dtypes.legacy_name(dtypes.from_numpy(value._array.dtype))
    shape = ", ".join(map(str, value._array.shape))
    node, index = (saver, value.index) if type(value) is SavedOutput else (value._node, value._nr)
    where = "" if node is None else f", which is output {index} of {node.name().removesuffix('Backward0')},"
    raise RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{kind}Tensor [{shape}]]{where} is at version {value._storage.version}; expected version {expected} "
        "instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )


def fit(grad, meta):
    """Bring a gradient to its input's shape and dtype: sum what broadcasting repeated, cast what promotion lifted."""
    shape, dtype = meta
    array = grad._array
    if array.dtype is not dtype and array.dtype != dtype:
        if array.dtype.kind == "c" and dtype.kind != "c":
            grad = grad.real
        grad = grad.to(_torch_dtype(dtype))
    return grad if array.shape == shape else unbroadcast(grad, shape)


def unbroadcast(grad, shape: tuple[int, ...]):
    """Sum `grad` over the dimensions that broadcasting `shape` to `grad.shape` added or stretched."""
    from_shape = grad._array.shape
    lead = len(from_shape) - len(shape)
    stretched = [i + lead for i, n in enumerate(shape) if n == 1 and from_shape[i + lead] != 1]
    if not stretched:
        return grad.sum([*range(lead)]) if lead else grad
    grad = grad.sum([*range(lead), *stretched], keepdim=True)
    return grad.reshape(shape) if lead else grad


def _torch_dtype(dtype):
    from .. import dtypes

    return dtypes.from_numpy(dtype)


# ---- leaves ------------------------------------------------------------------------------------------------------


class AccumulateGrad(Node):
    """The end of the graph at a leaf: adds the gradient that arrives into `variable.grad`.

    The leaf owns its node; the node knows the leaf weakly, and the edges of a graph keep the leaf alive.
    """

    __slots__ = ("_variable",)

    def __init__(self, variable):
        super().__init__(())
        self.sequence = _LAST  # leaves run as soon as their gradient is complete
        self._variable = weakref.ref(variable)

    @property
    def variable(self):
        return self._variable()

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"


_LAST = float("inf")


def accumulator_of(tensor) -> AccumulateGrad:
    """The AccumulateGrad node of a leaf."""
    try:
        return tensor._accumulator
    except AttributeError:
        tensor._accumulator = node = AccumulateGrad(tensor)
        return node


def edge_of(tensor):
    """The edge through which a gradient reaches `tensor`, or None where none is needed."""
    if tensor._base is not None:
        tensor._refresh_history()
    node = tensor._node
    if node is not None:
        return (node, tensor._nr)
    return (accumulator_of(tensor), 0, tensor) if tensor._requires_grad else None


# ---- hooks -------------------------------------------------------------------------------------------------------


class RemovableHandle:
    """What registering a hook returns; `remove()` takes the hook off again. Also a context manager."""

    __slots__ = ("_hooks", "_key")
    _next_key = itertools.count().__next__

    def __init__(self, hooks: dict, hook):
        self._key = RemovableHandle._next_key()
        while self._key in hooks:  # a hook that came out of a file
            self._key = RemovableHandle._next_key()
        self._hooks = hooks
        hooks[self._key] = hook

    def remove(self) -> None:
        self._hooks.pop(self._key, None)

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        self.remove()


class Hooks:
    """The hooks of one node: on the gradient of each output (`on_output`), before and after the node runs."""

    __slots__ = ("on_output", "before", "after", "retained")

    def __init__(self):
        self.on_output: dict[int, dict] = {}
        self.before: dict = {}
        self.after: dict = {}
        self.retained: dict[int, weakref.ref] = {}  # outputs whose .grad is kept (retain_grad)

    def add(self, hooks: dict, hook) -> RemovableHandle:
        return RemovableHandle(hooks, hook)
