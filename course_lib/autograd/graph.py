"""torch.autograd.graph: looking at the recorded graph, and deciding how saved tensors are kept.

`saved_tensors_hooks(pack, unpack)` replaces each tensor that a node saves by what `pack` makes of it; when backward
asks for the tensor, `unpack` must give it back. Offloading, compression and checkpointing are built from this.
"""

from __future__ import annotations

import contextlib
import functools
from typing import NamedTuple

from ..tensor import Tensor
from .engine import RUNNING
from .grad_mode import no_grad
from .node import Node, Packed, RemovableHandle, SavedOutput, edge_of
from .watch import SAVED_TENSORS, watch

_active: list = []  # (pack, unpack) of every block we are in, the innermost last
_forbidden: list[str] = []  # the message of every disable_saved_tensors_hooks block we are in


class saved_tensors_hooks:
    """Inside the block each tensor saved for backward goes through `pack_hook`, and later through `unpack_hook`.

    `pack_hook(tensor)` may return anything; `unpack_hook` gets that and returns a tensor with the same values.

    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.graph.saved_tensors_hooks
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        if _forbidden:
            raise RuntimeError(_forbidden[-1])
        _active.append((self.pack_hook, self.unpack_hook))
        watch(SAVED_TENSORS, _pack_saved)

    def __exit__(self, *exception) -> None:
        _active.pop()
        watch(SAVED_TENSORS, _pack_saved if _active else None)


def _pack_saved(node) -> None:
    """Send every tensor that `node` has saved through the innermost pack hook."""
    if not node.saved:
        return
    pack, unpack = _active[-1]
    saved = []
    for value, version in node.saved:
        if version is None:
            saved.append((value, version))
        elif type(value) is SavedOutput:
            edge = (None, value.index)  # None: the node itself, which must not hold itself
            saved.append((Packed(_packed(pack, value.unpack(node)), unpack, edge), None))
        else:
            saved.append((Packed(_packed(pack, value), unpack, edge_of(value)), None))
    node.saved = saved


def _packed(pack, tensor):
    version = tensor._storage.version
    with no_grad():
        made = pack(tensor)
    if tensor._storage.version != version:
        raise RuntimeError(
            "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook can not "
            "be modified by in-place operations as this can lead to unexpected side-effects. Please open an issue if "
            "you need to perform in-place operations on the input to a pack hook."
        )
    return made


class save_on_cpu(saved_tensors_hooks):
    """Keeps what backward needs in the CPU's memory, and copies it back to its device when it is needed.

    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.graph.save_on_cpu
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda"):
        def pack_to_cpu(tensor):
            return tensor.device, tensor.cpu()

        def unpack_from_cpu(packed):
            device, tensor = packed
            return tensor.to(device)

        super().__init__(pack_to_cpu, unpack_from_cpu)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str):
    """Inside the block, entering `saved_tensors_hooks` raises a RuntimeError with this message."""
    if _active:
        raise RuntimeError(error_message)
    _forbidden.append(error_message)
    try:
        yield
    finally:
        _forbidden.pop()


class _MutationAllowed(saved_tensors_hooks):
    """Keeps a copy of each saved tensor, made when it is saved, so that later in-place changes do no harm."""

    def __init__(self):
        super().__init__(Tensor.clone, lambda copy: copy)

    def clear(self) -> None:
        """Nothing is kept here: the copies belong to the nodes."""


@contextlib.contextmanager
def allow_mutation_on_saved_tensors():
    """Inside the block, tensors that backward needs may be changed in place afterwards.

    Each saved tensor is copied when it is saved (PyTorch copies it when it is changed), which costs memory but gives
    the same gradients.

    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.graph.allow_mutation_on_saved_tensors
    """
    with (context := _MutationAllowed()):
        yield context


# ---- the graph ---------------------------------------------------------------------------------------------------


class GradientEdge(NamedTuple):
    """The place in the graph at which a gradient arrives: a node and the number of its output."""

    node: Node
    output_nr: int
    ownership_token: object = None

    _base = None  # what `edge_of` asks a tensor for, so that an edge can stand for one
    _node = property(lambda self: self.node)
    _nr = property(lambda self: self.output_nr)
    requires_grad = True


def get_gradient_edge(tensor) -> GradientEdge:
    """The edge through which the gradient of `tensor` flows; `backward` and `grad` take it in place of the tensor.

    RuntimeError for a tensor that does not require grad.
    """
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node, index, *owner = edge_of(tensor)
    return GradientEdge(node, index, *owner)


def increment_version(tensor) -> None:
    """Tell autograd that the tensor (or each of them) was changed in place by something it cannot see."""
    for each in (tensor,) if isinstance(tensor, Tensor) else tensor:
        each._storage.version += 1


def register_multi_grad_hook(tensors, fn, *, mode: str = "all"):
    """Call `fn` when the gradients of all `tensors` (mode "all") or of the first of them ("any") were computed.

    With "all" it gets one list with the gradients (None where none came), with "any" the first gradient.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    tensors = tuple(tensors)
    state = {"run": None, "expected": 0, "grads": []}

    def arrived(index: int, grad) -> None:
        if state["run"] is not RUNNING.nodes:  # the first gradient of a backward
            waiting, roots = state["run"] = RUNNING.nodes
            nodes = [edge_of(t)[0] for t in tensors]
            state["expected"] = sum(node in waiting or node in roots for node in nodes)
            state["grads"] = [None] * len(tensors)
            if mode == "any":
                fn(grad)
        state["grads"][index] = grad
        state["expected"] -= 1
        if state["expected"] == 0:
            grads, state["grads"], state["run"] = state["grads"], [], None
            if mode == "all":
                fn(grads)

    handles = [t.register_hook(functools.partial(arrived, index)) for index, t in enumerate(tensors)]
    return _MultiHandle(handles)


class _MultiHandle(RemovableHandle):
    __slots__ = ("_handles",)

    def __init__(self, handles):
        self._handles = handles

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()


__all__ = ["GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks",
           "get_gradient_edge", "increment_version", "register_multi_grad_hook", "save_on_cpu",
           "saved_tensors_hooks"]  # fmt: skip
